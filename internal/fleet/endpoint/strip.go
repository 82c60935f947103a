package endpoint

import (
	"strings"
	"time"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/uptime"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

// StripDay is one day of the strip.
type StripDay struct {
	Day               time.Time
	Marks             string
	Up, Down, Unknown int
	Level             Level
	Runs              []Run
}

// Run is a stretch of slots that came to the same.
type Run struct {
	From, Until time.Time
	Mark        Mark
	Class       probe.Class // why it was down or unknown, where a check of the last two days says so
	Slots       int
}

// Level says of a day in one word whether anybody has to look at it.
type Level string

// The levels of a day.
const (
	LevelNone    Level = "none"    // nothing was checked
	LevelUnknown Level = "unknown" // too little is known
	LevelOK      Level = "ok"
	LevelWarn    Level = "warn" // failures that are worth a look
	LevelBad     Level = "bad"  // mostly down
)

// The shares, in permille, below which a day is not known, mostly down, or has
// failures worth a look.
const (
	knownEnough = 800
	mostlyUp    = 800
	goodDay     = 990
)

// strip returns 30 days up to today, each with its marks; none while nothing was checked.
func strip(
	days []uptime.Day,
	breaks []uptime.Break,
	p Policy,
	today time.Time,
	why map[time.Time]probe.Class,
) []StripDay {
	byDay := map[int64]uptime.Day{}
	for _, d := range days {
		byDay[d.Day.Unix()] = d
	}
	checked := false
	out := make([]StripDay, 0, uptime.Days)
	for i := range uptime.Days {
		one := StripDay{Day: today.AddDate(0, 0, i+1-uptime.Days)}
		if d, known := byDay[one.Day.Unix()]; known {
			one.Marks = d.Overlay(breaks, p.MaintenanceNotice)
			one.Up, one.Down, one.Unknown, _ = uptime.Count(one.Marks)
			one.Runs = runs(one.Day, time.Duration(d.SlotS)*time.Second, one.Marks, why)
		}
		one.Level = levelOf(one)
		checked = checked || strings.Trim(one.Marks, "-") != ""
		out = append(out, one)
	}
	if !checked {
		return nil
	}
	return out
}

// runs joins the slots of a day that came to the same, for the same reason.
func runs(day time.Time, slot time.Duration, marks string, why map[time.Time]probe.Class) []Run {
	var out []Run
	for i := range len(marks) {
		at := day.UTC().Add(time.Duration(i) * slot)
		run := Run{From: at, Until: at.Add(slot), Mark: Mark(marks[i]), Slots: 1}
		if run.Mark == uptime.MarkDown || run.Mark == uptime.MarkUnknown {
			run.Class = why[at]
		}
		if n := len(out); n > 0 && out[n-1].Mark == run.Mark && out[n-1].Class == run.Class {
			out[n-1].Until, out[n-1].Slots = run.Until, out[n-1].Slots+1
			continue
		}
		out = append(out, run)
	}
	return out
}

func levelOf(d StripDay) Level {
	known := d.Up + d.Down
	switch all := known + d.Unknown; {
	case all == 0, strings.Trim(d.Marks, "-") == "" && known == 0:
		return LevelNone
	case known*1000 < knownEnough*all:
		return LevelUnknown
	case d.Up*1000 >= goodDay*known:
		return LevelOK
	case d.Up*1000 >= mostlyUp*known:
		return LevelWarn
	}
	return LevelBad
}

// why returns what the last attempt of each slot at a place came to, by the slot's start.
func why(attempts []Attempt, p vantage.Place) map[time.Time]probe.Class {
	out := map[time.Time]probe.Class{}
	for _, a := range attempts { // oldest first
		if a.Kind == vantage.KindSlot && a.Place == p {
			out[a.Slot.UTC()] = a.Class
		}
	}
	return out
}
