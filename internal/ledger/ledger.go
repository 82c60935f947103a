package ledger

import (
	"fmt"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
)

// Account names where satoshi are, as far as the fund is concerned.
type Account string

// The accounts of a fund.
const (
	Outside    Account = "outside"    // the counterpart of deposits; never positive
	Available  Account = "available"  // in confirmed coins, promised to nobody
	Committed  Account = "committed"  // in confirmed coins, owed to approved instalments
	InFlight   Account = "in_flight"  // in confirmed coins, in a batch that may be on its way
	Confirming Account = "confirming" // sent, in a block, not yet deep enough to be called paid
	Paid       Account = "paid"       // sent, deep enough
	Fees       Account = "fees"       // given to miners
	Lost       Account = "lost"       // spent by a transaction that is not ours; trips the breaker
)

// Accounts lists every account, in the order pages show them.
func Accounts() []Account {
	return []Account{Outside, Available, Committed, InFlight, Confirming, Paid, Fees, Lost}
}

// Kind says why satoshi moved.
type Kind string

// The kinds of transfer.
const (
	KindDeposit      Kind = "deposit"       // a coin of the treasury appeared in a block
	KindCommit       Kind = "commit"        // an instalment was approved
	KindUncommit     Kind = "uncommit"      // an instalment was cancelled before signing
	KindRelease      Kind = "release"       // a batch went to the signer
	KindMined        Kind = "mined"         // an attempt is in a block
	KindPaid         Kind = "paid"          // an attempt is deep enough
	KindForeignSpend Kind = "foreign_spend" // somebody else spent a coin of the treasury
	KindVoid         Kind = "void"          // nothing of a batch can be paid any more
	KindAdopt        Kind = "adopt"         // a signer's journal names payments that the books do not know
)

// Posting adds an amount (which may be negative) to an account.
type Posting struct {
	Account Account
	Amount  btcutil.Amount
}

// Transfer is a set of postings that sums to zero.
type Transfer struct {
	ID       int64 // given by the store
	Kind     Kind
	Ref      string // outpoint, instalment id, batch id or txid
	Height   *int32 // of the block that caused it, if one did
	Undoes   *int64 // the transfer that this one takes back
	Postings []Posting
	At       time.Time
}

// Move returns a transfer of amount from one account to another.
func Move(kind Kind, ref string, from, to Account, amount btcutil.Amount, at time.Time) Transfer {
	return Transfer{Kind: kind, Ref: ref, At: at, Postings: []Posting{{from, -amount}, {to, amount}}}
}

// Mined returns the transfer for a transaction in a block: the sum of its
// payments leaves in_flight for confirming and its fee leaves available for fees.
func Mined(txid string, height int32, paid, fee btcutil.Amount, at time.Time) Transfer {
	t := Transfer{Kind: KindMined, Ref: txid, Height: &height, At: at}
	if paid != 0 {
		t.Postings = append(t.Postings, Posting{InFlight, -paid}, Posting{Confirming, paid})
	}
	if fee != 0 {
		t.Postings = append(t.Postings, Posting{Available, -fee}, Posting{Fees, fee})
	}
	return t
}

// Undo returns the transfer that takes t back.
func (t Transfer) Undo(at time.Time) Transfer {
	u := Transfer{Kind: t.Kind, Ref: t.Ref, Height: t.Height, Undoes: &t.ID, At: at}
	for _, p := range t.Postings {
		u.Postings = append(u.Postings, Posting{p.Account, -p.Amount})
	}
	return u
}

// Validate returns an error unless the postings sum to zero, none is zero, and
// no account occurs twice.
func (t Transfer) Validate() error {
	var sum btcutil.Amount
	seen := map[Account]bool{}
	for _, p := range t.Postings {
		if p.Amount == 0 || seen[p.Account] {
			return fmt.Errorf("transfer %s %s posts nothing or twice to %s", t.Kind, t.Ref, p.Account)
		}
		seen[p.Account] = true
		sum += p.Amount
	}
	if sum != 0 || len(t.Postings) == 0 {
		return fmt.Errorf("transfer %s %s sums to %d, not to zero", t.Kind, t.Ref, int64(sum))
	}
	return nil
}

// Balances holds the sum of each account.
type Balances map[Account]btcutil.Amount

// Apply adds a transfer.
func (b Balances) Apply(t Transfer) {
	for _, p := range t.Postings {
		b[p.Account] += p.Amount
	}
}

// OnChain returns what must lie in the treasury's confirmed coins.
func (b Balances) OnChain() btcutil.Amount { return b[Available] + b[Committed] + b[InFlight] }
