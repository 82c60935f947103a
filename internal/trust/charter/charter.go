package charter

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/sshsig"
)

const (
	header = "causeway/charter/v1"
	none   = "none"

	// MaxBytes bounds a charter.
	MaxBytes = 64 << 10

	// MaxLife is how long after it is taken in a charter may expire at most.
	MaxLife = 400 * 24 * time.Hour
)

// Role is what a person of the charter may do.
type Role string

// The roles, in the order in which a line names them.
const (
	Trustee   Role = "trustee"
	Reviewer  Role = "reviewer"
	Treasurer Role = "treasurer"
)

func allRoles() []Role { return []Role{Trustee, Reviewer, Treasurer} }

// Charter says who may move a fund's money.
type Charter struct {
	Network      decision.Network
	Fund         uuid.UUID
	Name         string
	Version      int64
	Previous     decision.Digest // zero for version 1
	Expires      time.Time       // whole seconds, UTC
	HoldHours    int64
	Trustees     int64     // so many sign the next charter
	SoleOperator uuid.UUID // uuid.Nil in a fund of several people
	Treasuries   []Treasury
	Signers      []Signer
	Lines        []Line
	Limits       Limits
	People       []Person
	Revoked      []uuid.UUID
}

// Treasury is where the money lies.
type Treasury struct {
	Number     int64
	Descriptor string // with its checksum, as package wallet writes it
	Birthday   int64  // height before which it had no coin
}

// Signer is a program with one of a treasury's keys.
type Signer struct {
	Name        string
	Fingerprint string     // of its treasury key
	Key         sshsig.Key // of what it answers
}

// Line is what a decision needs up to an amount.
type Line struct {
	UpTo       btcutil.Amount // 0 in the last line: without end
	Reviewers  int64
	ByTerminal int64 // of the reviewers
	Treasurers int64
}

// Limits bound what is paid and what it costs.
type Limits struct {
	Decision, Day, Month, PasskeyOnlyDay, FeesDay btcutil.Amount
	FeeRateSatKVB                                 int64
	Fee                                           btcutil.Amount // of a transaction
	FeePermille                                   int64          // of the payments
}

// Person is somebody with at least one role and one key.
type Person struct {
	ID       uuid.UUID
	Roles    []Role
	Name     string
	SSH      []sshsig.Key
	Passkeys []Passkey
}

// Passkey is a WebAuthn credential, its public key raw: nobody has to read CBOR.
type Passkey struct {
	Algorithm  string // es256, eddsa, rs256
	Public     string // bytes: a point on P-256 (4, X, Y), an Ed25519 key, an RSA modulus (exponent 65537)
	Credential string // bytes
	Origin     string
}

// String returns what stands behind "webauthn".
func (k Passkey) String() string {
	encode := base64.RawURLEncoding.EncodeToString
	return k.Algorithm + " " + encode([]byte(k.Public)) + " " + encode([]byte(k.Credential)) + " " + k.Origin
}

// Has reports whether p has a role.
func (p Person) Has(role Role) bool { return slices.Contains(p.Roles, role) }

// With returns the people who have a role.
func (c Charter) With(role Role) []Person {
	return slices.DeleteFunc(slices.Clone(c.People), func(p Person) bool { return !p.Has(role) })
}

// TrusteeOf returns the trustee whose ssh key it is.
func (c Charter) TrusteeOf(key sshsig.Key) (Person, bool) {
	for _, p := range c.With(Trustee) {
		if slices.Contains(p.SSH, key) {
			return p, true
		}
	}
	return Person{}, false
}

// TrusteesAmong returns the trustees whose ssh keys are among keys, each once however many
// they hold, and the other trustees.
func (c Charter) TrusteesAmong(keys []sshsig.Key) (among, others []Person) {
	for _, p := range c.With(Trustee) {
		if slices.ContainsFunc(p.SSH, func(k sshsig.Key) bool { return slices.Contains(keys, k) }) {
			among = append(among, p)
		} else {
			others = append(others, p)
		}
	}
	return among, others
}

// Sole reports whether one person runs the fund.
func (c Charter) Sole() bool { return c.SoleOperator != uuid.Nil }

// Encode returns the canonical bytes.
func (c Charter) Encode() []byte {
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s", header)
	line("network %s %s", c.Network.Name, c.Network.Genesis)
	line("fund %s", c.Fund)
	line("name %s", c.Name)
	line("version %d", c.Version)
	if c.Previous == (decision.Digest{}) {
		line("previous %s", none)
	} else {
		line("previous %s", c.Previous)
	}
	line("expires %s", c.Expires.UTC().Format(time.RFC3339))
	line("hold_hours %d", c.HoldHours)
	line("trustees %d", c.Trustees)
	if c.Sole() {
		line("sole_operator %s", c.SoleOperator)
	}
	for _, t := range c.Treasuries {
		line("treasury %d %s %d", t.Number, t.Descriptor, t.Birthday)
	}
	for _, s := range c.Signers {
		line("signer %s %s %s", s.Name, s.Fingerprint, s.Key)
	}
	for _, l := range c.Lines {
		line(
			"approve_up_to_sat %d reviewers %d by_terminal %d treasurers %d",
			int64(l.UpTo),
			l.Reviewers,
			l.ByTerminal,
			l.Treasurers,
		)
	}
	for _, l := range c.limitLines() {
		line("%s %d", l.name, l.value)
	}
	for _, p := range c.People {
		line("person %s %s %s", p.ID, rolesText(p.Roles), p.Name)
		for _, k := range p.SSH {
			line("key %s ssh %s", p.ID, k)
		}
		for _, k := range p.Passkeys {
			line("key %s webauthn %s", p.ID, k)
		}
	}
	for _, id := range c.Revoked {
		line("revoked %s", id)
	}
	return b.Bytes()
}

// Digest returns SHA-256 of the canonical bytes.
func (c Charter) Digest() decision.Digest { return sha256.Sum256(c.Encode()) }

// limitLine is a line with one number, what people call it, and in which unit.
type limitLine struct {
	name  string
	value int64
	what  string
	unit  string
}

func (c Charter) limitLines() []limitLine {
	l := c.Limits
	return []limitLine{
		{"limit_decision_sat", int64(l.Decision), "The limit of one decision", "sat"},
		{"limit_day_sat", int64(l.Day), "The limit of 24 hours", "sat"},
		{"limit_month_sat", int64(l.Month), "The limit of 30 days", "sat"},
		{
			"limit_passkey_only_day_sat",
			int64(l.PasskeyOnlyDay),
			"The limit of 24 hours for what nobody approved by ssh",
			"sat",
		},
		{"limit_fees_day_sat", int64(l.FeesDay), "The limit of 24 hours for fees", "sat"},
		{"fee_max_feerate_sat_kvb", l.FeeRateSatKVB, "The highest feerate", "sat/kvB"},
		{"fee_max_sat", int64(l.Fee), "The highest fee of a transaction", "sat"},
		{"fee_max_permille", l.FeePermille, "The highest fee in thousandths of the payments", "thousandths"},
	}
}

func rolesText(roles []Role) string {
	texts := make([]string, len(roles))
	for i, r := range roles {
		texts[i] = string(r)
	}
	return strings.Join(texts, ",")
}
