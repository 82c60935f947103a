package agent_test

import (
	"context"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/agent"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// killer is a journal and a service in one, which die with their process before
// step at: from then on nothing is written and nothing is sent.
type killer struct {
	agent.Journal
	agent.API
	kill context.CancelFunc

	mu   sync.Mutex
	step int
	at   int // 0: it lives
	dead chan struct{}
}

// errKilled makes an agent end at once, as a dead one does.
var errKilled = errs.New(errs.Conflict, "report_out_of_order", "Killed.")

// alive counts a step, and kills the process instead when it is the one.
func (k *killer) alive() bool {
	k.mu.Lock()
	k.step++
	if k.step == k.at {
		close(k.dead)
		k.kill()
	}
	k.mu.Unlock()
	select {
	case <-k.dead:
		return false
	default:
		return true
	}
}

func (k *killer) Save(s agent.State) error {
	if !k.alive() {
		return errKilled
	}
	if err := k.Journal.Save(s); err != nil {
		return err
	}
	if !k.alive() {
		return errKilled
	}
	return nil
}

func (k *killer) Lease(ctx context.Context, e vantage.Envelope) (vantage.Envelope, error) {
	if !k.alive() {
		return vantage.Envelope{}, errKilled
	}
	out, err := k.API.Lease(ctx, e)
	if !k.alive() {
		return vantage.Envelope{}, errKilled
	}
	return out, err
}

func (k *killer) Report(ctx context.Context, e vantage.Envelope) error {
	if !k.alive() {
		return errKilled
	}
	err := k.API.Report(ctx, e)
	if !k.alive() {
		return errKilled
	}
	return err
}

// TestKilledAtEveryStep kills a prober before every step that leaves it or goes to
// disk, starts another from what the disk holds, and has it work on. The service
// here fails the test when a report of one number comes with two contents, or an
// answer comes twice.
func TestKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	spec := "socks5://" + probetest.Closed(t).String()
	for at := 1; ; at++ {
		s := newService(t, probetest.Closed(t))
		path := filepath.Join(t.TempDir(), "prober.json")
		first, second := job(probe.Light, spec), job(probe.Light, spec)
		s.put(first)
		killed := live(t, s, path, at, first.ID)
		sent := len(s.sent)

		s.put(second)
		live(t, s, path, 0, second.ID)

		if _, kept := s.answers[first.ID]; sent > 0 && !kept {
			t.Errorf("killed at step %d: a report that was sent is lost", at)
		}
		if s.seq != uint64(len(s.sent)) {
			t.Errorf("killed at step %d: %d reports were taken of %d that were sent", at, s.seq, len(s.sent))
		}
		if !killed {
			if at < 8 {
				t.Fatalf("there were %d steps only", at)
			}
			return
		}
	}
}

// live runs one life of a prober: until it is killed at a step, or until a job is
// answered. It reports whether it was killed.
func live(t *testing.T, s *service, path string, at int, answered uuid.UUID) bool {
	t.Helper()
	file, err := agent.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cfg := s.config()
	if st, err := file.Load(); err == nil {
		cfg.State = st
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	limit := time.After(probetest.Enough)
	k := &killer{Journal: file, API: cfg.API, kill: cancel, at: at, dead: make(chan struct{})}
	cfg.Journal, cfg.API = k, k
	a, err := agent.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	for done := false; !done; {
		select {
		case <-k.dead:
			if err := <-ended; err != nil {
				t.Logf("killed at step %d: %v", at, err)
			}
			return true
		case <-s.news:
			s.mu.Lock()
			_, done = s.answers[answered]
			s.mu.Unlock()
		case <-limit:
			t.Fatal("it took too long")
		}
	}
	cancel()
	err = <-ended
	select {
	case <-k.dead: // while it wrote down the last acknowledgement
		return true
	default:
	}
	if err != nil {
		t.Errorf("it ended with %v", err)
	}
	return false
}

// TestNothingIsLostWhileTheServiceIsDown: answers wait, bounded, and come in order
// when the service is back.
func TestNothingIsLostWhileTheServiceIsDown(t *testing.T) {
	t.Parallel()
	s := newService(t, probetest.Closed(t))
	const jobs = 250 // more than a report holds
	refused, asked := 0, 0
	down := make(chan struct{})
	s.refuse = func(path string) int {
		if path == "/v1/prober/lease" {
			asked++
			return 0
		}
		if refused++; refused < 8 {
			return []int{http.StatusBadGateway, http.StatusInternalServerError, http.StatusTooManyRequests}[refused%3]
		}
		if refused == 8 {
			close(down)
		}
		return 0
	}
	s.put(manyJobs(probetest.Closed(t), jobs)...)
	s.change = func(l *vantage.Lease) { l.Next = 1 }
	cfg := s.config()
	cfg.Workers = jobs/2 + 1
	stop := run(t, cfg)

	<-down
	got := s.await(jobs)

	if err := stop(); err != nil {
		t.Error(err)
	}
	if len(got) != jobs || s.seq != uint64(len(s.sent)) || s.seq < 3 {
		t.Errorf("%d answers in %d reports", len(got), s.seq)
	}
}

// TestARefusedReportDoesNotStopTheChain: the service no longer knows the lease.
func TestARefusedReportDoesNotStopTheChain(t *testing.T) {
	t.Parallel()
	s := newService(t, probetest.Closed(t))
	refused := false
	api := &refusing{API: s.config().API}
	cfg := s.config()
	cfg.API = api
	first, second := manyJobs(probetest.Closed(t), 1), manyJobs(probetest.Closed(t), 1)
	s.put(first...)
	s.change = func(l *vantage.Lease) {
		if api.refused() && !refused {
			refused = true
			l.Jobs = second
		}
	}
	run(t, cfg)

	got := s.await(1)

	if _, ok := got[second[0].ID]; !ok || s.seq != 1 {
		t.Errorf("after a refusal, %d reports", s.seq)
	}
}

// refusing refuses the first report, as for good.
type refusing struct {
	agent.API
	mu sync.Mutex
	n  int
}

func (r *refusing) refused() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n > 0
}

func (r *refusing) Report(ctx context.Context, e vantage.Envelope) error {
	r.mu.Lock()
	r.n++
	first := r.n == 1
	r.mu.Unlock()
	if first {
		return errs.New(errs.NotFound, "lease_unknown", "No such lease.")
	}
	return r.API.Report(ctx, e)
}

// TestAReportOnItsWayTwiceBreaksNothing: a call that was given up here is still
// being answered there.
func TestAReportOnItsWayTwiceBreaksNothing(t *testing.T) {
	t.Parallel()
	s := newService(t, probetest.Closed(t))
	cfg := s.config()
	again := make(chan struct{})
	cfg.API = &racing{API: cfg.API, again: again}
	s.put(manyJobs(probetest.Closed(t), 1)...)
	stop := run(t, cfg)

	s.await(1)
	select {
	case <-again:
	case <-time.After(probetest.Enough):
		t.Error("it did not ask again")
	}

	if err := stop(); err != nil {
		t.Error(err)
	}
}

// racing says of the first report that it is out of order.
type racing struct {
	agent.API
	again chan struct{}
	n     int
}

func (r *racing) Report(ctx context.Context, e vantage.Envelope) error {
	err := r.API.Report(ctx, e)
	switch r.n++; r.n {
	case 1:
		return errs.New(errs.Conflict, "report_out_of_order", "Behind itself.")
	case 2:
		close(r.again)
	}
	return err
}

// TestAskingStopsWhereNothingIsReported: work that waits is bounded.
func TestAskingStopsWhereNothingIsReported(t *testing.T) {
	t.Parallel()
	s := newService(t, probetest.Closed(t))
	tried := make(chan struct{}, 1000)
	s.refuse = func(path string) int {
		if path == "/v1/prober/report" {
			select {
			case tried <- struct{}{}:
			default:
			}
			return http.StatusServiceUnavailable
		}
		return 0
	}
	s.put(manyJobs(probetest.Closed(t), 50)...)
	cfg := s.config()
	cfg.Workers = 2
	run(t, cfg)
	for range 13 { // pauses double from a millisecond: time to ask again a few times
		<-tried
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = nil
	// One report is signed and waits; as much again may be done by then.
	if taken := 50 - len(s.jobs); taken > 2*2*cfg.Workers {
		t.Errorf("%d jobs were taken", taken)
	}
}

// TestWhatIsPendingIsSaidAtTheEnd: the next try is an hour away when the prober is
// told to stop.
func TestWhatIsPendingIsSaidAtTheEnd(t *testing.T) {
	t.Parallel()
	s := newService(t, probetest.Closed(t))
	tried := make(chan struct{}, 1000)
	down := true
	s.refuse = func(path string) int {
		if path == "/v1/prober/report" && down {
			select {
			case tried <- struct{}{}:
			default:
			}
			return http.StatusServiceUnavailable
		}
		return 0
	}
	s.put(manyJobs(probetest.Closed(t), 3)...)
	cfg := s.config()
	cfg.Backoff = time.Hour
	stop := run(t, cfg)
	<-tried
	s.mu.Lock()
	down = false
	s.mu.Unlock()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if len(s.answers) != 3 {
		t.Errorf("%d answers", len(s.answers))
	}
}
