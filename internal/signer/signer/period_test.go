package signer_test

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// stipend is a draft that pays one period of a decision of three months, 1,000,000 sat each, of
// which the first was due on the day of now.
func stipend(t tb, key *signer.Key, period int, at time.Time) *draft {
	t.Helper()
	d := newDraft(t, key)
	n := newNote(t, 1, 1_000_000)
	n.Periods, n.Every, n.FirstDue, n.PayWithinDays = 3, decision.EveryMonth, today(), 20
	d.notes, d.period = []decision.Note{n}, period
	d.number = uint32(10 + period)
	d.coins = []coin{newCoin(t, key.Descriptor(), uint32(40+period), 2_000_000)}
	until := at.Add(24 * time.Hour)
	d.onBatch = func(b *decision.BatchNote) { b.Until = until }
	return d
}

func goTo(clk *clock.Fake, at time.Time) { clk.Advance(at.Sub(clk.Now())) }

// refusal is the code of err, empty for none.
func refusal(err error) errs.Code {
	if err == nil {
		return ""
	}
	return errs.CodeOf(err)
}

func TestEachPeriodIsPaidOnce(t *testing.T) {
	t.Parallel()
	key, clk, path := newKey(t, wallet.KindWPKH), fakeClock(), filepath.Join(t.TempDir(), "journal")
	s := newSigner(t, key, path, clk)
	for period := 1; period <= 3; period++ {
		goTo(clk, today().AddDate(0, period-1, 0).Add(-time.Second))
		if _, err := s.Sign(t.Context(), stipend(t, key, period, clk.Now()).request(t)); !errs.Is(err, "too_early") {
			t.Errorf("period %d a second early: got %v, want too_early", period, err)
		}
		clk.Advance(time.Second)
		if _, err := s.Sign(t.Context(), stipend(t, key, period, clk.Now()).request(t)); err != nil {
			t.Fatalf("period %d: %v", period, err)
		}
		again := stipend(t, key, period, clk.Now())
		again.number, again.coins = 20, []coin{newCoin(t, key.Descriptor(), 60, 2_000_000)}
		if _, err := s.Sign(t.Context(), again.request(t)); !errs.Is(err, "would_pay_twice") {
			t.Errorf("period %d again: got %v, want would_pay_twice", period, err)
		}
	}
	if _, err := s.Sign(t.Context(), stipend(t, key, 4, clk.Now()).request(t)); !errs.Is(err, "no_such_period") {
		t.Errorf("a fourth period: got %v, want no_such_period", err)
	}
	j, err := signer.ReadJournal(path)
	if err != nil || len(j.Records()) != 3 {
		t.Fatal(err, len(j.Records()))
	}
	for i, r := range j.Records() {
		if o := r.Outs[0]; r.V != 3 || o.Period != i+1 || o.Decision != stipend(t, key, 1, now()).notes[0].Decision.String() {
			t.Errorf("line %d has version %d and pays period %d of %s", i+1, r.V, o.Period, o.Decision)
		}
	}
}

func TestTheLastMomentOfAPeriod(t *testing.T) {
	t.Parallel()
	key, clk := newKey(t, wallet.KindWPKH), fakeClock()
	s := newSigner(t, key, filepath.Join(t.TempDir(), "journal"), clk)
	last := today().AddDate(0, 1, 20)
	goTo(clk, last.Add(time.Second))
	if _, err := s.Sign(t.Context(), stipend(t, key, 2, last).request(t)); !errs.Is(err, "too_late") {
		t.Errorf("a second late: got %v, want too_late", err)
	}
	goTo(clk, last)
	if _, err := s.Sign(t.Context(), stipend(t, key, 2, last).request(t)); err != nil {
		t.Errorf("at the last moment: %v", err)
	}
}

// Two periods of a decision may go out together, and its note is shown once.
func TestTwoPeriodsInOneBatch(t *testing.T) {
	t.Parallel()
	key, clk := newKey(t, wallet.KindWPKH), fakeClock()
	s := newSigner(t, key, filepath.Join(t.TempDir(), "journal"), clk)
	goTo(clk, today().AddDate(0, 1, 0))
	d := stipend(t, key, 1, clk.Now())
	d.notes[0].PayWithinDays = 40
	d.coins = newDraft(t, key).coins
	second := decision.Payment{Decision: d.notes[0].Digest(), Period: 2, Script: d.notes[0].Payee(2).Script, Amount: 1_000_000}
	d.onTx = func(tx *wire.MsgTx) { addOutput(tx, second.Script, 1_000_000) }
	alone := d.onBatch
	d.onBatch = func(b *decision.BatchNote) { alone(b); b.Payments = append(b.Payments, second) }
	if _, err := s.Sign(t.Context(), d.request(t)); err != nil {
		t.Fatal(err)
	}
	again := stipend(t, key, 2, clk.Now())
	again.notes = d.notes
	if _, err := s.Sign(t.Context(), again.request(t)); !errs.Is(err, "would_pay_twice") {
		t.Errorf("the second alone: got %v, want would_pay_twice", err)
	}
}

// A proof that a payment of one period is dead may show a transaction of this signer that pays
// another period of the same decision, the same amount to the same script.
func TestAnotherPeriodIsNoPayment(t *testing.T) {
	t.Parallel()
	key, clk := newKey(t, wallet.KindWPKH), fakeClock()
	s := newSigner(t, key, filepath.Join(t.TempDir(), "journal"), clk)
	goTo(clk, today().AddDate(0, 1, 0))
	both := func(number uint32, period int) *draft {
		d := stipend(t, key, period, clk.Now())
		d.notes[0].PayWithinDays, d.number = 40, number
		return d
	}
	first := both(10, 1)
	coins := first.coins
	if _, err := s.Sign(t.Context(), first.request(t)); err != nil {
		t.Fatal(err)
	}
	proof := func(killer *wire.MsgTx) []signerrpc.DeadProof {
		return []signerrpc.DeadProof{deadBy(t, first.transaction(t).TxHash().String(), killer)}
	}
	anew := both(12, 1)
	anew.coins = []coin{newCoin(t, key.Descriptor(), 61, 2_000_000)}
	anew.dead = proof(foreign(first.transaction(t).TxIn[0].PreviousOutPoint, first.notes[0].Payee(1).Script, 1_000_000))
	if _, err := s.Sign(t.Context(), anew.request(t)); !errs.Is(err, "paid_by_proof") {
		t.Errorf("a stranger's transaction that pays as much: got %v, want paid_by_proof", err)
	}
	// A payment of period 2 that takes the coins of the first: all whom the first pays are paid
	// there too, and period 2 beside them.
	replaced := both(11, 2)
	replaced.coins = coins
	if _, err := s.Sign(t.Context(), replaced.request(t)); !errs.Is(err, "coin_promised") {
		t.Fatalf("a payment from the first one's coins: got %v, want coin_promised", err)
	}
}

// However the rate falls, what was paid under another rate is found in a stranger's transaction
// as long as it is within the bounds of the decision.
func TestARateDoesNotHideAPayment(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindWPKH)
	for sat, code := range map[int64]errs.Code{749_999: "", 750_000: "paid_by_proof", 1_100_000: "paid_by_proof", 1_100_001: ""} {
		s := newSigner(t, key, filepath.Join(t.TempDir(), "journal"), fakeClock())
		first := newDraft(t, key)
		inEUR(first)
		if _, err := s.Sign(t.Context(), first.request(t)); err != nil {
			t.Fatal(err)
		}
		anew := newDraft(t, key)
		inEUR(anew)
		anew.rates[0].PerBTC, anew.number = 5_500_000, 6
		anew.coins = []coin{newCoin(t, key.Descriptor(), 61, 4_000_000)}
		tx := first.transaction(t)
		anew.dead = []signerrpc.DeadProof{deadBy(t, tx.TxHash().String(), foreign(tx.TxIn[0].PreviousOutPoint, first.notes[2].Payee(1).Script, sat))}
		if _, err := s.Sign(t.Context(), anew.request(t)); refusal(err) != code {
			t.Errorf("%d sat: got %v, want %q", sat, err, code)
		}
	}
}

// A replacement keeps the rate of what it replaces.
func TestAReplacementKeepsItsAmounts(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindWPKH)
	s := newSigner(t, key, filepath.Join(t.TempDir(), "journal"), fakeClock())
	d := newDraft(t, key)
	inEUR(d)
	if _, err := s.Sign(t.Context(), d.request(t)); err != nil {
		t.Fatal(err)
	}
	d.attempt, d.fee, d.rates[0].PerBTC = 1, 4000, 5_500_000
	if _, err := s.Sign(t.Context(), d.request(t)); !errs.Is(err, "payments_changed") {
		t.Errorf("got %v, want payments_changed", err)
	}
}

// Whatever is asked for in whatever order, no two transactions that could both confirm pay one
// period, and every period can be paid.
func TestPeriodsAreApart(t *testing.T) {
	t.Parallel()
	key, dir := newKey(t, wallet.KindWPKH), t.TempDir()
	files := 0
	rapid.Check(t, func(t *rapid.T) {
		files++
		path := filepath.Join(dir, string(rune('a'+files%26))+time.Duration(files).String())
		if err := signer.CreateJournal(path); err != nil {
			t.Fatal(err)
		}
		clk := fakeClock()
		goTo(clk, today().AddDate(0, 2, 0))
		s, closeJournal := openSigner(t, key, path, clk)
		defer closeJournal()
		paid := map[int]bool{}
		for i := range rapid.IntRange(3, 12).Draw(t, "requests") {
			period := rapid.IntRange(1, 3).Draw(t, "period")
			d := stipend(t, key, period, clk.Now())
			d.notes[0].PayWithinDays = 100
			d.number = uint32(100 + i)
			d.coins = []coin{newCoin(t, key.Descriptor(), uint32(100+i), 2_000_000)}
			d.fee = btcutil.Amount(2000 + i)
			_, err := s.Sign(t.Context(), d.request(t))
			if want := map[bool]errs.Code{true: "would_pay_twice"}[paid[period]]; refusal(err) != want {
				t.Fatalf("period %d, paid %v: got %v", period, paid[period], err)
			}
			paid[period] = true
		}
	})
}

// A signer that knows its fund takes no note of another one.
func TestASignerOfOneFund(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindWPKH)
	for fund, code := range map[uuid.UUID]errs.Code{testFund(): "", {15: 7}: "wrong_fund"} {
		path := filepath.Join(t.TempDir(), "journal")
		if err := signer.CreateJournal(path); err != nil {
			t.Fatal(err)
		}
		j, err := signer.OpenJournal(path)
		if err != nil {
			t.Fatal(err)
		}
		s, err := signer.New(signer.Config{
			Key: key, Journal: j, Clock: fakeClock(), Fund: fund, Log: slog.New(slog.DiscardHandler), Policy: signer.DefaultPolicy(),
		})
		if err != nil {
			t.Fatal(err)
		}
		requests := map[string]*draft{"batch": newDraft(t, key), "upkeep": newUpkeep(t, key, decision.UpkeepConsolidate, 1), "void": voidOf(t, key)}
		requests["upkeep"].coins = []coin{newCoin(t, key.Descriptor(), 70, 4_000_000)}
		requests["void"].attempt, requests["void"].fee = 1, 6000
		for _, what := range []string{"batch", "upkeep", "void"} {
			if _, err := s.Sign(t.Context(), requests[what].request(t)); refusal(err) != code {
				t.Errorf("%s: got %v, want %q", what, err, code)
			}
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A void has a last moment of its own.
func TestTheLastMomentOfAVoid(t *testing.T) {
	t.Parallel()
	key, clk := newKey(t, wallet.KindWPKH), fakeClock()
	s := newSigner(t, key, filepath.Join(t.TempDir(), "journal"), clk)
	if _, err := s.Sign(t.Context(), newDraft(t, key).request(t)); err != nil {
		t.Fatal(err)
	}
	void := voidOf(t, key)
	void.attempt, void.fee = 1, 5000
	goTo(clk, lastMoment().Add(time.Second))
	if _, err := s.Sign(t.Context(), void.request(t)); !errs.Is(err, "until_passed") {
		t.Errorf("a second late: got %v, want until_passed", err)
	}
	void.onVoid = func(n *decision.VoidNote) { n.Until = clk.Now().Add(decision.MaxLife + time.Second) }
	if _, err := s.Sign(t.Context(), void.request(t)); !errs.Is(err, "until_too_far") {
		t.Errorf("for more than a week: got %v, want until_too_far", err)
	}
	void.onVoid = func(n *decision.VoidNote) { n.Until = lastMoment() }
	goTo(clk, lastMoment())
	if _, err := s.Sign(t.Context(), void.request(t)); err != nil {
		t.Fatalf("at the last moment: %v", err)
	}
	goTo(clk, lastMoment().AddDate(0, 1, 0))
	void.attempt, void.fee = 2, 6000
	if _, err := s.Sign(t.Context(), void.request(t)); err != nil {
		t.Errorf("a dearer one of the same note, later: %v", err)
	}
}
