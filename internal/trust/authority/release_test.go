package authority_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/approval"
	"github.com/causeway-fund/causeway/internal/trust/authority"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// accepted returns a State that accepted decisions of these amounts, "decision 0" and so on,
// by Vera and Ron, and Kim above 1,000,000 sat.
func accepted(t *testing.T, c charter.Charter, amounts ...btcutil.Amount) *authority.State {
	t.Helper()
	p, s := everybody(t), under(c)
	for i, amount := range amounts {
		terms := terms(fmt.Sprintf("decision %d", i), amount)
		by := []human{p.vera, p.ron}
		if amount > 1_000_000 {
			by = append(by, p.kim)
		}
		a, err := s.CheckDecision(terms, approve(c, terms.Digest, charter.Reviewer, by...), after(0))
		if err != nil {
			t.Fatal(err)
		}
		s.AddDecision(a)
	}
	return s
}

// batch pays the i-th decisions.
func batch(name string, fee btcutil.Amount, pays map[int]btcutil.Amount) authority.Release {
	r := authority.Release{Batch: uuid.NewSHA1(uuid.Nil, []byte(name)), Note: note(name), Until: start.AddDate(0, 0, 7), Fee: fee}
	for i, sat := range pays {
		r.Payments = append(r.Payments, authority.Payment{Decision: note(fmt.Sprintf("decision %d", i)), Period: 1, Sat: sat})
	}
	return r
}

func TestABatchIsReleased(t *testing.T) {
	t.Parallel()
	p, one := everybody(t), first(t)
	r := batch("batch", 100, map[int]btcutil.Amount{0: 500_000, 1: 400_000})
	yes := func(by ...human) []approval.Envelope { return approve(one, r.Note, charter.Treasurer, by...) }
	change := func(f func(*authority.Release)) authority.Release {
		c := r
		c.Payments = append([]authority.Payment{}, r.Payments...)
		f(&c)
		return c
	}
	for name, test := range map[string]struct {
		release   authority.Release
		envelopes []approval.Envelope
		at        authority.Times
		want      errs.Code
	}{
		"by a treasurer":               {r, yes(p.tom), after(time.Hour), ""},
		"by nobody":                    {r, nil, after(time.Hour), authority.CodeTreasurersLacking},
		"by a reviewer":                {r, yes(p.kim), after(time.Hour), authority.CodeTreasurersLacking},
		"by a treasurer as trustee":    {r, approve(one, r.Note, charter.Trustee, p.tom), after(time.Hour), authority.CodeTreasurersLacking},
		"a decision nobody accepted":   {batch("batch", 100, map[int]btcutil.Amount{9: 5}), yes(p.tom), after(time.Hour), authority.CodeDecisionUnknown},
		"a period that is not":         {change(func(r *authority.Release) { r.Payments[0].Period = 2 }), yes(p.tom), after(time.Hour), authority.CodePeriodUnknown},
		"period zero":                  {change(func(r *authority.Release) { r.Payments[0].Period = 0 }), yes(p.tom), after(time.Hour), authority.CodePeriodUnknown},
		"before it is due":             {r, yes(p.tom), after(-time.Second), authority.CodePeriodEarly},
		"with a clock ahead":           {r, yes(p.tom), authority.Times{Begins: start.Add(-time.Second), Ends: start.AddDate(0, 0, 1)}, authority.CodePeriodEarly},
		"after it is over":             {change(func(r *authority.Release) { r.Until = start.AddDate(0, 3, 0) }), yes(p.tom), authority.At(start.AddDate(0, 2, 1)), authority.CodePeriodOver},
		"after the approval is over":   {r, yes(p.tom), authority.At(r.Until.Add(time.Second)), authority.CodeApprovalOver},
		"at its last moment":           {r, yes(p.tom), authority.At(r.Until), ""},
		"with a clock behind":          {r, yes(p.tom), authority.Times{Begins: start, Ends: r.Until.Add(time.Second)}, authority.CodeApprovalOver},
		"an approval for a long time":  {change(func(r *authority.Release) { r.Until = start.AddDate(0, 0, 7).Add(time.Second) }), yes(p.tom), after(0), authority.CodeApprovalLong},
		"after the charter expired":    {change(func(r *authority.Release) { r.Until = one.Expires }), yes(p.tom), authority.At(one.Expires), authority.CodeCharterExpired},
		"with fees above those of day": {change(func(r *authority.Release) { r.Fee = 10_001 }), yes(p.tom), after(time.Hour), authority.CodeLimitFees},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := accepted(t, one, 500_000, 400_000)
			want(t, s.CheckRelease(test.release, test.envelopes, test.at), test.want)
		})
	}
	t.Run("by somebody who approved one of its decisions", func(t *testing.T) {
		t.Parallel()
		// Ron turns treasurer; version 1, which has him as reviewer, binds no longer.
		two := next(one, func(c *charter.Charter) {
			for i := range c.People {
				if c.People[i].ID == p.ron.ID {
					c.People[i].Roles = []charter.Role{charter.Treasurer}
				}
			}
		})
		s := accepted(t, one, 500_000, 400_000)
		s.AddCharter(two, start, false)
		late := after(72 * time.Hour)
		want(t, s.CheckRelease(r, approve(two, r.Note, charter.Treasurer, p.ron), late), authority.CodeTreasurersLacking)
		want(t, s.CheckRelease(r, approve(two, r.Note, charter.Treasurer, p.tom), late), "")
	})
	t.Run("paid before, says a history", func(t *testing.T) {
		t.Parallel()
		s := accepted(t, one, 500_000, 400_000)
		s.AddHistory(note("decision 1"), 1)
		want(t, s.CheckRelease(r, yes(p.tom), after(0)), authority.CodePaidBefore)
	})
}

// TestTreasurersByTheDaysSum compares who may release what with a table of the rule: over
// all sets of treasurers, amounts around the line, and what the day released before.
func TestTreasurersByTheDaysSum(t *testing.T) {
	t.Parallel()
	p, one := everybody(t), first(t)
	tried := 0
	for set := range 4 {
		var by []human
		for i, h := range []human{p.tom, p.sue} {
			if set>>i&1 == 1 {
				by = append(by, h)
			}
		}
		for _, before := range []btcutil.Amount{0, 1, 600_000, 1_000_000} {
			for _, amount := range []btcutil.Amount{1, 400_000, 400_001, 999_999, 1_000_000} {
				for _, ago := range []time.Duration{time.Hour, 24*time.Hour - 1, 24 * time.Hour} {
					s := accepted(t, one, 1_000_000, 1_000_000)
					if before > 0 {
						s.AddRelease(batch("before", 0, map[int]btcutil.Amount{0: before}), start.Add(24*time.Hour-ago))
					}
					r := batch("now", 0, map[int]btcutil.Amount{1: amount})
					sum := amount
					if ago < 24*time.Hour {
						sum += before
					}
					needed := 1
					if sum > 1_000_000 {
						needed = 2
					}
					expected := errs.Code("")
					if len(by) < needed {
						expected = authority.CodeTreasurersLacking
					}
					want(t, s.CheckRelease(r, approve(one, r.Note, charter.Treasurer, by...), after(24*time.Hour)), expected)
					tried++
				}
			}
		}
	}
	t.Logf("%d combinations", tried)
}

func TestLimitsOfDayAndMonth(t *testing.T) {
	t.Parallel()
	p, one := everybody(t), first(t) // 5,000,000 a day, 10,000,000 in 30 days
	s := accepted(t, one, 4_000_000, 1_000_000, 1_000_001, 4_000_000, 2_000_000, 6_000_000)
	release := func(name string, i int, sat btcutil.Amount, at time.Duration) error {
		r := batch(name, 1, map[int]btcutil.Amount{i: sat})
		r.Until = start.Add(at)
		err := s.CheckRelease(r, approve(one, r.Note, charter.Treasurer, p.tom, p.sue), after(at))
		if err == nil {
			s.AddRelease(r, start.Add(at))
		}
		return err
	}
	want(t, release("a", 0, 4_000_000, 0), "")
	err := release("b", 2, 1_000_001, time.Hour)
	want(t, err, authority.CodeLimitDay)
	if got, want := err.Error(), "It fits from 2026-12-02T00:00:00Z on."; !contains(got, want) {
		t.Errorf("%q does not say %q", got, want)
	}
	want(t, release("c", 1, 1_000_000, time.Hour), "") // exactly
	want(t, release("d", 5, 6_000_000, 24*time.Hour), authority.CodeLimitDay)
	if err := release("d", 5, 6_000_000, 24*time.Hour); !contains(err.Error(), "never fits") {
		t.Errorf("%v does not say that it never fits", err)
	}
	want(t, release("e", 3, 4_000_000, 24*time.Hour), "")
	err = release("f", 4, 2_000_000, 72*time.Hour)
	want(t, err, authority.CodeLimitMonth)
	if want := "It fits from 2026-12-31T00:00:00Z on."; !contains(err.Error(), want) {
		t.Errorf("%v does not say %q", err, want)
	}
	want(t, release("f", 4, 2_000_000, 30*24*time.Hour-1), authority.CodeLimitMonth)
	want(t, release("f", 4, 2_000_000, 30*24*time.Hour), "")
}

func contains(s, part string) bool {
	for i := range len(s) - len(part) + 1 {
		if s[i:i+len(part)] == part {
			return true
		}
	}
	return false
}

// TestAPeriodCountsOnce: what is paid anew after its first transaction was proven dead counts
// no second time, and taking back gives nothing back.
func TestAPeriodCountsOnce(t *testing.T) {
	t.Parallel()
	p, one := everybody(t), first(t)
	s := accepted(t, one, 5_000_000, 1)
	yes := func(r authority.Release) []approval.Envelope {
		return approve(one, r.Note, charter.Treasurer, p.tom, p.sue)
	}
	r := batch("a", 1, map[int]btcutil.Amount{0: 5_000_000})
	want(t, s.CheckRelease(r, yes(r), after(0)), "")
	s.AddRelease(r, start)
	s.AddDead(note("decision 0"), 1)
	again := batch("b", 1, map[int]btcutil.Amount{0: 5_000_000})
	want(t, s.CheckRelease(again, yes(again), after(time.Hour)), "")
	s.AddRelease(again, start.Add(time.Hour))
	more := batch("c", 1, map[int]btcutil.Amount{1: 1})
	want(t, s.CheckRelease(more, yes(more), after(time.Hour)), authority.CodeLimitDay)
	// The second release came an hour later and moved nothing.
	want(t, s.CheckRelease(more, yes(more), after(24*time.Hour)), "")
}

// TestFeesOfTheDay: a treasurer who raises fees all day meets the limit; a batch counts at
// its dearest, and what takes it back counts what it adds.
func TestFeesOfTheDay(t *testing.T) {
	t.Parallel()
	p, one := everybody(t), first(t) // 10,000 a day
	s := accepted(t, one, 500_000, 400_000)
	r := batch("a", 4_000, map[int]btcutil.Amount{0: 500_000})
	yes := approve(one, r.Note, charter.Treasurer, p.tom)
	want(t, s.CheckRelease(r, yes, after(0)), "")
	s.AddRelease(r, start)
	r.Fee = 7_000
	want(t, s.CheckReplacement(r, nil, after(time.Hour)), "") // adds 3,000
	s.AddRelease(r, start.Add(time.Hour))
	other := batch("b", 3_001, map[int]btcutil.Amount{1: 400_000})
	want(t, s.CheckRelease(other, approve(one, other.Note, charter.Treasurer, p.tom), after(2*time.Hour)), authority.CodeLimitFees)
	r.Fee = 10_001
	want(t, s.CheckReplacement(r, nil, after(2*time.Hour)), authority.CodeLimitFees)
	void := authority.Own{Batch: r.Batch, Note: note("void"), Until: start.AddDate(0, 0, 1), Fee: 10_000}
	both := append(approve(one, void.Note, charter.Treasurer, p.tom), approve(one, void.Note, charter.Trustee, p.ada)...)
	want(t, s.CheckVoid(void, both, after(2*time.Hour)), "")
	void.Fee++
	want(t, s.CheckVoid(void, both, after(2*time.Hour)), authority.CodeLimitFees)
	want(t, s.CheckVoid(void, both, after(24*time.Hour)), "") // 4,000 left the day
}

// TestABumpUnderAnotherNoteIsApproved: a note with a higher cap that nobody approved bumps
// nothing.
func TestABumpUnderAnotherNoteIsApproved(t *testing.T) {
	t.Parallel()
	p, one := everybody(t), first(t)
	s := accepted(t, one, 500_000)
	r := batch("a", 100, map[int]btcutil.Amount{0: 500_000})
	s.AddRelease(r, start)
	dearer := r
	dearer.Note, dearer.Fee = note("a higher cap"), 5_000
	want(t, s.CheckReplacement(dearer, nil, after(time.Hour)), authority.CodeTreasurersLacking)
	want(t, s.CheckReplacement(dearer, approve(one, r.Note, charter.Treasurer, p.tom), after(time.Hour)), approval.CodeOtherNote)
	yes := approve(one, dearer.Note, charter.Treasurer, p.tom)
	want(t, s.CheckReplacement(dearer, yes, authority.At(r.Until.Add(time.Second))), authority.CodeApprovalOver)
	want(t, s.CheckReplacement(dearer, yes, after(time.Hour)), "")
	s.AddRelease(dearer, start.Add(time.Hour))
	want(t, s.CheckReplacement(dearer, nil, authority.At(r.Until.Add(time.Hour))), "") // by either note again
	want(t, s.CheckReplacement(r, nil, after(2*time.Hour)), "")
	want(t, s.CheckReplacement(r, nil, authority.At(one.Expires.Add(time.Hour))), "") // what was released is helped along
}

func TestUpkeepAndVoid(t *testing.T) {
	t.Parallel()
	p, one := everybody(t), first(t)
	o := authority.Own{Batch: uuid.New(), Note: note("upkeep"), Until: start.AddDate(0, 0, 2), Fee: 500}
	as := func(role charter.Role, by ...human) []approval.Envelope { return approve(one, o.Note, role, by...) }
	for name, test := range map[string]struct {
		envelopes []approval.Envelope
		want      errs.Code
	}{
		"two treasurers":           {as(charter.Treasurer, p.tom, p.sue), ""},
		"treasurer and trustee":    {append(as(charter.Treasurer, p.tom), as(charter.Trustee, p.ada)...), ""},
		"one treasurer":            {as(charter.Treasurer, p.tom), authority.CodeStewardsLacking},
		"one treasurer twice":      {as(charter.Treasurer, p.tom, p.tom), authority.CodeStewardsLacking},
		"two trustees":             {as(charter.Trustee, p.ada, p.lin), authority.CodeStewardsLacking},
		"a treasurer, as trustee":  {append(as(charter.Trustee, p.tom), as(charter.Trustee, p.ada)...), authority.CodeStewardsLacking},
		"a treasurer and reviewer": {append(as(charter.Treasurer, p.tom), as(charter.Reviewer, p.vera)...), authority.CodeStewardsLacking},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want(t, under(one).CheckUpkeep(o, test.envelopes, after(time.Hour)), test.want)
			want(t, under(one).CheckVoid(o, test.envelopes, after(time.Hour)), test.want)
		})
	}
	yes := as(charter.Treasurer, p.tom, p.sue)
	want(t, under(one).CheckUpkeep(o, yes, authority.At(o.Until.Add(1))), authority.CodeApprovalOver)
	want(t, under().CheckUpkeep(o, yes, after(0)), authority.CodeNoCharter)
	halted := under(one)
	halted.AddHalt(halting("halt", decision.Digest{}), p.kim.ID, start)
	want(t, halted.CheckUpkeep(o, yes, after(time.Hour)), authority.CodeHalted)
	want(t, halted.CheckVoid(o, yes, after(time.Hour)), "") // the brake
}

// TestASoleOperator does alone what others do together.
func TestASoleOperator(t *testing.T) {
	t.Parallel()
	all := person(t, 1, "Ada", charter.Trustee, charter.Reviewer, charter.Treasurer)
	c := first(t)
	c.SoleOperator, c.Trustees, c.People = all.ID, 1, []charter.Person{all.Person}
	c.Lines = []charter.Line{{Reviewers: 1, ByTerminal: 1, Treasurers: 1}}
	s := under(c)
	small := terms("decision 0", 500)
	a, err := s.CheckDecision(small, approve(c, small.Digest, charter.Reviewer, all), after(0))
	want(t, err, "")
	s.AddDecision(a)
	r := batch("a", 1, map[int]btcutil.Amount{0: 500})
	want(t, s.CheckRelease(r, approve(c, r.Note, charter.Treasurer, all), after(0)), "")
	o := authority.Own{Batch: uuid.New(), Note: note("upkeep"), Until: start.AddDate(0, 0, 2)}
	want(t, s.CheckUpkeep(o, approve(c, o.Note, charter.Treasurer, all), after(0)), "")
}
