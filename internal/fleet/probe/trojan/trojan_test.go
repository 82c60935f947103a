package trojan_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/probe/trojan"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// server lets password in, and shows everybody else a web site.
func server(t *testing.T, cert probetest.Certificate, password string) probe.Address {
	t.Helper()
	sum := sha256.Sum224([]byte(password))
	return probetest.ServeTLS(t, cert, func(c net.Conn) {
		r := bufio.NewReader(c)
		head, err := r.ReadString('\n')
		if err != nil || head != hex.EncodeToString(sum[:])+"\r\n" {
			_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
			return
		}
		var b [10]byte
		if _, err := io.ReadFull(r, b[:]); err != nil || string(b[:2]) != "\x01\x01" || string(b[8:]) != "\r\n" {
			t.Errorf("request %x, %v", b, err)
			return
		}
		to := net.TCPAddr{IP: b[2:6], Port: int(b[6])<<8 | int(b[7])}
		probetest.Join(t.Context(), struct {
			io.Reader
			io.Writer
		}{r, c}, to.String())
	})
}

func TestTrojan(t *testing.T) {
	t.Parallel()
	echo := probetest.Serve(t, probetest.Echo)
	cert := probetest.NewCertificate(t, probetest.FarFuture(), "a.example")
	old := probetest.NewCertificate(t, time.Unix(1_100_000_000, 0), "a.example")
	good := server(t, cert, "pw")
	byName := probe.Address{Port: good.Port}
	byName.Host, _ = probe.ParseHost("a.example")
	for name, tc := range map[string]struct {
		addr          probe.Address
		sni, password string
		cert          probetest.Certificate
		to            probe.Address
		timeout       time.Duration
		want          string
	}{
		"right":              {good, "a.example", "pw", cert, echo, probetest.Enough, "ok target"},
		"by name":            {byName, "a.example", "pw", cert, echo, probetest.Enough, "ok target"},
		"by address":         {good, "", "pw", cert, echo, probetest.Enough, "ok target"},
		"server first":       {good, "", "pw", cert, probetest.Serve(t, probetest.Says("are you there?")), probetest.Enough, "ok target"},
		"wrong password":     {good, "a.example", "no", cert, echo, probetest.Enough, "target target_invalid"},
		"closed target":      {good, "a.example", "pw", cert, probetest.Closed(t), probetest.Enough, "target eof"},
		"wrong name":         {good, "b.example", "pw", cert, echo, probetest.Enough, "handshake protocol_mismatch"},
		"old certificate":    {server(t, old, "pw"), "a.example", "pw", old, echo, probetest.Enough, "handshake protocol_mismatch"},
		"unknown authority":  {good, "a.example", "pw", old, echo, probetest.Enough, "handshake protocol_mismatch"},
		"no TLS":             {probetest.Serve(t, probetest.Web), "a.example", "pw", cert, echo, probetest.Enough, "handshake protocol_mismatch"},
		"banner":             {probetest.Serve(t, probetest.Banner), "a.example", "pw", cert, echo, probetest.Enough, "handshake protocol_mismatch"},
		"alert":              {probetest.Serve(t, probetest.AfterFirst("\x15\x03\x01\x00\x02\x02\x28")), "a.example", "pw", cert, echo, probetest.Enough, "handshake protocol_mismatch"},
		"black hole":         {probetest.Serve(t, probetest.BlackHole), "a.example", "pw", cert, echo, probetest.Patience, "handshake timeout"},
		"black hole in TLS":  {probetest.ServeTLS(t, cert, probetest.BlackHole), "a.example", "pw", cert, echo, 10 * probetest.Patience, "target timeout"},
		"hangs up after TLS": {probetest.ServeTLS(t, cert, func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) }), "a.example", "pw", cert, echo, probetest.Enough, "target eof"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var met string
			out := probetest.Run(t, tc.timeout, func(ctx context.Context, env probe.Env) error {
				defer func() { met = env.Trace.ServerKey() }()
				s := trojan.New(link.Trojan{Addr: tc.addr, SNI: tc.sni, Password: tc.password}, env, tc.cert.Roots)
				return probetest.Through(ctx, env, s, tc.to)
			})
			if strings.HasSuffix(tc.want, "eof") && out.FailedAt == probe.StageTarget && out.Class == probe.ClassReset {
				return // as the kernel pleases: bytes of ours were unread
			}
			probetest.Want(t, out, tc.want)
			if leaf := sha256.Sum256(cert.TLS.Certificate[0]); out.OK && met != hex.EncodeToString(leaf[:]) {
				t.Errorf("the server's key is %q", met)
			}
			if out.FailedAt == probe.StageHandshake && met != "" {
				t.Errorf("a certificate that is not valid was noted: %s", met)
			}
		})
	}
}

// TestCertificatesAreReadByTheChecksClock: a wrong clock of ours must be seen,
// not taken for the server's fault by the clock of the machine.
func TestCertificatesAreReadByTheChecksClock(t *testing.T) {
	t.Parallel()
	cert := probetest.NewCertificate(t, probetest.FarFuture(), "a.example")
	addr := server(t, cert, "pw")
	out := probetest.Run(t, probetest.Enough, func(ctx context.Context, env probe.Env) error {
		env.Clock = clock.NewFake(time.Unix(900_000_000, 0))
		_, err := trojan.New(link.Trojan{Addr: addr, SNI: "a.example", Password: "pw"}, env, cert.Roots).Dial(ctx, addr)
		return err
	})
	probetest.Want(t, out, "handshake protocol_mismatch")
}
