package fee

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
)

const (
	// gateBlocks is over how many blocks it is judged whether we see what miners
	// see.
	gateBlocks = 6
	// keptBlocks is how many summaries are kept: those of the longest target.
	keptBlocks = 144
	// seenShare is how much of the room in blocks must be accounted for.
	seenShare = 75 // per cent
)

// mined is the summary of one block.
type mined struct {
	hash    chainhash.Hash
	at      time.Time // when we read it
	watched bool      // a snapshot was taken before it came
	unseen  int64     // weight of transactions that stood in no snapshot of ours
	rate    int64     // the rate above which three quarters of the block paid
}

// summarise reads a block with the snapshots around it. Room that was left empty
// counts as rate 0 and as seen: nobody had to outbid anything for it.
func summarise(b Block, after, before snapshot, watched bool, now time.Time) mined {
	m := mined{hash: b.Hash, at: now, watched: watched}
	paid := make([]waiting, 0, len(b.Txs))
	var filled int64
	for _, tx := range b.Txs {
		weight := min(max(tx.Weight, 0), maxBlockWeight)
		filled += weight
		if seen, ok := find(tx.TxID, after, before); ok {
			paid = append(paid, waiting{rate: seen.rate, weight: weight})
		} else {
			m.unseen += weight
		}
	}
	if empty := blockRoom - filled; empty > 0 {
		paid = append(paid, waiting{weight: empty})
	}
	m.rate = percentile(paid, 25)
	return m
}

// percentile is the rate below which that many per cent of the weight lie; 0 of
// nothing.
func percentile(paid []waiting, percent int64) int64 {
	slices.SortFunc(paid, func(a, b waiting) int { return cmp.Compare(a.rate, b.rate) })
	var total, below int64
	for _, p := range paid {
		total += p.weight
	}
	for _, p := range paid {
		below += p.weight
		if below*100 >= total*percent {
			return p.rate
		}
	}
	return 0
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

// unseenShare is how much of the room in the last blocks went to transactions
// that stood in no snapshot, in per cent, and over how many blocks.
func (h *history) unseenShare(onlyWatched bool) (percent int64, of int) {
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
	return unseen * 100 / (int64(of) * blockRoom), of
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
	if unseen, _ := h.unseenShare(false); 100-unseen < seenShare {
		return rates, fmt.Sprintf("Of the last blocks' room %d %% went to transactions that were not in our mempool; %d %% may at most.", unseen, 100-seenShare)
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
	percent := 50
	switch {
	case target >= 144:
		percent = 10
	case target >= 36:
		percent = 25
	}
	return rates[(len(rates)-1)*percent/100]
}
