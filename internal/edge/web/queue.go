package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

const queuePage = 50

// queueViews are the saved views of the rail, in its order.
var queueViews = []struct {
	name   string
	states []grant.State
	narrow func(f *grant.Filter, me uuid.UUID) // nil: states are all there is to it
}{
	{"open", grant.OpenStates(), nil},
	{"mine", nil, func(f *grant.Filter, me uuid.UUID) { f.ClaimedBy = &me }},
	{
		"to_vote",
		[]grant.State{grant.Submitted, grant.InReview, grant.Ready},
		func(f *grant.Filter, me uuid.UUID) { f.NotVoted = &me },
	},
	{"needs_info", []grant.State{grant.NeedsInfo}, nil},
	{"ready", []grant.State{grant.Ready}, nil},
	{"approved", []grant.State{grant.Approved}, nil},
	{"declined", []grant.State{grant.Declined}, nil},
	{"all", grant.States(), nil},
}

// queueParams are the parameters of the queue's address.
var queueParams = []string{"view", "q", "protocol", "region", "lang", "id", "cursor", "ui"}

// queueFilter reads the address. What is not understood comes back in Unknown.
func queueFilter(q url.Values, me uuid.UUID) (views.ReviewFilter, grant.Filter) {
	shown := views.ReviewFilter{
		View: orElse(q.Get("view"), "open"), Query: strings.TrimSpace(q.Get("q")),
		Protocol: q.Get("protocol"), Region: q.Get("region"), Lang: q.Get("lang"), Selected: q.Get("id"),
	}
	f := grant.Filter{
		Protocol: shown.Protocol,
		Region:   shown.Region,
		Language: shown.Lang,
		Search:   shown.Query,
		Limit:    queuePage,
	}
	known := false
	for _, view := range queueViews {
		if view.name != shown.View {
			continue
		}
		known, f.States = true, view.states
		if view.narrow != nil {
			view.narrow(&f, me)
		}
	}
	if !known {
		shown.Unknown = "view=" + shown.View
	}
	if shown.Protocol != "" && !slices.Contains(claim.Protocols(), shown.Protocol) {
		shown.Unknown = "protocol=" + shown.Protocol
	}
	shown.TooLong = utf8.RuneCountInString(shown.Query) > grant.MaxSearch
	for name := range q {
		if !slices.Contains(queueParams, name) {
			shown.Unknown = name
		}
	}
	return shown, f
}

func (s *Site) getQueue(v *visit) error {
	query := v.QueryParams()
	filter, f := queueFilter(query, v.by.StaffID)
	view := views.Review{
		Filter:    filter,
		Protocols: protocolOptions(),
		Regions:   regionOptions(v.page),
		Languages: languageOptions(),
		MaxSearch: grant.MaxSearch,
	}
	page, named, err := grant.Page{}, false, error(nil)
	if filter.Unknown == "" && !filter.TooLong {
		page, named, err = s.search(v.ctx(), v.by, f, query.Get("cursor"))
	}
	if err != nil {
		return err
	}
	for _, line := range page.Lines {
		view.Rows = append(view.Rows, v.queueRow(line))
	}
	if page.Next != "" {
		view.Paging.Next = queueURL(query, "cursor", page.Next)
	}
	if query.Get("cursor") != "" {
		view.Paging.First = queueURL(query)
	}
	if err := s.rail(v, &view, f); err != nil {
		return err
	}
	if named {
		view.Total = views.Total{N: int64(len(view.Rows))}
	}
	if id, err := uuid.Parse(filter.Selected); err == nil {
		d, err := s.cfg.Grants.Show(v.ctx(), v.by, id)
		if err != nil {
			return err
		}
		detail := v.detail(d)
		detail.BackURL = queueURL(query, "cursor", query.Get("cursor"))
		if err := s.addPanel(v, &detail, false); err != nil {
			return err
		}
		view.Selected = &detail
	} else {
		view.Filter.Selected = ""
	}
	return v.show(http.StatusOK, views.ReviewPage(v.page, view))
}

// queueURL is the address of the queue with the filters of query and one more
// parameter.
func queueURL(query url.Values, more ...string) string {
	out := url.Values{}
	for _, name := range []string{"view", "q", "protocol", "region", "lang"} {
		if value := query.Get(name); value != "" {
			out.Set(name, value)
		}
	}
	for i := 0; i+1 < len(more); i += 2 {
		if more[i+1] != "" {
			out.Set(more[i], more[i+1])
		}
	}
	if len(out) == 0 {
		return "/review"
	}
	return "/review?" + out.Encode()
}

// search returns a page of the queue. The reference or designation of an application
// finds it in whichever view it is; named is true then.
func (s *Site) search(
	ctx context.Context,
	by identity.Actor,
	f grant.Filter,
	cursor string,
) (page grant.Page, named bool, err error) {
	if name, ok := grant.ParseName(f.Search); ok && cursor == "" {
		page, err = s.cfg.Grants.Queue(ctx, by, grant.Filter{Name: name, Limit: f.Limit}, "")
		if err != nil || len(page.Lines) > 0 {
			return page, true, err
		}
	}
	page, err = s.cfg.Grants.Queue(ctx, by, f, cursor)
	return page, false, err
}

// rail fills in the saved views with their counts, the total of what the list is
// filtered by, and the budget.
func (s *Site) rail(v *visit, view *views.Review, f grant.Filter) error {
	filters := make([]grant.Filter, len(queueViews), len(queueViews)+1)
	for i, saved := range queueViews {
		filters[i].States = saved.states
		if saved.narrow != nil {
			saved.narrow(&filters[i], v.by.StaffID)
		}
	}
	narrow := narrowed(f) && !view.Filter.TooLong
	if narrow {
		filters = append(filters, f)
	}
	totals, err := s.cfg.Grants.Counts(v.ctx(), v.by, filters...)
	if err != nil {
		return err
	}
	for i, saved := range queueViews {
		total := views.Total{N: int64(totals[i].N), More: totals[i].More}
		current := saved.name == view.Filter.View
		if current {
			view.Total = total
		}
		view.Views = append(
			view.Views,
			views.ReviewRail{Name: saved.name, URL: "/review?view=" + saved.name, Count: total, Current: current},
		)
	}
	if narrow {
		last := totals[len(queueViews)]
		view.Total = views.Total{N: int64(last.N), More: last.More}
	}
	if view.Filter.Unknown != "" || view.Filter.TooLong {
		view.Total = views.Total{}
	}
	sums, err := s.sums(v.ctx())
	view.Budget = views.Budget{CommittedSat: int64(sums.granted), TotalSat: int64(v.fund.Budget)}
	return err
}

func narrowed(f grant.Filter) bool { return f.Search+f.Protocol+f.Region+f.Language != "" }

func (v *visit) queueRow(line grant.Line) views.ReviewRow {
	a := line.Application
	names := make([]string, len(a.Protocols))
	for i, p := range a.Protocols {
		names[i] = protocolName(p)
	}
	row := views.ReviewRow{
		ID:  a.ID.String(),
		URL: queueURL(v.QueryParams(), "id", a.ID.String(), "cursor", v.QueryParam("cursor")),
		DetailURL: "/review/" + a.ID.String() + "?" + url.Values{
			"part": {"detail"},
			"back": {queueURL(v.QueryParams(), "cursor", v.QueryParam("cursor"))},
		}.Encode(),
		Title: orElse(
			line.Title,
			a.Reference,
		),
		Lang:        a.Language,
		State:       string(a.State),
		AmountSat:   int64(a.Amount),
		Operator:    a.Designation,
		Protocol:    strings.Join(names, ", "),
		Region:      a.Region,
		Votes:       line.Approve,
		VotesNeeded: v.fund.Quorum,
		SubmittedAt: a.SubmittedAt,
	}
	if line.SamePayee > 0 {
		row.Flag = views.Msg{Key: "flag.same_payee"}
	}
	if line.Claim != nil {
		row.ClaimedBy, row.ClaimedByMe = line.Claim.StaffName, line.Claim.StaffID == v.by.StaffID
	}
	return row
}
