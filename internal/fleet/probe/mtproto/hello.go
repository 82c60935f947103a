package mtproto

import (
	"crypto/ecdh"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"time"
)

// helloLen is the length of the record that Telegram's clients and Chrome send.
const helloLen = 517

// Where the random bytes of a hello stand in its record: behind the headers of
// record (5) and handshake message (4) and the version (2).
const (
	randomAt  = 11
	randomLen = 32
)

// clientHello returns the record of a TLS 1.3 ClientHello (RFC 8446, section
// 4.1.2) whose random bytes are HMAC-SHA-256 under key of the record with zeros
// in their place, the last four mixed with the time. Values of GREASE (RFC 8701)
// stand where Chrome has them: proxies tell others by their absence.
func clientHello(rand io.Reader, host string, key []byte, now time.Time) ([]byte, error) {
	var seed [7 + 32 + 32]byte
	if _, err := io.ReadFull(rand, seed[:]); err != nil {
		return nil, randomness(err)
	}
	grease := greaseFrom(seed[:7])
	session := seed[7:39]
	share, err := ecdh.X25519().NewPrivateKey(seed[39:])
	if err != nil {
		return nil, randomness(err)
	}

	var ext builder
	ext.extension(grease[2], nil)
	ext.extension(0, serverName(host))
	ext.extension(23, nil)               // extended_master_secret
	ext.extension(0xff01, []byte{0})     // renegotiation_info
	ext.extension(10, groups(grease[3])) // supported_groups
	ext.extension(11, []byte{1, 0})      // ec_point_formats
	ext.extension(35, nil)               // session_ticket
	ext.extension(16, []byte("\x00\x0c\x02h2\x08http/1.1"))
	ext.extension(5, []byte{1, 0, 0, 0, 0}) // status_request
	ext.extension(13, []byte("\x00\x10\x04\x03\x08\x04\x04\x01\x05\x03\x08\x05\x05\x01\x08\x06\x06\x01"))
	ext.extension(18, nil) // signed_certificate_timestamp
	ext.extension(51, keyShare(grease[3], share.PublicKey().Bytes()))
	ext.extension(45, []byte{1, 1}) // psk_key_exchange_modes
	ext.extension(43, versions(grease[5]))
	ext.extension(27, []byte{2, 0, 2}) // compress_certificate
	ext.extension(grease[4], []byte{0})

	var body builder
	body.u16(0x0303)
	body.b = append(body.b, make([]byte, randomLen)...)
	body.b = append(append(body.b, 32), session...)
	body.u16(uint16(2 + len(cipherSuites)))
	body.u16(grease[0])
	body.b = append(body.b, cipherSuites...)
	body.b = append(body.b, 1, 0) // no compression
	const headers, extensionsLen, paddingHeader = 9, 2, 4
	if pad := helloLen - headers - len(body.b) - extensionsLen - len(ext.b) - paddingHeader; pad >= 0 {
		ext.extension(21, make([]byte, pad))
	}
	body.vector(ext.b)

	n := len(body.b)
	var record builder
	record.b = append(record.b, 0x16, 3, 1)
	record.u16(uint16(n + 4))                              //nolint:gosec // about 500
	record.b = append(record.b, 1, 0, byte(n>>8), byte(n)) //nolint:gosec // about 500
	record.b = append(record.b, body.b...)

	mac := hmac.New(sha256.New, key)
	mac.Write(record.b)
	digest := mac.Sum(nil)
	stamp := digest[len(digest)-4:]
	//nolint:gosec // the wire's form
	binary.LittleEndian.PutUint32(
		stamp,
		binary.LittleEndian.Uint32(stamp)^uint32(now.Unix()),
	)
	copy(record.b[randomAt:], digest)
	return record.b, nil
}

const cipherSuites = "\x13\x01\x13\x02\x13\x03\xc0\x2b\xc0\x2f\xc0\x2c\xc0\x30\xcc\xa9\xcc\xa8\xc0\x13\xc0\x14\x00\x9c\x00\x9d\x00\x2f\x00\x35"

// greaseFrom returns values of GREASE; the two that stand as extensions differ.
func greaseFrom(seed []byte) []uint16 {
	out := make([]uint16, len(seed))
	for i, b := range seed {
		v := uint16(b&0xf0 | 0x0a)
		out[i] = v<<8 | v
	}
	if out[4] == out[2] {
		out[4] ^= 0x1010
	}
	return out
}

// builder writes TLS's presentation language.
type builder struct{ b []byte }

func (b *builder) u16(v uint16) { b.b = binary.BigEndian.AppendUint16(b.b, v) }

func (b *builder) vector(v []byte) {
	b.u16(uint16(len(v))) //nolint:gosec // a hello has about 500 bytes
	b.b = append(b.b, v...)
}

func (b *builder) extension(kind uint16, data []byte) {
	b.u16(kind)
	b.vector(data)
}

// serverName is RFC 6066, section 3.
func serverName(host string) []byte {
	var name, list builder
	name.b = append(name.b, 0)
	name.vector([]byte(host))
	list.vector(name.b)
	return list.b
}

func groups(grease uint16) []byte {
	var b builder
	b.u16(8)
	for _, g := range []uint16{grease, 0x1d, 0x17, 0x18} { // X25519, P-256, P-384
		b.u16(g)
	}
	return b.b
}

func keyShare(grease uint16, public []byte) []byte {
	var shares, out builder
	shares.extension(grease, []byte{0})
	shares.extension(0x1d, public)
	out.vector(shares.b)
	return out.b
}

func versions(grease uint16) []byte {
	b := builder{b: []byte{6}}
	for _, v := range []uint16{grease, 0x0304, 0x0303} {
		b.u16(v)
	}
	return b.b
}
