package api_test

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/advice"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/uptime"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

const endpointLabel = "EP-7K3FQ2X9"

// fakeEndpoints answers with its fields and keeps what it was asked.
type fakeEndpoints struct {
	fail       error
	understood endpoint.Understood
	view       endpoint.View
	ways       []endpoint.Instructions
	snapshot   endpoint.StoredSnapshot
	results    []byte
	fleet      endpoint.Fleet
	probers    []endpoint.Vantage
	welcome    vantage.Welcome
	replies    []any
}

func (f *fakeEndpoints) keep(args ...any) { f.replies = args }

func (f *fakeEndpoints) Understand(text string) (endpoint.Understood, error) {
	f.keep(text)
	return f.understood, f.fail
}

func (f *fakeEndpoints) Mine(_ context.Context, code string, checks int) ([]endpoint.View, error) {
	f.keep(code)
	return []endpoint.View{f.with(checks)}, f.fail
}

func (f *fakeEndpoints) Recheck(_ context.Context, code, label string) (endpoint.View, error) {
	f.keep(code, label)
	return f.view, f.fail
}

func (f *fakeEndpoints) Instructions(_ context.Context, code, label string) ([]endpoint.Instructions, error) {
	f.keep(code, label)
	return f.ways, f.fail
}

func (f *fakeEndpoints) Prove(_ context.Context, code, label string, kind control.Kind) (endpoint.View, error) {
	f.keep(code, label, kind)
	return f.view, f.fail
}

func (f *fakeEndpoints) RotateCredential(_ context.Context, code, label string) ([]endpoint.Instructions, error) {
	f.keep(code, label)
	return f.ways, f.fail
}

func (f *fakeEndpoints) DeclareMaintenance(_ context.Context, code, label string, from, to time.Time) (endpoint.Maintenance, error) {
	f.keep(code, label, from, to)
	m := endpoint.Maintenance{From: from, To: to, DeclaredAt: at}
	f.view.Maintenance = append(f.view.Maintenance, m)
	return m, f.fail
}

func (f *fakeEndpoints) MySnapshot(_ context.Context, code, label string) (endpoint.StoredSnapshot, error) {
	f.keep(code, label)
	return f.stored(), f.fail
}

func (f *fakeEndpoints) Results(_ context.Context, code, label string, day time.Time) (endpoint.DayResults, error) {
	f.keep(code, label, day)
	return endpoint.DayResults{Label: endpointLabel, Day: day, Text: f.results}, f.fail
}

func (f *fakeEndpoints) StaffResults(_ context.Context, by identity.Actor, application uuid.UUID, label string, day time.Time) (endpoint.DayResults, error) {
	f.keep(by, application, label, day)
	return endpoint.DayResults{Label: endpointLabel, Day: day, Text: f.results}, f.fail
}

// stored is the snapshot, or one of nothing.
func (f *fakeEndpoints) stored() endpoint.StoredSnapshot {
	if f.snapshot.Text != nil {
		return f.snapshot
	}
	text, sum, err := uptime.NewSnapshot("GR-1", "outside", uptime.Thresholds{}, 0, nil).Text()
	if err != nil {
		panic(err)
	}
	return endpoint.StoredSnapshot{Text: text, SHA256: sum}
}

func (f *fakeEndpoints) Panel(_ context.Context, by identity.Actor, application uuid.UUID, unseal bool, checks int) ([]endpoint.View, error) {
	f.keep(by, application, unseal)
	return []endpoint.View{f.with(checks)}, f.fail
}

// with is the view with as many checks as were asked for.
func (f *fakeEndpoints) with(checks int) endpoint.View {
	v := f.view
	v.Checks = v.Checks[:min(checks, len(v.Checks))]
	return v
}

func (f *fakeEndpoints) StaffRecheck(_ context.Context, by identity.Actor, id uuid.UUID) (endpoint.View, error) {
	f.keep(by, id)
	return f.view, f.fail
}

func (f *fakeEndpoints) Snapshot(_ context.Context, by identity.Actor, application uuid.UUID) (endpoint.StoredSnapshot, error) {
	f.keep(by, application)
	return f.stored(), f.fail
}

func (f *fakeEndpoints) Fleet(_ context.Context, by identity.Actor) (endpoint.Fleet, []endpoint.Vantage, error) {
	f.keep(by)
	return f.fleet, f.probers, f.fail
}

func (f *fakeEndpoints) AddVantage(_ context.Context, by identity.Actor, v endpoint.NewVantage) (endpoint.Vantage, string, error) {
	f.keep(by, v)
	return endpoint.Vantage{ID: someID, Name: v.Name, Place: v.Place, Country: v.Country, ASN: v.ASN, CreatedAt: at}, "enrolment-token", f.fail
}

func (f *fakeEndpoints) DisableVantage(_ context.Context, by identity.Actor, id uuid.UUID) (endpoint.Vantage, error) {
	f.keep(by, id)
	return f.probers[0], f.fail
}

func (f *fakeEndpoints) Vantages(_ context.Context, by identity.Actor) ([]endpoint.Vantage, error) {
	f.keep(by)
	return f.probers, f.fail
}

func (f *fakeEndpoints) Vantage(_ context.Context, by identity.Actor, id uuid.UUID) (endpoint.Vantage, error) {
	f.keep(by, id)
	return f.probers[0], f.fail
}

func (f *fakeEndpoints) AddedVantage(_ context.Context, by identity.Actor, id uuid.UUID) (endpoint.Vantage, error) {
	f.keep(by, id)
	return f.probers[0], f.fail
}

func (f *fakeEndpoints) MyOne(_ context.Context, code, label string) (endpoint.View, error) {
	f.keep(code, label)
	return f.view, f.fail
}

func (f *fakeEndpoints) Enrol(_ context.Context, e vantage.Enrolment) (vantage.Welcome, error) {
	f.keep(e)
	return f.welcome, f.fail
}

func (f *fakeEndpoints) Lease(_ context.Context, ask vantage.Envelope, _ endpoint.Gate) (vantage.Envelope, error) {
	f.keep(ask)
	return vantage.Envelope{Body: []byte("lease"), Signature: []byte("signed")}, f.fail
}

func (f *fakeEndpoints) Report(_ context.Context, report vantage.Envelope, _ endpoint.Gate) error {
	f.keep(report)
	return f.fail
}

// bare is the least that the service answers with.
func (f *fakeEndpoints) bare() *fakeEndpoints {
	f.view.Endpoint = endpoint.Endpoint{Label: endpointLabel, Protocol: probe.SOCKS5, State: endpoint.Active}
	f.understood.Protocol = probe.SOCKS5
	f.welcome.ServiceKey = []byte{7}
	f.probers = []endpoint.Vantage{{ID: someID, Name: "fi-1", Place: vantage.Outside, CreatedAt: at}}
	return f
}

// fill puts a value into every field that an answer shows.
func (f *fakeEndpoints) fill() {
	fields := []link.Field{{Name: "server", Value: "proxy.example.org:443"}, {Name: "secret", Value: "set", Secret: true}}
	f.understood = endpoint.Understood{Protocol: probe.HTTPConnect, Fields: fields, Control: []control.Kind{control.KindCredential, control.KindPort, control.KindDNS}}
	until := at.Add(90 * 24 * time.Hour)
	f.view = endpoint.View{
		Endpoint: endpoint.Endpoint{
			ID: someID, Label: endpointLabel, Protocol: probe.HTTPConnect, State: endpoint.Active, Generation: 2, Control: control.KindCredential,
			ProvenAt: &at, ProveAgainAt: &until, ProvenUntil: &until, LastAt: &at, LastVerdict: probe.Down,
			LastStage: probe.StageAuth, LastClass: probe.ClassAuthRejected, ChecksFrom: at,
		},
		Fields: fields, Pending: true, RecheckAt: at.Add(10 * time.Minute),
		Checks: []endpoint.Check{{
			At: at, Slot: at, Kind: vantage.KindSlot, Mode: probe.Full, Attempt: 1, Place: vantage.Outside, Vantage: "fi-1", Verdict: probe.Down,
			Stages: []endpoint.StageResult{{Stage: probe.StageTCP, State: "passed", MS: 42}, {Stage: probe.StageAuth, State: "failed"}},
			Class:  probe.ClassAuthRejected, Advice: advice.Key(probe.HTTPConnect, probe.StageAuth, probe.ClassAuthRejected), Detail: "407", Proven: true,
		}},
		Uptime: map[vantage.Place]endpoint.Uptime{
			vantage.Inside:  {Slots: 4, Up: 1, Down: 1, Unknown: 2, Maintenance: 1, Permille: 500, CoveragePermille: 500, LowPermille: 94, HighPermille: 906},
			vantage.Outside: {Slots: 4, Up: 4, Permille: 1000, CoveragePermille: 1000, LowPermille: 510, HighPermille: 1000},
		},
		Strip:       []endpoint.StripDay{{Day: at.Truncate(24 * time.Hour), Marks: "udb?m-", Up: 1, Down: 2, Unknown: 3}},
		Proofs:      []endpoint.Proof{{Kind: "port", Why: "no_answer", At: at}, {Kind: "credential", Held: true, At: at, AgainAt: until, ValidUntil: until}},
		Maintenance: []endpoint.Maintenance{{From: at, To: until, DeclaredAt: at}},
		Hits:        []endpoint.Hit{{What: "net", List: "zapret", Version: "2026-11-21", Order: "2971-18", Permille: 250, FoundAt: at}},
		Linkages:    []endpoint.Linkage{{Kind: endpoint.LinkExitNet, Applications: 3}},
		Exit:        &endpoint.ExitView{Address: "198.51.100.9", Country: "FI", ASN: 4_200_000_000, Org: "Example", SeenAt: at},
	}
	f.ways = []endpoint.Instructions{
		{Kind: control.KindCredential, Generation: 2, Credential: &control.Public{User: "u", Password: "p", UUID: "id", Secret: "aa", PublicKey: "k"}},
		{Kind: control.KindPort, Generation: 2, Token: "token", Command: "causewayctl challenge-serve --listen :443 --token token", Until: until},
		{Kind: control.KindDNS, Generation: 2, Token: "token", Name: "_grant.proxy.example.org", Until: until},
	}
	day := uptime.Day{Day: at.Truncate(24 * time.Hour), SlotS: 900, Marks: "uudb", Attempts: 4}
	snapshot := uptime.NewSnapshot("GR-1", "outside", uptime.Thresholds{MinUptimePermille: 900, MinCoveragePermille: 800}, 24*time.Hour, []uptime.Input{{
		Endpoint: endpointLabel, Protocol: "http_connect", Proven: true, Window: uptime.Window{From: day.Day, To: day.Day.AddDate(0, 0, 1)}, Days: []uptime.Day{day},
		Breaks: []uptime.Break{{From: day.Day, To: day.Day.Add(time.Hour), Declared: day.Day.AddDate(0, 0, -2)}},
	}})
	text, sum, err := snapshot.Text()
	if err != nil {
		panic(err)
	}
	f.snapshot = endpoint.StoredSnapshot{Text: text, SHA256: sum}
	f.results = []byte(`{"endpoint":"` + endpointLabel + `"}` + "\n")
	f.fleet = endpoint.Fleet{
		Rows:   []endpoint.FleetRow{{Protocol: "socks5", Country: "FI", Vantage: "fi-1", Up: 5, Down: 4, Unknown: 3, Unchecked: 2, Proven: 1, Oldest: &at}},
		Oldest: &at, Waiting: 7, Late: 90*time.Second + time.Millisecond,
	}
	seen := endpoint.Vantage{ID: someID, Name: "fi-1", Place: vantage.Outside, Country: "FI", ASN: 4_200_000_000, PublicKey: []byte{1}, Seq: 9, SeenAt: &at, SW: "prober/1", CanaryGood: 50, CreatedAt: at}
	wrong, gone := seen, seen
	wrong.CanaryBad, gone.DisabledAt = 2, &at
	f.probers = []endpoint.Vantage{seen, wrong, gone, {ID: someID, Name: "ir-1", Place: vantage.Inside, CreatedAt: at}}
	f.welcome = vantage.Welcome{Vantage: someID, Name: "fi-1", ServiceKey: []byte{7}}
}
