package signer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

const (
	recordVersion = 3

	// maxRecord bounds one line of the journal: 1,000 inputs and 3,100 outputs
	// take about 0.8 MiB, their note another half.
	maxRecord = 4 << 20
)

// The kinds of a transaction: it pays decisions, takes a batch back, or tends
// the treasury's own coins.
const (
	KindPay    = "pay"
	KindVoid   = "void"
	KindUpkeep = "upkeep"
)

// Hash is a SHA-256 that is written as 64 lower-case hex digits.
type Hash [sha256.Size]byte

// String returns the hash in lower-case hex.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText writes lower-case hex.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads 64 hex digits.
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(h)) {
		return errors.New("a hash must have 64 hex digits")
	}
	_, err := hex.Decode(h[:], text)
	return err
}

// Output is one output of a released transaction: a payment, which has Decision,
// Period and Note, or change, which has Change.
type Output struct {
	Script   string  `json:"script"` // hex
	Sat      int64   `json:"sat"`
	Decision string  `json:"decision,omitempty"` // UUID
	Period   int     `json:"period,omitempty"`   // of the decision, from 1
	Note     string  `json:"note,omitempty"`     // digest of the decision note, hex
	Change   *uint32 `json:"change,omitempty"`   // index on the change chain
}

// instalment is what is paid once: one period of one decision.
type instalment struct {
	decision string // UUID
	period   int
}

// Record is one line of the journal: a transaction whose signatures may have
// left the signer. A transaction can be made again from its line: version 2, every
// sequence 0xfffffffd.
type Record struct {
	V         int      `json:"v"`
	Seq       int64    `json:"seq"`        // 1 for the first line
	Prev      Hash     `json:"prev"`       // SHA-256 of the line before, without line feed; zeros for the first
	Time      int64    `json:"time"`       // Unix seconds
	Treasury  Hash     `json:"treasury"`   // SHA-256 of the descriptor
	Request   Hash     `json:"request"`    // SHA-256 of the request as JSON
	Batch     string   `json:"batch"`      // UUID
	Number    uint32   `json:"number"`     // of the batch
	BatchNote string   `json:"batch_note"` // digest, hex
	Attempt   int64    `json:"attempt"`
	TxID      string   `json:"txid"`
	Inputs    []string `json:"inputs"` // txid:vout, in the order of the transaction
	Outs      []Output `json:"outs"`   // in the order of the transaction
	Fee       int64    `json:"fee"`    // satoshi
	Kind      string   `json:"kind"`
	LockTime  uint32   `json:"lock_time,omitempty"`
	Note      string   `json:"note"`           // text of the batch or upkeep note
	Void      string   `json:"void,omitempty"` // text of the void note; empty unless Kind is KindVoid
	Dead      []Dead   `json:"dead,omitempty"` // what this transaction relied on
}

// Dead names an earlier transaction that was proven dead to this signer: By
// spends an input of it, had as many confirmations as the policy asks for, and
// pays none of the instalments that both the record and the earlier one pay.
type Dead struct {
	TxID  string `json:"txid"`
	By    string `json:"by"`
	Block string `json:"block"` // hash of the block with By, as people write it
}

// checkForm refuses another version and fields that do not go together.
func (r Record) checkForm() error {
	switch {
	case r.V != recordVersion:
		return errors.New("has an unknown version")
	case r.Kind != KindPay && r.Kind != KindVoid && r.Kind != KindUpkeep:
		return errors.New("has an unknown kind")
	case r.Note == "" || (r.Void != "") != (r.Kind == KindVoid):
		return errors.New("lacks the notes that its kind requires")
	}
	for i, o := range r.Outs {
		if paid := o.Period > 0; paid != (o.Decision != "") || paid != (o.Note != "") || paid == (o.Change != nil) {
			return fmt.Errorf("has an output %d that is neither a payment nor change", i)
		}
	}
	return nil
}

// encode returns the canonical line without its line feed.
func (r Record) encode() ([]byte, error) {
	if err := r.checkForm(); err != nil {
		return nil, err
	}
	line, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode journal record: %w", err)
	}
	if len(line) > maxRecord {
		return nil, fmt.Errorf("journal record of %d bytes is longer than %d", len(line), maxRecord)
	}
	return line, nil
}

// parseRecord reads one line without its line feed. It accepts only what encode
// writes.
func parseRecord(line []byte) (Record, error) {
	var r Record
	if err := json.Unmarshal(line, &r); err != nil {
		return Record{}, fmt.Errorf("is not a record: %w", err)
	}
	// Unknown, missing and repeated fields do not survive this either.
	again, err := r.encode()
	if err != nil {
		return Record{}, err
	}
	if !bytes.Equal(again, line) {
		return Record{}, errors.New("is not a record in canonical form")
	}
	return r, nil
}

// payments returns the outputs that are not change, by instalment.
func (r Record) payments() map[instalment]Output {
	paid := make(map[instalment]Output, len(r.Outs))
	for _, o := range r.Outs {
		if o.Decision != "" {
			paid[instalment{o.Decision, o.Period}] = o
		}
	}
	return paid
}
