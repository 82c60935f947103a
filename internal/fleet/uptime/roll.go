package uptime

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"slices"
	"strings"
	"time"
)

// The verdicts of attempts, as package probe has them.
const (
	verdictUp   = "up"
	verdictDown = "down"
)

// Attempt is what one check of a slot came to.
type Attempt struct {
	Slot    time.Time // its start
	Attempt int       // from 1
	Verdict string    // up, down; anything else is unknown
	SHA256  [32]byte  // of its record
}

// Rules say how attempts become marks.
type Rules struct {
	Slot          time.Duration // divides a day
	Confirmations int           // attempts after a failure
	BackoffAfter  int           // failed slots in a row before a slot is left out; 0 for never
	BackoffEvery  time.Duration // how often it is checked then: a multiple of Slot that divides a day
}

// Roll returns the day of attempts, those of other days left out. before are the
// marks of the day before, "" for none. Slots that end after until have no mark
// yet; give the day's end for a whole day.
func Roll(day time.Time, r Rules, attempts []Attempt, before string, until time.Time) Day {
	day = Midnight(day)
	n := min(int(24*time.Hour/r.Slot), max(int(until.Sub(day)/r.Slot), 0))
	bySlot := make([][]Attempt, n)
	var of []Attempt
	for _, a := range attempts {
		after := a.Slot.Sub(day)
		if i := int(after / r.Slot); after >= 0 && i < n {
			bySlot[i] = append(bySlot[i], a)
			of = append(of, a)
		}
	}
	marks := make([]byte, n)
	for i, list := range bySlot {
		marks[i] = byte(r.mark(list))
	}
	r.backOff(marks, failed(before))
	return Day{
		Day:      day,
		SlotS:    int(r.Slot / time.Second),
		Marks:    string(marks),
		Evidence: Evidence(of),
		Attempts: len(of),
	}
}

// mark returns what the attempts of one slot came to.
func (r Rules) mark(attempts []Attempt) Mark {
	down := 0
	for _, a := range attempts {
		switch a.Verdict {
		case verdictUp:
			return MarkUp
		case verdictDown:
			down++
		}
	}
	switch {
	case len(attempts) == 0:
		return MarkUnchecked
	case down >= min(2, 1+r.Confirmations):
		return MarkDown
	}
	return MarkUnknown
}

// backOff marks the slots that were left out because so many in a row had failed
// before. A slot counts as left out only if its stretch of BackoffEvery was
// checked and something came of it; where nobody checked at all, nothing is known.
func (r Rules) backOff(marks []byte, failedSlots int) {
	if r.BackoffAfter <= 0 || r.BackoffEvery < r.Slot {
		return
	}
	per := int(r.BackoffEvery / r.Slot)
	for i := range marks {
		switch Mark(marks[i]) {
		case MarkUp:
			failedSlots = 0
		case MarkDown:
			failedSlots++
		case MarkUnchecked:
			from := i / per * per
			stretch := marks[from:min(from+per, len(marks))]
			if failedSlots >= r.BackoffAfter && bytes.ContainsAny(stretch, "ud") {
				marks[i] = byte(MarkBackoff)
				failedSlots++
			}
		case MarkBackoff, MarkUnknown, MarkMaintenance:
		}
	}
}

// failed counts the failed slots at the end of marks, over those that say nothing.
func failed(marks string) int {
	if i := strings.LastIndexByte(marks, byte(MarkUp)); i >= 0 {
		marks = marks[i+1:]
	}
	return strings.Count(marks, string(rune(MarkDown))) + strings.Count(marks, string(rune(MarkBackoff)))
}

// Evidence returns the SHA-256 over the hashes of the records of attempts, one
// behind the other by slot, attempt and hash. No attempts give the hash of nothing.
func Evidence(attempts []Attempt) [32]byte {
	h := sha256.New()
	for _, a := range inOrder(attempts) {
		h.Write(a.SHA256[:])
	}
	return [32]byte(h.Sum(nil))
}

func inOrder(attempts []Attempt) []Attempt {
	return slices.SortedFunc(slices.Values(attempts), func(a, b Attempt) int {
		return cmp.Or(
			a.Slot.Compare(b.Slot),
			cmp.Compare(a.Attempt, b.Attempt),
			bytes.Compare(a.SHA256[:], b.SHA256[:]),
		)
	})
}
