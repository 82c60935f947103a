package wireguard

import (
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"hash"
	"io"
	"slices"
	"time"

	"golang.org/x/crypto/blake2s"
	"golang.org/x/crypto/chacha20poly1305"
)

// The messages of section 5.4.
const (
	typeInitiation = 1
	typeResponse   = 2
	typeCookie     = 3

	initiationLen = 148
	responseLen   = 92
	cookieLen     = 64
	macLen        = 16
)

const (
	construction = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"
	identifier   = "WireGuard v1 zx2c4 Jason@zx2c4.com"
)

// errAnswer says that an answer does not decrypt.
var errAnswer = errors.New("the answer does not decrypt")

// initiator is our side of one handshake.
type initiator struct {
	static    *ecdh.PrivateKey
	ephemeral *ecdh.PrivateKey
	peer      *ecdh.PublicKey
	psk       [32]byte
	index     [4]byte
	chain     []byte // the chaining key
	hash      []byte
	mac1      []byte
}

// initiate returns the first message without its second code, and the state to
// read the answer with.
func initiate(rand io.Reader, now time.Time, private, peer, psk [32]byte) (*initiator, []byte, error) {
	var err error
	i := &initiator{psk: psk}
	if i.static, err = ecdh.X25519().NewPrivateKey(private[:]); err != nil {
		return nil, nil, err
	}
	if i.peer, err = ecdh.X25519().NewPublicKey(peer[:]); err != nil {
		return nil, nil, err
	}
	var seed [32 + 4]byte
	if _, err = io.ReadFull(rand, seed[:]); err != nil {
		return nil, nil, err
	}
	if i.ephemeral, err = ecdh.X25519().NewPrivateKey(seed[:32]); err != nil {
		return nil, nil, err
	}
	copy(i.index[:], seed[32:])

	i.chain = digest([]byte(construction))
	i.hash = digest(digest(i.chain, []byte(identifier)), peer[:])
	public := i.ephemeral.PublicKey().Bytes()
	i.mix(public)
	i.chain = kdf(i.chain, public, 1)[0]
	static, err := i.seal(i.ephemeral, i.static.PublicKey().Bytes())
	if err != nil {
		return nil, nil, err
	}
	stamp, err := i.seal(i.static, tai64n(now))
	if err != nil {
		return nil, nil, err
	}

	m := append(make([]byte, 0, initiationLen), typeInitiation, 0, 0, 0)
	m = slices.Concat(m, i.index[:], public, static, stamp)
	i.mac1 = mac(digest([]byte("mac1----"), peer[:]), m)
	return i, append(m, i.mac1...), nil
}

func (i *initiator) mix(data []byte) { i.hash = digest(i.hash, data) }

// seal mixes the secret of ours with the peer's key in, and encrypts.
func (i *initiator) seal(ours *ecdh.PrivateKey, plain []byte) ([]byte, error) {
	shared, err := ours.ECDH(i.peer)
	if err != nil {
		return nil, err
	}
	keys := kdf(i.chain, shared, 2)
	i.chain = keys[0]
	aead, err := chacha20poly1305.New(keys[1])
	if err != nil {
		return nil, err
	}
	// Each key encrypts one text, so that its counter is zero.
	out := aead.Seal(nil, make([]byte, aead.NonceSize()), plain, i.hash) //nolint:gosec // section 5.4.2 says so
	i.mix(out)
	return out, nil
}

// finish reads the second message, of responseLen bytes.
func (i *initiator) finish(m []byte) error {
	public := m[12:44]
	theirs, err := ecdh.X25519().NewPublicKey(public)
	if err != nil {
		return errAnswer
	}
	i.mix(public)
	i.chain = kdf(i.chain, public, 1)[0]
	for _, ours := range []*ecdh.PrivateKey{i.ephemeral, i.static} {
		shared, err := ours.ECDH(theirs)
		if err != nil {
			return errAnswer
		}
		i.chain = kdf(i.chain, shared, 1)[0]
	}
	keys := kdf(i.chain, i.psk[:], 3)
	i.mix(keys[1])
	aead, err := chacha20poly1305.New(keys[2])
	if err != nil {
		return err
	}
	if _, err := aead.Open(nil, make([]byte, aead.NonceSize()), m[44:60], i.hash); err != nil {
		return errAnswer
	}
	return nil
}

// cookie decrypts a cookie reply, of cookieLen bytes.
func (i *initiator) cookie(m []byte) ([]byte, error) {
	var aead cipher.AEAD
	aead, err := chacha20poly1305.NewX(digest([]byte("cookie--"), i.peer.Bytes()))
	if err != nil {
		return nil, err
	}
	out, err := aead.Open(nil, m[8:32], m[32:], i.mac1)
	if err != nil {
		return nil, errAnswer
	}
	return out, nil
}

// withCookie returns first, a message without its second code, with that code.
func withCookie(first, cookie []byte) []byte {
	code := make([]byte, macLen)
	if cookie != nil {
		code = mac(cookie, first)
	}
	return append(slices.Clone(first), code...)
}

// tai64n is the time as in section 5.4.2: seconds of TAI64, and nanoseconds.
func tai64n(t time.Time) []byte {
	const base = 0x400000000000000a
	b := binary.BigEndian.AppendUint64(nil, base+uint64(t.Unix()))  //nolint:gosec // the wire's form
	return binary.BigEndian.AppendUint32(b, uint32(t.Nanosecond())) //nolint:gosec // below 10^9
}

func newHash() hash.Hash {
	h, err := blake2s.New256(nil)
	if err != nil {
		panic(err) // only a key that is too long is refused
	}
	return h
}

func digest(parts ...[]byte) []byte {
	h := newHash()
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// mac is keyed BLAKE2s of 16 bytes; key has at most 32.
func mac(key, data []byte) []byte {
	h, err := blake2s.New128(key)
	if err != nil {
		panic(err) // only a key that is too long is refused
	}
	h.Write(data)
	return h.Sum(nil)
}

// kdf is HKDF of section 5.4 with n outputs.
func kdf(key, input []byte, n int) [][]byte {
	sum := func(key []byte, parts ...[]byte) []byte {
		m := hmac.New(newHash, key)
		for _, p := range parts {
			m.Write(p)
		}
		return m.Sum(nil)
	}
	secret := sum(key, input)
	var out [][]byte
	var last []byte
	for i := range n {
		last = sum(secret, last, []byte{byte(i + 1)})
		out = append(out, last)
	}
	return out
}
