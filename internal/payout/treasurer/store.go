package treasurer

import (
	"context"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/payout/books"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/plan"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/trust/audit"
)

// Store is what people's use cases need of the database. Each method is one transaction, and a
// function that a method takes is given all that it needs: it must not call the store.
type Store interface {
	// Fund returns the fund. NotFound "no_fund" before one is set up.
	Fund(ctx context.Context) (fund.Fund, error)

	// Batch returns one. NotFound "batch_not_found".
	Batch(ctx context.Context, id uuid.UUID) (payout.Record, error)

	// UpdateBatch loads the row FOR UPDATE, calls fn and writes what the verbs added,
	// with version+1. fn may run more than once. With an epoch above zero it
	// first checks that the lease is still this one: Conflict "lease_lost".
	UpdateBatch(
		ctx context.Context,
		epoch int64,
		id uuid.UUID,
		now time.Time,
		fn func(*payout.Locked) error,
	) (payout.Batch, error)

	// Holdings returns what the treasury has.
	Holdings(ctx context.Context) (payout.Holdings, error)

	// Estimate returns the worker's newest; nil when it has made none.
	Estimate(ctx context.Context) (*fee.Estimate, error)

	// Unjoined lists the payments that only a signer's journal knows, by batch.
	Unjoined(ctx context.Context) ([]payout.UnjoinedPayment, error)

	// AttemptByTxID returns the attempt of a txid. NotFound "attempt_not_found".
	AttemptByTxID(ctx context.Context, txid chainhash.Hash) (payout.Attempt, error)

	// NextNumber draws a batch number. Numbers that end up unused are skipped.
	NextNumber(ctx context.Context) (uint32, error)

	// Items returns instalments by id, in no order; with no ids every payable one,
	// oldest first.
	Items(ctx context.Context, ids []uuid.UUID) ([]payout.Item, error)

	// VotedOn returns which of the instalments staff voted on as a reviewer.
	VotedOn(ctx context.Context, staff uuid.UUID, instalments []uuid.UUID) ([]uuid.UUID, error)

	// CreateBatches stores them and allocates their instalments, all or nothing.
	// Conflict "not_payable" when one is in another state by now.
	CreateBatches(ctx context.Context, list []payout.NewBatch) error

	// Batches returns up to limit batches that the filter lets through, newest first, each with
	// what a list shows of it.
	Batches(ctx context.Context, f payout.BatchFilter, limit int) ([]payout.Batch, error)

	// Sums returns totals for people to read.
	Sums(ctx context.Context) (payout.Sums, error)

	// Breakers returns the open ones, oldest first.
	Breakers(ctx context.Context) ([]payout.Breaker, error)

	// UpdateBreaker loads one FOR UPDATE, calls fn and writes what it added. NotFound
	// "breaker_not_found".
	UpdateBreaker(ctx context.Context, id int64, fn func(*payout.BreakerWork) error) (payout.Breaker, error)

	// LockCoin keeps a coin out of new batches; UnlockCoin lets it in again. NotFound
	// "coin_not_found"; Conflict "coin_locked", "coin_not_locked", "coin_taken".
	LockCoin(ctx context.Context, op wire.OutPoint, reason string, staff uuid.UUID, e audit.Entry) error
	UnlockCoin(ctx context.Context, op wire.OutPoint, staff uuid.UUID, e audit.Entry) error

	// Lapsed returns the batches that were cancelled since a time because nobody had
	// approved them, newest first.
	Lapsed(ctx context.Context, since time.Time) ([]payout.Lapsed, error)

	// Progress returns where the leading worker stands; nil when none ever led.
	Progress(ctx context.Context) (*payout.Progress, error)

	// Proof returns what a certificate of a payment is made of: the transaction that
	// pays it, with its Merkle branch and up to headers headers from its block on.
	// NotFound "not_paid".
	Proof(ctx context.Context, instalment uuid.UUID, headers int) (payout.Proof, error)

	// JoinPayment loads one of them and an instalment under lock, calls fn, and writes
	// what it added with the instalment as an item of the batch. NotFound
	// "unjoined_not_found", "instalment_not_found".
	JoinPayment(
		ctx context.Context,
		op wire.OutPoint,
		instalment uuid.UUID,
		now time.Time,
		fn func(*payout.Join) error,
	) error

	// SeparatePayment notes that one of them stands for itself. NotFound
	// "unjoined_not_found"; Conflict "already_separate".
	SeparatePayment(ctx context.Context, op wire.OutPoint, reason string, staff uuid.UUID, e audit.Entry) error

	// Payments lists the payments in blocks from one time until another, oldest first.
	Payments(ctx context.Context, from, until time.Time) ([]books.Payment, error)
}

// Treasury is the state of the fund's money.
type Treasury struct {
	Balances       ledger.Balances
	Coins          []payout.Coin // unspent, largest first
	CoinsSat       btcutil.Amount
	Difference     btcutil.Amount   // coins minus ledger: zero or what was accepted, or the breaker trips
	Accepted       *payout.Accepted // nil: no difference was accepted
	Tip            payout.Tip
	DepositAddress string // the next unused one
	DepositIndex   uint32
	Descriptor     string
	Breakers       []payout.Breaker // open ones
	Approved       btcutil.Amount
	Estimate       *fee.Estimate // nil: the worker has made none
	Stuck          []payout.Stuck
	Lapsed         []payout.Lapsed // batches that nobody approved in time, of the last 30 days
	Limits         payout.Limits
	Progress       *payout.Progress // nil: no worker ever led
	Proposal       *plan.Proposal   // nil: nothing to propose
}
