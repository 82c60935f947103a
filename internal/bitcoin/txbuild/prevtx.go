package txbuild

import (
	"bytes"
	"cmp"
	"math/bits"
	"slices"
	"strconv"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"

	"github.com/causeway-fund/causeway/internal/errs"
)

// maxLoadTries bounds the search for the transactions that bring the most.
const maxLoadTries = 10_000

// load is a transaction that coins come from: what it adds to the bytes that a
// signer has to see, and what its coins bring beyond the fee of spending them.
type load struct {
	txid  chainhash.Hash
	size  int
	worth btcutil.Amount
}

// loads counts what coins were made by, each transaction once.
type loads map[chainhash.Hash]*load

func (l loads) add(c Coin, worth btcutil.Amount) {
	of := l[c.OutPoint.Hash]
	if of == nil {
		of = &load{txid: c.OutPoint.Hash}
		if c.PrevTx != nil {
			of.size = c.PrevTx.SerializeSizeStripped()
		}
		l[c.OutPoint.Hash] = of
	}
	of.worth += worth
}

// PrevTxBytes is how many bytes the transactions that made coins have together,
// each counted once and without its witnesses.
func PrevTxBytes(coins []Coin) int {
	l, size := loads{}, 0
	for _, c := range coins {
		l.add(c, 0)
	}
	for _, of := range l {
		size += of.size
	}
	return size
}

// found is a choice with what it spends and how it stands among others.
type found struct {
	choice
	coins []Coin
	rank  rank
}

// within selects coins of the pool. Strangers decide how large the transactions are
// that pay us, so where the choice would need more of them than a signer can be
// shown, it is made again among coins whose transactions fit, all of them together.
// The error says why nothing will do.
func (p *pool) within(r Request) (found, error) {
	limit := cmp.Or(r.MaxPrevTxBytes, MaxPrevTxBytes)
	if size := PrevTxBytes(p.must); size > limit {
		return found{}, prevTxsTooLarge(size, limit)
	}
	c, ok, priced, cheapest := p.best(p.candidates(stream(r.Seed, "coins")))
	if !ok {
		return found{}, p.refusal(priced, cheapest)
	}
	coins := p.coins(c.pick)
	size := PrevTxBytes(coins)
	if size <= limit {
		return found{c, coins, p.rank(c)}, nil
	}
	for _, kept := range p.carried(limit) {
		q := p.among(kept)
		if c, ok, _, _ := q.best(q.candidates(stream(r.Seed, "coins"))); ok {
			return found{c, q.coins(c.pick), q.rank(c)}, nil
		}
	}
	return found{}, prevTxsTooLarge(size, limit)
}

// among returns the pool with the groups alone whose transactions are all in kept. The
// fewest inputs that pay are counted anew: among fewer coins it may take more.
func (p *pool) among(kept map[chainhash.Hash]bool) *pool {
	q := *p
	q.groups, q.amounts = nil, nil
	for _, g := range p.groups {
		if slices.ContainsFunc(g.coins, func(c Coin) bool { return !kept[c.OutPoint.Hash] }) {
			continue
		}
		q.groups = append(q.groups, g)
		for _, c := range g.coins {
			q.amounts = append(q.amounts, c.Amount)
		}
	}
	slices.SortFunc(q.amounts, func(a, b btcutil.Amount) int { return cmp.Compare(b, a) })
	q.bound()
	return &q
}

// carried returns sets of transactions that fit into limit together, with those of
// the coins that have to be spent: the ones that bring most for each byte, those
// that bring most at all, the small ones, and the set that brings the most of all
// that a bounded search finds.
func (p *pool) carried(limit int) []map[chainhash.Hash]bool {
	required, of := loads{}, loads{}
	for _, c := range p.must {
		required.add(c, 0)
	}
	for _, g := range p.groups {
		for _, c := range g.coins {
			if required[c.OutPoint.Hash] == nil {
				of.add(c, c.Amount-p.rate.part(p.inputWeight))
			}
		}
	}
	room := limit
	for _, l := range required {
		room -= l.size
	}
	var sets []map[chainhash.Hash]bool
	keep := func(list []*load) {
		set := make(map[chainhash.Hash]bool, len(list)+len(required))
		for txid := range required {
			set[txid] = true
		}
		for _, l := range list {
			set[l.txid] = true
		}
		sets = append(sets, set)
	}
	list := make([]*load, 0, len(of))
	for _, l := range of {
		list = append(list, l)
	}
	for _, order := range []func(a, b *load) int{denser, worthier, smaller} {
		slices.SortFunc(list, func(a, b *load) int { return cmp.Or(order(a, b), bytes.Compare(a.txid[:], b.txid[:])) })
		keep(fill(list, room))
	}
	slices.SortFunc(list, func(a, b *load) int { return cmp.Or(denser(a, b), bytes.Compare(a.txid[:], b.txid[:])) })
	keep(worthiest(list, room))
	return sets
}

// denser puts first what brings more for each byte.
func denser(a, b *load) int {
	ahi, alo := bits.Mul64(uint64(a.worth), uint64(b.size)) //nolint:gosec // neither is below zero
	bhi, blo := bits.Mul64(uint64(b.worth), uint64(a.size)) //nolint:gosec // neither is below zero
	return cmp.Or(cmp.Compare(bhi, ahi), cmp.Compare(blo, alo))
}

func worthier(a, b *load) int { return cmp.Compare(b.worth, a.worth) }

func smaller(a, b *load) int { return cmp.Compare(a.size, b.size) }

// fill takes from list, in its order, whatever still fits into room.
func fill(list []*load, room int) []*load {
	var taken []*load
	for _, l := range list {
		if l.size <= room {
			room -= l.size
			taken = append(taken, l)
		}
	}
	return taken
}

// worthiest looks for the loads that bring the most and fit into room. list is in
// the order of denser, which bounds what the rest of it can bring.
func worthiest(list []*load, room int) []*load {
	best := fill(list, room)
	most := btcutil.Amount(0)
	for _, l := range best {
		most += l.worth
	}
	var taken []*load
	tries := 0
	var search func(i, room int, worth btcutil.Amount)
	search = func(i, room int, worth btcutil.Amount) {
		if tries++; tries > maxLoadTries {
			return
		}
		if worth > most {
			most, best = worth, slices.Clone(taken)
		}
		bound, left := worth, room
		for _, l := range list[i:] {
			if bound += l.worth; l.size > left || bound > most {
				break
			}
			left -= l.size
		}
		if i == len(list) || bound <= most {
			return
		}
		if l := list[i]; l.size <= room {
			taken = append(taken, l)
			search(i+1, room-l.size, worth+l.worth)
			taken = taken[:len(taken)-1]
		}
		search(i+1, room, worth)
	}
	search(0, room, 0)
	return best
}

func prevTxsTooLarge(size, limit int) error {
	e := errs.Newf(
		errs.Invalid,
		CodePrevTxsTooLarge,
		"The previous transactions of these coins take %s MB together; a signer accepts at most %s MB at once. Pay fewer people at once, spend fewer coins, or consolidate some of them first.",
		megabytes(size),
		megabytes(limit),
	)
	e.Params = map[string]string{"bytes": strconv.Itoa(size), "limit": strconv.Itoa(limit)}
	return e
}

// megabytes writes a size with one decimal.
func megabytes(size int) string {
	tenths := (size + 99_999) / 100_000
	return strconv.Itoa(tenths/10) + "." + strconv.Itoa(tenths%10)
}
