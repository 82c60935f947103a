package payout

import (
	"slices"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// Locked is a batch under its row lock. Its verbs are the only way to change the batch: each checks
// that the batch's state allows it, and returns an error that changes nothing when it does not.
// What they add up to is written in one transaction, or nothing is.
//
// A Locked batch holds all that its verbs depend on and reaches no store, so what runs under the
// lock cannot ask for a second connection.
type Locked struct {
	r   Record
	now time.Time
	ch  Changes
}

// Changes is what the verbs of a Locked batch have added to it, for the store to write.
type Changes struct {
	Create       bool           // the batch is new: it is inserted as composed, with its payments
	Rehome       bool           // payments that had left the batch are in it again
	Anchor       *wire.OutPoint // nil: as it was
	Path         []State        // the states that the batch passed, in order; empty: it stays where it is
	NewApproval  *Approval
	VoidEnd      *VoidEnd // before NewVoid
	NewVoid      *Void
	VoidApproval *VoidApproval
	NewAttempts  []Attempt
	Reserve      []wire.OutPoint // coins taken; Conflict "coin_taken" when one is
	Raws         []AttemptRaw
	Events       []NewEvent
	Signatures   []NewSignature
	Hops         []Hop // of the payments
	ReleaseItems bool  // payments leave the batch
	ReleaseCoins bool  // reservations end
	Transfers    []ledger.Transfer
	Entries      []audit.Entry
}

// VoidApproval is a person's yes to the request to take a batch back.
type VoidApproval struct {
	VoidID   uuid.UUID
	Approval Approval
}

// AttemptRaw is the signed bytes of an attempt.
type AttemptRaw struct {
	Attempt uuid.UUID
	Raw     []byte
}

// NewEvent is something that happened to the attempt that it names.
type NewEvent struct {
	Attempt uuid.UUID
	Event   AttemptEvent
}

// NewSignature is a signature of the attempt that it names.
type NewSignature struct {
	Attempt   uuid.UUID
	Signature Signature
}

// NewLocked is a batch as it was read under its lock at a time. Only a store makes one.
func NewLocked(r Record, now time.Time) *Locked { return &Locked{r: r, now: now} }

// Record is the batch as it stands: as it was read, with what the verbs did to it.
func (l *Locked) Record() Record {
	r := l.r
	r.Items, r.Approvals, r.Attempts = slices.Clone(r.Items), slices.Clone(r.Approvals), slices.Clone(r.Attempts)
	return r
}

// Batch is the row of the batch as it stands.
func (l *Locked) Batch() Batch { return l.r.Batch }

// Changes is what the verbs have added.
func (l *Locked) Changes() Changes { return l.ch }

// Newest returns the attempt with the highest number; ok is false before there is one.
func (l *Locked) Newest() (a Attempt, ok bool) { return l.r.Newest() }

// Attempt returns the attempt of a txid.
func (l *Locked) Attempt(txid chainhash.Hash) (a Attempt, ok bool) {
	if at := l.at(txid); at >= 0 {
		return l.r.Attempts[at], true
	}
	return Attempt{}, false
}

// Newest returns the attempt with the highest number; ok is false before there is one.
func (r Record) Newest() (a Attempt, ok bool) {
	for _, x := range r.Attempts {
		if !ok || x.No > a.No {
			a, ok = x, true
		}
	}
	return a, ok
}

// Mined returns the attempt that a block holds; nil while none does. There is at most one: all
// attempts of a batch spend a coin in common.
func (r Record) Mined() *Attempt {
	for i := range r.Attempts {
		if r.Attempts[i].Height > 0 {
			return &r.Attempts[i]
		}
	}
	return nil
}

// Current returns the attempt that a block holds, else the newest; nil before there is one. It is
// the one whose fee, txid and confirmations stand for the batch.
func (r Record) Current() *Attempt {
	if mined := r.Mined(); mined != nil || len(r.Attempts) == 0 {
		return mined
	}
	return &r.Attempts[len(r.Attempts)-1]
}

// at is the index of an attempt; below zero when the batch has none of that txid.
func (l *Locked) at(txid chainhash.Hash) int {
	return slices.IndexFunc(l.r.Attempts, func(a Attempt) bool { return a.TxID == txid })
}

// isNewest refuses a step that is meant for an attempt which is no longer the newest: it was
// worked out from what the batch was before.
func (l *Locked) isNewest(txid chainhash.Hash) error {
	if a, ok := l.Newest(); !ok || a.TxID != txid {
		return attemptChanged()
	}
	return nil
}

func attemptChanged() error {
	return errs.New(
		errs.Conflict,
		CodeAttemptChanged,
		"Another attempt was added in the meantime. This step changed nothing.",
	)
}

func wrongState(why string) error {
	return errs.New(errs.Conflict, errs.CodeWrongState, why+" Nothing was changed.")
}

func badAttempt(why string) error {
	return errs.New(errs.Internal, CodeBadAttempt, "This transaction cannot be an attempt of the batch: "+why)
}

// move takes the batch to its next state and records that. Trouble with the step before is over.
func (l *Locked) move(by identity.Actor, to State, action string) error {
	from := l.r.Batch.State
	next, err := from.to(to)
	if err != nil {
		return err
	}
	l.calm()
	l.r.Batch.State = next
	l.ch.Path = append(l.ch.Path, next)
	l.enter(by, action, from)
	return nil
}

// note records what was done to a batch that stays in its state.
func (l *Locked) note(by identity.Actor, action string) { l.enter(by, action, l.r.Batch.State) }

// enter adds the audit leaf of an action that took the batch from a state to where it stands now,
// and returns it.
func (l *Locked) enter(by identity.Actor, action string, from State) *audit.Entry {
	b := l.r.Batch
	l.ch.Entries = append(l.ch.Entries, audit.Entry{
		Actor:      by,
		Action:     action,
		ObjectKind: "batch",
		ObjectID:   b.ID.String(),
		From:       string(from),
		To:         string(b.State),
		Digest:     slices.Clone(b.Digest[:]),
		At:         l.now,
	})
	return &l.ch.Entries[len(l.ch.Entries)-1]
}

// calm forgets what went wrong with the step before.
func (l *Locked) calm() { l.r.Batch.Tries, l.r.Batch.LastError = 0, "" }

// event notes what happened to an attempt.
func (l *Locked) event(txid chainhash.Hash, event, detail string, at time.Time) {
	a := l.own(txid)
	e := AttemptEvent{Event: event, Detail: detail, At: at}
	a.Events = append(slices.Clone(a.Events), e)
	l.ch.Events = append(l.ch.Events, NewEvent{Attempt: a.ID, Event: e})
}

// own is an attempt of the batch to change. The slice is a copy: Records that were given out keep theirs.
func (l *Locked) own(txid chainhash.Hash) *Attempt {
	l.r.Attempts = slices.Clone(l.r.Attempts)
	return &l.r.Attempts[l.at(txid)]
}

// add adds an attempt in the place of its number.
func (l *Locked) add(a Attempt) {
	at, _ := slices.BinarySearchFunc(l.r.Attempts, a.No, func(x Attempt, no int) int { return x.No - no })
	l.r.Attempts = slices.Insert(slices.Clone(l.r.Attempts), at, a)
	l.ch.NewAttempts = append(l.ch.NewAttempts, a)
}

// reserve takes the coins of an attempt that no attempt before it has taken.
func (l *Locked) reserve(a Attempt) {
	for _, in := range a.Inputs {
		taken := slices.ContainsFunc(l.r.Attempts, func(before Attempt) bool {
			return before.ID != a.ID &&
				slices.ContainsFunc(before.Inputs, func(x AttemptInput) bool { return x.OutPoint == in.OutPoint })
		})
		if !taken {
			l.ch.Reserve = append(l.ch.Reserve, in.OutPoint)
		}
	}
}

// itemsTo takes all payments of the batch to a state.
func (l *Locked) itemsTo(to grant.InstalmentState) {
	if len(l.r.Items) > 0 {
		l.hop(idsOf(l.r.Items), l.r.Items[0].State, to)
	}
}

// hop takes some payments of the batch from one state to the next.
func (l *Locked) hop(ids []uuid.UUID, from, to grant.InstalmentState) {
	if len(ids) == 0 {
		return
	}
	l.r.Items = slices.Clone(l.r.Items)
	for i, it := range l.r.Items {
		if slices.Contains(ids, it.InstalmentID) {
			l.r.Items[i].State = to
		}
	}
	l.ch.Hops = append(l.ch.Hops, Hop{IDs: ids, From: from, To: to})
}

func idsOf(items []Item) []uuid.UUID {
	ids := make([]uuid.UUID, len(items))
	for i, it := range items {
		ids[i] = it.InstalmentID
	}
	return ids
}
