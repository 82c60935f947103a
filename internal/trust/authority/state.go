package authority

import (
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// Times are the two ends between which the present lies for somebody who believes no clock.
type Times struct {
	Begins time.Time // the earlier of clock and two hours after the newest headers
	Ends   time.Time // the latest of clock, newest header and last line
}

// At is Times for a clock that is believed, as on a private network.
func At(t time.Time) Times { return Times{t, t} }

// State is what was decided in one fund so far. It is not safe for concurrent use.
type State struct {
	network decision.Network
	fund    uuid.UUID

	versions []version // in the order in which they were taken in

	accepted  map[decision.Digest]Accepted
	approvers map[decision.Digest]map[uuid.UUID]bool // who ever approved it, and whether by ssh
	closed    map[decision.Digest]closing            // what replaces a decision
	released  map[period]bool                        // true while not proven dead
	counted   map[period]bool                        // released once, and so counted in the limits
	paid      map[period]bool                        // by a history

	spent   []spending
	fees    []spending
	dearest map[uuid.UUID]btcutil.Amount           // the highest fee of a batch
	batches map[uuid.UUID]map[decision.Digest]bool // the notes by which a batch was released

	halts  map[uuid.UUID]*halted
	bars   map[uuid.UUID]time.Time // until when a person may not halt
	pauses []interval              // while all was halted
	host   bool                    // halted on the signer's own host
}

type version struct {
	charter charter.Charter
	digest  decision.Digest
	at      time.Time
	pinned  bool
}

// period is what is paid once.
type period struct {
	decision decision.Digest
	number   int
}

type closing struct {
	by   decision.Digest
	from int
}

// spending is what counts in a limit from a moment on.
type spending struct {
	at          time.Time
	batch       uuid.UUID
	sat         btcutil.Amount
	passkeyOnly btcutil.Amount // of sat
}

// New returns the State of a fund in which nothing happened yet.
func New(network decision.Network, fund uuid.UUID) *State {
	return &State{
		network: network, fund: fund,
		accepted:  map[decision.Digest]Accepted{},
		approvers: map[decision.Digest]map[uuid.UUID]bool{},
		closed:    map[decision.Digest]closing{},
		released:  map[period]bool{},
		counted:   map[period]bool{},
		paid:      map[period]bool{},
		dearest:   map[uuid.UUID]btcutil.Amount{},
		batches:   map[uuid.UUID]map[decision.Digest]bool{},
		halts:     map[uuid.UUID]*halted{},
		bars:      map[uuid.UUID]time.Time{},
	}
}

// Fund returns the network and the fund that the State is of.
func (s *State) Fund() (decision.Network, uuid.UUID) { return s.network, s.fund }

// refuse makes an error that names the rule.
func refuse(code errs.Code, format string, args ...any) error {
	return errs.Newf(errs.Conflict, code, format, args...)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
