package shadowsocks

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"net"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

const key256 = "b3adc47839e047eb228870526dc8fc30b347287ffca3045dcea06b3fdf090acb"

// TestKeys compares with openssl enc -k 'barfoo!' -md md5 -nosalt -P.
func TestKeys(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"aes-256-gcm": key256, "aes-128-gcm": key256[:32], "chacha20-ietf-poly1305": key256} {
		m, err := methodOf(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(m.key("barfoo!")); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// server is the other side, on the same ciphers: that they are Shadowsocks's is
// shown by a test against shadowsocks-libev. Whom it does not know it leaves
// without an answer.
func server(t *testing.T, name, password string) probe.Address {
	t.Helper()
	m, err := methodOf(name)
	if err != nil {
		t.Fatal(err)
	}
	return probetest.Serve(t, func(c net.Conn) {
		in := &conn{Conn: c, env: probe.Env{Rand: rand.Reader, Trace: probe.NewTrace(clock.Real{})}, method: m, key: m.key(password)}
		if err := in.next(); err != nil {
			probetest.BlackHole(c)
			return
		}
		if len(in.rest) < 7 || in.rest[0] != 1 {
			return
		}
		ip, port := net.IP(in.rest[1:5]), int(in.rest[5])<<8|int(in.rest[6])
		in.rest = in.rest[7:]
		probetest.Join(t.Context(), in, (&net.TCPAddr{IP: ip, Port: port}).String())
	})
}

func through(t *testing.T, timeout time.Duration, spec link.Shadowsocks, to probe.Address) probe.Outcome {
	t.Helper()
	return probetest.Run(t, timeout, func(ctx context.Context, env probe.Env) error {
		return probetest.Through(ctx, env, New(spec, env), to)
	})
}

func TestThroughAServer(t *testing.T) {
	t.Parallel()
	echo := probetest.Serve(t, probetest.Echo)
	first := probetest.Serve(t, probetest.Says("are you there?"))
	for _, name := range link.Methods() {
		addr := server(t, name, "pw")
		probetest.Want(t, through(t, probetest.Enough, link.Shadowsocks{Addr: addr, Method: name, Password: "pw"}, echo), "ok target")
		probetest.Want(t, through(t, probetest.Patience, link.Shadowsocks{Addr: addr, Method: name, Password: "wrong"}, echo), "target timeout")
		probetest.Want(t, through(t, probetest.Enough, link.Shadowsocks{Addr: addr, Method: name, Password: "pw"}, first), "ok target")
	}
	probetest.Want(t, through(t, probetest.Enough, link.Shadowsocks{Addr: echo, Method: "rc4", Password: "pw"}, echo), "parse config_invalid")
	other := probetest.Serve(t, probetest.Banner)
	spec := link.Shadowsocks{Addr: other, Method: "aes-128-gcm", Password: "pw"}
	probetest.Want(t, through(t, probetest.Enough, spec, echo), "handshake protocol_mismatch")
}

func TestALongWriteIsCutIntoChunks(t *testing.T) {
	t.Parallel()
	echo := probetest.Serve(t, probetest.Echo)
	spec := link.Shadowsocks{Addr: server(t, "aes-128-gcm", "pw"), Method: "aes-128-gcm", Password: "pw"}
	out := probetest.Run(t, probetest.Enough, func(ctx context.Context, env probe.Env) error {
		c, err := New(spec, env).Dial(ctx, echo)
		if err != nil {
			return err
		}
		defer c.Close()
		sent := bytes.Repeat([]byte("0123456789"), 5000)
		if _, err := c.Write(sent); err != nil {
			return err
		}
		got := make([]byte, len(sent))
		if _, err := io.ReadFull(c, got); err != nil {
			return err
		}
		if !bytes.Equal(got, sent) {
			t.Error("other bytes came back")
		}
		env.Trace.Pass(probe.StageTarget)
		return nil
	})
	probetest.Want(t, out, "ok target")
}

// fixed gives the same answer to every check.
type fixed struct {
	net.Conn
	in io.Reader
}

func (f fixed) Read(p []byte) (int, error)  { return f.in.Read(p) }
func (f fixed) Write(p []byte) (int, error) { return len(p), nil }

func FuzzAnswers(f *testing.F) {
	f.Add(make([]byte, 16+18+16))
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\nsome more bytes"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := methodOf("aes-128-gcm")
		if err != nil {
			t.Fatal(err)
		}
		env := probe.Env{Rand: rand.Reader, Trace: probe.NewTrace(clock.Real{})}
		c := &conn{Conn: fixed{in: bytes.NewReader(b)}, env: env, method: m, key: m.key("pw")}
		if n, err := c.Read(make([]byte, 10)); err == nil || n != 0 || probe.ClassOf(err) == probe.ClassLocalResources {
			t.Errorf("%d bytes, %v", n, err)
		}
		if env.Trace.Reached() != "" {
			t.Error("somebody without the password passed")
		}
	})
}

// TestReservedBitsOfALengthAreDropped: SIP004 has 14 bits of it.
func TestReservedBitsOfALengthAreDropped(t *testing.T) {
	t.Parallel()
	m, err := methodOf("aes-128-gcm")
	if err != nil {
		t.Fatal(err)
	}
	salt := make([]byte, m.keyLen)
	out, err := m.sealer(m.key("pw"), salt)
	if err != nil {
		t.Fatal(err)
	}
	b := out.seal(out.seal(salt, []byte{0xc0, 5}), []byte("hello"))
	c := &conn{
		Conn: fixed{in: bytes.NewReader(b)}, env: probe.Env{Rand: rand.Reader, Trace: probe.NewTrace(clock.Real{})},
		method: m, key: m.key("pw"),
	}
	got := make([]byte, 10)
	if n, err := c.Read(got); err != nil || string(got[:n]) != "hello" {
		t.Errorf("%q, %v", got, err)
	}
}
