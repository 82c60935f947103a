package web

import (
	"net/http"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// addPanel puts into an application what was measured of its servers. Where they
// are shows only with unseal, which the audit log records. An application without
// a server that can be measured has no panel.
func (s *Site) addPanel(v *visit, d *views.ReviewDetail, unseal bool) error {
	if s.cfg.Endpoints == nil || !v.by.Can(identity.PermEndpointRead) {
		return nil
	}
	id, err := uuid.Parse(d.ID)
	if err != nil {
		return err
	}
	list, err := s.cfg.Endpoints.Panel(v.ctx(), v.by, id, unseal, endpoint.DefaultChecks)
	if errs.Is(err, errs.CodePurged) || err == nil && len(list) == 0 {
		claimedOnly(d)
		return nil
	}
	if err != nil {
		return err
	}
	panel := views.Panel{
		BaseURL: d.BaseURL, BackURL: d.BackURL, Unsealed: unseal,
		Unmeasured: int64(max(len(d.Endpoints)-len(list), 0)),
		CanUnseal:  v.by.Can(identity.PermApplicationUnseal), CanCheck: v.by.Can(identity.PermEndpointCheck),
	}
	shown := map[string]bool{}
	for i := range list {
		x := server(&list[i], v.page.Now)
		panel.Servers = append(panel.Servers, x)
		shown[x.Address] = true
	}
	for _, e := range d.Endpoints {
		if unseal && !shown[e.Address] {
			panel.Claimed = append(panel.Claimed, e)
		}
	}
	d.Panel = &panel
	return nil
}

// keyNotProbed stands where nothing is measured here at all.
const keyNotProbed = "check.not_probed"

// claimedOnly says of servers of which too little is known that they are never
// measured.
func claimedOnly(d *views.ReviewDetail) {
	never := views.Msg{Key: "check.claimed_only"}
	for i := range d.Endpoints {
		d.Endpoints[i].Finding = never
	}
}

// postUnseal shows an application with the addresses of its servers: a form and
// not a link, because it is recorded.
func (s *Site) postUnseal(v *visit) error {
	id, err := v.id()
	if err != nil {
		return err
	}
	if err := v.by.Require(identity.PermApplicationUnseal); err != nil {
		return err
	}
	d, err := s.cfg.Grants.Show(v.ctx(), v.by, id)
	if err != nil {
		return err
	}
	detail := v.detail(d)
	detail.BackURL = localPath(v.posted("back"), "/review")
	if err := s.addPanel(v, &detail, true); err != nil {
		return err
	}
	return v.show(http.StatusOK, views.ReviewDetailPage(v.page, detail))
}

// postPanelRecheck asks for a check of one server of an application.
func (s *Site) postPanelRecheck(v *visit) error {
	server, err := uuid.Parse(v.Param("server"))
	if err != nil {
		return errs.New(errs.NotFound, errs.CodeNotFound, "There is nothing at this address.")
	}
	return s.act(v, func(uuid.UUID) error {
		_, err := s.cfg.Endpoints.StaffRecheck(v.ctx(), v.by, server)
		return err
	}, nil)
}
