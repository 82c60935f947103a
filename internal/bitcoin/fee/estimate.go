package fee

import "time"

// The names of the votes.
const (
	VoteMempool     = "mempool"     // depth of the mempool with what flows in
	VoteBlocks      = "blocks"      // rates in the last blocks
	VoteEstimateFee = "estimatefee" // btcd's own guess
)

// Estimate is what transactions should pay now, and how that is known. It is
// plain data: one process stores it as JSON, another shows it.
type Estimate struct {
	At          time.Time `json:"at"`
	Height      int32     `json:"height"`        // of the newest block
	FloorSatKVB int64     `json:"floor_sat_kvb"` // below this, peers do not relay
	// RelaySatKVB is from where on the node itself relays, and what a replacement pays
	// for its own relay (BIP125, rule 4): btcd has one setting for both.
	RelaySatKVB int64    `json:"relay_feerate_sat_kvb"`
	Targets     []Target `json:"targets"` // ascending in Blocks
	Votes       []Vote   `json:"votes"`
	Trusted     bool     `json:"trusted"`       // false: a treasurer has to say what to pay
	Why         string   `json:"why,omitempty"` // why not, for a person
}

// Target is the rate with which a transaction should be mined within Blocks.
type Target struct {
	Blocks     int   `json:"blocks"`
	RateSatKVB int64 `json:"feerate_sat_kvb"` // satoshi per 1000 virtual bytes
}

// Vote is one source's answer.
type Vote struct {
	Name        string  `json:"name"`
	RatesSatKVB []int64 `json:"feerates_sat_kvb"` // for the targets in their order, none below the floor; fewer when it has no answer for the later ones
	Used        bool    `json:"used"`
	Why         string  `json:"why,omitempty"` // why it was not used, for a person
	AgeSec      int64   `json:"age_sec"`       // of what it rests on, when the estimate was made
}

// Relay is RelaySatKVB; 0 of no estimate: nobody has asked the node yet.
func (e *Estimate) Relay() int64 {
	if e == nil {
		return 0
	}
	return e.RelaySatKVB
}

// RateSatKVB is the rate for a target in satoshi per 1000 virtual bytes. For a target
// that is not listed the next shorter one counts, which is never cheaper, and before
// the first the first; 0 without any target.
func (e Estimate) RateSatKVB(blocks int) int64 {
	var rate int64
	for i, t := range e.Targets {
		if i > 0 && t.Blocks > blocks {
			break
		}
		rate = t.RateSatKVB
	}
	return rate
}
