package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// slowestTests is how many are listed after a run.
const slowestTests = 20

// timing is how long one top-level test took. A parallel test's time includes its waits for others.
type timing struct {
	name string
	took time.Duration
}

// times says where a run's time went.
type times struct {
	tests       []timing
	first, last time.Time // of all events: from the first package that started
}

func (t *times) see(at time.Time) {
	if at.IsZero() {
		return
	}
	if t.first.IsZero() || at.Before(t.first) {
		t.first = at
	}
	if at.After(t.last) {
		t.last = at
	}
}

// slowest returns the slowest tests, those of one time by name.
func (t *times) slowest() []timing {
	sorted := slices.Clone(t.tests)
	slices.SortFunc(sorted, func(a, b timing) int {
		return cmp.Or(cmp.Compare(b.took, a.took), cmp.Compare(a.name, b.name))
	})
	return sorted[:min(len(sorted), slowestTests)]
}

// printTimes lists the slowest tests and counts a failure when the run took longer than
// budget; 0 means that it may take any time.
func (r *report) printTimes(budget time.Duration) {
	fmt.Fprintln(r.out, "slowest tests:")
	for _, t := range r.times.slowest() {
		fmt.Fprintf(r.out, "  %8.2fs  %s\n", t.took.Seconds(), t.name)
	}
	took := r.times.last.Sub(r.times.first)
	fmt.Fprintf(r.out, "the tests took %s\n", took.Round(time.Millisecond))
	if budget > 0 && took > budget {
		r.fail(
			"time budget",
			fmt.Sprintf(
				"the tests took %s, and may take %s: make one of the slowest faster",
				took.Round(time.Millisecond),
				budget,
			),
		)
	}
}
