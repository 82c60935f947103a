package socks5

import (
	"bytes"
	"net"
	"testing"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
)

// scripted is a connection whose other side says what the test wants.
type scripted struct {
	net.Conn
	in  *bytes.Reader
	out bytes.Buffer
}

func (s *scripted) Read(p []byte) (int, error)  { return s.in.Read(p) }
func (s *scripted) Write(p []byte) (int, error) { return s.out.Write(p) }

func FuzzAnswers(f *testing.F) {
	f.Add([]byte("\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50"), false)
	f.Add([]byte("\x05\x02\x01\x00\x05\x00\x00\x03\x02ab\x00\x50"), true)
	f.Add([]byte("\x05\xff"), true)
	f.Add([]byte("HTTP/1.1 400"), false)
	f.Fuzz(func(t *testing.T, answer []byte, user bool) {
		c := &scripted{in: bytes.NewReader(answer)}
		p := &Proxy{env: probe.Env{Trace: probe.NewTrace(clock.Real{})}}
		if user {
			p.spec = link.SOCKS5{User: "u", Password: "secret"}
		}
		err := p.negotiate(c)
		if sent := bytes.Contains(c.out.Bytes(), []byte("secret")); sent && (len(answer) < 2 || answer[1] != methodUser) {
			t.Error("the password went to a server that did not ask for it")
		}
		if err == nil {
			_, err = request(c, cmdConnect, probe.Address{})
		}
		if err != nil && probe.ClassOf(err) == probe.ClassLocalResources {
			t.Errorf("%q: %v is held to be our own trouble", answer, err)
		}
	})
}

func FuzzUnwrap(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x01\x7f\x00\x00\x01\x00\x50data"))
	f.Add([]byte("\x00\x00\x00\x03\xffx"))
	f.Add([]byte("\x00\x00\x01\x01\x7f\x00\x00\x01\x00\x50"))
	f.Fuzz(func(t *testing.T, m []byte) {
		if payload, ok := unwrap(m); ok && !bytes.HasSuffix(m, payload) {
			t.Errorf("%x gives %x", m, payload)
		}
	})
}

func TestFragmentsAreNotTaken(t *testing.T) {
	t.Parallel()
	const header, rest = "\x00\x00", "\x01\x7f\x00\x00\x01\x00\x50data"
	if b, ok := unwrap([]byte(header + "\x00" + rest)); !ok || string(b) != "data" {
		t.Errorf("%q, %v", b, ok)
	}
	if b, ok := unwrap([]byte(header + "\x01" + rest)); ok {
		t.Errorf("a fragment gives %q", b)
	}
}
