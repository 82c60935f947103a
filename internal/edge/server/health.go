package server

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
)

const (
	checkTimeout = 3 * time.Second
	readyFor     = time.Second // an answer of /readyz is used again this long
)

// readiness runs the checks, at most once in readyFor, whoever asks.
type readiness struct {
	checks []Check
	clock  clock.Clock

	mu      sync.Mutex
	at      time.Time
	results []checkResult
	ran     []time.Time // when each check last did
}

type checkResult struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Text string `json:"text,omitempty"` // one line, when not OK
}

func (r *readiness) run(ctx context.Context) []checkResult {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := r.clock.Now(); r.results != nil && now.Sub(r.at) < readyFor && !now.Before(r.at) {
		return r.results
	}
	// The answer is shared, so one caller who hangs up must not spoil it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
	defer cancel()
	results, now := make([]checkResult, len(r.checks)), r.clock.Now()
	if r.ran == nil {
		r.ran = make([]time.Time, len(r.checks))
	}
	var all sync.WaitGroup
	for i, check := range r.checks {
		if age := now.Sub(r.ran[i]); r.results != nil && age >= 0 && age < check.Every {
			results[i] = r.results[i]
			continue
		}
		r.ran[i] = now
		all.Go(func() { results[i] = runCheck(ctx, check) })
	}
	all.Wait()
	r.at, r.results = r.clock.Now(), results
	return results
}

func runCheck(ctx context.Context, check Check) checkResult {
	err := check.Run(ctx)
	var classified *errs.Error
	switch {
	case err == nil:
		return checkResult{Name: check.Name, OK: true}
	case errors.As(err, &classified):
		return checkResult{Name: check.Name, Text: strings.Join(strings.Fields(classified.Message), " ")}
	case errors.Is(err, context.DeadlineExceeded):
		return checkResult{Name: check.Name, Text: "no answer within " + checkTimeout.String()}
	}
	return checkResult{Name: check.Name, Text: "failed"}
}

// writeReady answers with a line a check, or JSON for who asks for it; 503 when
// a check fails.
func (r *readiness) writeReady(c echo.Context) error {
	results := r.run(c.Request().Context())
	status, lines := http.StatusOK, make([]string, 0, len(results))
	for _, res := range results {
		line := res.Name + ": ok"
		if !res.OK {
			status, line = http.StatusServiceUnavailable, res.Name+": "+res.Text
		}
		lines = append(lines, line)
	}
	if strings.Contains(c.Request().Header.Get(echo.HeaderAccept), "json") {
		return c.JSON(status, map[string]any{"ok": status == http.StatusOK, "checks": results})
	}
	return c.String(status, strings.Join(append(lines, ""), "\n"))
}

func (s *Server) getLive(c echo.Context) error { return c.String(http.StatusOK, "ok\n") }

func (s *Server) getReady(c echo.Context) error { return s.ready.writeReady(c) }

// getHealth is /readyz in one word, for load balancers.
func (s *Server) getHealth(c echo.Context) error {
	for _, res := range s.ready.run(c.Request().Context()) {
		if !res.OK {
			return c.String(http.StatusServiceUnavailable, "not ready\n")
		}
	}
	return c.String(http.StatusOK, "ok\n")
}
