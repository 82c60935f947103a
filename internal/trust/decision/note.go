package decision

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
)

const (
	noteHeader = "causeway/decision/v1"

	// MaxNoteBytes bounds a decision note.
	MaxNoteBytes = 2048

	// KindPayment is the only kind of decision note today.
	KindPayment = "payment"

	noProof = "none"
)

// Digest is the SHA-256 of a note's canonical bytes.
type Digest [sha256.Size]byte

// String returns the digest in lower-case hex.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// ParseDigest reads 64 lower-case hex digits.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(d) || s != strings.ToLower(s) {
		return Digest{}, errs.New(errs.Invalid, CodeBadDigest, "A digest is 64 lower-case hexadecimal digits.")
	}
	copy(d[:], b)
	return d, nil
}

// Network names a chain by its name and its genesis block, so that a note for
// one chain is worthless on another.
type Network struct {
	Name    string // mainnet, testnet3, signet, simnet, regtest
	Genesis string // block hash as people write it
}

// NetworkOf returns the network that params describe.
func NetworkOf(params *chaincfg.Params) Network {
	return Network{Name: params.Name, Genesis: params.GenesisHash.String()}
}

// Note is one decision to pay: one script, one exact amount, one window of time.
type Note struct {
	Network           Network
	Decision          uuid.UUID
	Grant             uuid.UUID
	PayeeScript       []byte
	PayeeAddress      string
	Amount            btcutil.Amount
	MaxFeeRateSatKVB  int64
	NotBefore         time.Time // whole seconds, UTC
	NotAfter          time.Time // whole seconds, UTC
	ApplicationSHA256 [sha256.Size]byte
	Roster            int64 // 0 until signed rosters exist
}

// Encode returns the canonical bytes.
func (n Note) Encode() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n", noteHeader)
	fmt.Fprintf(&b, "network %s %s\n", n.Network.Name, n.Network.Genesis)
	fmt.Fprintf(&b, "decision %s\n", n.Decision)
	fmt.Fprintf(&b, "grant %s\n", n.Grant)
	fmt.Fprintf(&b, "kind %s\n", KindPayment)
	fmt.Fprintf(&b, "payee_script %x\n", n.PayeeScript)
	fmt.Fprintf(&b, "payee_address %s\n", n.PayeeAddress)
	fmt.Fprintf(&b, "amount_sat %d\n", int64(n.Amount))
	fmt.Fprintf(&b, "max_feerate_sat_kvb %d\n", n.MaxFeeRateSatKVB)
	fmt.Fprintf(&b, "not_before %s\n", n.NotBefore.UTC().Format(time.RFC3339))
	fmt.Fprintf(&b, "not_after %s\n", n.NotAfter.UTC().Format(time.RFC3339))
	fmt.Fprintf(&b, "application_sha256 %x\n", n.ApplicationSHA256)
	fmt.Fprintf(&b, "address_proof %s\n", noProof)
	fmt.Fprintf(&b, "roster %d\n", n.Roster)
	return b.Bytes()
}

// Digest returns SHA-256 of the canonical bytes.
func (n Note) Digest() Digest { return sha256.Sum256(n.Encode()) }

// Parse reads a decision note. It refuses every text that Encode would not have
// written (errs.Invalid, code bad_note).
func Parse(text []byte) (Note, error) {
	if len(text) > MaxNoteBytes {
		return Note{}, badNote("is longer than %d bytes", MaxNoteBytes)
	}
	r, err := newReader(text, noteHeader)
	if err != nil {
		return Note{}, err
	}
	var n Note
	n.Network = r.network()
	n.Decision = r.uuid("decision")
	n.Grant = r.uuid("grant")
	r.literal("kind", KindPayment)
	n.PayeeScript = r.hex("payee_script")
	n.PayeeAddress = r.word("payee_address")
	n.Amount = btcutil.Amount(r.integer("amount_sat"))
	n.MaxFeeRateSatKVB = r.integer("max_feerate_sat_kvb")
	n.NotBefore = r.time("not_before")
	n.NotAfter = r.time("not_after")
	copy(n.ApplicationSHA256[:], r.hex("application_sha256"))
	r.literal("address_proof", noProof)
	n.Roster = r.integer("roster")
	if err := r.end(); err != nil {
		return Note{}, err
	}
	if !bytes.Equal(n.Encode(), text) {
		return Note{}, badNote("is not in canonical form")
	}
	switch {
	case n.Amount <= 0 || n.Amount > money.MaxSat:
		return Note{}, badNote("has an impossible amount_sat")
	case !possibleFeeRate(n.MaxFeeRateSatKVB):
		return Note{}, badNote("has a max_feerate_sat_kvb that allows nothing or anything")
	case !n.NotBefore.Before(n.NotAfter):
		return Note{}, badNote("ends before it begins")
	case len(n.PayeeScript) == 0:
		return Note{}, badNote("has no payee_script")
	}
	return n, nil
}

// Check holds a note against the chain that it will be paid on: same network and
// genesis, an address of that network, and the address gives payee_script.
func (n Note) Check(params *chaincfg.Params) error {
	if n.Network != NetworkOf(params) {
		return badNote("is for network %s, not for %s", n.Network.Name, params.Name)
	}
	// Whether later witness versions may be paid was the fund's to decide before
	// anybody voted; here the two only have to agree.
	payee, field := wallet.PayeeRules{AllowFutureWitness: true}.Parse(n.PayeeAddress, params, nil)
	if field != nil {
		return badNote("has a payee_address that is not of network %s", params.Name)
	}
	if !bytes.Equal(payee.Script, n.PayeeScript) {
		return badNote("has a payee_address that does not give its payee_script")
	}
	if payee.Address != n.PayeeAddress { // people may write an address in several ways, a note in one
		return badNote("has a payee_address that is not written as %s is", payee.Address)
	}
	return nil
}

func badNote(format string, args ...any) *errs.Error {
	return errs.New(errs.Invalid, CodeBadNote, "The note "+fmt.Sprintf(format, args...)+".")
}
