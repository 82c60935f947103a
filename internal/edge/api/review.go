package api

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/causeway-fund/causeway/internal/errs"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// ListApplications answers GET /v1/applications.
func (h *Handlers) ListApplications(
	ctx context.Context,
	r ListApplicationsRequestObject,
) (ListApplicationsResponseObject, error) {
	by := actorFrom(ctx)
	filter, query, err := queueFilter(r.Params, by)
	if err != nil {
		return nil, err
	}
	cursor, err := openCursor("applications", r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	page, err := h.cfg.Grants.Queue(ctx, by, filter, cursor)
	if err != nil {
		return nil, namingCursor(err)
	}
	next := newCursor("applications", page.Next)
	fund, err := h.cfg.Grants.Fund(ctx)
	if err != nil {
		return nil, err
	}
	out := ListApplications200JSONResponse{
		Body: ApplicationPage{Items: make([]ApplicationSummary, 0, len(page.Lines)), NextCursor: optional(next)},
	}
	for _, line := range page.Lines {
		out.Body.Items = append(out.Body.Items, queueLine(line, by, fund.Quorum))
	}
	out.Headers.Link = nextLink("/v1/applications", query, next)
	return out, nil
}

// queueFilter reads the filters and writes them again for the next page's link.
// A value that does not exist is refused: a filter that is passed over would
// show what it was to hide.
func queueFilter(p ListApplicationsParams, by identity.Actor) (grant.Filter, url.Values, error) {
	limit, err := pageLimit(p.Limit, grant.MaxPage)
	if err != nil {
		return grant.Filter{}, nil, err
	}
	f := grant.Filter{
		Protocol: string(value(p.Protocol)),
		Region:   value(p.Region),
		Language: value(p.Language),
		Search:   strings.TrimSpace(value(p.Search)),
		Limit:    limit,
	}
	query := url.Values{"limit": {strconv.Itoa(limit)}}
	for name, text := range map[string]string{
		"search": f.Search, "protocol": f.Protocol, "region": f.Region, "language": f.Language,
		"state": strings.Join(value(p.State), ","), "voted": string(value(p.Voted)), "claimed": string(value(p.Claimed)),
	} {
		if text != "" {
			query.Set(name, text)
		}
	}
	if p.Protocol != nil && !slices.Contains(claim.Protocols(), f.Protocol) {
		return f, nil, oneOf("protocol", errs.CodeUnknownProtocol)
	}
	for _, s := range value(p.State) {
		if !slices.Contains(grant.States(), grant.State(s)) {
			return f, nil, oneOf("state", CodeUnknownState)
		}
		f.States = append(f.States, grant.State(s))
	}
	if p.Voted != nil {
		switch *p.Voted {
		case ListApplicationsParamsVotedMe:
			f.VotedBy = &by.StaffID
		case ListApplicationsParamsVotedNotMe:
			f.NotVoted = &by.StaffID
		default:
			return f, nil, oneOf("voted", CodeUnknownValue)
		}
	}
	if p.Claimed != nil {
		switch *p.Claimed {
		case ListApplicationsParamsClaimedMe:
			f.ClaimedBy = &by.StaffID
		case ListApplicationsParamsClaimedFree:
			f.Unclaimed = true
		default:
			return f, nil, oneOf("claimed", CodeUnknownValue)
		}
	}
	return f, query, nil
}

func queueLine(line grant.Line, by identity.Actor, quorum int) ApplicationSummary {
	a := line.Application
	//nolint:gosec // counts up by one
	return ApplicationSummary{
		Id:          a.ID,
		Reference:   a.Reference,
		Designation: a.Designation,
		Title:       line.Title,
		State:       ApplicationState(a.State),
		Protocols:   orEmpty(a.Protocols),
		Region:      a.Region,
		Language:    a.Language,
		AmountSat:   int64(a.Amount),
		Revision:    int32(a.Revision),
		Version:     a.Version,
		SubmittedAt: a.SubmittedAt,
		Claim:       claimOf(line.Claim, by),
		Votes:       tally(line.Approve, line.Decline, quorum),
		MyVerdict: optional(
			Verdict(line.MyVote),
		),
		SamePayee: optional(int32(line.SamePayee)), //nolint:gosec // a count of rows
	}
}

// GetApplication answers GET /v1/applications/{id}.
func (h *Handlers) GetApplication(
	ctx context.Context,
	r GetApplicationRequestObject,
) (GetApplicationResponseObject, error) {
	by := actorFrom(ctx)
	d, err := h.cfg.Grants.Show(ctx, by, r.Id)
	if err != nil {
		return nil, err
	}
	out := GetApplication200JSONResponse{Body: detail(d, by)}
	out.Headers.ETag = etag(d.Application.Version)
	return out, nil
}

func detail(d grant.Detail, by identity.Actor) Application {
	a := d.Application
	//nolint:gosec // counts up by one
	out := Application{
		Id:          a.ID,
		Reference:   a.Reference,
		Designation: a.Designation,
		Title:       d.Body.Title,
		State:       ApplicationState(a.State),
		Protocols:   orEmpty(a.Protocols),
		Region:      a.Region,
		Language:    a.Language,
		AmountSat:   int64(a.Amount),
		Revision:    int32(a.Revision),
		Version:     a.Version,
		SubmittedAt: a.SubmittedAt,
		Claim: claimOf(
			d.Claim,
			by,
		),
		Votes:             tally(d.Tally.Approve, d.Tally.Decline, d.Quorum),
		MyVerdict:         optional(Verdict(d.MyVote)),
		SamePayee:         optional(int32(d.SamePayee)), //nolint:gosec // a bounded count
		Narrative:         d.Body.Narrative,
		PayoutAddress:     d.Body.PayoutAddress,
		Purged:            d.Purged,
		Sealed:            d.Sealed,
		ApplicationSha256: hexOf(d.BodySHA256[:]),
		DecisionDigest:    d.Decision.Digest.String(),
		DecisionNote:      d.Note,
		Outcome:           optional(Verdict(d.Outcome)),
		Endpoints:         make([]EndpointSeen, 0, len(d.Body.Endpoints)),
		VoteList:          make([]Vote, 0, len(d.Votes)),
		Messages:          messages(d.Messages),
		Events:            events(d.History),
		Checks:            screened(d.Findings),
	}
	for _, e := range d.Body.Endpoints {
		//nolint:gosec // checked when stored
		out.Endpoints = append(
			out.Endpoints,
			EndpointSeen{Protocol: e.Protocol, Host: e.Host, Port: int32(e.Port), Note: optional(e.Note)},
		)
	}
	for _, v := range d.Votes {
		//nolint:gosec // counts up by one
		out.VoteList = append(out.VoteList, Vote{
			By:       v.StaffName,
			Mine:     v.StaffID == by.StaffID,
			Verdict:  Verdict(v.Verdict),
			Note:     optional(d.VoteNotes[v.ID]),
			Revision: int32(v.Revision),
			At:       v.CreatedAt,
		})
	}
	if d.Grant != nil {
		out.GrantId = &d.Grant.ID
	}
	return out
}

// ClaimApplication answers POST /v1/applications/{id}/claim.
func (h *Handlers) ClaimApplication(
	ctx context.Context,
	r ClaimApplicationRequestObject,
) (ClaimApplicationResponseObject, error) {
	a, err := h.cfg.Grants.ClaimApplication(ctx, actorFrom(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	out := ClaimApplication200JSONResponse{Body: standing(a)}
	out.Headers.ETag = etag(a.Version)
	return out, nil
}

// ReleaseApplication answers DELETE /v1/applications/{id}/claim.
func (h *Handlers) ReleaseApplication(
	ctx context.Context,
	r ReleaseApplicationRequestObject,
) (ReleaseApplicationResponseObject, error) {
	a, err := h.cfg.Grants.ReleaseApplication(ctx, actorFrom(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	out := ReleaseApplication200JSONResponse{Body: standing(a)}
	out.Headers.ETag = etag(a.Version)
	return out, nil
}

// VoteApplication answers POST /v1/applications/{id}/votes.
func (h *Handlers) VoteApplication(
	ctx context.Context,
	r VoteApplicationRequestObject,
) (VoteApplicationResponseObject, error) {
	digest, err := grant.DecisionDigest("decision_digest", r.Body.DecisionDigest)
	if err != nil {
		return nil, err
	}
	a, err := makeOnce(
		ctx,
		h,
		"voteApplication",
		r.Params.IdempotencyKey,
		r,
		func(ctx context.Context) (grant.Application, error) {
			return h.cfg.Grants.Vote(ctx, actorFrom(ctx), grant.CastVote{
				ID: r.Id, Verdict: grant.Verdict(r.Body.Verdict), Digest: digest, Note: value(r.Body.Note),
			})
		},
		h.actedOn,
	)
	if err != nil {
		return nil, err
	}
	out := VoteApplication201JSONResponse{Body: standing(a)}
	out.Headers.ETag, out.Headers.Location = etag(a.Version), applicationLocation(a)
	return out, nil
}

// actedOn returns the application that an earlier call has voted on or written to.
func (h *Handlers) actedOn(ctx context.Context, made []uuid.UUID) (grant.Application, error) {
	return h.cfg.Grants.Standing(ctx, actorFrom(ctx), made[0])
}

func applicationLocation(a grant.Application) *string {
	return location("/v1/applications/" + a.ID.String())
}

// AskOperator answers POST /v1/applications/{id}/questions.
func (h *Handlers) AskOperator(ctx context.Context, r AskOperatorRequestObject) (AskOperatorResponseObject, error) {
	digest, err := grant.DecisionDigest("decision_digest", r.Body.DecisionDigest)
	if err != nil {
		return nil, err
	}
	a, err := makeOnce(
		ctx,
		h,
		"askOperator",
		r.Params.IdempotencyKey,
		r,
		func(ctx context.Context) (grant.Application, error) {
			return h.cfg.Grants.Ask(
				ctx,
				actorFrom(ctx),
				grant.Question{ID: r.Id, Digest: digest, Message: r.Body.Message},
			)
		},
		h.actedOn,
	)
	if err != nil {
		return nil, err
	}
	out := AskOperator201JSONResponse{Body: standing(a)}
	out.Headers.ETag, out.Headers.Location = etag(a.Version), applicationLocation(a)
	return out, nil
}

// DecideApplication answers POST /v1/applications/{id}/decision.
func (h *Handlers) DecideApplication(
	ctx context.Context,
	r DecideApplicationRequestObject,
) (DecideApplicationResponseObject, error) {
	version, err := versionOf(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	digest, err := grant.DecisionDigest("decision_digest", r.Body.DecisionDigest)
	if err != nil {
		return nil, err
	}
	a, err := h.cfg.Grants.Decide(ctx, actorFrom(ctx), grant.Decide{
		ID:      r.Id,
		Version: version,
		Outcome: grant.Verdict(r.Body.Outcome),
		Digest:  digest,
		Message: value(r.Body.Message),
		Note:    value(r.Body.Note),
	})
	if err != nil {
		return nil, withYourVersion(err, version)
	}
	out := DecideApplication200JSONResponse{Body: standing(a)}
	out.Headers.ETag = etag(a.Version)
	return out, nil
}

// AddMessage answers POST /v1/applications/{id}/messages.
func (h *Handlers) AddMessage(ctx context.Context, r AddMessageRequestObject) (AddMessageResponseObject, error) {
	a, err := makeOnce(
		ctx,
		h,
		"addMessage",
		r.Params.IdempotencyKey,
		r,
		func(ctx context.Context) (grant.Application, error) {
			return h.cfg.Grants.PostMessage(ctx, actorFrom(ctx), r.Id, grant.Audience(r.Body.Audience), r.Body.Text)
		},
		h.actedOn,
	)
	if err != nil {
		return nil, err
	}
	out := AddMessage201JSONResponse{Body: standing(a)}
	out.Headers.ETag, out.Headers.Location = etag(a.Version), applicationLocation(a)
	return out, nil
}

// ListGrants answers GET /v1/grants.
func (h *Handlers) ListGrants(ctx context.Context, r ListGrantsRequestObject) (ListGrantsResponseObject, error) {
	limit, err := pageLimit(r.Params.Limit, grant.MaxPage)
	if err != nil {
		return nil, err
	}
	cursor, err := openCursor("grants", r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	list, next, err := h.cfg.Grants.Grants(ctx, actorFrom(ctx), cursor, limit)
	if err != nil {
		return nil, namingCursor(err)
	}
	next = newCursor("grants", next)
	out := ListGrants200JSONResponse{Body: GrantPage{Items: make([]Grant, 0, len(list)), NextCursor: optional(next)}}
	for _, g := range list {
		out.Body.Items = append(out.Body.Items, grantOf(g))
	}
	out.Headers.Link = linkTo("/v1/grants", r.Params.Limit, next)
	return out, nil
}

// GetGrant answers GET /v1/grants/{id}.
func (h *Handlers) GetGrant(ctx context.Context, r GetGrantRequestObject) (GetGrantResponseObject, error) {
	g, err := h.cfg.Grants.Grant(ctx, actorFrom(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	return GetGrant200JSONResponse(grantOf(g)), nil
}

func grantOf(r grant.GrantRecord) Grant {
	g := r.Grant
	out := Grant{
		Id:            g.ID,
		ApplicationId: g.ApplicationID,
		Reference:     g.Reference,
		Designation:   g.Designation,
		State:         GrantState(g.State),
		AmountSat:     int64(g.Amount),
		CreatedAt:     g.CreatedAt,
		Instalments:   make([]Instalment, 0, len(r.Instalments)),
	}
	paid := make(map[uuid.UUID]Payment, len(r.Payments))
	for _, p := range r.Payments {
		paid[p.InstalmentID] = payment(p)
	}
	for _, i := range r.Instalments {
		//nolint:gosec // counts up by one
		instalment := Instalment{
			Id:             i.ID,
			Period:         int32(i.Period),
			DueAt:          i.DueAt,
			UntilAt:        i.UntilAt,
			State:          InstalmentState(i.State),
			AmountSat:      int64(i.Amount),
			PayoutAddress:  i.PayeeAddress,
			DecisionDigest: i.Digest.String(),
			DecisionNote:   i.Note,
			HeldReason:     optional(i.HeldReason),
		}
		if p, ok := paid[i.ID]; ok {
			instalment.Payment = &p
		}
		out.Instalments = append(out.Instalments, instalment)
	}
	return out
}
