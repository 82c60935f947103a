package openvpn

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // tls-auth's default digest; HMAC-SHA-1 is not broken
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"hash"
	"slices"
	"time"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
)

// staticKeyLen is the length of a static key: for each of two directions 64
// bytes for a cipher and 64 for an HMAC.
const staticKeyLen = 256

// replayLen is the length of a packet's number and time, which keep a recorded
// packet from being used again.
const replayLen = 8

// wrapping protects the control channel under a key that server and clients
// share. A server that has one answers nobody who has not.
type wrapping interface {
	// wrap returns the packet of a header and a body.
	wrap(header, body []byte) []byte
	// unwrap returns the header and the body of a packet, and whether it is of
	// the key's holder. The packet is not changed.
	unwrap(packet []byte) (header, body []byte, ok bool)
}

// newWrapping returns what spec asks for. The error is config_invalid.
func newWrapping(spec link.OpenVPN, now time.Time) (wrapping, error) {
	invalid := func(why string) error { return probe.Fail(probe.StageParse, probe.ClassConfigInvalid, "%s", why) }
	count := &counter{time: uint32(now.Unix())} //nolint:gosec // seconds since 1970, as the format has them
	switch {
	case spec.TLSCrypt != nil:
		if len(spec.TLSCrypt) != staticKeyLen {
			return nil, invalid("the static key does not have 2048 bits")
		}
		// Clients send under the second half and servers under the first.
		return newTLSCrypt(spec.TLSCrypt[128:], spec.TLSCrypt[:128], count)
	case spec.TLSAuth != nil:
		digest, ok := digests()[spec.Auth]
		switch {
		case len(spec.TLSAuth) != staticKeyLen:
			return nil, invalid("the static key does not have 2048 bits")
		case !ok:
			return nil, invalid("this digest is not spoken for tls-auth")
		}
		out, in := spec.TLSAuth[64:128], spec.TLSAuth[64:128]
		switch spec.KeyDirection {
		case 0:
			in = spec.TLSAuth[192:]
		case 1:
			out = spec.TLSAuth[192:]
		}
		size := digest().Size()
		return &tlsAuth{digest: digest, out: out[:size], in: in[:size], size: size, count: count}, nil
	default:
		return plain{}, nil
	}
}

// digests returns the digests of tls-auth by the names of openvpn(8).
func digests() map[string]func() hash.Hash {
	return map[string]func() hash.Hash{
		"":           sha1.New,
		"SHA1":       sha1.New,
		"SHA-1":      sha1.New,
		"SHA224":     sha256.New224,
		"SHA256":     sha256.New,
		"SHA2-256":   sha256.New,
		"SHA384":     sha512.New384,
		"SHA512":     sha512.New,
		"SHA2-512":   sha512.New,
		"RSA-SHA1":   sha1.New,
		"RSA-SHA256": sha256.New,
		"RSA-SHA512": sha512.New,
	}
}

// counter numbers packets.
type counter struct{ last, time uint32 }

func (c *counter) next() []byte {
	c.last++
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, c.last), c.time)
}

// plain is no wrapping.
type plain struct{}

func (plain) wrap(header, body []byte) []byte { return slices.Concat(header, body) }

func (plain) unwrap(packet []byte) (header, body []byte, ok bool) {
	if len(packet) < headerLen {
		return nil, nil, false
	}
	return packet[:headerLen], packet[headerLen:], true
}

// tlsAuth is an HMAC over every packet.
type tlsAuth struct {
	digest  func() hash.Hash
	out, in []byte
	size    int
	count   *counter
}

func (w *tlsAuth) sum(key, replay, header, body []byte) []byte {
	m := hmac.New(w.digest, key)
	m.Write(replay)
	m.Write(header)
	m.Write(body)
	return m.Sum(nil)
}

func (w *tlsAuth) wrap(header, body []byte) []byte {
	replay := w.count.next()
	return slices.Concat(header, w.sum(w.out, replay, header, body), replay, body)
}

func (w *tlsAuth) unwrap(packet []byte) (header, body []byte, ok bool) {
	at := headerLen + w.size + replayLen
	if len(packet) < at {
		return nil, nil, false
	}
	header, body = packet[:headerLen], packet[at:]
	sum := w.sum(w.in, packet[headerLen+w.size:at], header, body)
	return header, body, hmac.Equal(sum, packet[headerLen:headerLen+w.size])
}

// tlsCrypt encrypts every packet: AES-256 in counter mode under an HMAC-SHA-256
// that is the counter's start too (SIV).
type tlsCrypt struct {
	out, in       cipher.Block
	outSum, inSum []byte
	count         *counter
}

func newTLSCrypt(out, in []byte, count *counter) (*tlsCrypt, error) {
	o, err := aes.NewCipher(out[:32])
	if err != nil {
		return nil, err
	}
	i, err := aes.NewCipher(in[:32])
	if err != nil {
		return nil, err
	}
	return &tlsCrypt{out: o, in: i, outSum: out[64:96], inSum: in[64:96], count: count}, nil
}

func cryptSum(key, public, body []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(public)
	m.Write(body)
	return m.Sum(nil)
}

func (w *tlsCrypt) wrap(header, body []byte) []byte {
	public := slices.Concat(header, w.count.next())
	tag := cryptSum(w.outSum, public, body)
	sealed := make([]byte, len(body))
	cipher.NewCTR(w.out, tag[:aes.BlockSize]).XORKeyStream(sealed, body)
	return slices.Concat(public, tag, sealed)
}

func (w *tlsCrypt) unwrap(packet []byte) (header, body []byte, ok bool) {
	const public, at = headerLen + replayLen, headerLen + replayLen + sha256.Size
	if len(packet) < at {
		return nil, nil, false
	}
	tag := packet[public:at]
	body = make([]byte, len(packet)-at)
	cipher.NewCTR(w.in, tag[:aes.BlockSize]).XORKeyStream(body, packet[at:])
	return packet[:headerLen], body, hmac.Equal(tag, cryptSum(w.inSum, packet[:public], body))
}
