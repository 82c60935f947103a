package vless_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/probe/vless"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// ids are one that servers know and one that they do not.
func ids() (known, unknown uuid.UUID) { return uuid.UUID{1, 2, 3}, uuid.UUID{9} }

// serve lets the known id in, with header in front of its answers.
func serve(t *testing.T, header string) func(net.Conn) {
	t.Helper()
	known, _ := ids()
	return func(c net.Conn) {
		var b [26]byte
		if _, err := io.ReadFull(c, b[:]); err != nil || !bytes.Equal(b[1:17], known[:]) {
			return
		}
		if string(b[17:19]) != "\x00\x01" || b[21] != 1 {
			t.Errorf("request %x", b)
			return
		}
		if _, err := io.WriteString(c, header); err != nil {
			return
		}
		to := net.TCPAddr{IP: b[22:26], Port: int(b[19])<<8 | int(b[20])}
		probetest.Join(t.Context(), c, to.String())
	}
}

func TestVLESS(t *testing.T) {
	t.Parallel()
	echo := probetest.Serve(t, probetest.Echo)
	cert := probetest.NewCertificate(t, probetest.FarFuture(), "a.example")
	known, unknown := ids()
	plain := probetest.Serve(t, serve(t, "\x00\x00"))
	for name, tc := range map[string]struct {
		addr    probe.Address
		id      uuid.UUID
		sni     string
		to      probe.Address
		timeout time.Duration
		want    string
	}{
		"plain":              {plain, known, "", echo, probetest.Enough, "ok target"},
		"with more header":   {probetest.Serve(t, serve(t, "\x00\x03abc")), known, "", echo, probetest.Enough, "ok target"},
		"in TLS":             {probetest.ServeTLS(t, cert, serve(t, "\x00\x00")), known, "a.example", echo, probetest.Enough, "ok target"},
		"wrong name in TLS":  {probetest.ServeTLS(t, cert, serve(t, "\x00\x00")), known, "b.example", echo, probetest.Enough, "handshake protocol_mismatch"},
		"server first":       {plain, known, "", probetest.Serve(t, probetest.Says("are you there?")), probetest.Enough, "ok target"},
		"unknown id":         {plain, unknown, "", echo, probetest.Enough, "target eof"},
		"closed target":      {plain, known, "", probetest.Closed(t), probetest.Enough, "target eof"},
		"another version":    {probetest.Serve(t, probetest.AfterFirst("\x01\x00")), known, "", echo, probetest.Enough, "handshake protocol_mismatch"},
		"web server":         {probetest.Serve(t, probetest.Web), known, "", echo, probetest.Enough, "handshake protocol_mismatch"},
		"banner":             {probetest.Serve(t, probetest.Banner), known, "", echo, probetest.Enough, "handshake protocol_mismatch"},
		"black hole":         {probetest.Serve(t, probetest.BlackHole), known, "", echo, probetest.Patience, "target timeout"},
		"drip of the header": {probetest.Serve(t, probetest.Drip("\x00\xff"+strings.Repeat("a", 255))), known, "", echo, probetest.Patience, "target timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := probetest.Run(t, tc.timeout, func(ctx context.Context, env probe.Env) error {
				spec := link.VLESS{Addr: tc.addr, ID: tc.id, TLS: tc.sni != "", SNI: tc.sni}
				return probetest.Through(ctx, env, vless.New(spec, env, cert.Roots), tc.to)
			})
			if strings.HasSuffix(tc.want, "eof") && out.FailedAt == probe.StageTarget && out.Class == probe.ClassReset {
				return // as the kernel pleases: bytes of ours were unread
			}
			probetest.Want(t, out, tc.want)
		})
	}
}

func TestNamesTravelToTheServer(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	addr := probetest.Serve(t, func(c net.Conn) {
		b := make([]byte, 200)
		n, _ := c.Read(b)
		got <- string(b[:n])
	})
	to, err := probe.ParseAddress("target.example:443")
	if err != nil {
		t.Fatal(err)
	}
	known, _ := ids()
	probetest.Run(t, probetest.Enough, func(ctx context.Context, env probe.Env) error {
		return probetest.Through(ctx, env, vless.New(link.VLESS{Addr: addr, ID: known}, env, nil), to)
	})
	want := "\x00" + string(known[:]) + "\x00\x01\x01\xbb\x02\x0etarget.exampleare you there?"
	if s := <-got; s != want {
		t.Errorf("%q, want %q", s, want)
	}
}
