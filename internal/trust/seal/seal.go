package seal

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/causeway-fund/causeway/internal/errs"
)

const (
	formatV1  = 1  // first byte of sealed and wrapped bytes
	padBlock  = 64 // bytes; plaintext is padded to a multiple
	redaction = "[key]"
)

// Keyring holds the keys of a key file: KEKs, one of them active, and a pepper.
// Safe for concurrent use.
type Keyring struct {
	keks   map[string][]byte
	order  []string // as in the file
	active string
	pepper []byte
}

// AAD says where sealed bytes live. Bytes sealed for one place do not open in
// another. Row is the row's id; Version its revision, 0 where rows have none.
type AAD struct {
	Table, Column, Row string
	Version            int64
}

// Wrapped is a data key as it is stored. Its zero value stands for a key that
// was destroyed.
type Wrapped struct {
	KEKID string
	Bytes []byte
}

// DataKey seals and opens the fields of one owner. Safe for concurrent use.
type DataKey struct{ aead cipher.AEAD }

// NewDataKey makes a data key for owner (an application id) and wraps it under
// the active KEK.
func (k *Keyring) NewDataKey(owner string) (*DataKey, Wrapped, error) {
	raw := make([]byte, keyBytes)
	if _, err := rand.Read(raw); err != nil {
		return nil, Wrapped{}, fmt.Errorf("make data key: %w", err)
	}
	w, err := k.wrap(owner, raw)
	if err != nil {
		return nil, Wrapped{}, err
	}
	dk, err := newDataKey(raw)
	return dk, w, err
}

// Open unwraps the data key of owner. NotFound "purged" when w is zero; Internal
// "unsealing_failed" when the KEK is not in the key file, or w is damaged or
// another owner's.
func (k *Keyring) Open(owner string, w Wrapped) (*DataKey, error) {
	raw, err := k.unwrap(owner, w)
	if err != nil {
		return nil, err
	}
	return newDataKey(raw)
}

// Rewrap wraps the data key of owner under the active KEK; changed is false when
// it already is. What is sealed under the data key stays as it is. Errors as
// Open.
func (k *Keyring) Rewrap(owner string, w Wrapped) (fresh Wrapped, changed bool, err error) {
	raw, err := k.unwrap(owner, w)
	if err != nil {
		return Wrapped{}, false, err
	}
	if w.KEKID == k.active {
		return w, false, nil
	}
	fresh, err = k.wrap(owner, raw)
	return fresh, err == nil, err
}

// ActiveKEK returns the id of the KEK that wraps new data keys.
func (k *Keyring) ActiveKEK() string { return k.active }

// Derive returns a 32-byte key for one purpose, the same as long as the pepper
// stands. Labels are constants in the code that uses them, e.g.
// "identity/csrf/v1"; two labels give unrelated keys.
func (k *Keyring) Derive(label string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, k.pepper, nil, "causeway/derive/"+label, keyBytes)
	if err != nil {
		return nil, fmt.Errorf("derive %s: %w", label, err)
	}
	return key, nil
}

// BlindIndex returns the 32-byte HMAC-SHA256 of value under a key derived for
// label, by which equal values can be found without storing them.
func (k *Keyring) BlindIndex(label, value string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, k.pepper, nil, "causeway/blind-index/"+label, keyBytes)
	if err != nil {
		return nil, fmt.Errorf("derive blind index %s: %w", label, err)
	}
	m := hmac.New(sha256.New, key)
	m.Write([]byte(value))
	return m.Sum(nil), nil
}

// Seal encrypts plaintext for the place aad.
func (d *DataKey) Seal(aad AAD, plaintext []byte) ([]byte, error) {
	return sealBytes(d.aead, aad.encode(), pad(plaintext))
}

// Open decrypts what Seal made for the same place. Internal "unsealing_failed"
// for anything else.
func (d *DataKey) Open(aad AAD, sealed []byte) ([]byte, error) {
	padded, err := openBytes(d.aead, aad.encode(), sealed)
	if err != nil {
		return nil, errUnsealing(
			fmt.Errorf("%s.%s of row %s version %d: %w", aad.Table, aad.Column, aad.Row, aad.Version, err),
		)
	}
	plaintext, err := unpad(padded)
	if err != nil {
		return nil, errUnsealing(err)
	}
	return plaintext, nil
}

func (k *Keyring) wrap(owner string, raw []byte) (Wrapped, error) {
	aead, err := chacha20poly1305.NewX(k.keks[k.active])
	if err != nil {
		return Wrapped{}, fmt.Errorf("active key: %w", err)
	}
	b, err := sealBytes(aead, wrapAAD(k.active, owner), raw)
	if err != nil {
		return Wrapped{}, err
	}
	return Wrapped{KEKID: k.active, Bytes: b}, nil
}

func (k *Keyring) unwrap(owner string, w Wrapped) ([]byte, error) {
	if len(w.Bytes) == 0 {
		return nil, errs.New(
			errs.NotFound,
			errs.CodePurged,
			"What was written here has been erased, as the fund promised.",
		)
	}
	kek, ok := k.keks[w.KEKID]
	if !ok {
		return nil, errUnsealing(fmt.Errorf("no key %q in the key file", w.KEKID))
	}
	aead, err := chacha20poly1305.NewX(kek)
	if err != nil {
		return nil, errUnsealing(err)
	}
	raw, err := openBytes(aead, wrapAAD(w.KEKID, owner), w.Bytes)
	if err != nil {
		return nil, errUnsealing(fmt.Errorf("data key of %s: %w", owner, err))
	}
	return raw, nil
}

func newDataKey(raw []byte) (*DataKey, error) {
	aead, err := chacha20poly1305.NewX(raw)
	if err != nil {
		return nil, errUnsealing(err)
	}
	return &DataKey{aead: aead}, nil
}

// sealBytes returns format byte, nonce, ciphertext with tag. 192-bit random
// nonces do not collide in any number of fields that a fund will hold.
func sealBytes(aead cipher.AEAD, aad, plaintext []byte) ([]byte, error) {
	nonce := make([]byte, aead.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("make nonce: %w", err)
	}
	head := append([]byte{formatV1}, nonce...)
	return aead.Seal(head, nonce, plaintext, aad), nil
}

func openBytes(aead cipher.AEAD, aad, sealed []byte) ([]byte, error) {
	if len(sealed) < 1+aead.NonceSize()+aead.Overhead() || sealed[0] != formatV1 {
		return nil, errors.New("not sealed bytes")
	}
	nonce, ciphertext := sealed[1:1+aead.NonceSize()], sealed[1+aead.NonceSize():]
	return aead.Open(nil, nonce, ciphertext, aad)
}

func (a AAD) encode() []byte {
	return lengthPrefixed("causeway/seal/v1", a.Table, a.Column, a.Row, strconv.FormatInt(a.Version, 10))
}

func wrapAAD(kekID, owner string) []byte {
	return lengthPrefixed("causeway/wrap/v1", kekID, owner)
}

// lengthPrefixed joins parts so that no other list of parts gives the same bytes.
func lengthPrefixed(parts ...string) []byte {
	var b []byte
	for _, p := range parts {
		b = binary.BigEndian.AppendUint64(b, uint64(len(p)))
		b = append(b, p...)
	}
	return b
}

// pad appends 0x80 and zeros up to a multiple of padBlock (ISO/IEC 7816-4).
func pad(p []byte) []byte {
	out := make([]byte, (len(p)/padBlock+1)*padBlock)
	copy(out, p)
	out[len(p)] = 0x80
	return out
}

func unpad(p []byte) ([]byte, error) {
	end := bytes.LastIndexByte(p, 0x80)
	if end < 0 || len(bytes.Trim(p[end+1:], "\x00")) > 0 {
		return nil, errors.New("padding is damaged")
	}
	return p[:end], nil
}

func errUnsealing(cause error) error {
	return errs.Wrap(
		cause,
		errs.Internal,
		CodeUnsealingFailed,
		"Something stored here cannot be opened. The operators of this server have to look at it.",
	)
}

// String hides the keys.
func (*Keyring) String() string { return redaction }

// GoString hides the keys.
func (*Keyring) GoString() string { return redaction }

// LogValue hides the keys.
func (*Keyring) LogValue() slog.Value { return slog.StringValue(redaction) }

// String hides the key.
func (*DataKey) String() string { return redaction }

// GoString hides the key.
func (*DataKey) GoString() string { return redaction }

// LogValue hides the key.
func (*DataKey) LogValue() slog.Value { return slog.StringValue(redaction) }
