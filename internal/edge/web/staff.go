package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

func (s *Site) getStaff(v *visit) error { return s.showStaff(v, http.StatusOK, views.Staff{}) }

func (s *Site) showStaff(v *visit, status int, view views.Staff) error {
	people, err := s.cfg.Identity.ListStaff(v.ctx(), v.by)
	if err != nil {
		return err
	}
	for _, p := range people {
		view.People = append(view.People, views.Person{
			ID:       p.ID.String(),
			Name:     p.Name,
			Roles:    roleNames(p.Roles),
			Disabled: p.DisabledAt != nil,
			Self:     p.ID == v.by.StaffID,
		})
	}
	for _, r := range identity.Roles() {
		view.Roles = append(view.Roles, views.Option{Value: string(r)})
	}
	return v.show(status, views.StaffPage(v.page, view))
}

func roleNames(roles []identity.Role) []string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return names
}

func (v *visit) roles() []identity.Role {
	var roles []identity.Role
	for _, name := range v.list("role") {
		roles = append(roles, identity.Role(name))
	}
	return roles
}

// postInvite shows the one-time link in the answer itself, once.
func (s *Site) postInvite(v *visit) error {
	name, roles := v.posted("name"), v.roles()
	person, token, err := s.cfg.Identity.Invite(v.ctx(), v.by, name, roles)
	if err != nil {
		return s.refuseStaff(v, err, views.InviteTyped{Name: name, Roles: roleNames(roles)})
	}
	return s.showStaff(v, http.StatusOK, views.Staff{InviteName: person.Name, InviteLink: s.enrolLink(v, token)})
}

func (s *Site) postInviteAgain(v *visit) error {
	id, err := v.id()
	if err != nil {
		return err
	}
	token, err := s.cfg.Identity.InviteAgain(v.ctx(), v.by, id)
	if err != nil {
		return s.refuseStaff(v, err, views.InviteTyped{})
	}
	people, err := s.cfg.Identity.ListStaff(v.ctx(), v.by)
	if err != nil {
		return err
	}
	view := views.Staff{InviteLink: s.enrolLink(v, token)}
	for _, p := range people {
		if p.ID == id {
			view.InviteName = p.Name
		}
	}
	return s.showStaff(v, http.StatusOK, view)
}

func (s *Site) enrolLink(v *visit, token string) string {
	base := s.cfg.PublicURL
	if base == "" {
		base = v.Scheme() + "://" + v.Request().Host
	}
	return strings.TrimSuffix(base, "/") + "/enrol/" + url.PathEscape(token)
}

func (s *Site) refuseStaff(v *visit, err error, typed views.InviteTyped) error {
	words, status, ok := refusal(err)
	if !ok {
		return err
	}
	view := views.Staff{Typed: typed, Errors: fieldErrors(err)}
	if len(view.Errors) == 0 {
		v.page.Flash = &views.Flash{Tone: "bad", Msg: words}
	}
	return s.showStaff(v, status, view)
}

func (s *Site) postRoles(v *visit) error {
	id, err := v.id()
	if err != nil {
		return err
	}
	if _, err := s.cfg.Identity.SetRoles(v.ctx(), v.by, id, v.roles()); err != nil {
		return s.refuseStaff(v, err, views.InviteTyped{})
	}
	return v.see("/staff")
}

func (s *Site) postEnable(v *visit) error {
	id, err := v.id()
	if err != nil {
		return err
	}
	if _, err := s.cfg.Identity.Enable(v.ctx(), v.by, id); err != nil {
		return s.refuseStaff(v, err, views.InviteTyped{})
	}
	return v.see("/staff")
}

func (s *Site) postDisable(v *visit) error {
	id, err := v.id()
	if err != nil {
		return err
	}
	if _, err := s.cfg.Identity.Disable(v.ctx(), v.by, id); err != nil {
		return s.refuseStaff(v, err, views.InviteTyped{})
	}
	return v.see("/staff")
}
