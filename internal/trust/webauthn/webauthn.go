package webauthn

import (
	"crypto/sha256"
	"encoding/base64"
	"net/url"

	"github.com/causeway-fund/causeway/internal/errs"
)

// Bounds of the parts of an answer. Browsers stay far below them.
const (
	MaxCredential        = 1023 // Web Authentication, section 4
	MaxClientData        = 2048
	MaxAuthenticatorData = 1024
	MaxSignature         = 512 // RSA with 4,096 bits
)

const typeGet = "webauthn.get"

// Key is a passkey as a charter lists it. Public and Credential hold bytes.
type Key struct {
	Algorithm  string // es256, eddsa, rs256
	Public     string // a point on P-256 (4, X, Y), an Ed25519 key, an RSA modulus (exponent 65537)
	Credential string
	Origin     string // https://staff.example.org
}

// Assertion is what a browser gives back from navigator.credentials.get.
type Assertion struct {
	Credential        []byte `json:"credential"`
	ClientData        []byte `json:"client_data"`
	AuthenticatorData []byte `json:"authenticator_data"`
	Signature         []byte `json:"signature"`
}

// Verify reports whether a is an answer of k to challenge, by a person who was there and proved
// to be the one. The error is Invalid, with a code for each rule.
func (a Assertion) Verify(k Key, challenge [sha256.Size]byte) error {
	for _, rule := range []func() error{
		a.checkSizes,
		func() error { return a.checkCredential(k) },
		func() error { return a.checkClientData(k, challenge) },
		func() error { return a.checkAuthenticatorData(k) },
		func() error { return a.checkSignature(k) },
	} {
		if err := rule(); err != nil {
			return err
		}
	}
	return nil
}

func (a Assertion) checkSizes() error {
	if len(a.Credential) > MaxCredential || len(a.ClientData) > MaxClientData ||
		len(a.AuthenticatorData) > MaxAuthenticatorData || len(a.Signature) > MaxSignature {
		return refused(CodeTooLong, "A part of this passkey's answer is longer than browsers make it. Sign again.")
	}
	return nil
}

func (a Assertion) checkCredential(k Key) error {
	if len(a.Credential) == 0 || string(a.Credential) != k.Credential {
		return refused(
			CodeCredential,
			"Another passkey answered than the one that is listed. Sign with the listed one.",
		)
	}
	return nil
}

func (a Assertion) checkClientData(k Key, challenge [sha256.Size]byte) error {
	d, err := readClientData(a.ClientData)
	switch {
	case err != nil:
		return errs.Wrap(err, errs.Invalid, CodeClientData,
			"The browser's part of this passkey's answer is not one JSON object that every program reads the same way.")
	case d.kind != typeGet:
		return refused(CodeType, "This passkey's answer is not one to a question for a signature.")
	case d.challenge != base64.RawURLEncoding.EncodeToString(challenge[:]):
		return refused(CodeChallenge, "The passkey signed another text than this one. Sign again, on this page.")
	case d.origin != k.Origin:
		return errs.Newf(
			errs.Invalid,
			CodeOrigin,
			"This passkey is listed for %s and was used at another address.",
			k.Origin,
		)
	case d.crossOrigin:
		return refused(
			CodeCrossOrigin,
			"The passkey was used inside a page of another site, which may have hidden what it signed.",
		)
	}
	return nil
}

// Authenticator data: the hash of the relying party, flags, a counter, and what flags announce.
const (
	hashEnd  = sha256.Size
	fixedEnd = hashEnd + 1 + 4

	flagUserPresent    = 1 << 0
	flagUserVerified   = 1 << 2
	flagBackupEligible = 1 << 3
	flagBackedUp       = 1 << 4
	flagAttested       = 1 << 6
	flagExtensions     = 1 << 7
)

func (a Assertion) checkAuthenticatorData(k Key) error {
	data := a.AuthenticatorData
	if len(data) < fixedEnd {
		return refused(CodeAuthenticatorData, "What the authenticator signed is cut short.")
	}
	flags := data[hashEnd]
	site, ok := relyingParty(k.Origin)
	switch {
	case flags&(flagAttested|flagExtensions) == 0 && len(data) > fixedEnd:
		return refused(CodeAuthenticatorData, "What the authenticator signed goes on after its end.")
	case flags&(flagAttested|flagExtensions) != 0 && len(data) == fixedEnd:
		return refused(CodeAuthenticatorData, "What the authenticator signed lacks the part that its flags announce.")
	case flags&flagBackedUp != 0 && flags&flagBackupEligible == 0:
		return refused(
			CodeAuthenticatorData,
			"The authenticator says that its key is backed up and cannot be backed up.",
		)
	case !ok || [sha256.Size]byte(data[:hashEnd]) != site:
		return refused(CodeRelyingParty, "This passkey's answer is one for another site than the listed one.")
	case flags&flagUserPresent == 0:
		return refused(
			CodeUserAbsent,
			"Nobody touched the authenticator when it signed, so a program may have done it alone.",
		)
	case flags&flagUserVerified == 0:
		return refused(
			CodeUserUnverified,
			"The authenticator did not ask for a PIN, a fingerprint or a face when it signed. Switch that on and sign again.",
		)
	}
	return nil
}

// relyingParty returns the SHA-256 of the host of an origin.
func relyingParty(origin string) ([sha256.Size]byte, bool) {
	u, err := url.Parse(origin)
	if err != nil || u.Hostname() == "" {
		return [sha256.Size]byte{}, false
	}
	return sha256.Sum256([]byte(u.Hostname())), true
}

func refused(code errs.Code, message string) error { return errs.New(errs.Invalid, code, message) }
