package sshsig

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"strings"

	"github.com/causeway-fund/causeway/internal/errs"
)

const (
	// Namespace is what signatures are made for, by ssh-keygen -n.
	Namespace = "causeway"

	// MaxBytes bounds an armored signature: one with the longest application has about 1,000.
	MaxBytes = 2048

	magic   = "SSHSIG"
	version = 1
	hash    = "sha512"

	armorBegin = "-----BEGIN SSH SIGNATURE-----\n"
	armorEnd   = "-----END SSH SIGNATURE-----\n"
	armorWidth = 70

	flagPresent = 0x01 // somebody touched the security key
)

// Signature is one that could be read. Whether it holds, Verify says.
type Signature struct {
	Key       Key
	namespace string
	value     [ed25519.SignatureSize]byte
	flags     byte   // of a security key
	counter   uint32 // of a security key; no rule reads it
}

// Parse reads an armored signature of what people sign. It refuses every text that
// ssh-keygen would not have written for a key of ours and Namespace; the error
// (errs.Invalid) says why.
func Parse(armored []byte) (Signature, error) { return ParseFor(Namespace, armored) }

// ParseFor is Parse for signatures of another namespace.
func ParseFor(namespace string, armored []byte) (Signature, error) {
	blob, err := dearmor(armored)
	if err != nil {
		return Signature{}, err
	}
	w := wire{rest: blob}
	if string(w.take(uint64(len(magic)))) != magic || w.uint32() != version {
		return Signature{}, malformed()
	}
	key := w.bytes()
	named, reserved, hashed := string(w.bytes()), w.bytes(), string(w.bytes())
	signature := w.bytes()
	if !w.ended() || len(reserved) > 0 {
		return Signature{}, malformed()
	}
	s := Signature{namespace: namespace}
	if s.Key, err = parseBlob(key); err != nil {
		return Signature{}, err
	}
	if named != namespace {
		return Signature{}, errs.New(errs.Invalid, CodeNamespace,
			"This signature was made for another purpose. Sign with ssh-keygen -Y sign -n "+namespace+".")
	}
	if hashed != hash {
		return Signature{}, errs.New(
			errs.Invalid,
			CodeHash,
			"This signature does not use SHA-512, which ssh-keygen uses unless told otherwise.",
		)
	}
	return s, s.take(signature)
}

// take reads the innermost part: what the key made.
func (s *Signature) take(signature []byte) error {
	w := wire{rest: signature}
	kind, value := string(w.bytes()), w.bytes()
	if s.Key.Type == TypeSecurityKey {
		s.flags, s.counter = w.byte(), w.uint32()
	}
	if !w.ended() || kind != s.Key.Type || len(value) != len(s.value) {
		return malformed()
	}
	copy(s.value[:], value)
	return nil
}

// Verify reports whether the signature is one over message: by its key, and after a touch
// where that is a security key. Whose key it is, is the caller's to ask. The error is Invalid
// with code sshsig_wrong or sshsig_untouched.
func (s Signature) Verify(message []byte) error {
	signed := signedBytes(s.namespace, message)
	if s.Key.Type == TypeSecurityKey { // PROTOCOL.u2f: the device signs digests
		application, inner := sha256.Sum256([]byte(s.Key.Application)), sha256.Sum256(signed)
		signed = append(application[:], s.flags)
		signed = binary.BigEndian.AppendUint32(signed, s.counter)
		signed = append(signed, inner[:]...)
	}
	if !ed25519.Verify(s.Key.Public[:], signed, s.value[:]) {
		return errs.New(errs.Invalid, CodeWrong, "This signature is not one over this text by the key that it names.")
	}
	if s.Key.Type == TypeSecurityKey && s.flags&flagPresent == 0 {
		return errs.New(
			errs.Invalid,
			CodeUntouched,
			"The security key was not touched when it signed, so a program may have done it alone.",
		)
	}
	return nil
}

// signedBytes returns what a key signs to sign message.
func signedBytes(namespace string, message []byte) []byte {
	sum := sha512.Sum512(message)
	signed := appendString([]byte(magic), namespace)
	signed = appendString(signed, "") // reserved
	signed = appendString(signed, hash)
	return appendString(signed, string(sum[:]))
}

// Sign returns the armored signature over message that ssh-keygen would make with the key.
func Sign(private ed25519.PrivateKey, namespace string, message []byte) []byte {
	value := ed25519.Sign(private, signedBytes(namespace, message))
	blob := binary.BigEndian.AppendUint32([]byte(magic), version)
	blob = appendString(blob, string(KeyOf(private).blob()))
	blob = appendString(blob, namespace)
	blob = appendString(blob, "") // reserved
	blob = appendString(blob, hash)
	blob = appendString(blob, string(appendString(appendString(nil, TypeEd25519), string(value))))
	return []byte(armor(blob))
}

// dearmor returns what an armored signature holds.
func dearmor(text []byte) ([]byte, error) {
	refused := errs.New(errs.Invalid, CodeArmor,
		"This is not an SSH signature as ssh-keygen writes it. Send its file as it is, without changing line ends.")
	if len(text) > MaxBytes {
		return nil, refused
	}
	body, begins := strings.CutPrefix(string(text), armorBegin)
	body, ends := strings.CutSuffix(body, armorEnd)
	if !begins || !ends {
		return nil, refused
	}
	blob, err := base64.StdEncoding.Strict().DecodeString(strings.ReplaceAll(body, "\n", ""))
	if err != nil || armor(blob) != string(text) {
		return nil, refused
	}
	return blob, nil
}

// armor writes blob as ssh-keygen does.
func armor(blob []byte) string {
	var b strings.Builder
	b.WriteString(armorBegin)
	for rest := base64.StdEncoding.EncodeToString(blob); rest != ""; {
		line := rest[:min(armorWidth, len(rest))]
		b.WriteString(line + "\n")
		rest = rest[len(line):]
	}
	b.WriteString(armorEnd)
	return b.String()
}

func malformed() *errs.Error {
	return errs.New(
		errs.Invalid,
		CodeMalformed,
		"This SSH signature is cut short, goes on after its end, or is of a version other than 1.",
	)
}
