package txbuild

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
)

// group is coins that are spent together or not at all: those received at one
// address, since spending some of them would tell whose the others are.
type group struct {
	coins  []Coin
	inputs int
	amount btcutil.Amount
	worthy int // coins of a worth that others could use
	// effective is the amount less the fee of the inputs, always above 0.
	effective btcutil.Amount
}

// addCoins sorts the coins of r into those to be spent and groups. Change is
// never grouped: it was not received from anybody, and every attempt of a batch
// returns it to the same script. A coin that costs more to spend than it brings
// is left alone, or others could make the treasury's coins dear by sending dust
// to its addresses; so is one that is not worth it at the long-run rate, unless
// small is set.
func (p *pool) addCoins(r Request, grouped, small bool) error {
	must := make(map[wire.OutPoint]bool, len(r.Must))
	for _, op := range r.Must {
		must[op] = true
	}
	if len(r.Payees)+len(must) == 0 {
		return badRequest("there is nothing to pay and nothing to spend")
	}
	seen := make(map[wire.OutPoint]bool, len(r.Coins))
	sum, least := btcutil.Amount(0), p.rate.part(p.inputWeight)
	if !small {
		least = max(least, p.longRun.part(p.inputWeight))
	}
	var free []Coin
	for _, coin := range r.Coins {
		if seen[coin.OutPoint] || coin.Amount < 0 || coin.Amount > money.MaxSat {
			return badRequest("coin %s appears twice or has an impossible amount", coin.OutPoint)
		}
		seen[coin.OutPoint] = true
		if sum += coin.Amount; sum > money.MaxSat {
			return badRequest("the coins add up to more than all bitcoin")
		}
		switch {
		case must[coin.OutPoint]:
			p.must = append(p.must, coin)
		case coin.Amount > least:
			free = append(free, coin)
		}
	}
	if len(p.must) != len(must) || len(p.must) > p.mostInputs {
		return badRequest(
			"%d coins are required; %d of them are here, and %d may be spent",
			len(must),
			len(p.must),
			p.mostInputs,
		)
	}
	slices.SortFunc(free, bySize)
	for _, coin := range free {
		p.amounts = append(p.amounts, coin.Amount)
	}
	p.group(free, grouped)
	for _, coin := range p.must {
		p.mustAmount += coin.Amount
	}
	slices.SortFunc(p.groups, func(a, b group) int {
		return cmp.Or(
			cmp.Compare(b.effective, a.effective),
			cmp.Compare(a.inputs, b.inputs),
			bySize(a.coins[0], b.coins[0]),
		)
	})
	return nil
}

// group adds free, sorted by size, to the pool. A required coin brings those of
// its address along, except in a replacement, which adds only what it needs. An
// address that was paid very often is divided, into groups that a single payment
// may spend.
func (p *pool) group(free []Coin, grouped bool) {
	required := map[string]int{}
	if grouped && !p.fewAdded {
		for _, coin := range p.must {
			if coin.Chain == wallet.ChainDeposit {
				required[string(coin.Script)]++
			}
		}
	}
	largest, brought := 1+p.extra, 0
	open := map[string]int{} // by script, the place of the group that has room
	for _, coin := range free {
		script := string(coin.Script)
		if required[script] > 0 && coin.Chain == wallet.ChainDeposit && brought < p.extra &&
			len(p.must) < p.mostInputs {
			brought++
			p.must = append(p.must, coin)
			continue
		}
		at, ok := open[script]
		if !ok || !grouped || coin.Chain != wallet.ChainDeposit || p.groups[at].inputs == largest {
			at = len(p.groups)
			open[script] = at
			p.groups = append(p.groups, group{})
		}
		g := &p.groups[at]
		g.coins = append(g.coins, coin)
		g.inputs++
		if coin.Amount >= p.leaveWorth {
			g.worthy++
			p.worthy++
		}
		g.amount += coin.Amount
		g.effective = g.amount - p.rate.part(int64(g.inputs)*p.inputWeight)
	}
}

// bySize puts large coins first and leaves no tie to the order of the request.
func bySize(a, b Coin) int {
	return cmp.Or(
		cmp.Compare(b.Amount, a.Amount),
		bytes.Compare(a.OutPoint.Hash[:], b.OutPoint.Hash[:]),
		cmp.Compare(a.OutPoint.Index, b.OutPoint.Index),
	)
}
