package app

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// nightRig is a worker's nightly look at a log of three rows, on the database's own
// roles.
type nightRig struct {
	*worker
	t       *testing.T
	base    *pgtest.DB
	owner   *postgres.DB
	tripped []payout.Finding
	said    bytes.Buffer
	key     string // file
}

// tripped keeps the breakers that the worker opens.
type tripped struct {
	workerStore
	r *nightRig
}

func (s tripped) Trip(_ context.Context, _ int64, f payout.Finding) error {
	s.r.tripped = append(s.r.tripped, f)
	return nil
}

func (tripped) Lapse(context.Context, int64, payout.BreakerCode, []string, time.Time) error {
	return nil
}

func newNightRig(t *testing.T) *nightRig {
	t.Helper()
	r := &nightRig{t: t, base: pgtest.New(t)}
	open := func(url string) *postgres.DB {
		db, err := postgres.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(db.Close)
		return db
	}
	r.owner = open(r.base.URL)
	path := filepath.Join(t.TempDir(), "audit.key")
	vkey, err := audit.GenerateKeyFile(path, audit.Origin("night"))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := audit.LoadSigner(path)
	if err != nil {
		t.Fatal(err)
	}
	r.key = r.file("audit.pub", vkey)
	db := open(r.base.WorkerURL)
	r.worker = &worker{
		cfg: WorkerConfig{Log: slog.New(slog.NewTextHandler(&r.said, nil))}, clock: clock.NewFake(time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)), db: db,
		store: tripped{r: r}, audit: signer, log: audit.NewLog(postgres.AuditStore{DB: db}, clock.Real{}, vkey),
	}
	for n := range int64(3) {
		r.add(n)
	}
	r.sign()
	return r
}

func (r *nightRig) file(name, text string) string {
	r.t.Helper()
	path := filepath.Join(r.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return path
}

// add appends row n, which is about no object with a history.
func (r *nightRig) add(n int64) {
	r.t.Helper()
	stored := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		return postgres.AuditStore{DB: r.owner}.AuditHashes(r.t.Context(), indexes)
	})
	e := audit.Entry{Actor: identity.System("worker"), Action: "chain.seen", ObjectKind: "tx", ObjectID: "c0ffee", At: r.clock.Now()}
	row, err := audit.Append(n, e, stored)
	if err != nil {
		r.t.Fatal(err)
	}
	err = pgx.BeginFunc(r.t.Context(), r.owner.Pool(), func(tx pgx.Tx) error {
		_, err := tx.Exec(r.t.Context(), "INSERT INTO audit_leaf (seq, at, actor, action, object_kind, object_id, leaf) VALUES ($1, $2, $3, $4, $5, $6, $7)",
			row.Seq, e.At, e.Actor.Label(), e.Action, e.ObjectKind, e.ObjectID, row.Leaf)
		for i, h := range row.Hashes {
			if err == nil {
				_, err = tx.Exec(r.t.Context(), "INSERT INTO audit_hash VALUES ($1, $2)", row.FirstHash+int64(i), h[:])
			}
		}
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *nightRig) sign() {
	r.t.Helper()
	if _, _, err := r.log.Checkpoint(r.t.Context(), r.audit); err != nil {
		r.t.Fatal(err)
	}
}

func (r *nightRig) exec(sql string) {
	r.t.Helper()
	if _, err := r.owner.Pool().Exec(r.t.Context(), sql); err != nil {
		r.t.Fatal(err)
	}
}

// look looks as the worker does at night, and as the command does.
func (r *nightRig) look() Standing {
	r.t.Helper()
	r.said.Reset()
	r.tripped = nil
	if err := r.lookAtLog(r.t.Context(), 1); err != nil {
		r.t.Fatal(err)
	}
	s, err := Invariants(r.t.Context(), r.file("url", r.base.AppURL), r.key)
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// TestNightlyLookAtTheLog adds a forged checkpoint, which is named and stops nothing,
// and then rolls the log back behind a signed one, which opens the breaker.
func TestNightlyLookAtTheLog(t *testing.T) {
	t.Parallel()
	r := newNightRig(t)
	if s := r.look(); len(r.tripped)+len(s.Log)+len(s.Known)+len(s.Breaches) > 0 || !s.LogRead || r.said.Len() > 0 {
		t.Errorf("an honest log: %+v, breakers %v, log %s", s, r.tripped, r.said.String())
	}

	r.exec(`INSERT INTO audit_checkpoint (size, note, at) VALUES (999, 'x', now())`)
	s := r.look()
	if len(r.tripped) > 0 || len(s.Log)+len(s.Breaches) > 0 {
		t.Errorf("a forged row stops: %v, %+v", r.tripped, s)
	}
	if len(s.Known) != 1 || !strings.Contains(s.Known[0], "checkpoint 2") || !strings.Contains(r.said.String(), "checkpoint 2") {
		t.Errorf("a forged row is not named: %+v\n%s", s, r.said.String())
	}

	r.exec(`ALTER TABLE audit_leaf DISABLE TRIGGER USER; ALTER TABLE audit_hash DISABLE TRIGGER USER;
		DELETE FROM audit_leaf WHERE seq = 2; DELETE FROM audit_hash WHERE index >= 3`)
	s = r.look()
	const what = "The audit log failed verification: row 2 is truncated."
	if !slices.Equal(s.Log, []string{what}) || len(r.tripped) != 1 || r.tripped[0].Code != payout.AuditBroken || r.tripped[0].Detail != what {
		t.Errorf("a log that was rolled back: %+v, breakers %v", s, r.tripped)
	}
}
