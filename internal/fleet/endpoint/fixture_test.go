package endpoint_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/trust/identity"
	"github.com/causeway-fund/causeway/internal/trust/seal"
)

// epoch is a Monday, a minute after the start of a slot.
var epoch = time.Date(2026, 11, 23, 9, 31, 0, 0, time.UTC)

const (
	receipt   = "the receipt"
	echoKey   = "a key of the echo server's own."
	socks     = "socks5://mira:swordfish@203.0.113.9:1080"
	named     = "socks5://mira:swordfish@relay.example.org:1080"
	mtproto   = "tg://proxy?server=203.0.113.9&port=443&secret=dd000102030405060708090a0b0c0d0e0f"
	wireguard = `[Interface]
PrivateKey = aPCVUn0wDMqPzVUuPaqVYzOGQjVrM7ExZVrzVvHTE1w=
Address = 10.0.0.2/32
[Peer]
PublicKey = 1SBmLIvZDvXTcFqVz7jtSWw0EPAjJLw8CNBVSA4bNHk=
Endpoint = 203.0.113.9:51820
AllowedIPs = 0.0.0.0/0`
)

func kindOf(s string) control.Kind { return control.Kind(s) }

// world is a service on a store in memory, with one application.
type world struct {
	*endpoint.Service
	kept
	clock   *clock.Fake
	keys    *seal.Keyring
	app     uuid.UUID
	data    *seal.DataKey
	wrapped seal.Wrapped
}

// kept gives a world the store's fields, below the service's methods.
type kept struct{ *memory }

func telegram() vantage.Telegram {
	return vantage.Telegram{KeysPEM: "-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----\n", Centres: []vantage.Centre{{ID: 2, Addr: "149.154.167.51:443"}}}
}

type receipts struct{ app uuid.UUID }

func (r receipts) ApplicationOf(_ context.Context, code string) (uuid.UUID, error) {
	if code != receipt {
		return uuid.Nil, errs.New(errs.NotFound, "receipt_unknown", "No application has this receipt code.")
	}
	return r.app, nil
}

func policy() endpoint.Policy {
	return endpoint.Policy{
		Slot: 15 * time.Minute, FullPermille: 250, Confirmations: 2, BackoffAfter: 8, BackoffEvery: time.Hour,
		MinCoveragePermille: 800, MinUptimePermille: 950, PayPlace: vantage.Outside, RequireControl: true,
		MaintenanceNotice: 24 * time.Hour, MaintenanceMax: 8 * time.Hour, KeepRaw: 35 * 24 * time.Hour,
	}
}

func newWorld(t testing.TB, change ...func(*endpoint.Config)) *world {
	t.Helper()
	path := filepath.Join(t.TempDir(), "seal.key")
	noError(t, seal.GenerateKeyFile(path))
	keys, err := seal.Load(path)
	noError(t, err)
	w := &world{clock: clock.NewFake(epoch), keys: keys, app: uuid.New()}
	w.kept = kept{&memory{now: w.clock.Now, policy: policy(), tokens: map[string]uuid.UUID{}}}
	w.data, w.wrapped, err = keys.NewDataKey(w.app.String())
	noError(t, err)
	cfg := endpoint.Config{
		Store: w.memory, Receipts: receipts{w.app}, Keys: keys, Clock: w.clock, EchoURL: "http://198.51.100.1:8080", EchoKey: []byte(echoKey),
		Telegram: telegram,
	}
	for _, f := range change {
		f(&cfg)
	}
	w.Service, err = endpoint.New(cfg)
	noError(t, err)
	return w
}

// claim adds an endpoint to the application; its checks have begun.
func (w *world) claim(t testing.TB, text string) endpoint.Opened {
	t.Helper()
	spec, err := link.Parse(text)
	noError(t, err)
	id := uuid.New()
	sealed, err := w.data.Seal(endpoint.SpecAAD(id), []byte(text))
	noError(t, err)
	n := len(w.endpoints)
	e := endpoint.Opened{
		Endpoint: endpoint.Endpoint{
			ID: id, ApplicationID: w.app, Label: "EP-" + string(rune('A'+n)), Position: n, Protocol: spec.Protocol(), Spec: sealed, SpecIndex: make([]byte, 32),
			State: endpoint.Active, Generation: 1, ChecksFrom: epoch.Add(-time.Hour), CreatedAt: epoch.Add(-2 * time.Hour),
		},
		DataKey: w.wrapped, Reference: "GR-7K3FQ2X9", Designation: "amber otter",
	}
	w.endpoints = append(w.endpoints, e)
	return e
}

func (w *world) endpoint(t testing.TB, id uuid.UUID) endpoint.Opened {
	t.Helper()
	e, err := w.Endpoint(t.Context(), id)
	noError(t, err)
	return e
}

func staff(role identity.Role) identity.Actor {
	return identity.Actor{Kind: identity.KindStaff, StaffID: uuid.New(), Name: "Ada", Roles: []identity.Role{role}}
}

// prober is an enrolled prober that keeps its chain.
type prober struct {
	*agent
	w *world
}

func (w *world) enrol(t testing.TB, name string) *prober {
	t.Helper()
	_, token, err := w.AddVantage(t.Context(), staff(identity.RoleAdmin), endpoint.NewVantage{Name: name, Place: vantage.Outside, Country: "FI", ASN: 64500})
	noError(t, err)
	return &prober{agent: newProber(t, w.Service, w.clock, token), w: w}
}

// agent is the far side of a service: it signs, and keeps its chain.
type agent struct {
	service *endpoint.Service
	clock   *clock.Fake
	id      uuid.UUID
	key     ed25519.PrivateKey
	serv    ed25519.PublicKey
	seq     uint64
	prev    [32]byte
	at      time.Duration // of the next request, after the clock's time
	off     time.Duration // of the clock in reports
}

func newProber(t testing.TB, s *endpoint.Service, c *clock.Fake, token string) *agent {
	t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	noError(t, err)
	welcome, err := s.Enrol(t.Context(), vantage.Enrolment{Token: token, PublicKey: public})
	noError(t, err)
	return &agent{service: s, clock: c, id: welcome.Vantage, key: key, serv: welcome.ServiceKey}
}

// offer puts a due slot offer before p.
func (p *prober) offer(e endpoint.Opened, change ...func(*endpoint.Offer)) endpoint.Offer {
	now := p.w.clock.Now()
	o := endpoint.Offer{
		ID: uuid.New(), EndpointID: e.ID, Kind: vantage.KindSlot, Mode: probe.Full, Place: vantage.Outside, Slot: now.Truncate(15 * time.Minute),
		Attempt: 1, VantageID: p.id, Due: now, Until: now.Add(5 * time.Minute),
	}
	for _, f := range change {
		f(&o)
	}
	p.w.offers = append(p.w.offers, &o)
	return o
}

// assign gives everything that waits in the queue to p, as due now.
func (p *prober) assign() {
	for _, o := range p.w.asked {
		o.VantageID, o.Due, o.Until = p.id, p.w.clock.Now(), p.w.clock.Now().Add(time.Minute)
		p.w.offers = append(p.w.offers, &o)
	}
	p.w.asked = nil
}

func (p *agent) ask(t testing.TB) vantage.Envelope {
	t.Helper()
	p.at += time.Microsecond
	e, err := vantage.SignAsk(p.key, vantage.Ask{V: 1, Vantage: p.id, At: p.clock.Now().Add(p.at), Max: 100, SW: "prober/test"})
	noError(t, err)
	return e
}

// lease asks for work.
func (p *agent) lease(t testing.TB) vantage.Lease {
	t.Helper()
	e, err := p.service.Lease(t.Context(), p.ask(t), nil)
	noError(t, err)
	l, err := vantage.OpenLease(e, p.serv)
	noError(t, err)
	return l
}

// answers answers every job of l with o.
func answers(w *world, l vantage.Lease, o probe.Outcome) []vantage.Answer {
	var out []vantage.Answer
	for _, j := range l.Jobs {
		out = append(out, vantage.Answer{Job: j.ID, Started: w.clock.Now(), Outcome: o})
	}
	return out
}

// sign makes the next report of p's chain, which counts as sent.
func (p *agent) sign(t testing.TB, lease uuid.UUID, list []vantage.Answer) vantage.Envelope {
	t.Helper()
	e, err := vantage.SignReport(p.key, vantage.Report{
		V: 1, Vantage: p.id, Lease: lease, Seq: p.seq + 1, Prev: vantage.PrevOf(p.prev), Clock: p.clock.Now().Add(p.off), SW: "prober/test", Answers: list,
	})
	noError(t, err)
	return e
}

// report sends the next report and moves the chain on when it was taken.
func (p *agent) report(t testing.TB, lease uuid.UUID, list []vantage.Answer) error {
	t.Helper()
	e := p.sign(t, lease, list)
	err := p.service.Report(t.Context(), e, nil)
	if err == nil {
		p.seq, p.prev = p.seq+1, e.Hash()
	}
	return err
}

// work leases, answers everything with o and reports.
func (p *prober) work(t testing.TB, o probe.Outcome) {
	t.Helper()
	p.assign()
	l := p.lease(t)
	noError(t, p.report(t, l.ID, answers(p.w, l, o)))
}

func up() probe.Outcome {
	return probe.Outcome{
		OK: true, Stage: probe.StageTarget, MS: map[probe.Stage]int64{probe.StageTCP: 20, probe.StageHandshake: 30, probe.StageAuth: 5, probe.StageRelay: 60, probe.StageTarget: 90},
		Addr: "203.0.113.9:1080", Evidence: &probe.Evidence{TGDC: 2, TGKey: "d09d1d85de64fd85", TGProven: true},
	}
}

func down(class probe.Class) probe.Outcome {
	return probe.Outcome{Stage: probe.StageGuard, FailedAt: probe.StageTCP, Class: class, Detail: "nothing listens at 203.0.113.9", MS: map[probe.Stage]int64{probe.StageTCP: 3}}
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	if code == "" {
		noError(t, err)
	} else if !errs.Is(err, errs.Code(code)) {
		t.Fatalf("got error %v, want code %s", err, code)
	}
}

func contains(b []byte, s string) bool { return bytes.Contains(b, []byte(s)) }
