package web

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

var grantStates = []grant.GrantState{grant.GrantActive, grant.GrantCompleted, grant.GrantTerminated}

// getGrants lists grants, newest first. A filter by state looks at a stretch of
// the list and leaves the rest to the next page's link.
func (s *Site) getGrants(v *visit) error {
	view := views.Grants{State: v.QueryParam("state")}
	for _, state := range grantStates {
		view.States = append(view.States, views.Option{Value: string(state)})
	}
	if view.State == "" || slices.Contains(grantStates, grant.GrantState(view.State)) {
		list, next, err := s.cfg.Grants.Grants(v.ctx(), v.by, v.QueryParam("cursor"), queuePage)
		if err != nil {
			return err
		}
		for _, g := range list {
			if view.State == "" || string(g.Grant.State) == view.State {
				view.Rows = append(view.Rows, v.grantRow(g))
			}
		}
		view.Paging = paging("/grants", url.Values{"state": {view.State}}, v.QueryParam("cursor"), next)
	}
	view.Total = int64(len(view.Rows))
	return v.show(http.StatusOK, views.GrantsPage(v.page, view))
}

func (v *visit) grantRow(g grant.GrantRecord) views.GrantRow {
	row := views.GrantRow{
		ID:        g.Grant.ID.String(),
		Reference: g.Grant.Reference,
		Operator:  g.Grant.Designation,
		State:     string(g.Grant.State),
		AmountSat: int64(g.Grant.Amount),
		DecidedAt: g.Grant.CreatedAt,
	}
	if v.by.Can(identity.PermApplicationRead) {
		row.URL = "/review/" + g.Grant.ApplicationID.String()
	}
	for _, i := range g.Instalments {
		row.Instalment = standing(g, i)
		if i.State == grant.Paid || i.State == grant.Final {
			row.PaidSat += int64(i.Amount)
		}
	}
	return row
}

// standing is where an instalment stands in the words that people are shown.
func standing(g grant.GrantRecord, i grant.Instalment) string {
	for _, p := range g.Payments {
		if p.InstalmentID == i.ID {
			return string(p.Standing)
		}
	}
	return string(i.State)
}

// paging returns the links of a list: to its first page unless this is it, and
// to the next one.
func paging(path string, filters url.Values, cursor, next string) views.Paging {
	link := func(more string) string {
		q := url.Values{}
		for name := range filters {
			if value := filters.Get(name); value != "" {
				q.Set(name, value)
			}
		}
		if more != "" {
			q.Set("cursor", more)
		}
		if len(q) == 0 {
			return path
		}
		return path + "?" + q.Encode()
	}
	var p views.Paging
	if cursor != "" {
		p.First = link("")
	}
	if next != "" {
		p.Next = link(next)
	}
	return p
}
