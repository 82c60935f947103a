package guard

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// names is a resolver that knows each name's addresses and counts look-ups.
type names struct {
	addrs   map[string][]string
	lookups atomic.Int32
}

func (n *names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	n.lookups.Add(1)
	found, ok := n.addrs[strings.TrimSuffix(host, ".")]
	if !ok || !strings.HasSuffix(host, ".") {
		return nil, &net.DNSError{Name: host, IsNotFound: true}
	}
	var out []netip.Addr
	for _, s := range found {
		out = append(out, netip.MustParseAddr(s))
	}
	return out, nil
}

// counting returns a Dialer that would connect to nothing, and the count of
// sockets that it would have opened.
func counting(t *testing.T, r Resolver) (*Dialer, *atomic.Int32) {
	t.Helper()
	d, err := New(Config{Resolver: r, Deny: []netip.Prefix{netip.MustParsePrefix("9.9.9.0/24")}})
	if err != nil {
		t.Fatal(err)
	}
	var n atomic.Int32
	d.connect = func(_ context.Context, network, literal string, control func(string, string, syscall.RawConn) error) (net.Conn, error) {
		if err := control(network, literal, nil); err != nil {
			return nil, err
		}
		n.Add(1)
		return nil, syscall.ECONNREFUSED
	}
	return d, &n
}

// dial reads s as people type it and dials it.
func dial(t *testing.T, d *Dialer, network, s string) error {
	t.Helper()
	a, err := probe.ParseAddress(s)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	c, err := d.Dial(ctx, network, a, probe.NewTrace(clock.Real{}))
	if err == nil {
		c.Close()
	}
	return err
}

// spellings of our own machine and of others that are not public.
func spellings() []string {
	return []string{
		// loopback, in every form that some resolver or socket understands
		"127.0.0.1", "127.0.0.2", "127.255.255.255", "127.1", "127.0.1", "127.0.0.01", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001",
		"0x7F000001", "2130706433", "017700000001", "00000177.1", "1.0.0.0x7f", "127.0.0.1.", "127.000.000.001", "localhost",
		"LOCALHOST", "localhost.", "localhost.localdomain", "foo.localhost", "[::1]", "[0:0:0:0:0:0:0:1]", "[::]", "[::127.0.0.1]",
		"[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]",
		"[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2002:7f00:0001::1]", "[2001:0:7f00:1::]", "[2001::1]",
		"[2a01:4f8::5efe:127.0.0.1]", "[2a01:4f8::200:5efe:a00:1]", "[::1%lo]", "[fe80::1%25eth0]", "[fe80::1%1]",
		"１２７.0.0.1", "①②⑦.0.0.1", "127。0。0。1", "127.0.0.1%00", "127.0.0.1\x00.example.org", "%31%32%37.0.0.1",
		// nobody's and everybody's
		"0", "0.0.0.0", "0.1.2.3", "00", "0x0", "255.255.255.255", "4294967295", "240.0.0.1", "224.0.0.251", "239.255.255.250",
		"[ff02::1]", "[ff05::2]",
		// inside
		"10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255", "100.64.0.1",
		"100.127.255.255", "169.254.1.1", "[fc00::1]", "[fd12:3456::1]", "[fe80::1]", "[febf::1]", "[fec0::1]", "[::ffff:10.0.0.1]",
		"[64:ff9b::a00:1]", "[2002:a00:1::]", "[2002:c0a8:101::1]", "[::10.0.0.1]",
		// metadata services
		"169.254.169.254", "169.254.170.2", "2852039166", "0xa9fea9fe", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "168.63.129.16",
		"100.100.100.200", "192.0.0.192", "metadata.google.internal", "instance-data",
		// set apart
		"192.0.0.8", "192.0.2.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "192.88.99.1", "192.31.196.1",
		"192.52.193.1", "192.175.48.1", "[100::1]", "[2001:2::1]", "[2001:10::1]", "[2001:db8::1]", "[3fff::1]", "[5f00::1]",
		"[2620:4f:8000::1]", "[4000::1]", "[1::1]",
		// ours, by configuration
		"9.9.9.9", "[::ffff:9.9.9.9]",
	}
}

func TestNoSpellingOfAForbiddenAddressIsDialled(t *testing.T) {
	t.Parallel()
	if n := len(spellings()); n < 60 {
		t.Fatalf("only %d forms", n)
	}
	d, connections := counting(t, &names{})
	for _, network := range []string{probe.TCP, probe.UDP} {
		for _, s := range spellings() {
			if err := dial(t, d, network, s+":8443"); err == nil {
				t.Errorf("%s %q was dialled", network, s)
			}
		}
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}
}

// TestEveryRangeIsSpelled keeps the list above as long as the deny list.
func TestEveryRangeIsSpelled(t *testing.T) {
	t.Parallel()
	for _, s := range append(denied4(), denied6()...) {
		p := netip.MustParsePrefix(s)
		spelled := slices.ContainsFunc(spellings(), func(s string) bool {
			ip, err := netip.ParseAddr(strings.Trim(s, "[]"))
			return err == nil && p.Contains(ip)
		})
		if !spelled {
			t.Errorf("no address of %s is tried", p)
		}
	}
}

func TestNoNameLeadsToAForbiddenAddress(t *testing.T) {
	t.Parallel()
	r := &names{addrs: map[string][]string{}}
	d, connections := counting(t, r)
	forms := 0
	for i, s := range spellings() {
		ip, err := netip.ParseAddr(strings.Trim(s, "[]"))
		if err != nil {
			continue
		}
		forms++
		name := "a" + string(rune('a'+i%26)) + string(rune('a'+i/26)) + ".example.org"
		for _, answers := range [][]string{{ip.String()}, {"8.8.8.8", ip.String()}, {ip.String(), "2a00:1450::1"}, {"2a00:1450::1%eth0"}} {
			r.addrs[name] = answers
			err := dial(t, d, probe.TCP, name+":8443")
			var f *probe.Error
			if !errors.As(err, &f) || f.Class != probe.ClassAddressDenied || f.Stage != probe.StageDNS {
				t.Errorf("%v: %v", answers, err)
			}
		}
	}
	if n := connections.Load(); n != 0 || forms < 40 {
		t.Errorf("%d connections, %d forms", n, forms)
	}
}

func TestPublicAddressesAreDialled(t *testing.T) {
	t.Parallel()
	r := &names{addrs: map[string][]string{
		"one.example.org": {"8.8.8.8"}, "two.example.org": {"8.8.8.8", "::ffff:8.8.8.8"}, "many.example.org": {"8.8.8.8", "::ffff:8.8.8.8", "8.8.4.4", "1.1.1.1", "2a00:1450::1"},
	}}
	for s, want := range map[string]int32{
		"8.8.8.8": 1, "[2a00:1450:4001::1]": 1, "172.15.255.255": 1, "172.32.0.1": 1, "100.128.0.1": 1, "192.0.1.1": 1, "198.20.0.1": 1,
		"[2001:200::1]": 1, "[::ffff:8.8.8.8]": 1, "one.example.org": 1, "two.example.org": 1, "many.example.org": maxTries,
	} {
		d, connections := counting(t, r)
		err := dial(t, d, probe.TCP, s+":8443")
		if probe.ClassOf(err) != probe.ClassRefused || connections.Load() != want {
			t.Errorf("%s: %v after %d connections, want %d", s, err, connections.Load(), want)
		}
	}
}

func TestPortsOfOtherServicesAreNotDialled(t *testing.T) {
	t.Parallel()
	d, connections := counting(t, &names{})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	ports := DefaultPorts()
	for network, list := range map[string][]uint16{probe.TCP: append(ports.TCP, 0), probe.UDP: append(ports.UDP, 0)} {
		for _, port := range list {
			to := probe.Address{Host: probe.HostIP(netip.MustParseAddr("8.8.8.8")), Port: port}
			_, err := d.Dial(ctx, network, to, probe.NewTrace(clock.Real{}))
			if probe.ClassOf(err) != probe.ClassPortDenied {
				t.Errorf("%s %d: %v", network, port, err)
			}
		}
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}

	if err := dial(t, d.Proven(), probe.TCP, "8.8.8.8:22"); probe.ClassOf(err) != probe.ClassRefused {
		t.Errorf("with control proven, port 22: %v", err)
	}
	if err := dial(t, d.Proven(), probe.TCP, "127.0.0.1:22"); probe.ClassOf(err) != probe.ClassAddressDenied {
		t.Errorf("with control proven, 127.0.0.1: %v", err)
	}
	if err := dial(t, d, probe.UDP, "8.8.8.8:443"); probe.ClassOf(err) != probe.ClassRefused {
		t.Errorf("UDP 443: %v", err)
	}
}

// TestTheSocketIsCheckedLast plays a mistake between check and connect: the
// address that was checked is not the one that the socket is given.
func TestTheSocketIsCheckedLast(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	accepted := make(chan struct{})
	go func() {
		if c, err := ln.Accept(); err == nil {
			c.Close()
			close(accepted)
		}
	}()
	d, err := New(Config{Resolver: &names{}})
	if err != nil {
		t.Fatal(err)
	}
	d.connect = func(ctx context.Context, network, _ string, control func(string, string, syscall.RawConn) error) (net.Conn, error) {
		return netConnect(ctx, network, ln.Addr().String(), control)
	}

	err = dial(t, d, probe.TCP, "8.8.8.8:8443")

	if probe.ClassOf(err) != probe.ClassAddressDenied {
		t.Errorf("%v", err)
	}
	select {
	case <-accepted:
		t.Error("the listener was reached")
	default:
	}
}

func FuzzRefusal(f *testing.F) {
	for _, s := range spellings() {
		if ip, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
			f.Add(ip.AsSlice())
		}
	}
	r, err := newRules(nil, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, ok := netip.AddrFromSlice(b)
		if !ok || r.refusal(a) != "" {
			return
		}
		a = a.Unmap()
		if a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() || a.IsInterfaceLocalMulticast() {
			t.Errorf("%s may be dialled", a)
		}
		if a.Is6() && a.As16()[0]>>5 != 1 {
			t.Errorf("%s may be dialled", a)
		}
	})
}
