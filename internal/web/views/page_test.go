package views_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/web/views"
)

func TestAmountsAreGrouped(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sat        int64
		group, btc string
	}{
		{0, "0", "0.00_000_000"},
		{999, "999", "0.00_000_999"},
		{1_850_000, "1_850_000", "0.01_850_000"},
		{91_930_000, "91_930_000", "0.91_930_000"},
		{2_100_000_000_000_000, "2_100_000_000_000_000", "21_000_000.00_000_000"},
		{-1234, "\u22121_234", "\u22120.00_001_234"},
	} {
		want := strings.NewReplacer("_", "\u202f")
		if got := views.Group(c.sat); got != want.Replace(c.group) {
			t.Errorf("Group(%d) = %q, want %q", c.sat, got, want.Replace(c.group))
		}
		if got := views.BTC(c.sat); got != want.Replace(c.btc) {
			t.Errorf("BTC(%d) = %q, want %q", c.sat, got, want.Replace(c.btc))
		}
	}
}

func TestFoursLoseNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[a-z0-9]{0,90}`).Draw(t, "address")

		got := views.Fours(s)

		if strings.Join(got, "") != s {
			t.Fatalf("Fours(%q) = %q", s, got)
		}
		for i, four := range got {
			if len(four) != 4 && i != len(got)-1 {
				t.Fatalf("Fours(%q) = %q", s, got)
			}
		}
	})
}

func TestAgoIsCoarse(t *testing.T) {
	t.Parallel()
	p := frame(t, "en", false)
	var got []string
	for _, d := range []time.Duration{0, 59 * time.Second, 5 * time.Minute, 3 * time.Hour, 49 * time.Hour} {
		got = append(got, p.Ago(now.Add(-d)))
	}

	if diff := cmp.Diff([]string{"now", "now", "5 min", "3 h", "2 d"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestBatchStepsFollowTheRoad(t *testing.T) {
	t.Parallel()
	last := 0
	for _, s := range []string{"composed", "approved", "built", "signing", "signed", "announced", "mined", "paid", "final"} {
		at := views.BatchStep(s)
		if at < last {
			t.Errorf("BatchStep(%q) = %d goes back from %d", s, at, last)
		}
		last = at
	}
	if last != 5 {
		t.Errorf("the road ends at %d, want 5", last)
	}
}
