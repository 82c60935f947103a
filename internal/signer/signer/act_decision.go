package signer

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/causeway-fund/causeway/internal/trust/authority"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// KindDecision is the kind of an accepted decision's line.
const KindDecision = "decision"

// DecisionAct is a decision that was accepted: the note, the approvals, and what each charter
// that bound then asked and got.
type DecisionAct struct {
	Head
	Note      string   `json:"note"`
	Envelopes []string `json:"envelopes"`
	Quorums   []Quorum `json:"quorums"`

	read readDecision // once shed
}

// readDecision is what counts of a decision's line. It is worked out while lines are read,
// which is on all cores.
type readDecision struct {
	terms          authority.Terms
	paper, subject decision.Digest
	err            error
}

func (a *DecisionAct) kind() string { return KindDecision }
func (a *DecisionAct) whole() bool {
	return a.Note != "" && len(a.Envelopes) > 0 && len(a.Quorums) > 0
}

func (a *DecisionAct) shed() {
	a.read.paper = paperDigest(a.Note, a.Envelopes)
	a.read.subject, a.read.err = a.subject()
	note, err := decision.Parse([]byte(a.Note))
	if err != nil {
		a.read.err = fmt.Errorf("read an accepted decision: %w", err)
	}
	a.read.terms = termsOf(note)
	a.Note, a.Envelopes = "", nil
}

// paperDigest tells whether the same was handed in before.
func paperDigest(note string, signed []string) decision.Digest {
	h := sha256.New()
	for _, text := range append([]string{note}, signed...) {
		sum := digestOf(text)
		h.Write(sum[:])
	}
	return decision.Digest(h.Sum(nil))
}

// subject tells apart acceptances of one decision that count differently.
func (a *DecisionAct) subject() (decision.Digest, error) {
	quorums, err := json.Marshal(a.Quorums)
	return paperDigest(a.Note, []string{string(quorums)}), err
}

// Quorum is what one charter asked of a decision, and who gave it.
type Quorum struct {
	Charter    Hash                 `json:"charter"` // digest
	Reviewers  int64                `json:"reviewers"`
	ByTerminal int64                `json:"by_terminal"`
	By         []authority.Reviewer `json:"by"`
}

func quorumsOf(a authority.Accepted) []Quorum {
	quorums := make([]Quorum, len(a.Quorums))
	for i, q := range a.Quorums {
		quorums[i] = Quorum{Hash(q.Charter), q.Reviewers, q.ByTerminal, q.By}
	}
	return quorums
}

// accepted gives back what was accepted.
func (a *DecisionAct) accepted() authority.Accepted {
	accepted := authority.Accepted{Terms: a.read.terms}
	for _, q := range a.Quorums {
		accepted.Quorums = append(
			accepted.Quorums,
			authority.Quorum{
				Charter:    decision.Digest(q.Charter),
				Reviewers:  q.Reviewers,
				ByTerminal: q.ByTerminal,
				By:         q.By,
			},
		)
	}
	return accepted
}
