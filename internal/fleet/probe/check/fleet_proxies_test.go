package check_test

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"testing"

	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// fleetPassword is that of the fleet's Shadowsocks and Trojan servers.
const fleetPassword = "pw"

// shadowsocksServer is a Shadowsocks server of aes-128-gcm (SIP004) that takes
// its clients to an IPv4 address.
func shadowsocksServer(t *testing.T) func(net.Conn) {
	t.Helper()
	key := md5.Sum([]byte(fleetPassword))
	return func(c net.Conn) {
		s := &chunks{Conn: c, key: key[:]}
		head := make([]byte, 1+4+2)
		if _, err := io.ReadFull(s, head); err != nil || head[0] != 1 {
			return
		}
		to := netip.AddrPortFrom(netip.AddrFrom4([4]byte(head[1:])), binary.BigEndian.Uint16(head[5:]))
		probetest.Join(t.Context(), s, to.String())
	}
}

// chunks is the server's side of a Shadowsocks connection.
type chunks struct {
	net.Conn
	key     []byte
	in, out *counted
	rest    []byte
}

// counted is a cipher whose nonce counts up, little endian.
type counted struct {
	cipher.AEAD
	n uint64
}

func (c *counted) nonce() []byte {
	b := binary.LittleEndian.AppendUint64(nil, c.n)
	c.n++
	return append(b, 0, 0, 0, 0)
}

func (s *chunks) cipher(salt []byte) (*counted, error) {
	sub, err := hkdf.Key(sha1.New, s.key, salt, "ss-subkey", len(salt))
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(sub)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &counted{AEAD: aead}, err
}

func (s *chunks) open(n int) ([]byte, error) {
	b := make([]byte, n+16)
	if _, err := io.ReadFull(s.Conn, b); err != nil {
		return nil, err
	}
	return s.in.Open(b[:0], s.in.nonce(), b, nil)
}

func (s *chunks) Read(p []byte) (int, error) {
	if s.in == nil {
		salt := make([]byte, 16)
		if _, err := io.ReadFull(s.Conn, salt); err != nil {
			return 0, err
		}
		var err error
		if s.in, err = s.cipher(salt); err != nil {
			return 0, err
		}
	}
	for len(s.rest) == 0 {
		length, err := s.open(2)
		if err != nil {
			return 0, err
		}
		if s.rest, err = s.open(int(binary.BigEndian.Uint16(length))); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func (s *chunks) Write(p []byte) (int, error) {
	var b []byte
	if s.out == nil {
		b = make([]byte, 16)
		if _, err := rand.Read(b); err != nil {
			return 0, err
		}
		var err error
		if s.out, err = s.cipher(b); err != nil {
			return 0, err
		}
	}
	p = p[:min(len(p), 0x3fff)]
	b = s.out.Seal(b, s.out.nonce(), binary.BigEndian.AppendUint16(nil, uint16(len(p))), nil)
	b = s.out.Seal(b, s.out.nonce(), p, nil)
	if _, err := s.Conn.Write(b); err != nil {
		return 0, err
	}
	return len(p), nil
}

// trojanServer is a Trojan server that takes everybody to an IPv4 address.
func trojanServer(t *testing.T, cert probetest.Certificate) func(net.Conn) {
	t.Helper()
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert.TLS}}
	return func(c net.Conn) {
		secure := tls.Server(c, cfg)
		r := bufio.NewReader(secure)
		head := make([]byte, 56+2+1+1+4+2+2)
		if _, err := io.ReadFull(r, head); err != nil || head[59] != 1 {
			return
		}
		to := netip.AddrPortFrom(netip.AddrFrom4([4]byte(head[60:])), binary.BigEndian.Uint16(head[64:]))
		probetest.Join(t.Context(), struct {
			io.Reader
			io.Writer
		}{r, secure}, to.String())
	}
}

// openVPNServer answers the first packet of OpenVPN clients over UDP, which is
// all that a light check asks for, and returns its address.
func openVPNServer(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	pc, err := lc.ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	go func() {
		const resetClient, resetServer = 7 << 3, 8 << 3
		b := make([]byte, 2048)
		for {
			n, from, err := pc.ReadFrom(b)
			if err != nil {
				return
			}
			if n != 1+8+1+4 || b[0] != resetClient {
				continue
			}
			answer := append([]byte{resetServer}, "sessions"...)
			answer = append(append(answer, 1), b[10:14]...) // acknowledges
			answer = append(append(answer, b[1:9]...), 0, 0, 0, 0)
			_, _ = pc.WriteTo(answer, from)
		}
	}()
	return pc.LocalAddr().String()
}
