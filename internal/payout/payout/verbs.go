package payout

import (
	"slices"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// Approve takes a composed batch to approved with a treasurer's yes to its digest. Conflict
// stale_digest, wrong_state.
func (l *Locked) Approve(by identity.Actor, a Approval) error {
	if a.Digest != l.r.Batch.Digest {
		return errs.New(
			errs.Conflict,
			errs.CodeStaleDigest,
			"This is not the digest of the batch. Nothing was approved.",
		)
	}
	if err := l.move(by, Approved, "batch.approved"); err != nil {
		return err
	}
	l.ch.NewApproval = &a
	l.r.Approvals = append(slices.Clone(l.r.Approvals), a)
	return nil
}

// Cancel takes a batch back that no signer was asked for: its payments are payable again and its
// coins are free. why is for the audit log; empty: somebody asked for it. Conflict wrong_state.
func (l *Locked) Cancel(by identity.Actor, why string) error {
	if !l.r.Batch.State.BeforeSigning() {
		return wrongState("Cancelling is possible only before a batch goes to the signer.")
	}
	if err := l.cancel(by, "batch.cancelled"); err != nil {
		return err
	}
	if why != "" {
		l.ch.Entries[len(l.ch.Entries)-1].Detail = map[string]string{"reason": why}
	}
	return nil
}

// Forget cancels a batch that nobody has approved in time, or that was approved and has not
// gone to a signer by its last moment. Conflict wrong_state.
func (l *Locked) Forget(by identity.Actor) error {
	over := l.r.Batch.State.BeforeSigning() && l.now.After(l.r.Batch.Until)
	if l.r.Batch.State != Composed && !over {
		return wrongState("The batch no longer waits for an approval.")
	}
	return l.cancel(by, "batch.lapsed")
}

func (l *Locked) cancel(by identity.Actor, action string) error {
	if err := l.move(by, Cancelled, action); err != nil {
		return err
	}
	l.itemsTo(grant.Payable)
	l.ch.ReleaseItems, l.ch.ReleaseCoins = true, true
	return nil
}

// AddAttempt takes an approved batch to built with its first attempt. Its first coin is the anchor
// of the batch, and its coins are reserved. Conflict wrong_state; Internal bad_attempt.
func (l *Locked) AddAttempt(by identity.Actor, a Attempt) error {
	if _, err := l.r.Batch.State.to(Built); err != nil {
		return err
	}
	if err := l.fits(a); err != nil {
		return err
	}
	if a.Kind != Pays || len(l.r.Attempts) > 0 {
		return badAttempt("a batch has exactly one first attempt, and it cannot be a void.")
	}
	l.anchor(a.Inputs[0].OutPoint)
	l.add(a)
	l.reserve(a)
	l.event(a.TxID, "built", "", l.now)
	return l.move(by, Built, "batch.built")
}

func (l *Locked) anchor(op wire.OutPoint) {
	l.r.Batch.Anchor, l.ch.Anchor = &op, &op
}

// CanReplace refuses a replacement of the attempt that a txid names: when it is no longer the newest,
// when the batch waits for nothing, when no signer could be shown what a payment is for, and when
// two people's word about taking the batch back says the other kind. Conflict attempt_changed,
// approvals_lost, batch_voided.
func (l *Locked) CanReplace(txid chainhash.Hash, kind AttemptKind) error {
	if err := l.isNewest(txid); err != nil {
		return err
	}
	if !l.r.Batch.State.Waits() {
		return attemptChanged()
	}
	if kind == Pays && slices.ContainsFunc(l.r.Attempts, Attempt.LacksNotes) {
		return ApprovalsLost()
	}
	if (kind == Voids) != l.r.Void.Agreed() {
		return errs.New(
			errs.Conflict,
			errs.CodeBatchVoided,
			"The decision to take back the batch has changed in the meantime. This step changed nothing.",
		)
	}
	return nil
}

// Replace adds an attempt in the place of the newest one, which a txid names, and takes it past the
// point of no return at once: it changes nothing about who may be paid. detail says what it pays. The
// errors are those of CanReplace; Internal bad_attempt.
func (l *Locked) Replace(by identity.Actor, txid chainhash.Hash, a Attempt, detail string) error {
	if err := l.CanReplace(txid, a.Kind); err != nil {
		return err
	}
	if err := l.fits(a); err != nil {
		return err
	}
	l.add(a)
	l.reserve(a)
	l.event(a.TxID, "built", "", l.now)
	l.event(a.TxID, "signing", detail, l.now)
	l.calm()
	action := "batch.bumped"
	if a.Kind == Voids {
		action = "batch.void_built"
	}
	l.note(by, action)
	return nil
}

// fits refuses an attempt that the chain could hold beside one of the batch, or that pays somebody
// else: a trigger of the database refuses the same.
func (l *Locked) fits(a Attempt) error {
	newest, ok := l.Newest()
	switch {
	case a.BatchID != l.r.Batch.ID || len(a.Inputs) == 0:
		return badAttempt("it belongs to another batch, or spends nothing.")
	case l.at(a.TxID) >= 0 || ok && a.No <= newest.No:
		return badAttempt("its place is already taken by another attempt.")
	case a.Kind == Voids && a.Paid() != 0:
		return badAttempt("it is a void but pays somebody.")
	case !ok:
		return nil
	}
	first := l.r.Attempts[0]
	if a.Kind == Pays && first.Kind == Pays && a.Paid() != first.Paid() {
		return badAttempt("it does not pay what the first attempt pays.")
	}
	for _, in := range first.Inputs {
		if !slices.ContainsFunc(a.Inputs, func(x AttemptInput) bool { return x.OutPoint == in.OutPoint }) {
			return badAttempt("it drops a coin of the first attempt.")
		}
	}
	return nil
}

// Release takes a built batch past the point of no return: from now on a signer may have signed its
// newest attempt, and only the chain says what happened. Conflict wrong_state.
func (l *Locked) Release(by identity.Actor) error {
	newest, ok := l.Newest()
	if !ok {
		return wrongState("The batch has no transaction yet.")
	}
	if l.r.Batch.State != Built {
		_, err := l.r.Batch.State.to(Signing)
		if err == nil {
			err = wrongState("The batch was cancelled.")
		}
		return err
	}
	if len(l.r.Items) > 0 {
		l.ch.Transfers = append(l.ch.Transfers, l.inFlight())
		l.itemsTo(grant.MaybePaid)
	}
	l.event(newest.TxID, "signing", "", l.now)
	return l.move(by, Signing, "batch.signing")
}

// inFlight is the transfer of the payments that a signer was asked for.
func (l *Locked) inFlight() ledger.Transfer {
	return ledger.Move(
		ledger.KindRelease,
		l.r.Batch.ID.String(),
		ledger.Committed,
		ledger.InFlight,
		Total(l.r.Items),
		l.now,
	)
}

// AddSignature keeps what a signer answered for the attempt that a txid names, while more are needed.
// Conflict attempt_changed, wrong_state.
func (l *Locked) AddSignature(txid chainhash.Hash, s Signature) error {
	if err := l.unsigned(txid); err != nil {
		return err
	}
	l.sign(txid, s)
	l.calm()
	return nil
}

// BringSignature keeps what a person brought for the attempt that a txid names. Conflict
// attempt_changed, wrong_state.
func (l *Locked) BringSignature(by identity.Actor, txid chainhash.Hash, s Signature) error {
	if err := l.unsigned(txid); err != nil {
		return err
	}
	l.sign(txid, s)
	l.note(by, "batch.signature_brought")
	return nil
}

func (l *Locked) sign(txid chainhash.Hash, s Signature) {
	a := l.own(txid)
	a.Partial = append(slices.Clone(a.Partial), s)
	l.ch.Signatures = append(l.ch.Signatures, NewSignature{Attempt: a.ID, Signature: s})
}

// Unsigned returns the newest attempt while it waits for a signature. Conflict wrong_state.
func (r Record) Unsigned() (Attempt, error) {
	newest, ok := r.Newest()
	if !ok || !r.Batch.State.Waits() || len(newest.Raw) > 0 || !newest.Released() {
		return Attempt{}, wrongState("This batch is not waiting for a signature.")
	}
	return newest, nil
}

func (l *Locked) unsigned(txid chainhash.Hash) error {
	if err := l.isNewest(txid); err != nil {
		return err
	}
	_, err := l.r.Unsigned()
	return err
}

// Sign keeps the signed bytes of the attempt that a txid names, before any node is told. Conflict
// attempt_changed, wrong_state.
func (l *Locked) Sign(by identity.Actor, txid chainhash.Hash, raw []byte) error {
	if err := l.unsigned(txid); err != nil {
		return err
	}
	a := l.own(txid)
	a.Raw = raw
	l.ch.Raws = append(l.ch.Raws, AttemptRaw{Attempt: a.ID, Raw: raw})
	l.event(txid, "signed", "", l.now)
	if l.r.Batch.State == Signing {
		return l.move(by, Signed, "batch.signed")
	}
	l.note(by, "batch.signed")
	return nil
}

// Broadcast notes that a node was told of the attempt that a txid names, and what it replied.
// Conflict attempt_changed, wrong_state.
func (l *Locked) Broadcast(by identity.Actor, txid chainhash.Hash, reply string) error {
	if err := l.isNewest(txid); err != nil {
		return err
	}
	if a, _ := l.Attempt(txid); len(a.Raw) == 0 {
		return wrongState("This transaction is not signed, so it cannot be broadcast.")
	}
	l.event(txid, "broadcast", reply, l.now)
	if l.r.Batch.State == Signed {
		return l.move(by, Broadcast, "batch.broadcast")
	}
	l.note(by, "batch.broadcast")
	return nil
}

// WaitsForBlock refuses to raise what is not out, and a payment that two people have agreed to
// take back. Conflict wrong_state.
func (r Record) WaitsForBlock() error {
	newest, ok := r.Newest()
	takenBack := r.Batch.State == Voiding && newest.Kind == Voids && newest.Height == 0
	if !ok || r.Batch.State != Broadcast && !takenBack {
		return wrongState("Only a batch that waits for a block can have its feerate raised.")
	}
	return nil
}

// AskRaise notes the feerate that a treasurer asks for. Conflict wrong_state, approvals_lost.
func (l *Locked) AskRaise(by identity.Actor, feeRateSatKVB int64) error {
	if err := l.CanAskRaise(); err != nil {
		return err
	}
	l.r.Batch.WantedSatKVB = feeRateSatKVB
	l.note(by, "batch.bump_asked")
	return nil
}

// CanAskRaise refuses to raise the fee of what waits for no block, and of what no signer can be shown.
func (l *Locked) CanAskRaise() error {
	if newest, ok := l.Newest(); ok && newest.LacksNotes() {
		return ApprovalsLost()
	}
	return l.r.WaitsForBlock()
}

// CanAskVoid refuses a request to take the batch back while there is one, and when nothing is out.
// Conflict already_voiding, wrong_state.
func (l *Locked) CanAskVoid() error {
	if l.r.Void != nil && !l.r.Void.Lapsed(l.now) {
		return errs.New(
			errs.Conflict,
			CodeAlreadyVoiding,
			"Somebody has already asked to take this batch back. Nothing was changed.",
		)
	}
	if !l.r.Batch.State.Waits() {
		return wrongState(
			"A batch can be taken back only while its transaction waits for a block. Before that it is cancelled; " +
				"after that it is paid.",
		)
	}
	return nil
}

// AskVoid keeps a request to take the batch back, which changes nothing else until a second person has
// agreed. One that has lapsed ends first. The errors are those of CanAskVoid.
func (l *Locked) AskVoid(by identity.Actor, v Void) error {
	if err := l.CanAskVoid(); err != nil {
		return err
	}
	if l.r.Void != nil {
		l.endVoid(by, VoidEnd{ID: l.r.Void.ID, How: VoidLapsed, At: l.now}, "batch.void_lapsed")
	}
	l.ch.NewVoid, l.r.Void = &v, &v
	l.note(by, "batch.void_asked")
	return nil
}

// AgreeVoid is a second person's yes to the digest of the void: from now on the batch is being taken
// back. Conflict wrong_state, void_lapsed, stale_digest; Forbidden second_person.
func (l *Locked) AgreeVoid(by identity.Actor, digest decision.Digest) error {
	v := l.r.Void
	switch {
	case v == nil || v.Agreed():
		return nothingAsked()
	case v.Lapsed(l.now):
		return errs.New(
			errs.Conflict,
			CodeVoidLapsed,
			"Nobody agreed to this within 24 hours, so the request has expired. Nothing was changed: ask again.",
		)
	case v.Digest != digest:
		return errs.New(
			errs.Conflict,
			errs.CodeStaleDigest,
			"This is not the digest of the void. Nothing was approved.",
		)
	case v.AskedBy == by.StaffID:
		return errs.New(
			errs.Forbidden,
			CodeSecondPerson,
			"You asked for this, so another treasurer must agree. Nothing was changed.",
		)
	case !l.r.Batch.State.Waits():
		return wrongState("The batch no longer waits for a block, so it cannot be taken back.")
	}
	if err := l.move(by, Voiding, "batch.void_approved"); err != nil {
		return err
	}
	l.ch.Entries[len(l.ch.Entries)-1].Digest = digest[:] // of what was agreed to, not of the batch
	l.approveVoid(Approval{Digest: digest, StaffID: by.StaffID, CreatedAt: l.now})
	return nil
}

func (l *Locked) approveVoid(a Approval) {
	agreed := *l.r.Void
	agreed.ApprovedBy, agreed.ApprovedAt = &a.StaffID, &a.CreatedAt
	l.r.Void = &agreed
	l.ch.VoidApproval = &VoidApproval{VoidID: agreed.ID, Approval: a}
}

// WithdrawVoid ends a request to take the batch back that nobody has agreed to. Conflict wrong_state.
func (l *Locked) WithdrawVoid(by identity.Actor) error {
	v := l.r.Void
	switch {
	case v.Agreed():
		return wrongState(
			"Another treasurer has agreed to take the batch back, so the request can no longer be withdrawn.",
		)
	case v == nil || v.Lapsed(l.now):
		return nothingAsked()
	}
	l.endVoid(by, VoidEnd{ID: v.ID, How: VoidWithdrawn, By: &by.StaffID, At: l.now}, "batch.void_withdrawn")
	return nil
}

// LapseVoid ends a request to which nobody has agreed in time, and reports whether there was one.
func (l *Locked) LapseVoid(by identity.Actor) bool {
	if !l.r.Void.Lapsed(l.now) {
		return false
	}
	l.endVoid(by, VoidEnd{ID: l.r.Void.ID, How: VoidLapsed, At: l.now}, "batch.void_lapsed")
	return true
}

func (l *Locked) endVoid(by identity.Actor, e VoidEnd, action string) {
	l.ch.VoidEnd, l.r.Void = &e, nil
	l.note(by, action)
}

func nothingAsked() error { return wrongState("There is no request to take this batch back.") }
