package authority_test

import (
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/approval"
	"github.com/causeway-fund/causeway/internal/trust/authority"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/halt"
)

func halting(name string, of decision.Digest) halt.Note {
	return halt.Note{
		Network: decision.NetworkOf(&chaincfg.SimNetParams), Fund: fund, ID: uuid.NewSHA1(uuid.Nil, []byte(name)), Halts: of,
		Reason: halt.NoReason,
	}
}

func resuming(lifts []uuid.UUID, bars ...uuid.UUID) halt.Resume {
	return halt.Resume{
		Network: decision.NetworkOf(&chaincfg.SimNetParams), Fund: fund, ID: uuid.NewSHA1(uuid.Nil, []byte("resume")), Lifts: lifts, Bars: bars,
	}
}

// TestAnybodyHalts and only the trustees resume.
func TestAnybodyHalts(t *testing.T) {
	t.Parallel()
	p, one := everybody(t), first(t)
	r := batch("a", 100, map[int]btcutil.Amount{0: 500_000, 1: 400_000})
	yes := approve(one, r.Note, charter.Treasurer, p.tom)
	for name, test := range map[string]struct {
		of    decision.Digest
		stops bool
	}{
		"all": {decision.Digest{}, true}, "the batch": {r.Note, true}, "one of its decisions": {note("decision 1"), true},
		"another decision": {note("decision 2"), false},
	} {
		for _, by := range []human{p.ada, p.vera, p.tom} {
			t.Run(name+" by "+by.Name, func(t *testing.T) {
				t.Parallel()
				s := accepted(t, one, 500_000, 400_000)
				h := halting("halt", test.of)
				who, known, err := s.CheckHalt(h, by.says(one, h.Digest(), approval.Approve, approval.Any), after(0))
				want(t, err, "")
				if who != by.ID || known {
					t.Errorf("halted by %v, known %v", who, known)
				}
				s.AddHalt(h, who, start)
				s.AddHalt(h, who, start)
				if _, known, err := s.CheckHalt(h, by.says(one, h.Digest(), approval.Approve, approval.Any), after(0)); !known || err != nil {
					t.Errorf("again: known %v, %v", known, err)
				}
				expected := errs.Code("")
				if test.stops {
					expected = authority.CodeHalted
				}
				want(t, s.CheckRelease(r, yes, after(time.Hour)), expected)
				s.AddRelease(r, start)
				want(t, s.CheckReplacement(r, nil, after(time.Hour)), expected)
				if len(s.InForce()) != 1 {
					t.Errorf("%d halts in force", len(s.InForce()))
				}
				resume := resuming([]uuid.UUID{h.ID})
				want(t, s.CheckResume(resume, approve(one, resume.Digest(), charter.Trustee, p.ada), after(0)), authority.CodeTrusteesLacking)
				want(t, s.CheckResume(resume, approve(one, resume.Digest(), charter.Trustee, p.vera, p.tom), after(0)), authority.CodeTrusteesLacking)
				want(t, s.CheckResume(resume, approve(one, resume.Digest(), charter.Trustee, p.ada, p.noor), after(0)), "")
				s.AddResume(resume, start.Add(time.Hour))
				want(t, s.CheckReplacement(r, nil, after(time.Hour)), "")
				_, _, err = s.CheckHalt(h, by.says(one, h.Digest(), approval.Approve, approval.Any), after(0))
				want(t, err, authority.CodeHaltLifted)
			})
		}
	}
}

func TestWhoMayNotHalt(t *testing.T) {
	t.Parallel()
	p, one := everybody(t), first(t)
	h := halting("halt", decision.Digest{})
	stranger := person(t, 50, "Stranger")
	for name, test := range map[string]struct {
		envelope approval.Envelope
		want     errs.Code
	}{
		"a stranger":         {stranger.says(one, h.Digest(), approval.Approve, approval.Any), authority.CodeHaltUnsigned},
		"who says no":        {p.vera.says(one, h.Digest(), approval.Decline, approval.Any), authority.CodeHaltUnsigned},
		"in another role":    {p.vera.says(one, h.Digest(), approval.Approve, charter.Reviewer), authority.CodeHaltUnsigned},
		"for another note":   {p.vera.says(one, note("other"), approval.Approve, approval.Any), approval.CodeOtherNote},
		"who was barred":     {p.kim.says(one, h.Digest(), approval.Approve, approval.Any), authority.CodeHaltBarred},
		"who was not barred": {p.ron.says(one, h.Digest(), approval.Approve, approval.Any), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := under(one)
			s.AddResume(resuming(nil, p.kim.ID), start)
			_, _, err := s.CheckHalt(h, test.envelope, after(30*24*time.Hour-1))
			want(t, err, test.want)
		})
	}
	t.Run("after 30 days the bar is over", func(t *testing.T) {
		s := under(one)
		s.AddResume(resuming(nil, p.kim.ID), start)
		_, _, err := s.CheckHalt(h, p.kim.says(one, h.Digest(), approval.Approve, approval.Any), after(30*24*time.Hour))
		want(t, err, "")
	})
}

// TestALiftedHaltNeverReturns, also where it was never seen.
func TestALiftedHaltNeverReturns(t *testing.T) {
	t.Parallel()
	p, one := everybody(t), first(t)
	s := under(one)
	h := halting("halt", decision.Digest{})
	s.AddResume(resuming([]uuid.UUID{h.ID}), start)
	_, _, err := s.CheckHalt(h, p.vera.says(one, h.Digest(), approval.Approve, approval.Any), after(0))
	want(t, err, authority.CodeHaltLifted)
	s.AddHalt(h, p.vera.ID, start)
	if len(s.InForce()) != 0 {
		t.Error("a lifted halt is in force again")
	}
}

// TestAThousandHaltsByOnePerson end with one resume that bars the person.
func TestAThousandHaltsByOnePerson(t *testing.T) {
	t.Parallel()
	p, one := everybody(t), first(t)
	s := under(one)
	var lifts []uuid.UUID
	for i := range 1000 {
		h := halting(string(rune('a'+i%26))+uuid.NewSHA1(uuid.Nil, []byte{byte(i), byte(i >> 8)}).String(), decision.Digest{})
		s.AddHalt(h, p.kim.ID, start)
		lifts = append(lifts, h.ID)
	}
	s.AddResume(resuming(lifts, p.kim.ID), start.Add(time.Hour))
	if n := len(s.InForce()); n != 0 {
		t.Errorf("%d halts are left", n)
	}
	h := halting("one more", decision.Digest{})
	_, _, err := s.CheckHalt(h, p.kim.says(one, h.Digest(), approval.Approve, approval.Any), after(2*time.Hour))
	want(t, err, authority.CodeHaltBarred)
}

func TestTheHostsHaltIsLiftedThere(t *testing.T) {
	t.Parallel()
	p, one := everybody(t), first(t)
	s := accepted(t, one, 500)
	r := batch("a", 1, map[int]btcutil.Amount{0: 500})
	yes := approve(one, r.Note, charter.Treasurer, p.tom)
	s.AddHostHalt(true, start)
	want(t, s.CheckRelease(r, yes, after(0)), authority.CodeHalted)
	s.AddResume(resuming([]uuid.UUID{uuid.New()}), start)
	want(t, s.CheckRelease(r, yes, after(0)), authority.CodeHalted)
	s.AddHostHalt(false, start)
	want(t, s.CheckRelease(r, yes, after(0)), "")
}
