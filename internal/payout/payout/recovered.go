package payout

import (
	"slices"
	"time"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// Recovered is what a line of a signer's journal says of a batch: a transaction that a signer was
// asked for, whatever the database thinks.
type Recovered struct {
	Attempt  Attempt // one that the batch has already is told by its txid
	At       time.Time
	Words    string            // of the attempt's events
	Detail   map[string]string // of the audit leaves
	Freed    []uuid.UUID       // payments that other batches give back in the same transaction
	Reserved []wire.OutPoint   // coins that the batch holds already
}

// Create makes the row of a batch that the database has lost, as composed, with those of its payments
// that the database knows. Internal bad_attempt when there is a row.
func (l *Locked) Create(by identity.Actor, b Batch, items []Item, detail map[string]string) error {
	if l.r.Batch.ID != uuid.Nil {
		return badAttempt("the batch already exists.")
	}
	b.State = Composed
	l.r.Batch, l.r.Items, l.ch.Create = b, slices.Clone(items), true
	l.enter(by, "batch.recovered", "").Detail = detail
	return nil
}

// Recover takes a transaction that a journal names for what it is: an attempt of the batch, which a
// signer was asked for. It aims at the attempt of that txid, wherever that stands among the others, and
// takes a batch that had not come so far past the point of no return, along the legal edges. Internal
// bad_attempt; Conflict wrong_state when it is no news, or when the batch was taken back.
func (l *Locked) Recover(by identity.Actor, x Recovered) error {
	a, known := l.Attempt(x.Attempt.TxID)
	switch {
	case known && a.Released():
		return wrongState("A signer has already been asked for this transaction.")
	case l.r.Batch.State == Voided:
		return wrongState("The batch was taken back.")
	case !known:
		a = x.Attempt
		if err := l.fitsLost(a); err != nil {
			return err
		}
		l.add(a)
		l.event(a.TxID, "built", x.Words, x.At)
	}
	if l.r.Batch.Anchor == nil {
		l.anchor(a.Inputs[0].OutPoint)
	}
	l.event(a.TxID, "signing", x.Words, x.At)
	if err := l.recoverTo(by, a, x); err != nil {
		return err
	}
	if l.r.Batch.State != Final {
		for _, in := range a.Inputs {
			if !slices.Contains(x.Reserved, in.OutPoint) {
				l.ch.Reserve = append(l.ch.Reserve, in.OutPoint)
			}
		}
	}
	l.calm()
	return nil
}

// fitsLost refuses what cannot be the attempt of its number. Those of a rebuilt batch may come back in
// any order, and a later one may be there already.
func (l *Locked) fitsLost(a Attempt) error {
	switch {
	case a.BatchID != l.r.Batch.ID || len(a.Inputs) == 0:
		return badAttempt("it belongs to another batch, or spends nothing.")
	case slices.ContainsFunc(l.r.Attempts, func(x Attempt) bool { return x.No == a.No }):
		return badAttempt("its place is already taken by another attempt.")
	case a.Kind == Voids && a.Paid() != 0:
		return badAttempt("it is a void but pays somebody.")
	}
	return nil
}

// recoverTo takes the batch and its payments to signing, unless they have come so far.
func (l *Locked) recoverTo(by identity.Actor, a Attempt, x Recovered) error {
	var path []State
	switch l.r.Batch.State {
	case Composed:
		path = []State{Approved, Built, Signing}
	case Approved:
		path = []State{Built, Signing}
	case Built, Cancelled:
		path = []State{Signing}
	case Signing, Signed, Broadcast, Mined, Paid, Final, Conflicted, Voiding, Voided:
		l.enter(by, "batch.recovered", l.r.Batch.State).Detail = x.Detail
		return nil
	}
	l.ch.Rehome = l.r.Batch.State == Cancelled
	for _, to := range path {
		if err := l.move(by, to, "batch.recovered"); err != nil {
			return err
		}
		l.ch.Entries[len(l.ch.Entries)-1].Detail = x.Detail
	}
	if lost := a.Unjoined(); lost > 0 { // nothing was set aside for it here
		l.ch.Transfers = append(
			l.ch.Transfers,
			ledger.Move(ledger.KindAdopt, l.r.Batch.ID.String(), ledger.Available, ledger.InFlight, lost, l.now),
		)
	}
	if len(l.r.Items) == 0 {
		return nil
	}
	l.ch.Transfers = append(l.ch.Transfers, l.inFlight())
	var held, payable []uuid.UUID
	for _, it := range l.r.Items {
		switch {
		case slices.Contains(x.Freed, it.InstalmentID) || it.State == grant.Payable:
			payable = append(payable, it.InstalmentID)
		case it.State == grant.Held:
			held, payable = append(held, it.InstalmentID), append(payable, it.InstalmentID)
		}
	}
	l.hop(held, grant.Held, grant.Payable)
	l.hop(payable, grant.Payable, grant.Allocated)
	l.hop(idsOf(l.r.Items), grant.Allocated, grant.MaybePaid)
	return nil
}

// RecoverVoid brings back the request to take the batch back, which a journal names, and that a second
// person agreed to it: no signer signs a void before. A request that the database has stays as it is.
func (l *Locked) RecoverVoid(by identity.Actor, v Void, second uuid.UUID, detail map[string]string) error {
	if l.r.Void == nil {
		l.ch.NewVoid, l.r.Void = &v, &v
	} else if l.r.Void.Digest != v.Digest {
		return badAttempt("the batch has another void note.")
	}
	if !l.r.Void.Agreed() {
		l.approveVoid(Approval{BatchID: l.r.Batch.ID, Digest: v.Digest, StaffID: second, CreatedAt: l.now})
	}
	if s := l.r.Batch.State; s == Signing || s == Signed || s == Broadcast {
		if err := l.move(by, Voiding, "batch.recovered"); err != nil {
			return err
		}
		l.ch.Entries[len(l.ch.Entries)-1].Detail = detail
	}
	return nil
}
