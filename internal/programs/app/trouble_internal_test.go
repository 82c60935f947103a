package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/errs"
)

func TestATroubleIsLoggedWhenItBeginsChangesAndEnds(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	x := &troubles{log: slog.New(slog.NewJSONHandler(&out, nil))}
	down, full := errs.New(errs.Unavailable, "node_down", "btcd does not answer."), errs.New(errs.Unavailable, "disk_full", "The disk is full.")
	for _, err := range []error{nil, down, down, down, full, full, errors.New("x"), errors.New("y"), nil, nil, down} {
		x.note(t.Context(), "no estimate", "estimates again", err)
	}
	x.note(t.Context(), "no checkpoint", "checkpoints again", full)
	var got []string
	for line := range strings.Lines(out.String()) {
		var l struct{ Msg, Cause string }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.TrimSpace(l.Msg+" "+l.Cause))
	}
	want := []string{
		"no estimate node_down", "no estimate disk_full", "no estimate internal", "estimates again", "no estimate node_down", "no checkpoint disk_full",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
