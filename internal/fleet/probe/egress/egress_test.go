package egress_test

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	server "github.com/things-go/go-socks5"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/egress"
	"github.com/causeway-fund/causeway/internal/fleet/probe/guard"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

type quiet struct{}

func (quiet) Errorf(string, ...any) {}

// journal is what an exit was asked for.
type journal struct {
	mu      sync.Mutex
	users   []string
	targets []string
}

func (j *journal) Valid(user, password, _ string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if password == "wrong" {
		return false
	}
	j.users = append(j.users, user+":"+password)
	return true
}

func (j *journal) all() (users, targets []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.users), slices.Clone(j.targets)
}

// exit runs a SOCKS5 proxy that asks for a user, notes what it is asked for, and
// goes out from 127.0.0.88.
func exit(t *testing.T) (netip.AddrPort, *journal) {
	t.Helper()
	j := &journal{}
	s := server.NewServer(server.WithLogger(quiet{}), server.WithCredential(j), server.WithDial(func(ctx context.Context, network, addr string) (net.Conn, error) {
		j.mu.Lock()
		j.targets = append(j.targets, addr)
		j.mu.Unlock()
		return (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 88)}}).DialContext(ctx, network, addr)
	}))
	return addrPort(t, probetest.Serve(t, func(c net.Conn) { _ = s.ServeConn(c) })), j
}

func addrPort(t *testing.T, a probe.Address) netip.AddrPort {
	t.Helper()
	ip, ok := a.Host.IP()
	if !ok {
		t.Fatal("no address")
	}
	return netip.AddrPortFrom(ip, a.Port)
}

func proxy(t *testing.T, cfg egress.Config) *egress.Proxy {
	t.Helper()
	cfg.Clock, cfg.Rand = clock.Real{}, rand.Reader
	p, err := egress.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// dialler is a guard that goes out through p and allows loopback less 127.0.0.66.
func dialler(t *testing.T, p *egress.Proxy, r guard.Resolver) *guard.Dialer {
	t.Helper()
	d, err := guard.New(guard.Config{
		Resolver: r, Exit: p, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Deny: []netip.Prefix{netip.MustParsePrefix("127.0.0.66/32")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// run dials to through d and pings it.
func run(t *testing.T, timeout time.Duration, d probe.Dialer, network string, to probe.Address) probe.Outcome {
	t.Helper()
	r := probe.Runner{Clock: clock.Real{}, Timeout: timeout}
	return r.Run(t.Context(), probe.Attempt{Check: func(ctx context.Context, tr *probe.Trace) (*probe.Evidence, error) {
		c, err := d.Dial(ctx, network, to, tr)
		if err != nil {
			return nil, err
		}
		defer c.Close()
		if c.RemoteAddr().String() != tr.Addr().String() {
			t.Errorf("the other side is %s, not %s", c.RemoteAddr(), tr.Addr())
		}
		return nil, probetest.Ping(c)
	}})
}

// names is a DNS server over TCP that knows the names given, and counts.
func names(t *testing.T, known map[string][]string) (netip.AddrPort, func() int) {
	t.Helper()
	var mu sync.Mutex
	n := 0
	addr := probetest.Serve(t, func(c net.Conn) {
		if ip, _, _ := net.SplitHostPort(c.RemoteAddr().String()); ip != "127.0.0.88" {
			t.Errorf("a look-up came from %s", ip)
		}
		for {
			var l [2]byte
			if _, err := io.ReadFull(c, l[:]); err != nil {
				return
			}
			b := make([]byte, binary.BigEndian.Uint16(l[:]))
			if _, err := io.ReadFull(c, b); err != nil {
				return
			}
			mu.Lock()
			n++
			mu.Unlock()
			out := reply(t, b, known)
			if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...)); err != nil {
				return
			}
		}
	})
	return addrPort(t, addr), func() int {
		mu.Lock()
		defer mu.Unlock()
		return n
	}
}

func reply(t *testing.T, b []byte, known map[string][]string) []byte {
	t.Helper()
	var m dnsmessage.Message
	if err := m.Unpack(b); err != nil || len(m.Questions) != 1 {
		t.Errorf("%x: %v", b, err)
		return nil
	}
	q := m.Questions[0]
	out := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true}, Questions: m.Questions}
	values, found := known[q.Name.String()]
	if !found {
		out.RCode = dnsmessage.RCodeNameError
	}
	for _, v := range values {
		h := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}
		ip, err := netip.ParseAddr(v)
		switch {
		case q.Type == dnsmessage.TypeA && err == nil && ip.Is4():
			out.Answers = append(out.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: ip.As4()}})
		case q.Type == dnsmessage.TypeTXT && err != nil:
			out.Answers = append(out.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.TXTResource{TXT: []string{v}}})
		}
	}
	packed, err := out.Pack()
	if err != nil {
		t.Error(err)
	}
	return packed
}

func address(t *testing.T, s string) probe.Address {
	t.Helper()
	a, err := probe.ParseAddress(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestTheExitIsGivenCheckedAddressesOnly: names are looked up through it, once,
// and what may not be dialled never reaches it.
func TestTheExitIsGivenCheckedAddressesOnly(t *testing.T) {
	t.Parallel()
	echo := probetest.Serve(t, func(c net.Conn) {
		if ip, _, _ := net.SplitHostPort(c.RemoteAddr().String()); ip != "127.0.0.88" {
			t.Errorf("the endpoint sees %s", ip)
		}
		probetest.Echo(c)
	})
	dns, lookups := names(t, map[string][]string{
		"good.example.": {"127.0.0.1"}, "bad.example.": {"127.0.0.1", "127.0.0.66"}, "inside.example.": {"10.0.0.1"}, "_grant.good.example.": {"a token"},
	})
	at, j := exit(t)
	p := proxy(t, egress.Config{Addr: at, Isolate: true})
	r := egress.NewResolver(p, dns)
	d := dialler(t, p, r)
	byName := func(name string) probe.Address {
		return probe.Address{Host: address(t, name+":1").Host, Port: echo.Port}
	}

	probetest.Want(t, run(t, probetest.Enough, d, probe.TCP, echo), "ok tcp")
	probetest.Want(t, run(t, probetest.Enough, d, probe.TCP, byName("good.example")), "ok tcp")
	if n := lookups(); n != 2 { // A and AAAA
		t.Errorf("%d look-ups", n)
	}
	probetest.Want(t, run(t, probetest.Enough, d, probe.TCP, byName("bad.example")), "dns address_denied")
	probetest.Want(t, run(t, probetest.Enough, d, probe.TCP, byName("inside.example")), "dns address_denied")
	probetest.Want(t, run(t, probetest.Enough, d, probe.TCP, byName("none.example")), "dns dns_nxdomain")
	probetest.Want(t, run(t, probetest.Enough, d, probe.TCP, address(t, "127.0.0.66:9999")), "guard address_denied")
	probetest.Want(t, run(t, probetest.Enough, d, probe.TCP, address(t, "127.0.0.1:25")), "guard port_denied")
	if texts, err := r.LookupTXT(t.Context(), "_grant.good.example."); err != nil || len(texts) != 1 || texts[0] != "a token" {
		t.Errorf("%q, %v", texts, err)
	}

	users, targets := j.all()
	for _, to := range targets {
		if to != echo.String() && to != dns.String() {
			t.Errorf("the exit was asked for %s", to)
		}
	}
	slices.Sort(users)
	if len(slices.Compact(slices.Clone(users))) != len(targets) || len(targets) < 6 {
		t.Errorf("%d users for %d connections", len(users), len(targets))
	}
}

func TestWhatTheExitCannotSayIsNotHeldAgainstAnEndpoint(t *testing.T) {
	t.Parallel()
	at, _ := exit(t)
	good := proxy(t, egress.Config{Addr: at, User: "u", Password: "p"})
	closed := probetest.Closed(t)
	says := func(rep byte) *egress.Proxy {
		return proxy(t, egress.Config{Addr: addrPort(t, probetest.Serve(t, func(c net.Conn) {
			b := make([]byte, 64)
			_, _ = c.Read(b)
			_, _ = c.Write([]byte{5, 0})
			_, _ = c.Read(b)
			_, _ = c.Write([]byte{5, rep, 0, 1, 0, 0, 0, 0, 0, 0})
		}))})
	}
	silent := probetest.Serve(t, func(c net.Conn) {
		b := make([]byte, 64)
		_, _ = c.Read(b)
		_, _ = c.Write([]byte{5, 0})
		probetest.BlackHole(c)
	})
	for name, tc := range map[string]struct {
		p       *egress.Proxy
		network string
		timeout time.Duration
		want    string
	}{
		"endpoint closed":            {good, probe.TCP, probetest.Enough, "tcp refused"},
		"endpoint closed, says exit": {says(5), probe.TCP, probetest.Enough, "tcp refused"},
		"endpoint unreachable":       {says(4), probe.TCP, probetest.Enough, "tcp unreachable"},
		"network unreachable":        {says(3), probe.TCP, probetest.Enough, "tcp unreachable"},
		"endpoint silent":            {says(6), probe.TCP, probetest.Enough, "tcp timeout"},
		"exit waits":                 {proxy(t, egress.Config{Addr: addrPort(t, silent)}), probe.TCP, probetest.Patience, "tcp timeout"},
		"exit fails":                 {says(1), probe.TCP, probetest.Enough, "tcp control_failed"},
		"exit forbids":               {says(2), probe.TCP, probetest.Enough, "tcp control_failed"},
		"exit has no IPv6":           {says(8), probe.TCP, probetest.Enough, "tcp control_failed"},
		"exit says nonsense":         {says(99), probe.TCP, probetest.Enough, "tcp control_failed"},
		"exit down":                  {proxy(t, egress.Config{Addr: addrPort(t, probetest.Closed(t))}), probe.TCP, probetest.Enough, "tcp control_failed"},
		"exit silent":                {proxy(t, egress.Config{Addr: addrPort(t, probetest.Serve(t, probetest.BlackHole))}), probe.TCP, probetest.Patience, "tcp control_failed"},
		"exit of another kind":       {proxy(t, egress.Config{Addr: addrPort(t, probetest.Serve(t, probetest.Web))}), probe.TCP, probetest.Enough, "tcp control_failed"},
		"exit refuses our password":  {proxy(t, egress.Config{Addr: at, User: "u", Password: "wrong"}), probe.TCP, probetest.Enough, "tcp control_failed"},
		"exit asks for a password":   {proxy(t, egress.Config{Addr: at}), probe.TCP, probetest.Enough, "tcp control_failed"},
		"UDP":                        {good, probe.UDP, probetest.Enough, "guard local_resources"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := run(t, tc.timeout, dialler(t, tc.p, egress.NewResolver(tc.p, at)), tc.network, closed)
			probetest.Want(t, out, tc.want)
		})
	}
}

func TestALookUpWithoutAnExitSaysNothing(t *testing.T) {
	t.Parallel()
	down := proxy(t, egress.Config{Addr: addrPort(t, probetest.Closed(t))})
	at, _ := exit(t)
	up := proxy(t, egress.Config{Addr: at, Isolate: true})
	name := address(t, "a.example:443")
	for what, d := range map[string]*guard.Dialer{
		"the exit is down":     dialler(t, up, egress.NewResolver(down, at)),
		"the resolver is down": dialler(t, up, egress.NewResolver(up, addrPort(t, probetest.Closed(t)))),
	} {
		out := run(t, probetest.Enough, d, probe.TCP, name)
		if out.FailedAt != probe.StageDNS || out.Class != probe.ClassControlFailed {
			t.Errorf("%s: %+v", what, out)
		}
	}
}

// TestAConnectionThatIsCalledOffIsClosed: nobody waits for an exit longer than
// its check does.
func TestAConnectionThatIsCalledOffIsClosed(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	asked := make(chan struct{})
	p := proxy(t, egress.Config{Addr: addrPort(t, probetest.Serve(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 64))
		close(asked)
		probetest.BlackHole(c)
		close(gone)
	}))})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	_, err := p.Connect(ctx, netip.MustParseAddrPort("127.0.0.1:1"))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	<-gone
}

func TestConfigurations(t *testing.T) {
	t.Parallel()
	at := netip.MustParseAddrPort("127.0.0.1:9050")
	for name, cfg := range map[string]egress.Config{
		"no address":         {Clock: clock.Real{}, Rand: rand.Reader},
		"no clock":           {Addr: at, Rand: rand.Reader},
		"no randomness":      {Addr: at, Clock: clock.Real{}},
		"a user and another": {Addr: at, Clock: clock.Real{}, Rand: rand.Reader, User: "u", Isolate: true},
	} {
		if _, err := egress.New(cfg); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
