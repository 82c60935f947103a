package decision

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
)

const (
	batchHeader = "causeway/batch/v2"

	// MaxBatchBytes bounds a batch note: 3,300 payments with the longest scripts.
	MaxBatchBytes = 1 << 20
)

// Payment is one line of a batch note: one period of one decision.
type Payment struct {
	Decision Digest
	Period   int
	Script   []byte
	Amount   btcutil.Amount
}

// Rate is what a bitcoin is worth in one currency, and where that was read.
type Rate struct {
	Currency string
	PerBTC   int64  // minor units
	Quotes   Digest // of the quotes that it was made from
}

// BatchNote is what a treasurer approves: these payments, in one transaction,
// with at most this fee, change to index Number of the treasury's change chain.
type BatchNote struct {
	Network          Network
	Fund             uuid.UUID
	Batch            uuid.UUID
	Number           uint32    // also the index of the change script
	Treasury         int64     // number of the treasury that pays
	Until            time.Time // of the first release; whole seconds, UTC
	MaxFeeRateSatKVB int64
	MaxFee           btcutil.Amount
	Rates            []Rate    // in the order of Currency; those that the payments use
	Payments         []Payment // in the order of Decision and Period
}

// Compare orders payments as a batch note lists them.
func (p Payment) Compare(q Payment) int {
	return cmp.Or(bytes.Compare(p.Decision[:], q.Decision[:]), cmp.Compare(p.Period, q.Period))
}

// Encode returns the canonical bytes. Payments and rates are written in their
// order whatever order they are held in.
func (n BatchNote) Encode() []byte {
	payments, rates := slices.Clone(n.Payments), slices.Clone(n.Rates)
	slices.SortFunc(payments, Payment.Compare)
	slices.SortFunc(rates, func(a, b Rate) int { return strings.Compare(a.Currency, b.Currency) })
	var b bytes.Buffer
	writeHead(&b, batchHeader, n.Network, n.Fund)
	fmt.Fprintf(&b, "batch %s\n", n.Batch)
	fmt.Fprintf(&b, "number %d\n", n.Number)
	fmt.Fprintf(&b, "treasury %d\n", n.Treasury)
	fmt.Fprintf(&b, "until %s\n", n.Until.UTC().Format(time.RFC3339))
	fmt.Fprintf(&b, "max_feerate_sat_kvb %d\n", n.MaxFeeRateSatKVB)
	fmt.Fprintf(&b, "max_fee_sat %d\n", int64(n.MaxFee))
	for _, r := range rates {
		fmt.Fprintf(&b, "rate %s %d %s\n", r.Currency, r.PerBTC, r.Quotes)
	}
	fmt.Fprintf(&b, "payments %d\n", len(payments))
	for _, p := range payments {
		fmt.Fprintf(&b, "pay %s %d %x %d\n", p.Decision, p.Period, p.Script, int64(p.Amount))
	}
	return b.Bytes()
}

// Digest returns SHA-256 of the canonical bytes.
func (n BatchNote) Digest() Digest { return sha256.Sum256(n.Encode()) }

// Total returns the sum of the payments.
func (n BatchNote) Total() btcutil.Amount {
	var sum btcutil.Amount
	for _, p := range n.Payments {
		sum += p.Amount
	}
	return sum
}

// ParseBatch reads a batch note. It refuses every text that Encode would not
// have written, and one that names a period of a decision or a currency twice
// (errs.Invalid, code bad_note).
func ParseBatch(text []byte) (BatchNote, error) {
	if len(text) > MaxBatchBytes {
		return BatchNote{}, badNote("is longer than %d bytes", MaxBatchBytes)
	}
	r, err := newReader(text, batchHeader)
	if err != nil {
		return BatchNote{}, err
	}
	var n BatchNote
	n.Network = r.network()
	n.Fund = r.uuid("fund")
	n.Batch = r.uuid("batch")
	n.Number = r.index("number")
	n.Treasury = r.integer("treasury")
	n.Until = r.time("until")
	n.MaxFeeRateSatKVB = r.integer("max_feerate_sat_kvb")
	n.MaxFee = btcutil.Amount(r.integer("max_fee_sat"))
	for r.next("rate") {
		n.Rates = append(n.Rates, r.rate())
	}
	count := r.integer("payments")
	for r.err == nil && len(r.lines) > 0 {
		n.Payments = append(n.Payments, r.payment())
	}
	if err := r.end(); err != nil {
		return BatchNote{}, err
	}
	if count != int64(len(n.Payments)) {
		return BatchNote{}, badNote("has a count of payments that does not hold")
	}
	if !bytes.Equal(n.Encode(), text) {
		return BatchNote{}, badNote("is not in canonical form")
	}
	if err := n.possible(); err != nil {
		return BatchNote{}, err
	}
	return n, nil
}

// possible refuses what a canonical text can say and no transaction could do.
func (n BatchNote) possible() error {
	if !possibleFeeRate(n.MaxFeeRateSatKVB) {
		return badNote("has a max_feerate_sat_kvb that allows nothing or anything")
	}
	for i, r := range n.Rates {
		if !isCurrency(r.Currency) || r.PerBTC <= 0 {
			return badNote("has an impossible rate of %s", r.Currency)
		}
		if i > 0 && r.Currency == n.Rates[i-1].Currency {
			return badNote("names the rate of %s twice", r.Currency)
		}
	}
	for i, p := range n.Payments {
		if p.Amount <= 0 || p.Amount > money.MaxSat || len(p.Script) == 0 || p.Period < 1 || p.Period > MaxPeriods {
			return badNote("has an impossible payment for decision %s", p.Decision)
		}
		if i > 0 && p.Compare(n.Payments[i-1]) == 0 {
			return badNote("names period %d of decision %s twice", p.Period, p.Decision)
		}
	}
	if n.Total() > money.MaxSat || n.MaxFee > money.MaxSat {
		return badNote("moves more bitcoin than can exist")
	}
	return nil
}

// Rate returns the rate of a currency, zero for satoshi and for one that the note does not name.
func (n BatchNote) Rate(currency string) int64 {
	for _, r := range n.Rates {
		if r.Currency == currency {
			return r.PerBTC
		}
	}
	return 0
}

func (r *reader) rate() Rate {
	fields := strings.Split(r.word("rate"), " ")
	if len(fields) != 3 {
		r.fail("has a rate line without currency, rate and digest")
		return Rate{}
	}
	rate, err := strconv.ParseInt(fields[1], 10, 64)
	digest, derr := ParseDigest(fields[2])
	if err != nil || derr != nil {
		r.fail("has a rate line that cannot be read")
	}
	return Rate{Currency: fields[0], PerBTC: rate, Quotes: digest}
}

func (r *reader) payment() Payment {
	fields := strings.Split(r.word("pay"), " ")
	if len(fields) != 4 {
		r.fail("has a pay line without digest, period, script and amount")
		return Payment{}
	}
	digest, derr := ParseDigest(fields[0])
	period, perr := strconv.Atoi(fields[1])
	script, serr := hex.DecodeString(fields[2])
	sat, aerr := strconv.ParseInt(fields[3], 10, 64)
	if derr != nil || perr != nil || serr != nil || aerr != nil {
		r.fail("has a pay line that cannot be read")
	}
	return Payment{Decision: digest, Period: period, Script: script, Amount: btcutil.Amount(sat)}
}
