package uptime_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/uptime"
)

var exampleDay = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

// A failure counts as down only when another check confirms it; a check that passes makes the slot up.
func ExampleRoll() {
	rules := uptime.Rules{Slot: 6 * time.Hour, Confirmations: 1}
	slot := func(n int) time.Time { return exampleDay.Add(time.Duration(n) * rules.Slot) }
	day := uptime.Roll(exampleDay, rules, []uptime.Attempt{
		{Slot: slot(0), Attempt: 1, Verdict: "up"},
		{Slot: slot(1), Attempt: 1, Verdict: "down"},
		{Slot: slot(1), Attempt: 2, Verdict: "up"},
		{Slot: slot(2), Attempt: 1, Verdict: "down"},
		{Slot: slot(2), Attempt: 2, Verdict: "down"},
	}, "", exampleDay.AddDate(0, 0, 1))
	fmt.Println(day.Marks)
	// Output: uud-
}

// Three bad hours of two days are no proof of a bad server: a payment is held only where even the high end
// of the interval is below the threshold.
func ExampleDecide() {
	days := []uptime.Day{
		{Day: exampleDay, SlotS: 3600, Marks: strings.Repeat("u", 24)},
		{Day: exampleDay.AddDate(0, 0, 1), SlotS: 3600, Marks: strings.Repeat("u", 21) + "ddd"},
	}
	window := uptime.Window{From: exampleDay, To: exampleDay.AddDate(0, 0, 2)}
	measured := uptime.Measure(days, nil, 0, window)
	fmt.Println(measured.Permille, "permille, surely", measured.LowPermille, "to", measured.HighPermille)

	needs := uptime.Thresholds{MinCoveragePermille: 800, MinUptimePermille: 950}
	fmt.Println(uptime.Decide(measured, true, needs))
	// Output:
	// 937 permille, surely 831 to 979
	// pay
}

// Maintenance that was declared in time counts neither way.
func ExampleDay_Overlay() {
	day := uptime.Day{Day: exampleDay, SlotS: 6 * 3600, Marks: "uddu"}
	planned := uptime.Break{
		From:     exampleDay.Add(6 * time.Hour),
		To:       exampleDay.Add(12 * time.Hour),
		Declared: exampleDay.AddDate(0, 0, -2),
	}
	fmt.Println(day.Overlay([]uptime.Break{planned}, 24*time.Hour))
	fmt.Println(day.Overlay([]uptime.Break{planned}, 72*time.Hour)) // declared too late
	// Output:
	// umdu
	// uddu
}

// Anybody computes a published number again from the days beneath it.
func ExampleVerify() {
	snapshot := uptime.NewSnapshot("AP-7K3FQ2", "outside", uptime.Thresholds{MinUptimePermille: 900}, 24*time.Hour, []uptime.Input{{
		Endpoint: "EP-1",
		Protocol: "socks5",
		Proven:   true,
		Window:   uptime.Window{From: exampleDay, To: exampleDay.AddDate(0, 0, 1)},
		Days:     []uptime.Day{{Day: exampleDay, SlotS: 3600, Marks: strings.Repeat("u", 23) + "d", Evidence: uptime.Evidence(nil)}},
	}})
	text, _, err := snapshot.Text()
	if err != nil {
		panic(err)
	}
	checked, err := uptime.Verify(text)
	if err != nil {
		panic(err)
	}
	fmt.Println(checked.Total.Permille, "permille:", checked.Decision)

	_, err = uptime.Verify([]byte(strings.ReplaceAll(string(text), `"permille": 958`, `"permille": 999`)))
	fmt.Println(errs.CodeOf(err))
	// Output:
	// 958 permille: pay
	// snapshot_wrong
}
