package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/loopback"
)

// check has the operator's server checked before anybody approves it: that it
// leads to the data centre, which proves itself, and that the operator controls
// it. The checks are offered here and now; a fund would draw a moment for them.
func (j *journey) check(ctx context.Context) (string, error) {
	if !loopback.Wide() {
		return "left out: a prober dials no address that the dashboard has, and there is no other", nil
	}
	mine, err := j.operator.ListOwnEndpointsWithResponse(ctx, &client.ListOwnEndpointsParams{})
	if err != nil {
		return "", err
	}
	if len(mine.JSON200.Items) != 1 {
		return "", fmt.Errorf("the operator sees %d servers", len(mine.JSON200.Items))
	}
	label := mine.JSON200.Items[0].Label
	ways, err := j.operator.GetControlWithResponse(ctx, label)
	if err != nil {
		return "", err
	}
	for _, way := range ways.JSON200.Items {
		if c := way.Credential; c != nil && c.User != nil && c.Password != nil {
			if err := j.addCredential(probe.SOCKS5, control.Public{User: *c.User, Password: *c.Password}); err != nil {
				return "", err
			}
		}
	}
	if err := j.offerChecks(ctx); err != nil {
		return "", err
	}
	// A prober asks for work when it starts, and then every few seconds.
	if err := j.StartProbers(); err != nil {
		return "", err
	}
	var seen client.CheckedEndpoint
	if err := j.Until(ctx, "the server was checked", func(ctx context.Context) (bool, error) {
		mine, err := j.operator.ListOwnEndpointsWithResponse(ctx, &client.ListOwnEndpointsParams{})
		if err != nil || len(mine.JSON200.Items) != 1 {
			return false, err
		}
		seen = mine.JSON200.Items[0]
		return recheck(seen) != nil && settled(seen), nil
	}); err != nil {
		return "", err
	}
	add := func(name string, got, want any) {
		g, w := fmt.Sprint(got), fmt.Sprint(want)
		j.result.Checks = append(j.result.Checks, Check{Name: name, OK: g == w, Got: g, Want: w})
	}
	c := recheck(seen)
	add("verdict on the operator's server, before approval", c.Verdict, "up")
	add("the data centre behind it has proven its key", c.TelegramProven, true)
	add("the operator has proven control of it", proven(seen), "true")
	return label, nil
}

// settled reports whether the newest proof of control and what it decides are in one
// answer. The service reads the server before its proofs, so for a moment a proof may
// stand beside a server that it has not reached.
func settled(e client.CheckedEndpoint) bool {
	return len(e.Proofs) > 0 && e.Proofs[0].Held == e.Control.Proven
}

// proven returns "true", or why the newest proof of control did not hold.
func proven(e client.CheckedEndpoint) string {
	if e.Control.Proven {
		return "true"
	}
	for _, p := range e.Proofs {
		if p.Why != nil {
			return "false: " + *p.Why
		}
	}
	return "false"
}

// recheck returns the check of e that was asked for, or nil.
func recheck(e client.CheckedEndpoint) *client.EndpointCheck {
	for i := range e.Checks {
		if e.Checks[i].Kind == client.CheckKindRecheck {
			return &e.Checks[i]
		}
	}
	return nil
}

// offerChecks offers a check and a proof of control of the application's server to
// the first prober.
func (j *journey) offerChecks(ctx context.Context) (err error) {
	application, err := uuid.Parse(j.result.ApplicationID)
	if err != nil {
		return err
	}
	url, err := os.ReadFile(j.path("keys", "worker.url"))
	if err != nil {
		return fmt.Errorf("read database URL: %w", err)
	}
	db, err := postgres.Open(ctx, strings.TrimSpace(string(url)))
	if err != nil {
		return err
	}
	defer db.Close()
	servers, err := postgres.EndpointStore{DB: j.Services.DB, Clock: clock.Real{}}.Of(ctx, application)
	if err != nil {
		return err
	}
	now := clock.Real{}.Now().Truncate(time.Microsecond)
	schedule := postgres.EndpointStore{DB: db, Clock: clock.Real{}}
	all, err := schedule.Vantages(ctx, now)
	if err != nil {
		return err
	}
	if len(all) == 0 || len(servers) != 1 {
		return errors.New("there is nobody to check, or nothing")
	}
	for kind, proof := range map[vantage.Kind]control.Kind{vantage.KindRecheck: "", vantage.KindControl: control.KindCredential} {
		_, err := schedule.Offer(ctx, endpoint.Offer{
			ID:         uuid.New(),
			EndpointID: servers[0].ID,
			Kind:       kind,
			Proof:      proof,
			Mode:       probe.Full,
			Place:      vantage.Outside,
			Slot:       now,
			Attempt:    1,
			VantageID:  all[0].ID,
			Due:        now,
			Until:      now.Add(time.Minute),
		})
		if err != nil {
			return err
		}
	}
	return nil
}
