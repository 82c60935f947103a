package txbuild

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/btcutil/v2/coinset"
	"github.com/btcsuite/btcd/chainhash/v2"
)

// payment is what a wallet of the scenarios has to pay from what it holds.
type payment struct {
	coins  []Coin // the oldest first
	amount btcutil.Amount
	rate   FeeRate
	kind   scriptKind
	seed   [32]byte
}

// scriptKind is what a wallet's inputs and outputs weigh; the payee's output is
// P2WPKH in all of them.
type scriptKind struct {
	name          string
	input, change int64
	dust          btcutil.Amount
}

const (
	payeeWeight = 124
	longRunRate = FeeRate(10_000)
)

func (y payment) fee(inputs int, change bool) btcutil.Amount {
	outputs, weight := 1, int64(payeeWeight)
	if change {
		outputs, weight = 2, weight+y.kind.change
	}
	return y.rate.Fee(txWeight(inputs, outputs, int64(inputs)*y.kind.input, weight))
}

// selector is a way to choose coins. ok is false where they do not suffice.
type selector struct {
	name   string
	choose func(y payment) (coins []Coin, change btcutil.Amount, ok bool)
}

func selectors() []selector {
	return []selector{
		{"causeway", ours},
		{"txauthor largest first", func(y payment) ([]Coin, btcutil.Amount, bool) {
			order := slices.Clone(y.coins)
			slices.SortStableFunc(order, func(a, b Coin) int { return cmp.Compare(b.Amount, a.Amount) })
			return author(y, inOrder(order))
		}},
		{"txauthor random", func(y payment) ([]Coin, btcutil.Amount, bool) {
			order := slices.DeleteFunc(slices.Clone(y.coins), func(c Coin) bool { return c.Amount <= y.rate.part(y.kind.input) })
			rng := rand.New(rand.NewChaCha8(y.seed))
			rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
			return author(y, inOrder(order))
		}},
		{"coinset MinNumber", func(y payment) ([]Coin, btcutil.Amount, bool) {
			return author(y, fromCoinset(y, coinset.MinNumberCoinSelector{MaxInputs: len(y.coins), MinChangeAmount: y.kind.dust}))
		}},
		{"coinset MinIndex", func(y payment) ([]Coin, btcutil.Amount, bool) {
			return author(y, fromCoinset(y, coinset.MinIndexCoinSelector{MaxInputs: len(y.coins), MinChangeAmount: y.kind.dust}))
		}},
		{"coinset MaxValueAge", func(y payment) ([]Coin, btcutil.Amount, bool) {
			return author(y, fromCoinset(y, coinset.MaxValueAgeCoinSelector{MaxInputs: len(y.coins), MinChangeAmount: y.kind.dust}))
		}},
	}
}

func ours(y payment) ([]Coin, btcutil.Amount, bool) {
	p := &pool{
		pay: y.amount, payees: 1, changes: 1, payeesWeight: payeeWeight, inputWeight: y.kind.input, changeWeight: y.kind.change,
		mostInputs: defaultMaxInputs, maxInputs: defaultMaxInputs, extra: defaultExtraInputs, rate: y.rate, joinBelow: longRunRate * joinBelowPermille / 1000, longRun: longRunRate, maxRate: maxFeeRate, maxFee: btcutil.MaxSatoshi,
	}
	p.changeCost = p.rate.part(p.changeWeight) + p.longRun.part(p.inputWeight)
	p.changeFloor = max(y.kind.dust, p.longRun.part(p.inputWeight))
	p.changeTarget = max(p.changeFloor, defaultChangeTarget)
	if err := p.addCoins(Request{Coins: y.coins, Payees: make([]Payee, 1)}, true, false); err != nil {
		return nil, 0, false
	}
	p.bound()
	c, ok, _, _ := p.best(p.candidates(stream(y.seed, "coins")))
	return p.coins(c.pick), c.change, ok
}

// author is the algorithm of btcwallet's txauthor as published (version 1.3.4):
// ask for inputs worth the outputs and a fee, reckon the fee for those inputs
// with a change output, and ask again with that fee while they are worth less;
// change that would be dust is left to the miner. The module itself needs btcd's
// packages from before they were split off, which do not build beside those used
// here.
func author(y payment, fetch func(target btcutil.Amount) ([]Coin, bool)) (coins []Coin, change btcutil.Amount, ok bool) {
	fee := y.fee(1, true)
	for {
		coins, ok := fetch(y.amount + fee)
		if !ok {
			return nil, 0, false
		}
		rest := -y.amount
		for _, coin := range coins {
			rest += coin.Amount
		}
		if fee = y.fee(len(coins), true); rest < fee {
			continue
		}
		if change = rest - fee; change < y.kind.dust {
			change = 0
		}
		return coins, change, true
	}
}

func inOrder(order []Coin) func(target btcutil.Amount) ([]Coin, bool) {
	return func(target btcutil.Amount) ([]Coin, bool) {
		sum := btcutil.Amount(0)
		for i, coin := range order {
			if sum += coin.Amount; sum >= target {
				return order[:i+1], true
			}
		}
		return nil, false
	}
}

// aged is a coin as coinset reads it.
type aged struct {
	coin Coin
	age  int64
}

func (a aged) Hash() *chainhash.Hash { return &a.coin.OutPoint.Hash }
func (a aged) Index() uint32         { return a.coin.OutPoint.Index }
func (a aged) Value() btcutil.Amount { return a.coin.Amount }
func (a aged) PkScript() []byte      { return a.coin.Script }
func (a aged) NumConfs() int64       { return a.age }
func (a aged) ValueAge() int64       { return a.age * int64(a.coin.Amount) }

func fromCoinset(y payment, s coinset.CoinSelector) func(target btcutil.Amount) ([]Coin, bool) {
	all := make([]coinset.Coin, len(y.coins))
	for i, coin := range y.coins {
		all[i] = aged{coin, int64(len(y.coins) - i)}
	}
	return func(target btcutil.Amount) ([]Coin, bool) {
		set, err := s.CoinSelect(target, all)
		if err != nil {
			return nil, false
		}
		var coins []Coin
		for _, coin := range set.Coins() {
			if a, ok := coin.(aged); ok {
				coins = append(coins, a.coin)
			}
		}
		return coins, true
	}
}
