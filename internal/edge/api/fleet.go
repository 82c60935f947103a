package api

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/review/grant"
)

// MaxReportBody is the largest body of a prober's report: its most bytes in
// base64, and what stands around them.
const MaxReportBody = vantage.MaxReport/3*4 + 4<<10

// ListEndpoints answers GET /v1/applications/{id}/endpoints.
func (h *Handlers) ListEndpoints(
	ctx context.Context,
	r ListEndpointsRequestObject,
) (ListEndpointsResponseObject, error) {
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
	list, next, err := endpointPage("endpoints", list, paging{r.Params.Cursor, r.Params.Limit})
	if err != nil {
		return nil, err
	}
	out := ListEndpoints200JSONResponse{Body: EndpointPage{Items: endpointViews(list, who), NextCursor: optional(next)}}
	query := endpointQuery(r.Params.Limit, r.Params.Checks)
	if value(r.Params.Unseal) {
		query.Set("unseal", "true")
	}
	out.Headers.Link = nextLink("/v1/applications/"+r.Id.String()+"/endpoints", query, next)
	return out, nil
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
func (h *Handlers) RecheckAsStaff(
	ctx context.Context,
	r RecheckAsStaffRequestObject,
) (RecheckAsStaffResponseObject, error) {
	service, err := h.checks()
	if err != nil {
		return nil, err
	}
	v, err := service.StaffRecheck(ctx, actorFrom(ctx), r.Id)
	if err != nil {
		return nil, h.withRetryAfter(err)
	}
	return RecheckAsStaff202JSONResponse(endpointView(v, h.toStaff())), nil
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
		Rows: make(
			[]FleetRow,
			0,
			len(f.Rows),
		),
		OldestAt: f.Oldest,
		Waiting:  int32(f.Waiting), //nolint:gosec // a count of rows
		LateS:    int64(f.Late / time.Second),
		Vantages: vantages(probers),
	}
	for _, r := range f.Rows {
		out.Rows = append(out.Rows, FleetRow{
			Protocol: r.Protocol,
			Country:  r.Country,
			Vantage:  r.Vantage,
			OldestAt: r.Oldest,
			//nolint:gosec // counts of rows
			Up: int32(
				r.Up,
			),
			//nolint:gosec // counts of rows
			Down: int32(r.Down),
			//nolint:gosec // counts of rows
			Unknown: int32(r.Unknown),
			//nolint:gosec // counts of rows
			Unchecked: int32(r.Unchecked),
			Proven:    int32(r.Proven), //nolint:gosec // counts of rows
		})
	}
	return out, nil
}

// ListVantages answers GET /v1/vantages.
func (h *Handlers) ListVantages(ctx context.Context, r ListVantagesRequestObject) (ListVantagesResponseObject, error) {
	service, err := h.checks()
	if err != nil {
		return nil, err
	}
	list, err := service.Vantages(ctx, actorFrom(ctx))
	if err != nil {
		return nil, err
	}
	list, next, err := pageOf(
		"vantages",
		list,
		paging{r.Params.Cursor, r.Params.Limit},
		grant.MaxPage,
		func(v endpoint.Vantage) string { return v.Name },
	)
	if err != nil {
		return nil, err
	}
	out := ListVantages200JSONResponse{Body: VantagePage{Items: vantages(list), NextCursor: optional(next)}}
	out.Headers.Link = linkTo("/v1/vantages", r.Params.Limit, next)
	return out, nil
}

// GetVantage answers GET /v1/vantages/{id}.
func (h *Handlers) GetVantage(ctx context.Context, r GetVantageRequestObject) (GetVantageResponseObject, error) {
	service, err := h.checks()
	if err != nil {
		return nil, err
	}
	v, err := service.Vantage(ctx, actorFrom(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	return GetVantage200JSONResponse(prober(v)), nil
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
	v, err := makeOnce(ctx, h, "addVantage", r.Params.IdempotencyKey, r, func(ctx context.Context) (Vantage, error) {
		v, token, err := service.AddVantage(ctx, actorFrom(ctx), endpoint.NewVantage{
			Name:    r.Body.Name,
			Place:   vantage.Place(r.Body.Place),
			Country: value(r.Body.Country),
			ASN:     uint32(asn), //nolint:gosec // bounded above
		})
		out := prober(v)
		out.Token = optional(token)
		return out, err
	}, func(ctx context.Context, made []uuid.UUID) (Vantage, error) {
		v, err := service.AddedVantage(ctx, actorFrom(ctx), made[0])
		return prober(v), err
	})
	if err != nil {
		return nil, err
	}
	out := AddVantage201JSONResponse{Body: v}
	out.Headers.Location = location("/v1/vantages/" + v.Id.String())
	return out, nil
}

// maxASN is the largest number of an autonomous system (RFC 6793).
const maxASN = 1<<32 - 1

// DisableVantage answers POST /v1/vantages/{id}/disable.
func (h *Handlers) DisableVantage(
	ctx context.Context,
	r DisableVantageRequestObject,
) (DisableVantageResponseObject, error) {
	service, err := h.checks()
	if err != nil {
		return nil, err
	}
	v, err := service.DisableVantage(ctx, actorFrom(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	return DisableVantage200JSONResponse(prober(v)), nil
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
		Id:       v.ID,
		Name:     v.Name,
		Place:    Place(v.Place),
		Country:  v.Country,
		Asn:      optional(int64(v.ASN)),
		State:    stateOf(v),
		SeenAt:   v.SeenAt,
		Software: optional(v.SW),
		Reports:  int64(v.Seq), //nolint:gosec // counts up by one
		//nolint:gosec // counts up by one
		CanaryGood: int32(v.CanaryGood),
		CanaryBad:  int32(v.CanaryBad), //nolint:gosec // counts of a day
		CreatedAt:  v.CreatedAt,
		DisabledAt: v.DisabledAt,
	}
}

func stateOf(v endpoint.Vantage) ProberState {
	switch {
	case v.DisabledAt != nil:
		return ProberStateDisabled
	case len(v.PublicKey) == 0:
		return ProberStateNew
	case !v.Trusted():
		return ProberStateDistrusted
	}
	return ProberStateActive
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
	if err := service.Report(
		ctx,
		vantage.Envelope{Body: r.Body.Body, Signature: r.Body.Signature},
		ProberGate(ctx),
	); err != nil {
		return nil, err
	}
	return ReportChecks204Response{}, nil
}
