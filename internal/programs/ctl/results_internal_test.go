package ctl

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/uptime"
)

func TestMarksFollowFromTheirResults(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for marks, holds := range map[string]map[string]bool{ // by the verdicts of the first slot: up, down, unknown
		"u": {"": false, "u": true, "d": false, "?": false, "du": true, "ud": true},
		"d": {"": false, "u": false, "d": true, "?": false, "du": false, "d?": true},
		"?": {"": false, "u": false, "d": true, "?": true, "u?": false},
		"-": {"": true, "u": false, "d": false, "?": false},
		"b": {"": true, "u": false, "d": false, "?": false},
		"m": {"": true, "u": true, "d": true, "?": true},
		"x": {"": false},
		"":  {"": true, "u": false},
	} {
		for verdicts, want := range holds {
			var attempts []uptime.Attempt
			for i, v := range verdicts {
				word := map[rune]string{'u': "up", 'd': "down", '?': "unknown"}[v]
				attempts = append(attempts, uptime.Attempt{Slot: day, Attempt: i + 1, Verdict: word})
			}
			err := marksFollow("EP-1", uptime.DayText{Day: "2026-11-22", SlotS: 900, Marks: marks}, attempts)
			if (err == nil) != want {
				t.Errorf("mark %q with %q: %v", marks, verdicts, err)
			}
		}
	}
}

func TestRefusalsOfFilesCannotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	evil := "\x1b[31m \u202e"
	err := cleaned(errs.InvalidFields([]errs.Field{{Field: evil, Code: "c", Message: evil}}))
	var e *errs.Error
	if !errors.As(err, &e) || strings.ContainsAny(e.Fields[0].Field+e.Fields[0].Message, "\x1b\u202e") {
		t.Errorf("got %q", e.Fields)
	}
}
