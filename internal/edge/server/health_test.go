package server

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/errs"
)

func TestReadyNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	var runs atomic.Int32
	e := newEdge(t, func(c *Config) {
		c.Checks = []Check{
			{Name: "database", Run: func(context.Context) error {
				runs.Add(1)
				if broken.Load() {
					return errs.Wrap(errors.New("dial tcp 10.1.2.3:5432"), errs.Unavailable, "database_down", "PostgreSQL does not\nanswer.")
				}
				return nil
			}},
			{Name: "schema", Run: func(context.Context) error {
				if broken.Load() {
					return errors.New("secret detail")
				}
				return nil
			}},
		}
	})

	if rec := e.call(t, http.MethodGet, "/readyz", ""); rec.Code != http.StatusOK || rec.Body.String() != "database: ok\nschema: ok\n" {
		t.Errorf("got %d %q", rec.Code, rec.Body)
	}
	broken.Store(true)
	if rec := e.call(t, http.MethodGet, "/healthz", ""); rec.Code != http.StatusOK || runs.Load() != 1 {
		t.Errorf("within a second the answer is used again: got %d after %d runs", rec.Code, runs.Load())
	}
	e.clock.Advance(2 * time.Second)
	if rec := e.call(t, http.MethodGet, "/readyz", ""); rec.Code != http.StatusServiceUnavailable || rec.Body.String() != "database: PostgreSQL does not answer.\nschema: failed\n" {
		t.Errorf("got %d %q", rec.Code, rec.Body)
	}
	if rec := e.call(t, http.MethodGet, "/readyz", "", "Accept", "application/json"); !strings.Contains(rec.Body.String(), `{"name":"database","ok":false,"text":"PostgreSQL does not answer."}`) {
		t.Errorf("got %s", rec.Body)
	}
	if rec := e.call(t, http.MethodGet, "/livez", ""); rec.Code != http.StatusOK {
		t.Errorf("livez %d", rec.Code)
	}
}

func TestAdminServesMetrics(t *testing.T) {
	t.Parallel()
	e := newEdge(t, nil)
	e.call(t, http.MethodGet, "/v1/fund", "")
	e.call(t, "BREW", "/x", "")
	admin := NewAdmin(e.registry, nil, e.clock)
	rec := httptest.NewRecorder()
	admin.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	for _, want := range []string{
		`causeway_http_requests_total{method="GET",route="/v1/fund",status="503"} 1`,
		`causeway_http_requests_total{method="OTHER",route="unmatched",status="404"} 1`,
		`causeway_http_requests_in_flight 0`,
	} {
		if !strings.Contains(rec.Body.String(), want) {
			t.Errorf("no %s in\n%s", want, rec.Body)
		}
	}
	if rec := e.call(t, http.MethodGet, "/metrics", ""); rec.Code != http.StatusNotFound {
		t.Errorf("the public port serves metrics: %d", rec.Code)
	}
}

// TestACheckThatWritesIsNotRunForEveryone asks more often than a check says that it
// may run.
func TestACheckThatWritesIsNotRunForEveryone(t *testing.T) {
	t.Parallel()
	var runs, cheap atomic.Int32
	e := newEdge(t, func(c *Config) {
		c.Checks = []Check{
			{Name: "writes", Every: 5 * time.Second, Run: func(context.Context) error {
				if runs.Add(1) > 1 {
					return errs.New(errs.Unavailable, "full", "The disk is full.")
				}
				return nil
			}},
			{Name: "cheap", Run: func(context.Context) error { cheap.Add(1); return nil }},
		}
	})
	for after, want := range []string{"writes: ok\n", "writes: ok\n", "writes: ok\n", "writes: The disk is full.\n", "writes: The disk is full.\n"} {
		if got := e.call(t, http.MethodGet, "/readyz", "").Body.String(); got != want+"cheap: ok\n" {
			t.Errorf("after %d s: %q, want %q", after*2, got, want)
		}
		e.clock.Advance(2 * time.Second)
	}
	if runs.Load() != 2 || cheap.Load() != 5 {
		t.Errorf("the checks ran %d and %d times, want 2 and 5", runs.Load(), cheap.Load())
	}
}
