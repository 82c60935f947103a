package dctest

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/gotd/td/mtproxy"
	"github.com/gotd/td/mtproxy/obfuscated2"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// maxSkew is how old a hello may be, as with mtg.
const maxSkew = 3 * time.Second

// Proxy runs one of Telegram's own proxies with spec's secret in front of the
// data centre at dc. It hangs up on a wrong secret; dressed up as TLS, it hands
// the connection to a TLS server instead, and does so with a hello that it has
// seen before.
func Proxy(tb testing.TB, spec link.MTProto, dc probe.Address) probe.Address {
	tb.Helper()
	return probetest.Serve(tb, process(tb, spec, dc))
}

// Twins is one Proxy that answers at two addresses.
func Twins(tb testing.TB, spec link.MTProto, dc probe.Address) (a, b probe.Address) {
	tb.Helper()
	serve := process(tb, spec, dc)
	return probetest.Serve(tb, serve), probetest.Serve(tb, serve)
}

// process is a proxy with a memory of its own.
func process(tb testing.TB, spec link.MTProto, dc probe.Address) func(net.Conn) {
	tb.Helper()
	site := site(tb)
	var seen sync.Map // hellos
	return func(c net.Conn) {
		var client io.ReadWriter = c
		if spec.Kind == link.SecretTLS {
			hello, ok := readHello(c, spec)
			if ok {
				_, again := seen.LoadOrStore(string(hello), true)
				ok = !again
			}
			if !ok {
				_ = tls.Server(
					replay{Conn: c, r: io.MultiReader(bytes.NewReader(hello), c)},
					site,
				).HandshakeContext(
					tb.Context(),
				)
				return
			}
			if _, err := c.Write(answer(hello, spec.Key[:])); err != nil {
				return
			}
			client = &undressed{Conn: c, r: bufio.NewReader(c)}
		}
		plain, meta, err := obfuscated2.Accept(client, spec.Key[:])
		want := [4]byte{0xdd, 0xdd, 0xdd, 0xdd}
		if spec.Kind == link.SecretSimple {
			want = [4]byte{0xee, 0xee, 0xee, 0xee}
		}
		if err != nil || meta.Protocol != want || meta.DC != ID {
			return
		}
		up, err := (&net.Dialer{}).DialContext(tb.Context(), "tcp", dc.String())
		if err != nil {
			return
		}
		defer up.Close()
		upstream := obfuscated2.NewObfuscated2(rand.Reader, up)
		if upstream.Handshake(meta.Protocol, ID, mtproxy.Secret{}) != nil {
			return
		}
		go func() {
			_, _ = io.Copy(upstream, plain)
			up.Close()
		}()
		_, _ = io.Copy(plain, upstream)
	}
}

// site is what a proxy hides behind.
func site(tb testing.TB) *tls.Config {
	tb.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		DNSNames:     []string{"masked.example"},
		NotAfter:     time.Unix(4_000_000_000, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		tb.Fatal(err)
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: k}},
	}
}

type replay struct {
	net.Conn
	r io.Reader
}

func (r replay) Read(p []byte) (int, error) { return r.r.Read(p) }

// readHello returns the bytes of the first record, and whether the secret made
// it, for the right name, a short time ago.
func readHello(c net.Conn, spec link.MTProto) ([]byte, bool) {
	hello := make([]byte, 5)
	if _, err := io.ReadFull(c, hello); err != nil {
		return hello[:0], false
	}
	hello = append(hello, make([]byte, binary.BigEndian.Uint16(hello[3:]))...)
	if _, err := io.ReadFull(c, hello[5:]); err != nil || len(hello) < 43 || !bytes.Contains(hello, []byte(spec.SNI)) {
		return hello, false
	}
	blank := bytes.Clone(hello)
	clear(blank[11:43])
	mac := hmac.New(sha256.New, spec.Key[:])
	mac.Write(blank)
	sum := mac.Sum(nil)
	for i := range sum {
		sum[i] ^= hello[11+i]
	}
	at := time.Unix(int64(binary.LittleEndian.Uint32(sum[28:])), 0)
	return hello, bytes.Equal(sum[:28], make([]byte, 28)) && (clock.Real{}).Now().Sub(at).Abs() < maxSkew
}

// answer is a proxy's three records.
func answer(hello, key []byte) []byte {
	const body = "\x02\x00\x00\x76\x03\x03"
	share := make([]byte, 32)
	_, _ = rand.Read(share)
	noise := make([]byte, 1500)
	_, _ = rand.Read(noise)
	var out []byte
	out = append(out, "\x16\x03\x03\x00\x7a"+body...)
	out = append(out, make([]byte, 32)...)
	out = append(append(out, 32), hello[44:76]...)
	out = append(out, "\x13\x01\x00\x00\x2e\x00\x33\x00\x24\x00\x1d\x00\x20"...)
	out = append(append(out, share...), "\x00\x2b\x00\x02\x03\x04"...)
	out = append(out, "\x14\x03\x03\x00\x01\x01\x17\x03\x03"...)
	out = binary.BigEndian.AppendUint16(out, uint16(len(noise))) //nolint:gosec // 1,500
	out = append(out, noise...)
	mac := hmac.New(sha256.New, key)
	mac.Write(hello[11:43])
	mac.Write(out)
	copy(out[11:], mac.Sum(nil))
	return out
}

// undressed is what a client says inside its records.
type undressed struct {
	net.Conn
	r    *bufio.Reader
	left int
}

func (u *undressed) Read(p []byte) (int, error) {
	for u.left == 0 {
		var h [5]byte
		if _, err := io.ReadFull(u.r, h[:]); err != nil {
			return 0, err
		}
		n := int(binary.BigEndian.Uint16(h[3:]))
		switch h[0] {
		case 0x17:
			u.left = n
		case 0x14:
			if _, err := u.r.Discard(n); err != nil {
				return 0, err
			}
		default:
			return 0, io.ErrUnexpectedEOF
		}
	}
	n, err := u.r.Read(p[:min(len(p), u.left)])
	u.left -= n
	return n, err
}

// Write sends records of uneven lengths, so that a client's reads do not end
// where messages do.
func (u *undressed) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := min(len(rest), 100)
		if _, err := u.Conn.Write(append([]byte{0x17, 3, 3, 0, byte(n)}, rest[:n]...)); err != nil {
			return 0, err
		}
		rest = rest[n:]
	}
	return len(p), nil
}
