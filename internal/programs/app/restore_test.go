package app_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/auditor/chainaudit"
)

// TestAnOlderBackupIsRestoredByTheRunbook follows "Restoring an older backup" with
// the real programs: a payment whose approval the backup has, and one that was
// approved later, went out in one batch since.
func TestAnOlderBackupIsRestoredByTheRunbook(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2)
	ctx := t.Context()
	known := r.granted(1)[0]
	r.offline("CREATE DATABASE older TEMPLATE causeway")
	later := r.granted(1)[0]
	batch := r.compose(known, later)
	r.approve(batch)
	paid := r.settle(batch)

	// Steps 1 to 3.
	r.must(r.Worker().Stop(ctx))
	r.offline("DROP DATABASE causeway WITH (FORCE)", "ALTER DATABASE older RENAME TO causeway")
	r.must(r.StartWorker())
	// Step 5.
	r.unready(r.WorkerAdmin, "breaker: An older database was restored, and the signers' journals name payments whose approvals it lacks. 1 of them, 100000 sat in all,")
	if _, text := r.get(r.WorkerAdmin + "/readyz"); strings.Contains(text, "not one of ours") {
		t.Errorf("a payment of ours is called a theft:\n%s", text)
	}
	treasury, err := r.treasurer.GetTreasuryWithResponse(ctx)
	r.must(err)
	if open := treasury.JSON200.Breakers; len(open) != 1 || open[0].Code != "recovery_failed" {
		t.Errorf("breakers %+v, want recovery_failed alone", open)
	}
	if lost := treasury.JSON200.Balances.LostSat; lost != 0 {
		t.Errorf("%d sat are booked as lost", lost)
	}
	if b := r.batch(batch); b.State != "paid" || b.Number != paid.Number {
		t.Errorf("batch %d is %s after the restore, want batch %d paid", b.Number, b.State, paid.Number)
	}
	// Step 6: the person applies again, is approved again, and is not paid again.
	form := application(t, later.amountSat)
	form.PayoutAddress = later.address
	later.instalment = r.grantedTo(form)
	list, err := r.treasurer.ListUnjoinedWithResponse(ctx, &client.ListUnjoinedParams{})
	r.must(err)
	if p := list.JSON200.Items; len(p) != 1 || p[0].Address != later.address || p[0].AmountSat != later.amountSat {
		t.Fatalf("unjoined payments %+v, want the one to %s", p, later.address)
	}
	_, err = r.treasurer.ComposeBatchWithResponse(ctx, &client.ComposeBatchParams{IdempotencyKey: client.NewIdempotencyKey()}, client.Order{FeerateSatKvb: 3_000, InstalmentIds: []uuid.UUID{later.instalment}})
	if p := r.problem(err); p.Status != http.StatusConflict || p.Code() != "paid_before_restore" {
		t.Errorf("composing it again answers %d %s, want 409 paid_before_restore", p.Status, p.Code())
	}
	_, err = r.treasurer.JoinUnjoinedWithResponse(ctx, list.JSON200.Items[0].Outpoint, client.NewJoin{InstalmentId: later.instalment})
	r.must(err)
	for _, it := range r.batch(batch).Items {
		if it.State != "paid" {
			t.Errorf("payment %s is %s, want paid", it.Reference, it.State)
		}
	}
	// Step 9: the auditor knows of the loss, and of nothing else.
	for _, alarm := range r.audited().Alarms {
		if alarm.Code != chainaudit.ApprovalLost {
			t.Errorf("the auditor found %s: %s", alarm.Code, alarm.Text)
		}
	}
	if a := r.audited(uint32(paid.Number)); !a.OK() || a.PaidSat != known.amountSat+later.amountSat {
		t.Errorf("the auditor, who accepts the loss, found %d sat paid and %+v", a.PaidSat, a.Alarms)
	}
	treasury, err = r.treasurer.GetTreasuryWithResponse(ctx)
	r.must(err)
	if d := treasury.JSON200.DifferenceSat; d != 0 {
		t.Errorf("ledger and chain differ by %d sat", d)
	}
}

// grantedTo takes one application through two votes and the decision.
func (r *rig) grantedTo(form client.NewApplication) uuid.UUID {
	r.t.Helper()
	receipt, err := r.api(client.Options{}).SubmitApplicationWithResponse(r.t.Context(), &client.SubmitApplicationParams{IdempotencyKey: client.NewIdempotencyKey()}, form)
	r.must(err)
	id := r.find(receipt.JSON201.Reference)
	r.vote(0, id)
	r.vote(1, id)
	return r.decide(id)
}

// offline runs statements on the server while nobody is connected to the database,
// and lets the programs back in.
func (r *rig) offline(statements ...string) {
	r.t.Helper()
	ctx := r.t.Context()
	conn, err := pgx.Connect(ctx, r.Devnet.Postgres.URL("postgres"))
	r.must(err)
	defer func() { r.must(conn.Close(ctx)) }()
	all := append([]string{
		"ALTER DATABASE causeway ALLOW_CONNECTIONS false",
		"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = 'causeway'",
	}, statements...)
	for _, sql := range append(all, "ALTER DATABASE causeway ALLOW_CONNECTIONS true") {
		_, err := conn.Exec(ctx, sql)
		r.must(err)
	}
	r.ready(r.ServeAdmin)
}
