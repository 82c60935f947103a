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

func TestADecisionIsAccepted(t *testing.T) {
	t.Parallel()
	p, one := everybody(t), first(t)
	small, large := terms("small", 1_000_000), terms("large", 1_000_001)
	yes := func(by ...human) []approval.Envelope { return approve(one, small.Digest, charter.Reviewer, by...) }
	stranger := person(t, 50, "Stranger", charter.Reviewer)
	thief := human{p.ron.Person, p.vera.key, p.vera.passkey} // Vera's key under Ron's name
	elsewhere := one
	elsewhere.Fund = uuid.New()
	ahead := next(next(one, same), same)
	forked := next(one, func(c *charter.Charter) { c.Name = "Fork"; c.Version = 1 })
	damaged := yes(p.ron)[0]
	damaged.SSH = yes(p.vera)[0].SSH
	for name, test := range map[string]struct {
		terms     authority.Terms
		envelopes []approval.Envelope
		want      errs.Code
	}{
		"two reviewers":            {small, yes(p.vera, p.ron), ""},
		"one reviewer":             {small, yes(p.vera), authority.CodeReviewersLacking},
		"one reviewer twice":       {small, yes(p.vera, p.vera), authority.CodeReviewersLacking},
		"nobody":                   {small, nil, authority.CodeReviewersLacking},
		"one says no":              {small, append(yes(p.vera), p.ron.says(one, small.Digest, approval.Decline, charter.Reviewer)), authority.CodeReviewersLacking},
		"a no beside takes no yes": {small, append(yes(p.vera, p.ron), p.kim.says(one, small.Digest, approval.Decline, charter.Reviewer)), ""},
		"a treasurer as reviewer":  {small, append(yes(p.vera), approve(one, small.Digest, charter.Reviewer, p.tom)...), authority.CodeReviewersLacking},
		"a reviewer as treasurer":  {small, append(yes(p.vera), approve(one, small.Digest, charter.Treasurer, p.ron)...), authority.CodeReviewersLacking},
		"a stranger":               {small, append(yes(p.vera), approve(one, small.Digest, charter.Reviewer, stranger)...), authority.CodeReviewersLacking},
		"a stranger beside":        {small, append(yes(p.vera, p.ron), approve(one, small.Digest, charter.Reviewer, stranger)...), ""},
		"somebody else's name":     {small, append(yes(p.vera), approve(one, small.Digest, charter.Reviewer, thief)...), approval.CodeOtherPerson},
		"another note":             {small, append(yes(p.vera), approve(one, large.Digest, charter.Reviewer, p.ron)...), approval.CodeOtherNote},
		"another fund":             {small, append(yes(p.vera), approve(elsewhere, small.Digest, charter.Reviewer, p.ron)...), approval.CodeOtherNote},
		"a signature of another":   {small, append(yes(p.vera), damaged), "sshsig_wrong"},
		"by a charter to come":     {small, append(yes(p.vera), approve(ahead, small.Digest, charter.Reviewer, p.ron)...), authority.CodeCharterBehind},
		"by a fork":                {small, append(yes(p.vera), approve(forked, small.Digest, charter.Reviewer, p.ron)...), authority.CodeCharterFork},
		"a larger one by two":      {large, approve(one, large.Digest, charter.Reviewer, p.vera, p.ron), authority.CodeReviewersLacking},
		"a larger one by three":    {large, approve(one, large.Digest, charter.Reviewer, p.vera, p.ron, p.kim), ""},
		"the largest":              {terms("x", 20_000_000), approve(one, note("x"), charter.Reviewer, p.vera, p.ron, p.kim), ""},
		"larger than allowed":      {terms("x", 20_000_001), approve(one, note("x"), charter.Reviewer, p.vera, p.ron, p.kim), authority.CodeLimitDecision},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := under(one).CheckDecision(test.terms, test.envelopes, after(time.Hour))
			want(t, err, test.want)
		})
	}
	t.Run("of another fund", func(t *testing.T) {
		t.Parallel()
		other := small
		other.Fund = uuid.New()
		_, err := under(one).CheckDecision(other, yes(p.vera, p.ron), after(0))
		want(t, err, authority.CodeOtherFund)
	})
	t.Run("after the charter expired", func(t *testing.T) {
		t.Parallel()
		for at, code := range map[time.Duration]errs.Code{one.Expires.Sub(start) - 1: "", one.Expires.Sub(start): authority.CodeCharterExpired} {
			_, err := under(one).CheckDecision(small, yes(p.vera, p.ron), after(at))
			want(t, err, code)
		}
		late := authority.Times{Begins: start, Ends: one.Expires} // a clock that lags behind a header
		_, err := under(one).CheckDecision(small, yes(p.vera, p.ron), late)
		want(t, err, authority.CodeCharterExpired)
	})
	t.Run("without a charter", func(t *testing.T) {
		t.Parallel()
		_, err := under().CheckDecision(small, yes(p.vera, p.ron), after(0))
		want(t, err, authority.CodeNoCharter)
	})
}

// TestAcceptedUnderBothIsAcceptedUnderEach: over all pairs of small charters and all sets of
// approvals, what is accepted while both bind is what each of them alone accepts.
func TestAcceptedUnderBothIsAcceptedUnderEach(t *testing.T) {
	t.Parallel()
	p, base := everybody(t), first(t)
	var variants []func(*charter.Charter)
	for _, numbers := range [][2]int64{{2, 1}, {3, 1}, {3, 3}} {
		for _, leaves := range []*human{nil, &p.vera, &p.ron} {
			variants = append(variants, func(c *charter.Charter) {
				c.Lines = []charter.Line{{Reviewers: numbers[0], ByTerminal: numbers[1], Treasurers: 1}}
				if leaves != nil {
					without(c, *leaves)
				}
			})
		}
	}
	reviewers := []human{p.vera, p.ron, p.kim}
	pairs, accepted := 0, 0
	small := terms("small", 500)
	for _, old := range variants {
		for _, new := range variants {
			one := base
			one.People = append([]charter.Person{}, base.People...)
			old(&one)
			two := next(base, new)
			two.Previous = one.Digest()
			for set := range 1 << len(reviewers) {
				var by []human
				for i, h := range reviewers {
					if set>>i&1 == 1 {
						by = append(by, h)
					}
				}
				envelopes := approve(one, small.Digest, charter.Reviewer, by...)
				alone := func(s *authority.State) bool {
					_, err := s.CheckDecision(small, envelopes, after(2*time.Hour))
					return err == nil
				}
				both, each := alone(under(one, two)), alone(under(one)) && alone(under(two))
				if both != each {
					t.Fatalf("lines %v and %v, approvals %b: both %v, each alone %v", one.Lines, two.Lines, set, both, each)
				}
				pairs++
				if both {
					accepted++
				}
			}
		}
	}
	if accepted == 0 || accepted == pairs {
		t.Fatalf("%d of %d accepted: this tells nothing", accepted, pairs)
	}
	t.Logf("%d pairs of charters and sets of approvals, %d accepted", pairs, accepted)
}

// TestMoreApprovalsNeverTurnAYesIntoANo over all sets of approvals and one more.
func TestMoreApprovalsNeverTurnAYesIntoANo(t *testing.T) {
	t.Parallel()
	p, one := everybody(t), first(t)
	s := under(one, next(one, func(c *charter.Charter) { without(c, p.kim) }))
	stranger := person(t, 50, "Stranger", charter.Reviewer)
	small := terms("small", 500)
	all := append(approve(one, small.Digest, charter.Reviewer, p.vera, p.ron, p.kim, stranger, p.tom),
		p.vera.says(one, small.Digest, approval.Decline, charter.Reviewer), p.sue.says(one, small.Digest, approval.Approve, charter.Treasurer))
	accepts := func(set int) bool {
		var list []approval.Envelope
		for i, e := range all {
			if set>>i&1 == 1 {
				list = append(list, e)
			}
		}
		_, err := s.CheckDecision(small, list, after(2*time.Hour))
		return err == nil
	}
	yes := 0
	for set := range 1 << len(all) {
		if !accepts(set) {
			continue
		}
		yes++
		for i := range all {
			if !accepts(set | 1<<i) {
				t.Fatalf("approvals %b are enough, and with number %d they are not", set, i)
			}
		}
	}
	if yes == 0 {
		t.Fatal("nothing was accepted")
	}
}

func TestADecisionIsReplacedOnce(t *testing.T) {
	t.Parallel()
	p, one := everybody(t), first(t)
	s := under(one)
	add := func(terms authority.Terms) error {
		a, err := s.CheckDecision(terms, approve(one, terms.Digest, charter.Reviewer, p.vera, p.ron), after(0))
		if err == nil {
			s.AddDecision(a)
		}
		return err
	}
	stipend := periods("stipend", 3)
	want(t, add(stipend), "")
	batch := authority.Release{Batch: uuid.New(), Note: note("batch"), Until: start.AddDate(0, 0, 1)}
	batch.Payments = []authority.Payment{{Decision: stipend.Digest, Period: 1, Sat: 100}, {Decision: stipend.Digest, Period: 2, Sat: 100}}
	s.AddRelease(batch, start)

	replaces := func(name string, of decision.Digest, from int) authority.Terms {
		n := periods(name, 2)
		n.Replaces, n.From = of, from
		return n
	}
	want(t, add(replaces("from 2", stipend.Digest, 2)), authority.CodeReplacesReleased)
	s.AddDead(stipend.Digest, 2) // a void was proven
	want(t, add(replaces("from 2", stipend.Digest, 2)), "")
	want(t, add(replaces("from 2", stipend.Digest, 2)), "") // again
	want(t, add(replaces("another", stipend.Digest, 3)), authority.CodeDecisionReplaced)
	want(t, add(replaces("another", note("from 2"), 1)), "")

	for period, code := range map[int]errs.Code{1: "", 2: authority.CodeDecisionReplaced, 3: authority.CodeDecisionReplaced} {
		r := authority.Release{Batch: uuid.New(), Note: note("later"), Until: start.AddDate(0, 0, 1)}
		r.Payments = []authority.Payment{{Decision: stipend.Digest, Period: period, Sat: 100}}
		want(t, s.CheckRelease(r, approve(one, r.Note, charter.Treasurer, p.tom), after(0)), code)
	}
}

// periods are the terms of a decision that is due at once for several periods.
func periods(name string, n int) authority.Terms {
	out := terms(name, btcutil.Amount(100*n))
	for range n - 1 {
		out.Due, out.Until = append(out.Due, out.Due[0]), append(out.Until, out.Until[0])
	}
	return out
}

// TestWhoLeft: who left in good standing counts in what was accepted, and who was revoked
// does not, until today's people approve again.
func TestWhoLeft(t *testing.T) {
	t.Parallel()
	p, one := everybody(t), first(t)
	small := terms("small", 500)
	r := authority.Release{Batch: uuid.New(), Note: note("batch"), Until: start.AddDate(0, 0, 5)}
	r.Payments = []authority.Payment{{Decision: small.Digest, Period: 1, Sat: 500}}
	for name, test := range map[string]struct {
		change func(*charter.Charter)
		want   errs.Code
	}{
		"nobody":              {same, ""},
		"Vera left":           {func(c *charter.Charter) { without(c, p.vera) }, ""},
		"Vera was revoked":    {func(c *charter.Charter) { without(c, p.vera); c.Revoked = []uuid.UUID{p.vera.ID} }, authority.CodeReviewersRevoked},
		"Kim was revoked":     {func(c *charter.Charter) { without(c, p.kim); c.Revoked = []uuid.UUID{p.kim.ID} }, ""},
		"the numbers go up":   {func(c *charter.Charter) { c.Lines[0].Reviewers = 3 }, ""},
		"keys of all changed": {func(c *charter.Charter) { c.People[3].SSH = person(t, 60, "New key").SSH }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			two := next(one, test.change)
			s := under(one)
			a, err := s.CheckDecision(small, approve(one, small.Digest, charter.Reviewer, p.vera, p.ron), after(0))
			want(t, err, "")
			s.AddDecision(a)
			s.AddCharter(two, start.Add(time.Hour), false)
			want(t, s.CheckRelease(r, approve(one, r.Note, charter.Treasurer, p.tom), after(2*time.Hour)), test.want)
			if test.want == "" {
				return
			}
			a, err = s.CheckDecision(small, approve(two, small.Digest, charter.Reviewer, p.ron, p.kim), after(2*time.Hour))
			want(t, err, "")
			s.AddDecision(a)
			want(t, s.CheckRelease(r, approve(two, r.Note, charter.Treasurer, p.tom), after(2*time.Hour)), "")
		})
	}
}

// TestRefusalsAreSentences: a refusal counts who is there and who is asked for.
func TestRefusalsAreSentences(t *testing.T) {
	t.Parallel()
	p, one := everybody(t), first(t)
	_, err := under(one).CheckDecision(terms("x", 5), approve(one, note("x"), charter.Reviewer, p.vera), after(0))
	if got, want := fmt.Sprint(err), "reviewers_lacking: 1 of 2 reviewers approved the decision."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
