package identity

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
)

const secretBytes = 32

// newSecret returns 256 random bits as base64url text.
func newSecret(random io.Reader) (string, error) {
	var b [secretBytes]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("read randomness: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

// HashSecret returns the form in which a link, session or API token is stored.
// What is hashed is the text as handed out, prefix included.
func HashSecret(secret string) Hash { return sha256.Sum256([]byte(secret)) }

// mac returns HMAC-SHA256 over a domain label and length-prefixed parts, so that
// no two lists of parts give the same input.
func mac(key []byte, label string, parts ...[]byte) []byte {
	m := hmac.New(sha256.New, key)
	write := func(p []byte) {
		m.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p))))
		m.Write(p)
	}
	write([]byte(label))
	for _, p := range parts {
		write(p)
	}
	return m.Sum(nil)
}
