package uptime_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/uptime"
)

// sample is a snapshot of two endpoints and three days.
func sample() uptime.Snapshot {
	days := func(marks ...string) []uptime.Day {
		var list []uptime.Day
		for i, m := range marks {
			list = append(list, uptime.Day{Day: monday.AddDate(0, 0, i), SlotS: 3600, Marks: m, Attempts: len(m), Evidence: [32]byte{byte(i)}})
		}
		return list
	}
	w := uptime.Window{From: monday, To: monday.AddDate(0, 0, 3)}
	up := strings.Repeat("u", 24)
	return uptime.NewSnapshot("GR-7K3FQ2X9", "outside", uptime.Thresholds{MinCoveragePermille: 800, MinUptimePermille: 950, RequireControl: true}, 24*time.Hour, []uptime.Input{
		{Endpoint: "EP-1", Protocol: "socks5", Proven: true, Window: w, Days: days(up, up[:20]+"dddd", up), Breaks: []uptime.Break{
			{From: monday.Add(44 * time.Hour), To: monday.Add(46 * time.Hour), Declared: monday.Add(-48 * time.Hour)},
		}},
		{Endpoint: "EP-2", Protocol: "wireguard", Proven: true, Window: w, Days: days(up, up, up[:12])},
	})
}

func text(t testing.TB, s uptime.Snapshot) []byte {
	t.Helper()
	b, _, err := s.Text()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSnapshotSaysWhatFollowsFromItsDays(t *testing.T) {
	t.Parallel()
	s := sample()

	got, err := uptime.Verify(text(t, s))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, got); diff != "" {
		t.Error(diff)
	}
	want := uptime.Figures{Slots: 144, Up: 128, Down: 2, Unknown: 14, Maintenance: 2, Permille: 984, CoveragePermille: 902, LowPermille: 945, HighPermille: 996}
	if got.Total != want || got.Decision != uptime.Pay {
		t.Errorf("got %s of %+v, want %+v", got.Decision, got.Total, want)
	}
}

func TestEveryFigureOfASnapshotIsComputedAgain(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*uptime.Snapshot){
		"a mark":           func(s *uptime.Snapshot) { s.Endpoints[1].Days[0].Marks = strings.Repeat("d", 24) },
		"a figure":         func(s *uptime.Snapshot) { s.Endpoints[0].Figures.Up++ },
		"the total":        func(s *uptime.Snapshot) { s.Total.LowPermille++ },
		"the decision":     func(s *uptime.Snapshot) { s.Decision = uptime.HoldBelow },
		"the threshold":    func(s *uptime.Snapshot) { s.Thresholds.MinUptimePermille = 999 },
		"the coverage":     func(s *uptime.Snapshot) { s.Thresholds.MinCoveragePermille = 950 },
		"a proof":          func(s *uptime.Snapshot) { s.Endpoints[0].Proven = false },
		"a window":         func(s *uptime.Snapshot) { s.Endpoints[0].From = monday.Add(time.Hour) },
		"the notice":       func(s *uptime.Snapshot) { s.NoticeS = 100 * 24 * 3600 },
		"a break":          func(s *uptime.Snapshot) { s.Endpoints[0].Breaks = []uptime.BreakText{} },
		"an endpoint less": func(s *uptime.Snapshot) { s.Endpoints = s.Endpoints[:1] },
	} {
		var s uptime.Snapshot
		if err := json.Unmarshal(text(t, sample()), &s); err != nil {
			t.Fatal(err)
		}
		change(&s)
		if _, err := uptime.Verify(text(t, s)); !errs.Is(err, "snapshot_wrong") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnotherSpellingOfASnapshotIsRefused(t *testing.T) {
	t.Parallel()
	good := string(text(t, sample()))
	for name, bad := range map[string]string{
		"nothing":        "",
		"compact":        strings.ReplaceAll(good, "\n", ""),
		"behind it":      good + "{}",
		"unknown name":   strings.Replace(good, `"v": 1,`, `"v": 1,`+"\n"+` "x": 1,`, 1),
		"name twice":     strings.Replace(good, `"v": 1,`, `"v": 1,`+"\n"+` "v": 1,`, 1),
		"version":        strings.Replace(good, `"v": 1`, `"v": 2`, 1),
		"mark":           strings.Replace(good, "uuuu", "uuux", 1),
		"too many slots": strings.Replace(good, "uuuu", "uuuuu", 1),
		"other zone":     strings.Replace(good, "T00:00:00Z", "T01:00:00+01:00", 1),
		"slot":           strings.Replace(good, `"slot_s": 3600`, `"slot_s": 3601`, 1),
		"uneven slot":    strings.Replace(good, `"slot_s": 3600`, `"slot_s": 3500`, 1),
		"slot of zero":   strings.Replace(good, `"slot_s": 3600`, `"slot_s": 0`, 1),
		"order of days":  strings.Replace(good, "2026-11-17", "2026-11-19", 1),
		"no endpoints":   strings.Replace(good, `"endpoints": [`, `"endpoints": null, "x": [`, 1),
		"place":          strings.Replace(good, `"place": "outside"`, `"place": "beside"`, 1),
		"label":          strings.Replace(good, "EP-1", "EP 1", 1),
		"window":         strings.Replace(good, `"to": "2026-11-19`, `"to": "2016-11-19`, 1),
		"long window":    strings.Replace(good, `"to": "2026-11-19`, `"to": "2027-11-19`, 1),
	} {
		if _, err := uptime.Verify([]byte(bad)); !errs.Is(err, "snapshot_form") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBreaksOfASnapshotStandInOrder(t *testing.T) {
	t.Parallel()
	var s uptime.Snapshot
	if err := json.Unmarshal(text(t, sample()), &s); err != nil {
		t.Fatal(err)
	}
	first := s.Endpoints[0].Breaks[0]
	later := first
	later.From, later.To = later.From.Add(time.Hour), later.To.Add(time.Hour)
	s.Endpoints[0].Breaks = []uptime.BreakText{later, first}
	if _, err := uptime.ParseSnapshot(text(t, s)); !errs.Is(err, "snapshot_form") {
		t.Error(err)
	}
}

func TestNoEndpointsAreNoProvenEndpoints(t *testing.T) {
	t.Parallel()
	if s := uptime.NewSnapshot("GR-1", "outside", uptime.Thresholds{RequireControl: true}, 0, nil); s.Decision != uptime.HoldUnproven {
		t.Error(s.Decision)
	}
	if s := uptime.NewSnapshot("GR-1", "outside", uptime.Thresholds{MinUptimePermille: 1}, 0, nil); s.Decision != uptime.HoldCoverage {
		t.Error(s.Decision)
	}
}

func TestDaysOutsideTheWindowAreLeftOut(t *testing.T) {
	t.Parallel()
	s := uptime.NewSnapshot("GR-1", "outside", uptime.Thresholds{}, 0, []uptime.Input{{
		Endpoint: "EP-1", Protocol: "socks5", Window: uptime.Window{From: monday.Add(time.Hour), To: monday.AddDate(0, 0, 1)},
		Days: []uptime.Day{
			{Day: monday.AddDate(0, 0, 1), SlotS: 3600}, {Day: monday, SlotS: 3600}, {Day: monday.AddDate(0, 0, -1), SlotS: 3600},
		},
		Breaks: []uptime.Break{{From: monday.AddDate(0, 0, 1), To: monday.AddDate(0, 0, 2)}},
	}})
	if len(s.Endpoints[0].Days) != 1 || s.Endpoints[0].Days[0].Day != "2026-11-16" || len(s.Endpoints[0].Breaks) != 0 || s.Total.Slots != 23 {
		t.Errorf("%+v", s)
	}
}

func TestDayIsVerifiedAgainstItsResults(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		list := checks(monday, strings.Repeat("u ddd ", rapid.IntRange(1, 5).Draw(r, "n")))
		d := uptime.Roll(monday, rules(), list, "", monday.AddDate(0, 0, 1))
		s := uptime.NewSnapshot("GR-1", "outside", uptime.Thresholds{}, 0, []uptime.Input{{
			Endpoint: "EP-1", Protocol: "socks5", Window: uptime.Window{From: monday, To: monday.AddDate(0, 0, 1)}, Days: []uptime.Day{d},
		}})
		if err := uptime.VerifyDay(s.Endpoints[0].Days[0], list); err != nil {
			r.Fatal(err)
		}
		if err := uptime.VerifyDay(s.Endpoints[0].Days[0], list[1:]); !errs.Is(err, "evidence_wrong") {
			r.Fatal(err)
		}
	})
}

func FuzzParseSnapshot(f *testing.F) {
	good := text(f, sample())
	f.Add(good)
	f.Add(bytes.Replace(good, []byte("900"), []byte("1"), 1))
	f.Add([]byte("{}"))
	f.Add([]byte("null\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := uptime.ParseSnapshot(b)
		if err != nil {
			return
		}
		if again := text(t, s); !bytes.Equal(again, b) {
			t.Fatalf("%s is also written %s", b, again)
		}
		_, _ = uptime.Verify(b)
	})
}
