package signer

import (
	"errors"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/spv"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/authority"
)

const (
	// timeHeaders is how many headers show a time: to make them up costs their work.
	timeHeaders = 6

	// headerLead is how far a header's time may be ahead of the time when it was made.
	headerLead = 2 * time.Hour
)

// private reports whether coins of the network are worth nothing and its blocks are made at
// will, so that they say nothing about time.
func private(params *chaincfg.Params) bool {
	return params.Net == wire.SimNet || params.Net == wire.TestNet // regtest
}

// seeHeaders takes the time from the headers that a request shows, if it is later than what
// was shown before.
func (s *Signer) seeHeaders(headers []byte) error {
	if len(headers) == 0 || private(s.cfg.Key.Params()) {
		return nil
	}
	at, err := spv.LastTime(headers, timeHeaders, s.cfg.Key.Params(), s.policy.MaxTarget)
	if e := (*errs.Error)(nil); errors.As(err, &e) {
		return refuse(CodeBadHeaders, "The block headers that show the time are invalid. %s", e.Message)
	}
	if err != nil {
		return err
	}
	if at.After(s.newest) {
		s.newest = at
	}
	return nil
}

// times returns the two ends between which the present lies. Nobody can bring what begins
// forward, or put what ends off: not by a clock, which alone can only be late for the one
// and early for the other, nor by withholding headers.
func (s *Signer) times() (authority.Times, error) {
	now, err := s.now()
	if err != nil || s.state == nil || private(s.cfg.Key.Params()) {
		return authority.At(now), err
	}
	last := time.Unix(s.cfg.Journal.last, 0)
	t := authority.At(now)
	if known := s.newest.Add(headerLead); known.Before(t.Begins) {
		t.Begins = known
	}
	for _, at := range []time.Time{s.newest, last} {
		if at.After(t.Ends) {
			t.Ends = at
		}
	}
	if t.Begins.Before(last) {
		t.Begins = last
	}
	return t, nil
}
