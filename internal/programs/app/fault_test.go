package app_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/pgserver"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/proc"
)

// TestWhatIsMissingIsNamedAndWorkGoesOn takes one part of the world away at a
// time. Nothing but the part's return may be needed to go on.
func TestWhatIsMissingIsNamedAndWorkGoesOn(t *testing.T) {
	t.Parallel()
	faults := []struct {
		name string
		run  func(r *rig, op operator)
	}{
		{"node", (*rig).nodeAway},
		{"signer", (*rig).signerAway},
		{"database", (*rig).databaseAway},
		{"leader", (*rig).leaderKilled},
	}
	r := newRig(t, len(faults))
	ops := r.granted(len(faults))
	for i, f := range faults {
		if !t.Run(f.name, func(t *testing.T) { f.run(r.in(t), ops[i]) }) {
			return // the world may lack a part now
		}
	}
	r.paidOnce(ops...)
	t.Run("start", func(t *testing.T) { r.in(t).cannotStart() })
}

// in returns the same world for a subtest.
func (r *rig) in(t *testing.T) *rig {
	sub := *r
	sub.t = t
	return &sub
}

func (r *rig) nodeAway(op operator) {
	r.must(r.Devnet.Node.Stop(r.t.Context()))
	batch := r.compose(op)
	r.approve(batch)
	r.unready(r.WorkerAdmin, "node: btcd at "+r.Devnet.Node.Host()+" does not answer")
	if b := r.batch(batch); b.State != "approved" {
		r.t.Errorf("without a node the batch is %s, want approved", b.State)
	}
	node, err := r.Devnet.Node.Restart(r.t.Context())
	r.must(err)
	r.Devnet.Node = node
	r.settle(batch)
	r.ready(r.WorkerAdmin)
}

func (r *rig) signerAway(op operator) {
	r.must(r.Signer().Stop(r.t.Context()))
	batch := r.compose(op)
	r.approve(batch)
	r.unready(r.WorkerAdmin, "signer: The signer at ")
	var why string
	r.until("the batch says why it waits", func() bool {
		b := r.batch(batch)
		if b.LastError != nil {
			why = *b.LastError
		}
		return why != ""
	})
	if b := r.batch(batch); b.State != "built" || !strings.HasPrefix(why, "The signer at ") {
		r.t.Errorf("without a signer the batch is %s because of %q, want built", b.State, why)
	}
	r.must(r.StartSigner())
	if b := r.settle(batch); b.LastError != nil {
		r.t.Errorf("the paid batch still says %q", *b.LastError)
	}
	r.ready(r.WorkerAdmin)
}

// databaseAway kills PostgreSQL with an approved batch on its way.
func (r *rig) databaseAway(op operator) {
	ctx := r.t.Context()
	batch := r.compose(op)
	r.approve(batch)
	port := r.Devnet.Postgres.Port()
	r.must(r.Devnet.Postgres.Kill())
	down := fmt.Sprintf("The PostgreSQL server at 127.0.0.1:%d (database \"causeway\") does not answer", port)
	r.unready(r.ServeAdmin, "database: "+down)
	r.unready(r.WorkerAdmin, "database: "+down)
	if _, text := r.get(r.ServeAdmin + "/readyz"); strings.Contains(text, "migrate") {
		r.t.Errorf("a database that is down is taken for one without a schema:\n%s", text)
	}
	if status, text := r.get(r.URL + "/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(text, down) {
		r.t.Errorf("/readyz of the dashboard answers %d %q", status, text)
	}
	// What was read before may still be told, as the fund; what has to be asked for is not.
	_, err := r.api(client.Options{Receipt: op.receipt}).ListOwnEndpointsWithResponse(ctx, &client.ListOwnEndpointsParams{})
	if p := r.problem(err); p.Status != http.StatusServiceUnavailable || p.Code() != "database_down" {
		r.t.Errorf("the API answers %d %s, want 503 database_down", p.Status, p.Code())
	}
	r.exits("causeway: "+down, r.ServeArgs()...)
	r.exits("causeway: "+down, r.WorkerArgs("")...)

	postgres, err := pgserver.Start(ctx, pgserver.Config{Dir: filepath.Join(r.dir, "postgres"), Port: port, Volatile: true})
	r.must(err)
	r.Devnet.Postgres = postgres
	r.ready(r.ServeAdmin)
	r.ready(r.WorkerAdmin)
	r.settle(batch)
}

// leaderKilled has two workers on one database: the second works only when the
// first is dead, and goes on where that one died.
func (r *rig) leaderKilled(op operator) {
	const label = "C10"
	once := filepath.Join(r.t.TempDir(), "died")
	r.Env = []string{"CRASH_AT=" + label, "CRASH_ONCE=" + once}
	leader := r.restart()
	r.Env = nil
	r.ready(r.WorkerAdmin)
	admin := "http://" + r.freeAddress()
	second := r.spare(r.WorkerArgs(admin)...)
	r.until("the second worker waits", func() bool { return strings.Contains(second.log(), "another worker is the leader; waiting") })
	if strings.Contains(second.log(), `"msg":"leading"`) {
		r.t.Error("two workers lead")
	}
	r.ready(admin) // to wait, which is what it is there for

	batch := r.compose(op)
	r.approve(batch)
	r.died(leader, label, once)
	b := r.settle(batch)
	if !strings.Contains(second.log(), `"msg":"leading"`) || len(b.Attempts) != 1 {
		r.t.Errorf("the batch was paid with %d attempts; the second worker says:\n%s", len(b.Attempts), second.log())
	}
	r.must(r.StartWorker())
	r.must(second.Stop(r.t.Context()))
	// No block has come since: a new leader compares ledger and coins all the same.
	r.until("the new leader has looked at the ledger", func() bool {
		_, text := r.get(r.WorkerAdmin + "/metrics")
		return strings.Contains(text, `causeway_ledger_sat{account="paid"}`)
	})
	r.ready(r.WorkerAdmin)
}

// unready waits until /readyz at url answers 503 with a line that starts so.
func (r *rig) unready(url, line string) {
	r.t.Helper()
	var last string
	r.until("/readyz says: "+line, func() bool {
		status, text := r.get(url + "/readyz")
		last = text
		return status == http.StatusServiceUnavailable && strings.Contains("\n"+last, "\n"+line)
	})
}

func (r *rig) ready(url string) {
	r.t.Helper()
	r.until("/readyz is well", func() bool { status, _ := r.get(url + "/readyz"); return status == http.StatusOK })
}

// freeAddress is a host:port that nobody listened at a moment ago.
func (r *rig) freeAddress() string {
	r.t.Helper()
	l, err := new(net.ListenConfig).Listen(r.t.Context(), "tcp", "127.0.0.1:0")
	r.must(err)
	r.must(l.Close())
	return l.Addr().String()
}

// child is a further process of causeway with a log of its own.
type child struct {
	*proc.Process
	r    *rig
	path string
}

// spare runs causeway beside those of the world, until it is stopped or the test
// ends.
func (r *rig) spare(args ...string) *child {
	r.t.Helper()
	out, err := os.CreateTemp(r.t.TempDir(), "log")
	r.must(err)
	p, err := proc.Start(proc.Spec{Path: filepath.Join(programs, "causeway"), Args: args, Env: []string{"TZ=UTC"}, Output: out})
	r.must(err)
	r.must(out.Close())
	r.t.Cleanup(func() {
		if err := p.Stop(context.WithoutCancel(r.t.Context())); err != nil {
			r.t.Error(err)
		}
	})
	return &child{Process: p, r: r, path: out.Name()}
}

func (c *child) log() string {
	c.r.t.Helper()
	text, err := os.ReadFile(c.path)
	c.r.must(err)
	return string(text)
}

// exits runs causeway and wants it to give up with one line that starts so, and
// at most its cause below.
func (r *rig) exits(line string, args ...string) {
	r.t.Helper()
	p := r.spare(args...)
	r.until("causeway "+args[0]+" gives up", func() bool {
		select {
		case <-p.Done():
			return true
		default:
			return false
		}
	})
	var said []string
	for text := range strings.Lines(p.log()) {
		if !strings.HasPrefix(text, "{") {
			said = append(said, strings.TrimSpace(text))
		}
	}
	if p.Err() == nil || len(said) == 0 || !strings.HasPrefix(said[0], line) {
		r.t.Errorf("causeway %s ended with %v and said %q, want %q", args[0], p.Err(), said, line)
		return
	}
	if len(said) > 2 || len(said) == 2 && !strings.HasPrefix(said[1], "cause: ") {
		r.t.Errorf("causeway %s needs more than a line: %q", args[0], said)
	}
}
