package authority_test

import (
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/approval"
	"github.com/causeway-fund/causeway/internal/trust/authority"
	"github.com/causeway-fund/causeway/internal/trust/charter"
)

// TestAPasskeyIsNoTerminal: all passkeys together are worth the machine that shows the page,
// so a line may ask for people who signed elsewhere.
func TestAPasskeyIsNoTerminal(t *testing.T) {
	t.Parallel()
	p, one := everybody(t), first(t)
	small := terms("small", 500)
	touch := func(by ...human) (list []approval.Envelope) {
		for _, h := range by {
			list = append(list, h.touches(one, small.Digest, charter.Reviewer))
		}
		return list
	}
	for name, test := range map[string]struct {
		envelopes []approval.Envelope
		want      errs.Code
	}{
		"by passkeys":                    {touch(p.vera, p.ron, p.kim), authority.CodeTerminalLacking},
		"by passkey and ssh":             {append(touch(p.vera), approve(one, small.Digest, charter.Reviewer, p.ron)...), ""},
		"one person by both":             {append(touch(p.vera), approve(one, small.Digest, charter.Reviewer, p.vera)...), authority.CodeReviewersLacking},
		"two, one of them by both":       {append(touch(p.vera, p.ron), approve(one, small.Digest, charter.Reviewer, p.vera)...), ""},
		"an answer to another statement": {[]approval.Envelope{func() approval.Envelope { e := touch(p.vera)[0]; e.Passkey = touch(p.ron)[0].Passkey; return e }()}, "webauthn_challenge"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := under(one).CheckDecision(small, test.envelopes, after(0))
			want(t, err, test.want)
		})
	}
}

// TestWhatAStolenWebServerTakes is limit_passkey_only_day_sat and no more.
func TestWhatAStolenWebServerTakes(t *testing.T) {
	t.Parallel()
	p, one := everybody(t), first(t)
	one.Lines[0].ByTerminal, one.Limits.PasskeyOnlyDay = 0, 1_000
	s := under(one)
	for name, amount := range map[string]btcutil.Amount{"decision 0": 600, "decision 1": 401, "decision 2": 400_000, "decision 3": 400} {
		terms := terms(name, amount)
		by := []approval.Envelope{p.vera.touches(one, terms.Digest, charter.Reviewer), p.ron.touches(one, terms.Digest, charter.Reviewer)}
		if name == "decision 2" {
			by[1] = p.ron.says(one, terms.Digest, approval.Approve, charter.Reviewer)
		}
		a, err := s.CheckDecision(terms, by, after(0))
		want(t, err, "")
		s.AddDecision(a)
	}
	release := func(name string, pays map[int]btcutil.Amount, at time.Duration) error {
		r := batch(name, 0, pays)
		err := s.CheckRelease(r, []approval.Envelope{p.tom.touches(one, r.Note, charter.Treasurer)}, after(at))
		if err == nil {
			s.AddRelease(r, start.Add(at))
		}
		return err
	}
	want(t, release("a", map[int]btcutil.Amount{0: 600}, 0), "")
	want(t, release("b", map[int]btcutil.Amount{1: 401}, time.Hour), authority.CodeLimitPasskeyOnly)
	want(t, release("c", map[int]btcutil.Amount{2: 400_000}, time.Hour), "") // somebody approved it at a terminal
	want(t, release("d", map[int]btcutil.Amount{3: 400}, time.Hour), "")
	want(t, release("e", map[int]btcutil.Amount{1: 401}, 24*time.Hour-1), authority.CodeLimitPasskeyOnly)
	want(t, release("e", map[int]btcutil.Amount{1: 401}, 24*time.Hour), "")
}

// TestTrusteesSignBySSH: trustees sign charters, resumes and histories by ssh.
func TestTrusteesSignBySSH(t *testing.T) {
	t.Parallel()
	p, one := everybody(t), first(t)
	resume := note("resume")
	s := under(one)
	touched := []approval.Envelope{p.ada.touches(one, resume, charter.Trustee), p.lin.touches(one, resume, charter.Trustee)}
	want(t, s.CheckTrustees(resume, touched, after(0)), authority.CodeTrusteesLacking)
	want(t, s.CheckTrustees(resume, append(touched, approve(one, resume, charter.Trustee, p.ada, p.lin)...), after(0)), "")
}
