package probe_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

func sampleResult() *probe.Result {
	return &probe.Result{
		V: probe.Version, ID: "01JD0000000000000000000000", Endpoint: "ep_1", SpecHash: strings.Repeat("ab", 32),
		Protocol: probe.MTProto, Vantage: "fi-1", AgentSeq: 8123, Started: time.Date(2026, 11, 22, 9, 17, 3, 5, time.UTC),
		Slot: "2026-11-22T09:15Z", Attempt: 1, Mode: probe.Full,
		Outcome: probe.Outcome{
			OK: true, Stage: probe.StageTarget, MS: map[probe.Stage]int64{probe.StageTCP: 42, probe.StageTarget: 95},
			Addr: "198.51.100.7:443",
			Evidence: &probe.Evidence{
				TGDC: 2, TGKey: "d09d1d85de64fd85", TGProven: true, TGTimeSkewMS: 310, ServerKey: strings.Repeat("0f", 32),
				Exit: &probe.Exit{Addr: "198.51.100.9", MAC: strings.Repeat("c3", 32)},
			},
			Control: &probe.Control{OK: true, MS: 38},
		},
		ExitIP: "198.51.100.9", ExitASN: 64500, Blocklists: []string{"ru-zi@2026-11-21"}, SW: "prober/0.1",
	}
}

func TestARecordSurvivesItsJSON(t *testing.T) {
	t.Parallel()
	want := sampleResult()
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got probe.Result
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if err := got.Validate(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(want, &got); diff != "" {
		t.Error(diff)
	}
}

func TestRecordsOutsideTheClosedSetsAreRefused(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*probe.Result){
		"version":            func(r *probe.Result) { r.V = 2 },
		"protocol":           func(r *probe.Result) { r.Protocol = "gopher" },
		"mode":               func(r *probe.Result) { r.Mode = "half" },
		"attempt":            func(r *probe.Result) { r.Attempt = 0 },
		"no start":           func(r *probe.Result) { r.Started = time.Time{} },
		"spec hash":          func(r *probe.Result) { r.SpecHash = "xyz" },
		"vantage":            func(r *probe.Result) { r.Vantage = "fi\n1" },
		"long id":            func(r *probe.Result) { r.ID = strings.Repeat("a", 200) },
		"exit":               func(r *probe.Result) { r.ExitIP = "127.1" },
		"stage":              func(r *probe.Result) { r.Stage = "later" },
		"class":              func(r *probe.Result) { r.OK, r.Class, r.FailedAt = false, "odd", probe.StageTCP },
		"ok with a class":    func(r *probe.Result) { r.Class = probe.ClassEOF },
		"ok with no stage":   func(r *probe.Result) { r.Stage = "" },
		"failed nowhere":     func(r *probe.Result) { r.OK, r.Class = false, probe.ClassEOF },
		"long detail":        func(r *probe.Result) { r.Detail = strings.Repeat("a", 201) },
		"detail with escape": func(r *probe.Result) { r.Detail = "\x1b[2J" },
		"control's detail":   func(r *probe.Result) { r.Control.Detail = "\x07" },
		"time of a stage":    func(r *probe.Result) { r.MS["lunch"] = 1 },
		"negative time":      func(r *probe.Result) { r.MS[probe.StageTCP] = -1 },
		"address":            func(r *probe.Result) { r.Addr = "example.org:80" },
		"telegram key":       func(r *probe.Result) { r.Evidence.TGKey = "1" },
		"proof of no key":    func(r *probe.Result) { r.Evidence.TGKey = "" },
		"server key":         func(r *probe.Result) { r.Evidence.ServerKey = "AB" },
		"exit's address":     func(r *probe.Result) { r.Evidence.Exit.Addr = "::ffff:198.51.100.9" },
		"code":               func(r *probe.Result) { r.Evidence.Exit.MAC = "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := sampleResult()
			spoil(r)
			if r.Validate() == nil {
				t.Errorf("accepted %+v", r)
			}
		})
	}
}
