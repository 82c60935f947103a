package decision

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
)

const (
	upkeepHeader = "causeway/upkeep/v2"

	// MaxUpkeepBytes bounds an upkeep note: more than 1,000 coins, the most that
	// a transaction may spend.
	MaxUpkeepBytes = 128 << 10

	// MaxUpkeepOutputs is the largest number of outputs of an upkeep batch.
	MaxUpkeepOutputs = 20
)

// The kinds of upkeep: batches that pay nobody but the treasury itself.
const (
	// UpkeepConsolidate makes one coin of many.
	UpkeepConsolidate = "consolidate"
	// UpkeepSplit makes 2 to MaxUpkeepOutputs equal coins.
	UpkeepSplit = "split"
	// UpkeepChild spends the change of a broadcast batch, so that its fee pulls
	// the parent along (CPFP).
	UpkeepChild = "child"
)

// UpkeepNote is what a treasurer approves for the treasury's own coins: spend
// exactly these, give all but the fee to change script Number in Outputs equal
// outputs.
type UpkeepNote struct {
	Network          Network
	Fund             uuid.UUID
	Batch            uuid.UUID
	Number           uint32    // also the index of the change script
	Until            time.Time // of the first release; whole seconds, UTC
	Kind             string    // UpkeepConsolidate, UpkeepSplit or UpkeepChild
	Outputs          int       // 1, or 2 to MaxUpkeepOutputs for a split
	MaxFeeRateSatKVB int64     // 0 for a child, which pays for its parent: MaxFee alone bounds it
	MaxFee           btcutil.Amount
	Coins            []wire.OutPoint // in the order of their text
}

// IsUpkeep reports whether text begins as an upkeep note does. It says nothing
// about the rest.
func IsUpkeep(text []byte) bool { return bytes.HasPrefix(text, []byte(upkeepHeader+"\n")) }

// Encode returns the canonical bytes. Coins are written in the order of their
// text whatever order they are held in.
func (n UpkeepNote) Encode() []byte {
	coins := make([]string, 0, len(n.Coins))
	for _, c := range n.Coins {
		coins = append(coins, c.String())
	}
	slices.Sort(coins)
	var b bytes.Buffer
	writeHead(&b, upkeepHeader, n.Network, n.Fund)
	fmt.Fprintf(&b, "batch %s\n", n.Batch)
	fmt.Fprintf(&b, "number %d\n", n.Number)
	fmt.Fprintf(&b, "until %s\n", n.Until.UTC().Format(time.RFC3339))
	fmt.Fprintf(&b, "kind %s\n", n.Kind)
	fmt.Fprintf(&b, "outputs %d\n", n.Outputs)
	fmt.Fprintf(&b, "max_feerate_sat_kvb %d\n", n.MaxFeeRateSatKVB)
	fmt.Fprintf(&b, "max_fee_sat %d\n", int64(n.MaxFee))
	fmt.Fprintf(&b, "coins %d\n", len(coins))
	for _, c := range coins {
		fmt.Fprintf(&b, "coin %s\n", c)
	}
	return b.Bytes()
}

// Digest returns SHA-256 of the canonical bytes.
func (n UpkeepNote) Digest() Digest { return sha256.Sum256(n.Encode()) }

// ParseUpkeep reads an upkeep note. It refuses every text that Encode would not
// have written, and one that names a coin twice or none (errs.Invalid, code
// bad_note).
func ParseUpkeep(text []byte) (UpkeepNote, error) {
	if len(text) > MaxUpkeepBytes {
		return UpkeepNote{}, badNote("is longer than %d bytes", MaxUpkeepBytes)
	}
	r, err := newReader(text, upkeepHeader)
	if err != nil {
		return UpkeepNote{}, err
	}
	var n UpkeepNote
	n.Network = r.network()
	n.Fund = r.uuid("fund")
	n.Batch = r.uuid("batch")
	n.Number = r.index("number")
	n.Until = r.time("until")
	n.Kind = r.word("kind")
	outputs := r.integer("outputs")
	n.MaxFeeRateSatKVB = r.integer("max_feerate_sat_kvb")
	n.MaxFee = btcutil.Amount(r.integer("max_fee_sat"))
	count := r.integer("coins")
	for r.err == nil && len(r.lines) > 0 {
		n.Coins = append(n.Coins, r.outPoint("coin"))
	}
	if err := r.end(); err != nil {
		return UpkeepNote{}, err
	}
	if outputs < 1 || outputs > MaxUpkeepOutputs || (n.Kind == UpkeepSplit) != (outputs > 1) {
		return UpkeepNote{}, badNote("has a number of outputs that its kind does not allow")
	}
	n.Outputs = int(outputs)
	if n.Kind != UpkeepConsolidate && n.Kind != UpkeepSplit && n.Kind != UpkeepChild {
		return UpkeepNote{}, badNote("has an unknown kind")
	}
	if count == 0 || count != int64(len(n.Coins)) {
		return UpkeepNote{}, badNote("has a count of coins that does not hold")
	}
	if !bytes.Equal(n.Encode(), text) {
		return UpkeepNote{}, badNote("is not in canonical form")
	}
	for i := 1; i < len(n.Coins); i++ {
		if n.Coins[i] == n.Coins[i-1] {
			return UpkeepNote{}, badNote("names coin %s twice", n.Coins[i])
		}
	}
	if n.Kind == UpkeepChild && n.MaxFeeRateSatKVB != 0 ||
		n.Kind != UpkeepChild && !possibleFeeRate(n.MaxFeeRateSatKVB) {
		return UpkeepNote{}, badNote("has a max_feerate_sat_kvb that its kind does not allow")
	}
	return n, checkMaxFee(n.MaxFee)
}

// possibleFeeRate reports whether a highest feerate is one that bounds anything.
func possibleFeeRate(satKVB int64) bool { return satKVB > 0 && satKVB <= money.MaxFeeRateSatKVB }

// checkMaxFee refuses a highest fee under which nothing can be signed or that is
// above what exists.
func checkMaxFee(fee btcutil.Amount) error {
	if fee <= 0 || fee > money.MaxSat {
		return badNote("has a max_fee_sat that allows nothing or more than exists")
	}
	return nil
}
