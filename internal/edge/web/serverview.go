package web

import (
	"strings"
	"time"

	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/advice"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

// server is an endpoint as a page shows it; what in leaves out, it leaves out.
func server(in *endpoint.View) views.Server {
	e := &in.Endpoint
	out := views.Server{
		ID: e.ID.String(), Label: e.Label, Protocol: string(e.Protocol), Fields: specFields(in.Fields),
		Verdict: string(e.LastVerdict), CheckedAt: moment(e.LastAt), FirstAt: e.ChecksFrom,
		Pending: in.Pending, RecheckAt: in.RecheckAt, Proof: proof(in),
	}
	if out.RecheckAt.Before(e.ChecksFrom) {
		out.RecheckAt = e.ChecksFrom
	}
	if e.LastVerdict == probe.Down {
		out.Failure = advice.Key(e.Protocol, e.LastStage, e.LastClass)
	}
	for _, f := range out.Fields {
		if f.Name == "server" {
			out.Address = f.Value
		}
	}
	for i := range in.Checks {
		out.Checks = append(out.Checks, serverCheck(&in.Checks[i]))
	}
	for _, place := range vantage.Places() {
		if u, ok := in.Uptime[place]; ok {
			out.Uptimes = append(out.Uptimes, views.Uptime{
				Place: string(place), Slots: u.Slots, Up: u.Up, Down: u.Down, Unknown: u.Unknown,
				Permille: u.Permille, CoveragePermille: u.CoveragePermille, Low: u.LowPermille, Highest: u.HighPermille,
			})
		}
	}
	out.Blocked = in.Blocked
	out.Days = days(in.Strip, in.Why)
	for _, m := range in.Maintenance {
		out.Breaks = append(out.Breaks, views.Break{From: m.From, To: m.To})
	}
	if x := in.Exit; x != nil {
		out.Exit = &views.Exit{Address: x.Address, Country: x.Country, Org: x.Org, ASN: x.ASN}
	}
	for _, h := range in.Hits {
		if h.List == "all" { // a share of all lists together
			h.List = ""
		}
		out.Hits = append(
			out.Hits,
			views.Hit{What: h.What, List: h.List, Version: h.Version, Order: h.Order, Permille: h.Permille},
		)
	}
	for _, l := range in.Linkages {
		out.Links = append(out.Links, views.Linked{Kind: string(l.Kind), Applications: l.Applications})
	}
	return out
}

func moment(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// specFields leaves out certificates, which say nothing to people, with the
// secrets.
func specFields(in []link.Field) []views.SpecField {
	var out []views.SpecField
	for _, f := range in {
		x := views.SpecField{Name: f.Name, Value: f.Value, Set: f.Secret || f.Name == "ca" || f.Name == "cert"}
		if x.Set {
			x.Value = ""
		}
		out = append(out, x)
	}
	return out
}

func proof(in *endpoint.View) views.Proof {
	e := &in.Endpoint
	p := views.Proof{Kind: string(e.Control), At: moment(e.ProvenAt), Again: moment(e.ProveAgainAt)}
	if len(in.Proofs) == 0 {
		return p
	}
	if latest := in.Proofs[0]; !latest.Held {
		p.TriedAt, p.Why = latest.At, views.Msg{Key: "proof.why." + latest.Why, Text: latest.Why}
	}
	return p
}

func serverCheck(c *endpoint.Check) views.ServerCheck {
	out := views.ServerCheck{
		At: c.At, Kind: string(c.Kind), Mode: string(c.Mode), Place: string(c.Place), Vantage: c.Vantage,
		Verdict: string(c.Verdict), Class: string(c.Class), Advice: c.Advice, Detail: c.Detail,
	}
	for _, s := range c.Stages {
		step := views.Stage{Name: string(s.Stage), State: s.State, MS: s.MS}
		if c.Mode == probe.Light && s.State == "skipped" &&
			(s.Stage == probe.StageRelay || s.Stage == probe.StageTarget) {
			step.State = "short"
		}
		out.Stages = append(out.Stages, step)
	}
	return out
}

// marks are the words for a slot's letters.
var marks = map[endpoint.Mark]string{
	'u': "up", 'd': "down", 'b': "backoff", '?': "unknown", '-': "unchecked", 'm': "maintenance",
}

// days tells each day's slots, and why one failed where that is known; none before the
// first check.
func days(strip []endpoint.StripDay, why map[time.Time]probe.Class) []views.Day {
	var out []views.Day
	checked := false
	for _, d := range strip {
		checked = checked || strings.Trim(d.Marks, "-") != ""
		day := views.Day{Day: d.Day, Up: d.Up, Down: d.Down, Unknown: d.Unknown, Level: dayLevel(d)}
		for i := range len(d.Marks) {
			at := d.Day.UTC().Add(time.Duration(i) * d.Slot)
			run := views.Run{From: at, Until: at.Add(d.Slot), Mark: marks[endpoint.Mark(d.Marks[i])], Slots: 1}
			if run.Mark == "down" || run.Mark == "unknown" {
				run.Class = string(why[at])
			}
			if n := len(day.Runs); n > 0 && day.Runs[n-1].Mark == run.Mark && day.Runs[n-1].Class == run.Class {
				day.Runs[n-1].Until, day.Runs[n-1].Slots = run.Until, day.Runs[n-1].Slots+1
				continue
			}
			day.Runs = append(day.Runs, run)
		}
		out = append(out, day)
	}
	if !checked {
		return nil
	}
	return out
}

// The shares, in permille, below which a day is not known, mostly down, or has
// failures worth a look.
const (
	knownEnough = 800
	mostlyUp    = 800
	goodDay     = 990
)

func dayLevel(d endpoint.StripDay) string {
	known := d.Up + d.Down
	switch all := known + d.Unknown; {
	case all == 0, strings.Trim(d.Marks, "-") == "" && known == 0:
		return "none"
	case known*1000 < knownEnough*all:
		return "unknown"
	case d.Up*1000 >= goodDay*known:
		return "ok"
	case d.Up*1000 >= mostlyUp*known:
		return "warn"
	}
	return "bad"
}
