package agent_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	server "github.com/things-go/go-socks5"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/agent"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/probe/echo"
	"github.com/causeway-fund/causeway/internal/fleet/probe/guard"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/testkit/dctest"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

type quiet struct{}

func (quiet) Errorf(string, ...any) {}

// anyone takes every password.
type anyone struct{}

func (anyone) Valid(string, string, string) bool { return true }

// socks runs a SOCKS5 server that asks for one of users, or for nothing.
func socks(tb testing.TB, users server.CredentialStore) probe.Address {
	tb.Helper()
	opts := []server.Option{server.WithLogger(quiet{})}
	if users != nil {
		opts = append(opts, server.WithCredential(users))
	}
	s := server.NewServer(opts...)
	return probetest.Serve(tb, func(c net.Conn) { _ = s.ServeConn(c) })
}

// want compares an answer's outcome with probetest's words for it.
func want(t *testing.T, a vantage.Answer, words string) {
	t.Helper()
	if a.Job == uuid.Nil {
		t.Errorf("no answer, want %q", words)
		return
	}
	probetest.Want(t, a.Outcome, words)
}

func TestJobsAreMadeAndReported(t *testing.T) {
	t.Parallel()
	dc := dctest.Serve(t)
	s := newService(t, dc)
	key := []byte("a key of the echo server that is long")
	srv, err := echo.NewServer(echo.Config{Key: key, Clock: clock.Real{}})
	if err != nil {
		t.Fatal(err)
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = srv.Serve(t.Context(), ln) }()
	s.echoURL = "http://" + ln.Addr().String()
	open := socks(t, nil)
	mt := link.MTProto{Kind: link.SecretPadded, Key: [16]byte{0: 1, 15: 2}}
	_, port, _ := strings.Cut(dctest.Proxy(t, mt, dc).String(), ":")

	full := job(probe.Full, "socks5://"+open.String())
	nonce, err := echo.NewNonce(strings.NewReader(strings.Repeat("n", 16)))
	if err != nil {
		t.Fatal(err)
	}
	full.EchoNonce = nonce
	light := job(probe.Light, "socks5://"+open.String())
	proxy := job(probe.Full, "tg://proxy?server=127.0.0.1&port="+port+"&secret=dd01000000000000000000000000000002")
	closed := job(probe.Full, "socks5://"+probetest.Closed(t).String())
	foreign := job(probe.Full, "carrier-pigeon://127.0.0.1:1")
	elsewhere := job(probe.Full, "socks5://"+open.String())
	elsewhere.DC = 5
	late := job(probe.Light, "socks5://"+open.String())
	late.Due, late.Until = late.Due.Add(-time.Minute), late.Due.Add(-time.Second)
	s.put(full, light, proxy, closed, foreign, elsewhere, late)
	stop := run(t, s.config())

	got := s.await(6)

	want(t, got[full.ID], "ok target")
	if e := got[full.ID].Outcome.Evidence; e == nil || !e.TGProven || e.Exit == nil {
		t.Errorf("evidence %+v", e)
	} else if ip, err := echo.Verify(key, nonce, *e.Exit); err != nil || ip != netip.AddrFrom4([4]byte{127, 0, 0, 1}) {
		t.Errorf("exit %s, %v", ip, err)
	}
	want(t, got[light.ID], "ok handshake")
	want(t, got[proxy.ID], "ok target")
	want(t, got[closed.ID], "tcp refused")
	want(t, got[foreign.ID], "parse local_resources")
	want(t, got[elsewhere.ID], "parse local_resources")
	if err := stop(); err != nil {
		t.Error(err)
	}
	if _, made := got[late.ID]; made || len(got) != 6 {
		t.Errorf("%d answers; a job was made after its time: %v", len(got), made)
	}
}

// TestAJobWaitsForItsTime: it begins no sooner than Due.
func TestAJobWaitsForItsTime(t *testing.T) {
	t.Parallel()
	s := newService(t, probetest.Closed(t))
	j := job(probe.Light, "socks5://"+socks(t, nil).String())
	j.Due = j.Due.Add(300 * time.Millisecond)
	s.put(j)
	run(t, s.config())

	got := s.await(1)[j.ID]

	want(t, got, "ok handshake")
	if got.Started.Before(j.Due) {
		t.Errorf("began %s before its time", j.Due.Sub(got.Started))
	}
}

func controlJob(spec string) vantage.Job {
	j := job(probe.Full, spec)
	j.Kind = vantage.KindControl
	return j
}

type zone struct{ texts []string }

func (z zone) LookupTXT(context.Context, string) ([]string, error) { return z.texts, nil }

func (zone) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, nil
}

func TestProofsOfControl(t *testing.T) {
	t.Parallel()
	dc := dctest.Serve(t)
	s := newService(t, dc)
	ours, decoy := &control.Credential{User: "cw", Password: "ours"}, &control.Credential{User: "cw", Password: "decoy"}
	locked := socks(t, server.StaticCredentials{"cw": "ours", "u": "p"}).String()

	held := controlJob("socks5://u:p@" + locked)
	held.Credential, held.Decoy = ours, decoy
	notAdded := controlJob("socks5://u:p@" + locked)
	notAdded.Credential, notAdded.Decoy = &control.Credential{User: "other", Password: "x"}, decoy
	anybody := controlJob("socks5://" + socks(t, anyone{}).String())
	anybody.Credential, anybody.Decoy = ours, decoy
	misfit := controlJob("ss://aes-256-gcm:hunter22@" + locked)
	misfit.Credential, misfit.Decoy = ours, decoy

	token := control.Token([]byte("a secret of thirty-two bytes ..."), uuid.New(), time.Unix(0, 0))
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = control.Serve(t.Context(), ln, token) }()
	port := controlJob("socks5://" + ln.Addr().String())
	port.Challenge = &vantage.Challenge{Kind: control.KindPort, Token: token}
	wrongPort := controlJob("socks5://" + locked)
	wrongPort.Challenge = port.Challenge
	dns := controlJob("socks5://host.example:" + strings.TrimPrefix(locked, "127.0.0.1:"))
	dns.Challenge = &vantage.Challenge{Kind: control.KindDNS, Token: token}
	s.put(held, notAdded, anybody, misfit, port, wrongPort, dns)
	cfg := s.config()
	cfg.Resolvers = []control.Resolver{zone{[]string{token}}, zone{[]string{"x", token}}}
	run(t, cfg)

	got := s.await(7)

	want(t, got[held.ID], "ok target")
	if d := got[held.ID].Decoy; d == nil {
		t.Error("the decoy was not tried")
	} else if finding := control.Judge(probe.SOCKS5, got[held.ID].Outcome, *d); finding != control.Held {
		t.Errorf("%s: %+v", finding, d)
	}
	want(t, got[notAdded.ID], "auth auth_rejected")
	if got[notAdded.ID].Decoy != nil {
		t.Error("the decoy was sent to an endpoint that did not take ours")
	}
	if d := got[anybody.ID].Decoy; d == nil || control.Judge(probe.SOCKS5, got[anybody.ID].Outcome, *d) == control.Held {
		t.Errorf("an open proxy proves control: %+v", d)
	}
	want(t, got[misfit.ID], "parse local_resources")
	want(t, got[port.ID], "ok target")
	if got[wrongPort.ID].Outcome.OK {
		t.Error("a proxy answered a challenge")
	}
	want(t, got[dns.ID], "ok target")
}

// counting is a dialer that counts.
type counting struct {
	probe.Dialer
	n *atomic.Int32
}

func (c counting) Dial(ctx context.Context, network string, to probe.Address, tr *probe.Trace) (net.Conn, error) {
	c.n.Add(1)
	return c.Dialer.Dial(ctx, network, to, tr)
}

// TestAHostileServiceMovesNothing: leases that must not be followed.
func TestAHostileServiceMovesNothing(t *testing.T) {
	t.Parallel()
	var reached atomic.Int32
	victim := probetest.Serve(t, func(net.Conn) { reached.Add(1) })
	for name, hostile := range map[string]func(s *service, l *vantage.Lease){
		"signed by another":  func(s *service, _ *vantage.Lease) { s.key = newKey(s.tb) },
		"for another prober": func(_ *service, l *vantage.Lease) { l.Vantage = uuid.New() },
		"of the past": func(_ *service, l *vantage.Lease) {
			l.Issued, l.Expires = l.Issued.Add(-10*time.Minute), l.Issued.Add(time.Minute)
		},
		"of the future": func(_ *service, l *vantage.Lease) {
			l.Issued, l.Expires = l.Issued.Add(10*time.Minute), l.Issued.Add(20*time.Minute)
		},
		"over": func(_ *service, l *vantage.Lease) {
			l.Issued, l.Expires = l.Issued.Add(-time.Minute), l.Issued.Add(-time.Second)
		},
		"larger than asked for": func(_ *service, l *vantage.Lease) { l.Jobs = append(l.Jobs, manyJobs(victim, 40)...) },
		"without Telegram":      func(_ *service, l *vantage.Lease) { l.Telegram.KeysPEM = "-----BEGIN X-----\nAAAA\n-----END X-----\n" },
		"an echo of its own":    func(_ *service, l *vantage.Lease) { l.EchoURL = "gopher://127.0.0.1/x" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, probetest.Closed(t))
			asked := make(chan struct{}, 100)
			s.change = func(l *vantage.Lease) {
				if len(l.Jobs) == 0 {
					l.Jobs = manyJobs(victim, 1)
				}
				hostile(s, l)
				asked <- struct{}{}
			}
			cfg := s.config()
			cfg.Workers = 1
			var dials atomic.Int32
			cfg.Dialer = func([]netip.Addr) (probe.Dialer, error) { return counting{probetest.Dialer(t), &dials}, nil }
			stop := run(t, cfg)
			for range 3 {
				<-asked // the answers before the last one were read
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
			if dials.Load() != 0 || len(s.sent) != 0 {
				t.Errorf("%d dials, %d reports", dials.Load(), len(s.sent))
			}
		})
	}
	t.Cleanup(func() {
		if reached.Load() != 0 {
			t.Error("the victim was reached")
		}
	})
}

func manyJobs(to probe.Address, n int) []vantage.Job {
	out := make([]vantage.Job, n)
	for i := range out {
		out[i] = job(probe.Light, "socks5://"+to.String())
	}
	return out
}

// TestCanariesComeOnTop: a lease may hold some jobs more than were asked for.
func TestCanariesComeOnTop(t *testing.T) {
	t.Parallel()
	s := newService(t, probetest.Closed(t))
	at := probetest.Closed(t)
	s.put(manyJobs(at, 2)...)
	s.change = func(l *vantage.Lease) {
		if len(l.Jobs) > 0 {
			l.Jobs = append(l.Jobs, manyJobs(at, 16)...)
		}
	}
	cfg := s.config()
	cfg.Workers = 1
	run(t, cfg)

	if got := s.await(18); len(got) != 18 {
		t.Errorf("%d answers", len(got))
	}
}

// TestALeaseIsNotFollowedTwice: the same bytes again, as somebody in between
// could send them.
func TestALeaseIsNotFollowedTwice(t *testing.T) {
	t.Parallel()
	var reached atomic.Int32
	at := probetest.Serve(t, func(net.Conn) { reached.Add(1) })
	s := newService(t, probetest.Closed(t))
	s.put(manyJobs(at, 1)...)
	cfg := s.config()
	again := &repeating{API: cfg.API, asked: make(chan struct{}, 100)}
	cfg.API = again
	stop := run(t, cfg)
	for range 3 {
		<-again.asked
	}
	s.await(1)
	if err := stop(); err != nil {
		t.Error(err)
	}
	if reached.Load() != 1 {
		t.Errorf("dialled %d times", reached.Load())
	}
}

// repeating answers with the first lease for ever.
type repeating struct {
	agent.API
	first *vantage.Envelope
	asked chan struct{}
}

func (r *repeating) Lease(ctx context.Context, ask vantage.Envelope) (vantage.Envelope, error) {
	r.asked <- struct{}{}
	if r.first != nil {
		return *r.first, nil
	}
	e, err := r.API.Lease(ctx, ask)
	if err == nil {
		r.first = &e
	}
	return e, err
}

// TestSignedJobsCannotReachInside: the guard judges what the service asks for
// too, and knows the service's own address.
func TestSignedJobsCannotReachInside(t *testing.T) {
	t.Parallel()
	s := newService(t, probetest.Closed(t))
	metadata := job(probe.Full, "socks5://169.254.169.254:1080")
	service := job(probe.Full, "socks5://"+strings.TrimPrefix(s.url, "http://"))
	s.put(metadata, service)
	cfg := s.config()
	cfg.Dialer = func(own []netip.Addr) (probe.Dialer, error) {
		return guard.New(guard.Config{
			Resolver: &net.Resolver{}, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Deny: prefixes(own),
		})
	}
	run(t, cfg)

	got := s.await(2)

	want(t, got[metadata.ID], "guard address_denied")
	want(t, got[service.ID], "guard address_denied")
	if got[metadata.ID].Outcome.Addr != "" || got[service.ID].Outcome.Addr != "" {
		t.Error("an address was dialled")
	}
}

func prefixes(addrs []netip.Addr) []netip.Prefix {
	out := make([]netip.Prefix, len(addrs))
	for i, a := range addrs {
		out[i] = netip.PrefixFrom(a, a.BitLen())
	}
	return out
}

// TestTroubleOfOurOwnIsUnknown: silence counts against an endpoint only while our
// own network answers, and any failure only while our clock is right.
func TestTroubleOfOurOwnIsUnknown(t *testing.T) {
	t.Parallel()
	dc, hole := dctest.Serve(t), probetest.Serve(t, probetest.BlackHole)
	for name, tc := range map[string]struct {
		dc     probe.Address
		set    func(*agent.Config)
		change func(*vantage.Lease)
		spec   probe.Address
		want   string
	}{
		"silence":                       {dc: dc, spec: hole, want: "handshake timeout"},
		"silence, no data centre":       {dc: probetest.Closed(t), spec: hole, want: "handshake control_failed"},
		"silence, a mute data centre":   {dc: hole, spec: hole, want: "handshake control_failed"},
		"silence, only IPv6 is known":   {dc: dc, spec: hole, want: "handshake control_failed", change: func(l *vantage.Lease) { l.Telegram.Centres[0].Addr = "[2001:67c:4e8:f002::a]:443" }},
		"silence, an anchor":            {dc: probetest.Closed(t), spec: hole, want: "handshake timeout", set: func(c *agent.Config) { c.Anchors = []probe.Address{hole} }},
		"silence, an anchor is gone":    {dc: dc, spec: hole, want: "handshake control_failed", set: func(c *agent.Config) { c.Anchors = []probe.Address{probetest.Closed(t)} }},
		"closed, the clock is behind":   {dc: dc, spec: probetest.Closed(t), want: "tcp local_resources", set: func(c *agent.Config) { c.Clock = off(-10 * time.Second) }},
		"closed, the clock is ahead":    {dc: dc, spec: probetest.Closed(t), want: "tcp local_resources", set: func(c *agent.Config) { c.Clock = off(10 * time.Second) }},
		"open, though the clock is off": {dc: dc, spec: socks(t, nil), want: "ok handshake", set: func(c *agent.Config) { c.Clock = off(10 * time.Second) }},
		"closed, the clock is near":     {dc: dc, spec: probetest.Closed(t), want: "tcp refused", set: func(c *agent.Config) { c.Clock = off(time.Second) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, tc.dc)
			s.change = tc.change
			j := job(probe.Light, "socks5://"+tc.spec.String())
			j.Due = j.Due.Add(-20 * time.Second) // by the clock that is behind too
			s.put(j)
			cfg := s.config()
			if strings.HasPrefix(name, "silence") {
				cfg.Timeout = 500 * time.Millisecond
			}
			if tc.set != nil {
				tc.set(&cfg)
			}
			run(t, cfg)
			want(t, s.await(1)[j.ID], tc.want)
		})
	}
}

type offset struct{ by time.Duration }

func off(by time.Duration) clock.Clock { return offset{by} }

func (o offset) Now() time.Time { return clock.Real{}.Now().Add(o.by) }

// TestABrokenChainEndsTheAgent: a state file from a copy must not go on.
func TestABrokenChainEndsTheAgent(t *testing.T) {
	t.Parallel()
	s := newService(t, probetest.Closed(t))
	s.seq = 7
	s.put(manyJobs(probetest.Closed(t), 1)...)
	a, err := agent.New(s.config())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), probetest.Enough)
	defer cancel()
	if err := a.Run(ctx); !errs.Is(err, "chain_broken") {
		t.Error(err)
	}
	if _, err := agent.New(agent.Config{}); err == nil {
		t.Error("an agent of nothing")
	}
	cfg := s.config()
	cfg.State = agent.State{}
	if _, err := agent.New(cfg); !errs.Is(err, "prober_state_malformed") {
		t.Errorf("no state: %v", err)
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Error("it went on")
	}
}
