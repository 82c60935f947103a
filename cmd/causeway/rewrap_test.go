package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/programs/app"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
	"github.com/causeway-fund/causeway/internal/trust/seal"
)

// asProgram has this test binary be the program, for a test that kills it.
const asProgram = "CAUSEWAY_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// vault is a fund's database with the files that the commands need.
type vault struct {
	*testing.T

	base                            *pgtest.DB
	owner                           *postgres.DB
	ownerURL, appURL, keyFile, fund string
}

func newVault(t *testing.T) *vault {
	t.Helper()
	dir := t.TempDir()
	v := &vault{T: t, base: pgtest.New(t), keyFile: filepath.Join(dir, "seal.key"), ownerURL: filepath.Join(dir, "owner"), appURL: filepath.Join(dir, "app")}
	v.must(os.WriteFile(v.ownerURL, []byte(v.base.URL), 0o600))
	v.must(os.WriteFile(v.appURL, []byte(v.base.AppURL), 0o600))
	v.must(seal.GenerateKeyFile(v.keyFile))
	params, err := wallet.Params("regtest")
	v.must(err)
	seed := sha256.Sum256([]byte("treasury"))
	descriptor, err := wallet.DescriptorFromSeed(seed[:], wallet.KindWPKH, params)
	v.must(err)
	f, err := app.CreateFund(t.Context(), v.base.URL, app.DefaultFund("Test fund", params.Name, descriptor.String()))
	v.must(err)
	v.fund = f.ID.String()
	v.owner, err = postgres.Open(t.Context(), v.base.URL)
	v.must(err)
	t.Cleanup(v.owner.Close)
	return v
}

func (v *vault) must(err error) {
	v.Helper()
	if err != nil {
		v.Fatal(err)
	}
}

func (v *vault) ring() *seal.Keyring {
	v.Helper()
	ring, err := seal.Load(v.keyFile)
	v.must(err)
	return ring
}

// grants is what a serve that read the key file now does with applications.
func (v *vault) grants() *grant.Service {
	v.Helper()
	db, err := postgres.Open(v.Context(), v.base.AppURL)
	v.must(err)
	v.Cleanup(db.Close)
	servers, err := endpoint.NewRegister(v.ring(), rand.Reader)
	v.must(err)
	s, err := grant.New(grant.Config{Store: postgres.GrantStore{DB: db, Servers: servers}, Keys: v.ring(), Clock: clock.Real{}})
	v.must(err)
	return s
}

func apply(ctx context.Context, g *grant.Service, key string) (code string, err error) {
	params, err := wallet.Params("regtest")
	if err != nil {
		return "", err
	}
	seed := sha256.Sum256([]byte(key))
	descriptor, err := wallet.DescriptorFromSeed(seed[:], wallet.KindWPKH, params)
	if err != nil {
		return "", err
	}
	address, err := descriptor.Address(0, 0)
	if err != nil {
		return "", err
	}
	receipt, err := g.Submit(ctx, key, grant.Proposal{
		Title: "A proxy for students", Narrative: "Two servers that students read the news through.", Region: "other", Language: "en",
		AmountSat: 200_000, PayoutAddress: address,
		Endpoints: []claim.Endpoint{{Protocol: "socks5", Host: "192.0.2.7", Port: 1080, Username: "reader", Secret: "not for eyes"}},
	})
	return receipt.Code, err
}

// many adds n applications that hold a data key and nothing else, in the order of their
// ids, and returns a function that opens what each has sealed with the key file as it is.
func (v *vault) many(n int) (ids []uuid.UUID, openAll func()) {
	v.Helper()
	ring := v.ring()
	place := func(id uuid.UUID) seal.AAD { return seal.AAD{Table: "test", Column: "text", Row: id.String()} }
	sealed := map[uuid.UUID][]byte{}
	fundID, err := uuid.Parse(v.fund)
	v.must(err)
	row := func(i int) ([]any, error) {
		id, err := uuid.NewV7()
		if err != nil {
			return nil, err
		}
		key, wrapped, err := ring.NewDataKey(id.String())
		if err != nil {
			return nil, err
		}
		if sealed[id], err = key.Seal(place(id), []byte(id.String())); err != nil {
			return nil, err
		}
		ids = append(ids, id)
		hash := sha256.Sum256(id[:])
		return []any{
			id, fundID, fmt.Sprintf("GR-%08d", i), fmt.Sprintf("one of %d", i), "submitted", 1, int64(1),
			[]string{"socks5"},
			"other", "en", int64(200_000),
			hash[:], hash[:],
			[]int64{},
			wrapped.Bytes, wrapped.KEKID, time.Now(), time.Now(),
		}, nil
	}
	_, err = v.owner.Pool().CopyFrom(v.Context(), pgx.Identifier{"application"}, []string{
		"id", "fund_id", "reference", "designation", "state", "revision", "version", "protocols", "region", "language", "amount_sat",
		"receipt_hash", "payee_index", "title_words", "data_key", "key_id", "submitted_at", "changed_at",
	}, pgx.CopyFromSlice(n, row))
	v.must(err)
	return ids, func() {
		v.Helper()
		now := v.ring()
		rows, err := v.owner.Pool().Query(v.Context(), "SELECT id, key_id, data_key FROM application WHERE data_key IS NOT NULL")
		v.must(err)
		opened := 0
		var id uuid.UUID
		var w seal.Wrapped
		_, err = pgx.ForEachRow(rows, []any{&id, &w.KEKID, &w.Bytes}, func() error {
			if sealed[id] == nil {
				return nil // a real one
			}
			key, err := now.Open(id.String(), w)
			if err != nil {
				return err
			}
			text, err := key.Open(place(id), sealed[id])
			if err != nil || string(text) != id.String() {
				return fmt.Errorf("%s opens as %q: %w", id, text, err)
			}
			opened++
			return nil
		})
		if err != nil || opened == 0 {
			v.Errorf("opened %d, then %v", opened, err)
		}
	}
}

// under counts data keys by key of the key file.
func (v *vault) under() map[string]int64 {
	v.Helper()
	by, err := v.owner.CountByKey(v.Context())
	v.must(err)
	return by
}

func (v *vault) rotate() (old, fresh string) {
	v.Helper()
	old = v.ring().ActiveKEK()
	if out, code := run(v.T, "admin", "keys", "rotate", "--key-file", v.keyFile); code != cli.ExitOK {
		v.Fatalf("rotate: %d %s", code, out)
	}
	return old, v.ring().ActiveKEK()
}

func (v *vault) rewrap() (string, int) {
	v.Helper()
	return run(v.T, "admin", "keys", "rewrap", "--database-url-file", v.appURL, "--key-file", v.keyFile)
}

func (v *vault) drop() (string, int) {
	v.Helper()
	return run(v.T, "admin", "keys", "drop", "--owner-url-file", v.ownerURL, "--key-file", v.keyFile)
}

func (v *vault) leaves(action, object string) (n int) {
	v.Helper()
	v.must(v.owner.Pool().QueryRow(v.Context(), "SELECT count(*) FROM audit_leaf WHERE action = $1 AND object_kind = 'seal_key' AND object_id = $2", action, object).Scan(&n))
	return n
}

// TestRewrapThenDrop: an application from before a rotation, with all that serve seals of
// it, is read without the old key, which has left the file.
func TestRewrapThenDrop(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	before := v.grants()
	code, err := apply(t.Context(), before, "0123456789abcdef-1")
	v.must(err)
	_, err = before.Reply(t.Context(), code, "A word to the reviewers.")
	v.must(err)
	old, fresh := v.rotate()

	if out, exit := v.drop(); exit != cli.ExitConflict || !strings.Contains(out, "The data keys of 1 applications are still under key "+old) {
		t.Fatalf("drop before rewrap: %d %s", exit, out)
	}
	// A serve that was not restarted goes on under the old key, and loses nothing by it.
	late, err := apply(t.Context(), before, "0123456789abcdef-2")
	v.must(err)
	if out, exit := v.rewrap(); exit != cli.ExitOK || !strings.Contains(out, "key "+fresh+": 2 rewrapped, 0 already under it, 0 left") {
		t.Fatalf("rewrap: %d %s", exit, out)
	}
	if out, exit := v.rewrap(); exit != cli.ExitOK || !strings.Contains(out, "key "+fresh+": 0 rewrapped, 2 already under it, 0 left") {
		t.Fatalf("rewrap again: %d %s", exit, out)
	}
	if n := v.leaves("key.rewrapped", fresh); n != 1 {
		t.Errorf("%d leaves say that data keys were rewrapped, want 1", n)
	}
	if out, exit := v.drop(); exit != cli.ExitOK || out != "dropped key "+old+"\n" {
		t.Fatalf("drop: %d %s", exit, out)
	}
	if out, exit := v.drop(); exit != cli.ExitOK || !strings.Contains(out, "has no older keys") {
		t.Fatalf("drop again: %d %s", exit, out)
	}
	if n := v.leaves("key.dropped", old); n != 1 {
		t.Errorf("%d leaves say that the old key was dropped, want 1", n)
	}
	text, err := os.ReadFile(v.keyFile)
	if err != nil || bytes.Contains(text, []byte(old)) || !bytes.Contains(text, []byte("active "+fresh)) {
		t.Errorf("the file after the drop has the old key, or lacks the new one: %v", err)
	}

	after := v.grants()
	for _, c := range []string{code, late} {
		s, err := after.Status(t.Context(), c)
		if err != nil || s.Body.Narrative != "Two servers that students read the news through." {
			t.Errorf("the application opens as %+v, %v", s.Body, err)
		}
	}
	s, err := after.Status(t.Context(), code)
	if err != nil || len(s.Messages) != 1 || s.Messages[0].Text != "A word to the reviewers." {
		t.Errorf("its messages open as %+v, %v", s.Messages, err)
	}
	v.opensEverySealedColumn()

	// What the serve that was never restarted would seal now, nobody could open.
	if _, err = apply(t.Context(), before, "0123456789abcdef-3"); !errs.Is(err, "key_dropped") {
		t.Errorf("an application under a dropped key: %v", err)
	}
	if _, err = apply(t.Context(), after, "0123456789abcdef-3"); err != nil {
		t.Errorf("the same to a serve with the new file: %v", err)
	}
}

// opensEverySealedColumn opens what is sealed of applications, their notes and their
// servers with the key file as it is.
func (v *vault) opensEverySealedColumn() {
	v.Helper()
	ring := v.ring()
	for query, place := range map[string]func(row string) seal.AAD{
		"SELECT a.id, a.key_id, a.data_key, x.application_id::text, x.body FROM application a JOIN application_revision x ON x.application_id = a.id": func(row string) seal.AAD {
			return seal.AAD{Table: "application_revision", Column: "body", Row: row, Version: 1}
		},
		"SELECT a.id, a.key_id, a.data_key, x.id::text, x.note FROM application a JOIN decision x ON x.application_id = a.id": func(row string) seal.AAD {
			return seal.AAD{Table: "decision", Column: "note", Row: row}
		},
		"SELECT a.id, a.key_id, a.data_key, x.id::text, x.body FROM application a JOIN message x ON x.application_id = a.id": func(row string) seal.AAD {
			return seal.AAD{Table: "message", Column: "body", Row: row}
		},
		"SELECT a.id, a.key_id, a.data_key, x.id::text, x.spec FROM application a JOIN endpoint x ON x.application_id = a.id": func(row string) seal.AAD {
			return seal.AAD{Table: "endpoint", Column: "spec", Row: row}
		},
	} {
		rows, err := v.owner.Pool().Query(v.Context(), query)
		v.must(err)
		var id uuid.UUID
		var w seal.Wrapped
		var row string
		var sealed []byte
		opened := 0
		_, err = pgx.ForEachRow(rows, []any{&id, &w.KEKID, &w.Bytes, &row, &sealed}, func() error {
			key, err := ring.Open(id.String(), w)
			if err != nil {
				return err
			}
			_, err = key.Open(place(row), sealed)
			opened++
			return err
		})
		if err != nil || opened == 0 {
			v.Errorf("%s: opened %d, then %v", query, opened, err)
		}
	}
}

// TestRewrapIsKilledInTheMiddle holds a row of the second batch, kills the program while it
// waits for it, and runs it again.
func TestRewrapIsKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	ids, openAll := v.many(1100)
	old, fresh := v.rotate()
	tx, err := v.owner.Pool().Begin(t.Context())
	v.must(err)
	_, err = tx.Exec(t.Context(), "SELECT FROM application WHERE id = $1 FOR UPDATE", ids[700])
	v.must(err)

	cmd := exec.CommandContext(t.Context(), os.Args[0], "admin", "keys", "rewrap", "--database-url-file", v.appURL, "--key-file", v.keyFile)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	v.must(cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	const rewraps = " FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active' AND query LIKE '%name: Rewrap%'"
	v.until(ended, &said, "SELECT count(*) = 1"+rewraps+" AND wait_event_type = 'Lock'")
	v.must(cmd.Process.Kill())
	if err := <-ended; err == nil {
		t.Fatal("the program ended well before it was killed")
	}
	v.must(tx.Rollback(t.Context()))
	// PostgreSQL learns of the death when it has the row, and takes the batch back.
	v.until(nil, &said, "SELECT count(*) = 0"+rewraps)

	if by := v.under(); by[fresh] != 500 || by[old] != 600 {
		t.Fatalf("after the kill %d are under the new key and %d under the old one, want 500 and 600\n%s", by[fresh], by[old], said.String())
	}
	openAll()
	if out, exit := v.rewrap(); exit != cli.ExitOK || !strings.Contains(out, "600 rewrapped, 500 already under it, 0 left") {
		t.Errorf("the run after the kill: %d %s", exit, out)
	}
	openAll()
	if out, exit := v.rewrap(); exit != cli.ExitOK || !strings.Contains(out, "0 rewrapped, 1100 already under it, 0 left") {
		t.Errorf("a run with nothing to do: %d %s", exit, out)
	}
	if n := v.leaves("key.rewrapped", fresh); n != 3 {
		t.Errorf("%d leaves, want one for each of the 3 batches that were kept", n)
	}
	if out, exit := v.drop(); exit != cli.ExitOK {
		t.Errorf("drop: %d %s", exit, out)
	}
	openAll()
}

// until asks the database until it says yes, or the program has ended.
func (v *vault) until(ended <-chan error, said *bytes.Buffer, query string) {
	v.Helper()
	for {
		var yes bool
		v.must(v.owner.Pool().QueryRow(v.Context(), query).Scan(&yes))
		if yes {
			return
		}
		select {
		case err := <-ended:
			v.Fatalf("the program ended before %s: %v\n%s", query, err, said.String())
		default:
		}
	}
}

// TestRewrapLosesNoWrite: what happens to a data key between being read and being written
// again stands, and the row goes to nobody's copy.
func TestRewrapLosesNoWrite(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	ids, openAll := v.many(4)
	old, fresh := v.rotate()
	ring := v.ring()
	was, err := v.owner.UnderOlderKeys(t.Context(), fresh, uuid.Nil, 10)
	if err != nil || len(was) != 4 {
		t.Fatalf("%d data keys, %v", len(was), err)
	}
	again := make([][]byte, len(was))
	for i, w := range was {
		f, changed, err := ring.Rewrap(w.Application.String(), w.Key)
		if err != nil || !changed || w.Application != ids[i] || w.Key.KEKID != old {
			t.Fatalf("data key %d: %v, changed %v", i, err, changed)
		}
		again[i] = f.Bytes
	}
	// One is purged, another has its key from elsewhere, and a third is changed beside it.
	_, err = v.owner.Pool().Exec(t.Context(), "UPDATE application SET data_key = NULL WHERE id = $1", ids[0])
	v.must(err)
	other, _, err := ring.Rewrap(ids[1].String(), was[1].Key)
	v.must(err)
	_, err = v.owner.Pool().Exec(t.Context(), "UPDATE application SET data_key = $2, key_id = $3 WHERE id = $1", ids[1], other.Bytes, other.KEKID)
	v.must(err)
	_, err = v.owner.Pool().Exec(t.Context(), "UPDATE application SET state = 'in_review', version = version + 1 WHERE id = $1", ids[2])
	v.must(err)

	entry := audit.Entry{Actor: identity.System("admin"), Action: "key.rewrapped", ObjectKind: "seal_key", ObjectID: fresh, At: time.Now()}
	if n, err := v.owner.Rewrap(t.Context(), fresh, was, again, entry); err != nil || n != 2 {
		t.Errorf("rewrapped %d, %v; want the 2 that nobody touched the key of", n, err)
	}
	var state string
	var version int64
	v.must(v.owner.Pool().QueryRow(t.Context(), "SELECT state, version FROM application WHERE id = $1", ids[2]).Scan(&state, &version))
	if state != "in_review" || version != 2 {
		t.Errorf("the change beside it is %s, version %d", state, version)
	}
	if by := v.under(); by[fresh] != 3 || by[old] != 0 {
		t.Errorf("by key %v: the purged one has none, the others the new one", by)
	}
	openAll()
}

// TestRewrapKeepsWhatItCannotOpen: a file without the key of a row changes the others, and
// says how many it could not.
func TestRewrapKeepsWhatItCannotOpen(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	ids, _ := v.many(3)
	old, fresh := v.rotate()
	_, err := v.owner.Pool().Exec(t.Context(), "UPDATE application SET key_id = 'lost' WHERE id = $1", ids[1])
	v.must(err)
	out, exit := v.rewrap()
	if exit != cli.ExitError || !strings.Contains(out, "The data keys of 1 applications open under no key of this file") || !strings.Contains(out, "2 others were put under key "+fresh) {
		t.Errorf("%d %s", exit, out)
	}
	if by := v.under(); by[fresh] != 2 || by["lost"] != 1 || by[old] != 0 {
		t.Errorf("by key %v", by)
	}
}

func TestRewrapAndDropNeedTheirFlags(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"rewrap", "drop"} {
		if out, code := run(t, "admin", "keys", verb); code != cli.ExitUsage || !strings.Contains(out, "is missing; see --help") {
			t.Errorf("%s: %d %s", verb, code, out)
		}
	}
}
