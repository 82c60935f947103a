package telegram

import (
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // the protocol's own hash
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
)

// keyBits is the length of every key that Telegram has; RSA_PAD is defined for
// no other.
const keyBits = 2048

// Keys are Telegram's public keys by their fingerprints; immutable.
type Keys struct{ byFingerprint map[uint64]*rsa.PublicKey }

// ParseKeys reads RSA public keys in PEM, as PKCS #1 or PKIX.
func ParseKeys(text []byte) (Keys, error) {
	out := Keys{byFingerprint: map[uint64]*rsa.PublicKey{}}
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		key, err := parseKey(block)
		if err != nil {
			//nolint:staticcheck // Telegram is a name
			return Keys{}, fmt.Errorf(
				"Telegram key %d: %w",
				len(out.byFingerprint)+1,
				err,
			)
		}
		out.byFingerprint[Fingerprint(key)] = key
	}
	if len(out.byFingerprint) == 0 {
		return Keys{}, errors.New("there is no PEM block with a key of Telegram")
	}
	return out, nil
}

func parseKey(block *pem.Block) (*rsa.PublicKey, error) {
	key, err := x509.ParsePKCS1PublicKey(block.Bytes)
	if err != nil {
		other, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, errors.New("this is not an RSA public key")
		}
		var ok bool
		if key, ok = other.(*rsa.PublicKey); !ok {
			return nil, errors.New("this is not an RSA public key")
		}
	}
	if key.N.BitLen() != keyBits {
		return nil, fmt.Errorf("it has %d bits, not %d", key.N.BitLen(), keyBits)
	}
	return key, nil
}

// Fingerprint returns the lower 64 bits of SHA-1 over the modulus and exponent as
// TL strings.
func Fingerprint(key *rsa.PublicKey) uint64 {
	b := appendBytes(nil, key.N.Bytes())
	b = appendBytes(b, big.NewInt(int64(key.E)).Bytes())
	sum := sha1.Sum(b) //nolint:gosec // the protocol's own hash
	return binary.LittleEndian.Uint64(sum[12:])
}

// Fingerprints returns the fingerprints in order, each as 16 hex digits.
func (k Keys) Fingerprints() []string {
	var out []string
	for _, fp := range slices.Sorted(maps.Keys(k.byFingerprint)) {
		out = append(out, fmt.Sprintf("%016x", fp))
	}
	return out
}
