package signer_test

import (
	"crypto/sha256"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/testkit/keytest"
	"github.com/causeway-fund/causeway/internal/trust/ack"
	"github.com/causeway-fund/causeway/internal/trust/approval"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/halt"
)

// chartered is signer A of a fund whose journal begins with the fund's charter.
type chartered struct {
	keytest.Fund
	key  *signer.Key
	path string
	clk  *clock.Fake
	*signer.Signer
}

// keyOf is the key of signer A of a fund.
func keyOf(t tb, f keytest.Fund) *signer.Key {
	t.Helper()
	key, err := signer.NewSharedKey(f.Signers[0].Seed, f.Charter.Treasuries[0].Descriptor, &chaincfg.SimNetParams)
	if err != nil {
		t.Fatal(err)
	}
	return key.WithAcks(keytest.Seed("ack A"))
}

func newChartered(t *testing.T, change func(c *charter.Charter)) *chartered {
	t.Helper()
	f := keytest.NewFund(keytest.Plan{Change: func(c *charter.Charter) {
		c.Fund = testFund()
		if change != nil {
			change(c)
		}
	}})
	c := &chartered{Fund: f, key: keyOf(t, f), path: filepath.Join(t.TempDir(), "journal"), clk: fakeClock()}
	if err := signer.BeginJournal(c.path, f.Charter, now()); err != nil {
		t.Fatal(err)
	}
	s, closeJournal := openSigner(t, c.key, c.path, c.clk)
	t.Cleanup(closeJournal)
	c.Signer = s
	return c
}

// acked is what the newest ack says.
func (c *chartered) acked(t *testing.T) ack.Ack {
	t.Helper()
	key, _ := c.key.AckKey()
	given := c.Ack()
	a, err := ack.Open([]byte(given.Text), []byte(given.Signature), key)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// statement is what p says to a note.
func (c *chartered) statement(p *keytest.Person, note decision.Digest, as charter.Role) []byte {
	return approval.Statement{
		Network: c.Charter.Network, Fund: c.Charter.Fund, Note: note, Says: approval.Approve, Person: p.ID, As: as,
		Version: c.Charter.Version, Charter: c.Charter.Digest(), At: now(),
	}.Encode()
}

func (c *chartered) bySSH(t tb, p *keytest.Person, note decision.Digest, as charter.Role) string {
	t.Helper()
	text := c.statement(p, note, as)
	return encoded(t, approval.Envelope{Statement: string(text), SSH: string(p.SignSSH(text))})
}

func (c *chartered) byPasskey(t tb, p *keytest.Person, note decision.Digest, as charter.Role) string {
	t.Helper()
	text := c.statement(p, note, as)
	answer := p.Assert(sha256.Sum256(text))
	return encoded(t, approval.Envelope{Statement: string(text), Passkey: &answer})
}

func encoded(t tb, e approval.Envelope) string {
	t.Helper()
	text, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// reviewed is a decision with two reviewers, one of them by ssh.
func (c *chartered) reviewed(t tb, n decision.Note) signerrpc.Paper {
	t.Helper()
	return signerrpc.Paper{Note: string(n.Encode()), Signed: []string{
		c.bySSH(t, c.Reviewers[0], n.Digest(), charter.Reviewer), c.byPasskey(t, c.Reviewers[1], n.Digest(), charter.Reviewer),
	}}
}

func (c *chartered) decisions(t *testing.T, d *draft) signerrpc.Papers {
	t.Helper()
	var papers signerrpc.Papers
	for _, n := range d.notes {
		papers.Decisions = append(papers.Decisions, c.reviewed(t, n))
	}
	return papers
}

// takes hands papers in and expects each to be refused by a code, or none for "".
func (c *chartered) takes(t *testing.T, papers signerrpc.Papers, want string) {
	t.Helper()
	taken, err := c.Accept(t.Context(), papers)
	if err != nil {
		t.Fatal(err)
	}
	if want == "" && len(taken.Refused) > 0 || want != "" && (len(taken.Refused) == 0 || taken.Refused[0].Code != want) {
		t.Errorf("refused %+v, want %q", taken.Refused, want)
	}
}

// approvedBy is the request of d with envelopes over the note that decides: of the void, or
// of the batch or upkeep.
func (c *chartered) approvedBy(t *testing.T, d *draft, as charter.Role, by ...*keytest.Person) signerrpc.Request {
	t.Helper()
	req := d.request(t)
	text := req.BatchNote
	if req.Void != "" {
		text = req.Void
	}
	for _, p := range by {
		req.Approvals = append(req.Approvals, json.RawMessage(c.byPasskey(t, p, sha256.Sum256([]byte(text)), as)))
	}
	return req
}

// signs asks for a signature, checks first, and expects one refusal of both, or none for "".
func (c *chartered) signs(t *testing.T, req signerrpc.Request, want errs.Code) {
	t.Helper()
	before := c.Info().JournalRecords
	checked := c.Check(req)
	if got := c.Info().JournalRecords; got != before {
		t.Errorf("Check wrote %d lines", got-before)
	}
	_, err := c.Sign(t.Context(), req)
	for name, err := range map[string]error{"check": checked, "sign": err} {
		if want == "" && err != nil || want != "" && !errs.Is(err, want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
}

func (c *chartered) halts(t *testing.T, id uuid.UUID, by *keytest.Person) signerrpc.Papers {
	t.Helper()
	n := halt.Note{Network: c.Charter.Network, Fund: c.Charter.Fund, ID: id, Reason: "a stolen laptop"}
	return signerrpc.Papers{Halts: []signerrpc.Paper{{
		Note: string(n.Encode()), Signed: []string{c.byPasskey(t, by, n.Digest(), approval.Any)},
	}}}
}

func (c *chartered) resumes(t *testing.T, id uuid.UUID, by ...*keytest.Person) signerrpc.Papers {
	t.Helper()
	n := halt.Resume{Network: c.Charter.Network, Fund: c.Charter.Fund, ID: keytest.ID("resume"), Lifts: []uuid.UUID{id}}
	p := signerrpc.Paper{Note: string(n.Encode())}
	for _, trustee := range by {
		p.Signed = append(p.Signed, c.bySSH(t, trustee, n.Digest(), charter.Trustee))
	}
	return signerrpc.Papers{Resumes: []signerrpc.Paper{p}}
}
