package web_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5" //nolint:depguard // only the type of the transaction that a queue is written in

	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

// offers are the checks that wait for their moment.
type offers struct {
	mu   sync.Mutex
	list []endpoint.Offer
}

func (o *offers) enqueue(_ context.Context, _ pgx.Tx, list []endpoint.Offer) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.list = append(o.list, list...)
	return nil
}

func (o *offers) take() []endpoint.Offer {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := slices.Clone(o.list)
	o.list = nil
	return list
}

func telegram() vantage.Telegram {
	return vantage.Telegram{KeysPEM: "-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----\n", Centres: []vantage.Centre{{ID: 2, Addr: "149.154.167.51:443"}}}
}

// prober answers what it is asked without looking.
type prober struct {
	r       *rig
	welcome vantage.Welcome
	key     ed25519.PrivateKey
	seq     uint64
	prev    [32]byte
}

// enrol takes a prober in with the token that the page showed.
func (r *rig) enrol(token string) *prober {
	r.t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	must(r.t, err)
	welcome, err := r.endpoints.Enrol(r.t.Context(), vantage.Enrolment{Token: token, PublicKey: public})
	must(r.t, err)
	return &prober{r: r, welcome: welcome, key: key}
}

// work takes all that waits, and answers it.
func (p *prober) work(answer func(vantage.Job) vantage.Answer) {
	t, ctx := p.r.t, p.r.t.Context()
	t.Helper()
	p.r.clock.Advance(time.Minute)
	now := p.r.clock.Now()
	_, _, err := p.r.checks.Partitions(ctx, now, now.AddDate(0, 0, 2), now.AddDate(0, 0, -35))
	must(t, err)
	for _, o := range p.r.asked.take() {
		o.VantageID, o.Due = p.welcome.Vantage, now
		_, err := p.r.checks.Offer(ctx, o)
		must(t, err)
	}
	ask, err := vantage.SignAsk(p.key, vantage.Ask{V: 1, Vantage: p.welcome.Vantage, At: now, Max: 100, SW: "prober/test"})
	must(t, err)
	given, err := p.r.endpoints.Lease(ctx, ask, nil)
	must(t, err)
	lease, err := vantage.OpenLease(given, p.welcome.ServiceKey)
	must(t, err)
	var answers []vantage.Answer
	for _, j := range lease.Jobs {
		a := answer(j)
		a.Job, a.Started = j.ID, now
		answers = append(answers, a)
	}
	if len(answers) == 0 {
		t.Fatal("there is nothing to check")
	}
	p.report(lease.ID, answers, now)
}

func (p *prober) report(lease uuid.UUID, answers []vantage.Answer, now time.Time) {
	t := p.r.t
	t.Helper()
	p.seq++
	e, err := vantage.SignReport(p.key, vantage.Report{
		V: 1, Vantage: p.welcome.Vantage, Lease: lease, Seq: p.seq, Prev: vantage.PrevOf(p.prev), Clock: now, SW: "prober/test", Answers: answers,
	})
	must(t, err)
	must(t, p.r.endpoints.Report(t.Context(), e, nil))
	p.prev = e.Hash()
}

func failed(stage probe.Stage, class probe.Class) func(vantage.Job) vantage.Answer {
	return func(vantage.Job) vantage.Answer {
		return vantage.Answer{Outcome: probe.Outcome{Stage: probe.StageGuard, FailedAt: stage, Class: class, MS: map[probe.Stage]int64{probe.StageParse: 0, probe.StageGuard: 0, stage: 3}, Addr: "203.0.113.9:1080"}}
	}
}

// proven passes with the credential that was given, and not with the decoy.
func proven(vantage.Job) vantage.Answer {
	decoy := probe.Outcome{Stage: probe.StageHandshake, FailedAt: probe.StageAuth, Class: probe.ClassAuthRejected, MS: map[probe.Stage]int64{probe.StageAuth: 4}, Addr: "203.0.113.9:1080"}
	return vantage.Answer{
		Decoy: &decoy,
		Outcome: probe.Outcome{
			OK: true, Stage: probe.StageTarget, Addr: "203.0.113.9:1080", Evidence: &probe.Evidence{TGDC: 2, TGKey: "d09d1d85de64fd85", TGProven: true},
			MS: map[probe.Stage]int64{probe.StageTCP: 20, probe.StageHandshake: 30, probe.StageAuth: 5, probe.StageRelay: 60, probe.StageTarget: 90},
		},
	}
}

// letsAnybodyIn passes with the decoy too.
func letsAnybodyIn(j vantage.Job) vantage.Answer {
	a := proven(j)
	decoy := a.Outcome
	a.Decoy = &decoy
	return a
}

func tokenOf(t testing.TB, p page) string {
	t.Helper()
	for n := range p.doc.Descendants() {
		if attr(n, "class") == "mono hash" {
			return textOf(n)
		}
	}
	t.Fatalf("%s shows no token:\n%s", p.path, p.text())
	return ""
}
