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

// Move changes the batch's state and records it.
func (w *Work) Move(by identity.Actor, to State, action string, now time.Time) error {
	from := w.Batch.State
	next, err := from.to(to)
	if err != nil {
		return err
	}
	w.Batch.State, w.Batch.Tries, w.Batch.LastError = next, 0, ""
	e := Entry(by, action, w.Batch, from, now)
	e.To, e.Digest = string(next), w.Batch.Digest[:]
	w.Entries = append(w.Entries, e)
	return nil
}

// Note records what was done to a batch that stays in its state.
func (w *Work) Note(by identity.Actor, action string, now time.Time) {
	e := Entry(by, action, w.Batch, w.Batch.State, now)
	e.To, e.Digest = string(w.Batch.State), w.Batch.Digest[:]
	w.Entries = append(w.Entries, e)
}

// Entry is the audit leaf of what was done to a batch.
func Entry(by identity.Actor, action string, b Batch, from State, now time.Time) audit.Entry {
	return audit.Entry{Actor: by, Action: action, ObjectKind: "batch", ObjectID: b.ID.String(), From: string(from), At: now}
}
