package endpoint

import (
	"time"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/advice"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

// Understood is what a pasted link or file says, secrets left out.
type Understood struct {
	Protocol probe.Protocol
	Fields   []link.Field   // values of secrets are "set"
	Control  []control.Kind // the ways in which control of it can be proven
}

// StageResult is one step of a check.
type StageResult struct {
	Stage probe.Stage
	State StepState
	MS    int64
}

// StepState is what became of a step.
type StepState string

// The states of a step.
const (
	StepPassed     StepState = "passed"
	StepFailed     StepState = "failed"
	StepSkipped    StepState = "skipped"  // the protocol has no such step
	StepLeftOut    StepState = "left_out" // a light check does not take it
	StepNotReached StepState = "not_reached"
)

// Check is one attempt as people are shown it.
type Check struct {
	At      time.Time
	Slot    time.Time
	Kind    vantage.Kind
	Mode    probe.Mode
	Attempt int
	Place   vantage.Place
	Vantage string // staff only: operators do not learn who checks
	Verdict probe.Verdict
	Stages  []StageResult
	Class   probe.Class
	Advice  string // key of package advice; "" when it is up
	Detail  string // operators and unsealed views only
	Proven  bool   // Telegram's key was proven
}

// Control says at a moment whether control of an endpoint is proven.
type Control struct {
	Proven           bool
	Kind             control.Kind // of the latest proof that held, also once it has ended
	At, Again, Until *time.Time   // of that proof
	Failed           *Proof       // the latest try, where it did not hold
}

// View is an endpoint as a page shows it.
type View struct {
	Endpoint    Endpoint                 // Spec is nil
	Fields      []link.Field             // operators, and reviewers who unsealed; nil else
	Checks      []Check                  // newest first, as many as were asked for
	Pending     bool                     // a check was asked for and has not come back
	RecheckAt   time.Time                // when the operator may ask again, not before ChecksFrom
	Uptime      map[vantage.Place]Uptime // of the last 30 days; a place without probers is left out
	Strip       []StripDay               // 30 days, oldest first, of the place that decides; none before its first check
	Proofs      []Proof                  // newest first
	Maintenance []Maintenance
	Hits        []Hit
	Linkages    []Linkage
	Exit        *ExitView // nil while no exit address is known
	// Blocked says that it works outside, and that probers inside, of two networks
	// or more, found it down in the last day and none found it up.
	Blocked bool
}

// Control returns whether control is proven at now, and what is known of it. A proof that has
// ended is told with its end, and proves nothing any more.
func (v *View) Control(now time.Time) Control {
	e := &v.Endpoint
	out := Control{Proven: e.Proven(now), Kind: e.Control, At: e.ProvenAt, Again: e.ProveAgainAt, Until: e.ProvenUntil}
	if len(v.Proofs) > 0 && !v.Proofs[0].Held {
		out.Failed = &v.Proofs[0]
	}
	return out
}

// Advice is the key of what the latest check has to say; "" when it is up, and before the first.
func (v *View) Advice() string {
	e := &v.Endpoint
	return adviceOf(e.Protocol, e.LastStage, e.LastClass, e.LastVerdict)
}

// adviceOf is empty for a check that is up: a WireGuard cookie is life, and asks for nothing.
func adviceOf(p probe.Protocol, failedAt probe.Stage, c probe.Class, v probe.Verdict) string {
	if c == probe.ClassNone || v == probe.Up {
		return ""
	}
	return advice.Key(p, failedAt, c)
}

// ExitView says where traffic comes out. Address is empty but for who may unseal.
type ExitView struct {
	Address string
	Country string
	ASN     uint32
	Org     string
	SeenAt  time.Time
}

// Instructions tell an operator how to prove control in one way.
type Instructions struct {
	Kind       control.Kind
	Generation int
	Credential *control.Public // what to put into the server's configuration
	Token      string          // challenge or TXT record
	Name       string          // TXT: the name of the record
	Command    string          // challenge: the command to run
	Until      time.Time       // the token's end
}
