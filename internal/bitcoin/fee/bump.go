package fee

import (
	"math/big"
	"time"
)

// MaxBumps is in how many steps the fee of a batch is raised to its limit at most,
// and how often it is raised because people ask, but for a last time to the limit.
const MaxBumps = 8

// Escalate is the rate, in satoshi per 1000 virtual bytes, that a batch should pay at
// tipHeight: start at the height it was broadcast, limit when deadlineBlocks have
// passed, and on the straight line between. It is never above limit, and below
// start only when limit is.
func Escalate(start, limit int64, broadcastHeight, deadlineBlocks, tipHeight int32) int64 {
	elapsed, deadline := int64(tipHeight)-int64(broadcastHeight), int64(deadlineBlocks)
	switch {
	case start >= limit || elapsed >= deadline:
		return limit
	case elapsed <= 0:
		return start
	}
	way := limit - start
	return start + way/deadline*elapsed + way%deadline*elapsed/deadline
}

// Due reports whether the step from one rate to another, in satoshi per 1000 virtual
// bytes, is worth a replacement: at least a quarter more, and at least relay more, the
// rate from which on nodes relay (BIP125 rule 4 asks for the relay fee of the new
// transaction on top).
func Due(current, wanted, relay int64) bool {
	return wanted > current && wanted-current >= max((current+3)/4, relay)
}

// DueOf is Due for a batch that started at start and may pay up to limit. Every step
// multiplies the rate by at least the MaxBumps-th root of limit/start, and a step to
// limit itself is always due: so limit is reached in MaxBumps steps at most, however
// many others a person has asked for in between.
func DueOf(current, wanted, start, limit, relay int64) bool {
	switch {
	case wanted <= current:
		return false
	case wanted >= limit:
		return true
	case !Due(current, wanted, relay):
		return false
	case start <= 0:
		return true
	}
	// (wanted/current)^MaxBumps >= limit/start, in whole numbers.
	power := func(x int64) *big.Int { return new(big.Int).Exp(big.NewInt(x), big.NewInt(MaxBumps), nil) }
	have, need := power(wanted), power(max(current, 1))
	return have.Mul(have, big.NewInt(start)).Cmp(need.Mul(need, big.NewInt(limit))) >= 0
}

// nextBlock is the target, in blocks, of what has to be mined at once.
const nextBlock = 2

// Ceiling is the most that a fee is raised to without being asked, in satoshi per
// 1000 virtual bytes: a quarter above what a transaction pays that is to be mined within
// two blocks. ok is false when there is no estimate to believe, and none is newer
// than an hour.
func (e *Estimate) Ceiling(now time.Time) (satKVB int64, ok bool) {
	if e == nil || !e.Trusted || len(e.Targets) == 0 || now.Sub(e.At) > believedFor {
		return 0, false
	}
	return e.RateSatKVB(nextBlock) * 5 / 4, true
}

// believedFor is for how long an estimate bounds what a batch pays.
const believedFor = time.Hour
