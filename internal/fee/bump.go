package fee

import "math/big"

// MaxBumps is how often the fee of a batch is raised at most.
const MaxBumps = 8

// Escalate is the rate, in satoshi per virtual byte, that a batch should pay at
// tipHeight: start at the height it was announced, limit when deadlineBlocks have
// passed, and on the straight line between. It is never above limit, and below
// start only when limit is.
func Escalate(start, limit int64, announcedHeight, deadlineBlocks, tipHeight int32) int64 {
	elapsed, deadline := int64(tipHeight)-int64(announcedHeight), int64(deadlineBlocks)
	switch {
	case start >= limit || elapsed >= deadline:
		return limit
	case elapsed <= 0:
		return start
	}
	way := limit - start
	return start + way/deadline*elapsed + way%deadline*elapsed/deadline
}

// Due reports whether the step from one rate to another, in satoshi per virtual
// byte, is worth a replacement: at least a quarter more and at least 1 more
// (BIP125 rule 4 asks for the relay fee of the new transaction on top).
func Due(current, wanted int64) bool {
	return wanted > current && wanted-current >= (current+3)/4
}

// DueOf is Due for a batch that may still be raised left times: it waits for
// steps so large that the last one reaches limit. Without that, a limit of more
// than six times the start (1.25 to the 8th) would never be reached.
func DueOf(current, wanted, limit int64, left int) bool {
	if left <= 0 || !Due(current, wanted) {
		return false
	}
	if wanted >= limit || current <= 0 {
		return true
	}
	// (wanted/current)^left >= limit/current, in whole numbers.
	power := func(x int64, n int) *big.Int { return new(big.Int).Exp(big.NewInt(x), big.NewInt(int64(n)), nil) }
	need := power(current, left-1)
	return power(wanted, left).Cmp(need.Mul(need, big.NewInt(limit))) >= 0
}
