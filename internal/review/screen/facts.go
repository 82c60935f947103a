package screen

import (
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
)

// Facts is what a store gathers of one application for Judge.
type Facts struct {
	Closed    bool // withdrawn or declined
	Servers   ServerFacts
	SamePayee Group
	Text      TextFacts
	Links     LinkFacts
	Burst     BurstFacts
	Money     MoneyFacts
}

// ServerFacts counts the servers of an application by their latest check.
type ServerFacts struct {
	Listed                       int // that the application names
	Up, Down, Unknown, Unchecked int // of those that can be measured
	Proven                       int // control is proven now
}

// Group is other applications of the fund that have something in common with one.
type Group struct {
	Live  int // open or approved
	Ended int // declined or withdrawn
	More  bool
	Some  []Other // up to shown, live ones first
}

// Add counts o in; more than most others only set More.
func (g *Group) Add(o Other, live bool, most int) {
	if g.Live+g.Ended >= most {
		g.More = true
		return
	}
	if !live {
		g.Ended++
	} else {
		g.Live++
	}
	if len(g.Some) < shown {
		g.Some = append(g.Some, o)
	}
}

// TextFacts are the statements that are like one.
type TextFacts struct {
	Printed bool // the application has a fingerprint
	Group
	Nearest, NearestEnded int // bits in which the closest one that is live, or ended, differs
}

// Add counts in a statement that differs in so many bits.
func (t *TextFacts) Add(o Other, live bool, bits int) {
	if live && (t.Live == 0 || bits < t.Nearest) {
		t.Nearest = bits
	}
	if !live && (t.Ended == 0 || bits < t.NearestEnded) {
		t.NearestEnded = bits
	}
	t.Group.Add(o, live, Most)
}

// LinkFacts are what the servers of an application, also of earlier revisions,
// share with those of others.
type LinkFacts struct {
	Known int              // things that could be shared
	By    map[string]Group // by kind, as endpoint.LinkKind has them
}

// BurstFacts are how many others came within Window of an application, and how
// many came before that window and since when.
type BurstFacts struct {
	Others int // up to Most+1
	Before int // up to UsualOf
	Span   time.Duration
}

// MoneyFacts is what is asked for and what the fund pays.
type MoneyFacts struct {
	Amount   btcutil.Amount
	Min, Max btcutil.Amount // of the fund
	Median   btcutil.Amount // of the newest grants to others
	Grants   int            // that Median is of, up to MedianOf
}
