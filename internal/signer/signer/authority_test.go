package signer_test

import (
	"testing"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/testkit/keytest"
	"github.com/causeway-fund/causeway/internal/trust/approval"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// A batch is paid when its decisions were accepted by reviewers and treasurers approved it; a
// repeat and a bump under the same note need nobody, another note needs treasurers again.
func TestWhatACharterAsksForABatch(t *testing.T) {
	t.Parallel()
	c := newChartered(t, nil)
	d := newDraft(t, c.key)
	c.signs(t, c.approvedBy(t, d, charter.Treasurer, c.Treasurers[0]), "decision_not_accepted")

	one := c.decisions(t, d)
	for i := range one.Decisions {
		one.Decisions[i].Signed = one.Decisions[i].Signed[:1]
	}
	c.takes(t, one, "reviewers_lacking")
	for i, n := range d.notes {
		one.Decisions[i].Signed = []string{
			c.byPasskey(t, c.Reviewers[0], n.Digest(), charter.Reviewer), c.byPasskey(t, c.Reviewers[1], n.Digest(), charter.Reviewer),
		}
	}
	c.takes(t, one, "terminal_lacking")
	before := c.Info().JournalRecords
	c.takes(t, c.decisions(t, d), "")
	if got := c.Info().JournalRecords; got != before+3 {
		t.Errorf("%d lines after three decisions, %d before", got, before)
	}
	c.takes(t, c.decisions(t, d), "") // the same again changes nothing
	if got := c.Info().JournalRecords; got != before+3 {
		t.Errorf("%d lines after the same decisions again", got)
	}

	c.signs(t, d.request(t), "treasurers_lacking")
	c.signs(t, c.approvedBy(t, d, charter.Reviewer, c.Reviewers[0], c.Reviewers[1]), "treasurers_lacking")
	other := c.approvedBy(t, d, charter.Treasurer, c.Treasurers[0])
	other.Approvals = c.approvedBy(t, voidOf(t, c.key), charter.Treasurer, c.Treasurers[0]).Approvals
	c.signs(t, other, approval.CodeOtherNote)
	c.signs(t, c.approvedBy(t, d, charter.Treasurer, c.Treasurers[0]), "")

	c.signs(t, d.request(t), "") // a repeat
	d.attempt, d.fee = 1, 5000
	c.signs(t, d.request(t), "") // a bump
	d.attempt, d.fee = 2, 6000
	d.onBatch = func(b *decision.BatchNote) { b.MaxFee = 40_000 }
	c.signs(t, d.request(t), "treasurers_lacking")
	c.signs(t, c.approvedBy(t, d, charter.Treasurer, c.Treasurers[1]), "")
}

// What the journal holds counts after a restart as it did before.
func TestARestartForgetsNothingThatWasDecided(t *testing.T) {
	t.Parallel()
	c := newChartered(t, func(c *charter.Charter) { c.Limits.Day = 3_500_000 })
	d := newDraft(t, c.key)
	c.takes(t, c.decisions(t, d), "")
	id := keytest.ID("halt")
	c.takes(t, c.halts(t, id, c.Reviewers[2]), "")
	c.takes(t, c.resumes(t, id, c.Trustees[0], c.Trustees[1]), "")
	c.signs(t, c.approvedBy(t, d, charter.Treasurer, c.Treasurers[0]), "")
	before := c.acked(t)

	again, closeJournal := c.reopened(t)
	defer closeJournal()
	c.Signer = again
	after := c.acked(t)
	if after.Line != before.Line || after.Head != before.Head || after.Version != 1 || after.Charter != c.Charter.Digest() ||
		after.Fund != c.Charter.Fund || len(after.Halts) != 0 {
		t.Errorf("acked %+v before and %+v after", before, after)
	}
	c.takes(t, c.decisions(t, d), "")
	c.takes(t, c.resumes(t, id, c.Trustees[0], c.Trustees[1]), "")
	c.takes(t, c.halts(t, id, c.Reviewers[2]), "halt_lifted")
	if got := c.Info().JournalRecords; got != before.Line {
		t.Errorf("%d lines, %d before", got, before.Line)
	}
	// The limit of the day knows what was paid before.
	next := newDraft(t, c.key)
	next.number, next.coins = 6, []coin{newCoin(t, c.key.Descriptor(), 9, 4_000_000)}
	for i := range next.notes {
		next.notes[i].Decision[0] = 1
	}
	c.takes(t, c.decisions(t, next), "")
	c.signs(t, c.approvedBy(t, next, charter.Treasurer, c.Treasurers[0]), "limit_day")
	c.clk.Advance(24*time.Hour + time.Second)
	c.signs(t, c.approvedBy(t, next, charter.Treasurer, c.Treasurers[0]), "")
}

// reopened reads a copy of the journal, as after a restart.
func (c *chartered) reopened(t *testing.T) (*signer.Signer, func()) {
	t.Helper()
	copied := c.path + ".copy"
	writeText(t, copied, readText(t, c.path))
	writeText(t, copied+".checkpoint", readText(t, c.path+".checkpoint"))
	return openSigner(t, c.key, copied, c.clk)
}

func TestOnePersonHaltsAndTrusteesResume(t *testing.T) {
	t.Parallel()
	c := newChartered(t, nil)
	d := newDraft(t, c.key)
	c.takes(t, c.decisions(t, d), "")
	c.signs(t, c.approvedBy(t, d, charter.Treasurer, c.Treasurers[0]), "")
	id := keytest.ID("halt")
	c.takes(t, c.halts(t, id, c.Reviewers[2]), "")
	if a := c.acked(t); len(a.Halts) != 1 || a.Halts[0] != id {
		t.Errorf("acked %+v", a)
	}
	c.signs(t, d.request(t), "halted") // repeats stop too
	c.signs(t, newUpkeep(t, c.key, decision.UpkeepSplit, 2).request(t), "halted")
	void := voidOf(t, c.key)
	void.fee = 6000
	c.signs(t, void.request(t), "stewards_lacking")
	c.signs(t, c.approvedBy(t, void, charter.Treasurer, c.Treasurers[0], c.Treasurers[1]), "")
	c.takes(t, c.resumes(t, id, c.Trustees[0]), "trustees_lacking")
	c.takes(t, c.resumes(t, id, c.Trustees[0], c.Trustees[1]), "")
	c.signs(t, d.request(t), "")
}

func TestRefusalsOfACharter(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		charter func(*charter.Charter)
		draft   func(*draft)
		want    errs.Code
	}{
		"fee above the charter's":     {func(c *charter.Charter) { c.Limits.Fee = 2999 }, nil, "fee_above_cap"},
		"feerate above the charter's": {func(c *charter.Charter) { c.Limits.FeeRateSatKVB = 2_000 }, nil, "feerate_above_cap"},
		"fees of a day":               {func(c *charter.Charter) { c.Limits.FeesDay = 2999 }, nil, "limit_fees"},
		"another treasury in use":     {newTreasury(t), nil, "treasury_not_in_use"},
		"number far ahead":            {nil, func(d *draft) { d.number = 1001 }, "batch_number_far"},
		"number just near enough":     {nil, func(d *draft) { d.number = 1000 }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newChartered(t, tc.charter)
			d := newDraft(t, c.key)
			if tc.draft != nil {
				tc.draft(d)
			}
			c.takes(t, c.decisions(t, d), "")
			c.signs(t, c.approvedBy(t, d, charter.Treasurer, c.Treasurers[0]), tc.want)
		})
	}
}

// newTreasury adds a treasury of the same first two keys to a charter.
func newTreasury(t *testing.T) func(*charter.Charter) {
	t.Helper()
	return func(c *charter.Charter) {
		var keys []string
		for _, seed := range [][]byte{keytest.Seed("treasury A"), keytest.Seed("treasury B"), keytest.Seed("another")} {
			key, err := wallet.KeyExpression(seed, wallet.KindWSH, &chaincfg.SimNetParams)
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, key)
		}
		d, err := wallet.MultisigDescriptor(2, keys, &chaincfg.SimNetParams)
		if err != nil {
			t.Fatal(err)
		}
		c.Treasuries = append(c.Treasuries, charter.Treasury{Number: 1, Descriptor: d.String()})
	}
}

// Charters come in turn; a pinned one follows whatever was there.
func TestChartersAreTakenInAndPinned(t *testing.T) {
	t.Parallel()
	c := newChartered(t, nil)
	second := c.Next(func(c *charter.Charter) { c.Limits.Day = 1 })
	third := second.Next(func(c *charter.Charter) { c.Limits.Day = 2 })
	other := c.Next(func(c *charter.Charter) { c.Limits.Day = 3 })
	paper := func(text []byte, signatures ...[]byte) signerrpc.Papers {
		p := signerrpc.Paper{Note: string(text)}
		for _, s := range signatures {
			p.Signed = append(p.Signed, string(s))
		}
		return signerrpc.Papers{Charters: []signerrpc.Paper{p}}
	}
	c.takes(t, paper(third.Charter.Encode(), third.SignCharter()...), "charter_gap")
	c.takes(t, paper(second.Charter.Encode(), second.SignCharter()[:1]...), "charter_unsigned")
	c.takes(t, paper([]byte("x")), "charter_malformed")
	c.takes(t, paper(second.Charter.Encode(), second.SignCharter()...), "")
	c.takes(t, paper(second.Charter.Encode(), second.SignCharter()...), "")
	c.takes(t, paper(other.Charter.Encode(), other.SignCharter()...), "charter_fork")
	if a := c.acked(t); a.Line != 2 || a.Version != 2 || a.Charter != second.Charter.Digest() {
		t.Errorf("acked %+v", a)
	}
	// Tightening is at once.
	d := newDraft(t, c.key)
	c.takes(t, c.decisions(t, d), "")
	c.signs(t, c.approvedBy(t, d, charter.Treasurer, c.Treasurers[0]), "limit_day")

	for range 2 {
		if err := c.Pin(string(other.Charter.Encode())); err != nil {
			t.Fatal(err)
		}
	}
	if a := c.acked(t); a.Charter != other.Charter.Digest() {
		t.Errorf("acked %+v", a)
	}
	for name, tc := range map[string]struct {
		change func(*charter.Charter)
		want   errs.Code
	}{
		"without this signer": {func(c *charter.Charter) { c.Signers = c.Signers[1:] }, "signer_not_listed"},
		"another ack key":     {func(c *charter.Charter) { c.Signers[0].Key = c.Signers[1].Key; c.Signers = c.Signers[:1] }, "signer_not_listed"},
		"another fund":        {func(c *charter.Charter) { c.Fund[15]++ }, "note_other_fund"},
	} {
		if err := c.Pin(string(c.Next(tc.change).Charter.Encode())); !errs.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %s", name, err, tc.want)
		}
	}
}

func TestASignerWithoutACharterAcceptsNothing(t *testing.T) {
	t.Parallel()
	s := newSigner(t, ackingKey(t), t.TempDir()+"/journal", fakeClock())
	if _, err := s.Accept(t.Context(), signerrpc.Papers{}); !errs.Is(err, "journal_without_charter") {
		t.Errorf("got %v, want journal_without_charter", err)
	}
}

// A charter that is pinned to a journal of payments counts them in its limits.
func TestACharterCountsWhatWasPaidBefore(t *testing.T) {
	t.Parallel()
	c := newChartered(t, nil)
	path := t.TempDir() + "/journal"
	c.Signer = newSigner(t, c.key, path, c.clk)
	d := newDraft(t, c.key)
	c.signs(t, d.request(t), "")
	if err := c.Pin(string(c.Charter.Encode())); err != nil {
		t.Fatal(err)
	}
	if a := c.acked(t); a.Version != 1 || a.Line != 2 {
		t.Errorf("acked %+v", a)
	}
	d.attempt, d.fee = 1, 5000
	c.signs(t, d.request(t), "")
	upkeep := newUpkeep(t, c.key, decision.UpkeepSplit, 2)
	upkeep.number, upkeep.coins = 6, []coin{newCoin(t, c.key.Descriptor(), 9, 4_000_000)}
	c.signs(t, c.approvedBy(t, upkeep, charter.Treasurer, c.Treasurers[0]), "stewards_lacking")
	c.signs(t, c.approvedBy(t, upkeep, charter.Treasurer, c.Treasurers...), "")
}

// A clock that lies either way delays, and never allows.
func TestTimes(t *testing.T) {
	t.Parallel()
	line, header := now(), now().Add(3*time.Hour)
	for name, tc := range map[string]struct{ clock, header, begins, ends time.Time }{
		"right":                {header.Add(time.Hour), header, header.Add(time.Hour), header.Add(time.Hour)},
		"a year ahead":         {header.AddDate(1, 0, 0), header, header.Add(2 * time.Hour), header.AddDate(1, 0, 0)},
		"behind the header":    {line.Add(time.Hour), header, line.Add(time.Hour), header},
		"no header, ahead":     {line.AddDate(1, 0, 0), time.Time{}, line, line.AddDate(1, 0, 0)},
		"an old header, ahead": {line.AddDate(1, 0, 0), line.AddDate(-1, 0, 0), line, line.AddDate(1, 0, 0)},
	} {
		got, err := signer.TimesOf(tc.clock, tc.header, line)
		if err != nil || !got.Begins.Equal(tc.begins) || !got.Ends.Equal(tc.ends) {
			t.Errorf("%s: %+v (%v), want %s and %s", name, got, err, tc.begins, tc.ends)
		}
	}
	if _, err := signer.TimesOf(line.AddDate(-1, 0, 0), header, line); !errs.Is(err, "clock_back") {
		t.Errorf("a year behind: got %v, want clock_back", err)
	}
}
