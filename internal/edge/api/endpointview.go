package api

import (
	"strings"
	"time"

	openapi_types "github.com/oapi-codegen/runtime/types"

	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/advice"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/uptime"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

// reader says who is shown an endpoint, when, and how much.
type reader struct {
	staff  bool // an operator learns neither who checks, nor what lists and others have in common with it
	now    time.Time
	checks int
}

func (h *Handlers) toOperator() reader {
	return reader{now: h.cfg.Clock.Now(), checks: endpoint.DefaultChecks}
}

func (h *Handlers) toStaff() reader {
	return reader{staff: true, now: h.cfg.Clock.Now(), checks: endpoint.DefaultChecks}
}

// with returns r with the number of checks that was asked for.
func (r reader) with(checks *int32) (reader, error) {
	if checks == nil {
		return r, nil
	}
	if *checks < 0 || *checks > endpoint.MaxChecks {
		return r, outOfRange("checks", 0, endpoint.MaxChecks)
	}
	r.checks = int(*checks)
	return r, nil
}

// protocolOf returns the name of p in this API, which parts words as grants do.
func protocolOf(p probe.Protocol) Protocol {
	return Protocol(strings.ReplaceAll(string(p), "_", "-"))
}

func specFields(fields []link.Field) []SpecField {
	out := make([]SpecField, 0, len(fields))
	for _, f := range fields {
		out = append(out, SpecField{Name: f.Name, Value: f.Value, Secret: f.Secret})
	}
	return out
}

func endpointViews(list []endpoint.View, who reader) []CheckedEndpoint {
	out := make([]CheckedEndpoint, 0, len(list))
	for _, v := range list {
		out = append(out, endpointView(v, who))
	}
	return out
}

func endpointView(v endpoint.View, who reader) CheckedEndpoint {
	e := v.Endpoint
	out := CheckedEndpoint{
		Label:       e.Label,
		Protocol:    protocolOf(e.Protocol),
		State:       EndpointState(e.State),
		CheckedAt:   e.LastAt,
		ChecksFrom:  e.ChecksFrom,
		Pending:     v.Pending,
		Stage:       optional(Stage(e.LastStage)),
		Class:       optional(CheckClass(e.LastClass)),
		RecheckAt:   moment(v.RecheckAt),
		Control:     controlOf(v.Control(who.now), e.Generation),
		Advice:      adviceOf(v.Advice()),
		Proofs:      make([]ControlProof, 0, len(v.Proofs)),
		Checks:      []EndpointCheck{},
		Uptime:      make([]PlaceUptime, 0, len(v.Uptime)),
		Strip:       make([]StripDay, 0, len(v.Strip)),
		Maintenance: make([]Maintenance, 0, len(v.Maintenance)),
		Exit:        exitOf(v.Exit),
	}
	out.Verdict = optional(CheckVerdict(e.LastVerdict))
	if v.Fields != nil {
		fields := specFields(v.Fields)
		out.Fields = &fields
	}
	for _, p := range v.Proofs {
		out.Proofs = append(out.Proofs, ControlProof{
			Kind: ControlKind(
				p.Kind,
			),
			Held:    p.Held,
			Why:     optional(p.Why),
			At:      p.At,
			AgainAt: moment(p.AgainAt),
			Until:   moment(p.ValidUntil),
		})
	}
	for _, c := range v.Checks {
		out.Checks = append(out.Checks, checkOf(c, who))
	}
	for _, place := range vantage.Places() {
		if u, ok := v.Uptime[place]; ok {
			out.Uptime = append(out.Uptime, placeUptime(place, u))
		}
	}
	for _, d := range v.Strip {
		out.Strip = append(out.Strip, StripDay{
			Day: openapi_types.Date{
				Time: d.Day,
			},
			Marks: d.Marks,
			//nolint:gosec // slots of a day
			Up: int32(d.Up),
			//nolint:gosec // slots of a day
			Down:    int32(d.Down),
			Unknown: int32(d.Unknown), //nolint:gosec // slots of a day
		})
	}
	for _, m := range v.Maintenance {
		out.Maintenance = append(out.Maintenance, maintenance(m))
	}
	if who.staff {
		id := e.ID
		out.Id, out.Linkages, out.Blocklists = &id, linkages(v.Linkages), blocklistHits(v.Hits)
	}
	return out
}

func linkages(list []endpoint.Linkage) *[]Linkage {
	out := make([]Linkage, 0, len(list))
	for _, l := range list {
		//nolint:gosec // a count of rows
		out = append(
			out,
			Linkage{Kind: LinkageKind(l.Kind), Applications: int32(l.Applications)},
		)
	}
	return &out
}

func blocklistHits(list []endpoint.Hit) *[]BlocklistHit {
	out := make([]BlocklistHit, 0, len(list))
	for _, b := range list {
		//nolint:gosec // at most 1000
		out = append(out, BlocklistHit{
			What:     Listed(b.What),
			List:     b.List,
			Version:  b.Version,
			Order:    optional(b.Order),
			Permille: optional(int32(b.Permille)),
			FoundAt:  b.FoundAt,
		})
	}
	return &out
}

func controlOf(c endpoint.Control, generation int) EndpointControl {
	return EndpointControl{
		Proven:     c.Proven,
		Kind:       optional(ControlKind(c.Kind)),
		ProvenAt:   c.At,
		AgainAt:    c.Again,
		Until:      c.Until,
		Generation: int32(generation), //nolint:gosec // counts up by one
	}
}

func checkOf(c endpoint.Check, who reader) EndpointCheck {
	out := EndpointCheck{
		At:      c.At,
		Slot:    moment(c.Slot),
		Kind:    CheckKind(c.Kind),
		Mode:    CheckMode(c.Mode),
		Place:   Place(c.Place),
		Attempt: int32(c.Attempt), //nolint:gosec // a few
		Verdict: CheckVerdict(
			c.Verdict,
		),
		Class:          optional(CheckClass(c.Class)),
		Advice:         adviceOf(c.Advice),
		Detail:         optional(c.Detail),
		TelegramProven: c.Proven,
		Stages:         make([]CheckStage, 0, len(c.Stages)),
	}
	if who.staff {
		out.Vantage = optional(c.Vantage)
	}
	for _, s := range c.Stages {
		out.Stages = append(out.Stages, CheckStage{Stage: Stage(s.Stage), State: StageState(s.State), Ms: s.MS})
	}
	return out
}

func adviceOf(key string) *Advice {
	if key == "" {
		return nil
	}
	return &Advice{Key: key, Text: advice.English(key)}
}

// moment returns nil for the zero time, which JSON would not leave out.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func placeUptime(p vantage.Place, u uptime.Uptime) PlaceUptime {
	return PlaceUptime{
		Place: Place(
			p,
		),
		//nolint:gosec // slots of 30 days
		Slots: int32(u.Slots),
		//nolint:gosec // slots of 30 days
		Up: int32(u.Up),
		//nolint:gosec // slots of 30 days
		Down: int32(u.Down),
		//nolint:gosec // slots of 30 days
		Unknown:     int32(u.Unknown),
		Maintenance: int32(u.Maintenance), //nolint:gosec // slots of 30 days
		//nolint:gosec // slots of 30 days
		Permille: int32(
			u.Permille,
		),
		//nolint:gosec // at most 1000
		CoveragePermille: int32(u.CoveragePermille),
		//nolint:gosec // at most 1000
		LowPermille:  int32(u.LowPermille),
		HighPermille: int32(u.HighPermille), //nolint:gosec // at most 1000
	}
}

func maintenance(m endpoint.Maintenance) Maintenance {
	return Maintenance{From: m.From, To: m.To, DeclaredAt: m.DeclaredAt}
}

func exitOf(e *endpoint.ExitView) *EndpointExit {
	if e == nil {
		return nil
	}
	return &EndpointExit{
		Address:      optional(e.Address),
		Country:      optional(e.Country),
		Asn:          optional(int64(e.ASN)),
		Organisation: optional(e.Org),
		SeenAt:       e.SeenAt,
	}
}

func controlWays(list []endpoint.Instructions) ControlWays {
	out := ControlWays{Items: make([]ControlWay, 0, len(list))}
	for _, in := range list {
		way := ControlWay{
			Kind: ControlKind(in.Kind), Generation: int32(in.Generation), //nolint:gosec // counts up by one
			Token: optional(in.Token), Name: optional(in.Name), Command: optional(in.Command), Until: moment(in.Until),
		}
		if c := in.Credential; c != nil {
			way.Credential = &ControlCredential{
				User: optional(
					c.User,
				),
				Password:  optional(c.Password),
				Uuid:      optional(c.UUID),
				Secret:    optional(c.Secret),
				PublicKey: optional(c.PublicKey),
			}
		}
		out.Items = append(out.Items, way)
	}
	return out
}
