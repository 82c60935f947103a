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
	recordVersion = 1

	// maxRecord bounds one line of the journal: 200 inputs and 201 outputs take
	// about 70 KiB.
	maxRecord = 1 << 20
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
		return errors.New("a hash has 64 hex digits")
	}
	_, err := hex.Decode(h[:], text)
	return err
}

// Output is one output of a released transaction: a payment, which has Decision
// and Note, or change, which has Change.
type Output struct {
	Script   string  `json:"script"` // hex
	Sat      int64   `json:"sat"`
	Decision string  `json:"decision,omitempty"` // UUID
	Note     string  `json:"note,omitempty"`     // digest of the decision note, hex
	Change   *uint32 `json:"change,omitempty"`   // index on the change chain
}

// Record is one line of the journal: a transaction whose signatures may have
// left the signer.
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
}

// encode returns the canonical line without its line feed.
func (r Record) encode() ([]byte, error) {
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
	if r.V != recordVersion || !bytes.Equal(again, line) {
		return Record{}, errors.New("is not a record in canonical form")
	}
	return r, nil
}

// payments returns the outputs that are not change, by decision.
func (r Record) payments() map[string]Output {
	byDecision := make(map[string]Output, len(r.Outs))
	for _, o := range r.Outs {
		if o.Decision != "" {
			byDecision[o.Decision] = o
		}
	}
	return byDecision
}
