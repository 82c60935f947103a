package endpoint_test

import (
	"crypto/rand"
	"crypto/sha256"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/uptime"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/programs/jobs"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
	"github.com/causeway-fund/causeway/internal/trust/seal"
)

// house is a fund on a real database that pays only for proven endpoints.
type house struct {
	*endpoint.Service
	grants *grant.Service
	owner  *postgres.DB
	worker postgres.EndpointStore
	clock  *clock.Fake
	payee  string
}

func openDB(t *testing.T, url string) *postgres.DB {
	t.Helper()
	d, err := postgres.Open(t.Context(), url)
	noError(t, err)
	d.ForbidReentry(func(stack string) { t.Errorf("the store was called inside its own transaction:\n%s", stack) })
	t.Cleanup(d.Close)
	return d
}

func newHouse(t *testing.T) *house {
	t.Helper()
	base := pgtest.New(t)
	h := &house{clock: clock.NewFake(epoch), owner: openDB(t, base.URL)}
	app := openDB(t, base.AppURL)
	h.worker = postgres.EndpointStore{DB: openDB(t, base.WorkerURL), Clock: h.clock}
	params, err := wallet.Params("regtest")
	noError(t, err)
	account := func(seed byte) *wallet.Descriptor {
		sum := sha256.Sum256([]byte{seed})
		d, err := wallet.DescriptorFromSeed(sum[:], wallet.KindWPKH, params)
		noError(t, err)
		return d
	}
	h.payee, err = account(2).Address(0, 1)
	noError(t, err)
	noError(t, h.owner.Bind(t.Context(), "regtest", params.GenesisHash.String()))
	noError(t, h.owner.CreateFund(t.Context(), fund.Fund{
		ID: uuid.New(), Name: "Test fund", Network: "regtest", Descriptor: account(1).String(), Budget: 50_000_000, MinAmount: 10_000, MaxAmount: 5_000_000,
		PolicyVersion: 1, Quorum: 2, MaxFeeRateSatKVB: 100_000, MaxFee: 100_000, PayWindow: 90 * 24 * time.Hour, PaidDepth: 6, FinalDepth: 100, CreatedAt: epoch,
	}))
	noError(t, h.owner.SetCheckPolicy(t.Context(), policy(), audit.Entry{Actor: identity.System("test"), Action: "policy.set", ObjectKind: "fund", ObjectID: uuid.NewString(), At: epoch}))
	_, _, err = h.worker.Partitions(t.Context(), epoch.AddDate(0, 0, -1), epoch.AddDate(0, 0, 3), time.Unix(0, 0))
	noError(t, err)

	path := filepath.Join(t.TempDir(), "seal.key")
	noError(t, seal.GenerateKeyFile(path))
	keys, err := seal.Load(path)
	noError(t, err)
	servers, err := endpoint.NewRegister(keys, rand.Reader)
	noError(t, err)
	h.grants, err = grant.New(grant.Config{Store: postgres.GrantStore{DB: app, Servers: servers}, Keys: keys, Clock: h.clock})
	noError(t, err)
	enqueue, err := jobs.Enqueuer()
	noError(t, err)
	h.Service, err = endpoint.New(endpoint.Config{
		Store: postgres.EndpointStore{DB: app, Clock: h.clock, Enqueue: enqueue}, Receipts: h.grants, Keys: keys, Clock: h.clock, Telegram: telegram,
	})
	noError(t, err)
	return h
}

func (h *house) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := h.owner.Pool().Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func (h *house) text(t *testing.T, sql string, args ...any) string {
	t.Helper()
	var s string
	if err := h.owner.Pool().QueryRow(t.Context(), sql, args...).Scan(&s); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return s
}

// TestFromLinkToGate takes a server from its link to the gate of a payment, on a
// real database and as the roles that the programs have.
func TestFromLinkToGate(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	reviewer, second := staff(identity.RoleReviewer), staff(identity.RoleReviewer)
	h.exec(t, "INSERT INTO staff (id, name, created_at) VALUES ($1, 'Ada', $3), ($2, 'Bo', $3)", reviewer.StaffID, second.StaffID, epoch)
	h.exec(t, `WITH t AS (INSERT INTO ledger_transfer (kind, ref, at) VALUES ('deposit', 'test', $1) RETURNING id)
		INSERT INTO ledger_posting (transfer_id, account, amount_sat) SELECT id, account, sat FROM t, (VALUES ('outside', -1000000), ('available', 1000000)) v (account, sat)`, epoch)
	receipt, err := h.grants.Submit(t.Context(), "idempotency-key-000001", grant.Proposal{
		Title: "One way out", Narrative: "A server that students read the news through.", Endpoints: []claim.Endpoint{{Link: named}},
		Region: "IR", Language: "en", AmountSat: 100_000, PayoutAddress: h.payee,
	})
	noError(t, err)
	views, err := h.Mine(t.Context(), receipt.Code, endpoint.DefaultChecks)
	noError(t, err)
	label, application := views[0].Endpoint.Label, views[0].Endpoint.ApplicationID
	shown, err := h.grants.Show(t.Context(), reviewer, application)
	noError(t, err)
	for _, by := range []identity.Actor{reviewer, second} {
		_, err = h.grants.Vote(t.Context(), by, grant.CastVote{ID: application, Verdict: grant.VerdictApprove, Digest: shown.Decision.Digest})
		noError(t, err)
	}
	decide := func() error {
		d, err := h.grants.Show(t.Context(), reviewer, application)
		noError(t, err)
		_, err = h.grants.Decide(t.Context(), reviewer, grant.Decide{ID: application, Version: d.Application.Version, Outcome: grant.VerdictApprove, Digest: d.Decision.Digest})
		return err
	}
	wantCode(t, decide(), "endpoint_unproven")
	_, err = h.Prove(t.Context(), receipt.Code, label, control.KindCredential)
	wantCode(t, err, "checks_not_begun")

	_, token, err := h.AddVantage(t.Context(), staff(identity.RoleAdmin), endpoint.NewVantage{Name: "fi-1", Place: vantage.Outside, Country: "FI", ASN: 64500})
	noError(t, err)
	p := newProber(t, h.Service, h.clock, token)
	h.clock.Advance(61 * time.Minute)
	// work offers what was asked for last, as the queue would, and answers it.
	work := func(kind vantage.Kind, proof control.Kind, ours probe.Outcome, decoy *probe.Outcome) {
		now := h.clock.Now()
		id, err := uuid.Parse(h.text(t, "SELECT id::text FROM check_request ORDER BY asked_at DESC LIMIT 1"))
		noError(t, err)
		stored, err := h.worker.Offer(t.Context(), endpoint.Offer{
			ID: id, EndpointID: views[0].Endpoint.ID, Kind: kind, Proof: proof, Mode: probe.Full, Place: vantage.Outside, Slot: now, Attempt: 1,
			VantageID: p.id, Due: now, Until: now.Add(time.Minute),
		})
		if err != nil || !stored {
			t.Fatalf("offer: %t, %v", stored, err)
		}
		l := p.lease(t)
		noError(t, p.report(t, l.ID, []vantage.Answer{{Job: l.Jobs[0].ID, Started: now, Outcome: ours, Decoy: decoy}}))
	}
	v, err := h.Recheck(t.Context(), receipt.Code, label)
	noError(t, err)
	if !v.Pending {
		t.Error("the check that was asked for does not wait")
	}
	work(vantage.KindRecheck, "", up(), nil)
	h.clock.Advance(time.Minute)
	_, err = h.Prove(t.Context(), receipt.Code, label, control.KindCredential)
	noError(t, err)
	decoy := rejected()
	work(vantage.KindControl, control.KindCredential, up(), &decoy)

	views, err = h.Mine(t.Context(), receipt.Code, endpoint.DefaultChecks)
	noError(t, err)
	v = views[0]
	if !v.Endpoint.Proven(h.clock.Now()) || v.Pending || len(v.Checks) != 2 || len(v.Proofs) != 1 || v.Endpoint.LastVerdict != probe.Up {
		t.Fatalf("%+v", v)
	}
	noError(t, decide())

	h.clock.Advance(24 * time.Hour)
	if n, err := h.worker.RollUp(t.Context(), epoch, 10); err != nil || n != 1 {
		t.Fatalf("%d days, %v", n, err)
	}
	gates, err := h.worker.Gates(t.Context(), 10)
	if err != nil || len(gates) != 1 {
		t.Fatalf("%d gates, %v", len(gates), err)
	}
	now := h.clock.Now()
	snap, decision, err := endpoint.DecideGate(gates[0], policy(), uuid.New(), now)
	noError(t, err)
	noError(t, h.worker.Gate(t.Context(), gates[0], snap, decision == uptime.Pay, audit.Entry{
		Actor: identity.System("gate"), Action: "instalment.held", ObjectKind: "instalment", ObjectID: gates[0].InstalmentID.String(), From: "payable", To: "held", At: now,
	}))
	mine, err := h.MySnapshot(t.Context(), receipt.Code, label)
	noError(t, err)
	if held := h.text(t, "SELECT state || ' ' || held_reason FROM instalment"); decision != uptime.HoldCoverage || held != "held uptime:hold_coverage" {
		t.Errorf("%s, %s", decision, held)
	}
	if string(mine.Text) != string(snap.Text) {
		t.Errorf("the operator is shown\n%s, and decided was by\n%s", mine.Text, snap.Text)
	}
	kept := h.text(t, `SELECT concat(string_agg(e::text, ' '), ' ') || (SELECT string_agg(r::text, ' ') FROM check_result r) || (SELECT string_agg(b::text, ' ') FROM event b) FROM endpoint e`)
	for _, secret := range []string{"relay.example", "203.0.113", "swordfish"} {
		if contains([]byte(kept), secret) {
			t.Errorf("the database says %s in clear", secret)
		}
	}
	breaches, err := postgres.PayoutStore{DB: h.owner}.Breaches(t.Context(), 10)
	noError(t, err)
	for _, b := range breaches {
		if b.Invariant != "i07_coins" { // no coin stands behind the deposit
			t.Errorf("%s: %s", b.Invariant, b.What)
		}
	}
}
