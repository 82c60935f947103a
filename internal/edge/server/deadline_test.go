package server

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"github.com/causeway-fund/causeway/internal/edge/api"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// slowAPI answers when its caller's time is up.
type slowAPI struct {
	api.StrictServerInterface
	fail func(error) error
}

func (a slowAPI) GetFund(ctx context.Context, _ api.GetFundRequestObject) (api.GetFundResponseObject, error) {
	<-ctx.Done()
	return nil, a.fail(ctx.Err())
}

// TestARequestHasADeadline has handlers wait for ever.
func TestARequestHasADeadline(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fail func(error) error
		code string
	}{
		"the cause is there":  {func(err error) error { return fmt.Errorf("read fund: %w", err) }, "timeout"},
		"the cause is lost":   {func(error) error { return fmt.Errorf("conn closed") }, "timeout"},
		"the store knows why": {func(error) error { return errs.New(errs.Unavailable, "commit_unknown", "It is not known.") }, "commit_unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEdge(t, func(c *Config) {
				c.API, c.Timeout = slowAPI{fail: tc.fail}, time.Millisecond
				c.Pages = []Rule{{Method: http.MethodGet, Path: "/stream", Permission: identity.PermPublic, Timeout: 50 * time.Second}}
				c.MountPages = func(e *echo.Echo) {
					e.GET("/stream", func(c echo.Context) error {
						at, ok := c.Request().Context().Deadline()
						return c.String(http.StatusOK, fmt.Sprint(ok && time.Until(at) > 40*time.Second))
					})
				}
			})
			rec := e.call(t, http.MethodGet, "/v1/fund", "")
			if p := problemOf(t, rec); rec.Code != http.StatusServiceUnavailable || *p.Code != tc.code {
				t.Errorf("%d %s, want 503 %s", rec.Code, *p.Code, tc.code)
			}
			if log := e.logs.String(); !strings.Contains(log, `"status":503`) {
				t.Errorf("the log does not say 503:\n%s", log)
			}
			if got := e.call(t, http.MethodGet, "/stream", "").Body.String(); got != "true" {
				t.Errorf("a stream has the deadline of other requests")
			}
		})
	}
	if e := newEdge(t, nil); e.cfg.Timeout != 30*time.Second {
		t.Errorf("a request may take %s", e.cfg.Timeout)
	}
}

// TestAnErrorPageOutlivesTheDeadline: what middleware added to the request is there,
// and its context has not ended.
func TestAnErrorPageOutlivesTheDeadline(t *testing.T) {
	t.Parallel()
	e := newEdge(t, func(c *Config) {
		c.Timeout = time.Millisecond
		c.Pages = []Rule{{Method: http.MethodGet, Path: "/slow", Permission: identity.PermPublic}}
		c.MountPages = func(e *echo.Echo) {
			e.GET("/slow", func(c echo.Context) error { <-c.Request().Context().Done(); return c.Request().Context().Err() })
		}
		c.ErrorPage = func(c echo.Context, v ErrorView) error {
			ctx := c.Request().Context()
			return c.String(v.Status, fmt.Sprint(v.Code, " ", ctx.Err() == nil, " ", templ.GetNonce(ctx) != ""))
		}
	})
	if got := e.call(t, http.MethodGet, "/slow", "", "Accept", "text/html").Body.String(); got != "timeout true true" {
		t.Errorf("the error page has %q", got)
	}
}

// TestNothingOutlastsTheConnection: an answer that is cut off says nothing.
func TestNothingOutlastsTheConnection(t *testing.T) {
	t.Parallel()
	for _, r := range newEdge(t, nil).Rules() {
		if r.Timeout >= writeTimeout || requestTimeout >= writeTimeout {
			t.Errorf("%s %s may take %s of %s", r.Method, r.Path, r.Timeout, writeTimeout)
		}
	}
}
