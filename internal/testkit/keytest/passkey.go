package keytest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"

	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/webauthn"
)

// Origin is where the passkeys of this package are used unless told otherwise.
const Origin = "https://staff.example.org"

// The flags of authenticator data.
const (
	UserPresent    byte = 1 << 0
	UserVerified   byte = 1 << 2
	BackupEligible byte = 1 << 3
	BackedUp       byte = 1 << 4
	Attested       byte = 1 << 6
	Extensions     byte = 1 << 7
)

// Passkey is a WebAuthn credential with its private key.
type Passkey struct {
	key     charter.Passkey
	private crypto.Signer
}

// NewPasskey returns a passkey of an algorithm (es256, eddsa, rs256) for an origin. The seed has
// 32 bytes; a key for rs256 is another one each time.
func NewPasskey(algorithm, origin string, seed []byte) *Passkey {
	p := &Passkey{key: charter.Passkey{Algorithm: algorithm, Origin: origin}}
	credential := sha256.Sum256(append([]byte("credential "), seed...))
	p.key.Credential = string(credential[:16])
	switch algorithm {
	case "es256":
		private := must(ecdsa.ParseRawPrivateKey(elliptic.P256(), seed))
		p.private, p.key.Public = private, string(must(private.PublicKey.Bytes()))
	case "eddsa":
		private := ed25519.NewKeyFromSeed(seed)
		p.private, p.key.Public = private, string(private[ed25519.SeedSize:])
	case "rs256":
		private := must(rsa.GenerateKey(rand.Reader, 2048))
		p.private, p.key.Public = private, string(private.N.Bytes())
	default:
		panic("keytest: no algorithm " + algorithm)
	}
	return p
}

// Key returns the passkey as a charter lists it.
func (p *Passkey) Key() charter.Passkey { return p.key }

// Answer is what browser and authenticator put together and sign.
type Answer struct {
	Type, Challenge, Origin string
	CrossOrigin             bool
	ClientData              string // in place of what the above give, unless empty
	RelyingParty            string
	Flags                   byte
	Counter                 uint32
	Behind                  []byte // follows the 37 bytes
	Credential              []byte
}

// Assert answers a challenge as a browser does for a person who proved to be the one. Changes are
// made before the authenticator signs.
func (p *Passkey) Assert(challenge [sha256.Size]byte, changes ...func(*Answer)) webauthn.Assertion {
	a := Answer{
		Type: "webauthn.get", Challenge: base64.RawURLEncoding.EncodeToString(challenge[:]), Origin: p.key.Origin,
		RelyingParty: must(url.Parse(p.key.Origin)).Hostname(), Flags: UserPresent | UserVerified,
		Credential: []byte(p.key.Credential),
	}
	for _, change := range changes {
		change(&a)
	}
	client, site := []byte(a.clientData()), sha256.Sum256([]byte(a.RelyingParty))
	data := slices.Concat(site[:], []byte{a.Flags}, binary.BigEndian.AppendUint32(nil, a.Counter), a.Behind)
	sum := sha256.Sum256(client)
	return webauthn.Assertion{
		Credential: a.Credential, ClientData: client, AuthenticatorData: data,
		Signature: p.sign(slices.Concat(data, sum[:])),
	}
}

// clientData writes what WebAuthn, section 5.8.1.1, has browsers write.
func (a Answer) clientData() string {
	if a.ClientData != "" {
		return a.ClientData
	}
	text := func(s string) string { return string(must(json.Marshal(s))) }
	return fmt.Sprintf(`{"type":%s,"challenge":%s,"origin":%s,"crossOrigin":%t}`,
		text(a.Type), text(a.Challenge), text(a.Origin), a.CrossOrigin)
}

func (p *Passkey) sign(text []byte) []byte {
	if private, ok := p.private.(ed25519.PrivateKey); ok {
		return ed25519.Sign(private, text)
	}
	digest := sha256.Sum256(text)
	return must(p.private.Sign(rand.Reader, digest[:], crypto.SHA256))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
