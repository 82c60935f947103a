package txbuild_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
)

func TestLockTime(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		height int32
		age    time.Duration
		want   uint32
	}{
		{0, 0, 0},
		{-1, 0, 0},
		{900_000, 8*time.Hour + 1, 0},
		{900_000, 1 << 62, 0},
	} {
		if got := txbuild.LockTime(tc.height, tc.age, [32]byte{}); got != tc.want {
			t.Errorf("LockTime(%d, %s) = %d, want %d", tc.height, tc.age, got, tc.want)
		}
	}
}

// Most lock times are the tip; about one in ten is set back, by 1 to 100.
func TestLockTimeIsSetBackNowAndThen(t *testing.T) {
	t.Parallel()
	const tip, seeds = 900_000, 20_000
	back := map[uint32]int{}
	for i := range uint64(seeds) {
		var seed [32]byte
		binary.BigEndian.PutUint64(seed[:], i)
		got := txbuild.LockTime(tip, 8*time.Hour, seed)
		if got > tip || got != txbuild.LockTime(tip, -time.Hour, seed) {
			t.Fatalf("seed %d: %d", i, got)
		}
		back[tip-got]++
	}
	if share := float64(seeds-back[0]) / seeds; share < 0.09 || share > 0.11 || len(back) != 101 || back[1] == 0 || back[100] == 0 {
		t.Errorf("%.3f are set back, over %d distances", share, len(back)-1)
	}
	for i := range byte(200) {
		if got := txbuild.LockTime(3, 0, [32]byte{i}); got > 3 {
			t.Errorf("height 3 gave %d", got)
		}
	}
}
