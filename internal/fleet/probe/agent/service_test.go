package agent_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/agent"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/testkit/dctest"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// service plays the service: it leases what is put into it, takes reports by the
// rules of package vantage, and remembers all that it was told.
type service struct {
	tb      testing.TB
	vantage uuid.UUID
	key     ed25519.PrivateKey // signs leases
	prober  ed25519.PrivateKey
	centres []vantage.Centre
	echoURL string
	url     string
	news    chan struct{} // after each report that was taken

	mu      sync.Mutex
	jobs    []vantage.Job
	change  func(*vantage.Lease)  // before a lease is signed
	refuse  func(path string) int // an HTTP status, or 0; before anything is read
	seq     uint64
	prev    [32]byte
	asks    int
	answers map[uuid.UUID]vantage.Answer
	sent    map[uint64][]byte // bodies of reports by number, taken or not
}

func newKey(tb testing.TB) ed25519.PrivateKey {
	tb.Helper()
	_, k, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return ed25519.PublicKey(k[ed25519.SeedSize:]) }

// newService starts a service whose data centre is dc.
func newService(tb testing.TB, dc probe.Address) *service {
	tb.Helper()
	s := &service{
		tb: tb, vantage: uuid.New(), key: newKey(tb), prober: newKey(tb), news: make(chan struct{}, 1000),
		centres: []vantage.Centre{{ID: dctest.ID, Addr: dc.String()}}, answers: map[uuid.UUID]vantage.Answer{}, sent: map[uint64][]byte{},
	}
	srv := httptest.NewServer(s)
	tb.Cleanup(srv.Close)
	s.url = srv.URL
	return s
}

// job returns one that may be made now.
func job(mode probe.Mode, spec string) vantage.Job {
	now := clock.Real{}.Now()
	return vantage.Job{ID: uuid.New(), Kind: vantage.KindSlot, Mode: mode, Spec: spec, DC: dctest.ID, Due: now, Until: now.Add(time.Minute)}
}

func (s *service) put(jobs ...vantage.Job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs = append(s.jobs, jobs...)
}

func (s *service) keyOf(v uuid.UUID) (ed25519.PublicKey, error) {
	if v != s.vantage {
		return nil, errs.New(errs.Unauthenticated, "vantage_unknown", "No such prober.")
	}
	return public(s.prober), nil
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		if status := s.refuse(r.URL.Path); status != 0 {
			w.WriteHeader(status)
			return
		}
	}
	var e vantage.Envelope
	if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var out any
	var err error
	switch r.URL.Path {
	case "/v1/prober/lease":
		out, err = s.lease(e)
	case "/v1/prober/report":
		err = s.report(e)
	default:
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if err != nil {
		status := map[errs.Kind]int{errs.Conflict: 409, errs.Malformed: 400, errs.Unauthenticated: 401, errs.NotFound: 404}[errs.KindOf(err)]
		w.WriteHeader(status)
		out = map[string]any{"type": "/problems/" + errs.CodeOf(err), "code": errs.CodeOf(err), "status": status}
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (s *service) lease(e vantage.Envelope) (vantage.Envelope, error) {
	ask, err := vantage.OpenAsk(e, s.keyOf)
	if err != nil {
		return vantage.Envelope{}, err
	}
	s.asks++
	now := clock.Real{}.Now().Truncate(time.Microsecond)
	n := min(ask.Max, len(s.jobs))
	l := vantage.Lease{
		V: vantage.Version, ID: uuid.New(), Vantage: s.vantage, Issued: now, Expires: now.Add(time.Minute), EchoURL: s.echoURL, Next: 1,
		Telegram: vantage.Telegram{KeysPEM: dctest.KeysPEM(s.tb), Centres: s.centres}, Jobs: s.jobs[:n],
	}
	s.jobs = s.jobs[n:]
	if s.change != nil {
		s.change(&l)
	}
	return vantage.SignLease(s.key, l)
}

func (s *service) report(e vantage.Envelope) error {
	r, err := vantage.OpenReport(e, s.keyOf)
	if err != nil {
		return err
	}
	if before := s.sent[r.Seq]; before != nil && !bytes.Equal(before, e.Body) {
		s.tb.Errorf("report %d was sent with two contents", r.Seq)
	}
	s.sent[r.Seq] = e.Body
	if err := r.Follows(s.seq, s.prev, e.Hash()); err != nil {
		return err
	}
	for _, a := range r.Answers {
		if _, twice := s.answers[a.Job]; twice {
			s.tb.Errorf("job %s was answered twice", a.Job)
		}
		s.answers[a.Job] = a
	}
	s.seq, s.prev = r.Seq, e.Hash()
	s.news <- struct{}{}
	return nil
}

// await waits until n jobs are answered.
func (s *service) await(n int) map[uuid.UUID]vantage.Answer {
	s.tb.Helper()
	for limit := time.After(probetest.Enough); ; {
		s.mu.Lock()
		got := len(s.answers)
		s.mu.Unlock()
		if got >= n {
			return s.answers
		}
		select {
		case <-s.news:
		case <-limit:
			s.tb.Fatalf("%d of %d jobs are answered", got, n)
		}
	}
}

// state is that of a prober that has just enrolled.
func (s *service) state() agent.State {
	s.tb.Helper()
	st, err := agent.Enrolled(vantage.Welcome{Vantage: s.vantage, Name: "fi-1", ServiceKey: public(s.key)}, s.prober)
	if err != nil {
		s.tb.Fatal(err)
	}
	return st
}

// config is that of a prober in front of s.
func (s *service) config() agent.Config {
	s.tb.Helper()
	client, err := agent.NewClient(s.url, &http.Transport{})
	if err != nil {
		s.tb.Fatal(err)
	}
	file, err := agent.Open(filepath.Join(s.tb.TempDir(), "prober.json"))
	if err != nil {
		s.tb.Fatal(err)
	}
	s.tb.Cleanup(func() { file.Close() })
	return agent.Config{
		API: client, Journal: file, State: s.state(), Clock: clock.Real{}, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
		Dialer:  func([]netip.Addr) (probe.Dialer, error) { return probetest.Dialer(s.tb), nil },
		Timeout: probetest.Enough, Backoff: time.Millisecond, SW: "test",
	}
}

// run runs a prober until stop is called, which returns what Run returned.
func run(tb testing.TB, cfg agent.Config) (stop func() error) {
	tb.Helper()
	a, err := agent.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(tb.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	var once sync.Once
	var result error
	stop = func() error {
		once.Do(func() {
			cancel()
			select {
			case result = <-ended:
			case <-time.After(probetest.Enough):
				result = errors.New("it does not end")
			}
		})
		return result
	}
	tb.Cleanup(func() { _ = stop() })
	return stop
}
