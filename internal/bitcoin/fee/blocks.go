package fee

import (
	"fmt"
	"slices"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
)

const (
	// gateBlocks is over how many blocks it is judged whether we see what miners
	// see.
	gateBlocks = 6
	// keptBlocks is how many summaries are kept: those of the longest target.
	keptBlocks = 144
	// seenPermille is how much of the room in blocks must be accounted for.
	seenPermille = 750
	// passes is how many blocks may pass a transaction over before it is not
	// counted any more: one may have been found before its miner heard of it.
	passes = 2
	// blockInterval is how far apart blocks are meant to be, and paceBlocks how many
	// of ours it weighs as much as.
	blockInterval = 10 * time.Minute
	paceBlocks    = 72
	// usualMost is the most that is usual, 100,000 sat/vB.
	usualMost = 100_000_000
)

// mined is the summary of one block.
type mined struct {
	hash    chainhash.Hash
	at      time.Time // when we read it
	watched bool      // a snapshot was taken before it came
	unseen  int64     // weight of transactions that stood in no snapshot of ours
	passed  int64     // weight that stood in a snapshot of ours and was left for what pays less
	wasted  int64     // weight of the room that was left while somebody waited for it
	rate    int64     // the rate above which three quarters of the block paid
}

// summarise reads a block with the snapshots around it, and marks in after what
// was passed over. Room that was left counts at what those offer who waited for it,
// and else as rate 0: nobody had to outbid anything for it. What the transactions
// paid that we know of comes with it.
func summarise(b Block, after, before snapshot, watched bool, now time.Time) (mined, []waiting) {
	m := mined{hash: b.Hash, at: now, watched: watched}
	seen := make([]waiting, 0, len(b.Txs))
	taken := make(map[chainhash.Hash]struct{}, len(b.Txs))
	var filled int64
	for _, tx := range b.Txs {
		weight := min(max(tx.Weight, 0), maxBlockWeight)
		filled += weight
		taken[tx.TxID] = struct{}{}
		if known, ok := find(tx.TxID, after, before); ok {
			seen = append(seen, waiting{rate: known.rate, weight: weight})
		} else {
			m.unseen += weight
		}
	}
	room := slices.Clone(seen)
	empty := max(blockRoom-filled, 0)
	if watched {
		left := before.left(taken)
		m.passed = after.pass(left, quarterBelow(seen))
		for _, tx := range left {
			weight := min(tx.weight, empty-m.wasted)
			room = append(room, waiting{rate: tx.rate, weight: weight})
			m.wasted += weight
		}
	}
	room = append(room, waiting{weight: empty - m.wasted})
	m.rate = percentile(room, 25)
	return m, seen
}

// history is the last blocks of the best chain, oldest first.
type history struct{ blocks []mined }

// place is where a block stands; -1 when it is none of ours.
func (h *history) place(hash chainhash.Hash) int {
	return slices.IndexFunc(h.blocks, func(m mined) bool { return m.hash == hash })
}

// cut drops all above a block, which a reorganisation took away; all of them when
// the block is none of ours.
func (h *history) cut(hash chainhash.Hash) {
	h.blocks = h.blocks[:h.place(hash)+1]
}

func (h *history) add(m mined) {
	h.blocks = append(h.blocks, m)
	if len(h.blocks) > keptBlocks {
		h.blocks = slices.Delete(h.blocks, 0, 1)
	}
}

func (h *history) last(n int) []mined {
	return h.blocks[max(0, len(h.blocks)-n):]
}

// usual is what blocks have asked for on average, as far back as we know, and never
// less than floor; the most there is when we know of none.
func (h *history) usual(floor int64) int64 {
	var sum, of int64
	for _, m := range h.blocks {
		if m.unseen*1000 <= (1000-seenPermille)*blockRoom {
			sum += min(max(m.rate, floor), usualMost)
			of++
		}
	}
	if of == 0 {
		return usualMost
	}
	return sum / of
}

// pace is how far apart blocks are that serve those who wait, going by those that
// we watched: one of which half was left empty while somebody waited counts half.
// Few of them say little.
func (h *history) pace(now time.Time) time.Duration {
	first := len(h.blocks)
	for first > 0 && h.blocks[first-1].watched {
		first--
	}
	over, blocks := time.Duration(paceBlocks)*blockInterval, float64(paceBlocks)
	for i, m := range h.blocks[first:] {
		if i == 0 {
			over += now.Sub(m.at)
			continue
		}
		blocks += 1 - float64(m.wasted)/blockRoom
	}
	return time.Duration(float64(over) / blocks)
}

// unseenPermille is how much of the room in the last blocks went to transactions
// that stood in no snapshot, and over how many blocks.
func (h *history) unseenPermille(onlyWatched bool) (permille int64, of int) {
	var unseen int64
	for _, m := range h.last(gateBlocks) {
		if m.watched || !onlyWatched {
			unseen += m.unseen
			of++
		}
	}
	if of == 0 {
		return 0, 0
	}
	return unseen * 1000 / (int64(of) * blockRoom), of
}

// passedPermille is how much of the room in the last blocks that we watched went to
// what pays less than others that we had seen waiting for it.
func (h *history) passedPermille() int64 {
	var passed, of int64
	for _, m := range h.last(gateBlocks) {
		if m.watched {
			passed += min(m.passed, blockRoom)
			of += blockRoom
		}
	}
	if of == 0 {
		return 0
	}
	return passed * 1000 / of
}

// vote is the median of what the last six blocks took, and for longer targets the
// lower part of more blocks, since one of them will do. The text says why it may
// not be used.
func (h *history) vote(targets []int) ([]int64, string) {
	if len(h.blocks) == 0 {
		return nil, "No block has been read yet."
	}
	rates := make([]int64, len(targets))
	for i, target := range targets {
		rates[i] = h.taken(target)
		if i > 0 {
			rates[i] = min(rates[i], rates[i-1])
		}
	}
	if unseen, _ := h.unseenPermille(false); 1000-unseen < seenPermille {
		return rates, fmt.Sprintf(
			"Of the last blocks' room %s %% went to transactions that were not in our mempool; %s %% may at most.",
			money.FormatPermille(unseen),
			money.FormatPermille(1000-seenPermille),
		)
	}
	return rates, ""
}

func (h *history) taken(target int) int64 {
	blocks := h.last(max(gateBlocks, target))
	rates := make([]int64, len(blocks))
	for i, m := range blocks {
		rates[i] = m.rate
	}
	slices.Sort(rates)
	permille := 500
	switch {
	case target >= 144:
		permille = 100
	case target >= 36:
		permille = 250
	}
	return rates[(len(rates)-1)*permille/1000]
}
