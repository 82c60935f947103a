package payout

import (
	"maps"
	"slices"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/review/grant"
)

// State is where a batch stands.
type State string

// The states of a batch. Signing is the point of no return.
const (
	Composed   State = "composed"   // frozen; waits for the treasurer's approval
	Approved   State = "approved"   // the worker may build it
	Built      State = "built"      // coins reserved; unsigned transaction and txid stored
	Signing    State = "signing"    // a signer may have been asked
	Signed     State = "signed"     // signed bytes stored
	Broadcast  State = "broadcast"  // a node was told; it is told again until the chain answers
	Mined      State = "mined"      // in a block
	Paid       State = "paid"       // deep enough to be called paid
	Final      State = "final"      // deep enough to be forgotten by reorgs
	Cancelled  State = "cancelled"  // before signing
	Conflicted State = "conflicted" // somebody else spent its coins
	Voiding    State = "voiding"    // two people have agreed on a replacement that pays nobody
	Voided     State = "voided"     // nothing of it can be paid any more (rule R)
)

var batchNext = map[State][]State{
	Composed:   {Approved, Cancelled},
	Approved:   {Built, Cancelled},
	Built:      {Signing, Cancelled},
	Signing:    {Signed, Mined, Conflicted, Voiding},
	Signed:     {Broadcast, Mined, Conflicted, Voiding},
	Broadcast:  {Mined, Conflicted, Voiding},
	Mined:      {Broadcast, Voiding, Paid},
	Paid:       {Mined, Broadcast, Voiding, Final},
	Final:      {},
	Cancelled:  {Signing}, // in a restored database only: a signer's journal knows better
	Conflicted: {Broadcast, Mined, Voiding, Voided},
	Voiding:    {Mined, Conflicted, Voided},
	Voided:     {},
}

// States lists every state of a batch, sorted.
func States() []State { return slices.Sorted(maps.Keys(batchNext)) }

// Edges lists the legal edges of a batch.
func Edges() []grant.Edge {
	var all []grant.Edge
	for from, tos := range batchNext {
		for _, to := range tos {
			all = append(all, grant.Edge{From: string(from), To: string(to)})
		}
	}
	return all
}

// Can reports whether a batch may go from s to next.
func (s State) Can(next State) bool { return slices.Contains(batchNext[s], next) }

// BeforeSigning reports whether no signer can have been asked yet.
func (s State) BeforeSigning() bool { return s == Composed || s == Approved || s == Built }

// Payable reports whether a batch's transaction may turn up in a block now. A
// cancelled batch's is as unexpected as one that nobody made.
func (s State) Payable() bool { return s == Built || s == Final || s.Can(Mined) }

func (s State) to(next State) (State, error) {
	if !s.Can(next) {
		err := errs.Newf(
			errs.Conflict,
			errs.CodeWrongState,
			"The batch is %s, so this cannot be done. Nothing was changed.",
			s,
		)
		err.Params = map[string]string{"state": string(s)}
		return s, err
	}
	return next, nil
}

// Waits reports whether the batch's transaction is out and not in a block.
func (s State) Waits() bool { return s == Signing || s == Signed || s == Broadcast || s == Voiding }
