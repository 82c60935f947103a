package txbuild

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
)

// vectors reads the cases of a file in testdata.
func vectors[T any](t *testing.T, name string) []T {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []T }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if len(file.Cases) == 0 {
		t.Fatalf("%s holds no cases", name)
	}
	return file.Cases
}

// plainPool returns a pool in which an input costs so many satoshi now and in
// the long run, and whose groups have to bring target beyond what they cost.
func plainPool(fee, longRun int64, target btcutil.Amount) *pool {
	const inputWeight = 40
	p := &pool{
		payees: 1, inputWeight: inputWeight, mostInputs: 9_000, maxInputs: 9_000, maxFee: btcutil.MaxSatoshi, maxRate: maxFeeRate, joinBelow: maxFeeRate + 1,
		rate: FeeRate(fee * weightPerKVB / inputWeight), longRun: FeeRate(longRun * weightPerKVB / inputWeight), changes: 1,
	}
	p.pay = target - p.need(0, false, 0)
	return p
}

func (p *pool) addGroup(effective btcutil.Amount, inputs int) {
	g := group{inputs: inputs, effective: effective, amount: effective + p.rate.part(int64(inputs)*p.inputWeight)}
	p.groups = append(p.groups, g)
}

type bnbCase struct {
	Name         string
	Target       btcutil.Amount
	CostOfChange btcutil.Amount `json:"cost_of_change"`
	InputVSize   int64          `json:"input_vsize"`
	Rate         int64          `json:"feerate_sat_kvb"`
	LongRun      int64          `json:"long_term_sat_kvb"`
	AttemptLimit int            `json:"attempt_limit"` // the source gives up; a better search need not
	Pool         []json.RawMessage
	Expect       []int64
	ExpectNone   bool `json:"expect_none"`
}

// unit is the vsize that one input of a plain pool stands for in the case, the
// greatest that divides all sizes of coins.
func (c bnbCase) unit() int64 {
	for _, raw := range c.Pool {
		if raw[0] == '{' {
			return 4 // coins of 68 and of 500
		}
	}
	return c.InputVSize
}

func (c bnbCase) pool(t *testing.T) *pool {
	t.Helper()
	perUnit := func(rate int64) int64 { return (c.unit()*rate + 999) / 1000 }
	p := plainPool(perUnit(c.Rate), perUnit(c.LongRun), c.Target)
	p.changeCost = c.CostOfChange
	copies := 1
	for _, raw := range c.Pool {
		if times, ok := strings.CutSuffix(strings.Trim(string(raw), `"`), "x"); ok {
			n, err := strconv.Atoi(times)
			if err != nil {
				t.Fatal(err)
			}
			copies = n // of the next
			continue
		}
		coin := struct {
			EV    btcutil.Amount
			VSize int64
		}{VSize: c.InputVSize}
		var err error
		if raw[0] == '{' {
			err = json.Unmarshal(raw, &coin)
		} else {
			err = json.Unmarshal(raw, &coin.EV)
		}
		if err != nil {
			t.Fatal(err)
		}
		for range copies {
			p.addGroup(coin.EV, int(coin.VSize/c.unit()))
		}
		copies = 1
	}
	slices.SortStableFunc(p.groups, func(a, b group) int {
		return cmp.Or(cmp.Compare(b.effective, a.effective), cmp.Compare(a.inputs, b.inputs))
	})
	return p
}

// Bitcoin Core's expectations of its branch and bound.
func TestBranchAndBoundAgreesWithBitcoinCore(t *testing.T) {
	t.Parallel()
	for _, tc := range vectors[bnbCase](t, "core-bnb.json") {
		t.Run(fmt.Sprintf("%s at %d", tc.Name, tc.Rate), func(t *testing.T) {
			t.Parallel()
			p := tc.pool(t)
			k, ok := p.branchAndBound()
			if ok == tc.ExpectNone && tc.AttemptLimit == 0 {
				t.Fatalf("found %v, want %v", ok, !tc.ExpectNone)
			}
			var got []int64
			for _, i := range k.groups {
				got = append(got, int64(p.groups[i].effective))
			}
			slices.Sort(got)
			slices.Sort(tc.Expect)
			if !tc.ExpectNone && !slices.Equal(got, tc.Expect) {
				t.Errorf("got %v, want %v", got, tc.Expect)
			}
		})
	}
}

// Bitcoin Core's expectations of its waste metric.
func TestWasteAgreesWithBitcoinCore(t *testing.T) {
	t.Parallel()
	for _, tc := range vectors[struct {
		Name             string
		Inputs           []btcutil.Amount
		Target           btcutil.Amount
		FeePerInput      int64          `json:"fee_per_input"`
		LongTermPerInput int64          `json:"long_term_fee_per_input"`
		MinViableChange  btcutil.Amount `json:"min_viable_change"`
		ChangeCost       btcutil.Amount `json:"change_cost"`
		ChangeFee        int64          `json:"change_fee"`
		ExpectWaste      btcutil.Amount `json:"expect_waste"`
	}](t, "core-waste.json") {
		t.Run(tc.Name, func(t *testing.T) {
			t.Parallel()
			p := plainPool(tc.FeePerInput, tc.LongTermPerInput, tc.Target)
			p.changeWeight = tc.ChangeFee * p.inputWeight / tc.FeePerInput
			p.changeCost, p.changeFloor = tc.ChangeCost, tc.MinViableChange
			k := p.start()
			for _, amount := range tc.Inputs {
				p.addGroup(amount-btcutil.Amount(tc.FeePerInput), 1)
			}
			for i := range tc.Inputs {
				k = p.with(k, i)
			}
			c, ok := p.price(k, true)
			if !ok {
				c, ok = p.price(k, false)
			}
			if !ok || c.waste != tc.ExpectWaste {
				t.Errorf("waste %d, want %d (change %d, priced %v)", c.waste, tc.ExpectWaste, c.change, ok)
			}
		})
	}
}

// The effective value decides which coins are worth spending at all.
func TestEffectiveValueAgreesWithBitcoinCore(t *testing.T) {
	t.Parallel()
	for _, tc := range vectors[struct {
		Value      btcutil.Amount
		InputVSize int64   `json:"input_vsize"`
		Rate       FeeRate `json:"feerate_sat_kvb"`
		Effective  btcutil.Amount
	}](t, "core-effective-value.json") {
		p := &pool{rate: tc.Rate, inputWeight: tc.InputVSize * witnessScale, mostInputs: 1, maxInputs: 1}
		if err := p.addCoins(Request{Coins: []Coin{testCoin(0, tc.Value)}, Payees: make([]Payee, 1)}, true, true); err != nil {
			t.Fatal(err)
		}
		if (len(p.groups) == 1) != (tc.Effective > 0) || (len(p.groups) == 1 && p.groups[0].effective != tc.Effective) {
			t.Errorf("%d sat at %d sat/kvB: %+v, want an effective value of %d", tc.Value, tc.Rate, p.groups, tc.Effective)
		}
	}
}
