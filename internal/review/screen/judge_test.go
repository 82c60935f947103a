package screen_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/review/screen"
)

// plain are the facts of an application that nothing speaks against.
func plain() screen.Facts {
	return screen.Facts{
		Servers: screen.ServerFacts{Listed: 2, Up: 2, Proven: 2},
		Text:    screen.TextFacts{Printed: true},
		Links:   screen.LinkFacts{Known: 4},
		Burst:   screen.BurstFacts{Others: 1, Before: 100, Span: 100 * time.Hour},
		Money:   screen.MoneyFacts{Amount: 100_000, Min: 10_000, Max: 5_000_000, Median: 100_000, Grants: 50},
	}
}

// found returns what check came to.
func found(t *testing.T, f screen.Facts, check screen.Check) screen.Finding {
	t.Helper()
	for _, x := range screen.Judge(f) {
		if x.Check == check {
			return x
		}
	}
	t.Fatalf("there is no finding %s", check)
	return screen.Finding{}
}

// runs writes the level of each value up to most as stretches, e.g. "pass 0, low 1,
// med 3".
func runs(from, most int, level func(n int) screen.Level) string {
	var out []string
	last := ""
	for n := from; n <= most; n++ {
		if l := level(n).String(); l != last {
			out = append(out, fmt.Sprintf("%s %d", l, n))
			last = l
		}
	}
	return strings.Join(out, ", ")
}

// TestEveryThresholdOverItsWholeRange holds each threshold by the values on both
// sides of it.
func TestEveryThresholdOverItsWholeRange(t *testing.T) {
	t.Parallel()
	level := func(check screen.Check, change func(f *screen.Facts, n int)) func(int) screen.Level {
		return func(n int) screen.Level {
			f := plain()
			change(&f, n)
			return found(t, f, check).Level
		}
	}
	shared := func(kind string, live, ended bool) func(f *screen.Facts, n int) {
		return func(f *screen.Facts, n int) {
			g := screen.Group{}
			if live {
				g.Live = n
			}
			if ended {
				g.Ended = n
			}
			f.Links.By = map[string]screen.Group{kind: g}
		}
	}
	type ladder struct {
		name, want string
		most       int
		level      func(int) screen.Level
	}
	tests := []ladder{
		{"servers down of 4", "pass 0, med 1, high 4", 4, level(screen.Servers, func(f *screen.Facts, n int) { f.Servers = screen.ServerFacts{Listed: 4, Up: 4 - n, Down: n} })},
		{"servers without a result of 4", "pass 0, low 1", 4, level(screen.Servers, func(f *screen.Facts, n int) { f.Servers = screen.ServerFacts{Listed: 4, Up: 4 - n, Unknown: n} })},
		{"servers not checked of 4", "pass 0, low 1", 4, level(screen.Servers, func(f *screen.Facts, n int) { f.Servers = screen.ServerFacts{Listed: 4, Up: 4 - n, Unchecked: n} })},
		{"servers that cannot be measured of 4", "pass 0, low 1, med 4", 4, level(screen.Servers, func(f *screen.Facts, n int) { f.Servers = screen.ServerFacts{Listed: 4, Up: 4 - n} })},
		{"one down and none up, of 4", "high 0, med 1", 3, level(screen.Servers, func(f *screen.Facts, n int) { f.Servers = screen.ServerFacts{Listed: 4, Down: 1, Unchecked: n} })},
		{"servers proven of 4", "med 0, low 1, pass 4", 4, level(screen.Control, func(f *screen.Facts, n int) { f.Servers = screen.ServerFacts{Listed: 4, Up: 4, Proven: n} })},
		{"live with the address", "pass 0, high 1", 20, level(screen.Address, func(f *screen.Facts, n int) { f.SamePayee.Live = n })},
		{"ended with the address", "pass 0, med 1", screen.Most, level(screen.Address, func(f *screen.Facts, n int) { f.SamePayee.Ended = n })},
		{"bits to a live statement", "high 0, med 4, low 8, pass 11", 64, level(screen.Text, func(f *screen.Facts, n int) { f.Text.Live, f.Text.Nearest = 1, n })},
		{"bits to an ended statement", "med 0, low 8, pass 11", 64, level(screen.Text, func(f *screen.Facts, n int) { f.Text.Ended, f.Text.NearestEnded = 1, n })},
		{"live in the same network", "pass 0, low 1, med 3, high 10", 40, level(screen.Links, shared("listen_net", true, false))},
		{"live with an exit in the same network", "pass 0, low 1, med 3, high 10", 40, level(screen.Links, shared("exit_net", true, false))},
		{"ended in the same network", "pass 0", 40, level(screen.Links, shared("listen_net", false, true))},
		{"live at the same provider", "pass 0, low 10", screen.MostLinks, level(screen.Links, shared("exit_asn", true, false))},
		{"percent of the median", "pass 1, low 151, med 201, high 401", 600, level(screen.Amount, func(f *screen.Facts, n int) { f.Money.Min, f.Money.Amount = 1, btcutil.Amount(n*1000) })},
		{"percent of the most without a median", "pass 1, low 51, med 91, high 101", 120, level(screen.Amount, func(f *screen.Facts, n int) {
			f.Money.Grants, f.Money.Amount = 4, btcutil.Amount(n*50_000)
		})},
		{"grants that make a median", "pass 0, high 5", 101, level(screen.Amount, func(f *screen.Facts, n int) { f.Money.Grants, f.Money.Amount = n, 500_000 })},
		{"applications together, usually 1 an hour", "pass 0, low 5, med 20, high 100", 501, level(screen.Burst, func(f *screen.Facts, n int) { f.Burst.Others = n })},
		{"applications together, usually 10 an hour", "pass 0, low 40, med 80, high 160", 501, level(screen.Burst, func(f *screen.Facts, n int) {
			f.Burst = screen.BurstFacts{Others: n, Before: 100, Span: 10 * time.Hour}
		})},
		{"applications together, too few before to tell", "pass 0, low 5, med 20, high 100", 501, level(screen.Burst, func(f *screen.Facts, n int) {
			f.Burst = screen.BurstFacts{Others: n, Before: 19, Span: time.Minute}
		})},
	}
	for _, kind := range []string{"spec", "listen_ip", "exit_ip", "server_key", "secret", "replay"} {
		tests = append(tests,
			ladder{"live with the same " + kind, "pass 0, high 1", 20, level(screen.Links, shared(kind, true, false))},
			ladder{"ended with the same " + kind, "pass 0, med 1", 20, level(screen.Links, shared(kind, false, true))})
	}
	for _, test := range tests {
		from := 0
		if strings.HasPrefix(test.name, "percent") {
			from = 1 // of nothing there is no part
		}
		if got := runs(from, test.most, test.level); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func TestAmountsOutsideTheLimitsAreHigh(t *testing.T) {
	t.Parallel()
	for amount, want := range map[btcutil.Amount]screen.Level{9_999: screen.High, 10_000: screen.Pass, 5_000_000: screen.High, 5_000_001: screen.High} {
		f := plain()
		f.Money.Amount = amount
		if got := found(t, f, screen.Amount); got.Level != want {
			t.Errorf("%d sat: %s, want %s", amount, got.Level, want)
		}
	}
	f := plain()
	f.Money.Amount = 100_001 // rounded up
	f.Money.Median = 66_667
	if got := found(t, f, screen.Amount); got.Level != screen.Low || !strings.Contains(got.Reason, "150.1 %") {
		t.Errorf("a hair above half as much again: %s: %s", got.Level, got.Reason)
	}
}

// TestAFloodIsHighThoughItIsNotCounted holds that others beyond the bound cannot
// hide what they are.
func TestAFloodIsHighThoughItIsNotCounted(t *testing.T) {
	t.Parallel()
	f := plain()
	f.Links.By = map[string]screen.Group{}
	for _, kind := range []string{"spec", "listen_net"} {
		g := screen.Group{}
		for range screen.MostLinks + 1 {
			g.Add(screen.Other{ID: uuid.New()}, false, screen.MostLinks)
		}
		if g.Ended != screen.MostLinks || !g.More {
			t.Fatalf("%+v", g)
		}
		f.Links.By = map[string]screen.Group{kind: g}
		if got := found(t, f, screen.Links); got.Level != screen.High || !strings.Contains(got.Reason, "More than 100 other applications have") {
			t.Errorf("%s: %s: %s", kind, got.Level, got.Reason)
		}
	}
	for range screen.Most + 1 {
		f.SamePayee.Add(screen.Other{}, false, screen.Most)
		f.Text.Add(screen.Other{}, true, 2)
	}
	for _, check := range []screen.Check{screen.Address, screen.Text} {
		if got := found(t, f, check); got.Level != screen.High || !strings.Contains(got.Reason, "More than 500 other applications have") {
			t.Errorf("%s: %s: %s", check, got.Level, got.Reason)
		}
	}
	f.Burst = screen.BurstFacts{Others: screen.Most + 1}
	if got := found(t, f, screen.Burst); got.Level != screen.High || !strings.Contains(got.Reason, "More than 500 other applications came") {
		t.Errorf("%s: %s", got.Level, got.Reason)
	}
}

// TestReasonsHaveTheirFigures holds every kind of sentence.
func TestReasonsHaveTheirFigures(t *testing.T) {
	t.Parallel()
	one := screen.Other{ID: uuid.New(), Reference: "GR-1"}
	tests := []struct {
		check  screen.Check
		change func(*screen.Facts)
		want   string
	}{
		{screen.Servers, func(*screen.Facts) {}, "2 of 2 servers were up at the latest check."},
		{screen.Servers, func(f *screen.Facts) { f.Servers = screen.ServerFacts{Listed: 1, Down: 1} }, "1 of 1 server was down at the latest check, and none is up."},
		{screen.Servers, func(f *screen.Facts) { f.Servers = screen.ServerFacts{Listed: 3, Down: 1, Up: 2} }, "1 of 3 servers were down at the latest check; 2 up."},
		{screen.Servers, func(f *screen.Facts) { f.Servers = screen.ServerFacts{Listed: 3} }, "None of 3 servers can be measured: the configuration is missing."},
		{screen.Servers, func(f *screen.Facts) { f.Servers = screen.ServerFacts{Listed: 3, Up: 2} }, "1 of 3 servers cannot be measured: the configuration is missing."},
		{screen.Servers, func(f *screen.Facts) { f.Servers = screen.ServerFacts{Listed: 4, Up: 1, Unchecked: 2, Unknown: 1} }, "1 of 4 servers were up at the latest check; 2 not checked yet, 1 without a clear result."},
		{screen.Control, func(f *screen.Facts) { f.Servers.Proven = 1 }, "The operator has proven control of 1 of 2 servers."},
		{screen.Address, func(*screen.Facts) {}, "No other application has this payout address."},
		{screen.Address, func(f *screen.Facts) { f.SamePayee = screen.Group{Live: 1, Ended: 2} }, "3 other applications have the same payout address: 1 open or approved, 2 declined or withdrawn."},
		{screen.Text, func(*screen.Facts) {}, "No statement like this one was found."},
		{screen.Text, func(f *screen.Facts) { f.Text.Add(one, true, 2) }, "1 other application has a statement like this one (1 open or approved, 0 declined or withdrawn). The closest differs in 2 of 64 bits; texts that have nothing in common differ in about 32."},
		{screen.Text, func(f *screen.Facts) { f.Text.Printed = false }, "The statement was not compared: it has no fingerprint."},
		{screen.Links, func(*screen.Facts) {}, "No other open or approved application shares a server or a network with this one; 4 traits were compared."},
		{screen.Links, func(f *screen.Facts) { f.Links.Known = 0 }, "The servers were not compared: too little is known of them."},
		{screen.Links, func(f *screen.Facts) { f.Links.By = map[string]screen.Group{"exit_net": {Live: 2}} }, "2 other applications have a server with its exit in the same network (/24 or /48): 2 open or approved, 0 declined or withdrawn."},
		{screen.Burst, func(f *screen.Facts) { f.Burst.Others = 0 }, "No other application came within 30 minutes of this one (usually 1.0 an hour)."},
		{screen.Burst, func(f *screen.Facts) { f.Burst = screen.BurstFacts{Others: 7, Before: 100, Span: 40 * time.Hour} }, "7 other applications came within 30 minutes of this one (usually 2.5 an hour)."},
		{screen.Burst, func(f *screen.Facts) { f.Burst = screen.BurstFacts{Others: 1, Before: 3} }, "1 other application came within 30 minutes of this one (too few came before, 3, to know what is usual)."},
		{screen.Amount, func(f *screen.Facts) { f.Money.Amount = 320_000 }, "320 000 sat is 320 % of the median of the newest 50 grants, 100 000 sat. The fund pays 10 000 to 5 000 000 sat."},
		{screen.Amount, func(f *screen.Facts) { f.Money.Grants = 1 }, "100 000 sat is 2 % of the most that the fund pays. The fund pays 10 000 to 5 000 000 sat. There is no median yet: 1 other grant."},
		{screen.Amount, func(f *screen.Facts) { f.Money.Amount = 9_000 }, "9 000 sat is outside the fund's limits. The fund pays 10 000 to 5 000 000 sat."},
	}
	for _, test := range tests {
		f := plain()
		test.change(&f)
		if got := found(t, f, test.check).Reason; got != test.want {
			t.Errorf("%s: %q, want %q", test.check, got, test.want)
		}
	}
}

func TestFindingsStandWorstFirst(t *testing.T) {
	t.Parallel()
	f := plain()
	f.SamePayee.Add(screen.Other{Reference: "GR-1"}, true, screen.Most)
	f.Servers = screen.ServerFacts{Listed: 2, Up: 1, Down: 1, Proven: 1}
	f.Text.Add(screen.Other{Reference: "GR-2"}, true, 0)

	list := screen.Judge(f)

	var got []string
	for _, x := range list {
		got = append(got, x.Level.String()+" "+string(x.Check))
	}
	want := []string{"high address", "high text", "med servers", "low control", "pass links", "pass burst", "pass amount"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if screen.Worst(list) != screen.High || screen.Named(list, screen.High) != "payout address, statement" || screen.Worst(nil) != screen.Pass {
		t.Errorf("worst %s, named %q", screen.Worst(list), screen.Named(list, screen.High))
	}
	for _, check := range screen.Checks() {
		found(t, f, check)
	}
	f.Closed = true
	if list := screen.Judge(f); len(list) != len(screen.Checks())-2 {
		t.Errorf("an application that has ended has %d findings", len(list))
	}
}

func TestAGroupNamesAFewOthers(t *testing.T) {
	t.Parallel()
	var g screen.Group
	for i := range 10 {
		g.Add(screen.Other{Reference: fmt.Sprint("GR-", i)}, i < 4, screen.Most)
	}
	names := map[string]bool{}
	for _, o := range g.Some {
		names[o.Reference] = true
	}
	if got := slices.Sorted(maps.Keys(names)); !slices.Equal(got, []string{"GR-0", "GR-1", "GR-2"}) || g.Live != 4 || g.Ended != 6 || g.More {
		t.Errorf("%v, %+v", got, g)
	}
}
