package probe_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

func TestOurOwnTroubleIsNeverHeldAgainstAnEndpoint(t *testing.T) {
	t.Parallel()
	want := map[probe.Class]probe.Verdict{
		probe.ClassNone: probe.Up, probe.ClassLocalResources: probe.Unknown, probe.ClassControlFailed: probe.Unknown,
		probe.ClassCanceled: probe.Unknown, probe.ClassRateLimited: probe.Unknown, "no such class": probe.Unknown,
	}
	for _, c := range append(probe.Classes(), probe.ClassNone, "no such class") {
		for _, m := range []probe.Mode{probe.Full, probe.Light} {
			v, listed := want[c]
			if !listed {
				v = probe.Down
			}
			if c == probe.ClassCookieReply && m == probe.Light {
				v = probe.Up
			}
			if got := c.Verdict(m); got != v {
				t.Errorf("%q in mode %s: %s, want %s", c, m, got, v)
			}
		}
	}
}

func TestClassOf(t *testing.T) {
	t.Parallel()
	sys := func(e syscall.Errno) error {
		return fmt.Errorf("dial: %w", &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", e)})
	}
	for _, tc := range []struct {
		err  error
		want probe.Class
	}{
		{nil, probe.ClassNone},
		{sys(syscall.ECONNREFUSED), probe.ClassRefused},
		{sys(syscall.ECONNRESET), probe.ClassReset},
		{sys(syscall.EPIPE), probe.ClassReset},
		{sys(syscall.EHOSTUNREACH), probe.ClassUnreachable},
		{sys(syscall.ENETUNREACH), probe.ClassUnreachable},
		{sys(syscall.ETIMEDOUT), probe.ClassTimeout},
		{sys(syscall.EMFILE), probe.ClassLocalResources},
		{sys(syscall.ENFILE), probe.ClassLocalResources},
		{sys(syscall.EADDRNOTAVAIL), probe.ClassLocalResources},
		{sys(syscall.EPERM), probe.ClassLocalResources},
		{os.ErrDeadlineExceeded, probe.ClassTimeout},
		{context.DeadlineExceeded, probe.ClassTimeout},
		{context.Canceled, probe.ClassCanceled},
		{io.EOF, probe.ClassEOF},
		{io.ErrUnexpectedEOF, probe.ClassEOF},
		{&net.DNSError{IsNotFound: true}, probe.ClassDNSNXDomain},
		{&net.DNSError{IsTimeout: true}, probe.ClassDNSError},
		{&net.DNSError{}, probe.ClassDNSError},
		{errors.New("nobody knows"), probe.ClassLocalResources},
		{fmt.Errorf("x: %w", probe.Fail(probe.StageAuth, probe.ClassAuthRejected, "no")), probe.ClassAuthRejected},
	} {
		if got := probe.ClassOf(tc.err); got != tc.want {
			t.Errorf("%v: %q, want %q", tc.err, got, tc.want)
		}
	}
}

func TestHostsHaveOneSpelling(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "2001:DB8::1": "2001:db8::1", "[2001:db8::1]": "2001:db8::1",
		"::ffff:192.0.2.1": "192.0.2.1", "Example.ORG": "example.org", "example.org.": "example.org",
		"xn--fsq.example": "xn--fsq.example", "bücher.example": "xn--bcher-kva.example", "a_b.example.org": "a_b.example.org",
		"1.example.org": "1.example.org",
	} {
		h, err := probe.ParseHost(in)
		if err != nil || h.String() != want {
			t.Errorf("%q: %q, %v; want %q", in, h, err, want)
		}
	}
	for _, in := range []string{
		"", ".", "..", "localhost", "example", "a.localhost", "printer.local", "db.internal", "x.onion", "1.0.0.127.in-addr.arpa",
		"router.home.arpa", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.0.0.01", "1.2.3.4.5", "256.1.1.1", "1.1.1.0x1",
		"fe80::1%lo", "[fe80::1%25lo]", "[::1", "::1]", "[192.0.2.1]", "[example.org]", "a b.example", "a\r\nb.example", "a\x00.example",
		"-a.example", "a-.example", "a..example", "exa/mple.org", "user@example.org", "example.org:80", "１２７.０.０.１", "127。0。0。1",
		strings.Repeat("a", 64) + ".example", strings.Repeat("a.", 127) + "example",
	} {
		if h, err := probe.ParseHost(in); err == nil {
			t.Errorf("%q is taken as %q", in, h)
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"192.0.2.1:80": "192.0.2.1:80", "[2001:db8::1]:443": "[2001:db8::1]:443", "a.example:1": "a.example:1"} {
		a, err := probe.ParseAddress(in)
		if err != nil || a.String() != want {
			t.Errorf("%q: %q, %v", in, a, err)
		}
	}
	for _, in := range []string{"", "a.example", "a.example:", "a.example:0", "a.example:65536", "a.example:+80", "a.example:080", "a.example:http", "::1:80", "[192.0.2.1]:80"} {
		if a, err := probe.ParseAddress(in); err == nil {
			t.Errorf("%q is taken as %q", in, a)
		}
	}
}

func FuzzParseHost(f *testing.F) {
	for _, s := range []string{"example.org", "127.1", "[::1]", "::ffff:127.0.0.1", "fe80::1%lo", "bücher.example", "0x7f.1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := probe.ParseHost(s)
		if err != nil {
			return
		}
		again, err := probe.ParseHost(h.String())
		if err != nil || again != h {
			t.Errorf("%q gives %q, which gives %q, %v", s, h, again, err)
		}
		if strings.ContainsAny(h.String(), " \r\n\x00%/@") {
			t.Errorf("%q gives %q", s, h)
		}
	})
}

// steps passes stages, each after a second of the fake clock.
func steps(c *clock.Fake, err error, stages ...probe.Stage) func(context.Context, *probe.Trace) (*probe.Evidence, error) {
	return func(_ context.Context, tr *probe.Trace) (*probe.Evidence, error) {
		for _, s := range stages {
			c.Advance(time.Second)
			tr.Pass(s)
		}
		tr.Dialled(netip.MustParseAddrPort("192.0.2.7:443"))
		return nil, err
	}
}

func TestRunRecordsStagesAndTheFailure(t *testing.T) {
	t.Parallel()
	c := clock.NewFake(time.Unix(1_800_000_000, 0))
	r := probe.Runner{Clock: c}
	fail := probe.Fail(probe.StageAuth, probe.ClassAuthRejected, "password %q\x1b[2J was not accepted%s", "hunter22", strings.Repeat("!", 300))

	got := r.Run(t.Context(), probe.Attempt{
		Secrets: []string{"hunter22", "a"},
		Check:   steps(c, fmt.Errorf("open: %w", fail), probe.StageTCP, probe.StageHandshake, probe.StageTCP),
	})

	want := probe.Outcome{
		Stage: probe.StageHandshake, FailedAt: probe.StageAuth, Class: probe.ClassAuthRejected,
		MS: map[probe.Stage]int64{probe.StageTCP: 1000, probe.StageHandshake: 1000}, Addr: "192.0.2.7:443",
	}
	want.Detail = (`password "[secret]".[2J was not accepted` + strings.Repeat("!", 300))[:probe.MaxDetail]
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestControlDecidesWhetherSilenceIsOurs(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		class   probe.Class
		control error
		want    probe.Class
		asked   bool
	}{
		{"our network works", probe.ClassTimeout, nil, probe.ClassTimeout, true},
		{"our network is down", probe.ClassTimeout, errors.New("no route"), probe.ClassControlFailed, true},
		{"our resolver is down", probe.ClassDNSError, errors.New("no answer"), probe.ClassControlFailed, true},
		{"no route from here", probe.ClassUnreachable, errors.New("no route"), probe.ClassControlFailed, true},
		{"the endpoint answered", probe.ClassAuthRejected, errors.New("no route"), probe.ClassAuthRejected, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := clock.NewFake(time.Unix(1_800_000_000, 0))
			asked := false
			r := probe.Runner{Clock: c, Control: func(_ context.Context, a netip.Addr) error {
				asked = true
				if a != netip.MustParseAddr("192.0.2.7") {
					t.Errorf("the control got %v", a)
				}
				return tc.control
			}}

			got := r.Run(t.Context(), probe.Attempt{Check: steps(c, probe.Fail(probe.StageTCP, tc.class, "no"))})

			if got.Class != tc.want || asked != tc.asked || (got.Control != nil) != tc.asked {
				t.Errorf("class %q, asked %v, control %+v", got.Class, asked, got.Control)
			}
		})
	}
}

func TestACancelledCheckIsUnknown(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	r := probe.Runner{Clock: clock.Real{}}
	out := r.Run(ctx, probe.Attempt{Check: func(ctx context.Context, _ *probe.Trace) (*probe.Evidence, error) {
		cancel()
		<-ctx.Done()
		return nil, os.ErrDeadlineExceeded
	}})
	if out.Class != probe.ClassCanceled || out.Class.Verdict(probe.Full) != probe.Unknown {
		t.Errorf("%+v", out)
	}
}

func TestAnAttemptEndsAtItsDeadline(t *testing.T) {
	t.Parallel()
	r := probe.Runner{Clock: clock.Real{}, Timeout: 10 * time.Millisecond}
	out := r.Run(t.Context(), probe.Attempt{Check: func(ctx context.Context, tr *probe.Trace) (*probe.Evidence, error) {
		tr.Pass(probe.StageTCP)
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	if out.Class != probe.ClassTimeout || out.FailedAt != probe.StageHandshake {
		t.Errorf("%+v", out)
	}
}

func TestANoteOfAPassedCheckIsFitForItsRecord(t *testing.T) {
	t.Parallel()
	r := probe.Runner{Clock: clock.Real{}}
	for _, err := range []error{nil, probe.Fail(probe.StageAuth, probe.ClassAuthRejected, "no")} {
		out := r.Run(t.Context(), probe.Attempt{Secrets: []string{"hunter22"}, Check: func(_ context.Context, tr *probe.Trace) (*probe.Evidence, error) {
			tr.Pass(probe.StageTCP)
			tr.Note("an older one")
			tr.Note("hunter22\n%s", strings.Repeat("!", 300))
			return nil, err
		}})
		want := "no"
		if err == nil {
			want = ("[secret]." + strings.Repeat("!", 300))[:probe.MaxDetail]
		}
		if out.Detail != want {
			t.Errorf("%q, want %q", out.Detail, want)
		}
	}
}

func TestACheckThatDidNothingHasNotPassed(t *testing.T) {
	t.Parallel()
	r := probe.Runner{Clock: clock.Real{}}
	out := r.Run(t.Context(), probe.Attempt{Check: func(context.Context, *probe.Trace) (*probe.Evidence, error) { return nil, nil }})
	if out.OK || out.Class != probe.ClassLocalResources {
		t.Errorf("%+v", out)
	}
}
