package keytest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/causeway-fund/causeway/internal/trust/sshsig"
)

// Seed returns 32 bytes that belong to a name.
func Seed(name string) []byte {
	sum := sha256.Sum256([]byte("keytest " + name))
	return sum[:]
}

// Application is what ssh-keygen binds security keys to unless told otherwise.
const Application = "ssh:"

// SSH is an ssh key.
type SSH struct {
	private     ed25519.PrivateKey
	application string // of a security key
	Untouched   bool   // the security key signs without a touch
}

// NewSSH returns the ssh-ed25519 key of a seed of 32 bytes.
func NewSSH(seed []byte) *SSH { return &SSH{private: ed25519.NewKeyFromSeed(seed)} }

// NewSecurityKey returns a key of type sk-ssh-ed25519@openssh.com, made of software.
func NewSecurityKey(seed []byte, application string) *SSH {
	return &SSH{private: ed25519.NewKeyFromSeed(seed), application: application}
}

// Key returns the public key.
func (k *SSH) Key() sshsig.Key {
	key := sshsig.Key{Type: sshsig.TypeEd25519, Application: k.application}
	if k.application != "" {
		key.Type = sshsig.TypeSecurityKey
	}
	copy(key.Public[:], k.private[ed25519.SeedSize:])
	return key
}

// Sign returns what ssh-keygen -Y sign -n causeway writes for text.
func (k *SSH) Sign(text []byte) []byte {
	flags := byte(0x01)
	if k.Untouched {
		flags = 0
	}
	return k.SignFlags(text, flags)
}

// SignFlags is Sign with the flags that a security key signs.
func (k *SSH) SignFlags(text []byte, flags byte) []byte {
	public := k.Key()
	_, blob, _ := strings.Cut(public.String(), " ")
	key, err := base64.StdEncoding.DecodeString(blob)
	if err != nil {
		panic(err) // sshsig wrote it
	}
	sum := sha512.Sum512(text)
	signed := slices.Concat([]byte("SSHSIG"), str(sshsig.Namespace), str(""), str("sha512"), str(string(sum[:])))
	var behind []byte
	if k.application != "" {
		behind = binary.BigEndian.AppendUint32([]byte{flags}, 7) // a counter, which no rule reads
		application, inner := sha256.Sum256([]byte(k.application)), sha256.Sum256(signed)
		signed = slices.Concat(application[:], behind, inner[:])
	}
	signature := slices.Concat(str(public.Type), str(string(ed25519.Sign(k.private, signed))), behind)
	return armor(slices.Concat([]byte("SSHSIG\x00\x00\x00\x01"), str(string(key)), str(sshsig.Namespace), str(""),
		str("sha512"), str(string(signature))))
}

// File returns the private key as ssh-keygen -f reads it. A security key has none.
func (k *SSH) File() []byte {
	block, err := ssh.MarshalPrivateKey(k.private, "")
	if err != nil {
		panic(err) // it is an ed25519 key
	}
	return pem.EncodeToMemory(block)
}

func str(s string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(s))), s...) //nolint:gosec // tests sign what is short
}

func armor(blob []byte) []byte {
	const width = 70
	var b strings.Builder
	b.WriteString("-----BEGIN SSH SIGNATURE-----\n")
	for line := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString(blob)), width) {
		b.Write(line)
		b.WriteByte('\n')
	}
	b.WriteString("-----END SSH SIGNATURE-----\n")
	return []byte(b.String())
}
