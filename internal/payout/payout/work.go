package payout

import (
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// TreasuryOf reads the descriptor of a fund.
func TreasuryOf(f fund.Fund) (*wallet.Descriptor, error) {
	params, err := f.Params()
	if err != nil {
		return nil, err
	}
	return wallet.ParseChecksummed(f.Descriptor, params)
}

// Total is the sum of the payments.
func Total(items []Item) btcutil.Amount {
	var sum btcutil.Amount
	for _, it := range items {
		sum += it.Amount
	}
	return sum
}

// Entry is the audit leaf of what was done to a batch.
func Entry(by identity.Actor, action string, b Batch, from State, now time.Time) audit.Entry {
	return audit.Entry{
		Actor:      by,
		Action:     action,
		ObjectKind: "batch",
		ObjectID:   b.ID.String(),
		From:       string(from),
		At:         now,
	}
}
