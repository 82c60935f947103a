package app

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/edge/server"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
	"github.com/causeway-fund/causeway/internal/trust/seal"
)

// edge is the whole of `causeway serve` on a database of its own, without a port.
type edge struct {
	*server.Server
	services *Services
	owner    *postgres.DB
}

func newEdge(t *testing.T) *edge {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	base := pgtest.New(t)
	open := func(url string) *postgres.DB {
		db, err := postgres.Open(t.Context(), url)
		must(err)
		db.ForbidReentry(func(stack string) { t.Errorf("the store was called inside its own transaction:\n%s", stack) })
		t.Cleanup(db.Close)
		return db
	}
	e := &edge{owner: open(base.URL)}
	params, err := wallet.Params("regtest")
	must(err)
	seed := sha256.Sum256([]byte("treasury"))
	descriptor, err := wallet.DescriptorFromSeed(seed[:], wallet.KindWPKH, params)
	must(err)
	must(e.owner.Bind(t.Context(), params.Name, params.GenesisHash.String()))
	f := fund.Fund{
		ID: uuid.New(), Name: "Test fund", Descriptor: descriptor.String(), Budget: 50_000_000, MinAmount: 10_000, MaxAmount: 5_000_000, PolicyVersion: 1,
		Quorum: 2, MaxFeeRateSatKVB: 100_000, MaxFee: 100_000, PayWindow: 90 * 24 * time.Hour, PaidDepth: 6, FinalDepth: 100, CreatedAt: time.Now(),
	}
	must(e.owner.CreateFund(t.Context(), f))
	dir := t.TempDir()
	keyFile, auditFile := filepath.Join(dir, "seal.key"), filepath.Join(dir, "log.key")
	must(seal.GenerateKeyFile(keyFile))
	keys, err := seal.Load(keyFile)
	must(err)
	public, err := audit.GenerateKeyFile(auditFile, audit.Origin(f.ID.String()))
	must(err)
	must(os.WriteFile(filepath.Join(dir, "log.pub"), []byte(public), 0o600))
	cfg := ServeConfig{PublicURL: "http://localhost", AuditPublicKey: filepath.Join(dir, "log.pub"), Log: slog.New(slog.DiscardHandler), Demo: true}
	e.services, err = NewServices(t.Context(), open(base.AppURL), keys, cfg, clock.Real{})
	must(err)
	handler, err := newServer(e.services, cfg, prometheus.NewRegistry())
	must(err)
	e.Server = handler.(*server.Server) //nolint:errcheck // what newServer makes
	return e
}

// fingerprint is a digest of every row of every table, without when a token was
// last used.
func (e *edge) fingerprint(t *testing.T) map[string]string {
	t.Helper()
	rows, err := e.owner.Pool().Query(t.Context(), "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'")
	if err != nil {
		t.Fatal(err)
	}
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, name)
	}
	if rows.Err() != nil || len(tables) < 30 {
		t.Fatalf("%d tables, %v", len(tables), rows.Err())
	}
	sums := map[string]string{}
	for _, name := range tables {
		var sum string
		q := "SELECT coalesce(md5(string_agg((to_jsonb(x) - 'last_used_at')::text, ',' ORDER BY x::text)), 'empty') FROM " + name + " x"
		if err := e.owner.Pool().QueryRow(t.Context(), q).Scan(&sum); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		sums[name] = sum
	}
	return sums
}

// TestAReadOnlyTokenChangesNothing walks every operation of the API and every page
// with tokens that may only read, of people in each role.
func TestAReadOnlyTokenChangesNothing(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	admin := identity.System("admin-cli")
	store := postgres.PayoutStore{DB: e.owner}
	if err := store.Trip(t.Context(), 0, payout.Finding{Code: payout.ForeignSpend, Detail: "a test", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	var tokens []string
	for i, roles := range [][]identity.Role{
		{identity.RoleReviewer}, {identity.RoleTreasurer}, {identity.RoleAdmin}, {identity.RoleAuditor}, {identity.RoleReviewer, identity.RoleTreasurer, identity.RoleAuditor},
	} {
		person, _, err := e.services.Identity.Invite(t.Context(), admin, fmt.Sprintf("person %d", i), roles)
		if err != nil {
			t.Fatal(err)
		}
		reads := slices.DeleteFunc(identity.Scopes(roles), func(p identity.Permission) bool { return !strings.HasSuffix(string(p), ".read") })
		by := identity.Actor{Kind: identity.KindStaff, StaffID: person.ID, Name: person.Name, Roles: roles, SessionID: uuid.New()}
		_, secret, err := e.services.Identity.CreateToken(t.Context(), by, "reads", reads, time.Hour)
		if err != nil {
			t.Fatalf("%v: %v", roles, err)
		}
		tokens = append(tokens, secret)
	}
	before := e.fingerprint(t)
	id := strings.NewReplacer(":id", uuid.NewString(), ":number", "1", ":outpoint", strings.Repeat("0", 64)+":0", ":label", "EP-7K3FQ2X9", ":server", uuid.NewString(), ":token", "x")
	refused := 0
	for _, r := range e.Rules() {
		reads := r.Method == http.MethodGet
		if r.Permission == identity.PermPublic || r.Permission == identity.PermApplicationOwn || strings.HasSuffix(r.Path, "/events") {
			continue // needs no token, a receipt and not a token, or does not end
		}
		for i, secret := range tokens {
			request := httptest.NewRequestWithContext(t.Context(), r.Method, id.Replace(r.Path), strings.NewReader("{}"))
			request.Header.Set("Authorization", "Bearer "+secret)
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("If-Match", `"1"`)
			request.Header.Set("Idempotency-Key", uuid.NewString())
			answer := httptest.NewRecorder()
			e.ServeHTTP(answer, request)
			switch {
			case !reads && answer.Code == http.StatusForbidden:
				refused++
			case !reads:
				t.Errorf("%s %s with read-only token %d: %d %s", r.Method, r.Path, i, answer.Code, answer.Body)
			case answer.Code >= http.StatusInternalServerError && answer.Code != http.StatusServiceUnavailable:
				t.Errorf("%s %s with read-only token %d: %d", r.Method, r.Path, i, answer.Code)
			}
		}
	}
	if refused < 100 {
		t.Errorf("only %d calls were refused", refused)
	}
	after := e.fingerprint(t)
	for table, sum := range before {
		if after[table] != sum {
			t.Errorf("table %s was changed by a token that may only read", table)
		}
	}
}

// TestNoTokenResetsABreaker: not even one whose owner may, with every scope there is.
func TestNoTokenResetsABreaker(t *testing.T) {
	t.Parallel()
	by := identity.Actor{Kind: identity.KindStaff, StaffID: uuid.New(), Roles: identity.Roles(), TokenID: uuid.New(), Scopes: identity.Permissions()}
	if by.Can(identity.PermBreakerReset) {
		t.Error("a token may reset a breaker")
	}
	if slices.Contains(identity.Scopes(identity.Roles()), identity.PermBreakerReset) {
		t.Error("breaker.reset is offered as a scope")
	}
}
