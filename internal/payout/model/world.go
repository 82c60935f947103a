package model

import "math/bits"

// Sets are bit masks, because a history has to cost microseconds.
type (
	txSet   uint64
	coinSet uint64
	paySet  uint8
)

const (
	payments = 4  // approved payments of a history
	maxTxs   = 64 // transactions, ours and foreign ones
	maxCoins = 64

	// room is where commands stop to make transactions; what is left is for the end
	// of the history, in which everything has to be paid.
	room = 38
)

func txBit(id uint8) txSet     { return 1 << id }
func coinBit(id uint8) coinSet { return 1 << id }
func payBit(d int) paySet      { return 1 << d }

// lowest returns the lowest member of a set that is not empty.
func lowest[S txSet | coinSet](s S) uint8 { return uint8(bits.TrailingZeros64(uint64(s))) } //nolint:gosec // at most 64

// tx is a transaction. Two requests for the same inputs, payments, fee and change
// index are the same transaction, as they have the same txid.
type tx struct {
	ins      coinSet
	pays     paySet
	number   uint8 // change index; unused for deposits and foreign spends
	deposit  bool
	foreign  bool
	released bool  // signatures left the signer
	coin     uint8 // that it makes for the treasury; none: noCoin
	fee      int32
}

const noCoin = 0xff

type coin struct {
	sat     int32
	by      uint8 // transaction that makes it
	deposit bool
}

// block knows its parent and everything that the chain up to it did, so a view of
// the chain is the number of a block, and so are a snapshot and a fork.
type block struct {
	parent int32
	jump   int32 // block at the next lower multiple of stride
	height int32
	n      uint8
	txs    [3]uint8

	has   txSet   // transactions up to here
	made  coinSet // coins made up to here
	spent coinSet // coins spent up to here
	paid  paySet
	sat   int32 // worth of the treasury's unspent coins
}

// world is what nobody can roll back: the transactions that exist, every block
// that was ever found, and the best chain.
type world struct {
	txs   [maxTxs]tx
	nTxs  uint8
	coins [maxCoins]coin
	nCoin uint8

	blocks []block
	best   int32 // tip of the best chain

	loose   txSet // whatever the network knows: it may mine each of them at any time
	revoked txSet // deposits whose senders have spent the money elsewhere
}

func (w *world) reset() {
	*w = world{blocks: w.blocks[:0]}
	w.blocks = append(w.blocks, block{})
}

const stride = 8

// at returns the block at height on the chain below tip; tip itself when that is
// not higher.
func (w *world) at(tip, height int32) int32 {
	for {
		b := &w.blocks[tip]
		switch {
		case b.height <= height:
			return tip
		case (b.height-1)/stride*stride >= height:
			tip = b.jump
		default:
			tip = b.parent
		}
	}
}

// deep returns the block that has depth confirmations on the chain below tip: all
// that it has is at least so deep. Genesis, which has nothing, stands in when
// the chain is too short.
func (w *world) deep(tip, depth int32) *block {
	return &w.blocks[w.at(tip, max(w.blocks[tip].height-depth+1, 0))]
}

// above reports whether tip's chain holds b.
func (w *world) above(tip, b int32) bool { return w.at(tip, w.blocks[b].height) == b }

// valid reports whether a block on top of b may hold t.
func (w *world) valid(b *block, t uint8) bool {
	x := &w.txs[t]
	return b.has&txBit(t) == 0 && x.ins&^b.made == 0 && x.ins&b.spent == 0 && w.revoked&txBit(t) == 0
}

// found adds a block on top of parent with those of txs that are valid there, and
// says whether it pays somebody a second time.
func (w *world) found(parent int32, txs []uint8) (b int32, twice bool) {
	below := w.blocks[parent]
	next := below
	next.parent, next.height, next.n = parent, below.height+1, 0
	if below.height%stride == 0 {
		next.jump = parent
	}
	for _, t := range txs {
		if int(next.n) == len(next.txs) || !w.valid(&next, t) {
			continue
		}
		x := &w.txs[t]
		twice = twice || next.paid&x.pays != 0
		next.txs[next.n] = t
		next.n++
		next.has |= txBit(t)
		next.spent |= x.ins
		next.paid |= x.pays
		next.sat -= w.worth(x.ins)
		if x.coin != noCoin {
			next.made |= coinBit(x.coin)
			next.sat += w.coins[x.coin].sat
		}
	}
	w.blocks = append(w.blocks, next)
	return int32(len(w.blocks) - 1), twice //nolint:gosec // a history has a few hundred blocks
}

func (w *world) worth(s coinSet) int32 {
	var sum int32
	for ; s != 0; s &= s - 1 {
		sum += w.coins[lowest(s)].sat
	}
	return sum
}

// amount of a payment in satoshi; different ones, so that books cannot mix them up.
func amount(d int) int32 { return 1000 + 100*int32(d) } //nolint:gosec // four payments

func total(p paySet) int32 {
	var sum int32
	for d := range payments {
		if p&payBit(d) != 0 {
			sum += amount(d)
		}
	}
	return sum
}

// mint makes a deposit, which the network then knows.
func (w *world) mint(sat int32) uint8 {
	t, c := w.nTxs, w.nCoin
	w.nTxs++
	w.nCoin++
	w.coins[c] = coin{sat: sat, by: t, deposit: true}
	w.txs[t] = tx{deposit: true, coin: c}
	w.loose |= txBit(t)
	return t
}

// steal makes a foreign transaction that spends coins of the treasury.
func (w *world) steal(ins coinSet) uint8 {
	t := w.nTxs
	w.nTxs++
	w.txs[t] = tx{ins: ins, foreign: true, coin: noCoin}
	w.loose |= txBit(t)
	return t
}

// full reports whether n more transactions do not fit any more.
func (w *world) full(n int) bool { return int(w.nTxs)+n > maxTxs || int(w.nCoin)+n > maxCoins }

// draft returns the transaction with these parts, which is a new one only if no
// transaction has the same.
func (w *world) draft(ins coinSet, pays paySet, fee int32, number uint8) (uint8, bool) {
	change := w.worth(ins) - total(pays) - fee
	if change < 0 || w.full(1) {
		return 0, false
	}
	for t := range w.nTxs {
		if x := &w.txs[t]; x.ins == ins && x.pays == pays && x.fee == fee && x.number == number && !x.deposit &&
			!x.foreign {
			return t, true
		}
	}
	t := w.nTxs
	w.nTxs++
	x := tx{ins: ins, pays: pays, number: number, coin: noCoin, fee: fee}
	if change > 0 {
		x.coin = w.nCoin
		w.coins[w.nCoin] = coin{sat: change, by: t}
		w.nCoin++
	}
	w.txs[t] = x
	return t, true
}

// node is what our own node shows: a tip, which may be an old one or one of a
// stale branch, and a memory that it loses.
type node struct {
	tip     int32
	mempool txSet
}

// tell hands t to our node, which takes it by the rules of replacement or refuses.
// Nothing that it says is evidence.
func (n *node) tell(w *world, t uint8) {
	x := &w.txs[t]
	b := w.blocks[n.tip]
	if b.has&txBit(t) != 0 || n.mempool&txBit(t) != 0 {
		return
	}
	made := b.made
	var rivals txSet
	for m := n.mempool; m != 0; m &= m - 1 {
		other := &w.txs[lowest(m)]
		if other.coin != noCoin {
			made |= coinBit(other.coin)
		}
		if other.ins&x.ins != 0 {
			if other.fee >= x.fee {
				return
			}
			rivals |= txBit(lowest(m))
		}
	}
	if x.ins&^made != 0 || x.ins&b.spent != 0 {
		return
	}
	n.mempool = n.mempool&^rivals | txBit(t)
}

// see moves the node to tip and drops what can no longer be mined there.
func (n *node) see(w *world, tip int32) {
	n.tip = tip
	b := &w.blocks[tip]
	for m := n.mempool; m != 0; m &= m - 1 {
		t := lowest(m)
		if b.has&txBit(t) != 0 || w.txs[t].ins&b.spent != 0 {
			n.mempool &^= txBit(t)
		}
	}
}
