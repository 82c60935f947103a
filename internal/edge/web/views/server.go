package views

import (
	"time"

	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
)

// Understood is what a pasted link or file says; secrets are not in it.
type Understood struct {
	Protocol string // a probe.Protocol
	Fields   []SpecField
}

// SpecField is one thing that was understood. Name is the suffix of a "spec."
// message; a field that is Set has a value that is not shown.
type SpecField struct {
	Name, Value string
	Set         bool
}

// Server is one server of an application: to its operator all of it, to staff
// what the pages of each take of it.
type Server struct {
	ID        string // staff only: forms name it
	Label     string // public locator
	Protocol  string // a probe.Protocol
	Address   string // empty for who may not see it
	Fields    []SpecField
	Verdict   string // "up", "down", "unknown"; "" before the first check
	CheckedAt time.Time
	FirstAt   time.Time // before the first check: when checks begin
	Advice    string    // key of what the latest check has to say; "" while it is up
	Pending   bool      // a check was asked for and has not come back
	RecheckAt time.Time // when the operator may ask again
	Proof     Proof
	Checks    []endpoint.Check    // newest first
	Uptimes   []Uptime            // one a place
	Days      []endpoint.StripDay // oldest first
	Breaks    []Break
	Exit      *Exit
	Hits      []Hit
	Links     []Linked
	Blocked   bool // it works outside, and nowhere inside
}

// Proof says whether control of a server is proven.
type Proof struct {
	Proven           bool
	Kind             string // "credential", "port", "dns"; "" before the first proof; it stays when that has ended
	At, Again, Until time.Time
	TriedAt          time.Time // of the latest try, if it failed
	Why              Msg       // of that try
}

// Uptime is what a window came to at one place, in slots and permille.
type Uptime struct {
	Place                                    string
	Slots, Up, Down, Unknown                 int
	Permille, CoveragePermille, Low, Highest int
}

// Break is a declared break.
type Break struct {
	From, To time.Time
}

// Exit is where traffic comes out.
type Exit struct {
	Address, Country, Org string
	ASN                   uint32
}

// Hit is an entry of a blocklist. What is the suffix of a "hit." message.
type Hit struct {
	What, List, Version, Order string
	Permille                   int
}

// Linked says that other applications share something; Kind is the suffix of a
// "link." message.
type Linked struct {
	Kind         string
	Applications int
}

// Way is one way to prove control.
type Way struct {
	Kind       string
	Generation int
	Values     []SpecField // what goes into the server's settings
	Command    string
	Name       string // of the DNS record
	Token      string
	Until      time.Time
}

// ServerPage is the operator's page of one server.
type ServerPage struct {
	Code, Reference string
	Server          Server
	Ways            []Way
	Typed           BreakTyped
	Errors          []FieldError
}

// BreakTyped holds a refused form of a break.
type BreakTyped struct {
	From, To string
}

// Panel is what reviewers see of an application's servers.
type Panel struct {
	BaseURL    string // forms post below it
	BackURL    string
	Unsealed   bool
	CanUnseal  bool
	Unmeasured int64          // servers of the application that are claimed only
	Claimed    []EndpointFact // those, once unsealed
	CanCheck   bool
	Servers    []Server
}

// Fleet is all endpoints together.
type Fleet struct {
	Active, Up, Down, Unknown, Unchecked, Proven int64
	Oldest                                       time.Time // of the endpoint that waits longest
	Waiting                                      int64
	Late                                         time.Duration
	ByProtocol, ByCountry, ByVantage             []FleetRow
	Vantages                                     []Vantage
}

// FleetRow counts endpoints by the verdict of their latest check.
type FleetRow struct {
	Name                                 string
	Up, Down, Unknown, Unchecked, Proven int64
	Oldest                               time.Time
}

// Vantages is the list of probers.
type Vantages struct {
	List      []Vantage
	CanManage bool
	NewName   string
	NewToken  string // shown once
	Typed     VantageTyped
	Errors    []FieldError
}

// VantageTyped holds a refused form.
type VantageTyped struct {
	Name, Place, Country, ASN string
}

// Vantage is one prober.
type Vantage struct {
	ID, Name, Place, Country string
	ASN                      uint32
	State                    string // "new", "seen", "silent", "distrusted", "disabled"
	SeenAt                   time.Time
	SW                       string
	CanaryGood, CanaryBad    int
}
