package grant

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/review/screen"
	"github.com/causeway-fund/causeway/internal/trust/audit"
)

// Submission is everything that a new application writes.
type Submission struct {
	Scope       string // route of the idempotency key
	KeyHash     []byte
	BodySHA256  []byte // keyed digest of the request
	Application Application
	Revision    Revision
	Decision    Decision
	Claim       func(Servers) error // has it claim its servers, in the transaction that writes the rest
	Print       screen.Print
	Entry       audit.Entry
}

// Replay is what an idempotency key stands for.
type Replay struct {
	BodySHA256    []byte
	ApplicationID uuid.UUID
	Reference     string
	Commitment    [sha256.Size]byte // of the first revision
}

// Record is an application with all that belongs to it.
type Record struct {
	Application Application
	Revision    Revision
	Decision    Decision
	Claim       *Claim
	Votes       []Vote // of the current revision, oldest first
	Messages    []Message
	History     []Happening
	Payments    []Payment
	Grant       *Grant
}

// Work is an application under lock and what a use case adds to it. Everything
// that is added is written in one transaction, or nothing is.
type Work struct {
	Application Application
	Decision    Decision
	Claim       *Claim // alive at the time of the call; nil or set by the use case
	Votes       []Vote // of the current revision
	Available   btcutil.Amount
	Granted     btcutil.Amount // sum of all grants that were not terminated
	Servers     Servers
	Unanswered  int // messages of the operator since the team's last word to them

	NewRevision    *Revision // with NewDecision; Application holds the new number
	NewDecision    *Decision
	NewPrint       *screen.Print // of NewRevision
	NewVotes       []Vote
	NewMessages    []Message
	NewGrant       *Grant
	NewInstalments []Instalment
	Transfers      []ledger.Transfer
	Entries        []audit.Entry
}

// Filter selects applications of the queue. Zero fields select everything.
type Filter struct {
	States    []State
	Protocol  string
	Region    string
	Language  string
	VotedBy   *uuid.UUID // has voted on the current revision; not together with another person's NotVoted
	NotVoted  *uuid.UUID // has not
	ClaimedBy *uuid.UUID
	Unclaimed bool
	Search    string // as somebody typed it; the service reads it, into one of the next two
	Name      Name   // of one application, whose other fields must fit as well
	Words     []int64
	Before    *Cursor // older than this
	Limit     int
}

// MaxCount is the most that Counts counts to: more of anything are too many to read,
// and counting a million takes as long as reading them.
const MaxCount = 500

// MaxSamePayee is the most that SamePayee counts to.
const MaxSamePayee = 100

// Total is a number of applications. More says that there are, or may be, more.
type Total struct {
	N    int
	More bool
}

// Cursor is a place in the queue, which runs from new to old.
type Cursor struct {
	SubmittedAt time.Time
	ID          uuid.UUID
}

// QueueItem is a line of the queue.
type QueueItem struct {
	Application Application
	Body        []byte // sealed
	Approve     int    // votes on the current revision
	Decline     int
	MyVote      Verdict // empty when the asking reviewer has not voted
	Claim       *Claim
	SamePayee   int // other applications with the same payout address, up to MaxSamePayee
}

// Store keeps applications and grants. Each method is one transaction. Times are UTC.
type Store interface {
	// Fund returns the fund. NotFound "no_fund" before one is set up.
	Fund(ctx context.Context) (fund.Fund, error)

	// Replay returns what an idempotency key stands for, or nil.
	Replay(ctx context.Context, scope string, keyHash []byte) (*Replay, error)

	// Submit writes a new application. When the key was used meanwhile it writes
	// nothing and returns what the key stands for. Conflict "name_taken" when another
	// application has the reference or the designation; TooManyOfPayee when the address
	// has as many open ones as it may.
	Submit(ctx context.Context, s Submission) (*Replay, error)

	// Application returns one with all that belongs to it. NotFound "application_not_found".
	Application(ctx context.Context, id uuid.UUID, now time.Time) (Record, error)

	// Screen gathers what the automatic checks of an application rest on: rows and
	// keyed hashes, nothing sealed, and no more of others than package screen counts.
	// NotFound "application_not_found".
	Screen(ctx context.Context, id uuid.UUID, now time.Time) (screen.Facts, error)

	// ApplicationByReceipt is the same as Application, by the keyed hash of a receipt.
	ApplicationByReceipt(ctx context.Context, receiptHash []byte, now time.Time) (Record, error)

	// ReceiptKnown reports whether an application has the receipt of this keyed hash.
	ReceiptKnown(ctx context.Context, receiptHash []byte) (bool, error)

	// Opened writes the entry of o unless it was written before. What it tells of may
	// be opened only after it returned nil.
	Opened(ctx context.Context, o audit.Opening) error

	// UpdateApplication loads the row FOR UPDATE, calls fn and writes what it
	// added, with version+1; nothing when fn adds no entry. fn may run more than
	// once. NotFound "application_not_found"; Conflict "already_voted" for a
	// second vote; TooManyOfPayee for another address that has as many open ones as it may.
	UpdateApplication(ctx context.Context, id uuid.UUID, now time.Time, fn func(*Work) error) (Application, error)

	// Queue returns up to f.Limit applications, newest first, as asker sees them, and
	// where the next page begins; nil at the end. It looks at a bounded number of rows,
	// so a page may be short, even empty, with more to come.
	Queue(ctx context.Context, f Filter, asker uuid.UUID, now time.Time) ([]QueueItem, *Cursor, error)

	// Counts counts what each filter selects, up to MaxCount, of a bounded number of rows.
	Counts(ctx context.Context, filters []Filter, now time.Time) ([]Total, error)

	// Grants returns up to limit grants older than before, newest first, each
	// with its payments.
	Grants(ctx context.Context, before *Cursor, limit int) ([]GrantRecord, error)

	// Grant returns one. NotFound "grant_not_found".
	Grant(ctx context.Context, id uuid.UUID) (GrantRecord, error)
}

// GrantRecord is a grant with its instalments.
type GrantRecord struct {
	Grant       Grant
	Instalments []Instalment
	Payments    []Payment // in the order of Instalments
}
