package web

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// silentAfter is how long a prober may say nothing before its place counts as
// empty and pages say so.
const silentAfter = time.Hour

func (s *Site) getFleet(v *visit) error {
	fleet, probers, err := s.cfg.Endpoints.Fleet(v.ctx(), v.by)
	if err != nil {
		return err
	}
	view := views.Fleet{
		Oldest:   moment(fleet.Oldest),
		Waiting:  int64(fleet.Waiting),
		Late:     fleet.Late,
		Vantages: v.vantages(probers),
	}
	for _, r := range fleet.Rows {
		view.Up += int64(r.Up)
		view.Down += int64(r.Down)
		view.Unknown += int64(r.Unknown)
		view.Unchecked += int64(r.Unchecked)
		view.Proven += int64(r.Proven)
	}
	view.Active = view.Up + view.Down + view.Unknown + view.Unchecked
	view.ByProtocol = tally(fleet.Rows, func(r endpoint.FleetRow) string { return r.Protocol })
	order := func(r views.FleetRow) int { return slices.Index(probe.Protocols(), probe.Protocol(r.Name)) }
	slices.SortStableFunc(view.ByProtocol, func(a, b views.FleetRow) int { return cmp.Compare(order(a), order(b)) })
	view.ByCountry = tally(fleet.Rows, func(r endpoint.FleetRow) string {
		if r.Country == "" {
			return ""
		}
		return regionName(v.page, r.Country)
	})
	view.ByVantage = tally(fleet.Rows, func(r endpoint.FleetRow) string { return r.Vantage })
	return v.show(http.StatusOK, views.FleetPage(v.page, view))
}

// tally adds up rows of one name, sorted by name with the nameless last.
func tally(rows []endpoint.FleetRow, name func(endpoint.FleetRow) string) []views.FleetRow {
	by := map[string]*views.FleetRow{}
	for _, r := range rows {
		sum := by[name(r)]
		if sum == nil {
			sum = &views.FleetRow{Name: name(r)}
			by[sum.Name] = sum
		}
		sum.Up += int64(r.Up)
		sum.Down += int64(r.Down)
		sum.Unknown += int64(r.Unknown)
		sum.Unchecked += int64(r.Unchecked)
		sum.Proven += int64(r.Proven)
		if at := moment(r.Oldest); !at.IsZero() && (sum.Oldest.IsZero() || at.Before(sum.Oldest)) {
			sum.Oldest = at
		}
	}
	var out []views.FleetRow
	for _, sum := range by {
		out = append(out, *sum)
	}
	slices.SortFunc(out, func(a, b views.FleetRow) int {
		if (a.Name == "") != (b.Name == "") {
			return cmp.Compare(b.Name, a.Name)
		}
		return cmp.Compare(a.Name, b.Name)
	})
	return out
}

// vantages shows probers, those at work first.
func (v *visit) vantages(list []endpoint.Vantage) []views.Vantage {
	var out []views.Vantage
	for _, x := range list {
		seen := moment(x.SeenAt)
		if asked := moment(x.AskedAt); asked.After(seen) {
			seen = asked
		}
		row := views.Vantage{
			ID: x.ID.String(), Name: x.Name, Place: string(x.Place), Country: x.Country, ASN: x.ASN, State: "seen",
			SeenAt: seen, SW: x.SW, CanaryGood: x.CanaryGood, CanaryBad: x.CanaryBad,
		}
		switch {
		case x.DisabledAt != nil:
			row.State = "disabled"
		case x.PublicKey == nil:
			row.State = "new"
		case !x.Trusted():
			row.State = "distrusted"
		case v.page.Now.Sub(seen) > silentAfter:
			row.State = "silent"
		}
		out = append(out, row)
	}
	slices.SortStableFunc(out, func(a, b views.Vantage) int {
		if (a.State == "disabled") != (b.State == "disabled") {
			if a.State == "disabled" {
				return 1
			}
			return -1
		}
		return cmp.Compare(a.Name, b.Name)
	})
	return out
}

func (s *Site) getVantages(v *visit) error { return s.showVantages(v, http.StatusOK, views.Vantages{}) }

func (s *Site) showVantages(v *visit, status int, view views.Vantages) error {
	_, probers, err := s.cfg.Endpoints.Fleet(v.ctx(), v.by)
	if err != nil {
		return err
	}
	view.List = v.vantages(probers)
	view.CanManage = v.by.Can(identity.PermVantageManage)
	return v.show(status, views.VantagesPage(v.page, view))
}

// postVantage shows the token of a new prober in the answer itself, once.
func (s *Site) postVantage(v *visit) error {
	typed := views.VantageTyped{
		Name: strings.TrimSpace(
			v.posted("name"),
		),
		Place:   v.posted("place"),
		Country: strings.ToUpper(strings.TrimSpace(v.posted("country"))),
		ASN:     v.posted("asn"),
	}
	asn, err := strconv.ParseUint(
		orElse(strings.TrimPrefix(strings.ToUpper(asciiDigits(typed.ASN)), "AS"), "0"),
		10,
		32,
	)
	if err != nil {
		err = errs.InvalidFields(
			[]errs.Field{
				{Field: "asn", Code: CodeNotAnASN, Message: "A network number is a whole number up to 4294967295."},
			},
		)
		return s.refuseVantage(v, err, typed)
	}
	made, token, err := s.cfg.Endpoints.AddVantage(
		v.ctx(),
		v.by,
		endpoint.NewVantage{
			Name:    typed.Name,
			Place:   vantage.Place(typed.Place),
			Country: typed.Country,
			ASN:     uint32(asn),
		},
	)
	if err != nil {
		return s.refuseVantage(v, err, typed)
	}
	return s.showVantages(v, http.StatusOK, views.Vantages{NewName: made.Name, NewToken: token})
}

func (s *Site) refuseVantage(v *visit, err error, typed views.VantageTyped) error {
	words, status, ok := refusal(err)
	if !ok {
		return err
	}
	view := views.Vantages{Typed: typed, Errors: fieldErrors(err)}
	if len(view.Errors) == 0 {
		v.page.Flash = &views.Flash{Tone: "bad", Msg: words}
	}
	return s.showVantages(v, status, view)
}

func (s *Site) postVantageOff(v *visit) error {
	id, err := v.id()
	if err != nil {
		return err
	}
	if _, err := s.cfg.Endpoints.DisableVantage(v.ctx(), v.by, id); err != nil {
		return s.refuseVantage(v, err, views.VantageTyped{})
	}
	return v.see("/fleet/vantages")
}
