package views_test

import (
	"strings"
	"time"

	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/uptime"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

const sampleConf = "[Interface]\nPrivateKey = qGvJXEZ1mYBvVfGWkq8mYh1h0Jk3p0yq8x4hQk0f2Ws=\nAddress = 10.66.0.2/32\n\n[Peer]\nPublicKey = 3iRvYt0Q2w5p1n9GJ8m0N6o2dXb7Yk5sQ8eA4uTz1Fw=\nEndpoint = exit1.example.net:51820\nAllowedIPs = 0.0.0.0/0\n"

func sampleUnderstood() *views.Understood {
	return &views.Understood{Protocol: "wireguard", Fields: []views.SpecField{
		{Name: "server", Value: "exit1.example.net:51820"},
		{Name: "peer_key", Value: strings.Repeat("3f9c", 16)},
		{Name: "private_key", Set: true},
		{Name: "addresses", Value: "10.66.0.2/32"},
		{Name: "allowed_ips", Value: "0.0.0.0/0"},
	}}
}

func sampleLinks(step int) views.Apply {
	v := sampleApply(step, false)
	v.Links = true
	v.Values.Endpoints = []views.ApplyEndpoint{
		{Link: sampleConf, Understood: sampleUnderstood()},
		{Link: "tg://proxy?server=proxy.example.org&port=443&secret=nope"},
		{Protocol: "socks5", Host: "192.0.2.17", Port: "1080", Username: "u", Secret: "s"},
	}
	if step == 1 {
		v.Errors = []views.FieldError{
			{Field: "endpoints[1].link", Code: "link_bad_secret", Params: map[string]string{"Where": "secret", "Words": "A secret is 32 hexadecimal digits."}},
			{Field: "endpoints[1].link", Code: "link_refused", Params: map[string]string{"Where": "7", "Words": "The setting is not read."}},
		}
	}
	return v
}

func sampleCheck(verdict probe.Verdict, failed probe.Stage, class probe.Class, advice string) endpoint.Check {
	c := endpoint.Check{
		At: now.Add(-7 * time.Minute), Kind: vantage.KindSlot, Mode: probe.Full, Place: vantage.Outside, Vantage: "fi-1",
		Verdict: verdict, Class: class, Advice: advice,
	}
	reached := true
	for i, stage := range probe.Stages() {
		s := endpoint.StageResult{Stage: stage, State: endpoint.StepPassed, MS: int64(i * 13)}
		switch {
		case stage == failed:
			s.State, reached = endpoint.StepFailed, false
		case !reached:
			s.State = endpoint.StepNotReached
		case stage == probe.StageDNS:
			s.State = endpoint.StepSkipped
		}
		c.Stages = append(c.Stages, s)
	}
	return c
}

func sampleDays() []endpoint.StripDay {
	var days []endpoint.StripDay
	for i := range 30 {
		at := now.Truncate(24*time.Hour).AddDate(0, 0, i-29)
		run := func(from, until time.Duration, mark uptime.Mark, class probe.Class) endpoint.Run {
			return endpoint.Run{From: at.Add(from), Until: at.Add(until), Mark: mark, Class: class, Slots: int((until - from) / (15 * time.Minute))}
		}
		d := endpoint.StripDay{Day: at, Up: 96, Level: endpoint.LevelOK, Runs: []endpoint.Run{run(0, 24*time.Hour, uptime.MarkUp, "")}}
		switch i {
		case 4, 5:
			d.Up, d.Down, d.Level = 12, 84, endpoint.LevelBad
			d.Runs = []endpoint.Run{
				run(0, 3*time.Hour, uptime.MarkUp, ""),
				run(3*time.Hour, 5*time.Hour, uptime.MarkDown, probe.ClassRefused),
				run(5*time.Hour, 24*time.Hour, uptime.MarkBackoff, ""),
			}
		case 11:
			d.Up, d.Unknown, d.Level = 30, 66, endpoint.LevelUnknown
		case 26:
			d.Up, d.Down, d.Unknown, d.Level = 90, 4, 2, endpoint.LevelWarn
			d.Runs = []endpoint.Run{
				run(0, 9*time.Hour, uptime.MarkUp, ""),
				run(9*time.Hour, 10*time.Hour, uptime.MarkDown, probe.ClassTimeout),
				run(10*time.Hour, 10*time.Hour+30*time.Minute, uptime.MarkMaintenance, ""),
				run(10*time.Hour+30*time.Minute, 24*time.Hour, uptime.MarkUp, ""),
			}
		}
		days = append(days, d)
	}
	return days
}

func sampleServer() views.Server {
	return views.Server{
		ID: "0198c0de-0000-7000-8000-00000000000e", Label: "EP-7K3FQ2X9", Protocol: "mtproto", Address: "proxy.example.org:443",
		Fields:  []views.SpecField{{Name: "server", Value: "proxy.example.org:443"}, {Name: "kind", Value: "ee"}, {Name: "secret", Set: true}, {Name: "sni", Value: "www.example.com"}},
		Verdict: "down", CheckedAt: now.Add(-7 * time.Minute), Advice: "probe.advice.mtproto.silent", RecheckAt: now.Add(3 * time.Minute),
		Checks: []endpoint.Check{
			sampleCheck("down", "relay", "timeout", "probe.advice.mtproto.silent"), sampleCheck("unknown", "relay", "control_failed", "probe.advice.control_failed"), sampleCheck("up", "", "", ""),
		},
		Uptimes: []views.Uptime{
			{Place: "outside", Slots: 2880, Up: 2644, Down: 172, Unknown: 64, Permille: 938, CoveragePermille: 977, Low: 929, Highest: 947},
			{Place: "inside", Slots: 2880, Permille: 0},
		},
		Days:   sampleDays(),
		Breaks: []views.Break{{From: now.Add(40 * time.Hour), To: now.Add(42 * time.Hour)}},
		Proof:  views.Proof{TriedAt: now.Add(-time.Hour), Why: views.Msg{Key: "proof.why.ours_failed"}},
		Exit:   &views.Exit{Country: "FI", ASN: 64500, Org: "Example Hosting"},
		Hits:   []views.Hit{{What: "listen", List: "ru-zi", Version: "2026-11-21", Order: "2971-18"}, {What: "net", List: "ru-zi", Version: "2026-11-21", Permille: 406}},
		Links:  []views.Linked{{Kind: "exit_net", Applications: 3}, {Kind: "server_key", Applications: 1}},
	}
}

func sampleServers() views.Status {
	v := sampleStatus()
	down, up, fresh := sampleServer(), sampleServer(), sampleServer()
	up.Label, up.Protocol, up.Address, up.Verdict, up.Advice = "EP-2M9XDT4W", "wireguard", "exit1.example.net:51820", "up", ""
	up.Proof = views.Proof{Proven: true, Kind: "credential", At: now.AddDate(0, 0, -12), Again: now.AddDate(0, 2, 0)}
	fresh.Label, fresh.Protocol, fresh.Address, fresh.Verdict, fresh.Advice, fresh.CheckedAt = "EP-ZC61HPN8", "socks5", "192.0.2.17:1080", "", "", time.Time{}
	fresh.FirstAt = now.Add(20 * time.Minute)
	up.Blocked = true
	v.Servers = []views.Server{down, up, fresh}
	return v
}

func sampleServerPage() views.ServerPage {
	return views.ServerPage{
		Code: "7K3FQ-2M9XD-T4WVB-ZC61H-PN8RGE", Reference: "A-000417", Server: sampleServer(),
		Ways: []views.Way{
			{Kind: "credential", Generation: 1, Values: []views.SpecField{{Name: "secret", Value: "0f1e2d3c4b5a69788796a5b4c3d2e1f0"}}},
			{Kind: "port", Command: "causewayctl challenge-serve --listen :443 --token 7b1f9a", Until: now.Add(9 * time.Minute)},
			{Kind: "dns", Name: "_grant.proxy.example.org", Token: "causeway=7b1f9a", Until: now.AddDate(0, 0, 30)},
		},
		Typed:  views.BreakTyped{From: "2026-11-22T10:00", To: "2026-11-22T12:00"},
		Errors: []views.FieldError{{Field: "from", Code: "too_soon", Message: "Said too late."}},
	}
}

func sampleProven() views.ServerPage {
	v := sampleServerPage()
	v.Errors = nil
	s := &v.Server
	s.Proof = views.Proof{Proven: true, Kind: "credential", At: now.AddDate(0, 0, -12), Again: now.AddDate(0, 2, 0)}
	s.Verdict, s.Advice, s.Pending, s.Checks = "up", "", true, []endpoint.Check{sampleCheck("up", "", "", "")}
	return v
}

// sampleEnded has a proof of control that has ended.
func sampleEnded() views.ServerPage {
	v := sampleProven()
	v.Server.Proof.Proven, v.Server.Proof.Until = false, now.Add(-26*time.Hour)
	return v
}

func samplePanel(unsealed bool) views.ReviewDetail {
	d := sampleDetail(1)
	down, up := sampleServer(), sampleServer()
	up.ID, up.Label, up.Protocol, up.Verdict, up.Advice, up.Hits, up.Links = "e2", "EP-2M9XDT4W", "wireguard", "up", "", nil, nil
	up.Proof = views.Proof{Proven: true, Kind: "credential", At: now.AddDate(0, 0, -12)}
	up.Uptimes = up.Uptimes[:1]
	up.Exit = nil
	if unsealed {
		down.Exit.Address = "198.51.100.9"
	} else {
		down.Address, up.Address, down.Fields, up.Fields = "", "", nil, nil
	}
	up.Blocked = true
	d.Panel = &views.Panel{BaseURL: d.BaseURL, BackURL: d.BackURL, Unsealed: unsealed, Unmeasured: 1, Claimed: d.Endpoints[:1], CanUnseal: true, CanCheck: true, Servers: []views.Server{down, up}}
	return d
}

func sampleFleet() views.Fleet {
	rows := func(names ...string) []views.FleetRow {
		var out []views.FleetRow
		for i, n := range names {
			out = append(out, views.FleetRow{Name: n, Up: int64(900 / (i + 1)), Down: int64(40 * i), Unknown: int64(i), Unchecked: int64(2 * i), Proven: int64(800 / (i + 1)), Oldest: now.Add(-time.Duration(i+1) * 9 * time.Minute)})
		}
		return out
	}
	return views.Fleet{
		Active: 4890, Up: 4512, Down: 301, Unknown: 12, Unchecked: 65, Proven: 4100, Oldest: now.Add(-31 * time.Minute), Waiting: 7, Late: 3 * time.Second,
		ByProtocol: rows("socks5", "mtproto", "wireguard", "openvpn"), ByCountry: rows("Finland", "Germany", "—"), ByVantage: rows("fi-1", "de-2", ""),
		Vantages: sampleVantages().List,
	}
}

func sampleVantages() views.Vantages {
	return views.Vantages{
		CanManage: true, NewName: "nl-3", NewToken: "cwv_4d9f0b7a1c2e",
		List: []views.Vantage{
			{ID: "v1", Name: "fi-1", Place: "outside", Country: "FI", ASN: 64500, State: "seen", SeenAt: now.Add(-time.Minute), SW: "prober/0.1", CanaryGood: 212},
			{ID: "v2", Name: "ru-7", Place: "inside", Country: "RU", ASN: 64511, State: "distrusted", SeenAt: now.Add(-time.Minute), SW: "prober/0.1", CanaryGood: 90, CanaryBad: 9},
			{ID: "v3", Name: "de-2", Place: "outside", Country: "DE", State: "silent", SeenAt: now.Add(-5 * time.Hour), CanaryGood: 3},
			{ID: "v4", Name: "nl-3", Place: "outside", Country: "NL", State: "new"},
			{ID: "v5", Name: "us-4", Place: "outside", Country: "US", State: "disabled", SeenAt: now.AddDate(0, -1, 0)},
		},
		Typed:  views.VantageTyped{Name: "nl 3", Country: "Holland", ASN: "x"},
		Errors: []views.FieldError{{Field: "country", Code: "unknown_country"}, {Field: "asn", Code: "not_an_asn"}},
	}
}
