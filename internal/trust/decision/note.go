package decision

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
)

const (
	noteHeader = "causeway/decision/v2"

	// MaxNoteBytes bounds a decision note: 36 payees take about 6 KiB.
	MaxNoteBytes = 8 << 10

	// MaxPeriods bounds the periods of a decision.
	MaxPeriods = 36

	// MaxPayWithinDays bounds the time that is left for a first release.
	MaxPayWithinDays = 3650

	// CurrencySat is the currency of a decision whose amount is in satoshi.
	CurrencySat = "sat"

	none     = "none"
	dateForm = "2006-01-02"
)

// How often a period is due. A decision of one period is due once.
const (
	EveryMonth = "month"
	EveryWeek  = "week"
	Once       = "none"
)

// The proofs that a payee holds the keys of an address.
const (
	ProofBIP322 = "bip322"
	ProofLegacy = "legacy"
)

// Payee is where money goes. The script decides, the address is for people.
type Payee struct {
	Script  []byte
	Address string
}

// Replaced names a decision that a new one closes, from one of its periods on.
type Replaced struct {
	Note   Digest
	Period int // 0: the new decision replaces none
}

// AddressProof names what proved that the payee holds the keys of the address. Its zero
// value is no proof.
type AddressProof struct {
	Kind   string // ProofBIP322 or ProofLegacy
	Digest Digest
}

// Note is one decision to pay: an amount for each of its periods, each period once.
type Note struct {
	Network       Network
	Fund          uuid.UUID
	Decision      uuid.UUID
	Grant         uuid.UUID
	Application   Digest
	Currency      string // CurrencySat or ISO 4217
	Amount        int64  // of one period, in the currency's minor unit
	SatLeast      btcutil.Amount
	SatMost       btcutil.Amount // of one period; for CurrencySat both ends are Amount
	Periods       int
	FirstDue      time.Time // a day, 00:00 UTC
	Every         string    // EveryMonth, EveryWeek or Once
	PayWithinDays int       // of each due date, for first releases
	Replaces      Replaced
	Payees        []Payee // one for all periods, or one for each
	Proof         AddressProof
}

// Encode returns the canonical bytes.
func (n Note) Encode() []byte {
	var b bytes.Buffer
	writeHead(&b, noteHeader, n.Network, n.Fund)
	fmt.Fprintf(&b, "decision %s\n", n.Decision)
	fmt.Fprintf(&b, "grant %s\n", n.Grant)
	fmt.Fprintf(&b, "application %s\n", n.Application)
	fmt.Fprintf(&b, "currency %s\n", n.Currency)
	fmt.Fprintf(&b, "amount %d\n", n.Amount)
	fmt.Fprintf(&b, "sat %d %d\n", int64(n.SatLeast), int64(n.SatMost))
	fmt.Fprintf(&b, "periods %d\n", n.Periods)
	fmt.Fprintf(&b, "first_due %s every %s\n", n.FirstDue.UTC().Format(dateForm), n.Every)
	fmt.Fprintf(&b, "pay_within_days %d\n", n.PayWithinDays)
	if n.Replaces.Period == 0 {
		fmt.Fprintf(&b, "replaces %s\n", none)
	} else {
		fmt.Fprintf(&b, "replaces %s %d\n", n.Replaces.Note, n.Replaces.Period)
	}
	for i, p := range n.Payees {
		no := i + 1
		if len(n.Payees) == 1 {
			no = 0
		}
		fmt.Fprintf(&b, "payee %d %x %s\n", no, p.Script, p.Address)
	}
	if n.Proof.Kind == "" {
		fmt.Fprintf(&b, "address_proof %s\n", none)
	} else {
		fmt.Fprintf(&b, "address_proof %s %s\n", n.Proof.Kind, n.Proof.Digest)
	}
	return b.Bytes()
}

// writeHead writes the lines that every note begins with.
func writeHead(b *bytes.Buffer, header string, network Network, fund uuid.UUID) {
	fmt.Fprintf(b, "%s\n", header)
	fmt.Fprintf(b, "network %s %s\n", network.Name, network.Genesis)
	fmt.Fprintf(b, "fund %s\n", fund)
}

// Digest returns SHA-256 of the canonical bytes.
func (n Note) Digest() Digest { return sha256.Sum256(n.Encode()) }

// Parse reads a decision note. It refuses every text that Encode would not have
// written, and one that nobody could pay (errs.Invalid, code bad_note).
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
	n.Fund = r.uuid("fund")
	n.Decision = r.uuid("decision")
	n.Grant = r.uuid("grant")
	n.Application = r.digest("application")
	n.Currency = r.word("currency")
	n.Amount = r.integer("amount")
	n.SatLeast, n.SatMost = r.bounds("sat")
	n.Periods = r.small("periods", MaxPeriods)
	n.FirstDue, n.Every = r.schedule("first_due")
	n.PayWithinDays = r.small("pay_within_days", MaxPayWithinDays)
	n.Replaces = r.replaced("replaces")
	n.Payees = r.payees("payee")
	n.Proof = r.proof("address_proof")
	if err := r.end(); err != nil {
		return Note{}, err
	}
	if !bytes.Equal(n.Encode(), text) {
		return Note{}, badNote("is not in canonical form")
	}
	if err := n.possible(); err != nil {
		return Note{}, err
	}
	return n, nil
}

// possible refuses what a canonical text can say and nobody could pay.
func (n Note) possible() error {
	inSat := n.Currency == CurrencySat
	switch {
	case !inSat && !isCurrency(n.Currency):
		return badNote("has a currency that is neither sat nor a code of ISO 4217")
	case n.Amount <= 0 || inSat && n.Amount > int64(money.MaxSat):
		return badNote("has an impossible amount")
	case n.SatLeast <= 0 || n.SatLeast > n.SatMost || n.SatMost > money.MaxSat:
		return badNote("has impossible bounds in sat")
	case inSat && (int64(n.SatLeast) != n.Amount || int64(n.SatMost) != n.Amount):
		return badNote("is in sat and has other bounds than its amount")
	case n.Most() > money.MaxSat:
		return badNote("pays more bitcoin than can exist")
	case n.Every != EveryMonth && n.Every != EveryWeek && n.Every != Once:
		return badNote("is due every %q, not every month, week or none", n.Every)
	case (n.Every == Once) != (n.Periods == 1):
		return badNote("has a number of periods that does not go with how often it is due")
	case n.Replaces.Period > MaxPeriods:
		return badNote("replaces a period that no decision has")
	case len(n.Payees) != 1 && len(n.Payees) != n.Periods:
		return badNote("has neither one payee nor one for each period")
	}
	return nil
}

// Has reports whether the decision has a period. Periods count from 1.
func (n Note) Has(period int) bool { return period >= 1 && period <= n.Periods }

// Payee returns who is paid for a period that the note has.
func (n Note) Payee(period int) Payee {
	if len(n.Payees) == 1 {
		return n.Payees[0]
	}
	return n.Payees[period-1]
}

// Check holds a note against the chain that it will be paid on: same network and
// genesis, addresses of that network, and each address gives its script.
func (n Note) Check(params *chaincfg.Params) error {
	if n.Network != NetworkOf(params) {
		return badNote("is for network %s, not for %s", n.Network.Name, params.Name)
	}
	for _, p := range n.Payees {
		if err := p.check(params); err != nil {
			return err
		}
	}
	return nil
}

func (p Payee) check(params *chaincfg.Params) error {
	// Whether later witness versions may be paid was the fund's to decide before
	// anybody voted; here the two only have to agree.
	payee, field := wallet.PayeeRules{AllowFutureWitness: true}.Parse(p.Address, params, nil)
	if field != nil {
		return badNote("has a payee's address that is not of network %s", params.Name)
	}
	if !bytes.Equal(payee.Script, p.Script) {
		return badNote("has a payee's address that does not give its script")
	}
	if payee.Address != p.Address { // people may write an address in several ways, a note in one
		return badNote("has a payee's address that is not written as %s is", payee.Address)
	}
	return nil
}
