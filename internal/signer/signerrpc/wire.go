package signerrpc

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/causeway-fund/causeway/internal/bitcoin/spv"
	"github.com/causeway-fund/causeway/internal/errs"
)

// Version is the version of the wire format.
const Version = 1

// Limits that both sides hold; a signer's policy may be stricter.
//
// A PSBT comes without previous transactions: what it signs has at most 3,100
// outputs of 43 bytes and 1,000 inputs of 41, 175 kB, and says for each input
// what it is worth and which keys spend it. The previous transactions stand beside
// it, each once however many inputs spend it, since strangers decide how large they
// are: a block holds none of more than 1 MB without its witnesses, so that 12 MiB
// are twelve of the largest, or a thousand of 12 kB.
//
// A line holds the PSBT and the previous transactions in base64 (21.4 MiB), a
// batch note (1 MiB), 3,099 decision notes of 8 KiB (24.3 MiB), approvals (1 MiB)
// and proofs in hexadecimal (8 MiB): 55.7 MiB and JSON around it.
const (
	MaxLine      = 60 << 20 // bytes of one JSON line, line feed included
	MaxPSBT      = 4 << 20  // bytes of the decoded PSBT
	MaxPrevTxs   = 12 << 20 // bytes of all previous transactions together
	MaxInputs    = 1000
	MaxOutputs   = 3100
	MaxApprovals = 1 << 20 // bytes of all approvals together
	MaxDead      = 4 << 20 // bytes of all proofs together, decoded
	MaxProofs    = 4096
)

// Request asks for the signatures of one attempt of one batch. Everything in it
// is untrusted to the signer, which checks it against its own key and journal.
//
// There are three kinds. One that pays has a batch note and its decisions.
// Upkeep has an upkeep note and no decisions. One that takes a batch back has
// the note of that batch, a void note and no decisions.
type Request struct {
	PSBT      []byte            `json:"psbt"`       // BIP174 v0, binary; base64 on the wire; no signatures, no previous transactions
	PrevTxs   [][]byte          `json:"prev_txs"`   // those that the inputs spend, each once, without witnesses
	BatchNote string            `json:"batch_note"` // canonical text, decision.BatchNote or decision.UpkeepNote
	Decisions []string          `json:"decisions"`  // canonical texts, decision.Note, each once
	BatchID   string            `json:"batch_id"`   // UUID, must be the one in the batch note
	AttemptNo int64             `json:"attempt_no"` // 0 for the first transaction of the batch
	Void      string            `json:"void,omitempty"`
	Dead      []DeadProof       `json:"dead,omitempty"`
	Approvals []json.RawMessage `json:"approvals,omitempty"` // envelopes over the batch, upkeep or void note
	Headers   []byte            `json:"headers,omitempty"`   // newest six of the chain, 80 bytes each: they show the time
}

// DeadProof says that an earlier transaction can never confirm: another one
// spends an input of it and has as many confirmations as the signer asks for.
// One proof with an empty Decision serves for every payment of the request and
// every earlier transaction that it covers: repeating it for each would not fit
// into MaxDead. What is said about a transaction that the signer never signed is
// left out. It serves, too, for the coins of a batch that is dead and whose
// payments are not in the request.
type DeadProof struct {
	Decision string        `json:"decision,omitempty"` // UUID that is paid again; empty for all of the request
	Period   int           `json:"period,omitempty"`   // of Decision
	TxID     string        `json:"txid"`               // the earlier transaction, as people write it
	Proof    spv.Inclusion `json:"proof"`              // of the transaction in its place
}

// JournalEntry is one line of the signer's journal, byte for byte, without its
// line feed.
type JournalEntry struct {
	Seq  int64  `json:"seq"` // 1 for the first line
	Line string `json:"line"`
}

// JournalQuery asks for the lines after number After.
type JournalQuery struct {
	After int64 `json:"after"`
}

// JournalPage is some of the lines that were asked for, in order and without a
// gap; none when there are no more.
type JournalPage struct {
	Entries []JournalEntry `json:"entries"`
}

// Response carries the signed PSBT: the one of the request, as bare, with a partial
// signature (P2WPKH, and P2WSH for the signer's own key) or a key-path signature
// (P2TR) for every input.
type Response struct {
	PSBT []byte `json:"psbt"`
	TxID string `json:"txid"` // as people write it
}

// Info says what a signer is and where its journal stands.
type Info struct {
	Program          string `json:"program"` // version of the program
	Network          string `json:"network"`
	Genesis          string `json:"genesis"`     // block hash as people write it
	Descriptor       string `json:"descriptor"`  // of the treasury, with checksum
	Fingerprint      string `json:"fingerprint"` // of the master key, 8 hex digits (BIP32)
	JournalRecords   int64  `json:"journal_records"`
	JournalHead      string `json:"journal_head"`        // SHA-256 of the last line, 64 hex digits
	MinFeeRateSatKVB int64  `json:"min_feerate_sat_kvb"` // also what a void has to be able to pay for its relay
	MaxFeeRateSatKVB int64  `json:"max_feerate_sat_kvb"`
	MaxFeeSat        int64  `json:"max_fee_sat"`
	MaxFeePermille   int64  `json:"max_fee_permille"` // of the sum of the payments; of the inputs when nobody is paid
	MaxInputs        int64  `json:"max_inputs"`
	MaxOutputs       int64  `json:"max_outputs"`               // change included
	FinalDepth       int64  `json:"final_depth"`               // confirmations that a proof needs, so many headers
	JournalTrouble   bool   `json:"journal_trouble,omitempty"` // its disk took no test of a write: it would sign nothing
	RolledBack       bool   `json:"rolled_back,omitempty"`     // its journal lacks lines that it has written
}

// Trouble is nil when the signer could sign, and else Unavailable with code
// journal_rolled_back or journal_unwritable.
func (i Info) Trouble() error {
	switch {
	case i.RolledBack:
		return errs.Newf(
			errs.Unavailable,
			CodeJournalRolledBack,
			"The journal of signer %s lacks lines that the signer has written, so it signs nothing. Restore its newest "+
				"copy and start the signer again.",
			i.Fingerprint,
		)
	case i.JournalTrouble:
		return errs.Newf(
			errs.Unavailable,
			CodeJournalUnwritable,
			"Signer %s cannot write its journal, so it signs nothing. Free space on its disk. If the error remains, "+
				"restart the signer.",
			i.Fingerprint,
		)
	}
	return nil
}

// Ack is what a signer knows and signed (package ack): its charter, what is halted, and where
// its journal stands.
type Ack struct {
	Text      string `json:"text"`
	Signature string `json:"signature"` // armored SSH signature
}

// Papers are what people decided, for a signer to take in: charters first, in the order of
// their versions, then halts, resumes, histories and decisions.
type Papers struct {
	Charters  []Paper `json:"charters,omitempty"` // armored signatures of trustees
	Halts     []Paper `json:"halts,omitempty"`    // one envelope each
	Resumes   []Paper `json:"resumes,omitempty"`
	Histories []Paper `json:"histories,omitempty"`
	Decisions []Paper `json:"decisions,omitempty"`
}

// Paper is a note with what people signed over it: envelopes, or SSH signatures of a charter.
type Paper struct {
	Note   string   `json:"note"` // canonical text
	Signed []string `json:"signed,omitempty"`
}

// Taken says what came of papers. What is not named was taken in, now or before.
type Taken struct {
	Refused []RefusedPaper `json:"refused,omitempty"`
}

// RefusedPaper is a note that a rule forbids to take in, as yet or for ever.
type RefusedPaper struct {
	Note    string `json:"note"` // its digest, hex
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Host is what only a person on the signer's host may ask, on a socket of its own.
type Host struct {
	Halt bool `json:"halt,omitempty"` // stop everything but voids
	Lift bool `json:"lift,omitempty"` // lift that
	// Pin is a charter that follows whatever there was, once a person has compared its digest.
	Pin string `json:"pin,omitempty"`
}

// Done is the answer to what has no other.
type Done struct{}

// Failure is an answer that carries no result.
type Failure struct {
	Code    string `json:"code"`    // the rule that refused, or what is broken
	Message string `json:"message"` // plain English
	// Retry says that the signer could not do its work (a full disk, say) rather
	// than refused it.
	Retry bool `json:"retry,omitempty"`
}

// Call is one line from the worker: exactly one of its members is set, and beside it the
// newest ack that the signer gave.
type Call struct {
	V       int           `json:"v"`
	Ack     *Ack          `json:"ack,omitempty"`
	Sign    *Request      `json:"sign,omitempty"`
	Info    *struct{}     `json:"info,omitempty"`
	Journal *JournalQuery `json:"journal,omitempty"`
	Check   *Request      `json:"check,omitempty"` // would Sign sign it?
	Accept  *Papers       `json:"accept,omitempty"`
	Host    *Host         `json:"host,omitempty"`
}

// Reply is one line from the signer: exactly one of its members is set, and beside it what
// the signer knows.
type Reply struct {
	V       int          `json:"v"`
	Ack     *Ack         `json:"ack,omitempty"`
	Signed  *Response    `json:"signed,omitempty"`
	Info    *Info        `json:"info,omitempty"`
	Journal *JournalPage `json:"journal,omitempty"`
	Taken   *Taken       `json:"taken,omitempty"`
	Done    *Done        `json:"done,omitempty"`
	Error   *Failure     `json:"error,omitempty"`
}

// ReadCall reads one call. The error's text may be shown to the caller.
func ReadCall(r io.Reader) (Call, error) {
	var c Call
	if err := readLine(r, &c); err != nil {
		return Call{}, err
	}
	if c.V != Version {
		return Call{}, fmt.Errorf("speaks version %d, not %d", c.V, Version)
	}
	if count(c.Sign != nil, c.Info != nil, c.Journal != nil, c.Check != nil, c.Accept != nil, c.Host != nil) != 1 {
		return Call{}, errors.New("must ask for exactly one thing")
	}
	return c, nil
}

func count(present ...bool) int {
	n := 0
	for _, p := range present {
		if p {
			n++
		}
	}
	return n
}

// ReadReply reads one reply.
func ReadReply(r io.Reader) (Reply, error) {
	var p Reply
	if err := readLine(r, &p); err != nil {
		return Reply{}, err
	}
	set := count(p.Signed != nil, p.Info != nil, p.Journal != nil, p.Taken != nil, p.Done != nil, p.Error != nil)
	if p.V != Version || set != 1 {
		return Reply{}, fmt.Errorf("has version %d and %d results, not %d and 1", p.V, set, Version)
	}
	return p, nil
}

// WriteLine writes v as one JSON line in one call of Write.
func WriteLine(w io.Writer, v any) error {
	line, err := encodeLine(v)
	if err != nil {
		return err
	}
	if _, err := w.Write(line); err != nil {
		return fmt.Errorf("write line: %w", err)
	}
	return nil
}

func encodeLine(v any) ([]byte, error) {
	line, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode line: %w", err)
	}
	line = append(line, '\n')
	if len(line) > MaxLine {
		return nil, fmt.Errorf("line of %d bytes is longer than %d", len(line), MaxLine)
	}
	return line, nil
}

func readLine(r io.Reader, v any) error {
	buffered := bufio.NewReader(io.LimitReader(r, MaxLine+1))
	line, err := buffered.ReadBytes('\n')
	if len(line) > MaxLine {
		return fmt.Errorf("is longer than %d bytes", MaxLine)
	}
	if err != nil {
		return fmt.Errorf("ends before its line feed: %w", err)
	}
	if buffered.Buffered() > 0 {
		return errors.New("has data after its line feed")
	}
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("is not the expected JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("has more than one JSON value")
	}
	return nil
}
