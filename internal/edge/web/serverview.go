package web

import (
	"time"

	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

// server is an endpoint as a page shows it at now; what in leaves out, it leaves out.
func server(in *endpoint.View, now time.Time) views.Server {
	e := &in.Endpoint
	out := views.Server{
		ID: e.ID.String(), Label: e.Label, Protocol: string(e.Protocol), Fields: specFields(in.Fields),
		Verdict: string(e.LastVerdict), CheckedAt: moment(e.LastAt), FirstAt: e.ChecksFrom,
		Pending: in.Pending, RecheckAt: in.RecheckAt, Proof: proof(in.Control(now)), Advice: in.Advice(),
		Checks: in.Checks, Days: in.Strip, Blocked: in.Blocked,
	}
	for _, f := range out.Fields {
		if f.Name == "server" {
			out.Address = f.Value
		}
	}
	for _, place := range vantage.Places() {
		if u, ok := in.Uptime[place]; ok {
			out.Uptimes = append(out.Uptimes, views.Uptime{
				Place: string(place), Slots: u.Slots, Up: u.Up, Down: u.Down, Unknown: u.Unknown,
				Permille: u.Permille, CoveragePermille: u.CoveragePermille, Low: u.LowPermille, Highest: u.HighPermille,
			})
		}
	}
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

func proof(c endpoint.Control) views.Proof {
	p := views.Proof{
		Proven: c.Proven, Kind: string(c.Kind), At: moment(c.At), Again: moment(c.Again), Until: moment(c.Until),
	}
	if c.Failed != nil {
		p.TriedAt, p.Why = c.Failed.At, views.Msg{Key: "proof.why." + c.Failed.Why, Text: c.Failed.Why}
	}
	return p
}
