package signer_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/decision"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/wallet"
)

// released is a transaction that left the signer, as the test knows it.
type released struct {
	txid      string
	batch     uint32
	inputs    map[byte]bool // numbers of coins
	decisions map[byte]bool
	answer    signerrpc.Response
}

// A worker that has gone mad, or whose database was restored from any older
// backup, asks for any decisions from any coins in any batch, and the signer
// restarts at any time. Whatever happens, two transactions that pay one decision
// cannot both confirm, and the same request gives the same bytes.
func TestNothingPaysADecisionTwice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := newKey(t, wallet.KindTR) // one Schnorr signature is as good as ECDSA here, and smaller
	accepted, refused := 0, map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		path := filepath.Join(dir, uuid.NewString())
		if err := signer.CreateJournal(path); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.Remove(path) }()
		clk := fakeClock()
		s, closeJournal := openSigner(t, key, path, clk)
		defer func() { closeJournal() }()

		var all []released
		for range rapid.IntRange(1, 12).Draw(t, "requests") {
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
				closeJournal()
				s, closeJournal = openSigner(t, key, path, clk)
			}
			want, d := drawRequest(t, key, all)
			resp, err := s.Sign(t.Context(), d.request(t))
			if err != nil {
				if errs.KindOf(err) != errs.Conflict {
					t.Fatalf("not a refusal: %v", err)
				}
				refused[errs.CodeOf(err)]++
				continue
			}
			accepted++
			want.txid, want.answer = resp.TxID, resp
			for _, earlier := range all {
				compare(t, earlier, want)
			}
			all = append(all, want)
		}
	})
	for _, code := range []string{"would_pay_twice", "anchor_dropped", "payments_changed", "coin_promised", "attempt_order", "fee_not_higher"} {
		if refused[code] == 0 {
			t.Errorf("no request was refused with %s: the generator is too tame (%d accepted, refused %v)", code, accepted, refused)
		}
	}
}

// drawRequest draws a request for up to 3 of 4 decisions from up to 3 of 4 coins.
// Every other one is an earlier one with some parts drawn anew: a fee bump, or
// what goes wrong with one.
func drawRequest(t *rapid.T, key *signer.Key, all []released) (released, *draft) {
	some := func(label string) map[byte]bool {
		drawn := map[byte]bool{}
		for _, n := range rapid.SliceOfNDistinct(rapid.ByteRange(0, 3), 1, 3, rapid.ID[byte]).Draw(t, label) {
			drawn[n] = true
		}
		return drawn
	}
	var r released
	vary := len(all) > 0 && rapid.Bool().Draw(t, "vary")
	if vary {
		r = all[rapid.IntRange(0, len(all)-1).Draw(t, "earlier")]
	}
	anew := func(label string) bool { return !vary || rapid.IntRange(0, 4).Draw(t, label+" anew") == 0 }
	if anew("batch") {
		r.batch = rapid.Uint32Range(0, 2).Draw(t, "batch")
	}
	if anew("coins") {
		r.inputs = some("coins")
	}
	if anew("decisions") {
		r.decisions = some("decisions")
	}
	d := &draft{
		key: key, number: r.batch, attempt: rapid.Int64Range(0, 3).Draw(t, "attempt"),
		fee: 1000 * btcutil.Amount(rapid.IntRange(1, 4).Draw(t, "fee")),
	}
	d.onBatch = func(b *decision.BatchNote) { b.MaxFee = 50_000 }
	for n := range byte(4) {
		if r.inputs[n] {
			d.coins = append(d.coins, newCoin(t, key.Descriptor(), uint32(n), 2_000_000))
		}
		if r.decisions[n] {
			d.notes = append(d.notes, newNote(t, n, 100_000))
		}
	}
	return r, d
}

func compare(t *rapid.T, a, b released) {
	if a.txid == b.txid {
		if diff := cmp.Diff(a.answer, b.answer); diff != "" {
			t.Fatalf("the same transaction came back otherwise:\n%s", diff)
		}
		return
	}
	if overlaps(a.decisions, b.decisions) && !overlaps(a.inputs, b.inputs) {
		t.Fatalf("%s and %s pay one decision and can both confirm", a.txid, b.txid)
	}
	if a.batch == b.batch && !cmp.Equal(a.decisions, b.decisions) {
		t.Fatalf("%s and %s of one batch pay different decisions", a.txid, b.txid)
	}
}

func overlaps(a, b map[byte]bool) bool {
	for k := range a {
		if b[k] {
			return true
		}
	}
	return false
}
