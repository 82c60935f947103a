package server

import (
	"fmt"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	spec "github.com/causeway-fund/causeway/api"
	"github.com/causeway-fund/causeway/internal/edge/apidocs"
	"github.com/causeway-fund/causeway/internal/edge/packed"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// docs is what tells people and programs about the API: the same for everybody.
type docs struct{ page, document packed.Body }

// Look is where the documentation finds the files of the dashboard.
type Look struct {
	Styles      []string // the dashboard's CSS, then the documentation's own
	Icons, Icon string
}

func newDocs(look Look) (docs, error) {
	html, err := apidocs.Render(spec.Document(), apidocs.Config{
		Styles: look.Styles,
		Icons:  look.Icons,
		Icon:   look.Icon,
		Errors: spec.Errors(),
		Caller: callerOf,
	})
	if err != nil {
		return docs{}, fmt.Errorf("render API documentation: %w", err)
	}
	page, err := packed.New(html)
	if err != nil {
		return docs{}, err
	}
	document, err := packed.New(spec.Document())
	return docs{page, document}, err
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

func (s *Server) getDocs(c echo.Context) error {
	c.Response().Header().Set(echo.HeaderContentType, echo.MIMETextHTMLCharsetUTF8)
	return s.docs.page.Serve(c.Response(), c.Request())
}
