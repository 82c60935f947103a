package spv

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/btcsuite/btcd/chainhash/v2"
)

// document is the JSON form of an Inclusion: lower-case hexadecimal, hashes as
// people write them (the last byte first).
type document struct {
	Tx       string   `json:"tx"`
	Position uint32   `json:"position"`
	Branch   []string `json:"branch"`
	Headers  []string `json:"headers"`
}

// MarshalJSON writes an object with tx (hex), position (number), branch and
// headers (lists of hex).
func (p Inclusion) MarshalJSON() ([]byte, error) {
	doc := document{
		Tx:       hex.EncodeToString(p.Tx),
		Position: p.Position,
		Branch:   make([]string, len(p.Branch)),
		Headers:  make([]string, 0, p.Confirmations()),
	}
	for i, h := range p.Branch {
		doc.Branch[i] = h.String()
	}
	if len(p.Headers)%HeaderSize != 0 {
		return nil, fmt.Errorf("write proof: %d bytes are no block headers", len(p.Headers))
	}
	for at := 0; at < len(p.Headers); at += HeaderSize {
		doc.Headers = append(doc.Headers, hex.EncodeToString(p.Headers[at:at+HeaderSize]))
	}
	return json.Marshal(doc)
}

// UnmarshalJSON reads the form that MarshalJSON writes: other fields,
// capital letters and hashes or headers of another length are refused
// (errs.Invalid, code bad_proof).
func (p *Inclusion) UnmarshalJSON(text []byte) error {
	var doc document
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		return badProof("is not of the form that is documented")
	}
	if _, err := dec.Token(); err != io.EOF {
		return badProof("has extra data after its end")
	}
	if len(doc.Branch) > maxDepth || len(doc.Headers) > MaxHeaders || len(doc.Tx) > 2*MaxTxBytes {
		return badProof("is longer than any proof needs")
	}
	var err error
	out := Inclusion{Position: doc.Position}
	if out.Tx, err = lowerHex(doc.Tx); err != nil {
		return badProof("has a transaction that is not hexadecimal")
	}
	for _, s := range doc.Branch {
		h, err := chainhash.NewHashFromStr(s)
		if err != nil || h.String() != s {
			return badProof("has a branch with something else than hashes")
		}
		out.Branch = append(out.Branch, *h)
	}
	for _, s := range doc.Headers {
		h, err := lowerHex(s)
		if err != nil || len(h) != HeaderSize {
			return badProof("has a block header that is not %d bytes in hexadecimal", HeaderSize)
		}
		out.Headers = append(out.Headers, h...)
	}
	*p = out
	return nil
}

func lowerHex(s string) ([]byte, error) {
	if s != strings.ToLower(s) {
		return nil, hex.InvalidByteError('A')
	}
	return hex.DecodeString(s)
}
