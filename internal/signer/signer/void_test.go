package signer_test

import (
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// voidOf is the void of newDraft as attempt 1.
func voidOf(t tb, key *signer.Key) *draft {
	t.Helper()
	d := newDraft(t, key)
	d.void, d.attempt, d.fee = true, 1, 4000
	return d
}

// lastRecord returns the newest line of the journal of s.
func lastRecord(t *testing.T, s *signer.Signer) signer.Record {
	t.Helper()
	page, err := s.Journal(s.Info().JournalRecords - 1)
	if err != nil || len(page.Entries) != 1 {
		t.Fatalf("got %v, %v", page, err)
	}
	var r signer.Record
	if err := json.Unmarshal([]byte(page.Entries[0].Line), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAVoidEndsTheBatch(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindWPKH)
	s := freshSigner(t, wallet.KindWPKH)
	d, void := newDraft(t, key), voidOf(t, key)
	first, err := s.Sign(t.Context(), d.request(t))
	if err != nil {
		t.Fatal(err)
	}
	void.onTx = func(tx *wire.MsgTx) { tx.LockTime = 850_000 }
	if _, err := s.Sign(t.Context(), void.request(t)); err != nil {
		t.Fatal(err)
	}
	r := lastRecord(t, s)
	req := void.request(t)
	if r.Kind != signer.KindVoid || r.Note != req.BatchNote || r.Void != req.Void || r.LockTime != 850_000 || len(r.Outs) != 1 || *r.Outs[0].Change != 5 {
		t.Errorf("journalled as %+v", r)
	}

	bump := newDraft(t, key)
	bump.attempt, bump.fee = 2, 6000
	if _, err := s.Sign(t.Context(), bump.request(t)); !errs.Is(err, "batch_voided") {
		t.Errorf("another paying attempt: got %v, want batch_voided", err)
	}
	if again, err := s.Sign(t.Context(), d.request(t)); err != nil || again.TxID != first.TxID {
		t.Errorf("the first once more: %v", err)
	}
	dearer := voidOf(t, key)
	dearer.attempt, dearer.fee = 2, 5000
	dearer.coins = append(dearer.coins, newCoin(t, key.Descriptor(), 9, 50_000)) // may add inputs
	if _, err := s.Sign(t.Context(), dearer.request(t)); err != nil {
		t.Errorf("a dearer void: %v", err)
	}
	elsewhere := newDraft(t, key)
	elsewhere.number = 6
	replaceCoins(t, elsewhere)
	if _, err := s.Sign(t.Context(), elsewhere.request(t)); !errs.Is(err, "would_pay_twice") {
		t.Errorf("the same people from other coins: got %v, want would_pay_twice", err)
	}
}

// A void may be the first that a signer hears of a batch: another signer has
// seen the rest.
func TestAVoidOfAnUnknownBatchEndsIt(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindWPKH)
	s := freshSigner(t, wallet.KindWPKH)
	if _, err := s.Sign(t.Context(), voidOf(t, key).request(t)); err != nil {
		t.Fatal(err)
	}
	for _, attempt := range []int64{0, 2} {
		d := newDraft(t, key)
		d.attempt, d.fee = attempt, 6000
		if _, err := s.Sign(t.Context(), d.request(t)); !errs.Is(err, "batch_voided") {
			t.Errorf("attempt %d: got %v, want batch_voided", attempt, err)
		}
	}
	other := newDraft(t, key)
	other.number = 6
	if _, err := s.Sign(t.Context(), other.request(t)); !errs.Is(err, "coin_promised") {
		t.Errorf("its coins in another batch: got %v, want coin_promised", err)
	}
	replaceCoins(t, other)
	if _, err := s.Sign(t.Context(), other.request(t)); err != nil {
		t.Errorf("its people in another batch: %v", err)
	}
}

func TestVoidRefusals(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		code string
		edit func(tb, *draft)
	}{
		"input dropped":  {"anchor_dropped", func(t tb, d *draft) { d.coins[1] = newCoin(t, d.key.Descriptor(), 30, 2_000_000) }},
		"fee not higher": {"fee_not_higher", func(_ tb, d *draft) { d.fee = 3000 }},
		"attempt again":  {"attempt_order", func(_ tb, d *draft) { d.attempt = 0 }},
		"other payments": {"payments_changed", func(_ tb, d *draft) { d.notes = d.notes[1:] }},
		"of a later note": {"", func(_ tb, d *draft) {
			d.onBatch = func(b *decision.BatchNote) { b.MaxFee, b.Until = 99_000, b.Until.Add(-1e9) }
		}},
		"another number":    {"batch_changed", func(_ tb, d *draft) { d.onBatch = batchOfNumber5; d.number = 6 }},
		"pays somebody":     {"foreign_output", func(_ tb, d *draft) { d.onTx = func(tx *wire.MsgTx) { addOutput(tx, payeeScript(0), 1_000_000) } }},
		"two changes":       {"output_count", func(_ tb, d *draft) { d.outputs = 2 }},
		"change of another": {"foreign_output", func(_ tb, d *draft) { d.onTx = d.changeTo(wallet.ChainChange, 6) }},
		"to a deposit":      {"foreign_output", func(_ tb, d *draft) { d.onTx = d.changeTo(wallet.ChainDeposit, 5) }},
		"dust":              {"dust_output", func(_ tb, d *draft) { d.onTx = func(tx *wire.MsgTx) { tx.TxOut[0].Value = 293 } }},
		"with decisions": {"unexpected_decisions", func(t tb, d *draft) {
			d.onReq = func(r *signerrpc.Request) { r.Decisions = []string{string(d.notes[0].Encode())} }
		}},
		"over the note's fee": {"fee_above_batch_cap", func(_ tb, d *draft) { d.onVoid = func(n *decision.VoidNote) { n.MaxFee = 3999 } }},
		"over the signer's":   {"fee_above_cap", func(_ tb, d *draft) { d.fee = 50_001; d.onVoid = func(n *decision.VoidNote) { n.MaxFee = 90_000 } }},
		"note is garbage":     {"bad_void_note", func(_ tb, d *draft) { d.onReq = func(r *signerrpc.Request) { r.Void = "x" } }},
		"note with a tail":    {"bad_void_note", func(_ tb, d *draft) { d.onReq = func(r *signerrpc.Request) { r.Void += "\n" } }},
		"note of another":     {"void_mismatch", func(_ tb, d *draft) { d.onVoid = func(n *decision.VoidNote) { n.Note[0]++ } }},
		"note, other batch":   {"void_mismatch", func(_ tb, d *draft) { d.onVoid = func(n *decision.VoidNote) { n.Batch[0]++ } }},
		"note, other number":  {"void_mismatch", func(_ tb, d *draft) { d.onVoid = func(n *decision.VoidNote) { n.Number++ } }},
		"note, other chain": {"void_mismatch", func(_ tb, d *draft) {
			d.onVoid = func(n *decision.VoidNote) { n.Network.Genesis = strings.Repeat("0", 64) }
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key := newKey(t, wallet.KindWPKH)
			s := freshSigner(t, wallet.KindWPKH)
			if _, err := s.Sign(t.Context(), newDraft(t, key).request(t)); err != nil {
				t.Fatal(err)
			}
			d := voidOf(t, key)
			tc.edit(t, d)
			_, err := s.Sign(t.Context(), d.request(t))
			if tc.code == "" && err != nil || tc.code != "" && !errs.Is(err, errs.Code(tc.code)) {
				t.Errorf("got %v, want %q", err, tc.code)
			}
		})
	}
}

// The percentage is of what is moved, since nobody is paid: once for what the void
// replaces, which kept to it, and once for what it adds.
func TestTheFeeOfAVoidIsAPartOfItsInputs(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindWPKH)
	for fee, code := range map[int64]string{6000: "", 6001: "fee_above_permille"} {
		s := freshSigner(t, wallet.KindWPKH)
		d := voidOf(t, key)
		d.coins = []coin{newCoin(t, key.Descriptor(), 0, 60_000)}
		d.onTx = func(tx *wire.MsgTx) { tx.TxOut[0].Value = 60_000 - fee }
		if _, err := s.Sign(t.Context(), d.request(t)); code == "" && err != nil || code != "" && !errs.Is(err, errs.Code(code)) {
			t.Errorf("fee of %d: got %v, want %q", fee, err, code)
		}
	}
}

// A void of one output out-pays whatever the batch's many outputs paid, and a child
// its parent: no feerate is too high for either, while the fee in satoshi is bounded.
func TestVoidAndChildHaveNoHighestFeerate(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindWPKH)
	for fee, code := range map[btcutil.Amount]string{40_000: "", 40_001: "fee_above_batch_cap"} { // 225 sat/vB, the signer's cap is 100
		d := voidOf(t, key)
		d.fee = fee
		if _, err := freshSigner(t, wallet.KindWPKH).Sign(t.Context(), d.request(t)); code == "" && err != nil || code != "" && !errs.Is(err, errs.Code(code)) {
			t.Errorf("void with a fee of %d: got %v, want %q", fee, err, code)
		}
	}
	child := func(kind string, fee btcutil.Amount) error {
		s := freshSigner(t, wallet.KindWPKH)
		parent := newDraft(t, key)
		if _, err := s.Sign(t.Context(), parent.request(t)); err != nil {
			t.Fatal(err)
		}
		d := newUpkeep(t, key, kind, 1)
		d.fee, d.coins = fee, []coin{{prev: parent.transaction(t), vout: 3, chain: wallet.ChainChange, index: parent.number}}
		_, err := s.Sign(t.Context(), d.request(t))
		return err
	}
	const room = 110                                                 // of a void with one input and one output
	if err := child(decision.UpkeepChild, 30_000-room); err != nil { // 270 sat/vB
		t.Errorf("a child: %v", err)
	}
	if err := child(decision.UpkeepChild, 30_000-room+1); !errs.Is(err, "no_room_for_void") {
		t.Errorf("a child that could not be taken back: %v", err)
	}
	if err := child(decision.UpkeepConsolidate, 20_000); !errs.Is(err, "feerate_above_cap") {
		t.Errorf("the same as a consolidation: %v", err)
	}
}

// The percentage of a child is of what its parent moves, of other upkeep of its coins.
func TestAChildPaysForItsParent(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindWPKH)
	for kind, code := range map[string]string{decision.UpkeepChild: "", decision.UpkeepConsolidate: "fee_above_permille"} {
		s := freshSigner(t, wallet.KindWPKH)
		parent := newDraft(t, key)
		parent.coins[1] = newCoin(t, key.Descriptor(), 1, 1_020_006) // change of 17,003 sat
		if _, err := s.Sign(t.Context(), parent.request(t)); err != nil {
			t.Fatal(err)
		}
		d := newUpkeep(t, key, kind, 1)
		d.fee, d.coins = 5000, []coin{{prev: parent.transaction(t), vout: 3, chain: wallet.ChainChange, index: parent.number}}
		if _, err := s.Sign(t.Context(), d.request(t)); code == "" && err != nil || code != "" && !errs.Is(err, errs.Code(code)) {
			t.Errorf("%s: got %v, want %q", kind, err, code)
		}
	}
}

// The window of a decision is for its first transaction: one that may confirm any day
// is replaced and taken back after it as well, by any signer that has released it.
func TestReplacementsOutliveTheWindow(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindWPKH)
	clk := fakeClock()
	s := newSigner(t, key, filepath.Join(t.TempDir(), "journal"), clk)
	if _, err := s.Sign(t.Context(), newDraft(t, key).request(t)); err != nil {
		t.Fatal(err)
	}
	clk.Advance(30 * 24 * time.Hour)
	later := clk.Now().Add(24 * time.Hour)
	fresh := newDraft(t, key)
	fresh.onBatch = func(b *decision.BatchNote) { b.Until = later }
	fresh.number = 6
	replaceCoins(t, fresh)
	for i := range fresh.notes {
		fresh.notes[i] = newNote(t, byte(10+i), 1_000_000)
	}
	if _, err := s.Sign(t.Context(), fresh.request(t)); !errs.Is(err, "too_late") {
		t.Errorf("a first transaction: got %v, want too_late", err)
	}
	again := newDraft(t, key)
	again.onBatch = fresh.onBatch
	again.number = 7 // another batch of the same decisions, which spends a coin of the first
	if _, err := s.Sign(t.Context(), again.request(t)); !errs.Is(err, "too_late") {
		t.Errorf("another batch: got %v, want too_late", err)
	}
	bump := newDraft(t, key)
	bump.attempt, bump.fee = 1, 4000
	if _, err := s.Sign(t.Context(), bump.request(t)); err != nil {
		t.Errorf("a bump: %v", err)
	}
	void := voidOf(t, key)
	void.attempt, void.fee = 2, 5000
	void.onVoid = func(n *decision.VoidNote) { n.Until = later }
	if _, err := s.Sign(t.Context(), void.request(t)); err != nil {
		t.Errorf("a void: %v", err)
	}
}

// The operator has made the caps stricter since the first answer.
func TestARepeatIsAnsweredUnderStricterCaps(t *testing.T) {
	t.Parallel()
	key, path := newKey(t, wallet.KindWPKH), filepath.Join(t.TempDir(), "journal")
	if err := signer.CreateJournal(path); err != nil {
		t.Fatal(err)
	}
	req := newDraft(t, key).request(t)
	s, closeJournal := openSigner(t, key, path, fakeClock())
	first, err := s.Sign(t.Context(), req)
	closeJournal()
	if err != nil {
		t.Fatal(err)
	}
	j, err := signer.OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	strict := signer.Policy{MaxFeeRateSatKVB: 100_000, MaxFee: 100, MaxFeePermille: 50, MaxInputs: 1, MaxOutputs: 1}
	s, err = signer.New(signer.Config{Key: key, Journal: j, Policy: strict, Clock: fakeClock(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.Sign(t.Context(), req)
	if diff := cmp.Diff(first, again); err != nil || diff != "" {
		t.Errorf("%v (-first +again):\n%s", err, diff)
	}
}

// The same transaction can be asked for as upkeep and as a void of it; it is what
// it was first.
func TestARepeatKeepsItsKind(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindTR)
	s := freshSigner(t, wallet.KindTR)
	d := newUpkeep(t, key, decision.UpkeepConsolidate, 1)
	if _, err := s.Sign(t.Context(), d.request(t)); err != nil {
		t.Fatal(err)
	}
	d.void = true
	if _, err := s.Sign(t.Context(), d.request(t)); !errs.Is(err, "repeat_differs") {
		t.Errorf("got %v, want repeat_differs", err)
	}
}
