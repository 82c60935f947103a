package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	spec "github.com/causeway-fund/causeway/api"
	"github.com/causeway-fund/causeway/internal/edge/apidocs"
	"github.com/causeway-fund/causeway/internal/edge/packed"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// docs is what tells people and programs about the API: the same for everybody, but for how it
// looks.
type docs struct {
	pages    map[string]packed.Body // by theme; "auto" follows the reader's system
	document packed.Body
}

const docsPath = "/docs/api"

// themeCookie is what the dashboard keeps a reader's choice in.
const (
	themeCookie = "causeway_theme"
	themeLife   = 365 * 24 * 60 * 60 // seconds
)

// Look is where the documentation finds the files of the dashboard.
type Look struct {
	Styles      []string // the dashboard's CSS, then the documentation's own
	Icons, Icon string
}

func newDocs(look Look) (docs, error) {
	d := docs{pages: map[string]packed.Body{}}
	for _, theme := range []string{"auto", "light", "dark"} {
		html, err := apidocs.Render(spec.Document(), apidocs.Config{
			Styles: look.Styles,
			Icons:  look.Icons,
			Icon:   look.Icon,
			Errors: spec.Errors(),
			Caller: callerOf,
			Theme:  theme,
			Path:   docsPath,
		})
		if err != nil {
			return docs{}, fmt.Errorf("render API documentation: %w", err)
		}
		if d.pages[theme], err = packed.New(html); err != nil {
			return docs{}, err
		}
	}
	var err error
	d.document, err = packed.New(spec.Document())
	return d, err
}

// callerOf says who holds a permission, as the policy has it.
func callerOf(permission string) apidocs.Caller {
	p := identity.Permission(permission)
	roles := identity.Policy()[p]
	switch p { //nolint:exhaustive // all others are of roles
	case identity.PermPublic:
		return apidocs.Caller{Words: "Anyone, without credentials."}
	case identity.PermApplicationOwn:
		return apidocs.Caller{Words: "The operator, with the receipt code of the application."}
	case SignedIn:
		return apidocs.Caller{Words: "Any member of staff."}
	}
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	who := "Staff with the role " + strings.Join(names, " or ")
	if len(roles) == len(identity.Roles()) {
		who = "Any member of staff"
	}
	if !slices.Contains(identity.Scopes(identity.Roles()), p) {
		return apidocs.Caller{Words: who + ", signed in: no API token may.", NoToken: true}
	}
	return apidocs.Caller{Words: who + ", signed in or with an API token of that scope."}
}

func (s *Server) getDocument(c echo.Context) error {
	c.Response().Header().Set(echo.HeaderContentType, "application/yaml")
	return s.docs.document.Serve(c.Response(), c.Request())
}

// getDocs shows the documentation in the theme that the reader chose, here or on the dashboard. A
// choice is no more than a look, so that a link may make it.
func (s *Server) getDocs(c echo.Context) error {
	theme := c.QueryParam("theme")
	if _, known := s.docs.pages[theme]; known {
		s.keepTheme(c, theme)
	} else if kept, err := c.Cookie(themeCookie); err == nil {
		theme = kept.Value
	}
	page, known := s.docs.pages[theme]
	if !known {
		page = s.docs.pages["auto"]
	}
	c.Response().Header().Set(echo.HeaderContentType, echo.MIMETextHTMLCharsetUTF8)
	c.Response().Header().Add(echo.HeaderVary, "Cookie")
	return page.Serve(c.Response(), c.Request())
}

func (s *Server) keepTheme(c echo.Context, theme string) {
	c.SetCookie(&http.Cookie{ //nolint:gosec // Secure is off on http alone: loopback and onion sites
		Name:     themeCookie,
		Value:    theme,
		Path:     "/",
		MaxAge:   themeLife,
		HttpOnly: true,
		Secure:   s.cfg.SecureCookies,
		SameSite: http.SameSiteLaxMode,
	})
}
