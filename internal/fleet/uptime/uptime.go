package uptime

import (
	"strings"
	"time"
)

// Mark is what one slot came to, a letter of a day's string.
type Mark byte

// The marks.
const (
	MarkUp          Mark = 'u'
	MarkDown        Mark = 'd'
	MarkBackoff     Mark = 'b' // not checked, because it was down for long: counts as down
	MarkUnknown     Mark = '?' // checked, and nothing is known: our own side failed, or nobody confirmed
	MarkUnchecked   Mark = '-' // nobody checked it
	MarkMaintenance Mark = 'm' // declared in time: counts neither way
)

// letters are all marks.
const letters = "udb?-m"

// Day is a day (UTC) of an endpoint at one place.
type Day struct {
	Day      time.Time // midnight UTC
	SlotS    int       // seconds a slot, divides a day
	Marks    string    // one Mark a slot; shorter where the day was not over
	Evidence [32]byte  // see Evidence
	Attempts int
}

// Break is declared maintenance, from From up to To.
type Break struct {
	From, To time.Time
	Declared time.Time
}

// Window is a stretch of time, from From up to To.
type Window struct{ From, To time.Time }

// Uptime is what a window of slots came to. Up, Down and Unknown count slots and
// add up to Slots; Unknown holds unchecked ones and maintenance.
type Uptime struct {
	Slots, Up, Down, Unknown, Maintenance int

	Permille         int // up / (up + down), rounded down; 0 when nothing is known
	CoveragePermille int // (up + down) / slots, rounded down
	LowPermille      int // Wilson's 95 % of Permille: low end, rounded down
	HighPermille     int // high end, rounded up
}

// Days is the length of the window that decides, and WindowDelay how long after
// midnight a day is waited for before it belongs to one.
const (
	Days        = 30
	WindowDelay = time.Hour
)

// DecisiveWindow returns the window that decides at now: the latest 30 whole days
// (UTC), but nothing before since, when checks began. It is empty on the first
// day.
func DecisiveWindow(now, since time.Time) Window {
	to := Midnight(now.Add(-WindowDelay))
	from := to.AddDate(0, 0, -Days)
	if since.After(from) {
		from = since.UTC()
	}
	if from.After(to) {
		from = to
	}
	return Window{From: from, To: to}
}

// Midnight returns the start of t's day (UTC).
func Midnight(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// Overlay returns the marks of d with a mark for maintenance in every slot that a
// break touches. Breaks that were declared less than notice before they began do
// not count.
func (d Day) Overlay(breaks []Break, notice time.Duration) string {
	marks := []byte(d.Marks)
	slot := time.Duration(d.SlotS) * time.Second
	for _, b := range breaks {
		if b.Declared.Add(notice).After(b.From) {
			continue
		}
		for i := range marks {
			from := d.Day.Add(time.Duration(i) * slot)
			if from.Before(b.To) && from.Add(slot).After(b.From) {
				marks[i] = byte(MarkMaintenance)
			}
		}
	}
	return string(marks)
}

// Count returns how many slots of marks count as up, down, unknown; maintenance
// is part of unknown.
func Count(marks string) (up, down, unknown, maintenance int) {
	for i := range len(marks) {
		switch Mark(marks[i]) {
		case MarkUp:
			up++
		case MarkDown, MarkBackoff:
			down++
		case MarkMaintenance:
			maintenance++
			unknown++
		default:
			unknown++
		}
	}
	return up, down, unknown, maintenance
}

// Measure returns what the slots that lie in w came to. A slot is of w when it
// begins in it; one without a mark, or of a day that is not there, is unchecked.
// Such days are taken to have slots as long as those of the day before them, or of
// the first one. Without any day the uptime has no slots.
func Measure(days []Day, breaks []Break, notice time.Duration, w Window) Uptime {
	var u Uptime
	if len(days) == 0 {
		return u
	}
	byDay := make(map[int64]Day, len(days))
	first := days[0]
	for _, d := range days {
		byDay[d.Day.Unix()] = d
		if d.Day.Before(first.Day) {
			first = d
		}
	}
	slotS := first.SlotS
	for day := Midnight(w.From); day.Before(w.To); day = day.AddDate(0, 0, 1) {
		d, known := byDay[day.Unix()]
		if !known {
			d = Day{Day: day, SlotS: slotS}
		}
		slotS = d.SlotS
		d.Marks = padded(d)
		up, down, unknown, maintenance := Count(within(d, d.Overlay(breaks, notice), w))
		u.Up, u.Down, u.Unknown, u.Maintenance = u.Up+up, u.Down+down, u.Unknown+unknown, u.Maintenance+maintenance
	}
	return u.derived()
}

// Sum adds windows of several endpoints up, slot by slot.
func Sum(all []Uptime) Uptime {
	var u Uptime
	for _, a := range all {
		u.Up, u.Down, u.Unknown, u.Maintenance = u.Up+a.Up, u.Down+a.Down, u.Unknown+a.Unknown, u.Maintenance+a.Maintenance
	}
	return u.derived()
}

// derived fills in what follows from the counts.
func (u Uptime) derived() Uptime {
	known := u.Up + u.Down
	u.Slots = known + u.Unknown
	u.Permille, u.CoveragePermille = 0, 0
	if known > 0 {
		u.Permille = u.Up * 1000 / known
	}
	if u.Slots > 0 {
		u.CoveragePermille = known * 1000 / u.Slots
	}
	u.LowPermille, u.HighPermille = Wilson(u.Up, known)
	return u
}

// padded returns the marks of d with unchecked ones up to a whole day.
func padded(d Day) string {
	missing := int(24*time.Hour/time.Second)/d.SlotS - len(d.Marks)
	return d.Marks + strings.Repeat(string(rune(MarkUnchecked)), max(missing, 0))
}

// within returns those marks of d whose slots begin in w.
func within(d Day, marks string, w Window) string {
	slot := time.Duration(d.SlotS) * time.Second
	index := func(t time.Time) int { // of the first slot that begins at t or later
		after := t.Sub(d.Day)
		return min(max(int((after+slot-1)/slot), 0), len(marks))
	}
	from := index(w.From)
	return marks[from:max(index(w.To), from)]
}
