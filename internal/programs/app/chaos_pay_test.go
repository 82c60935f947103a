package app_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/auditor/chainaudit"
	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/treasurer"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/proc"
)

// payee is somebody whose application was granted.
type payee struct {
	instalment uuid.UUID
	decision   string // UUID in the note that was approved
}

// grant takes n fresh applications through two votes and the decision.
func (a *arena) grant(n int) {
	ctx, grants := a.t.Context(), a.services.Grants
	for range n {
		receipt, err := grants.Submit(ctx, rand.Text(), grant.Proposal{
			Title: "One proxy for a test", Narrative: "A proxy on loopback that a test applies with.",
			Endpoints: []claim.Endpoint{{Protocol: "socks5", Host: "127.0.0.1", Port: 1080}}, Region: "other", Language: "en",
			AmountSat: 200_000, PayoutAddress: freshAddress(a.t),
		})
		a.must(err)
		status, err := grants.Status(ctx, receipt.Code)
		a.must(err)
		id := status.Application.ID
		for _, by := range a.reviewers {
			d, err := grants.Show(ctx, by, id)
			a.must(err)
			_, err = grants.Vote(ctx, by, grant.CastVote{ID: id, Verdict: grant.VerdictApprove, Digest: d.Decision.Digest, Note: "The applications of a test are alike."})
			a.must(err)
		}
		d, err := grants.Show(ctx, a.reviewers[1], id)
		a.must(err)
		_, err = grants.Decide(ctx, a.reviewers[1], grant.Decide{ID: id, Version: d.Application.Version, Outcome: grant.VerdictApprove, Digest: d.Decision.Digest})
		a.must(err)
	}
	items, err := a.services.Payouts.Payable(ctx, a.treasurer)
	a.must(err)
	named := regexp.MustCompile(`(?m)^decision ([0-9a-f-]{36})$`)
	for _, it := range items {
		a.free = append(a.free, payee{instalment: it.InstalmentID, decision: named.FindStringSubmatch(it.Note)[1]})
	}
}

// order is a batch of two payees on its way.
type order struct {
	payout.Batch
	payees []payee
}

func (a *arena) compose() order {
	a.t.Helper()
	o := order{payees: a.free[:2]}
	a.free = a.free[2:]
	var err error
	o.Batch, err = a.services.Payouts.Compose(a.t.Context(), a.treasurer, treasurer.Order{InstalmentIDs: []uuid.UUID{o.payees[0].instalment, o.payees[1].instalment}, FeeRateSatKVB: 3_000})
	a.must(err)
	return o
}

func (a *arena) approve(o order) {
	a.t.Helper()
	_, err := a.services.Payouts.Approve(a.t.Context(), a.treasurer, o.ID, o.Version, o.Digest)
	a.must(err)
}

// approved is compose and approve.
func (a *arena) approved() order {
	a.t.Helper()
	o := a.compose()
	a.approve(o)
	return o
}

func (a *arena) record(o order) payout.Record {
	a.t.Helper()
	r, err := a.services.Payouts.Batch(a.t.Context(), a.treasurer, o.ID)
	a.must(err)
	return r
}

func (a *arena) state(o order) payout.State { return a.record(o).Batch.State }

func (a *arena) await(o order, states ...payout.State) {
	a.t.Helper()
	a.until(fmt.Sprintf("batch %d is %v", o.Number, states), func() bool { return slices.Contains(states, a.state(o)) })
}

// bump asks for a higher fee of a broadcast batch.
func (a *arena) bump(o order) {
	a.t.Helper()
	b := a.record(o).Batch
	_, err := a.services.Payouts.Bump(a.t.Context(), a.treasurer, b.ID, b.Version, 12_000)
	a.must(err)
}

// settle mines until the batch is paid. One that never is counts as lost.
func (a *arena) settle(label string, o order) {
	a.t.Helper()
	if a.within(chaosPatience, func() bool {
		switch a.state(o) {
		case payout.Paid:
			return true
		case payout.Mined:
			a.walk(5)
		case payout.Broadcast:
			a.walk(1)
		}
		return false
	}) {
		return
	}
	a.tally.row(label).lost += len(o.payees)
	r := a.record(o)
	a.t.Fatalf("%s: batch %d is %s and not paid: %s", label, o.Number, r.Batch.State, r.Batch.LastError)
}

// walk mines blocks and gives the worker a while to walk them.
func (a *arena) walk(blocks int) {
	a.t.Helper()
	tip := a.node.Mine(blocks)[blocks-1]
	a.within(chaosPatience/10, func() bool { return a.treasury().Tip.Hash == tip })
}

func (a *arena) treasury() treasurer.Treasury {
	a.t.Helper()
	t, err := a.services.Payouts.Treasury(a.t.Context(), a.treasurer)
	if err != nil {
		return treasurer.Treasury{} // the database may be away
	}
	return t
}

// verdict is what the independent reader of chain and journals says of a batch.
func (a *arena) verdict(label string, o order) {
	a.t.Helper()
	fund := a.services.Fund
	cfg := chainaudit.Config{Descriptor: fund.Descriptor, Birthday: fund.BirthdayHeight, Node: a.node.Handle().RPC(), Gap: 200}
	for _, s := range a.signers {
		cfg.Journals = append(cfg.Journals, chainaudit.JournalFile(filepath.Join(s.dir, "journal")))
	}
	report, err := chainaudit.Run(a.t.Context(), cfg)
	a.must(err)
	row := a.tally.row(label)
	for _, f := range report.Alarms {
		if a.seen[f.Text] {
			continue
		}
		a.seen[f.Text] = true
		row.alarms++
		a.t.Errorf("%s: the auditor says %s: %s", label, f.Code, f.Text)
	}
	for _, p := range o.payees {
		times := 0
		for _, paid := range report.Payments {
			if paid.Decision == p.decision {
				times++
			}
		}
		switch {
		case times == 0:
			row.lost++
			a.t.Errorf("%s: decision %s was not paid", label, p.decision)
		case times > 1:
			row.double += times - 1
			a.t.Errorf("%s: decision %s was paid %d times", label, p.decision, times)
		}
	}
	a.until("the worker has walked to the tip", func() bool { return a.treasury().Tip.Height >= report.Height })
	if t := a.treasury(); t.Difference != 0 || len(t.Breakers) != 0 || int64(t.CoinsSat) != report.UnspentSat || report.DifferenceSat != 0 {
		row.alarms++
		a.t.Errorf("%s: ledger difference %d, breakers %v, coins %d; the auditor has %d unspent, difference %d",
			label, t.Difference, t.Breakers, t.CoinsSat, report.UnspentSat, report.DifferenceSat)
	}
}

// doomed is the environment of a process that shall kill itself once at a label.
func (a *arena) doomed(label string) (env []string, once string) {
	once = filepath.Join(a.t.TempDir(), "died")
	return []string{"CRASH_AT=" + label, "CRASH_ONCE=" + once}, once
}

// died waits until p has killed itself at label, and reports it as reached.
func (a *arena) died(p *proc.Process, label, once string) {
	a.t.Helper()
	a.until("the process has died at "+label, func() bool { return dead(p) })
	var exit *exec.ExitError
	if err := p.Err(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL { //nolint:errcheck // Linux
		a.t.Errorf("%s: the process ended with %v, want SIGKILL", label, err)
	}
	if _, err := os.Stat(once + "." + label); err == nil {
		a.tally.row(label).reached++
	}
}
