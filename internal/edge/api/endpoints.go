package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/google/uuid"
	openapi_types "github.com/oapi-codegen/runtime/types"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/review/grant"
)

// checks returns the service of checks, or why there is none.
func (h *Handlers) checks() (Endpoints, error) {
	if h.cfg.Endpoints == nil {
		return nil, errs.New(errs.NotFound, CodeChecksOff, "This fund does not check servers. Nothing was changed.")
	}
	return h.cfg.Endpoints, nil
}

// withRetryAfter says in seconds when something will be possible that is refused
// until then.
func (h *Handlers) withRetryAfter(err error) error {
	var limited *errs.Error
	if !errors.As(err, &limited) || limited.Kind != errs.RateLimited {
		return err
	}
	until, parseErr := time.Parse(time.RFC3339, limited.Params["until"])
	if parseErr != nil {
		return err
	}
	wait := max(until.Sub(h.cfg.Clock.Now()), 0)
	both := *limited
	both.Params = map[string]string{"retry_after_s": strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10)}
	for k, v := range limited.Params {
		both.Params[k] = v
	}
	both.Cause = err
	return &both
}

// ReadLink answers POST /v1/links.
func (h *Handlers) ReadLink(_ context.Context, r ReadLinkRequestObject) (ReadLinkResponseObject, error) {
	service, err := h.checks()
	if err != nil {
		return nil, err
	}
	u, err := service.Understand(r.Body.Text)
	if err != nil {
		return nil, err
	}
	out := ReadLink200JSONResponse{
		Protocol: protocolOf(u.Protocol),
		Fields:   specFields(u.Fields),
		Control:  make([]ControlKind, 0, len(u.Control)),
	}
	for _, k := range u.Control {
		out.Control = append(out.Control, ControlKind(k))
	}
	return out, nil
}

// ListOwnEndpoints answers GET /v1/application/endpoints.
func (h *Handlers) ListOwnEndpoints(
	ctx context.Context,
	r ListOwnEndpointsRequestObject,
) (ListOwnEndpointsResponseObject, error) {
	service, err := h.checks()
	if err != nil {
		return nil, err
	}
	who, err := h.toOperator().with(r.Params.Checks)
	if err != nil {
		return nil, err
	}
	list, err := service.Mine(ctx, receiptFrom(ctx), who.checks)
	if err != nil {
		return nil, err
	}
	list, next, err := endpointPage("own endpoints", list, paging{r.Params.Cursor, r.Params.Limit})
	if err != nil {
		return nil, err
	}
	out := ListOwnEndpoints200JSONResponse{
		Body: EndpointPage{Items: endpointViews(list, who), NextCursor: optional(next)},
	}
	out.Headers.Link = nextLink("/v1/application/endpoints", endpointQuery(r.Params.Limit, r.Params.Checks), next)
	return out, nil
}

// endpointPage keeps the order of an application's servers.
func endpointPage(name string, list []endpoint.View, p paging) ([]endpoint.View, string, error) {
	position := make(map[uuid.UUID]int64, len(list))
	for i, v := range list {
		position[v.Endpoint.ID] = int64(i) + 1
	}
	return pageOf(
		name,
		list,
		p,
		grant.MaxPage,
		func(v endpoint.View) string { return sortable(position[v.Endpoint.ID]) },
	)
}

// endpointQuery is what a page of servers was asked with, for the link to the next.
func endpointQuery(limit, checks *int32) url.Values {
	query := url.Values{}
	for name, n := range map[string]*int32{"limit": limit, "checks": checks} {
		if n != nil {
			query.Set(name, strconv.Itoa(int(*n)))
		}
	}
	return query
}

// GetOwnEndpoint answers GET /v1/application/endpoints/{label}.
func (h *Handlers) GetOwnEndpoint(
	ctx context.Context,
	r GetOwnEndpointRequestObject,
) (GetOwnEndpointResponseObject, error) {
	service, err := h.checks()
	if err != nil {
		return nil, err
	}
	who, err := h.toOperator().with(r.Params.Checks)
	if err != nil {
		return nil, err
	}
	v, err := service.MyOne(ctx, receiptFrom(ctx), r.Label)
	if err != nil {
		return nil, err
	}
	return GetOwnEndpoint200JSONResponse(endpointView(v, who)), nil
}

// RecheckEndpoint answers POST /v1/application/endpoints/{label}/recheck.
func (h *Handlers) RecheckEndpoint(
	ctx context.Context,
	r RecheckEndpointRequestObject,
) (RecheckEndpointResponseObject, error) {
	service, err := h.checks()
	if err != nil {
		return nil, err
	}
	v, err := service.Recheck(ctx, receiptFrom(ctx), r.Label)
	if err != nil {
		return nil, h.withRetryAfter(err)
	}
	return RecheckEndpoint202JSONResponse(endpointView(v, h.toOperator())), nil
}

// GetControl answers GET /v1/application/endpoints/{label}/control.
func (h *Handlers) GetControl(ctx context.Context, r GetControlRequestObject) (GetControlResponseObject, error) {
	service, err := h.checks()
	if err != nil {
		return nil, err
	}
	list, err := service.Instructions(ctx, receiptFrom(ctx), r.Label)
	if err != nil {
		return nil, err
	}
	return GetControl200JSONResponse(controlWays(list)), nil
}

// ProveControl answers POST /v1/application/endpoints/{label}/control.
func (h *Handlers) ProveControl(ctx context.Context, r ProveControlRequestObject) (ProveControlResponseObject, error) {
	service, err := h.checks()
	if err != nil {
		return nil, err
	}
	v, err := service.Prove(ctx, receiptFrom(ctx), r.Label, control.Kind(r.Body.Kind))
	if err != nil {
		return nil, h.withRetryAfter(err)
	}
	return ProveControl202JSONResponse(endpointView(v, h.toOperator())), nil
}

// RotateControl answers POST /v1/application/endpoints/{label}/control/rotate.
func (h *Handlers) RotateControl(
	ctx context.Context,
	r RotateControlRequestObject,
) (RotateControlResponseObject, error) {
	service, err := h.checks()
	if err != nil {
		return nil, err
	}
	list, err := service.RotateCredential(ctx, receiptFrom(ctx), r.Label)
	if err != nil {
		return nil, err
	}
	return RotateControl200JSONResponse(controlWays(list)), nil
}

// DeclareMaintenance answers POST /v1/application/endpoints/{label}/maintenance.
func (h *Handlers) DeclareMaintenance(
	ctx context.Context,
	r DeclareMaintenanceRequestObject,
) (DeclareMaintenanceResponseObject, error) {
	service, err := h.checks()
	if err != nil {
		return nil, err
	}
	m, err := makeOnce(
		ctx,
		h,
		"declareMaintenance",
		r.Params.IdempotencyKey,
		r,
		func(ctx context.Context) (endpoint.Maintenance, error) {
			return service.DeclareMaintenance(ctx, receiptFrom(ctx), r.Label, r.Body.From, r.Body.To)
		},
		func(ctx context.Context, _ []uuid.UUID) (endpoint.Maintenance, error) {
			return declared(ctx, service, r)
		},
	)
	if err != nil {
		return nil, err
	}
	out := DeclareMaintenance201JSONResponse{Body: maintenance(m)}
	out.Headers.Location = location("/v1/application/endpoints/" + url.PathEscape(r.Label))
	return out, nil
}

// declared returns the break that an earlier call has declared.
func declared(ctx context.Context, service Endpoints, r DeclareMaintenanceRequestObject) (endpoint.Maintenance, error) {
	v, err := service.MyOne(ctx, receiptFrom(ctx), r.Label)
	if err != nil {
		return endpoint.Maintenance{}, err
	}
	for _, m := range v.Maintenance {
		if m.From.Equal(r.Body.From.Truncate(time.Second)) && m.To.Equal(r.Body.To.Truncate(time.Second)) {
			return m, nil
		}
	}
	return endpoint.Maintenance{}, errs.New(
		errs.NotFound,
		CodeMaintenanceOver,
		"This break was declared, and is long over.",
	)
}

// GetOwnUptime answers GET /v1/application/endpoints/{label}/uptime.
func (h *Handlers) GetOwnUptime(ctx context.Context, r GetOwnUptimeRequestObject) (GetOwnUptimeResponseObject, error) {
	service, err := h.checks()
	if err != nil {
		return nil, err
	}
	s, err := service.MySnapshot(ctx, receiptFrom(ctx), r.Label)
	if err != nil {
		return nil, err
	}
	return snapshotFile(s), nil
}

// GetOwnResults answers GET /v1/application/endpoints/{label}/results.
func (h *Handlers) GetOwnResults(
	ctx context.Context,
	r GetOwnResultsRequestObject,
) (GetOwnResultsResponseObject, error) {
	service, err := h.checks()
	if err != nil {
		return nil, err
	}
	day, err := dayOf(r.Params.Day)
	if err != nil {
		return nil, err
	}
	d, err := service.Results(ctx, receiptFrom(ctx), r.Label, day)
	if err != nil {
		return nil, err
	}
	return resultsFile(d), nil
}

// dayOf refuses a day that was named and left empty, which generated code takes.
func dayOf(d openapi_types.Date) (time.Time, error) {
	if d.IsZero() {
		return time.Time{}, errs.InvalidFields(
			[]errs.Field{{Field: "day", Code: CodeNotADay, Message: "Write a day as 2026-11-22."}},
		)
	}
	return d.Time, nil
}

// resultsFile is one JSON object a line.
func resultsFile(d endpoint.DayResults) file {
	return file{
		name: "results-" + d.Label + "-" + d.Day.Format(time.DateOnly) + ".ndjson",
		kind: "text/plain; charset=utf-8",
		body: d.Text,
	}
}

// VisitGetOwnResultsResponse writes results.
func (f file) VisitGetOwnResultsResponse(w http.ResponseWriter) error { return f.visit(w) }

// VisitGetResultsResponse writes results.
func (f file) VisitGetResultsResponse(w http.ResponseWriter) error { return f.visit(w) }

// snapshotFile keeps the bytes of s: its text has one spelling.
func snapshotFile(s endpoint.StoredSnapshot) file {
	return file{name: "uptime.json", kind: "application/json", body: s.Text}
}

// VisitGetOwnUptimeResponse writes a snapshot.
func (f file) VisitGetOwnUptimeResponse(w http.ResponseWriter) error { return f.visit(w) }

// VisitGetUptimeResponse writes a snapshot.
func (f file) VisitGetUptimeResponse(w http.ResponseWriter) error { return f.visit(w) }
