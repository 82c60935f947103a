package sshsig

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"

	"github.com/causeway-fund/causeway/internal/errs"
)

// The types of keys.
const (
	TypeEd25519     = "ssh-ed25519"
	TypeSecurityKey = "sk-ssh-ed25519@openssh.com"
)

// maxApplication bounds what a security key is bound to; "ssh:" as a rule.
const maxApplication = 255

// Key is a public key. Two are equal when == says so.
type Key struct {
	Type        string
	Public      [ed25519.PublicKeySize]byte
	Application string // of a security key
}

// KeyOf returns the public half of a private key.
func KeyOf(private ed25519.PrivateKey) Key {
	k := Key{Type: TypeEd25519}
	copy(k.Public[:], private[len(private)-len(k.Public):])
	return k
}

// ParseKey reads "ssh-ed25519 AAAA…" without a comment, in the one spelling that String
// writes. Errors are Invalid with code sshsig_bad_key or sshsig_key_type.
func ParseKey(text string) (Key, error) {
	_, encoded, _ := strings.Cut(text, " ")
	blob, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return Key{}, badKey()
	}
	k, err := parseBlob(blob)
	if err != nil {
		return Key{}, err
	}
	if k.String() != text {
		return Key{}, badKey()
	}
	return k, nil
}

// parseBlob reads a key as it travels.
func parseBlob(blob []byte) (Key, error) {
	w := wire{rest: blob}
	k := Key{Type: string(w.bytes())}
	if k.Type != TypeEd25519 && k.Type != TypeSecurityKey {
		if w.short {
			return Key{}, badKey()
		}
		return Key{}, errs.New(
			errs.Invalid,
			CodeKeyType,
			"Only the key types "+TypeEd25519+" and "+TypeSecurityKey+" are accepted.",
		)
	}
	public := w.bytes()
	if k.Type == TypeSecurityKey {
		k.Application = string(w.bytes())
	}
	if !w.ended() || len(public) != len(k.Public) || k.Type == TypeSecurityKey && !isApplication(k.Application) {
		return Key{}, badKey()
	}
	copy(k.Public[:], public)
	return k, nil
}

func isApplication(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= maxApplication
}

func badKey() *errs.Error {
	return errs.New(errs.Invalid, CodeBadKey, "This is not an SSH key as ssh-keygen writes it, without its comment.")
}

// blob returns the key as it travels.
func (k Key) blob() []byte {
	b := appendString(nil, k.Type)
	b = appendString(b, string(k.Public[:]))
	if k.Type == TypeSecurityKey {
		b = appendString(b, k.Application)
	}
	return b
}

// String returns the key as it stands in a file, without a comment.
func (k Key) String() string { return k.Type + " " + base64.StdEncoding.EncodeToString(k.blob()) }

// Fingerprint returns what `ssh-keygen -l` shows, SHA256:….
func (k Key) Fingerprint() string {
	sum := sha256.Sum256(k.blob())
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}

// wire reads the parts of an SSH message and notes when there is less than there should be.
type wire struct {
	rest  []byte
	short bool
}

func (w *wire) take(n uint64) []byte {
	if w.short || n > uint64(len(w.rest)) {
		w.short = true
		return nil
	}
	taken := w.rest[:n]
	w.rest = w.rest[n:]
	return taken
}

func (w *wire) uint32() uint32 {
	b := w.take(4)
	if w.short {
		return 0
	}
	return binary.BigEndian.Uint32(b)
}

func (w *wire) byte() byte {
	b := w.take(1)
	if w.short {
		return 0
	}
	return b[0]
}

func (w *wire) bytes() []byte { return w.take(uint64(w.uint32())) }

// ended reports whether all was there and nothing is left.
func (w *wire) ended() bool { return !w.short && len(w.rest) == 0 }

func appendString(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(s))) //nolint:gosec // what is encoded here is short
	return append(b, s...)
}
