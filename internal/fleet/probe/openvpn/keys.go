package openvpn

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"  //nolint:gosec // the derivation of servers before 2.6 is TLS 1.0's
	"crypto/sha1" //nolint:gosec // as above
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
)

// Lengths of the parts of the exchange of keys.
const (
	preMasterLen = 48
	randomLen    = 32
	dataKeysLen  = 256
)

// exportLabel is that of the data channel's keys (RFC 5705).
const exportLabel = "EXPORTER-OpenVPN-datakeys"

// greeting is what each side's exchange of keys begins with: four zeros and the
// number of the method.
func greeting() []byte { return []byte{0, 0, 0, 0, 2} }

// ownKeys is our part of the exchange. Servers since 2.6 take no key from it.
type ownKeys struct {
	preMaster [preMasterLen]byte
	random    [2][randomLen]byte
}

func newOwnKeys(r io.Reader) (k ownKeys, err error) {
	for _, b := range [][]byte{k.preMaster[:], k.random[0][:], k.random[1][:]} {
		if _, err := io.ReadFull(r, b); err != nil {
			return k, err
		}
	}
	return k, nil
}

// message returns our side of the exchange: keys, a summary of settings that
// servers compare with their own for a warning, credentials, and what we can.
func (v *Server) message(k ownKeys) []byte {
	b := slices.Concat(greeting(), k.preMaster[:], k.random[0][:], k.random[1][:])
	proto := "UDPv4"
	if v.spec.TCP {
		proto = "TCPv4_CLIENT"
	}
	for _, text := range []string{
		"V4,dev-type tun,link-mtu 1549,tun-mtu 1500,proto " + proto + ",cipher AES-256-GCM,auth [null-digest],keysize 256,key-method 2,tls-client",
		v.spec.User, v.spec.Password,
		fmt.Sprintf("IV_VER=2.6.0\nIV_PLAT=linux\nIV_NCP=2\nIV_PROTO=%d\nIV_CIPHERS=%s\nIV_LZO_STUB=1\nIV_COMP_STUB=1\nIV_COMP_STUBv2=1\n", v.ability, strings.Join(ciphers(), ":")),
	} {
		b = binary.BigEndian.AppendUint16(b, uint16(len(text)+1)) //nolint:gosec // New bounds the credentials
		b = append(append(b, text...), 0)
	}
	return b
}

// theirKeys is the server's part of the exchange.
type theirKeys struct{ random [2][randomLen]byte }

// deal is what both sides have settled on.
type deal struct {
	settings
	ours   ownKeys
	theirs theirKeys
}

// parseTheirKeys reads the server's message. It reports whether the message is
// one; what follows the settings' summary is of no use.
func parseTheirKeys(b []byte) (k theirKeys, ok bool) {
	rest, ok := bytes.CutPrefix(b, greeting())
	if !ok || len(rest) < 2*randomLen+2 {
		return k, false
	}
	copy(k.random[0][:], rest)
	copy(k.random[1][:], rest[randomLen:])
	rest = rest[2*randomLen:]
	return k, len(rest)-2 >= int(binary.BigEndian.Uint16(rest))
}

// dataKeys returns the keys of the data channel: those of the exporter, or those
// of servers before 2.6.
func dataKeys(t *tls.Conn, s *session, d deal) ([]byte, error) {
	if d.exported {
		state := t.ConnectionState()
		return state.ExportKeyingMaterial(exportLabel, nil, dataKeysLen)
	}
	master := prf(
		d.ours.preMaster[:],
		"OpenVPN master secret",
		slices.Concat(d.ours.random[0][:], d.theirs.random[0][:]),
		preMasterLen,
	)
	return prf(
		master,
		"OpenVPN key expansion",
		slices.Concat(d.ours.random[1][:], d.theirs.random[1][:], s.own[:], s.peer[:]),
		dataKeysLen,
	), nil
}

// prf is the pseudorandom function of TLS 1.0 (RFC 2246, section 5) for secrets
// of an even length.
func prf(secret []byte, label string, seed []byte, n int) []byte {
	seed = append([]byte(label), seed...)
	out, other := expand(md5.New, secret[:len(secret)/2], seed, n), expand(sha1.New, secret[len(secret)/2:], seed, n)
	for i := range out {
		out[i] ^= other[i]
	}
	return out
}

func expand(digest func() hash.Hash, key, seed []byte, n int) []byte {
	m := hmac.New(digest, key)
	sum := func(parts ...[]byte) []byte {
		m.Reset()
		for _, p := range parts {
			m.Write(p)
		}
		return m.Sum(nil)
	}
	var out []byte
	for a := sum(seed); len(out) < n; a = sum(a) {
		out = append(out, sum(a, seed)...)
	}
	return out[:n]
}
