package signer_test

import (
	"math/big"
	"path/filepath"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
)

func kinds() []wallet.Kind { return []wallet.Kind{wallet.KindWPKH, wallet.KindTR} }

func TestSignsAValidRequestAndNothingElseChanges(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := freshSigner(t, kind)
			d := newDraft(t, newKey(t, kind))

			req := d.request(t)
			resp, err := s.Sign(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}

			packet := unpacked(t, resp.PSBT, req)
			if got, want := packet.UnsignedTx.TxHash(), d.transaction(t).TxHash(); got != want || resp.TxID != want.String() {
				t.Errorf("signed %s as %s, want %s", got, resp.TxID, want)
			}
			if err := psbt.MaybeFinalizeAll(packet); err != nil {
				t.Errorf("the signed PSBT cannot be finalised: %v", err)
			}
		})
	}
}

func TestSameRequestGivesSameBytesAndOneRecord(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			key, path, clk := newKey(t, kind), filepath.Join(t.TempDir(), "journal"), fakeClock()
			if err := signer.CreateJournal(path); err != nil {
				t.Fatal(err)
			}
			req := newDraft(t, key).request(t)
			var first signerrpc.Response
			for i := range 3 {
				s, closeJournal := openSigner(t, key, path, clk)
				for range 2 {
					resp, err := s.Sign(t.Context(), req)
					if err != nil {
						t.Fatal(err)
					}
					if i == 0 {
						first = resp
					}
					if diff := cmp.Diff(first, resp); diff != "" {
						t.Errorf("(-first +again):\n%s", diff)
					}
				}
				if got := s.Info().JournalRecords; got != 1 {
					t.Errorf("%d journal records, want 1", got)
				}
				closeJournal()
			}
		})
	}
}

// A crash between journal and release must not strand a transaction whose notes
// have run out meanwhile: its signature may be in the world already.
func TestRepeatIsAnsweredAfterTheWindow(t *testing.T) {
	t.Parallel()
	key, clk := newKey(t, wallet.KindWPKH), fakeClock()
	s := newSigner(t, key, filepath.Join(t.TempDir(), "journal"), clk)
	d := newDraft(t, key)
	if _, err := s.Sign(t.Context(), d.request(t)); err != nil {
		t.Fatal(err)
	}
	clk.Advance(30 * 24 * 3600 * 1e9)
	if _, err := s.Sign(t.Context(), d.request(t)); err != nil {
		t.Errorf("repeat: %v", err)
	}
}

func TestPaysWithoutChangeAndTwoEqualPayments(t *testing.T) {
	t.Parallel()
	s := freshSigner(t, wallet.KindTR)
	d := newDraft(t, newKey(t, wallet.KindTR))
	d.notes = d.notes[:2]
	for i := range d.notes {
		d.notes[i].Payees = d.notes[0].Payees
		worth(&d.notes[i], 2_000_000-d.fee/2)
	}
	if _, err := s.Sign(t.Context(), d.request(t)); err != nil {
		t.Fatal(err)
	}
}

func TestReplacementRaisesTheFeeOfTheSamePayments(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindWPKH)
	s := freshSigner(t, wallet.KindWPKH)
	d := newDraft(t, key)
	for attempt := range int64(3) {
		d.attempt, d.fee = attempt, 3000+1000*btcutil.Amount(attempt)
		if attempt == 2 {
			d.coins = append(d.coins, newCoin(t, key.Descriptor(), 9, 50_000)) // may add inputs
		}
		if _, err := s.Sign(t.Context(), d.request(t)); err != nil {
			t.Fatalf("attempt %d: %v", attempt, err)
		}
	}
	if got := s.Info().JournalRecords; got != 3 {
		t.Errorf("%d records, want 3", got)
	}
}

func TestReissueInAnotherBatchMustShareAnInput(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindWPKH)
	s := freshSigner(t, wallet.KindWPKH)
	d := newDraft(t, key)
	if _, err := s.Sign(t.Context(), d.request(t)); err != nil {
		t.Fatal(err)
	}

	again := newDraft(t, key)
	again.number = 6
	again.coins = []coin{newCoin(t, key.Descriptor(), 20, 4_000_000)}
	if _, err := s.Sign(t.Context(), again.request(t)); !errs.Is(err, "would_pay_twice") {
		t.Errorf("other coins: got %v, want would_pay_twice", err)
	}
	again.coins = append(again.coins, d.coins[1])
	if _, err := s.Sign(t.Context(), again.request(t)); err != nil {
		t.Errorf("a shared coin: %v", err)
	}
	// The third must conflict with both.
	third := newDraft(t, key)
	third.number = 7
	third.coins = []coin{d.coins[0], newCoin(t, key.Descriptor(), 21, 4_000_000)}
	if _, err := s.Sign(t.Context(), third.request(t)); !errs.Is(err, "would_pay_twice") {
		t.Errorf("shares with the first only: got %v, want would_pay_twice", err)
	}
}

func TestJournalRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		code string
		edit func(tb, *draft)
	}{
		"fee not higher":       {"fee_not_higher", func(_ tb, d *draft) { d.onTx = outputsReversed }},
		"lower fee":            {"fee_not_higher", func(_ tb, d *draft) { d.fee = 2500 }},
		"attempt again":        {"attempt_order", func(_ tb, d *draft) { d.attempt = 0 }},
		"input dropped":        {"anchor_dropped", func(t tb, d *draft) { d.coins[1] = newCoin(t, d.key.Descriptor(), 30, 2_000_000) }},
		"all inputs replaced":  {"would_pay_twice", replaceCoins},
		"payment dropped":      {"payments_changed", func(_ tb, d *draft) { d.notes = d.notes[1:] }},
		"payment added":        {"payments_changed", func(t tb, d *draft) { d.notes = append(d.notes, newNote(t, 8, 100_000)) }},
		"amount changed":       {"decision_changed", func(_ tb, d *draft) { worth(&d.notes[0], 1_000_001) }},
		"script changed":       {"decision_changed", func(t tb, d *draft) { d.notes[0] = moved(t, d.notes[0]) }},
		"window changed":       {"decision_changed", func(_ tb, d *draft) { d.notes[0].PayWithinDays++ }},
		"batch number changed": {"batch_changed", func(_ tb, d *draft) { d.onBatch = batchOfNumber5; d.number = 6 }},
		"index of another":     {"change_index_reused", otherBatchSameNumber},
		"coin of another":      {"coin_promised", otherBatchTakesCoin},
		"repeat as other":      {"repeat_differs", func(_ tb, d *draft) { d.fee = 3000 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key := newKey(t, wallet.KindWPKH)
			s := freshSigner(t, wallet.KindWPKH)
			if _, err := s.Sign(t.Context(), newDraft(t, key).request(t)); err != nil {
				t.Fatal(err)
			}
			d := newDraft(t, key)
			d.attempt, d.fee = 1, 4000
			if tc.code == "fee_not_higher" {
				d.fee = 3000
			}
			tc.edit(t, d)

			_, err := s.Sign(t.Context(), d.request(t))

			if !errs.Is(err, errs.Code(tc.code)) {
				t.Errorf("got %v, want %s", err, tc.code)
			}
			if got := s.Info().JournalRecords; got != 1 {
				t.Errorf("%d records after a refusal, want 1", got)
			}
		})
	}
}

func TestRefusesAJournalOfAnotherTreasury(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	s := newSigner(t, newKey(t, wallet.KindWPKH), path, fakeClock())
	if _, err := s.Sign(t.Context(), newDraft(t, newKey(t, wallet.KindWPKH)).request(t)); err != nil {
		t.Fatal(err)
	}
	j, err := signer.ReadJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = signer.New(signer.Config{Key: newKey(t, wallet.KindTR), Journal: j, Policy: signer.DefaultPolicy()})
	if !errs.Is(err, "wrong_journal") {
		t.Errorf("got %v, want wrong_journal", err)
	}
}

func TestPolicyRefusesSenselessCaps(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*signer.Policy){
		"no rate":      func(p *signer.Policy) { p.MaxFeeRateSatKVB = 0 },
		"any rate":     func(p *signer.Policy) { p.MaxFeeRateSatKVB = 10_000_001 },
		"no fee":       func(p *signer.Policy) { p.MaxFee = 0 },
		"any fee":      func(p *signer.Policy) { p.MaxFee = btcutil.MaxSatoshi + 1 },
		"no share":     func(p *signer.Policy) { p.MaxFeePermille = 0 },
		"over all":     func(p *signer.Policy) { p.MaxFeePermille = 1001 },
		"minus rate":   func(p *signer.Policy) { p.MinFeeRateSatKVB = -1 },
		"no rate left": func(p *signer.Policy) { p.MinFeeRateSatKVB, p.MaxFeeRateSatKVB = 2_001, 2_000 },
		"any inputs":   func(p *signer.Policy) { p.MaxInputs = 1001 },
		"any outputs":  func(p *signer.Policy) { p.MaxOutputs = 3101 },
		"minus inputs": func(p *signer.Policy) { p.MaxInputs = -1 },
		"minus output": func(p *signer.Policy) { p.MaxOutputs = -1 },
		"no target":    func(p *signer.Policy) { p.MaxTarget = new(big.Int) },
	} {
		p := signer.DefaultPolicy()
		edit(&p)
		if err := p.Validate(); !errs.Is(err, "bad_policy") {
			t.Errorf("%s: got %v, want bad_policy", name, err)
		}
	}
	if err := signer.DefaultPolicy().Validate(); err != nil {
		t.Errorf("default: %v", err)
	}
}

func TestInfoNamesTheTreasury(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindTR)
	info := freshSigner(t, wallet.KindTR).Info()
	if info.Descriptor != key.Descriptor().String() || info.Network != "simnet" || info.Fingerprint != key.Fingerprint() || len(info.Fingerprint) != 8 {
		t.Errorf("got %+v", info)
	}
	if slices.Contains([]string{info.JournalHead, info.Genesis}, "") {
		t.Errorf("got %+v", info)
	}
}
