package payout

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// Breaker is a surprise that stopped all signing. At most one of a code is open at
// a time; what is found while it is open is added to it, so that two people look
// at everything at once.
type Breaker struct {
	ID        int64
	Code      BreakerCode
	State     BreakerState
	Findings  []Finding // oldest first
	Consents  []Consent // to all of Findings; a new finding voids them
	TrippedAt time.Time
	ChangedAt time.Time
}

// Version grows with every finding: who consents says how many they have seen.
func (b Breaker) Version() int64 { return int64(len(b.Findings)) }

// Detail is the newest finding in plain words, and how many more there are.
func (b Breaker) Detail() string {
	switch n := len(b.Findings); n {
	case 0:
		return ""
	case 1:
		return b.Findings[0].Detail
	default:
		return fmt.Sprintf("%s (and %d more)", b.Findings[n-1].Detail, n-1)
	}
}

// Finding is what tripped a breaker.
type Finding struct {
	Code    BreakerCode // when tripping
	Subject string      // what it is about: a txid, a block, a breach, a line of a journal; empty: the books as a whole
	Detail  string      // in plain words, with the figures
	Amount  *btcutil.Amount
	At      time.Time
}

// Consent is one person's word that a breaker's findings are understood.
type Consent struct {
	StaffID uuid.UUID
	Name    string // when read
	At      time.Time
}

// Accepted is a difference between coins and ledger that two people have looked at:
// signing goes on while the difference is exactly this.
type Accepted struct {
	Amount btcutil.Amount // coins minus ledger
	At     time.Time
	By     []string // names
}

// BreakerCode says what kind of surprise it was.
type BreakerCode string

// The codes of a breaker.
const (
	ForeignSpend      BreakerCode = "foreign_spend"
	DeepReorg         BreakerCode = "deep_reorg"
	UnexpectedPayment BreakerCode = "unexpected_payment"
	LedgerMismatch    BreakerCode = "ledger_mismatch"
	InvariantBroken   BreakerCode = "invariant"
	RecoveryFailed    BreakerCode = "recovery_failed"
	AuditBroken       BreakerCode = "audit_broken"
)

// standing says of each code whether a finding is a lasting fact, which two people
// accept with their reset: the same subject with the same amount does not trip
// again until it has gone. An event that is not one trips each time that it happens.
var standing = map[BreakerCode]bool{
	ForeignSpend:      true, // the transaction; connecting its block again is no news
	DeepReorg:         false,
	UnexpectedPayment: true, // the transaction
	LedgerMismatch:    true, // the difference; another one is news
	InvariantBroken:   true, // the breach in its exact words
	RecoveryFailed:    true, // the line of the journal, which is read at each start
	AuditBroken:       true, // the first row that is not what was signed
}

// BreakerCodes lists every code, sorted.
func BreakerCodes() []BreakerCode { return slices.Sorted(maps.Keys(standing)) }

// Known reports whether c is a code.
func (c BreakerCode) Known() bool { _, ok := standing[c]; return ok }

// Standing reports whether a finding of this code, once two people have accepted
// it, does not trip again while it stays as it is.
func (c BreakerCode) Standing() bool { return standing[c] }

// BreakerState is where a breaker stands. Nothing is signed unless every breaker is
// reset.
type BreakerState string

// The states of a breaker.
const (
	BreakerOpen  BreakerState = "open"       // nobody has consented to what was found
	BreakerHalf  BreakerState = "half_reset" // one person has
	BreakerReset BreakerState = "reset"      // two have; it stays as it is for ever
)

var breakerNext = map[BreakerState][]BreakerState{
	BreakerOpen:  {BreakerHalf},
	BreakerHalf:  {BreakerReset, BreakerOpen}, // something more was found
	BreakerReset: {},
}

// BreakerStates lists every state of a breaker, sorted.
func BreakerStates() []BreakerState { return slices.Sorted(maps.Keys(breakerNext)) }

// BreakerEdges lists the legal edges of a breaker.
func BreakerEdges() []grant.Edge {
	var all []grant.Edge
	for from, tos := range breakerNext {
		for _, to := range tos {
			all = append(all, grant.Edge{From: string(from), To: string(to)})
		}
	}
	return all
}

// BreakerWork is a breaker under lock and what a consent adds to it.
type BreakerWork struct {
	Breaker Breaker

	NewConsent *Consent
	Accept     bool // what was found is accepted as it stands
	Entries    []audit.Entry
}

// Consent moves the breaker on by one person.
func (w *BreakerWork) Consent(by identity.Actor, now time.Time) {
	from, to, action := w.Breaker.State, BreakerHalf, "breaker.consented"
	if from == BreakerHalf {
		to, action = BreakerReset, "breaker.reset"
		w.Accept = w.Breaker.Code.Standing()
	}
	w.Breaker.State, w.Breaker.ChangedAt = to, now
	w.NewConsent = &Consent{StaffID: by.StaffID, Name: by.Name, At: now}
	w.Breaker.Consents = append(w.Breaker.Consents, *w.NewConsent)
	w.Entries = append(w.Entries, audit.Entry{
		Actor:      by,
		Action:     action,
		ObjectKind: "breaker",
		ObjectID:   strconv.FormatInt(w.Breaker.ID, 10),
		From:       string(from),
		To:         string(to),
		Digest:     w.Breaker.Digest(),
		At:         now,
	})
}

// Tripped is the audit log's entry of a finding that opened breaker id, or was
// added to it while it was in from.
func (f Finding) Tripped(id int64, from BreakerState) audit.Entry {
	sum := f.digest()
	return audit.Entry{
		Actor: identity.System(
			"worker",
		),
		Action:     "breaker.tripped",
		ObjectKind: "breaker",
		ObjectID:   strconv.FormatInt(id, 10),
		From:       string(from),
		To:         string(BreakerOpen),
		Digest:     sum[:],
		At:         f.At,
	}
}

// digest is the SHA-256 of what was found, a value a line: code, subject, amount in
// sat or nothing, words.
func (f Finding) digest() [sha256.Size]byte {
	amount := ""
	if f.Amount != nil {
		amount = strconv.FormatInt(int64(*f.Amount), 10)
	}
	return sha256.Sum256([]byte(string(f.Code) + "\n" + f.Subject + "\n" + amount + "\n" + f.Detail + "\n"))
}

// Digest is what a consent is for, as the audit log has it: the SHA-256 of the
// digests of all findings in their order.
func (b Breaker) Digest() []byte {
	var all []byte
	for _, f := range b.Findings {
		sum := f.digest()
		all = append(all, sum[:]...)
	}
	sum := sha256.Sum256(all)
	return sum[:]
}

// Calm refuses while a breaker is open.
func Calm(h Holdings) error {
	if len(h.Breakers) > 0 {
		return errs.New(
			errs.Conflict,
			CodeBreakerOpen,
			"Signing is stopped because something unexpected happened to the treasury. Two people have to look at it first; see the treasury page.",
		)
	}
	return nil
}

// Difference is what coins are worth on the chain minus what the ledger says.
func (h Holdings) Difference() btcutil.Amount {
	var coins btcutil.Amount
	for _, c := range h.Coins {
		coins += c.Amount
	}
	return coins - h.Balances.OnChain()
}

// FoundDeepReorg is the finding of a block that left the best chain from below final.
func FoundDeepReorg(head Tip, now time.Time) Finding {
	return Finding{
		Code:    DeepReorg,
		Subject: head.Hash.String(),
		At:      now,
		Detail: fmt.Sprintf(
			"Block %d (%s) left the best chain although a payment in it had been final.",
			head.Height,
			head.Hash,
		),
	}
}
