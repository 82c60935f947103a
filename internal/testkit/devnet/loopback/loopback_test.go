package loopback_test

import (
	"io"
	"net"
	"testing"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/loopback"
)

func TestAServerAnswersAtItsHostsUntilItIsClosed(t *testing.T) {
	t.Parallel()
	w := loopback.DrawWorld()
	s, err := loopback.Listen(t.Context(), w.Host(9, 1), 0, "a test", func(c net.Conn) {
		host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
		_, _ = io.WriteString(c, host)
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Also(t.Context(), w.Host(9, 2), "a test"); err != nil {
			t.Fatal(err)
		}
	}
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{w.Host(9, 1), w.Host(9, 2)} {
		from := &net.TCPAddr{IP: net.ParseIP(w.Host(9, 3)), Port: 9}
		c, err := loopback.Dial(t.Context(), from, net.JoinHostPort(host, port))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(c)
		if err != nil || string(got) != from.IP.String() {
			t.Errorf("%s saw %q, %v; want %s", host, got, err, from.IP)
		}
		_ = c.Close()
	}
	if _, err := loopback.Listen(t.Context(), w.Host(9, 1), port16(t, port), "a test", nil); !errs.Is(err, "port_taken") {
		t.Errorf("got %v, want port_taken", err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if c, err := loopback.Dial(t.Context(), nil, s.Addr); err == nil {
		_ = c.Close()
		t.Error("it answers still")
	}
}

func port16(t *testing.T, s string) int {
	t.Helper()
	p, err := net.LookupPort("tcp", s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestNothingLeadsAway(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"192.0.2.1", "0.0.0.0", "example.org", "localhost"} {
		if c, err := loopback.Dial(t.Context(), nil, net.JoinHostPort(host, "80")); err == nil {
			_ = c.Close()
			t.Errorf("dialled %s", host)
		}
		if s, err := loopback.Listen(t.Context(), host, 0, "a test", nil); err == nil {
			_ = s.Close()
			t.Errorf("listens on %s", host)
		}
	}
}
