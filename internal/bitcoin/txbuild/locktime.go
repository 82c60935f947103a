package txbuild

import "time"

const (
	// staleTip: a node that saw no block for so long is likely behind, and its
	// height would mark the transaction as this node's own.
	staleTip = 8 * time.Hour
	// One in backdateOneIn lock times is set back, so that a transaction that was
	// delayed on its way looks like one of those.
	backdateOneIn = 10
	backdateMost  = 100
)

// LockTime returns the lock time of a batch's attempts: the height of the tip, so
// that no miner gains by taking the fee in place of that block again; for one seed
// in ten, up to 100 blocks less; 0 where the tip is older than 8 hours. tipAge is
// the time since the tip's own time stamp and may be negative. The same arguments
// give the same lock time.
func LockTime(tipHeight int32, tipAge time.Duration, seed [32]byte) uint32 {
	if tipHeight <= 0 || tipAge > staleTip {
		return 0
	}
	rng := stream(seed, "locktime")
	if rng.IntN(backdateOneIn) == 0 {
		tipHeight -= 1 + rng.Int32N(backdateMost)
	}
	return uint32(max(0, tipHeight))
}
