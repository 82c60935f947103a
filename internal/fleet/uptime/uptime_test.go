package uptime_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/fleet/uptime"
)

var monday = time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)

const quarter = 15 * time.Minute

func rules() uptime.Rules {
	return uptime.Rules{Slot: quarter, Confirmations: 2, BackoffAfter: 8, BackoffEvery: time.Hour}
}

// checks makes attempts of consecutive slots from text: words of slots, each
// letter an attempt (u, d or ?), - for a slot without any.
func checks(from time.Time, text string) []uptime.Attempt {
	verdicts := map[rune]string{'u': "up", 'd': "down", '?': "unknown"}
	var list []uptime.Attempt
	for i, slot := range strings.Fields(text) {
		for n, c := range slot {
			if v, ok := verdicts[c]; ok {
				list = append(list, uptime.Attempt{Slot: from.Add(time.Duration(i) * quarter), Attempt: n + 1, Verdict: v, SHA256: [32]byte{byte(i), byte(n)}})
			}
		}
	}
	return list
}

func TestMarksOfSlots(t *testing.T) {
	t.Parallel()
	down := strings.Repeat("ddd ", 8)
	for _, test := range []struct{ name, checks, before, want string }{
		{"one verdict a slot", "u ddd ? -", "", "ud?-"},
		{"a confirmation that passed", "du ddu d?u", "", "uuu"},
		{"a failure that nobody confirmed", "d d? d??", "", "???"},
		{"two that failed, one of our own", "dd d?d", "", "dd"},
		{"back-off after eight", down + "- - ddd - - ddd - -", "", "ddddddddbbdbbdbb"},
		{"seven are not enough", strings.Repeat("ddd ", 7) + "- - - -", "", "ddddddd----"},
		{"nobody checked while it was backed off", down + "- - - - - ddd", "", "dddddddd----bd"},
		{"what the day before left", "- - ddd -", strings.Repeat("d", 8), "bbdb"},
		{"the day before ended up", "- - ddd -", strings.Repeat("d", 8) + "u", "--d-"},
		{"unknown ones at the end of the day before say nothing", "- ddd", strings.Repeat("b", 8) + "?-m", "bd"},
		{"it came back", down + "- u - -", "", "ddddddddbu--"},
		{"an unknown check of a stretch that was backed off", down + "- ? - -", "", "dddddddd-?--"},
	} {
		end := monday.Add(time.Duration(len(test.want)) * quarter)

		got := uptime.Roll(monday.Add(time.Hour*5), rules(), checks(monday, test.checks), test.before, end)

		if got.Marks != test.want || !got.Day.Equal(monday) || got.SlotS != 900 {
			t.Errorf("%s: got %q of %s, want %q", test.name, got.Marks, got.Day, test.want)
		}
	}
}

func TestPolicyWithoutConfirmationsTakesTheFirstWord(t *testing.T) {
	t.Parallel()
	r := rules()
	r.Confirmations = 0
	if got := uptime.Roll(monday, r, checks(monday, "d u ?"), "", monday.Add(3*quarter)); got.Marks != "du?" {
		t.Errorf("got %q", got.Marks)
	}
}

func TestEvidenceDoesNotDependOnTheOrderOfReading(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		list := checks(monday, strings.Repeat("du d?d u ", 6))
		want := uptime.Roll(monday, rules(), list, "", monday.AddDate(0, 0, 1))

		got := uptime.Roll(monday, rules(), rapid.Permutation(list).Draw(r, "list"), "", monday.AddDate(0, 0, 1))

		if diff := cmp.Diff(want, got); diff != "" {
			r.Fatal(diff)
		}
		list[rapid.IntRange(0, len(list)-1).Draw(r, "changed")].SHA256[5] ^= 1
		if uptime.Evidence(list) == want.Evidence {
			r.Fatal("another record gives the same evidence")
		}
	})
}

// The ends of the interval for 95 % of 2,880 and of 720 slots, as published for
// the design, and what any table of Wilson's interval has for small ones.
func TestWilsonAgainstPublishedValues(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ up, n, low, high int }{
		{2736, 2880, 941, 958}, // 94.14 to 95.74 %
		{684, 720, 931, 964},   // 93.16 to 96.37 %
		{0, 0, 0, 1000},
		{0, 10, 0, 278},     // 0 to 27.75 %
		{10, 10, 722, 1000}, // 72.25 to 100 %
		{5, 10, 236, 764},   // 23.66 to 76.34 %
		{1, 1, 206, 1000},   // 20.65 to 100 %
		{1_000_000_000, 1_000_000_000, 999, 1000},
	} {
		if low, high := uptime.Wilson(test.up, test.n); low != test.low || high != test.high {
			t.Errorf("%d of %d: %d to %d, want %d to %d", test.up, test.n, low, high, test.low, test.high)
		}
	}
}

func TestWilsonAgainstTheFormula(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(1, 5000).Draw(r, "n")
		up := rapid.IntRange(0, n).Draw(r, "up")
		p, f := float64(up)/float64(n), float64(n)
		z2 := 3.841459
		middle := (p + z2/(2*f)) / (1 + z2/f)
		half := math.Sqrt(z2) / (1 + z2/f) * math.Sqrt(p*(1-p)/f+z2/(4*f*f))

		low, high := uptime.Wilson(up, n)

		if math.Abs(float64(low)-1000*(middle-half)) > 1.000001 || float64(low) > 1000*(middle-half)+1e-6 {
			r.Fatalf("%d of %d: low %d, formula %f", up, n, low, 1000*(middle-half))
		}
		if math.Abs(float64(high)-1000*(middle+half)) > 1.000001 || float64(high) < 1000*(middle+half)-1e-6 {
			r.Fatalf("%d of %d: high %d, formula %f", up, n, high, 1000*(middle+half))
		}
	})
}

// days draws days of marks.
func days(r *rapid.T, n int) []uptime.Day {
	var list []uptime.Day
	for i := range n {
		marks := rapid.StringOfN(rapid.SampledFrom([]rune("udb?-")), 0, 24, -1).Draw(r, "marks")
		list = append(list, uptime.Day{Day: monday.AddDate(0, 0, i), SlotS: 3600, Marks: marks})
	}
	return list
}

func TestWhatIsUnknownNeverLowersTheUptime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		list := days(r, 3)
		w := uptime.Window{From: monday, To: monday.AddDate(0, 0, 3)}
		before := uptime.Measure(list, nil, 0, w)
		if before.Up+before.Down+before.Unknown != before.Slots || before.Slots != 72 || before.Maintenance > before.Unknown {
			r.Fatalf("the counts do not add up: %+v", before)
		}
		i := rapid.IntRange(0, 2).Draw(r, "day")
		if list[i].Marks == "" {
			return
		}
		k := rapid.IntRange(0, len(list[i].Marks)-1).Draw(r, "slot")
		if list[i].Marks[k] == 'u' {
			return
		}
		marks := []byte(list[i].Marks)
		marks[k] = '?'
		list[i].Marks = string(marks)

		after := uptime.Measure(list, nil, 0, w)

		if after.Permille < before.Permille || after.CoveragePermille > before.CoveragePermille {
			r.Fatalf("a slot that is not known made %+v of %+v", after, before)
		}
	})
}

func TestBackedOffSlotsAreDownSlots(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		list := days(r, 2)
		w := uptime.Window{From: monday, To: monday.AddDate(0, 0, 2)}
		want := uptime.Measure(list, nil, 0, w)
		for i := range list {
			list[i].Marks = strings.ReplaceAll(list[i].Marks, "b", "d")
		}
		if got := uptime.Measure(list, nil, 0, w); got != want {
			r.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

func TestMaintenanceCountsNeitherWay(t *testing.T) {
	t.Parallel()
	day := []uptime.Day{{Day: monday, SlotS: 3600, Marks: strings.Repeat("d", 12) + strings.Repeat("u", 12)}}
	w := uptime.Window{From: monday, To: monday.AddDate(0, 0, 1)}
	at := func(hours, minutes int) time.Time {
		return monday.Add(time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute)
	}
	for _, test := range []struct {
		name                           string
		b                              uptime.Break
		up, down, unknown, maintenance int
	}{
		{"whole hours", uptime.Break{From: at(2, 0), To: at(4, 0), Declared: at(-24, 0)}, 12, 10, 2, 2},
		{"every slot that it touches", uptime.Break{From: at(2, 59), To: at(4, 1), Declared: at(-22, 0)}, 12, 9, 3, 3},
		{"also of slots that were up", uptime.Break{From: at(11, 30), To: at(13, 0), Declared: at(-30, 0)}, 11, 11, 2, 2},
		{"declared too late", uptime.Break{From: at(2, 0), To: at(4, 0), Declared: at(-21, 0)}, 12, 12, 0, 0},
		{"of another day", uptime.Break{From: at(26, 0), To: at(27, 0), Declared: at(-30, 0)}, 12, 12, 0, 0},
	} {
		u := uptime.Measure(day, []uptime.Break{test.b}, 24*time.Hour, w)
		if u.Up != test.up || u.Down != test.down || u.Unknown != test.unknown || u.Maintenance != test.maintenance {
			t.Errorf("%s: %+v", test.name, u)
		}
	}
}

func TestSlotsOutsideTheWindowDoNotCount(t *testing.T) {
	t.Parallel()
	day := []uptime.Day{{Day: monday, SlotS: 3600, Marks: strings.Repeat("d", 12) + strings.Repeat("u", 12)}}
	for _, test := range []struct {
		from, to            time.Time
		slots, up, down, qm int
	}{
		{monday, monday.AddDate(0, 0, 1), 24, 12, 12, 0},
		{monday.Add(12 * time.Hour), monday.AddDate(0, 0, 1), 12, 12, 0, 0},
		{monday.Add(11*time.Hour + time.Second), monday.Add(13 * time.Hour), 1, 1, 0, 0},
		{monday.AddDate(0, 0, -1), monday.AddDate(0, 0, 2), 72, 12, 12, 48},
		{monday, monday, 0, 0, 0, 0},
	} {
		u := uptime.Measure(day, nil, 0, uptime.Window{From: test.from, To: test.to})
		if u.Slots != test.slots || u.Up != test.up || u.Down != test.down || u.Unknown != test.qm {
			t.Errorf("%s to %s: %+v", test.from, test.to, u)
		}
	}
	if u := uptime.Measure(nil, nil, 0, uptime.Window{From: monday, To: monday.AddDate(0, 0, 30)}); u.Slots != 0 || u.HighPermille != 0 && u.HighPermille != 1000 {
		t.Errorf("without days: %+v", u)
	}
}

func TestDecisiveWindowWaitsForTheDayToBeRolledUp(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ now, since, from, to time.Time }{
		{monday.Add(30 * time.Minute), time.Time{}, monday.AddDate(0, 0, -31), monday.AddDate(0, 0, -1)},
		{monday.Add(time.Hour), time.Time{}, monday.AddDate(0, 0, -30), monday},
		{monday.Add(23 * time.Hour), monday.AddDate(0, 0, -2), monday.AddDate(0, 0, -2), monday},
		{monday.Add(23 * time.Hour), monday.Add(time.Hour), monday, monday},
	} {
		if w := uptime.DecisiveWindow(test.now, test.since); !w.From.Equal(test.from) || !w.To.Equal(test.to) {
			t.Errorf("at %s since %s: %s to %s", test.now, test.since, w.From, w.To)
		}
	}
}

func TestDecisions(t *testing.T) {
	t.Parallel()
	all := uptime.Thresholds{MinCoveragePermille: 800, MinUptimePermille: 950, RequireControl: true}
	for _, test := range []struct {
		name      string
		up, down  int
		unknown   int
		proven    bool
		threshold uptime.Thresholds
		want      uptime.Decision
	}{
		{"good", 2880, 0, 0, true, all, uptime.Pay},
		{"unproven", 2880, 0, 0, false, all, uptime.HoldUnproven},
		{"unproven, and nobody asks", 2880, 0, 0, false, uptime.Thresholds{MinUptimePermille: 950}, uptime.Pay},
		{"little is known", 2303, 0, 577, true, all, uptime.HoldCoverage},
		{"enough is known", 2304, 0, 576, true, all, uptime.Pay},
		{"nothing is known", 0, 0, 0, true, all, uptime.HoldCoverage},
		{"nothing is known, and uptime decides nothing", 0, 0, 0, true, uptime.Thresholds{MinCoveragePermille: 800}, uptime.Pay},
		{"a little below is within the interval", 2713, 167, 0, true, all, uptime.Pay}, // 94.20 %, high 95.0 %
		{"surely below", 2700, 180, 0, true, all, uptime.HoldBelow},                    // 93.75 %, high 94.6 %
	} {
		u := uptime.Sum([]uptime.Uptime{{Up: test.up, Down: test.down}, {Unknown: test.unknown}})
		if got := uptime.Decide(u, test.proven, test.threshold); got != test.want {
			t.Errorf("%s: %s of %+v, want %s", test.name, got, u, test.want)
		}
	}
}
