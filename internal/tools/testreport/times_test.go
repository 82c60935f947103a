package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// ran returns the report of a run of n tests, the i-th of which took i seconds, from 12:00:00 to 12:01:00.
func ran(t *testing.T, out *bytes.Buffer, n int) *report {
	t.Helper()
	var events strings.Builder
	events.WriteString(`{"Time":"2026-11-30T12:00:00Z","Action":"start","Package":"p"}` + "\n")
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&events, `{"Time":"2026-11-30T12:00:30Z","Action":"pass","Package":"p","Test":"Test%d/sub","Elapsed":999}`+"\n", i)
		fmt.Fprintf(&events, `{"Time":"2026-11-30T12:00:30Z","Action":"pass","Package":"p","Test":"Test%d","Elapsed":%d}`+"\n", i, i)
	}
	events.WriteString(`{"Time":"2026-11-30T12:01:00Z","Action":"pass","Package":"p","Elapsed":60}` + "\n")
	rep := newReport(out, false)
	if _, err := rep.read(strings.NewReader(events.String())); err != nil {
		t.Fatal(err)
	}
	return rep
}

func TestTheSlowestTestsAreListed(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	ran(t, &out, 25).printTimes(0)

	var listed []string
	for line := range strings.Lines(out.String()) {
		if fields := strings.Fields(line); len(fields) == 2 && strings.HasPrefix(fields[1], "p.") {
			listed = append(listed, fields[1])
		}
	}
	if len(listed) != 20 || listed[0] != "p.Test25" || listed[19] != "p.Test6" {
		t.Errorf("listed %v", listed)
	}
}

func TestABudgetThatIsExceededFails(t *testing.T) {
	t.Parallel()
	for budget, want := range map[time.Duration]bool{0: true, time.Minute: true, 59 * time.Second: false} {
		var out bytes.Buffer
		rep := ran(t, &out, 1)
		rep.printTimes(budget)
		if got := rep.close(); got != want {
			t.Errorf("budget %s: well is %t, want %t\n%s", budget, got, want, &out)
		}
	}
}

// TestTheBudgetReachesTheExitCode runs a real module, whose tests cannot end within a nanosecond.
func TestTheBudgetReachesTheExitCode(t *testing.T) {
	t.Parallel()
	dir := module(t, map[string]string{"p_test.go": head + "func TestA(*testing.T) {}"})
	for budget, want := range map[string]int{"1ns": 1, "1h": 0} {
		var out, errOut bytes.Buffer
		if exit := run(t.Context(), []string{"-in", dir, "-budget", budget, "--", "-count=1"}, &out, &errOut); exit != want {
			t.Errorf("budget %s: exit %d, want %d\n%s%s", budget, exit, want, &out, &errOut)
		}
	}
}
