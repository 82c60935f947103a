package grant

import (
	"maps"
	"slices"

	"github.com/causeway-fund/causeway/internal/errs"
)

// State is where an application stands.
type State string

// The states of an application.
const (
	Submitted State = "submitted"
	InReview  State = "in_review"
	NeedsInfo State = "needs_info"
	Ready     State = "ready" // quorum is met; somebody may decide
	Approved  State = "approved"
	Declined  State = "declined"
	Withdrawn State = "withdrawn"
)

// Event is what moves an application on.
type Event string

// The events of an application.
const (
	Open     Event = "open"     // somebody took it up
	Ask      Event = "ask"      // a reviewer needs an answer
	Answer   Event = "answer"   // the operator answered
	Restore  Event = "restore"  // the operator answered, and the votes from before the question agree
	Quorum   Event = "quorum"   // enough votes agree
	Reopen   Event = "reopen"   // a later vote broke the quorum
	Approve  Event = "approve"  // decided: pay
	Decline  Event = "decline"  // decided: do not pay
	Withdraw Event = "withdraw" // the operator took it back
)

var applicationNext = map[State]map[Event]State{
	Submitted: {Open: InReview, Ask: NeedsInfo, Withdraw: Withdrawn},
	InReview:  {Ask: NeedsInfo, Quorum: Ready, Withdraw: Withdrawn},
	NeedsInfo: {Answer: InReview, Restore: Ready, Withdraw: Withdrawn},
	Ready:     {Reopen: InReview, Ask: NeedsInfo, Approve: Approved, Decline: Declined, Withdraw: Withdrawn},
	Approved:  {},
	Declined:  {},
	Withdrawn: {},
}

// States lists every state of an application, sorted.
func States() []State { return slices.Sorted(maps.Keys(applicationNext)) }

// OpenStates lists those in which an application waits for something, sorted.
func OpenStates() []State { return slices.DeleteFunc(States(), State.Closed) }

// Next returns the state that e leads to, or Conflict (wrong_state).
func (s State) Next(e Event) (State, error) {
	next, ok := applicationNext[s][e]
	if !ok {
		err := errs.Newf(
			errs.Conflict,
			errs.CodeWrongState,
			"This cannot be done while the application is %s. Nothing was changed.",
			s.words(),
		)
		err.Params = map[string]string{"state": string(s)}
		return "", err
	}
	return next, nil
}

// Closed reports whether nothing more can happen to the application.
func (s State) Closed() bool { return len(applicationNext[s]) == 0 }

func (s State) words() string {
	return map[State]string{
		Submitted: "waiting for review", InReview: "in review", NeedsInfo: "waiting for the operator's answer", Ready: "ready to be decided",
		Approved: "approved", Declined: "declined", Withdrawn: "withdrawn",
	}[s]
}

// GrantState is where a grant stands.
type GrantState string

// The states of a grant.
const (
	GrantActive     GrantState = "active"
	GrantCompleted  GrantState = "completed" // every instalment is final
	GrantTerminated GrantState = "terminated"
)

var grantNext = map[GrantState][]GrantState{
	GrantActive:     {GrantCompleted, GrantTerminated},
	GrantCompleted:  {GrantActive}, // a reorg, or one more instalment
	GrantTerminated: {},
}

// InstalmentState is where a payment that is owed stands.
type InstalmentState string

// The states of an instalment.
const (
	Payable   InstalmentState = "payable"
	Held      InstalmentState = "held"
	Allocated InstalmentState = "allocated"  // in a batch, not yet shown to a signer
	MaybePaid InstalmentState = "maybe_paid" // a signer was asked: only the chain can tell
	Mined     InstalmentState = "mined"
	Paid      InstalmentState = "paid"  // fund.PaidDepth confirmations
	Final     InstalmentState = "final" // fund.FinalDepth confirmations
	Cancelled InstalmentState = "cancelled"
)

// instalmentNext leads from MaybePaid back to Payable by rule R alone: every
// transaction that could pay it is dead. Nothing that a node or a person says makes
// a payment payable again; a trigger of the database holds the rule as well.
var instalmentNext = map[InstalmentState][]InstalmentState{
	Payable:   {Held, Allocated, Cancelled},
	Held:      {Payable, Cancelled},
	Allocated: {Payable, MaybePaid},
	MaybePaid: {Mined, Payable, Cancelled},
	Mined:     {MaybePaid, Paid},
	Paid:      {Mined, MaybePaid, Final},
	Final:     {},
	Cancelled: {},
}

// InstalmentStates lists every state of an instalment, sorted.
func InstalmentStates() []InstalmentState { return slices.Sorted(maps.Keys(instalmentNext)) }

// Edge is one legal change of state.
type Edge struct{ From, To string }

// Edges lists the legal edges of the three state machines of this package, by
// object kind: application, grant, instalment.
func Edges() map[string][]Edge {
	all := map[string][]Edge{}
	for from, events := range applicationNext {
		for _, to := range events {
			all["application"] = append(all["application"], Edge{string(from), string(to)})
		}
	}
	for from, tos := range grantNext {
		for _, to := range tos {
			all["grant"] = append(all["grant"], Edge{string(from), string(to)})
		}
	}
	for from, tos := range instalmentNext {
		for _, to := range tos {
			all["instalment"] = append(all["instalment"], Edge{string(from), string(to)})
		}
	}
	return all
}
