package uptime_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/uptime"
)

func TestResultsAreWhatTheEvidenceIsMadeOf(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		list := checks(monday, "u ddd d?u - ? "+strings.Repeat("u ", rapid.IntRange(0, 80).Draw(r, "n")))
		want, err := uptime.Results("EP-1", list)
		if err != nil {
			r.Fatal(err)
		}

		got, err := uptime.Results("EP-1", rapid.Permutation(list).Draw(r, "list"))

		if err != nil || !bytes.Equal(want, got) {
			r.Fatalf("another order is written otherwise, %v: %s", err, got)
		}
		days, err := uptime.ParseResults(got)
		if err != nil {
			r.Fatal(err)
		}
		if diff := cmp.Diff(map[uptime.Checked][]uptime.Attempt{{Endpoint: "EP-1", Day: "2026-11-16"}: list}, days); diff != "" {
			r.Fatal(diff)
		}
	})
}

func TestOtherResultsAreRefused(t *testing.T) {
	t.Parallel()
	text, err := uptime.Results("EP-1", checks(monday, "u"))
	if err != nil {
		t.Fatal(err)
	}
	good := string(text)
	want := `{"endpoint":"EP-1","slot":"2026-11-16T00:00:00Z","attempt":1,"verdict":"up","sha256":"` + strings.Repeat("0", 64) + "\"}\n"
	if good != want {
		t.Errorf("got %s", good)
	}
	for name, bad := range map[string]string{
		"attempt": strings.Replace(good, `"attempt":1`, `"attempt":0`, 1),
		"verdict": strings.Replace(good, `"up"`, `"UP"`, 1),
		"sum":     strings.Replace(good, `"00`, `"0`, 1),
		"label":   strings.Replace(good, "EP-1", "", 1),
		"slot":    strings.Replace(good, "2026", "26", 1),
		"name":    strings.Replace(good, "slot", "slots", 1),
		"behind":  good + "x",
	} {
		if _, err := uptime.ParseResults([]byte(bad)); !errs.Is(err, "results_form") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
