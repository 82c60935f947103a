package api

import (
	"context"
	"time"

	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

// MaxReportBody is the largest body of a prober's report: its most bytes in
// base64, and what stands around them.
const MaxReportBody = vantage.MaxReport/3*4 + 4<<10

// ListEndpoints answers GET /v1/applications/{id}/endpoints.
func (h *Handlers) ListEndpoints(ctx context.Context, r ListEndpointsRequestObject) (ListEndpointsResponseObject, error) {
	service, err := h.checks()
	if err != nil {
		return nil, err
	}
	who, err := h.toStaff().with(r.Params.Checks)
	if err != nil {
		return nil, err
	}
	list, err := service.Panel(ctx, actorFrom(ctx), r.Id, value(r.Params.Unseal), who.checks)
	if err != nil {
		return nil, err
	}
	return ListEndpoints200JSONResponse{Items: endpointViews(list, who)}, nil
}

// GetUptime answers GET /v1/applications/{id}/uptime.
func (h *Handlers) GetUptime(ctx context.Context, r GetUptimeRequestObject) (GetUptimeResponseObject, error) {
	service, err := h.checks()
	if err != nil {
		return nil, err
	}
	s, err := service.Snapshot(ctx, actorFrom(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	return snapshotFile(s), nil
}

// GetResults answers GET /v1/applications/{id}/results.
func (h *Handlers) GetResults(ctx context.Context, r GetResultsRequestObject) (GetResultsResponseObject, error) {
	service, err := h.checks()
	if err != nil {
		return nil, err
	}
	day, err := dayOf(r.Params.Day)
	if err != nil {
		return nil, err
	}
	d, err := service.StaffResults(ctx, actorFrom(ctx), r.Id, r.Params.Label, day)
	if err != nil {
		return nil, err
	}
	return resultsFile(d), nil
}

// RecheckAsStaff answers POST /v1/endpoints/{id}/recheck.
func (h *Handlers) RecheckAsStaff(ctx context.Context, r RecheckAsStaffRequestObject) (RecheckAsStaffResponseObject, error) {
	service, err := h.checks()
	if err != nil {
		return nil, err
	}
	if err := service.StaffRecheck(ctx, actorFrom(ctx), r.Id); err != nil {
		return nil, h.withRetryAfter(err)
	}
	return RecheckAsStaff202Response{}, nil
}

// GetFleet answers GET /v1/fleet.
func (h *Handlers) GetFleet(ctx context.Context, _ GetFleetRequestObject) (GetFleetResponseObject, error) {
	service, err := h.checks()
	if err != nil {
		return nil, err
	}
	f, probers, err := service.Fleet(ctx, actorFrom(ctx))
	if err != nil {
		return nil, err
	}
	out := GetFleet200JSONResponse{
		Rows: make([]FleetRow, 0, len(f.Rows)), OldestAt: f.Oldest, Waiting: int32(f.Waiting), //nolint:gosec // a count of rows
		LateS: int64(f.Late / time.Second), Vantages: vantages(probers),
	}
	for _, r := range f.Rows {
		out.Rows = append(out.Rows, FleetRow{
			Protocol: r.Protocol, Country: r.Country, Vantage: r.Vantage, OldestAt: r.Oldest,
			Up: int32(r.Up), Down: int32(r.Down), Unknown: int32(r.Unknown), Unchecked: int32(r.Unchecked), Proven: int32(r.Proven), //nolint:gosec // counts of rows
		})
	}
	return out, nil
}

// ListVantages answers GET /v1/vantages.
func (h *Handlers) ListVantages(ctx context.Context, _ ListVantagesRequestObject) (ListVantagesResponseObject, error) {
	service, err := h.checks()
	if err != nil {
		return nil, err
	}
	_, probers, err := service.Fleet(ctx, actorFrom(ctx))
	if err != nil {
		return nil, err
	}
	return ListVantages200JSONResponse{Items: vantages(probers)}, nil
}

// AddVantage answers POST /v1/vantages.
func (h *Handlers) AddVantage(ctx context.Context, r AddVantageRequestObject) (AddVantageResponseObject, error) {
	service, err := h.checks()
	if err != nil {
		return nil, err
	}
	asn := value(r.Body.Asn)
	if asn < 0 || asn > maxASN {
		return nil, outOfRange("asn", 0, maxASN)
	}
	v, token, err := service.AddVantage(ctx, actorFrom(ctx), endpoint.NewVantage{
		Name: r.Body.Name, Place: vantage.Place(r.Body.Place), Country: value(r.Body.Country), ASN: uint32(asn),
	})
	if err != nil {
		return nil, err
	}
	w := prober(v)
	return AddVantage201JSONResponse{
		Id: w.Id, Name: w.Name, Place: w.Place, Country: w.Country, Asn: w.Asn, State: w.State, SeenAt: w.SeenAt, Software: w.Software,
		Reports: w.Reports, CanaryGood: w.CanaryGood, CanaryBad: w.CanaryBad, CreatedAt: w.CreatedAt, DisabledAt: w.DisabledAt, Token: token,
	}, nil
}

// maxASN is the largest number of an autonomous system (RFC 6793).
const maxASN = 1<<32 - 1

// DisableVantage answers DELETE /v1/vantages/{id}.
func (h *Handlers) DisableVantage(ctx context.Context, r DisableVantageRequestObject) (DisableVantageResponseObject, error) {
	service, err := h.checks()
	if err != nil {
		return nil, err
	}
	if err := service.DisableVantage(ctx, actorFrom(ctx), r.Id); err != nil {
		return nil, err
	}
	return DisableVantage204Response{}, nil
}

func vantages(list []endpoint.Vantage) []Vantage {
	out := make([]Vantage, 0, len(list))
	for _, v := range list {
		out = append(out, prober(v))
	}
	return out
}

func prober(v endpoint.Vantage) Vantage {
	return Vantage{
		Id: v.ID, Name: v.Name, Place: Place(v.Place), Country: v.Country, Asn: optional(int64(v.ASN)), State: stateOf(v),
		SeenAt: v.SeenAt, Software: optional(v.SW), Reports: int64(v.Seq), //nolint:gosec // counts up by one
		CanaryGood: int32(v.CanaryGood), CanaryBad: int32(v.CanaryBad), //nolint:gosec // counts of a day
		CreatedAt: v.CreatedAt, DisabledAt: v.DisabledAt,
	}
}

func stateOf(v endpoint.Vantage) string {
	switch {
	case v.DisabledAt != nil:
		return "disabled"
	case len(v.PublicKey) == 0:
		return "new"
	case !v.Trusted():
		return "distrusted"
	}
	return "active"
}

// EnrolProber answers POST /v1/prober/enrol.
func (h *Handlers) EnrolProber(ctx context.Context, r EnrolProberRequestObject) (EnrolProberResponseObject, error) {
	service, err := h.checks()
	if err != nil {
		return nil, err
	}
	w, err := service.Enrol(ctx, vantage.Enrolment{Token: r.Body.Token, PublicKey: r.Body.PublicKey})
	if err != nil {
		return nil, err
	}
	return EnrolProber200JSONResponse{Vantage: w.Vantage, Name: w.Name, ServiceKey: w.ServiceKey}, nil
}

// LeaseChecks answers POST /v1/prober/lease.
func (h *Handlers) LeaseChecks(ctx context.Context, r LeaseChecksRequestObject) (LeaseChecksResponseObject, error) {
	service, err := h.checks()
	if err != nil {
		return nil, err
	}
	lease, err := service.Lease(ctx, vantage.Envelope{Body: r.Body.Body, Signature: r.Body.Signature}, ProberGate(ctx))
	if err != nil {
		return nil, err
	}
	return LeaseChecks200JSONResponse{Body: lease.Body, Signature: lease.Signature}, nil
}

// ReportChecks answers POST /v1/prober/report.
func (h *Handlers) ReportChecks(ctx context.Context, r ReportChecksRequestObject) (ReportChecksResponseObject, error) {
	service, err := h.checks()
	if err != nil {
		return nil, err
	}
	if err := service.Report(ctx, vantage.Envelope{Body: r.Body.Body, Signature: r.Body.Signature}, ProberGate(ctx)); err != nil {
		return nil, err
	}
	return ReportChecks204Response{}, nil
}
