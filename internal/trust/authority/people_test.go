package authority_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/keytest"
	"github.com/causeway-fund/causeway/internal/trust/approval"
	"github.com/causeway-fund/causeway/internal/trust/authority"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// descriptor is the treasury of the package charter's own examples.
const descriptor = "wsh(sortedmulti(2,[4ba43603/48h/115h/0h/2h]spub4cxWbvMYezMYXbB4tmzLLxntwRxWz8dPsEDjG6gCkFfjnu73xknsZWgj2Y29W64WSRehjSvz9inLhwA1c8X9UzzUFuB2WpNFgiqqVzfvKqg/<0;1>/*," +
	"[8dfc9b34/48h/115h/0h/2h]spub4d93mXK2xkW2dC8gjZW6PAjETff6VtTXsto2TfEtfjJJUdGdeHtAmetYbWwGBKfTz3AGczmZkxWoFdDe8ux4KqgbAAEKnjw8LR8rngF3BPC/<0;1>/*," +
	"[56c4fac3/48h/115h/0h/2h]spub4ccUpjrD9o9G9KAwXWNwecPkMVyfnTi5brct48Qn8avwive9LHMnfBi5CkEPPrMjrSAU5nfFNRKCV3ac6w2tY596NTKXav9zGHN7B23y14U/<0;1>/*))#kxkkgns2"

var (
	start = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	fund  = uuid.MustParse("0198c0de-0000-7000-8000-000000000001")
)

// human is somebody with an ssh key and a passkey.
type human struct {
	charter.Person
	key     *keytest.SSH
	passkey *keytest.Passkey
}

// person makes the n-th person.
func person(t *testing.T, n int, name string, roles ...charter.Role) human {
	t.Helper()
	p := keytest.NewPerson(name, keytest.Origin, roles...)
	p.ID = uuid.MustParse(fmt.Sprintf("0198c0de-0000-7000-8000-0000000001%02d", n))
	return human{p.Person, p.SSHKey, p.Passkey}
}

// sign signs as ssh-keygen -Y sign -n causeway does.
func (h human) sign(text []byte) []byte { return h.key.Sign(text) }

// The people of the tests' charter.
type people struct{ ada, lin, noor, vera, ron, kim, tom, sue human }

func everybody(t *testing.T) people {
	t.Helper()
	return people{
		ada: person(t, 1, "Ada", charter.Trustee), lin: person(t, 2, "Lin", charter.Trustee),
		noor: person(t, 3, "Noor", charter.Trustee), vera: person(t, 4, "Vera", charter.Reviewer),
		ron: person(t, 5, "Ron", charter.Reviewer), kim: person(t, 6, "Kim", charter.Reviewer),
		tom: person(t, 7, "Tom", charter.Treasurer), sue: person(t, 8, "Sue", charter.Treasurer),
	}
}

// first is version 1: up to 1,000,000 sat two reviewers, one of them at a terminal, and one
// treasurer; above, three, two and two.
func first(t *testing.T) charter.Charter {
	t.Helper()
	p := everybody(t)
	return charter.Charter{
		Network: decision.NetworkOf(&chaincfg.SimNetParams), Fund: fund, Name: "Demo fund", Version: 1,
		Expires: start.AddDate(1, 0, 0), HoldHours: 48, Trustees: 2,
		Treasuries: []charter.Treasury{{Descriptor: descriptor}},
		Signers:    []charter.Signer{{Name: "A", Fingerprint: "4ba43603", Key: person(t, 90, "signer A").SSH[0]}},
		Lines: []charter.Line{
			{UpTo: 1_000_000, Reviewers: 2, ByTerminal: 1, Treasurers: 1},
			{Reviewers: 3, ByTerminal: 2, Treasurers: 2},
		},
		Limits: charter.Limits{
			Decision: 20_000_000, Day: 5_000_000, Month: 10_000_000, FeesDay: 10_000,
			FeeRateSatKVB: 60_000, Fee: 8_000, FeePermille: 50,
		},
		People: []charter.Person{
			p.ada.Person, p.lin.Person, p.noor.Person, p.vera.Person, p.ron.Person, p.kim.Person, p.tom.Person, p.sue.Person,
		},
	}
}

// next is the version after c with a change.
func next(c charter.Charter, change func(*charter.Charter)) charter.Charter {
	n := c
	n.Version, n.Previous = c.Version+1, c.Digest()
	n.People, n.Lines, n.Revoked = slices.Clone(c.People), slices.Clone(c.Lines), slices.Clone(c.Revoked)
	change(&n)
	return n
}

func without(c *charter.Charter, h human) {
	c.People = slices.DeleteFunc(c.People, func(p charter.Person) bool { return p.ID == h.ID })
}

func (h human) statement(c charter.Charter, note decision.Digest, says approval.Says, as charter.Role) approval.Statement {
	return approval.Statement{
		Network: c.Network, Fund: c.Fund, Note: note, Says: says, Person: h.ID, As: as, Version: c.Version,
		Charter: c.Digest(), At: start,
	}
}

// says makes an envelope of h by ssh.
func (h human) says(c charter.Charter, note decision.Digest, says approval.Says, as charter.Role) approval.Envelope {
	s := h.statement(c, note, says, as)
	return approval.Envelope{Statement: string(s.Encode()), SSH: string(h.sign(s.Encode()))}
}

// touches makes an envelope of h by passkey.
func (h human) touches(c charter.Charter, note decision.Digest, as charter.Role) approval.Envelope {
	s := h.statement(c, note, approval.Approve, as)
	answer := h.passkey.Assert(s.Challenge())
	return approval.Envelope{Statement: string(s.Encode()), Passkey: &answer}
}

func approve(c charter.Charter, note decision.Digest, as charter.Role, by ...human) []approval.Envelope {
	var list []approval.Envelope
	for _, h := range by {
		list = append(list, h.says(c, note, approval.Approve, as))
	}
	return list
}

func note(text string) decision.Digest { return sha256.Sum256([]byte(text)) }

// terms are those of a decision of one period.
func terms(name string, most btcutil.Amount) authority.Terms {
	return authority.Terms{
		Network: decision.NetworkOf(&chaincfg.SimNetParams), Fund: fund, Digest: note(name), Most: most,
		Due: []time.Time{start}, Until: []time.Time{start.AddDate(0, 2, 0)},
	}
}

// under returns a State in which charters were taken in, the first at start.
func under(charters ...charter.Charter) *authority.State {
	s := authority.New(decision.NetworkOf(&chaincfg.SimNetParams), fund)
	for i, c := range charters {
		s.AddCharter(c, start.Add(time.Duration(i)*time.Hour), false)
	}
	return s
}

func after(d time.Duration) authority.Times { return authority.At(start.Add(d)) }

func code(t *testing.T, err error) errs.Code {
	t.Helper()
	if err == nil {
		return ""
	}
	e := (*errs.Error)(nil)
	if !errors.As(err, &e) {
		t.Fatalf("not a refusal: %v", err)
	}
	return e.Code
}

func want(t *testing.T, err error, want errs.Code) {
	t.Helper()
	if got := code(t, err); got != want {
		t.Helper()
		t.Errorf("got %q (%v), want %q", got, err, want)
	}
}
