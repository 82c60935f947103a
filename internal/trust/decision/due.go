package decision

import "time"

// Due returns when a period may be paid from: the first day, or the same day so many weeks or
// months later, in a month without that day its last; 00:00 UTC.
func (n Note) Due(period int) time.Time {
	year, month, day := n.FirstDue.UTC().Date()
	switch n.Every {
	case EveryWeek:
		day += 7 * (period - 1)
	case EveryMonth:
		month += time.Month(period - 1)
		// Day 0 of a month is the last of the month before.
		day = min(day, time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day())
	}
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// Until returns the last moment at which a period may be released for the first time.
func (n Note) Until(period int) time.Time { return n.Due(period).AddDate(0, 0, n.PayWithinDays) }
