package endpoint

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/uptime"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/trust/audit"
)

// Store keeps endpoints, probers and results. Each method is one transaction.
// Times are UTC.
type Store interface {
	// Policy returns how checks are made.
	Policy(ctx context.Context) (Policy, error)

	// Of returns the endpoints of an application that were not retired, by position.
	Of(ctx context.Context, application uuid.UUID) ([]Opened, error)
	// Twins returns the active MTProto endpoints of other applications that have the
	// secret of one, by id, at most ten.
	Twins(ctx context.Context, id uuid.UUID) ([]Opened, error)
	// Endpoint returns one. NotFound "endpoint_not_found".
	Endpoint(ctx context.Context, id uuid.UUID) (Opened, error)
	// UpdateEndpoint locks the row, calls fn, writes what fn changed and added.
	UpdateEndpoint(ctx context.Context, id uuid.UUID, fn func(*Change) error) (Opened, error)

	// Opened as grant.Store has it.
	Opened(ctx context.Context, o audit.Opening) error

	// CreateVantage, VantageByToken (hash of the enrolment token), ListVantages.
	CreateVantage(ctx context.Context, v Vantage, tokenHash []byte, e audit.Entry) error
	Vantages(ctx context.Context, now time.Time) ([]Vantage, error)
	Vantage(ctx context.Context, id uuid.UUID, now time.Time) (Vantage, error)
	// Enrol sets the public key of the vantage with this token, once. NotFound "enrolment_unknown".
	Enrol(ctx context.Context, tokenHash, publicKey []byte, now time.Time) (Vantage, error)
	DisableVantage(ctx context.Context, id uuid.UUID, now time.Time, e audit.Entry) error

	// Take gives up to most due offers of a vantage to a lease, each once (FOR
	// UPDATE SKIP LOCKED), and notes when it asked. Conflict "replayed" when
	// askedAt is not later than before. It gives no more than perDay distinct
	// endpoints a day.
	Take(
		ctx context.Context,
		v uuid.UUID,
		askedAt time.Time,
		sw string,
		lease uuid.UUID,
		now, until time.Time,
		most, perDay int,
	) ([]Taken, error)
	// Lease returns the offers that were given with a lease to v. NotFound "lease_unknown".
	Lease(ctx context.Context, v, lease uuid.UUID) ([]Taken, error)
	// Record writes a report and all that follows from it, if in.Seq is one more
	// than the vantage's; else Conflict "report_out_of_order" and nothing is
	// written. An offer that is done already is left alone.
	Record(ctx context.Context, in Intake) error

	// Attempts returns the newest limit of those that began from from up to to, oldest
	// first.
	Attempts(ctx context.Context, endpoint uuid.UUID, from, to time.Time, limit int) ([]Attempt, error)
	// Unopened is Attempts without their records and stages: what they came to.
	Unopened(ctx context.Context, endpoint uuid.UUID, from, to time.Time, limit int) ([]Attempt, error)
	// ExitAttempt returns the newest of those attempts whose record names an exit; ok is
	// false when none does.
	ExitAttempt(ctx context.Context, endpoint uuid.UUID, from, to time.Time) (a Attempt, ok bool, err error)
	// DayAttempts returns what RollUp makes a day (midnight UTC) of: the attempts of
	// its slots at a place, while they are kept.
	DayAttempts(ctx context.Context, endpoint uuid.UUID, p vantage.Place, day time.Time) ([]uptime.Attempt, error)
	Days(ctx context.Context, endpoint uuid.UUID, p vantage.Place, from, to time.Time) ([]Day, error)
	Maintenance(ctx context.Context, endpoint uuid.UUID, from, to time.Time) ([]Maintenance, error)
	Proofs(ctx context.Context, endpoint uuid.UUID) ([]Proof, error)
	Hits(ctx context.Context, application uuid.UUID) ([]Hit, error)
	Linkages(ctx context.Context, application uuid.UUID) ([]Linkage, error)
	Fleet(ctx context.Context, now time.Time) (Fleet, error)

	SaveSnapshot(ctx context.Context, s StoredSnapshot) error
	Snapshot(ctx context.Context, id uuid.UUID) (StoredSnapshot, error)
	// LatestSnapshot of an instalment; NotFound "snapshot_not_found".
	LatestSnapshot(ctx context.Context, instalment uuid.UUID) (StoredSnapshot, error)
}

// Schedule is what the side jobs need; the role of the worker may do no more.
type Schedule interface {
	// Policy returns how checks are made.
	Policy(ctx context.Context) (Policy, error)
	// Planned returns up to limit active endpoints after id, to be planned for a
	// slot: those whose ChecksFrom has passed.
	Planned(ctx context.Context, slot time.Time, after uuid.UUID, limit int) ([]Plan, error)
	// Vantages as in Store.
	Vantages(ctx context.Context, now time.Time) ([]Vantage, error)
	// Offer stores an offer unless one of the same endpoint, kind, place, slot
	// and attempt exists; it reports whether it stored it.
	Offer(ctx context.Context, o Offer) (bool, error)
	// SlotAttempts returns what the attempts of a slot came to, in order.
	SlotAttempts(ctx context.Context, endpoint uuid.UUID, p vantage.Place, slot time.Time) ([]Attempt, error)
	// Expired ends offers whose time is over and returns them.
	Expired(ctx context.Context, now time.Time, limit int) ([]Offer, error)
	// Partitions makes the tables of the days up to until and drops whole days before.
	Partitions(ctx context.Context, from, until, before time.Time) (made, dropped int, err error)
	// RollUp writes the days (see Roll) of up to limit endpoints that lack one for
	// day; it returns how many it wrote.
	RollUp(ctx context.Context, day time.Time, limit int) (int, error)
	// ProveAgain returns endpoints whose proof is due again, and moves the date on.
	ProveAgain(ctx context.Context, now time.Time, limit int) ([]uuid.UUID, error)
	// Shred removes the specs of endpoints retired before.
	Shred(ctx context.Context, before time.Time) (int, error)
	// Gates returns instalments whose gate is to be looked at, and Gate applies it:
	// payable to held or held (by a gate) to payable, with its snapshot and audit entry.
	Gates(ctx context.Context, limit int) ([]GateWork, error)
	Gate(ctx context.Context, g GateWork, s StoredSnapshot, pay bool, e audit.Entry) error
}

// Plan is an endpoint that waits for its check of a slot.
type Plan struct {
	EndpointID  uuid.UUID
	FailedSlots int
	LastSlot    *time.Time // of its latest attempt
}

// Policy says how checks are made and what they decide; one row of the database.
type Policy struct {
	Slot                time.Duration // 15 min; divides a day
	FullPermille        int           // how many checks are full: 250
	Confirmations       int           // after a failure: 2
	BackoffAfter        int           // failed slots in a row: 8
	BackoffEvery        time.Duration // 1 h
	MinCoveragePermille int           // 800
	MinUptimePermille   int           // 0: no gate
	PayPlace            vantage.Place // whose uptime decides: outside
	RequireControl      bool          // nothing is approved while an endpoint is unproven
	MaintenanceNotice   time.Duration // 24 h
	MaintenanceMax      time.Duration // a month (30 days): 8 h
	KeepRaw             time.Duration // 35 days
}

// Change is an endpoint under lock and what a use case adds to it.
type Change struct {
	Endpoint    Opened
	Now         time.Time
	NewOffers   []Offer       // asked for by an operator, a reviewer or a proof
	Maintenance []Maintenance // added
	Declared    time.Duration // maintenance declared for the last 30 days and the time to come
	Asked       Asked
	Entries     []audit.Entry
}

// Asked counts the offers of the last hour that people asked for: rechecks and
// proofs.
type Asked struct {
	Endpoint    int
	Application int // of all endpoints of the application
	Network     int // of all endpoints that share a link listen_net with this one; 0 when it has none
}

// Taken is an offer with what its job is made of.
type Taken struct {
	Offer    Offer
	Endpoint Opened
}

// Intake is a report that was verified, and what follows from it.
type Intake struct {
	VantageID    uuid.UUID
	Seq          uint64
	Prev, SHA256 [32]byte
	Lease        uuid.UUID
	Now          time.Time
	SW           string
	Attempts     []Attempt
	Canaries     []CanaryAnswer
	Proofs       []Proof
	Latest       []Latest // at most one an attempt, in the order of Started
	Links        []Link   // replace none: seen again means a later SeenAt
	Hits         []Hit    // replace those of the same endpoint, What and List
	Confirm      []Offer  // to be asked again, each at its Due; VantageID is not chosen yet
	Entries      []audit.Entry
}

// Latest is what an attempt changes of its endpoint. The verdict is kept if At is
// later than the one that is kept; the slot's outcome counts in any case.
type Latest struct {
	EndpointID uuid.UUID
	At         time.Time
	Verdict    probe.Verdict
	Stage      probe.Stage // where it failed; "" if it did not
	Class      probe.Class
	Slot       SlotOutcome
}

// SlotOutcome is what an attempt settles of its slot, outside.
type SlotOutcome string

// The outcomes of a slot.
const (
	SlotOpen SlotOutcome = ""     // nothing yet: FailedSlots stays
	SlotUp   SlotOutcome = "up"   // FailedSlots becomes 0
	SlotDown SlotOutcome = "down" // the last confirmation failed as well: FailedSlots grows by 1
)

// CanaryAnswer is what a prober said to a canary. Canaries are no offers: Job is
// the id of a job that was made for one lease.
type CanaryAnswer struct {
	Job   uuid.UUID
	Right bool
}

// Proof is one try to prove control. One that holds sets the endpoint's Control,
// ProvenAt, ProveAgainAt and ProvenUntil; one that does not hold changes nothing
// of the endpoint.
type Proof struct {
	ID         uuid.UUID
	EndpointID uuid.UUID
	OfferID    uuid.UUID
	Kind       string // control.Kind
	Held       bool   // the proof holds
	Why        string // key of the sentence, when it does not
	VantageID  uuid.UUID
	At         time.Time
	AgainAt    time.Time // Held: when it is to be tried again
	ValidUntil time.Time // Held: the proof's end
}

// Fleet is what staff see of all endpoints together.
type Fleet struct {
	Rows    []FleetRow
	Oldest  *time.Time // the latest attempt of the endpoint that waits longest
	Waiting int        // offers that are due and not taken
	Late    time.Duration
}

// FleetRow counts active endpoints of one protocol, region and place by the
// verdict of their latest attempt.
type FleetRow struct {
	Protocol                             string
	Country                              string // of the exit where known, else of the application
	Vantage                              string
	Up, Down, Unknown, Unchecked, Proven int
	Oldest                               *time.Time
}

// GateWork is an instalment whose gate is to be looked at.
type GateWork struct {
	InstalmentID  uuid.UUID
	ApplicationID uuid.UUID
	Reference     string // of the application
	GrantID       uuid.UUID
	Period        int
	Held          bool
	Endpoints     []Endpoint
	Days          []Day
	Maintenance   []Maintenance
}

// StoredSnapshot is a Snapshot as it is kept: Text is canonical, SHA256 its hash.
type StoredSnapshot struct {
	ID            uuid.UUID
	ApplicationID uuid.UUID
	InstalmentID  *uuid.UUID
	Text          []byte
	SHA256        [32]byte
	CreatedAt     time.Time
}
