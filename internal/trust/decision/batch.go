package decision

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
)

const (
	batchHeader = "causeway/batch/v1"

	// MaxBatchBytes bounds a batch note: 3,300 payments with the longest scripts.
	MaxBatchBytes = 1 << 20
)

// Payment is one line of a batch note.
type Payment struct {
	Decision Digest
	Script   []byte
	Amount   btcutil.Amount
}

// BatchNote is what a treasurer approves: these payments, in one transaction,
// with at most this fee, change to index Number of the treasury's change chain.
type BatchNote struct {
	Network          Network
	Batch            uuid.UUID
	Number           uint32 // also the index of the change script
	Policy           int64  // version of the fund's policy
	MaxFeeRateSatKVB int64
	MaxFee           btcutil.Amount
	Payments         []Payment // in the order of Decision
}

// Encode returns the canonical bytes. Payments are written in the order of
// their digests whatever order they are held in.
func (n BatchNote) Encode() []byte {
	payments := slices.Clone(n.Payments)
	slices.SortFunc(payments, func(a, b Payment) int { return bytes.Compare(a.Decision[:], b.Decision[:]) })
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n", batchHeader)
	fmt.Fprintf(&b, "network %s %s\n", n.Network.Name, n.Network.Genesis)
	fmt.Fprintf(&b, "batch %s\n", n.Batch)
	fmt.Fprintf(&b, "number %d\n", n.Number)
	fmt.Fprintf(&b, "policy %d\n", n.Policy)
	fmt.Fprintf(&b, "max_feerate_sat_kvb %d\n", n.MaxFeeRateSatKVB)
	fmt.Fprintf(&b, "max_fee_sat %d\n", int64(n.MaxFee))
	fmt.Fprintf(&b, "payments %d\n", len(payments))
	for _, p := range payments {
		fmt.Fprintf(&b, "pay %s %x %d\n", p.Decision, p.Script, int64(p.Amount))
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
// have written, and one that names a decision twice (errs.Invalid, code bad_note).
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
	n.Batch = r.uuid("batch")
	n.Number = r.index("number")
	n.Policy = r.integer("policy")
	n.MaxFeeRateSatKVB = r.integer("max_feerate_sat_kvb")
	n.MaxFee = btcutil.Amount(r.integer("max_fee_sat"))
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
	if !possibleFeeRate(n.MaxFeeRateSatKVB) {
		return BatchNote{}, badNote("has a max_feerate_sat_kvb that allows nothing or anything")
	}
	for i, p := range n.Payments {
		if p.Amount <= 0 || p.Amount > money.MaxSat || len(p.Script) == 0 {
			return BatchNote{}, badNote("has an impossible payment for decision %s", p.Decision)
		}
		if i > 0 && p.Decision == n.Payments[i-1].Decision {
			return BatchNote{}, badNote("names decision %s twice", p.Decision)
		}
	}
	if n.Total() > money.MaxSat || n.MaxFee > money.MaxSat {
		return BatchNote{}, badNote("moves more bitcoin than can exist")
	}
	return n, nil
}

func (r *reader) payment() Payment {
	fields := strings.Split(r.word("pay"), " ")
	if len(fields) != 3 {
		r.fail("has a pay line without digest, script and amount")
		return Payment{}
	}
	digest, derr := ParseDigest(fields[0])
	script, serr := hex.DecodeString(fields[1])
	sat, aerr := strconv.ParseInt(fields[2], 10, 64)
	if derr != nil || serr != nil || aerr != nil {
		r.fail("has a pay line that cannot be read")
	}
	return Payment{Decision: digest, Script: script, Amount: btcutil.Amount(sat)}
}
