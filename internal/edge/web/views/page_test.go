package views_test

import (
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/edge/web/views"
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

// TestFoursLoseNothing reads what a browser makes of an address: its text is the address,
// in pieces of four that stand apart, the first and last two of them in bold.
func TestFoursLoseNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := rapid.StringMatching(`[a-zA-Z0-9]{0,90}`).Draw(rt, "address")
		var pieces, bold []string
		for _, n := range nodes(t, "<main>"+views.Fours(s)+"</main>") {
			if n.Type == html.TextNode {
				pieces = append(pieces, n.Data)
				if n.Parent.Data == "b" {
					bold = append(bold, n.Data)
				}
			}
		}

		if strings.Join(pieces, "") != s {
			rt.Fatalf("Fours(%q) = %q", s, pieces)
		}
		for i, four := range pieces {
			if len(four) > 4 || len(four) < 4 && i != len(pieces)-1 {
				rt.Fatalf("Fours(%q) = %q", s, pieces)
			}
		}
		if want := min(len(pieces), 4); len(bold) != want || want == 4 && (bold[1] != pieces[1] || bold[2] != pieces[len(pieces)-2]) {
			rt.Fatalf("Fours(%q) has %q in bold of %q", s, bold, pieces)
		}
	})
	for _, s := range []string{"", "a<b>", "bc1q & co", "адрес", "\xff\xfe"} {
		if got, want := views.Fours(s), templ.EscapeString(s); got != want {
			t.Errorf("Fours(%q) = %q, want %q: it is no address", s, got, want)
		}
	}
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
	for _, s := range []string{"composed", "approved", "built", "signing", "signed", "broadcast", "mined", "paid", "final"} {
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
