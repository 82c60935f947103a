package chance_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
	"time"

	"github.com/causeway-fund/causeway/internal/chance"
)

// TestEveryValueIsAsLikely draws from ranges that no power of two divides evenly. The
// bound is that of chi squared at one in a million for 5 degrees of freedom.
func TestEveryValueIsAsLikely(t *testing.T) {
	t.Parallel()
	const values, draws = 6, 60_000
	random := rand.NewChaCha8([32]byte{1})
	var seen [values]float64
	for range draws {
		n, err := chance.Below(random, values)
		if err != nil || n < 0 || n >= values {
			t.Fatalf("drew %d, %v", n, err)
		}
		seen[n]++
	}
	chi := 0.0
	for _, n := range seen {
		chi += (n - draws/values) * (n - draws/values) / (draws / values)
	}
	if chi > 35.9 {
		t.Errorf("chi squared is %.1f over %v", chi, seen)
	}
}

func TestDrawsStayInTheirRange(t *testing.T) {
	t.Parallel()
	random := rand.NewChaCha8([32]byte{2})
	from := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	waits, moments := map[time.Duration]bool{}, map[time.Time]bool{}
	for range 200 {
		d, err := chance.Between(random, 5, 8)
		if err != nil || d < 5 || d >= 8 {
			t.Fatalf("a wait of %d, %v", d, err)
		}
		waits[d] = true
		at, err := chance.Moment(random, from, from.Add(3*time.Millisecond))
		if err != nil || at.Before(from) || !at.Before(from.Add(3*time.Millisecond)) {
			t.Fatalf("a moment at %v, %v", at, err)
		}
		moments[at] = true
		if at, err = chance.Moment(random, from, from.Add(-time.Hour)); err != nil || !at.Equal(from) {
			t.Fatalf("a range that has ended gave %v, %v", at, err)
		}
	}
	if len(waits) != 3 || len(moments) != 3 {
		t.Errorf("%d waits and %d moments of 3 were drawn", len(waits), len(moments))
	}
}

func TestADrawFollowsFromItsReader(t *testing.T) {
	t.Parallel()
	seed := bytes.Repeat([]byte{7}, 32)
	a, errA := chance.Below(bytes.NewReader(seed), 1<<40)
	b, errB := chance.Below(bytes.NewReader(seed), 1<<40)
	if errA != nil || errB != nil || a != b {
		t.Errorf("%d, %v and %d, %v of one seed", a, errA, b, errB)
	}
	broken := errors.New("broken")
	for name, r := range map[string]io.Reader{"broken": iotest.ErrReader(broken), "short": bytes.NewReader(seed[:31])} {
		if _, err := chance.Below(r, 10); err == nil || name == "broken" && !errors.Is(err, broken) {
			t.Errorf("a %s reader: %v", name, err)
		}
		if _, err := chance.Between(r, 1, 10); err == nil {
			t.Errorf("a %s reader drew a wait", name)
		}
		if _, err := chance.Moment(r, time.Time{}, time.Time{}.Add(time.Hour)); err == nil {
			t.Errorf("a %s reader drew a moment", name)
		}
	}
}
