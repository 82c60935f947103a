package keytest

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/sshsig"
	"github.com/causeway-fund/causeway/internal/trust/webauthn"
)

// Person is somebody of a charter, with an ssh key and a passkey.
type Person struct {
	charter.Person
	SSHKey  *SSH
	Passkey *Passkey
}

// NewPerson returns the person of a name, with an ssh key and a passkey for es256.
func NewPerson(name, origin string, roles ...charter.Role) *Person {
	p := &Person{SSHKey: NewSSH(Seed(name + " ssh")), Passkey: NewPasskey("es256", origin, Seed(name+" passkey"))}
	p.Person = charter.Person{
		ID: ID(name), Roles: roles, Name: name,
		SSH: []sshsig.Key{p.SSHKey.Key()}, Passkeys: []charter.Passkey{p.Passkey.Key()},
	}
	return p
}

// ID returns the id that belongs to a name.
func ID(name string) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceOID, []byte(name)) }

// SignSSH returns what ssh-keygen writes when p signs text.
func (p *Person) SignSSH(text []byte) []byte { return p.SSHKey.Sign(text) }

// Assert answers a challenge with p's passkey.
func (p *Person) Assert(challenge [32]byte, changes ...func(*Answer)) webauthn.Assertion {
	return p.Passkey.Assert(challenge, changes...)
}

// Signer is a program with one of a treasury's keys.
type Signer struct {
	Name string
	Seed []byte // of its treasury key; nil when Plan named the treasury
	Ack  *SSH   // signs what it answers
}

// Plan says what a fund looks like. The zero value is a fund on simnet with 3 trustees (2 sign),
// 3 reviewers and 2 treasurers, a treasury of 2 of 3 keys, signers A and B, and key C in a drawer.
type Plan struct {
	Net                             *chaincfg.Params
	Trustees, Reviewers, Treasurers int
	Single                          bool               // one signer, a treasury of one key
	Treasury                        *wallet.Descriptor // in place of one made here; its first keys are the signers'
	Origin                          string             // of the passkeys
	Now                             time.Time          // the charter expires a year later; 2026-12-01 unless set
	Change                          func(c *charter.Charter)
}

// Fund is a charter, and those who hold its keys.
type Fund struct {
	Charter                         charter.Charter
	Trustees, Reviewers, Treasurers []*Person
	Signers                         []Signer // in the order of the treasury's keys, C of the drawer too
}

// NewFund makes the fund of a plan. It panics when that gives no charter.
func NewFund(plan Plan) Fund {
	plan.fill()
	f := Fund{
		Trustees:   plan.people("Trustee", plan.Trustees, charter.Trustee),
		Reviewers:  plan.people("Reviewer", plan.Reviewers, charter.Reviewer),
		Treasurers: plan.people("Treasurer", plan.Treasurers, charter.Treasurer),
	}
	treasury := plan.Treasury
	if treasury == nil {
		treasury, f.Signers = plan.treasury()
	}
	f.Charter = charter.Charter{
		Network: decision.NetworkOf(plan.Net), Fund: ID("fund"), Name: "Test fund", Version: 1,
		Expires: plan.Now.UTC().Truncate(time.Second).AddDate(1, 0, 0), HoldHours: 48, Trustees: 2,
		Treasuries: []charter.Treasury{{Descriptor: treasury.String()}},
		Lines:      []charter.Line{{Reviewers: 2, ByTerminal: 1, Treasurers: 1}},
		Limits: charter.Limits{
			Decision: 100_000_000, Day: 50_000_000, Month: 500_000_000, FeesDay: 1_000_000,
			FeeRateSatKVB: 60_000, Fee: 200_000, FeePermille: 50,
		},
	}
	online := treasury.Fingerprints()
	if len(online) > 2 {
		online = online[:2]
	}
	for i, fingerprint := range online {
		if i == len(f.Signers) {
			s := signer(i)
			s.Seed = nil
			f.Signers = append(f.Signers, s)
		}
		s := f.Signers[i]
		f.Charter.Signers = append(
			f.Charter.Signers,
			charter.Signer{Name: s.Name, Fingerprint: fingerprint, Key: s.Ack.Key()},
		)
	}
	for _, p := range slices.Concat(f.Trustees, f.Reviewers, f.Treasurers) {
		f.Charter.People = append(f.Charter.People, p.Person)
	}
	if plan.Change != nil {
		plan.Change(&f.Charter)
	}
	f.Charter = Checked(f.Charter)
	return f
}

// Next returns the version after f's charter, with changes: the same people hold its keys.
func (f Fund) Next(change func(c *charter.Charter)) Fund {
	c := must(charter.Parse(f.Charter.Encode())) // a copy of its own
	c.Version, c.Previous = c.Version+1, f.Charter.Digest()
	change(&c)
	f.Charter = Checked(c)
	return f
}

// Checked returns c with its people in order. It panics when c is no charter.
func Checked(c charter.Charter) charter.Charter {
	slices.SortFunc(c.People, func(a, b charter.Person) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return must(charter.Parse(c.Encode()))
}

// SignCharter returns the signatures of its own trustees over f's charter, as files hold them.
func (f Fund) SignCharter() [][]byte {
	signatures := make([][]byte, len(f.Trustees))
	for i, p := range f.Trustees {
		signatures[i] = p.SignSSH(f.Charter.Encode())
	}
	return signatures
}

func (p *Plan) fill() {
	if p.Net == nil {
		p.Net = &chaincfg.SimNetParams
	}
	p.Trustees, p.Reviewers, p.Treasurers = cmp.Or(p.Trustees, 3), cmp.Or(p.Reviewers, 3), cmp.Or(p.Treasurers, 2)
	p.Origin = cmp.Or(p.Origin, Origin)
	if p.Now.IsZero() {
		p.Now = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	}
}

func (p *Plan) people(name string, n int, role charter.Role) []*Person {
	list := make([]*Person, n)
	for i := range list {
		list[i] = NewPerson(fmt.Sprintf("%s %d", name, i+1), p.Origin, role)
	}
	return list
}

// treasury makes a treasury and the signers with its keys.
func (p *Plan) treasury() (*wallet.Descriptor, []Signer) {
	if p.Single {
		s := signer(0)
		return must(wallet.DescriptorFromSeed(s.Seed, wallet.KindWPKH, p.Net)), []Signer{s}
	}
	signers := []Signer{signer(0), signer(1), signer(2)}
	keys := make([]string, len(signers))
	for i, s := range signers {
		keys[i] = must(wallet.KeyExpression(s.Seed, wallet.KindWSH, p.Net))
	}
	return must(wallet.MultisigDescriptor(2, keys, p.Net)), signers
}

func signer(i int) Signer {
	name := string("ABC"[i])
	return Signer{Name: name, Seed: Seed("treasury " + name), Ack: NewSSH(Seed("ack " + name))}
}
