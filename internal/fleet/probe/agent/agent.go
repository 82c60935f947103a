package agent

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

// DefaultWorkers is how many checks are made at once.
const DefaultWorkers = 200

// maxTunnels is how many tunnels in user space are open at once: each has a
// network stack of its own, of some 3 MB.
const maxTunnels = 64

const (
	// gather is how long answers wait for others of their lease.
	gather = time.Second
	// lastWords is how long the last report may take when the agent is stopped.
	lastWords = 5 * time.Second
)

// API is the service.
type API interface {
	Lease(ctx context.Context, ask vantage.Envelope) (vantage.Envelope, error)
	Report(ctx context.Context, report vantage.Envelope) error
	// Addrs returns where the service was found, which no check may dial.
	Addrs() []netip.Addr
}

// Journal keeps the state. Save returns when it is on disk.
type Journal interface {
	Save(s State) error
}

// Config is what New needs.
type Config struct {
	API     API
	Journal Journal
	State   State // as it was read from the journal
	Clock   clock.Clock
	Rand    io.Reader // crypto/rand.Reader but in tests
	Log     *slog.Logger
	// Dialer returns the guarded dialer, which never reaches own.
	Dialer func(own []netip.Addr) (probe.Dialer, error)
	// Anchors are what must accept a connection for our own network to count as
	// working. Empty means Telegram's data centres, where they are not blocked.
	Anchors   []probe.Address
	Resolvers []control.Resolver // two or more, for DNS proofs
	Roots     *x509.CertPool     // nil means the system's
	Workers   int                // checks at once; 0 means DefaultWorkers
	Timeout   time.Duration      // of one check; 0 means probe.DefaultTimeout
	Backoff   time.Duration      // first pause after a failed call; 0 means a second
	SW        string             // name and version
}

// Agent is a running prober.
type Agent struct {
	cfg   Config
	key   ed25519.PrivateKey
	busy  chan struct{} // holds one for each check under way
	tuns  chan struct{} // holds one for each tunnel in user space
	ready chan struct{} // there are answers
	whole chan struct{} // all answers of a lease are there
	tasks sync.WaitGroup

	network [2]gauge // of IPv4 and of IPv6

	state   State     // of the reporter
	astray  int       // answers in a row that the pending report is out of order
	issued  time.Time // of the latest lease; of whoever asks
	askedAt time.Time // likewise

	mu     sync.Mutex
	leases []*work
}

// work is a lease and what came of it.
type work struct {
	vantage.Lease
	env  environment
	open int              // jobs not done
	done []vantage.Answer // not reported
}

// New returns an Agent.
func New(cfg Config) (*Agent, error) {
	if cfg.API == nil || cfg.Journal == nil || cfg.Clock == nil || cfg.Rand == nil || cfg.Log == nil ||
		cfg.Dialer == nil {
		return nil, errors.New("agent: a part is missing")
	}
	if err := cfg.State.Validate(); err != nil {
		return nil, err
	}
	if cfg.Workers <= 0 {
		cfg.Workers = DefaultWorkers
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = probe.DefaultTimeout
	}
	if cfg.Backoff <= 0 {
		cfg.Backoff = time.Second
	}
	a := &Agent{
		cfg:   cfg,
		key:   ed25519.NewKeyFromSeed(cfg.State.Key),
		state: cfg.State,
		busy: make(
			chan struct{},
			cfg.Workers,
		),
		tuns:  make(chan struct{}, maxTunnels),
		ready: make(chan struct{}, 1),
		whole: make(chan struct{}, 1),
	}
	for i := range a.network {
		a.network[i].turn = make(chan struct{}, 1)
	}
	return a, nil
}

// Run works until ctx ends, and then says what it still has to say. The error is
// nil then; any other is one that asking again cannot cure: the journal cannot be
// written, or the service knows another chain of reports.
func (a *Agent) Run(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.reports(gctx) })
	g.Go(func() error { return a.asks(gctx) })
	err := g.Wait()
	a.tasks.Wait()
	if err == nil || ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return a.lastWords(ctx)
	}
	return err
}

// asks asks for leases for ever.
func (a *Agent) asks(ctx context.Context) error {
	retry, failing := a.pauses(), false
	for pause := time.Duration(0); ; {
		if err := wait(ctx, pause); err != nil {
			return err
		}
		room := a.room()
		if room == 0 {
			pause = gather // what is done will be reported by then
			continue
		}
		next, err := a.ask(ctx, room)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			pause, failing = retry.NextBackOff(), true
			a.cfg.Log.WarnContext(
				ctx,
				"no lease",
				slog.String("code", string(errs.CodeOf(err))),
				slog.Any("error", err),
				slog.Int64("again_ms", pause.Milliseconds()),
			)
		default:
			if failing {
				a.cfg.Log.InfoContext(ctx, "leases arrive again")
			}
			retry.Reset()
			pause, failing = next, false
		}
	}
}

// room is how many more jobs may be taken.
func (a *Agent) room() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	room := min(2*a.cfg.Workers, vantage.MaxJobs)
	for _, w := range a.leases {
		room -= w.open + len(w.done)
	}
	return max(0, room)
}

// ask takes one lease and starts its jobs. It returns when to ask again.
func (a *Agent) ask(ctx context.Context, room int) (time.Duration, error) {
	sent := a.cfg.Clock.Now()
	at := sent.UTC().Truncate(time.Millisecond)
	if !at.After(a.askedAt) {
		at = a.askedAt.Add(time.Millisecond)
	}
	a.askedAt = at
	ask, err := vantage.SignAsk(
		a.key,
		vantage.Ask{V: vantage.Version, Vantage: a.cfg.State.Vantage, At: at, Max: room, SW: a.cfg.SW},
	)
	if err != nil {
		return 0, err
	}
	answer, err := a.cfg.API.Lease(ctx, ask)
	if err != nil {
		return 0, err
	}
	got := a.cfg.Clock.Now()
	l, err := vantage.OpenLease(answer, a.cfg.State.ServiceKey)
	if err != nil {
		return 0, err
	}
	if err := a.admit(l, sent, got, room); err != nil {
		return 0, err
	}
	w := &work{Lease: l, open: len(l.Jobs)}
	if len(l.Jobs) > 0 {
		if w.env, err = a.environment(l, skew(l.Issued, sent, got)); err != nil {
			return 0, err
		}
		a.mu.Lock()
		a.leases = append(a.leases, w)
		a.mu.Unlock()
	}
	for _, j := range l.Jobs {
		a.tasks.Go(func() { a.work(ctx, w, j) })
	}
	return time.Duration(l.Next) * time.Second, nil
}

// maxSkew is how far the service's clock may be from ours for a lease to be taken
// at all.
const maxSkew = 5 * time.Minute

// maxExtra is how many jobs a lease may hold beyond those that were asked for: the
// service mixes canaries in.
const maxExtra = 32

// admit refuses a lease that is not for us and now. Its signature has been
// verified.
func (a *Agent) admit(l vantage.Lease, sent, got time.Time, room int) error {
	refuse := func(code errs.Code, why string) error {
		return errs.Newf(errs.Unavailable, code, "The service answered with a lease that %s. Nothing was dialled.", why)
	}
	switch {
	case l.Vantage != a.cfg.State.Vantage:
		return refuse(CodeLeaseForeign, "is for another prober")
	case l.Issued.Before(sent.Add(-maxSkew)) || l.Issued.After(got.Add(maxSkew)):
		return refuse(CodeLeaseNotNow, "is not current: it is a repeat, or a clock is wrong by minutes")
	case !l.Expires.After(got):
		return refuse(CodeLeaseOver, "is over")
	case !l.Issued.After(a.issued):
		return refuse(CodeLeaseRepeated, "is no newer than the one before")
	case len(l.Jobs) > room+maxExtra:
		return refuse(CodeLeaseTooLarge, "holds more jobs than were asked for")
	}
	a.issued = l.Issued
	return nil
}

// work makes one job and hands its answer to the reporter.
func (a *Agent) work(ctx context.Context, w *work, j vantage.Job) {
	answer, made := a.make(ctx, w, j)
	a.mu.Lock()
	defer a.mu.Unlock()
	w.open--
	if made {
		w.done = append(w.done, answer)
	}
	signal(a.ready)
	if w.open == 0 {
		signal(a.whole)
	}
}

// make waits for its time and for a free worker. It reports false for a job whose
// time is over and when the agent is stopped: the service sees that nobody did it.
func (a *Agent) make(ctx context.Context, w *work, j vantage.Job) (vantage.Answer, bool) {
	if wait(ctx, j.Due.Sub(a.cfg.Clock.Now())) != nil {
		return vantage.Answer{}, false
	}
	spec, err := link.Parse(j.Spec)
	turns := []chan struct{}{a.busy}
	if err == nil && j.Mode == probe.Full && inUserSpace(spec.Protocol()) {
		turns = []chan struct{}{a.tuns, a.busy} // who waits for a tunnel keeps no worker waiting
	}
	for _, c := range turns {
		select {
		case c <- struct{}{}:
			defer func() { <-c }()
		case <-ctx.Done():
			return vantage.Answer{}, false
		}
	}
	if now := a.cfg.Clock.Now(); now.After(j.Until) || now.After(w.Expires) {
		return vantage.Answer{}, false
	}
	if err != nil {
		// The service has read it: it is of another version, and that is no fault of
		// the endpoint's.
		return vantage.Answer{
			Job:     j.ID,
			Started: a.cfg.Clock.Now().UTC(),
			Outcome: own("this version cannot read the configuration"),
		}, true
	}
	answer := a.check(ctx, w, j, spec)
	return answer, ctx.Err() == nil
}

// inUserSpace reports whether a full check of p opens a tunnel with a network
// stack of its own.
func inUserSpace(p probe.Protocol) bool { return p == probe.WireGuard || p == probe.OpenVPN }

// signal wakes whoever waits on c, now or next.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// wait waits for d, or returns why ctx has ended.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func (a *Agent) environment(l vantage.Lease, off time.Duration) (environment, error) {
	d, err := a.cfg.Dialer(a.cfg.API.Addrs())
	if err != nil {
		return environment{}, fmt.Errorf("make the dialer: %w", err)
	}
	return newEnvironment(l, d, off)
}
