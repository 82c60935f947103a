package grant_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
	"github.com/causeway-fund/causeway/internal/trust/seal"
)

var epoch = time.Date(2026, 11, 22, 9, 30, 0, 123456000, time.UTC)

const network = "regtest"

// world is a fund with staff, an empty treasury and the service on a database
// of its own.
type world struct {
	*grant.Service
	base      *pgtest.DB
	owner     *postgres.DB // may do anything
	app       *postgres.DB // what the service runs as
	clock     *clock.Fake
	fund      fund.Fund
	reviewers []identity.Actor // three
	treasurer identity.Actor
	admin     identity.Actor
	auditor   identity.Actor
	keys      *seal.Keyring
}

func newWorld(t testing.TB, change ...func(*fund.Fund)) *world {
	t.Helper()
	return newWorldOn(t, pgtest.New(t), change...)
}

func newWorldOn(t testing.TB, base *pgtest.DB, change ...func(*fund.Fund)) *world {
	t.Helper()
	w := &world{base: base, clock: clock.NewFake(epoch), owner: open(t, base.URL), app: open(t, base.AppURL)}
	params, err := wallet.Params(network)
	noError(t, err)
	w.fund = fund.Fund{
		ID: uuid.New(), Name: "Test fund", Network: network, Descriptor: account(t, 1).String(), Budget: 50_000_000,
		MinAmount: 10_000, MaxAmount: 5_000_000, PolicyVersion: 1, Quorum: 2, MaxFeeRateSatKVB: 100_000, MaxFee: 100_000,
		PayWindow: 90 * 24 * time.Hour, PaidDepth: 6, FinalDepth: 100, CreatedAt: epoch,
	}
	for _, f := range change {
		f(&w.fund)
	}
	noError(t, w.owner.Bind(t.Context(), network, params.GenesisHash.String()))
	noError(t, w.owner.CreateFund(t.Context(), w.fund))
	for _, name := range []string{"Ada", "Bo", "Cleo"} {
		w.reviewers = append(w.reviewers, w.hire(t, name, identity.RoleReviewer))
	}
	w.treasurer = w.hire(t, "Tove", identity.RoleTreasurer)
	w.admin = w.hire(t, "Adil", identity.RoleAdmin)
	w.auditor = w.hire(t, "Aude", identity.RoleAuditor)

	path := filepath.Join(t.TempDir(), "seal.key")
	noError(t, seal.GenerateKeyFile(path))
	w.keys, err = seal.Load(path)
	noError(t, err)
	w.Service, err = grant.New(grant.Config{Store: w.store(t), Keys: w.keys, Clock: w.clock})
	noError(t, err)
	return w
}

// store is the one of the service, with its servers.
func (w *world) store(t testing.TB) postgres.GrantStore {
	t.Helper()
	servers, err := endpoint.NewRegister(w.keys, rand.Reader)
	noError(t, err)
	return postgres.GrantStore{DB: w.app, Servers: servers}
}

func open(t testing.TB, url string) *postgres.DB {
	t.Helper()
	d, err := postgres.Open(t.Context(), url)
	noError(t, err)
	d.ForbidReentry(func(stack string) { t.Errorf("the store was called inside its own transaction:\n%s", stack) })
	t.Cleanup(d.Close)
	return d
}

// account returns the descriptor of a wallet that seed stands for.
func account(t testing.TB, seed byte) *wallet.Descriptor {
	t.Helper()
	params, err := wallet.Params(network)
	noError(t, err)
	sum := sha256.Sum256([]byte{seed})
	d, err := wallet.DescriptorFromSeed(sum[:], wallet.KindWPKH, params)
	noError(t, err)
	return d
}

func (w *world) hire(t testing.TB, name string, role identity.Role) identity.Actor {
	t.Helper()
	id := uuid.New()
	w.exec(t, "INSERT INTO staff (id, name, created_at) VALUES ($1, $2, $3)", id, name, epoch)
	return identity.Actor{Kind: identity.KindStaff, StaffID: id, Name: name, Roles: []identity.Role{role}}
}

// deposit makes amount available in the treasury.
func (w *world) deposit(t testing.TB, amount int64) {
	t.Helper()
	w.exec(t, `WITH t AS (INSERT INTO ledger_transfer (kind, ref, at) VALUES ('deposit', 'test', $1) RETURNING id)
		INSERT INTO ledger_posting (transfer_id, account, amount_sat) SELECT id, account, sat FROM t,
		(VALUES ('outside', -$2::bigint), ('available', $2::bigint)) v (account, sat)`, epoch, amount)
}

// exec runs one statement as the owner.
func (w *world) exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	if _, err := w.owner.Pool().Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// number returns the one number that sql selects.
func (w *world) number(t testing.TB, sql string, args ...any) int64 {
	t.Helper()
	var n int64
	if err := w.owner.Pool().QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// rows counts the rows of every table that an application touches, and adds the
// versions up: equal before and after means that nothing was written.
func (w *world) rows(t testing.TB) map[string]int64 {
	t.Helper()
	counts := map[string]int64{"versions": w.number(t, "SELECT coalesce(sum(version), 0) FROM application")}
	for _, table := range []string{
		"application", "application_revision", "decision", "vote", "message", "idempotency", "grants", "instalment",
		"event", "audit_leaf", "audit_hash", "ledger_transfer", "ledger_posting", "claim",
	} {
		counts[table] = w.number(t, "SELECT count(*) FROM "+table)
	}
	return counts
}

// nothingWritten runs act and ends t unless the database is as before. Reading
// leaves one leaf for each reader, so all reviewers have read everything by then.
func (w *world) nothingWritten(t testing.TB, act func()) {
	t.Helper()
	w.readAll(t)
	w.unchanged(t, act)
}

// readAll has every reviewer read every application.
func (w *world) readAll(t testing.TB) {
	t.Helper()
	var ids []uuid.UUID
	noError(t, w.owner.Pool().QueryRow(t.Context(), "SELECT coalesce(array_agg(id), '{}') FROM application").Scan(&ids))
	for _, id := range ids {
		for _, by := range w.reviewers {
			_, err := w.Show(t.Context(), by, id)
			noError(t, err)
		}
	}
}

func (w *world) unchanged(t testing.TB, act func()) {
	t.Helper()
	before := w.rows(t)
	act()
	if diff := gocmp.Diff(before, w.rows(t)); diff != "" {
		t.Errorf("rows before and after:\n%s", diff)
	}
}

// payee returns the n-th address of an operator.
func payee(t testing.TB, n int) string {
	t.Helper()
	address, err := account(t, 2).Address(0, uint32(n))
	noError(t, err)
	return address
}

// proposal returns a valid proposal, the n-th.
func proposal(t testing.TB, n int) grant.Proposal {
	t.Helper()
	return grant.Proposal{
		Title: fmt.Sprintf("Relay number %d", n), Narrative: "Two servers for people behind a filter, paid for one year.", Contact: "signal: relay.42",
		Endpoints: []claim.Endpoint{{Protocol: "socks5", Host: "relay.example.org", Port: 1080, Username: "user", Secret: "swordfish", Note: "evenings only"}},
		Region:    "IR", Language: "en", AmountSat: 100_000, PayoutAddress: payee(t, n),
	}
}

func key(n int) string { return fmt.Sprintf("idempotency-key-%06d", n) }

// filed is an application and its receipt code.
type filed struct {
	id   uuid.UUID
	code string
}

// file submits the n-th proposal.
func (w *world) file(t testing.TB, n int, change ...func(*grant.Proposal)) filed {
	t.Helper()
	p := proposal(t, n)
	for _, f := range change {
		f(&p)
	}
	receipt, err := w.Submit(t.Context(), key(n), p)
	noError(t, err)
	return filed{w.status(t, receipt.Code).Application.ID, receipt.Code}
}

func (w *world) status(t testing.TB, code string) grant.Status {
	t.Helper()
	s, err := w.Status(t.Context(), code)
	noError(t, err)
	return s
}

func (w *world) show(t testing.TB, id uuid.UUID) grant.Detail {
	t.Helper()
	d, err := w.Show(t.Context(), w.reviewers[0], id)
	noError(t, err)
	return d
}

// question stands among the verdicts for asking the operator, which is no vote.
const question grant.Verdict = "question"

// vote votes on the revision that stands, or asks about it.
func (w *world) vote(ctx context.Context, by identity.Actor, id uuid.UUID, v grant.Verdict) error {
	d, err := w.Show(ctx, by, id)
	if err != nil {
		return err
	}
	return w.say(ctx, by, id, v, d.Decision.Digest, "Because of reasons.")
}

// say casts a vote with a note for colleagues, or asks the operator.
func (w *world) say(ctx context.Context, by identity.Actor, id uuid.UUID, v grant.Verdict, digest decision.Digest, words string) error {
	var err error
	if v == question {
		_, err = w.Ask(ctx, by, grant.Question{ID: id, Digest: digest, Message: words})
	} else {
		_, err = w.Vote(ctx, by, grant.CastVote{ID: id, Verdict: v, Digest: digest, Note: words})
	}
	return err
}

// ready files the n-th proposal and takes it to a quorum for v.
func (w *world) ready(t testing.TB, n int, v grant.Verdict) filed {
	t.Helper()
	f := w.file(t, n)
	noError(t, w.vote(t.Context(), w.reviewers[0], f.id, v))
	noError(t, w.vote(t.Context(), w.reviewers[1], f.id, v))
	return f
}

// decision returns the command that decides the application as it stands.
func (w *world) decision(t testing.TB, id uuid.UUID, outcome grant.Verdict) grant.Decide {
	t.Helper()
	d := w.show(t, id)
	return grant.Decide{ID: id, Version: d.Application.Version, Outcome: outcome, Digest: d.Decision.Digest, Message: "That is what we decided."}
}

func (w *world) balance(t testing.TB, account string) btcutil.Amount {
	t.Helper()
	return btcutil.Amount(w.number(t, "SELECT coalesce(sum(amount_sat), 0)::bigint FROM ledger_posting WHERE account = $1", account))
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantCode ends t unless err has this code; "" stands for no error.
func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	if code == "" {
		noError(t, err)
	} else if !errs.Is(err, errs.Code(code)) {
		t.Fatalf("got error %v, want code %s", err, code)
	}
}

func told(t testing.TB, err error) *errs.Error {
	t.Helper()
	var e *errs.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no error for people", err)
	}
	return e
}

// tally counts equal values.
func tally[T cmp.Ordered](values []T) map[T]int {
	counts := map[T]int{}
	for _, v := range values {
		counts[v]++
	}
	return counts
}

// together runs n calls at once and returns the codes of their errors, "" for
// none.
func together(n int, call func(i int) error) []string {
	codes, start, done := make([]string, n), make(chan struct{}), make(chan int)
	for i := range n {
		go func() {
			<-start
			if err := call(i); err != nil {
				codes[i] = string(errs.CodeOf(err))
			}
			done <- i
		}()
	}
	close(start)
	for range n {
		<-done
	}
	return codes
}
