package endpoint_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

func TestProberIsEnrolledOnceWithItsToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := staff(identity.RoleAdmin)
	v, token, err := w.AddVantage(t.Context(), admin, endpoint.NewVantage{Name: "fi-1", Place: vantage.Outside, Country: "FI"})
	noError(t, err)
	if _, kept := w.tokens[token]; kept {
		t.Error("the token is kept in clear")
	}
	key := make([]byte, 32)
	_, err = w.Enrol(t.Context(), vantage.Enrolment{Token: token + "x", PublicKey: key})
	wantCode(t, err, "enrolment_unknown")
	_, err = w.Enrol(t.Context(), vantage.Enrolment{Token: token, PublicKey: key[:31]})
	wantCode(t, err, "message_refused")

	welcome, err := w.Enrol(t.Context(), vantage.Enrolment{Token: token, PublicKey: key})
	noError(t, err)

	if welcome.Vantage != v.ID || welcome.Name != "fi-1" || string(welcome.ServiceKey) != string(w.PublicKey()) {
		t.Errorf("%+v", welcome)
	}
	_, err = w.Enrol(t.Context(), vantage.Enrolment{Token: token, PublicKey: key})
	wantCode(t, err, "enrolment_unknown")
	_, _, err = w.AddVantage(t.Context(), admin, endpoint.NewVantage{Name: "Fi 1", Place: "moon", Country: "fi"})
	if got := fmt.Sprint(err); !errs.Is(err, "invalid_fields") || !strings.Contains(got, "not_a_name") || !strings.Contains(got, "unknown_place") || !strings.Contains(got, "unknown_country") {
		t.Error(err)
	}
}

func TestLeaseHoldsJobsAndNothingThatNamesTheEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, p := w.claim(t, socks), w.enrol(t, "fi-1")
	full := p.offer(e)
	p.offer(e, func(o *endpoint.Offer) { o.Mode, o.Attempt = probe.Light, 2 })
	p.offer(w.claim(t, mtproto))
	p.offer(e, func(o *endpoint.Offer) { o.Due = epoch.Add(time.Minute) })
	p.offer(e, func(o *endpoint.Offer) { o.Until = epoch })
	p.offer(e, func(o *endpoint.Offer) { o.Due, o.Until = epoch.Add(-time.Minute), epoch })

	l := p.lease(t)

	if len(l.Jobs) != 3 || l.Vantage != p.id || !l.Issued.Equal(epoch) || !l.Expires.Equal(epoch.Add(10*time.Minute)) || l.EchoURL == "" || l.Next != 10 {
		t.Fatalf("%+v", l)
	}
	if j := l.Jobs[0]; j.ID == full.ID || j.Spec != socks || j.DC != 2 || len(j.EchoNonce) != 32 || j.Credential != nil || j.Mode != probe.Full {
		t.Errorf("%+v", j)
	}
	if l.Jobs[1].EchoNonce != "" || l.Jobs[2].EchoNonce != "" {
		t.Error("a light check or a proxy of Telegram's own asks for an echo")
	}
	text, err := json.Marshal(l)
	noError(t, err)
	for _, secret := range []string{e.ID.String(), full.ID.String(), e.Label, e.Reference, w.app.String()} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the lease says %s", secret)
		}
	}
	if again := p.lease(t); len(again.Jobs) != 0 {
		t.Errorf("given twice: %+v", again.Jobs)
	}
}

func TestRequestsForWorkThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, other := w.enrol(t, "fi-1"), w.enrol(t, "se-1")
	p.offer(w.claim(t, socks))
	send := func(p *agent) error { _, err := w.Lease(t.Context(), p.ask(t), nil); return err }

	e := p.ask(t)
	_, err := w.Lease(t.Context(), e, nil)
	noError(t, err)
	_, err = w.Lease(t.Context(), e, nil)
	wantCode(t, err, "replayed")
	e.Body[len(e.Body)-2] ^= 1
	_, err = w.Lease(t.Context(), e, nil)
	if err == nil {
		t.Error("a request was changed and taken")
	}
	wantCode(t, send(&agent{service: w.Service, clock: w.clock, id: p.id, key: other.key}), "signature_wrong")
	wantCode(t, send(&agent{service: w.Service, clock: w.clock, id: uuid.New(), key: p.key}), "vantage_unknown")
	wantCode(t, send(&agent{service: w.Service, clock: w.clock, id: other.id, key: other.key, at: 5*time.Minute + time.Second}), "clock_off")
	wantCode(t, send(&agent{service: w.Service, clock: w.clock, id: other.id, key: other.key, at: -5*time.Minute - time.Second}), "clock_off")
	noError(t, failure(w.DisableVantage(t.Context(), staff(identity.RoleAdmin), other.id)))
	wantCode(t, send(other.agent), "vantage_disabled")

	blind := newWorld(t, func(c *endpoint.Config) { c.Telegram = func() vantage.Telegram { return vantage.Telegram{} } })
	wantCode(t, func() error {
		_, err := blind.Lease(t.Context(), blind.enrol(t, "fi-1").ask(t), nil)
		return err
	}(), "telegram_unknown")
}

func canaries() []endpoint.Canary {
	return []endpoint.Canary{{Spec: "socks5://192.0.2.10:1080", Answer: "up"}, {Spec: "socks5://192.0.2.11:1080", Answer: "down"}}
}

func TestOneJobInTenIsACanaryThatLooksLikeTheRest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *endpoint.Config) { c.Canaries = canaries })
	e, p := w.claim(t, socks), w.enrol(t, "fi-1")
	found, first, all := 0, 0, 0
	for range 20 {
		for i := range 50 {
			p.offer(e, func(o *endpoint.Offer) { o.Attempt = i + 1 })
		}
		l := p.lease(t)
		all += len(l.Jobs)
		for i, j := range l.Jobs {
			if j.Kind != vantage.KindSlot || j.ID.Version() != 4 || len(j.EchoNonce) != 32 || !j.Due.Equal(l.Jobs[0].Due) || !j.Until.Equal(l.Jobs[0].Until) {
				t.Fatalf("%+v does not look like the rest", j)
			}
			if j.Spec != socks {
				found++
				if i == 0 {
					first++
				}
			}
		}
	}
	// 1,000 jobs, each with a canary of its own in one of nine cases.
	if found < 60 || found > 170 || first == 20 || all != 1000+found {
		t.Errorf("%d canaries in %d jobs, %d of them first", found, all, first)
	}
}

func TestProberThatGetsCanariesWrongDecidesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *endpoint.Config) { c.Canaries = canaries })
	e, p := w.claim(t, socks), w.enrol(t, "fi-1")
	round := func(say func(j vantage.Job) probe.Outcome) {
		for range 40 {
			p.offer(e)
		}
		l := p.lease(t)
		var list []vantage.Answer
		for _, j := range l.Jobs {
			list = append(list, vantage.Answer{Job: j.ID, Started: w.clock.Now(), Outcome: say(j)})
		}
		noError(t, p.report(t, l.ID, list))
	}
	honest := func(j vantage.Job) probe.Outcome {
		switch j.Spec {
		case canaries()[1].Spec:
			return down(probe.ClassRefused)
		case socks:
			return up()
		}
		o := up()
		o.Addr = "192.0.2.10:1080"
		return o
	}
	for range 5 {
		round(honest)
	}
	v := w.vantage(p.id)
	if v.CanaryBad != 0 || v.CanaryGood < 5 || !v.Trusted() {
		t.Fatalf("honest: %+v", v)
	}
	good := v.CanaryGood
	round(func(vantage.Job) probe.Outcome { return down(probe.ClassControlFailed) })
	if v.CanaryGood != good || v.CanaryBad != 0 {
		t.Errorf("what it could not know counts: %+v", v)
	}
	for range 5 {
		round(func(vantage.Job) probe.Outcome { return up() })
	}
	if v.CanaryBad == 0 || v.Trusted() {
		t.Fatalf("one that always says up: %+v", v)
	}
	w.attempts, w.links, w.asked = nil, nil, nil
	w.endpoints[0].LastAt, w.endpoints[0].FailedSlots = nil, 3

	round(func(vantage.Job) probe.Outcome { return up() })
	round(func(vantage.Job) probe.Outcome { return down(probe.ClassRefused) })

	for _, a := range w.attempts {
		if a.Verdict != probe.Unknown {
			t.Fatalf("it is believed: %+v", a)
		}
	}
	if got := w.endpoint(t, e.ID); got.LastAt != nil || got.FailedSlots != 3 || len(w.links)+len(w.hits)+len(w.asked) != 0 {
		t.Errorf("%+v, %d links", got.Endpoint, len(w.links))
	}
}

func TestProvenEndpointIsCheckedWithOurCredentialAlone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{socks, "http://mira:swordfish@203.0.113.9:8080", wireguard} {
		w := newWorld(t)
		e, p := w.claim(t, text), w.enrol(t, "fi-1")
		w.endpoints[0].Control = control.KindCredential
		p.offer(e)

		j := p.lease(t).Jobs[0]

		if j.Credential == nil || strings.Contains(j.Spec, "swordfish") || strings.Contains(j.Spec, "PrivateKey") || j.Decoy != nil {
			t.Errorf("%s: %+v", text, j)
		}
		spec, err := link.Parse(j.Spec)
		noError(t, err)
		with, err := control.With(spec, *j.Credential)
		noError(t, err)
		if with.Server().Host.String() != "203.0.113.9" || fmt.Sprint(j.Credential) != "[redacted]" {
			t.Errorf("%+v", with)
		}
	}
	w := newWorld(t)
	p := w.enrol(t, "fi-1")
	p.offer(w.claim(t, strings.Replace(wireguard, "PrivateKey", "#", 1)))
	if j := p.lease(t).Jobs[0]; j.Credential == nil {
		t.Error("a tunnel without a key of its own is checked with none")
	}
}

func TestCanariesThatCannotBeReadAreSaidSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *endpoint.Config) {
		c.Canaries = func() []endpoint.Canary { return []endpoint.Canary{{Spec: "nonsense", Answer: "up"}} }
	})
	e, p := w.claim(t, socks), w.enrol(t, "fi-1")
	for range 90 {
		p.offer(e)
	}
	if _, err := w.Lease(t.Context(), p.ask(t), nil); err == nil || !strings.Contains(err.Error(), "canary 1") {
		t.Error(err)
	}
}
