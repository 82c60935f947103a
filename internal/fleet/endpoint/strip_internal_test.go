package endpoint

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/uptime"
)

var midnight = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)

func at(hour, minute int) time.Time {
	return midnight.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
}

func TestSlotsThatCameToTheSameAreOneRun(t *testing.T) {
	t.Parallel()
	why := map[time.Time]probe.Class{
		at(13, 0): probe.ClassControlFailed,
		at(12, 0): probe.ClassTimeout,
		at(11, 0): probe.ClassRefused,
		at(10, 0): probe.ClassRefused,
		at(9, 0):  probe.ClassNone,
	}
	marks := strings.Repeat("u", 10) + "ddd?b" + strings.Repeat("-", 8) + "m"
	want := []Run{
		{From: at(0, 0), Until: at(10, 0), Mark: 'u', Slots: 10},
		{From: at(10, 0), Until: at(12, 0), Mark: 'd', Class: "refused", Slots: 2},
		{From: at(12, 0), Until: at(13, 0), Mark: 'd', Class: "timeout", Slots: 1},
		{From: at(13, 0), Until: at(14, 0), Mark: '?', Class: "control_failed", Slots: 1},
		{From: at(14, 0), Until: at(15, 0), Mark: 'b', Slots: 1},
		{From: at(15, 0), Until: at(23, 0), Mark: '-', Slots: 8},
		{From: at(23, 0), Until: at(24, 0), Mark: 'm', Slots: 1},
	}
	if diff := cmp.Diff(want, runs(midnight, time.Hour, marks, why)); diff != "" {
		t.Error(diff)
	}
	notOver := runs(midnight.AddDate(0, 0, 1), time.Hour, "uu", why)
	if diff := cmp.Diff([]Run{{From: at(24, 0), Until: at(26, 0), Mark: 'u', Slots: 2}}, notOver); diff != "" {
		t.Error(diff)
	}
}

// TestNoSlotIsLostInTheRuns draws any day and counts what its runs hold.
func TestNoSlotIsLostInTheRuns(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		marks := rapid.StringOfN(rapid.RuneFrom([]rune("udb?-m")), 0, 96, -1).Draw(t, "marks")
		slots, next := 0, midnight
		for _, run := range runs(midnight, 15*time.Minute, marks, nil) {
			if !run.From.Equal(next) || run.Until.Sub(run.From) != time.Duration(run.Slots)*15*time.Minute {
				t.Fatalf("run %+v after %v", run, next)
			}
			slots, next = slots+run.Slots, run.Until
		}
		if slots != len(marks) {
			t.Fatalf("%d slots of %d", slots, len(marks))
		}
	})
}

func TestBeforeTheFirstCheckThereIsNoStrip(t *testing.T) {
	t.Parallel()
	p := Policy{Slot: 15 * time.Minute}
	day := uptime.Day{Day: midnight, SlotS: 900, Marks: "----"}
	if got := strip([]uptime.Day{day}, nil, p, midnight, nil); got != nil {
		t.Errorf("%+v", got)
	}
	day.Marks = "---u"
	if got := strip([]uptime.Day{day}, nil, p, midnight, nil); len(got) != uptime.Days || got[29].Up != 1 {
		t.Errorf("after the first: %+v", got)
	}
}

func TestTheLevelOfADaySaysWhatIsKnown(t *testing.T) {
	t.Parallel()
	for want, list := range map[Level][]StripDay{
		LevelNone:    {{}, {Marks: "---", Unknown: 3}},
		LevelOK:      {{Up: 96}, {Up: 80, Unknown: 16}},
		LevelWarn:    {{Up: 90, Down: 6}, {Up: 80, Down: 16}},
		LevelBad:     {{Up: 12, Down: 84}, {Down: 96}},
		LevelUnknown: {{Marks: "-?", Unknown: 96}, {Up: 10, Unknown: 86}, {Down: 10, Unknown: 86}},
	} {
		for _, d := range list {
			if got := levelOf(d); got != want {
				t.Errorf("%+v is %s, want %s", d, got, want)
			}
		}
	}
}

// TestALightCheckLeavesStepsOut and a protocol without a step skips it: two things, told apart.
func TestALightCheckLeavesStepsOut(t *testing.T) {
	t.Parallel()
	ms := map[probe.Stage]int64{probe.StageTCP: 1, probe.StageHandshake: 2}
	for name, c := range map[string]struct {
		a    Attempt
		want string // of auth, relay and target
	}{
		"a light check that passed": {Attempt{Mode: probe.Light, Stage: probe.StageHandshake}, "skipped left_out left_out"},
		"a full check that passed": {
			Attempt{Mode: probe.Full, Stage: probe.StageTarget}, "skipped skipped passed",
		},
		"a light check that failed before": {
			Attempt{Mode: probe.Light, Stage: probe.StageTCP, FailedAt: probe.StageHandshake},
			"not_reached not_reached not_reached",
		},
	} {
		c.a.MS = ms
		var got []string
		for _, s := range stages(c.a)[5:] {
			got = append(got, string(s.State))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}

// TestTheProofThatEndedIsTold with its end, and proves nothing.
func TestTheProofThatEndedIsTold(t *testing.T) {
	t.Parallel()
	proven, until := at(1, 0), at(9, 0)
	v := View{
		Endpoint: Endpoint{Control: "credential", ProvenAt: &proven, ProvenUntil: &until},
		Proofs:   []Proof{{Held: true, At: proven}},
	}
	if c := v.Control(at(8, 59)); !c.Proven || c.Kind != "credential" || c.Failed != nil {
		t.Errorf("while it stands: %+v", c)
	}
	if c := v.Control(until); c.Proven || c.Kind != "credential" || !c.Until.Equal(until) || c.Failed != nil {
		t.Errorf("from its end on: %+v", c)
	}
	v.Proofs = append([]Proof{{Why: "decoy_passed", At: at(5, 0)}}, v.Proofs...)
	if c := v.Control(at(6, 0)); !c.Proven || c.Failed == nil || c.Failed.Why != "decoy_passed" {
		t.Errorf("a try that did not hold, of a proof that stands: %+v", c)
	}
}

// TestACheckThatIsNotUpHasAdvice whether the server or the fund's own side failed.
func TestACheckThatIsNotUpHasAdvice(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		class   probe.Class
		mode    probe.Mode
		advises bool
	}{
		{probe.ClassNone, probe.Full, false},
		{probe.ClassRefused, probe.Full, true},
		{probe.ClassControlFailed, probe.Full, true},
		{probe.ClassCookieReply, probe.Light, false},
		{probe.ClassCookieReply, probe.Full, true},
	} {
		v := View{Endpoint: Endpoint{
			Protocol: probe.WireGuard, LastStage: probe.StageHandshake, LastClass: c.class, LastVerdict: c.class.Verdict(c.mode),
		}}
		if got := v.Advice(); (got != "") != c.advises {
			t.Errorf("%s of a %s check: advice %q", c.class, c.mode, got)
		}
	}
}
