package screen

import (
	"cmp"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// Level says how much a finding matters.
type Level int

// The levels, rising.
const (
	Pass Level = iota
	Low
	Med
	High
)

// String returns the level's name in the API: pass, low, med or high.
func (l Level) String() string { return [...]string{"pass", "low", "med", "high"}[l] }

// Check names what was looked at.
type Check string

// The checks.
const (
	Servers Check = "servers" // what measuring them found
	Control Check = "control" // whether the operator has proven to run them
	Address Check = "address" // whether others are to be paid there
	Amount  Check = "amount"  // against the fund's median and limits
	Text    Check = "text"    // whether others say nearly the same
	Burst   Check = "burst"   // how many came with it
	Links   Check = "links"   // what its servers share with those of others
)

// Checks lists all checks, in the order in which equally bad findings stand.
func Checks() []Check { return []Check{Servers, Control, Address, Text, Links, Burst, Amount} }

// title names a check inside a sentence.
var title = map[Check]string{
	Servers: "servers", Control: "control of the servers", Address: "payout address", Amount: "amount",
	Text: "statement", Burst: "burst of applications", Links: "shared servers",
}

// Finding is what one check came to.
type Finding struct {
	Check  Check
	Level  Level
	Reason string  // a sentence with its figures; nothing sealed
	Others []Other // applications that it is about, up to shown of them
}

// Other is another application of the fund.
type Other struct {
	ID        uuid.UUID
	Reference string
}

// shown is how many others a finding names.
const shown = 3

// Judge returns one finding for each check that has something to look at, worst
// first.
func Judge(f Facts) []Finding {
	var out []Finding
	if !f.Closed { // the servers of an application that has ended are measured no more
		out = append(out, servers(f.Servers), control(f.Servers))
	}
	out = append(out, address(f.SamePayee), text(f.Text), links(f.Links), burst(f.Burst), amount(f.Money))
	slices.SortStableFunc(out, func(a, b Finding) int { return cmp.Compare(b.Level, a.Level) })
	return out
}

// Worst returns the highest level of list.
func Worst(list []Finding) Level {
	worst := Pass
	for _, f := range list {
		worst = max(worst, f.Level)
	}
	return worst
}

// Named returns the checks of list that came to level, as a sentence lists them.
func Named(list []Finding, level Level) string {
	var names []string
	for _, f := range list {
		if f.Level == level {
			names = append(names, title[f.Check])
		}
	}
	return strings.Join(names, ", ")
}
