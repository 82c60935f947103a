package app_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/programs/demo"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/proxies"
)

// dueNow makes every check due that waits for its moment.
const dueNow = `UPDATE river.river_job SET scheduled_at = now(), args = jsonb_set(args, '{d}', to_jsonb(now()))
	WHERE kind = 'check' AND state = 'scheduled' AND scheduled_at > now()`

// claimedHost stands nowhere but in what the operator of this test sends.
const claimedHost = "127.83.171.9"

// door leads to a proxy and counts who comes.
type door struct {
	addr   string
	visits atomic.Int64
}

func newDoor(t *testing.T, to string) *door {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", claimedHost+":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	d := &door{addr: l.Addr().String()}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			d.visits.Add(1)
			go through(c, to)
		}
	}()
	return d
}

func through(c net.Conn, to string) {
	defer func() { _ = c.Close() }()
	out, err := new(net.Dialer).DialContext(context.Background(), "tcp", to)
	if err != nil {
		return
	}
	go func() {
		_, err := io.Copy(out, c)
		_ = errors.Join(err, out.Close())
	}()
	_, _ = io.Copy(c, out)
}

// TestAServerIsCheckedAndProvenByProbersAlone takes one server from its link to a
// proof of control. Until a prober runs, nobody connects to it, whatever its
// operator and reviewers ask for and however due the checks are.
func TestAServerIsCheckedAndProvenByProbersAlone(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	r := newRigOf(t, 1, demo.Config{Checks: true})
	i := slices.IndexFunc(r.Devnet.Proxies, func(p *proxies.Proxy) bool { return p.Kind == proxies.SOCKS5 && p.User != "" })
	if i < 0 {
		t.Fatal("the devnet has no SOCKS5 proxy with a password")
	}
	proxy := r.Devnet.Proxies[i]
	door := newDoor(t, proxy.Addr)
	link := (&url.URL{Scheme: "socks5", User: url.UserPassword(proxy.User, proxy.Pass), Host: door.addr}).String()

	form := application(t, 100_000)
	form.Endpoints = []client.Endpoint{{Link: &link}}
	receipt, err := r.api(client.Options{}).SubmitApplicationWithResponse(ctx, &client.SubmitApplicationParams{IdempotencyKey: client.NewIdempotencyKey()}, form)
	r.must(err)
	own := r.api(client.Options{Receipt: receipt.JSON201.ReceiptCode})
	label := r.server(own).Label
	id := r.find(receipt.JSON201.Reference)

	_, err = own.RecheckEndpointWithResponse(ctx, label)
	if p := r.problem(err); p.Code() != "checks_not_begun" {
		t.Errorf("a check right after the application is answered with %s", p.Code())
	}
	r.hasten("UPDATE endpoint SET checks_from = created_at")
	_, err = own.RecheckEndpointWithResponse(ctx, label)
	r.must(err)
	_, err = r.reviewers[0].ListEndpointsWithResponse(ctx, id, &client.ListEndpointsParams{})
	r.must(err)
	r.until("a check is due", func() bool {
		r.hasten(dueNow)
		return r.number("SELECT count(*) FROM river.river_job WHERE kind = 'check' AND attempt > 0") > 0
	})
	if n := door.visits.Load(); n != 0 {
		t.Errorf("%d connections to the server while no prober runs", n)
	}

	r.must(r.StartProbers())
	r.until("the server was checked", func() bool {
		r.hasten(dueNow)
		return r.number("SELECT count(*) FROM endpoint WHERE last_at IS NOT NULL") > 0
	})
	if s := r.server(own); s.Verdict == nil || *s.Verdict != client.CheckUp {
		t.Errorf("the server is not up: %+v", s.Checks)
	}
	r.must(proxy.Allow(r.credential(own, label)))
	r.hasten("UPDATE check_request SET asked_at = asked_at - interval '1 day'")
	r.hasten("UPDATE endpoint SET rechecked_at = rechecked_at - interval '1 day'")
	_, err = own.ProveControlWithResponse(ctx, label, client.NewProof{Kind: client.ControlByCredential})
	r.must(err)
	r.until("control is proven", func() bool {
		r.hasten(dueNow)
		return r.number("SELECT count(*) FROM endpoint_proof") > 0
	})
	if s := r.server(own); !s.Control.Proven {
		t.Errorf("control is not proven: %+v", s.Proofs)
	}
	if s := r.server(own); s.Exit == nil || s.Exit.Address == nil || !strings.HasPrefix(*s.Exit.Address, "127.") {
		t.Errorf("the exit's address is not known: %+v", s.Exit)
	}
	if door.visits.Load() == 0 {
		t.Error("the server was proven and nobody came")
	}
	r.nothingLeaks("", label, []string{claimedHost, door.addr})
}

// server returns the only server of an application.
func (r *rig) server(own *client.API) client.CheckedEndpoint {
	r.t.Helper()
	list, err := own.ListOwnEndpointsWithResponse(r.t.Context(), &client.ListOwnEndpointsParams{})
	r.must(err)
	if len(list.JSON200.Items) != 1 {
		r.t.Fatalf("%d servers, want 1", len(list.JSON200.Items))
	}
	return list.JSON200.Items[0]
}

// credential returns what the operator is asked to let in.
func (r *rig) credential(own *client.API, label string) (user, password string) {
	r.t.Helper()
	ways, err := own.GetControlWithResponse(r.t.Context(), label)
	r.must(err)
	for _, w := range ways.JSON200.Items {
		if c := w.Credential; c != nil && c.User != nil && c.Password != nil {
			return *c.User, *c.Password
		}
	}
	r.t.Fatalf("no way to prove control by a user: %+v", ways.JSON200.Items)
	return "", ""
}

// hasten moves what waits for a time to come.
func (r *rig) hasten(sql string) {
	r.t.Helper()
	r.must(r.Devnet.Postgres.Exec(r.t.Context(), "causeway", sql))
}

// number returns the number that a query answers with.
func (r *rig) number(query string) (n int) {
	r.t.Helper()
	conn, err := pgx.Connect(r.t.Context(), r.Devnet.Postgres.URL("causeway"))
	r.must(err)
	r.must(conn.QueryRow(r.t.Context(), query).Scan(&n))
	r.must(conn.Close(r.t.Context()))
	return n
}
