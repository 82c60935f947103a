package plan

import (
	"fmt"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// consolidation is an approved batch that makes one coin of n.
func (r *tableRig) consolidation(n int, rate int64) (*payout.Record, payout.Holdings) {
	r.t.Helper()
	r.batches++
	w := &payout.Record{Fund: r.fund, Batch: payout.Batch{
		ID: uuid.New(), FundID: r.fund.ID, Kind: payout.Consolidate, Number: r.batches, State: payout.Approved, FeeRateSatKVB: rate,
		MaxFeeRateSatKVB: r.fund.MaxFeeRateSatKVB, MaxFee: r.fund.MaxFee, Seed: [32]byte{byte(r.batches)}, DeadlineBlocks: 144, Outputs: 1,
		Until: decision.UntilFrom(r.clock.Now()),
	}}
	h := payout.Holdings{Tip: payout.Tip{Height: 100, At: r.clock.Now()}}
	for range n {
		h.Coins = append(h.Coins, r.coin(2_000_000))
		w.Batch.Chosen = append(w.Batch.Chosen, h.Coins[len(h.Coins)-1].OutPoint)
	}
	slices.SortFunc(w.Batch.Chosen, func(a, b wire.OutPoint) int { return slices.Compare([]byte(a.String()), []byte(b.String())) })
	note := decision.UpkeepNote{
		Network: decision.NetworkOf(&chaincfg.SimNetParams), Fund: r.fund.ID, Batch: w.Batch.ID, Number: w.Batch.Number, Until: w.Batch.Until, Kind: string(payout.Consolidate), Outputs: 1,
		MaxFeeRateSatKVB: w.Batch.MaxFeeRateSatKVB, MaxFee: w.Batch.MaxFee, Coins: w.Batch.Chosen,
	}
	w.Batch.Note, w.Batch.Digest = string(note.Encode()), note.Digest()
	w.Approvals = []payout.Approval{{Digest: w.Batch.Digest}}
	return w, h
}

// TestWhatIsAsLargeIsOutbid takes consolidations back: the void spends the same coins to as
// many outputs, so a shorter signature of what it replaces makes that dearer for a byte than
// it was planned. A node refuses a replacement that pays less for a byte, however much it
// pays in all.
func TestWhatIsAsLargeIsOutbid(t *testing.T) {
	t.Parallel()
	r := newTableRig(t, wallet.KindWPKH)
	r.relay = 100
	shorter := 0
	for _, n := range []int{1, 2, 3, 20} {
		for _, rate := range []int64{100, 5_000, 30_000} {
			for try := range 5 {
				name := fmt.Sprintf("%d coins at %d sat/kvB, try %d", n, rate, try)
				w, h := r.consolidation(n, rate)
				p, _, err := Build(r.family(w), h, r.clock.Now())
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				first := r.release(w, p, payout.Pays)
				if txbuild.VSize(first.SignedWeight()) < txbuild.VSize(first.Weight) {
					shorter++
				}
				void := r.voidAt(w, h, r.relay) // as little as may be
				r.replaces(t, void, first)
				if void.Fee > w.Batch.MaxFee {
					t.Errorf("%s: the void pays %d sat", name, void.Fee)
				}
			}
		}
	}
	if shorter == 0 {
		t.Error("no signature was shorter than reckoned with: nothing was tried")
	}
}
