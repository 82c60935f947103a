package web

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// Cookies beside the session's. None of them names a person.
const (
	cookieLanguage = "causeway_ui"
	cookieTheme    = "causeway_theme"
	cookieKeys     = "causeway_keys"
	cookieCeremony = "causeway_ceremony" // secret of a passkey ceremony under way
)

const (
	prefsLife    = 365 * 24 * time.Hour
	ceremonyLife = 5 * time.Minute
)

func cookie(c echo.Context, name string) string {
	list := c.Request().CookiesNamed(name)
	if len(list) == 0 {
		return ""
	}
	return list[0].Value
}

// setCookie sets a cookie that scripts cannot read; an empty value deletes it.
func (s *Site) setCookie(c echo.Context, name, value string, life time.Duration, mode http.SameSite) {
	seconds := int(life / time.Second)
	if value == "" {
		seconds = -1
	}
	c.SetCookie(&http.Cookie{ //nolint:gosec // Secure is off on http alone: loopback and onion sites
		Name:     name,
		Value:    value,
		Path:     "/",
		MaxAge:   seconds,
		HttpOnly: true,
		Secure:   s.cfg.SecureCookies,
		SameSite: mode,
	})
}

func theme(name string) string {
	switch name {
	case "light", "dark":
		return name
	}
	return "auto"
}
