package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// usualTokenDays is what the form for a new API token begins with.
const usualTokenDays = "90"

func (s *Site) getProfile(v *visit) error {
	return s.showProfile(v, http.StatusOK, views.Profile{Typed: views.TokenTyped{Days: usualTokenDays}})
}

func (s *Site) showProfile(v *visit, status int, view views.Profile) error {
	view.Name, view.Roles, view.KeysOff = v.by.Name, roleNames(v.by.Roles), v.page.User.KeysOff
	sessions, err := s.cfg.Identity.Sessions(v.ctx(), v.by)
	if err != nil {
		return err
	}
	for _, x := range sessions {
		view.Sessions = append(view.Sessions, views.Session{
			ID:        x.ID.String(),
			StartedAt: x.CreatedAt,
			LastSeen:  x.LastSeenAt,
			ExpiresAt: x.ExpiresAt,
			Current:   x.ID == v.by.SessionID,
		})
	}
	tokens, err := s.cfg.Identity.Tokens(v.ctx(), v.by)
	if err != nil {
		return err
	}
	for _, t := range tokens {
		if t.RevokedAt != nil || !v.page.Now.Before(t.ExpiresAt) {
			continue
		}
		row := views.Token{ID: t.ID.String(), Name: t.Name, ExpiresAt: t.ExpiresAt}
		for _, scope := range t.Scopes {
			row.Scopes = append(row.Scopes, string(scope))
		}
		if t.LastUsedAt != nil {
			row.LastUsed = *t.LastUsedAt
		}
		view.Tokens = append(view.Tokens, row)
	}
	for _, scope := range identity.Scopes(v.by.Roles) {
		view.Scopes = append(view.Scopes, views.Option{Value: string(scope)})
	}
	return v.show(status, views.ProfilePage(v.page, view))
}

// postKeys switches single-key shortcuts off or on, for this browser.
func (s *Site) postKeys(v *visit) error {
	value := ""
	if v.posted("keys_off") != "" {
		value = "off"
	}
	s.setCookie(v, cookieKeys, value, prefsLife, http.SameSiteLaxMode)
	return v.see("/profile")
}

func (s *Site) postSessionRevoke(v *visit) error {
	id, err := v.id()
	if err != nil {
		return err
	}
	if err := s.cfg.Identity.RevokeSession(v.ctx(), v.by, id); err != nil {
		return err
	}
	return v.see("/profile")
}

// postToken shows the new token in the answer itself, once.
func (s *Site) postToken(v *visit) error {
	typed := views.TokenTyped{Name: v.posted("token_name"), Days: v.posted("days"), Scopes: v.list("scope")}
	var scopes []identity.Permission
	for _, name := range typed.Scopes {
		scopes = append(scopes, identity.Permission(name))
	}
	const day = 24 * time.Hour
	days, err := strconv.ParseInt(
		asciiDigits(typed.Days),
		10,
		16,
	) // a number that is none becomes 0 days, which is out of range
	if err != nil {
		days = 0
	}
	_, secret, err := s.cfg.Identity.CreateToken(v.ctx(), v.by, typed.Name, scopes, time.Duration(days)*day)
	if err == nil {
		return s.showProfile(
			v,
			http.StatusOK,
			views.Profile{NewToken: secret, Typed: views.TokenTyped{Days: usualTokenDays}},
		)
	}
	wrong := fieldErrors(err)
	if len(wrong) == 0 {
		return err
	}
	names := map[string]string{"name": "token_name", "expires_in": "days"}
	for i := range wrong {
		wrong[i].Field = orElse(names[wrong[i].Field], wrong[i].Field)
	}
	return s.showProfile(v, http.StatusUnprocessableEntity, views.Profile{Typed: typed, Errors: wrong})
}

func (s *Site) postTokenRevoke(v *visit) error {
	id, err := v.id()
	if err != nil {
		return err
	}
	if _, err := s.cfg.Identity.RevokeToken(v.ctx(), v.by, id); err != nil {
		return err
	}
	return v.see("/profile")
}
