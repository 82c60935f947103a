package endpoint

import (
	"time"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
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
	State string // passed, failed, skipped (the protocol has no such step), not_reached
	MS    int64
}

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
	Advice  string // key of package advice; "" when it passed
	Detail  string // operators and unsealed views only
	Proven  bool   // Telegram's key was proven
}

// StripDay is one day of the strip.
type StripDay struct {
	Day               time.Time
	Slot              time.Duration // that a mark stands for
	Marks             string
	Up, Down, Unknown int
}

// View is an endpoint as a page shows it.
type View struct {
	Endpoint    Endpoint                  // Spec is nil
	Fields      []link.Field              // operators, and reviewers who unsealed; nil else
	Checks      []Check                   // newest first, as many as were asked for
	Pending     bool                      // a check was asked for and has not come back
	RecheckAt   time.Time                 // when the operator may ask again
	Uptime      map[vantage.Place]Uptime  // of the last 30 days; a place without probers is left out
	Strip       []StripDay                // 30 days, oldest first, of the place that decides
	Why         map[time.Time]probe.Class // of its slots in the last two days, by their start: what their last attempt came to
	Proofs      []Proof                   // newest first
	Maintenance []Maintenance
	Hits        []Hit
	Linkages    []Linkage
	Exit        *ExitView // nil while no exit address is known
	// Blocked says that it works outside, and that probers inside, of two networks
	// or more, found it down in the last day and none found it up.
	Blocked bool
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
