package endpoint

import (
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/uptime"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/trust/seal"
)

// Endpoint is a server that an application claims. What is in clear says
// nothing about where it is.
type Endpoint struct {
	ID            uuid.UUID
	ApplicationID uuid.UUID
	Label         string // public locator, e.g. "EP-7K3FQ2X9"; opens nothing
	Position      int    // in the application's list, from 0
	Protocol      probe.Protocol
	Spec          []byte // sealed: what link.Parse reads
	SpecIndex     []byte // keyed digest of all that was understood
	State         State
	Generation    int           // of the credential that is derived for it, from 1
	Control       control.Kind  // how control was proven; "" while it is not
	ProvenAt      *time.Time    // of the latest proof that stands
	ProveAgainAt  *time.Time    // when it is to be proven again
	ProvenUntil   *time.Time    // the end of that proof: paid before, not after
	FailedSlots   int           // in a row, outside: for back-off
	RecheckedAt   *time.Time    // when its operator last asked for a check
	LastAt        *time.Time    // of the latest attempt that counted
	LastVerdict   probe.Verdict // of that attempt; "" before the first
	LastStage     probe.Stage   // where it failed; "" if it did not
	LastClass     probe.Class   //
	ChecksFrom    time.Time     // no check before: it must not be seen to follow a submission
	CreatedAt     time.Time
	RetiredAt     *time.Time // no longer claimed; its spec is shredded 14 days later
}

// State is whether an endpoint is looked at.
type State string

// The states of an endpoint.
const (
	Active  State = "active"
	Retired State = "retired"
)

// Opened is an endpoint whose spec can be read.
type Opened struct {
	Endpoint
	DataKey     seal.Wrapped // of its application
	Pending     bool         // an offer that somebody asked for waits or is with a prober
	Reference   string       // of its application
	Designation string
}

// Vantage is an enrolled prober.
type Vantage struct {
	ID         uuid.UUID
	Name       string // e.g. "fi-1"
	Place      vantage.Place
	Country    string // ISO 3166-1 alpha-2, as its keeper says
	ASN        uint32 // as its keeper says; 0 for not known
	PublicKey  []byte // nil before it enrolled
	Seq        uint64 // of its latest report
	Prev       [32]byte
	AskedAt    *time.Time
	SeenAt     *time.Time
	SW         string
	CanaryGood int // answers to canaries in the last 24 h that were right
	CanaryBad  int
	CreatedAt  time.Time
	DisabledAt *time.Time
}

// Trusted reports whether what v says counts: it got no canary wrong of the
// last 24 hours, or fewer than one in fifty.
func (v Vantage) Trusted() bool { return v.CanaryBad*50 <= v.CanaryGood+v.CanaryBad }

// Offer is one check that waits for its prober.
type Offer struct {
	ID         uuid.UUID // the job's
	EndpointID uuid.UUID
	Kind       vantage.Kind
	Proof      control.Kind // KindControl: the way that is tried
	Mode       probe.Mode
	Place      vantage.Place
	Slot       time.Time // start of the slot; for other kinds the moment it was asked for
	Attempt    int       // from 1
	VantageID  uuid.UUID
	Due        time.Time
	Until      time.Time
	LeaseID    *uuid.UUID
	DoneAt     *time.Time
}

// Attempt is a stored result. Record is sealed under the application's data key.
type Attempt struct {
	OfferID    uuid.UUID
	EndpointID uuid.UUID
	VantageID  uuid.UUID
	Vantage    string // name, when read
	Kind       vantage.Kind
	Mode       probe.Mode
	Place      vantage.Place
	Slot       time.Time
	Attempt    int
	Started    time.Time
	Verdict    probe.Verdict
	Stage      probe.Stage // last passed
	FailedAt   probe.Stage
	Class      probe.Class
	MS         map[probe.Stage]int64
	Record     []byte   // sealed JSON of probe.Result
	ExitKnown  bool     // the record says where traffic comes out
	SHA256     [32]byte // of the record in clear: evidence
}

// Mark is what one slot came to, a letter of a day's string.
type Mark = uptime.Mark

// Uptime is what a window of slots came to.
type Uptime = uptime.Uptime

// Day is a rolled-up day (UTC) of an endpoint.
type Day struct {
	EndpointID uuid.UUID
	Place      vantage.Place
	Day        time.Time // midnight UTC
	SlotS      int       // seconds a slot
	Marks      string    // one Mark a slot; shorter for a day that is not over
	Evidence   [32]byte  // uptime.Evidence of its attempts
	Attempts   int
}

// Maintenance is a declared break.
type Maintenance struct {
	ID         uuid.UUID
	EndpointID uuid.UUID
	From, To   time.Time
	DeclaredAt time.Time
}

// LinkKind is what two endpoints can have in common.
type LinkKind string

// The kinds of links (endpoints.md 7.9).
const (
	LinkSpec      LinkKind = "spec"       // the same configuration
	LinkListenIP  LinkKind = "listen_ip"  //
	LinkListenNet LinkKind = "listen_net" // /24 or /48
	LinkExitIP    LinkKind = "exit_ip"    //
	LinkExitNet   LinkKind = "exit_net"   // /24 or /48
	LinkExitASN   LinkKind = "exit_asn"   //
	LinkServerKey LinkKind = "server_key" // WireGuard key, or certificate
	LinkSecret    LinkKind = "secret"     // MTProto secret
	LinkReplay    LinkKind = "replay"     // one process behind both
)

// Link is a keyed hash of something that endpoints can have in common.
type Link struct {
	EndpointID uuid.UUID
	Kind       LinkKind
	Index      []byte
	SeenAt     time.Time
}

// Linkage says how many other applications share something with one.
type Linkage struct {
	Kind         LinkKind
	EndpointID   uuid.UUID
	Applications int // others
}

// Hit is an entry of a blocklist that covers an endpoint.
type Hit struct {
	EndpointID uuid.UUID
	What       string // listen, exit, host, net
	List       string
	Version    string
	Order      string // the order's number, where the list has one; not stored
	Permille   int    // What net: how much of the /24 or /48 is listed; stored in steps of 100
	FoundAt    time.Time
}

// Plain returns d as package uptime has it.
func (d Day) Plain() uptime.Day {
	return uptime.Day{Day: d.Day, SlotS: d.SlotS, Marks: d.Marks, Evidence: d.Evidence, Attempts: d.Attempts}
}

// Break returns m as package uptime has it.
func (m Maintenance) Break() uptime.Break {
	return uptime.Break{From: m.From, To: m.To, Declared: m.DeclaredAt}
}
