package decision

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"
)

const (
	voidHeader = "causeway/void/v2"

	// MaxVoidBytes bounds a void note.
	MaxVoidBytes = 1024
)

// VoidNote is what a treasurer approves to take a batch back: spend its inputs
// to its own change and pay nobody. It names the note that it takes back, so it
// is worth nothing for another batch. It has no highest feerate: a small void has
// to pay more than a large batch did, so that the fee in satoshi alone bounds it.
type VoidNote struct {
	Network Network
	Fund    uuid.UUID
	Batch   uuid.UUID
	Number  uint32    // of the batch; also the index of the change script
	Note    Digest    // of the batch's BatchNote or UpkeepNote
	Until   time.Time // of the first release; whole seconds, UTC
	MaxFee  btcutil.Amount
}

// Encode returns the canonical bytes.
func (n VoidNote) Encode() []byte {
	var b bytes.Buffer
	writeHead(&b, voidHeader, n.Network, n.Fund)
	fmt.Fprintf(&b, "batch %s\n", n.Batch)
	fmt.Fprintf(&b, "number %d\n", n.Number)
	fmt.Fprintf(&b, "note_sha256 %s\n", n.Note)
	fmt.Fprintf(&b, "until %s\n", n.Until.UTC().Format(time.RFC3339))
	fmt.Fprintf(&b, "max_fee_sat %d\n", int64(n.MaxFee))
	return b.Bytes()
}

// Digest returns SHA-256 of the canonical bytes.
func (n VoidNote) Digest() Digest { return sha256.Sum256(n.Encode()) }

// ParseVoid reads a void note. It refuses every text that Encode would not have
// written (errs.Invalid, code bad_note).
func ParseVoid(text []byte) (VoidNote, error) {
	if len(text) > MaxVoidBytes {
		return VoidNote{}, badNote("is longer than %d bytes", MaxVoidBytes)
	}
	r, err := newReader(text, voidHeader)
	if err != nil {
		return VoidNote{}, err
	}
	var n VoidNote
	n.Network = r.network()
	n.Fund = r.uuid("fund")
	n.Batch = r.uuid("batch")
	n.Number = r.index("number")
	n.Note = r.digest("note_sha256")
	n.Until = r.time("until")
	n.MaxFee = btcutil.Amount(r.integer("max_fee_sat"))
	if err := r.end(); err != nil {
		return VoidNote{}, err
	}
	if !bytes.Equal(n.Encode(), text) {
		return VoidNote{}, badNote("is not in canonical form")
	}
	return n, checkMaxFee(n.MaxFee)
}
