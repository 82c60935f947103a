package mtproto

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
)

// scripted is a connection whose other side says what the test wants.
type scripted struct {
	net.Conn
	in     io.Reader
	writes [][]byte
}

func (s *scripted) Read(p []byte) (int, error) { return s.in.Read(p) }

func (s *scripted) Write(p []byte) (int, error) {
	s.writes = append(s.writes, bytes.Clone(p))
	return len(p), nil
}

func TestHeaderAndFirstMessageLeaveTogether(t *testing.T) {
	t.Parallel()
	for _, f := range []Framing{Intermediate, Padded} {
		c := &scripted{}
		tr, err := NewTransport(c, rand.Reader, nil, f, 2)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := tr.Send(make([]byte, 40)); err != nil {
				t.Fatal(err)
			}
		}
		if len(c.writes) != 2 || len(c.writes[0]) < 64+44 || len(c.writes[1]) > 44+15 {
			t.Errorf("%#x: %d writes of %d and more bytes", f, len(c.writes), len(c.writes[0]))
		}
	}
}

// zeroFirst gives n reads of zeros, which no header may begin with, then noise.
type zeroFirst struct{ n int }

func (z *zeroFirst) Read(p []byte) (int, error) {
	if z.n--; z.n >= 0 {
		clear(p)
		return len(p), nil
	}
	return rand.Read(p)
}

func TestHeadersLookLikeNoOtherProtocol(t *testing.T) {
	t.Parallel()
	z := &zeroFirst{n: 3}
	h, err := header(z, Padded, -2)
	if err != nil || z.n >= 0 || bytes.Equal(h[:8], make([]byte, 8)) || !bytes.Equal(h[56:62], []byte{0xdd, 0xdd, 0xdd, 0xdd, 0xfe, 0xff}) {
		t.Errorf("%x, %v", h, err)
	}
	if _, err := header(strings.NewReader("short"), Padded, 2); probe.ClassOf(err) != probe.ClassLocalResources {
		t.Errorf("no randomness: %v", err)
	}
}

// TestHellosAreTLS lets a TLS server read hellos to names of every length.
func TestHellosAreTLS(t *testing.T) {
	t.Parallel()
	seen := errors.New("seen")
	for n := 4; n <= 182; n++ {
		name := strings.Repeat("a.", n/2)[:n-1] + "b"
		hello, err := clientHello(rand.Reader, name, []byte("0123456789abcdef"), time.Unix(1_800_000_000, 0))
		if err != nil || len(hello) != helloLen {
			t.Fatalf("name of %d: %d bytes, %v", n, len(hello), err)
		}
		var got *tls.ClientHelloInfo
		s := tls.Server(&scripted{in: bytes.NewReader(hello)}, &tls.Config{
			MinVersion: tls.VersionTLS13,
			GetConfigForClient: func(i *tls.ClientHelloInfo) (*tls.Config, error) {
				got = i
				return nil, seen
			},
		})
		if err := s.HandshakeContext(t.Context()); !errors.Is(err, seen) || got.ServerName != name || got.SupportedProtos[0] != "h2" {
			t.Fatalf("name of %d: %v", n, err)
		}
	}
}

func FuzzDress(f *testing.F) {
	f.Add([]byte("\x16\x03\x03\x00\x01a\x14\x03\x03\x00\x01\x01\x17\x03\x03\x00\x02ab"))
	f.Add([]byte("\x15\x03\x01\x00\x02\x02\x28"))
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	f.Add([]byte("\x16\x03\x03\xff\xff"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		env := probe.Env{Clock: clock.Real{}, Rand: rand.Reader, Trace: probe.NewTrace(clock.Real{})}
		_, err := dress(&scripted{in: bytes.NewReader(answer)}, env, link.MTProto{SNI: "a.example"})
		if err == nil || env.Trace.Reached() == probe.StageAuth {
			t.Fatal("somebody without the secret passed")
		}
		if probe.ClassOf(err) == probe.ClassLocalResources {
			t.Errorf("%v is held to be our own trouble", err)
		}
		if _, err := io.Copy(io.Discard, &records{Conn: &scripted{in: bytes.NewReader(answer)}}); err != nil && probe.ClassOf(err) == probe.ClassLocalResources {
			t.Errorf("%v is held to be our own trouble", err)
		}
	})
}

func TestUnknownKindsOfSecretsAreRefused(t *testing.T) {
	t.Parallel()
	env := probe.Env{Dialer: pipes{}, Clock: clock.Real{}, Rand: rand.Reader, Trace: probe.NewTrace(clock.Real{})}
	if _, err := New(link.MTProto{}, env).Dial(t.Context(), 2); probe.ClassOf(err) != probe.ClassConfigInvalid {
		t.Errorf("%v", err)
	}
}

// pipes dials nobody.
type pipes struct{}

func (pipes) Dial(context.Context, string, probe.Address, *probe.Trace) (net.Conn, error) {
	c, _ := net.Pipe()
	return c, nil
}
