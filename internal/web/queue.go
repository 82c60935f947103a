package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/grant"
	"github.com/causeway-fund/causeway/internal/identity"
	"github.com/causeway-fund/causeway/internal/web/views"
)

const (
	queuePage = 50
	// A search opens titles, which no index knows, so one request looks at no
	// more than this many pages and leaves the rest to the next page's link.
	searchPages = 10
	countPages  = 10
)

// queueViews are the saved views of the rail, in its order.
var queueViews = []struct {
	name   string
	states []grant.State
	narrow func(f *grant.Filter, me uuid.UUID) // nil: states are all there is to it
}{
	{"open", []grant.State{grant.Submitted, grant.InReview, grant.NeedsInfo, grant.Ready}, nil},
	{"mine", nil, func(f *grant.Filter, me uuid.UUID) { f.ClaimedBy = &me }},
	{"to_vote", []grant.State{grant.Submitted, grant.InReview, grant.Ready}, func(f *grant.Filter, me uuid.UUID) { f.NotVoted = &me }},
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
	f := grant.Filter{Protocol: shown.Protocol, Region: shown.Region, Language: shown.Lang, Limit: queuePage}
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
	if shown.Protocol != "" && !slices.Contains(grant.Protocols(), shown.Protocol) {
		shown.Unknown = "protocol=" + shown.Protocol
	}
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
	view := views.Review{Filter: filter, Protocols: protocolOptions(), Regions: regionOptions(v.page), Languages: languageOptions()}
	if filter.Unknown == "" {
		lines, next, err := s.search(v.ctx(), v.by, f, query.Get("cursor"), filter.Query)
		if err != nil {
			return err
		}
		for _, line := range lines {
			view.Rows = append(view.Rows, v.queueRow(line))
		}
		if next != "" {
			view.Paging.Next = queueURL(query, "cursor", next)
		}
		if query.Get("cursor") != "" {
			view.Paging.First = queueURL(query)
		}
	}
	if err := s.rail(v, &view, query); err != nil {
		return err
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

// search returns a page of the queue whose title, reference or designation holds
// text; empty text fits everything.
func (s *Site) search(ctx context.Context, by identity.Actor, f grant.Filter, cursor, text string) (found []grant.Line, next string, err error) {
	if text != "" {
		f.Limit = grant.MaxPage
	}
	text = strings.ToLower(text)
	for range searchPages {
		page, err := s.cfg.Grants.Queue(ctx, by, f, cursor)
		if err != nil {
			return nil, "", err
		}
		for i, line := range page.Lines {
			a := line.Application
			if !strings.Contains(strings.ToLower(line.Title+"\n"+a.Reference+"\n"+a.Designation), text) {
				continue
			}
			found = append(found, line)
			if len(found) == queuePage && (i+1 < len(page.Lines) || page.Next != "") {
				return found, grant.Cursor{SubmittedAt: a.SubmittedAt, ID: a.ID}.String(), nil
			}
		}
		cursor = page.Next
		if cursor == "" || text == "" {
			break
		}
	}
	return found, cursor, nil
}

// rail fills in the saved views with their counts, the total of the current one,
// and the budget.
func (s *Site) rail(v *visit, view *views.Review, query url.Values) error {
	counts, err := s.cfg.Grants.Counts(v.ctx(), v.by)
	if err != nil {
		return err
	}
	for _, saved := range queueViews {
		n := int64(0)
		for _, state := range saved.states {
			n += int64(counts[state])
		}
		if saved.narrow != nil {
			f := grant.Filter{States: saved.states}
			saved.narrow(&f, v.by.StaffID)
			if n, err = s.count(v.ctx(), v.by, f); err != nil {
				return err
			}
		}
		current := saved.name == view.Filter.View
		if current && view.Filter.Unknown == "" {
			view.Total = n
		}
		view.Views = append(view.Views, views.ReviewRail{Name: saved.name, URL: "/review?view=" + saved.name, Count: n, Current: current})
	}
	if narrowed(query) {
		view.Total = int64(len(view.Rows))
	}
	sums, err := s.sums(v.ctx())
	view.Budget = views.Budget{CommittedSat: int64(sums.granted), TotalSat: int64(v.fund.Budget)}
	return err
}

func narrowed(query url.Values) bool {
	return query.Get("q")+query.Get("protocol")+query.Get("region")+query.Get("lang") != ""
}

// count counts what f selects, as far as countPages reach.
func (s *Site) count(ctx context.Context, by identity.Actor, f grant.Filter) (n int64, err error) {
	f.Limit = grant.MaxPage
	cursor := ""
	for range countPages {
		page, err := s.cfg.Grants.Queue(ctx, by, f, cursor)
		if err != nil {
			return 0, err
		}
		n += int64(len(page.Lines))
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	return n, nil
}

func (v *visit) queueRow(line grant.Line) views.ReviewRow {
	a := line.Application
	names := make([]string, len(a.Protocols))
	for i, p := range a.Protocols {
		names[i] = protocolName(p)
	}
	row := views.ReviewRow{
		ID: a.ID.String(), URL: queueURL(v.QueryParams(), "id", a.ID.String(), "cursor", v.QueryParam("cursor")),
		DetailURL: "/review/" + a.ID.String() + "?" + url.Values{"part": {"detail"}, "back": {queueURL(v.QueryParams(), "cursor", v.QueryParam("cursor"))}}.Encode(),
		Title:     orElse(line.Title, a.Reference), Lang: a.Language, State: string(a.State), AmountSat: int64(a.Amount),
		Operator: a.Designation, Protocol: strings.Join(names, ", "), Region: a.Region,
		Votes: line.Approve, VotesNeeded: v.fund.Quorum, SubmittedAt: a.SubmittedAt,
	}
	if line.SamePayee > 0 {
		row.Flag = views.Msg{Key: "flag.same_payee"}
	}
	if line.Claim != nil {
		row.ClaimedBy, row.ClaimedByMe = line.Claim.StaffName, line.Claim.StaffID == v.by.StaffID
	}
	return row
}
