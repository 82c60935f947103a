package ctl_test

import (
	"encoding/hex"
	"time"

	"github.com/oapi-codegen/runtime/types"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/fleet/uptime"
)

const label = "EP-7K3FQ2X9"

// sampleEndpoint is what its operator sees of a server that refuses a password.
func sampleEndpoint() client.CheckedEndpoint {
	class, stage, why, until := client.CheckClassAuthRejected, client.StageAuth, "ours_failed", at.Add(90*24*time.Hour)
	kind, verdict := client.ControlByCredential, client.CheckDown
	advice := &client.Advice{Key: "probe.advice.auth_rejected", Text: "The server does not accept the user name and password."}
	return client.CheckedEndpoint{
		Label: label, Protocol: "http-connect", State: "active", Verdict: &verdict, CheckedAt: &at, Stage: &stage, Class: &class, Advice: advice,
		ChecksFrom: at, Pending: true, RecheckAt: &until,
		Fields:  &[]client.SpecField{{Name: "server", Value: "proxy.example.org:443"}, {Name: "password", Value: "set", Secret: true}},
		Control: client.EndpointControl{Proven: true, Kind: &kind, ProvenAt: &at, Until: &until, Generation: 1},
		Proofs:  []client.ControlProof{{Kind: kind, Held: true, At: at, AgainAt: &until, Until: &until}, {Kind: kind, Why: &why, At: at}},
		Checks: []client.EndpointCheck{{
			At: at, Slot: &at, Kind: "slot", Mode: "full", Place: client.PlaceOutside, Attempt: 1, Verdict: client.CheckDown, Class: &class, Advice: advice,
			Stages: []client.CheckStage{
				{Stage: "dns", State: "passed", Ms: 3},
				{Stage: "tcp", State: "passed", Ms: 42},
				{Stage: "handshake", State: "skipped"},
				{Stage: "auth", State: "failed"},
				{Stage: "target", State: "not_reached"},
			},
		}},
		Uptime: []client.PlaceUptime{{
			Place: client.PlaceOutside, Slots: 2880, Up: 2800, Down: 40, Unknown: 40, Permille: 985, CoveragePermille: 986, LowPermille: 980, HighPermille: 990,
		}},
		Strip:       []client.StripDay{{Day: types.Date{Time: at}, Marks: "uud?", Up: 2, Down: 1, Unknown: 1}},
		Maintenance: []client.Maintenance{{From: at, To: until, DeclaredAt: at}},
	}
}

// samplePanel is the same as staff see it.
func samplePanel() client.CheckedEndpoint {
	e, country, asn, n := sampleEndpoint(), "FI", int64(64500), id(71)
	name, order, permille := "fi-1", "2971-18", int32(250)
	e.Id, e.Fields, e.Checks[0].Vantage = &n, nil, &name
	e.Exit = &client.EndpointExit{Country: &country, Asn: &asn, SeenAt: at}
	e.Blocklists = &[]client.BlocklistHit{{What: "net", List: "zapret", Version: "2026-11-21", Order: &order, Permille: &permille, FoundAt: at}}
	e.Linkages = &[]client.Linkage{{Kind: "exit_net", Applications: 3}}
	return e
}

func sampleWays() client.ControlWays {
	user, password, command, token, name, until := "cw-0123", "secret-0123", "causewayctl challenge-serve --listen :443 --token abc", "abc", "_grant.proxy.example.org", at.Add(20*time.Minute)
	return client.ControlWays{Items: []client.ControlWay{
		{Kind: client.ControlByCredential, Generation: 1, Credential: &client.ControlCredential{User: &user, Password: &password}},
		{Kind: client.ControlByPort, Generation: 1, Token: &token, Command: &command, Until: &until},
		{Kind: client.ControlByDNS, Generation: 1, Token: &token, Name: &name, Until: &until},
	}}
}

func sampleVantage() client.Vantage {
	asn, sw := int64(64500), "prober/1"
	return client.Vantage{
		Id: id(72), Name: "fi-1", Place: client.PlaceOutside, Country: "FI", Asn: &asn, State: "active", SeenAt: &at, Software: &sw,
		Reports: 9, CanaryGood: 50, CanaryBad: 1, CreatedAt: at,
	}
}

func sampleFleet() client.Fleet {
	return client.Fleet{
		Rows:     []client.FleetRow{{Protocol: "socks5", Country: "FI", Vantage: "fi-1", Up: 5, Down: 4, Unknown: 3, Unchecked: 2, Proven: 1, OldestAt: &at}},
		OldestAt: &at, Waiting: 7, LateS: 90, Vantages: []client.Vantage{sampleVantage()},
	}
}

// sampleResults are the checks of the day that sampleSnapshot is made from.
func sampleResults() []uptime.Attempt {
	day := uptime.Midnight(at)
	var out []uptime.Attempt
	for slot := range 96 {
		verdicts := []string{"up"}
		switch slot {
		case 7:
			verdicts = []string{"down", "down"}
		case 8:
			verdicts = []string{"down", "up"}
		case 9:
			verdicts = []string{"unknown"}
		case 10:
			verdicts = nil
		}
		for i, v := range verdicts {
			out = append(out, uptime.Attempt{Slot: day.Add(time.Duration(slot) * 15 * time.Minute), Attempt: i + 1, Verdict: v, SHA256: [32]byte{byte(slot), byte(i)}})
		}
	}
	return out
}

func sampleSnapshot() []byte {
	day := uptime.Midnight(at)
	rolled := uptime.Roll(day, uptime.Rules{Slot: 15 * time.Minute, Confirmations: 2}, sampleResults(), "", day.AddDate(0, 0, 1))
	s := uptime.NewSnapshot("CW-7QK2", "outside", uptime.Thresholds{MinUptimePermille: 900, MinCoveragePermille: 800}, 24*time.Hour, []uptime.Input{{
		Endpoint: label, Protocol: "http_connect", Proven: true, Window: uptime.Window{From: day.AddDate(0, 0, -1), To: day.AddDate(0, 0, 1)},
		Days: []uptime.Day{{Day: day.AddDate(0, 0, -1), SlotS: 900, Marks: ""}, rolled},
	}})
	text, _, err := s.Text()
	if err != nil {
		panic(err)
	}
	return text
}

func resultLines(list []uptime.Attempt) string {
	out := ""
	for _, a := range list {
		out += `{"endpoint":"` + label + `","slot":"` + a.Slot.Format(time.RFC3339) + `","attempt":` + string(rune('0'+a.Attempt)) +
			`,"verdict":"` + a.Verdict + `","sha256":"` + hex.EncodeToString(a.SHA256[:]) + "\"}\n"
	}
	return out
}

// endpointSamples is what the fund of a test says about servers.
func endpointSamples() map[string]any {
	v, enrolment := sampleVantage(), "enrolment-token"
	return map[string]any{
		"readLink": client.Understood{
			Protocol: "socks5", Fields: []client.SpecField{{Name: "server", Value: "a.example:1080"}}, Control: []client.ControlKind{client.ControlByPort},
		},
		"listOwnEndpoints": client.EndpointPage{Items: []client.CheckedEndpoint{sampleEndpoint()}}, "recheckEndpoint": sampleEndpoint(),
		"getControl": sampleWays(), "proveControl": sampleEndpoint(), "rotateControl": sampleWays(),
		"declareMaintenance": client.Maintenance{From: at, To: at.Add(time.Hour), DeclaredAt: at},
		"listEndpoints":      client.EndpointPage{Items: []client.CheckedEndpoint{samplePanel()}}, "recheckAsStaff": samplePanel(),
		"getFleet": sampleFleet(), "listVantages": client.VantagePage{Items: []client.Vantage{v}}, "disableVantage": v,
		"addVantage": client.Vantage{Id: v.Id, Name: v.Name, Place: v.Place, Country: v.Country, Asn: v.Asn, State: "new", CreatedAt: at, Token: &enrolment},
	}
}
