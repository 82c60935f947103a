package signer

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
)

// The kinds of a line that is no transaction.
const (
	KindCharter  = "charter"
	KindHalt     = "halt"
	KindResume   = "resume"
	KindHistory  = "history"
	KindHostHalt = "host_halt"
)

const (
	// actVersion is above every version of a Record that knew no acts, so that an older
	// program refuses the journal.
	actVersion = 3

	// maxAct bounds the line of an act: a history note of 8 MiB and its line feeds.
	maxAct = 10 << 20

	// maxHead is more than a line has before its kind, and less than a Record has there.
	maxHead = 160
)

// Head begins the line of every act.
type Head struct {
	V    int    `json:"v"`
	Seq  int64  `json:"seq"`  // 1 for the first line
	Prev Hash   `json:"prev"` // SHA-256 of the line before, without line feed; zeros for the first
	Time int64  `json:"time"` // Unix seconds
	Kind string `json:"kind"`
}

func (h *Head) place() *Head { return h }

// Act is a line of the journal that is no transaction: something that people decided and
// that was judged when it was taken in.
type Act interface {
	place() *Head
	kind() string
	// whole reports whether everything is there that the kind asks for.
	whole() bool
	// shed drops what nobody asks for once the act was judged.
	shed()
}

// CharterAct is a charter that was taken in.
type CharterAct struct {
	Head
	Charter    string   `json:"charter"`              // canonical text
	Signatures []string `json:"signatures,omitempty"` // armored, of trustees
	Pinned     bool     `json:"pinned,omitempty"`     // by a person on the signer's host
}

func (a *CharterAct) kind() string { return KindCharter }
func (a *CharterAct) whole() bool  { return a.Charter != "" }
func (a *CharterAct) shed()        { a.Signatures = nil }

// HaltAct is a halt of one person.
type HaltAct struct {
	Head
	Note     string `json:"note"`
	Envelope string `json:"envelope"`
	Person   string `json:"person"` // UUID
}

func (a *HaltAct) kind() string { return KindHalt }
func (a *HaltAct) whole() bool  { return a.Note != "" && a.Envelope != "" && a.Person != "" }
func (a *HaltAct) shed()        { a.Envelope = "" }

// ResumeAct lifts halts.
type ResumeAct struct {
	Head
	Note      string   `json:"note"`
	Envelopes []string `json:"envelopes"`
}

func (a *ResumeAct) kind() string { return KindResume }
func (a *ResumeAct) whole() bool  { return a.Note != "" && len(a.Envelopes) > 0 }
func (a *ResumeAct) shed()        { a.Envelopes = nil }

// HistoryAct is what trustees say was paid where no journal is left to tell.
type HistoryAct struct {
	Head
	Note      string   `json:"note"`
	Envelopes []string `json:"envelopes"`
}

func (a *HistoryAct) kind() string { return KindHistory }
func (a *HistoryAct) whole() bool  { return a.Note != "" && len(a.Envelopes) > 0 }
func (a *HistoryAct) shed()        { a.Envelopes = nil }

// HostHaltAct is the signer's own host stopping it, or lifting that.
type HostHaltAct struct {
	Head
	On bool `json:"on"`
}

func (a *HostHaltAct) kind() string { return KindHostHalt }
func (a *HostHaltAct) whole() bool  { return true }
func (a *HostHaltAct) shed()        {}

// kindOf returns the kind of an act's line, and "" for any other text.
func kindOf(line []byte) string {
	_, rest, found := bytes.Cut(line[:min(len(line), maxHead)], []byte(`,"kind":"`))
	if !found {
		return ""
	}
	kind, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(kind)
}

func newAct(kind string) Act {
	switch kind {
	case KindCharter:
		return &CharterAct{}
	case KindDecision:
		return &DecisionAct{}
	case KindHalt:
		return &HaltAct{}
	case KindResume:
		return &ResumeAct{}
	case KindHistory:
		return &HistoryAct{}
	case KindHostHalt:
		return &HostHaltAct{}
	}
	return nil
}

// parseAct reads one line without its line feed. It accepts only what encodeAct writes.
func parseAct(line []byte) (Act, error) {
	a := newAct(kindOf(line))
	if a == nil {
		return nil, errors.New("has a kind that this program does not know")
	}
	if err := json.Unmarshal(line, a); err != nil {
		return nil, fmt.Errorf("is not a record: %w", err)
	}
	// Unknown, missing and repeated fields do not survive this either.
	again, err := encodeAct(a)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, line) {
		return nil, errors.New("is not a record in canonical form")
	}
	return a, nil
}

func encodeAct(a Act) ([]byte, error) {
	switch {
	case a.place().V != actVersion:
		return nil, errors.New("has an unknown version")
	case a.place().Kind != a.kind():
		return nil, errors.New("has another kind than its fields")
	case !a.whole():
		return nil, errors.New("lacks what its kind requires")
	}
	line, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("encode journal record: %w", err)
	}
	if len(line) > maxAct {
		return nil, fmt.Errorf("journal record of %d bytes is longer than %d", len(line), maxAct)
	}
	return line, nil
}

// Take gives a its version, number and place in the chain, writes it and returns when it
// and the checkpoint are on the disk. The act counts when Count has grown, even with an
// error: then only its checkpoint is missing.
func (j *Journal) Take(a Act) error {
	if err := j.Settle(); err != nil {
		return err
	}
	h := a.place()
	h.V, h.Seq, h.Prev, h.Kind = actVersion, j.Count()+1, j.head, a.kind()
	line, err := encodeAct(a)
	if err != nil {
		return err
	}
	label := "S3"
	if h.Kind == KindCharter {
		label = "S8"
	}
	if err := j.put(line, label); err != nil {
		return err
	}
	j.add(len(line), sha256.Sum256(line), h.Time)
	a.shed()
	return j.Settle()
}

// hashAt returns SHA-256 of a line.
func (j *Journal) hashAt(number int64) (Hash, error) {
	if number == 0 {
		return Hash{}, nil
	}
	line, err := j.line(number)
	if err != nil {
		return Hash{}, err
	}
	return sha256.Sum256(line), nil
}
