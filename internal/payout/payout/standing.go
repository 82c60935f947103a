package payout

import "github.com/causeway-fund/causeway/internal/review/fund"

// What people and programs are told of a batch beyond its state: decided here once, for the API
// and for the pages.

// Fate is what became of an attempt.
type Fate string

// The fates of an attempt.
const (
	FateBuilt      Fate = "built"
	FateSigning    Fate = "signing"
	FateSigned     Fate = "signed"
	FateBroadcast  Fate = "broadcast"
	FateReplaced   Fate = "replaced" // another one stands for the batch; this one may still confirm
	FateMined      Fate = "mined"
	FatePaid       Fate = "paid"
	FateFinal      Fate = "final"
	FateConflicted Fate = "conflicted"
	FateDead       Fate = "dead" // it can never confirm any more
)

// Fate is what became of the batch's ith attempt, from what happened to it. What the chain said
// counts until a reorganisation takes it back; then the attempt waits for a block again.
func (r Record) Fate(i int) Fate {
	fate, chain := FateBuilt, false
	for _, e := range r.Attempts[i].Events {
		switch e.Event {
		case "built", "signing", "signed", "broadcast":
			fate, chain = Fate(e.Event), false
		case "reorged":
			fate, chain = FateBroadcast, false
		case "mined", "paid", "final", "conflicted", "dead":
			fate, chain = Fate(e.Event), true
		}
	}
	if !chain && r.Current() != &r.Attempts[i] {
		return FateReplaced
	}
	return fate
}

// Next is what moves a batch on.
type Next string

// What moves a batch on.
const (
	NextApprove     Next = "approve"      // a treasurer's approval
	NextBuild       Next = "build"        // the worker builds a transaction, or the one that pays nobody
	NextSigner      Next = "signer"       // the fund's signers
	NextSign        Next = "sign"         // people's signatures: the fund's signers have not been enough
	NextApproveVoid Next = "approve_void" // a second person's yes to taking it back
	NextBroadcast   Next = "broadcast"    // the worker tells a node
	NextBlock       Next = "block"        // a block
	NextDepth       Next = "depth"        // more blocks on top
	NextInvestigate Next = "investigate"  // people: it does not go on by itself
	NextNone        Next = "none"
)

// stuckTries is after how many tries in vain a batch does not go on by itself.
const stuckTries = 3

// Next says what moves the batch on; status is nil when it waits for no signature.
func (r Record) Next(status *SignatureStatus) Next {
	switch r.Batch.State {
	case Composed:
		return NextApprove
	case Approved, Built:
		return NextBuild
	case Signing, Signed, Broadcast:
		if r.Void != nil && !r.Void.Agreed() {
			return NextApproveVoid
		}
		return r.nextOut(status)
	case Voiding:
		return r.nextOfVoid(status)
	case Mined, Paid:
		return NextDepth
	case Final, Cancelled, Voided:
		return NextNone
	case Conflicted:
	}
	return NextInvestigate
}

// nextOut is Next of a batch that a signer may have seen.
func (r Record) nextOut(status *SignatureStatus) Next {
	switch b := r.Batch; {
	case status != nil:
		return r.nextOfSigning(*status)
	case b.State != Broadcast:
		return NextBroadcast
	case b.Alarm != "", b.LastError != "" && b.Tries >= stuckTries:
		return NextInvestigate
	}
	return NextBlock
}

// nextOfSigning: a signer of the fund answers by itself, so people are asked once that has not
// been enough.
func (r Record) nextOfSigning(status SignatureStatus) Next {
	if status.Missing > 0 && (len(status.Signed) > 0 || r.Batch.LastError != "") {
		return NextSign
	}
	return NextSigner
}

// nextOfVoid: a void that is in a block needs no signature of a newer one, which was made in case
// this one would not confirm.
func (r Record) nextOfVoid(status *SignatureStatus) Next {
	newest, ok := r.Newest()
	mined := r.Mined()
	switch {
	case mined != nil && mined.Kind == Voids:
		return NextDepth
	case status != nil:
		return r.nextOfSigning(*status)
	case !ok || newest.Kind != Voids || len(newest.Raw) == 0:
		return NextBuild
	}
	return NextBlock
}

// ConfirmationsNeeded is how many confirmations the batch's current attempt needs for the next
// thing to happen: to be called paid, to be final, or, where it pays nobody, to free the payments.
// 0: nothing of the batch waits for blocks.
func (s State) ConfirmationsNeeded(f fund.Fund) int32 {
	switch s {
	case Built, Signing, Signed, Broadcast, Mined:
		return f.PaidDepth
	case Paid, Voiding:
		return f.FinalDepth
	case Composed, Approved, Final, Cancelled, Conflicted, Voided:
	}
	return 0
}
