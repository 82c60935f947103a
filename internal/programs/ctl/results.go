package ctl

import (
	"time"

	"github.com/causeway-fund/causeway/internal/fleet/uptime"
)

// holdAgainst holds the days of s against results, one JSON object a line, and
// returns how many days had some. Malformed "results_form" of
// uptime.ParseResults, Invalid "results_wrong", and "evidence_wrong" of
// uptime.VerifyDay.
func holdAgainst(s uptime.Snapshot, text []byte) (int, error) {
	byDay, err := uptime.ParseResults(text)
	if err != nil {
		return 0, err
	}
	days := 0
	for _, e := range s.Endpoints {
		for _, d := range e.Days {
			attempts, given := byDay[uptime.Checked{Endpoint: e.Endpoint, Day: d.Day}]
			if !given {
				continue
			}
			if err := uptime.VerifyDay(d, attempts); err != nil {
				return 0, err
			}
			if err := marksFollow(e.Endpoint, d, attempts); err != nil {
				return 0, err
			}
			days++
		}
	}
	return days, nil
}

// seen counts the attempts of a slot by what they came to.
type seen struct{ up, down, all int }

// marksFollow holds each mark against the verdicts of its slot, as far as that
// needs no rule of the fund: whether a slot without a check was left out or
// forgotten is the fund's to say, and neither counts as up.
func marksFollow(endpoint string, d uptime.DayText, attempts []uptime.Attempt) error {
	day, err := time.Parse(time.DateOnly, d.Day)
	if err != nil {
		return errResults("%q is not a day.", d.Day)
	}
	slots := make([]seen, len(d.Marks))
	for _, a := range attempts {
		i := int(a.Slot.Sub(day) / (time.Duration(d.SlotS) * time.Second))
		if i >= len(slots) {
			return errResults("A result of %s at %s has no mark.", endpoint, when(a.Slot))
		}
		slots[i].all++
		switch a.Verdict {
		case "up":
			slots[i].up++
		case "down":
			slots[i].down++
		}
	}
	for i, x := range slots {
		if !x.carry(uptime.Mark(d.Marks[i])) {
			at := day.Add(time.Duration(i) * time.Duration(d.SlotS) * time.Second)
			return errResults(
				"The mark %q of %s at %s does not follow from its results: %d up, %d down, %d in all.",
				d.Marks[i:i+1],
				endpoint,
				when(at),
				x.up,
				x.down,
				x.all,
			)
		}
	}
	return nil
}

// carry reports whether m can follow from x.
func (x seen) carry(m uptime.Mark) bool {
	switch m {
	case uptime.MarkUp:
		return x.up > 0
	case uptime.MarkDown:
		return x.up == 0 && x.down > 0
	case uptime.MarkUnknown:
		return x.up == 0 && x.all > 0
	case uptime.MarkUnchecked, uptime.MarkBackoff:
		return x.all == 0
	case uptime.MarkMaintenance:
		return true
	}
	return false
}
