package endpoint_test

import (
	"strings"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

// rejected is what a server says to a password that it does not know.
func rejected() probe.Outcome {
	return probe.Outcome{
		Stage: probe.StageHandshake, FailedAt: probe.StageAuth, Class: probe.ClassAuthRejected, Addr: "203.0.113.9:1080",
		MS: map[probe.Stage]int64{probe.StageTCP: 1, probe.StageHandshake: 2, probe.StageAuth: 3},
	}
}

// answered is a challenge that was answered at addr.
func answered(addr string) probe.Outcome {
	return probe.Outcome{OK: true, Stage: probe.StageTarget, MS: map[probe.Stage]int64{probe.StageTCP: 1, probe.StageTarget: 2}, Addr: addr}
}

// prove asks for a proof of the first endpoint and answers it.
func (p *prober) prove(t *testing.T, kind control.Kind, ours probe.Outcome, decoy *probe.Outcome) vantage.Job {
	t.Helper()
	_, err := p.w.Prove(t.Context(), receipt, p.w.endpoints[0].Label, kind)
	noError(t, err)
	return p.tell(t, ours, decoy)
}

// tell answers the one job that waits.
func (p *prober) tell(t *testing.T, ours probe.Outcome, decoy *probe.Outcome) vantage.Job {
	t.Helper()
	p.assign()
	l := p.lease(t)
	if len(l.Jobs) != 1 {
		t.Fatalf("%d jobs", len(l.Jobs))
	}
	noError(t, p.report(t, l.ID, []vantage.Answer{{Job: l.Jobs[0].ID, Started: p.w.clock.Now(), Outcome: ours, Decoy: decoy}}))
	return l.Jobs[0]
}

func TestCredentialProvesControl(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, p := w.claim(t, socks), w.enrol(t, "fi-1")
	ways, err := w.Instructions(t.Context(), receipt, e.Label)
	noError(t, err)
	decoy := rejected()

	j := p.prove(t, control.KindCredential, up(), &decoy)

	if j.Kind != vantage.KindControl || j.Credential == nil || j.Decoy == nil || *j.Credential == *j.Decoy || strings.Contains(j.Spec, "swordfish") {
		t.Errorf("%+v", j)
	}
	if public := j.Credential.Public(); *ways[0].Credential != public || ways[0].Kind != control.KindCredential {
		t.Errorf("the operator was shown %+v, and %+v was tried", ways[0].Credential, public)
	}
	got := w.endpoint(t, e.ID)
	if !got.Proven(epoch) || got.Control != control.KindCredential || got.FailedSlots != 0 {
		t.Fatalf("%+v", got.Endpoint)
	}
	again, until := got.ProveAgainAt.Sub(epoch), got.ProvenUntil.Sub(epoch)
	if again < 60*24*time.Hour || again > 100*24*time.Hour || until-again != 14*24*time.Hour || got.Proven(*got.ProvenUntil) {
		t.Errorf("again after %s, until %s", again, until)
	}
	if len(w.entries) == 0 || w.entries[len(w.entries)-1].Action != "endpoint.proven" {
		t.Errorf("%+v", w.entries)
	}
	if got.LastAt != nil {
		t.Error("a proof counts as a check of the endpoint")
	}

	next, err := w.RotateCredential(t.Context(), receipt, e.Label)
	noError(t, err)
	if got := w.endpoint(t, e.ID); got.Proven(epoch) || got.Control != "" || got.Generation != 2 || *next[0].Credential == *ways[0].Credential {
		t.Errorf("after a new credential: %+v", got.Endpoint)
	}
}

func TestWhatIsNoProofOfControl(t *testing.T) {
	t.Parallel()
	passed, refused, ours := up(), rejected(), down(probe.ClassControlFailed)
	for name, test := range map[string]struct {
		kind   control.Kind
		text   string
		answer probe.Outcome
		decoy  *probe.Outcome
		before func(*prober)
		why    string
	}{
		"takes any password":         {control.KindCredential, socks, up(), &passed, nil, "decoy_passed"},
		"refuses ours":               {control.KindCredential, socks, rejected(), &refused, nil, "ours_failed"},
		"was not asked with another": {control.KindCredential, socks, up(), nil, nil, "not_known"},
		"our own network failed":     {control.KindCredential, socks, up(), &ours, nil, "not_known"},
		"answered somewhere else":    {control.KindPort, socks, answered("203.0.113.10:1080"), nil, nil, "other_address"},
		"answered at another port":   {control.KindPort, socks, answered("203.0.113.9:1081"), nil, nil, "other_address"},
		"a name nobody has dialled":  {control.KindPort, named, answered("203.0.113.9:1080"), nil, nil, "other_address"},
		"a name proves no server":    {control.KindDNS, named, answered("203.0.113.9:1080"), nil, nil, "name_only"},
		"a prober that is not to be believed": {control.KindPort, socks, answered("203.0.113.9:1080"), nil, func(p *prober) {
			p.w.vantage(p.id).CanaryBad = 1
		}, "not_known"},
	} {
		w := newWorld(t)
		e, p := w.claim(t, test.text), w.enrol(t, "fi-1")
		if test.before != nil {
			test.before(p)
		}

		p.prove(t, test.kind, test.answer, test.decoy)

		if len(w.proofs) != 1 || w.proofs[0].Held || w.proofs[0].Why != test.why || w.endpoint(t, e.ID).Proven(epoch) {
			t.Errorf("%s: %+v", name, w.proofs)
		}
		views, err := w.Mine(t.Context(), receipt, endpoint.DefaultChecks)
		noError(t, err)
		if len(views[0].Proofs) != 1 || views[0].Proofs[0].Why != test.why || views[0].Proofs[0].VantageID != [16]byte{} {
			t.Errorf("%s: shown %+v", name, views[0].Proofs)
		}
	}
}

func TestChallengeOnTheSamePortProvesControl(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, p := w.claim(t, socks), w.enrol(t, "fi-1")
	ways, err := w.Instructions(t.Context(), receipt, e.Label)
	noError(t, err)
	port := ways[1]
	if port.Command != "causewayctl challenge-serve --listen :1080 --token "+port.Token || !port.Until.Equal(epoch.Truncate(10*time.Minute).Add(20*time.Minute)) {
		t.Errorf("%+v", port)
	}

	j := p.prove(t, control.KindPort, answered("203.0.113.9:1080"), nil)

	if j.Challenge == nil || j.Challenge.Token != port.Token || j.Credential != nil || j.EchoNonce != "" || !w.endpoint(t, e.ID).Proven(epoch) {
		t.Errorf("%+v", j)
	}
	if other, err := w.Instructions(t.Context(), receipt, w.claim(t, mtproto).Label); err != nil || other[1].Token == port.Token {
		t.Error("two endpoints have one token")
	}
}

func TestTokenOfThePeriodBeforeIsAskedForAsWell(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, p := w.claim(t, socks), w.enrol(t, "fi-1")
	ways, err := w.Instructions(t.Context(), receipt, e.Label)
	noError(t, err)
	w.clock.Advance(15 * time.Minute) // the token that was shown is of the period before

	first := p.prove(t, control.KindPort, probe.Outcome{Stage: probe.StageTCP, FailedAt: probe.StageTarget, Class: probe.ClassTargetInvalid, Addr: "203.0.113.9:1080"}, nil)
	if first.Challenge.Token == ways[1].Token || len(w.proofs) != 0 || len(w.asked) != 1 {
		t.Fatalf("%d proofs, %d asked", len(w.proofs), len(w.asked))
	}
	second := p.tell(t, answered("203.0.113.9:1080"), nil)

	if second.Challenge.Token != ways[1].Token || !w.endpoint(t, e.ID).Proven(w.clock.Now()) {
		t.Errorf("%+v", w.proofs)
	}
	w.clock.Advance(15 * time.Minute)
	no := probe.Outcome{Stage: probe.StageTCP, FailedAt: probe.StageTarget, Class: probe.ClassTargetInvalid, Addr: "203.0.113.9:1080"}
	p.prove(t, control.KindPort, no, nil)
	p.tell(t, no, nil)
	if last := w.proofs[len(w.proofs)-1]; last.Held || last.Why != "no_answer" || len(w.asked) != 0 {
		t.Errorf("%+v, %d asked", last, len(w.asked))
	}
	if !w.endpoint(t, e.ID).Proven(w.clock.Now()) {
		t.Error("a proof that failed took the one that stands")
	}
}

func TestNameIsProvenAtAnAddressThatAPassedCheckHasDialled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, p := w.claim(t, named), w.enrol(t, "fi-1")
	p.offer(e)
	p.work(t, up())

	p.prove(t, control.KindPort, answered("203.0.113.10:1080"), nil)
	if w.endpoint(t, e.ID).Proven(epoch) {
		t.Errorf("proven where nobody has dialled: %+v", w.proofs)
	}
	p.prove(t, control.KindPort, answered("203.0.113.9:1080"), nil)

	if !w.endpoint(t, e.ID).Proven(epoch) {
		t.Errorf("%+v", w.proofs)
	}
	ways, err := w.Instructions(t.Context(), receipt, e.Label)
	noError(t, err)
	if dns := ways[2]; dns.Kind != control.KindDNS || dns.Name != "_grant.relay.example.org" || dns.Token == "" || dns.Command != "" {
		t.Errorf("%+v", dns)
	}
}

func TestAddressOfAFailedCheckIsNobodys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, p := w.claim(t, named), w.enrol(t, "fi-1")
	dead := rejected()
	p.offer(e)
	p.work(t, dead)
	w.asked = nil
	for range 2 { // what the first proof has dialled is no reason to believe the second
		p.prove(t, control.KindPort, answered("203.0.113.9:1080"), nil)
	}
	if w.endpoint(t, e.ID).Proven(epoch) || len(w.proofs) != 2 {
		t.Errorf("%+v", w.proofs)
	}
}

func TestTunnelsAreChallengedOverUDP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ways, err := w.Instructions(t.Context(), receipt, w.claim(t, wireguard).Label)
	noError(t, err)
	if !strings.HasSuffix(ways[1].Command, " --udp") || ways[0].Credential.PublicKey == "" {
		t.Errorf("%+v", ways)
	}
}

func TestWayThatAnEndpointDoesNotHaveIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.claim(t, socks)
	for _, kind := range []control.Kind{control.KindDNS, "file", ""} {
		if _, err := w.Prove(t.Context(), receipt, e.Label, kind); !errs.Is(err, "invalid_fields") {
			t.Errorf("%q: %v", kind, err)
		}
	}
	w.endpoints[0].State = endpoint.Retired
	if _, err := w.Prove(t.Context(), receipt, e.Label, control.KindPort); !errs.Is(err, "endpoint_not_found") {
		t.Error(err)
	}
}
