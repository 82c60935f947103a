package certificate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/spv"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

const (
	// Version is the type and version of the document.
	Version = "causeway/certificate/v2"

	// MaxBytes bounds a certificate: a transaction of the largest batch and
	// spv.MaxHeaders headers stay below it.
	MaxBytes = 1 << 20

	maxReference = 64
)

// Certificate is the document. Hashes and digests are lower-case hexadecimal,
// transaction and block hashes as people write them.
type Certificate struct {
	Version        string        `json:"version"`
	Network        string        `json:"network"` // mainnet, testnet3, signet, simnet, regtest
	DecisionNote   string        `json:"decision_note"`
	DecisionDigest string        `json:"decision_digest"`
	Period         int           `json:"period"`              // of the decision, from 1
	Reference      string        `json:"reference,omitempty"` // of the grant, as its operator knows it
	BatchDigest    string        `json:"batch_digest"`        // of the note that a treasurer approved
	TxID           string        `json:"txid"`
	Vout           uint32        `json:"vout"`
	AmountSat      int64         `json:"amount_sat"`
	Script         string        `json:"script"`
	Address        string        `json:"address"`
	BlockHash      string        `json:"block_hash"`
	Height         int32         `json:"height"`
	Inclusion      spv.Inclusion `json:"inclusion"`
	IssuedAt       string        `json:"issued_at"` // RFC 3339, whole seconds, UTC
	SHA256         string        `json:"sha256"`    // of the document with this field empty
}

// Parts is what a certificate is made from.
type Parts struct {
	Note        decision.Note
	Period      int
	Reference   string // may be empty
	BatchDigest decision.Digest
	Vout        uint32
	Height      int32
	Inclusion   spv.Inclusion
	IssuedAt    time.Time
}

// Build returns the certificate of one payment, without the witness of its
// transaction, which proves nothing here. A payment that opt would refuse is an
// error (errs.Invalid, code certificate_refused) that names the first fault.
func Build(p Parts, opt Options) (Certificate, error) {
	tx := new(wire.MsgTx)
	if err := tx.Deserialize(bytes.NewReader(p.Inclusion.Tx)); err != nil {
		return Certificate{}, refuse("contains a transaction that cannot be read")
	}
	var bare bytes.Buffer
	if err := tx.SerializeNoWitness(&bare); err != nil {
		return Certificate{}, fmt.Errorf("write transaction: %w", err)
	}
	var block wire.BlockHeader
	if err := block.Deserialize(bytes.NewReader(p.Inclusion.Headers)); err != nil {
		return Certificate{}, refuse("has no block header")
	}
	if !p.Note.Has(p.Period) {
		return Certificate{}, refuse("is for period %d, which the decision does not have", p.Period)
	}
	if int64(p.Vout) >= int64(len(tx.TxOut)) {
		return Certificate{}, refuse("names output %d, which the transaction does not have", p.Vout)
	}
	payee := p.Note.Payee(p.Period)
	proof := p.Inclusion
	proof.Tx = bare.Bytes()
	c := Certificate{
		Version:        Version,
		Network:        p.Note.Network.Name,
		DecisionNote:   string(p.Note.Encode()),
		DecisionDigest: p.Note.Digest().String(),
		Period:         p.Period,
		Reference:      p.Reference,
		BatchDigest:    p.BatchDigest.String(),
		TxID:           tx.TxHash().String(),
		Vout:           p.Vout,
		AmountSat:      tx.TxOut[p.Vout].Value,
		Script:         hex.EncodeToString(payee.Script),
		Address:        payee.Address,
		BlockHash:      block.BlockHash().String(),
		Height:         p.Height,
		Inclusion:      proof,
		IssuedAt:       p.IssuedAt.UTC().Format(time.RFC3339),
	}
	text, err := c.Encode()
	if err != nil {
		return Certificate{}, err
	}
	if c, err = Parse(text); err != nil {
		return Certificate{}, err
	}
	return c, c.Verify(opt).Err()
}

// Encode returns the canonical bytes, with the checksum computed anew: indented
// JSON that ends in a line feed.
func (c Certificate) Encode() ([]byte, error) {
	c.SHA256 = ""
	bare, err := c.marshal()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(bare)
	c.SHA256 = hex.EncodeToString(sum[:])
	return c.marshal()
}

func (c Certificate) marshal() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(c); err != nil {
		return nil, fmt.Errorf("write certificate: %w", err)
	}
	return b.Bytes(), nil
}

// Parse reads a certificate and checks its form alone; Verify checks what it
// says. It refuses every text that Encode would not have written: other fields
// or spacing, another version, a checksum that does not hold (errs.Invalid, code
// bad_certificate).
func Parse(text []byte) (Certificate, error) {
	if len(text) > MaxBytes {
		return Certificate{}, malformed("is longer than %d bytes", MaxBytes)
	}
	var c Certificate
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return Certificate{}, malformed("cannot be read as a payment certificate")
	}
	if _, err := dec.Token(); err != io.EOF {
		return Certificate{}, malformed("has extra data after its end")
	}
	if c.Version != Version {
		return Certificate{}, malformed("is not of version %s", Version)
	}
	if again, err := c.Encode(); err != nil || !bytes.Equal(again, text) {
		return Certificate{}, malformed("was changed after it was issued: its checksum or its format is wrong")
	}
	return c, c.checkForm()
}

// checkForm holds the fields that nothing is compared with.
func (c Certificate) checkForm() error {
	if _, err := decision.ParseDigest(c.BatchDigest); err != nil {
		return malformed("has a batch_digest that is not 64 hexadecimal digits")
	}
	issued, err := time.Parse(time.RFC3339, c.IssuedAt)
	if err != nil || issued.UTC().Format(time.RFC3339) != c.IssuedAt {
		return malformed("has an issued_at that is not a time like 2026-11-26T00:00:00Z")
	}
	if c.Height < 0 {
		return malformed("has a negative height")
	}
	if len(c.Reference) > maxReference {
		return malformed("has a reference of more than %d bytes", maxReference)
	}
	for _, b := range []byte(c.Reference) {
		if b < 0x20 || b > 0x7e {
			return malformed("has a reference that is not printable ASCII")
		}
	}
	return nil
}

func malformed(format string, args ...any) *errs.Error {
	return errs.New(errs.Invalid, CodeBadCertificate, "The certificate "+fmt.Sprintf(format, args...)+".")
}

func refuse(format string, args ...any) *errs.Error {
	return errs.New(errs.Invalid, CodeCertificateRefused, "The certificate "+fmt.Sprintf(format, args...)+".")
}
