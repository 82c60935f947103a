package postgres_test

import (
	"encoding/pem"
	"fmt"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
)

// TestRoleURLKeepsWhatTheOwnerWrote: a role's URL differs from the owner's in who
// logs in, and in nothing else.
func TestRoleURLKeepsWhatTheOwnerWrote(t *testing.T) {
	t.Parallel()
	for owner, want := range map[string]string{
		"postgres://o:p@db.example:5433/grants?sslmode=require":                                 "postgres://causeway_app:s3@db.example:5433/grants?sslmode=require",
		"postgresql://o:p@db.example/grants":                                                    "postgres://causeway_app:s3@db.example:5432/grants",
		"postgres://o:p@a:5432,b:5433/grants?sslmode=require&target_session_attrs=read-write":   "postgres://causeway_app:s3@a:5432,b:5433/grants?sslmode=require&target_session_attrs=read-write",
		"postgres://o:p@a,b,c/grants?sslmode=disable":                                           "postgres://causeway_app:s3@a:5432,b:5432,c:5432/grants?sslmode=disable",
		"postgres://o:p@[2001:db8::1]:5432/grants?sslmode=disable":                              "postgres://causeway_app:s3@[2001:db8::1]:5432/grants?sslmode=disable",
		"postgres://o:p@/grants?host=/run/postgresql&port=5434&sslmode=disable":                 "postgres://causeway_app:s3@/grants?host=%2Frun%2Fpostgresql&port=5434&sslmode=disable",
		"postgres://o:p%40%3F@db/my%20grants?options=-c%20search_path%3Dx&application_name=a+b": "postgres://causeway_app:s3@db:5432/my%20grants?options=-c%20search_path%3Dx&application_name=a%2Bb",
		"postgres://o@db": "postgres://causeway_app:s3@db:5432/o",
		"postgres://o:p@db/grants?user=other&password=x&passfile=/root/.pgpass&sslmode=prefer":            "postgres://causeway_app:s3@db:5432/grants?sslmode=prefer",
		"host=a,b port=5433,5434 dbname=grants user=o password='p \\' q' sslmode=require":                 "postgres://causeway_app:s3@a:5433,b:5434/grants?sslmode=require",
		"host = /run/postgresql dbname = 'my grants' user=o application_name = 'x y' sslmode = disable":   "postgres://causeway_app:s3@/my%20grants?host=%2Frun%2Fpostgresql&port=5432&application_name=x%20y&sslmode=disable",
		"user=o password=p host=db dbname=grants connect_timeout=3 sslmode=disable statement_timeout=90s": "postgres://causeway_app:s3@db:5432/grants?connect_timeout=3&sslmode=disable&statement_timeout=90s",
	} {
		got, err := postgres.RoleURL(owner, "causeway_app", "s3")
		if err != nil {
			t.Errorf("%s: %v", owner, err)
			continue
		}
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", owner, got, want)
		}
	}
}

// TestRoleURLKeepsTheCheckOfTheServer: verify-full with its root certificate must
// never become less on the way.
func TestRoleURLKeepsTheCheckOfTheServer(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "root.pem")
	server := httptest.NewTLSServer(nil)
	server.Close() // only its certificate is wanted
	if err := os.WriteFile(root, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	owner := "postgres://o:p@a:5432,b:5432/grants?sslmode=verify-full&sslrootcert=" + url.QueryEscape(root)

	made, err := postgres.RoleURL(owner, "causeway_worker", "s3")
	if err != nil {
		t.Fatal(err)
	}

	config, err := pgx.ParseConfig(made)
	if err != nil {
		t.Fatal(err)
	}
	if config.TLSConfig == nil || config.TLSConfig.InsecureSkipVerify || config.TLSConfig.RootCAs == nil || config.TLSConfig.ServerName != "a" {
		t.Errorf("TLS of the first host is %+v", config.TLSConfig)
	}
	if len(config.Fallbacks) != 1 || config.Fallbacks[0].Host != "b" || config.Fallbacks[0].TLSConfig == nil {
		t.Errorf("the second host is lost: %+v", config.Fallbacks)
	}
}

func TestRoleURLWritesTheEnvironmentOut(t *testing.T) {
	t.Setenv("PGHOST", "a,b")
	t.Setenv("PGPORT", "5433")
	t.Setenv("PGDATABASE", "grants")
	t.Setenv("PGSSLMODE", "require")
	t.Setenv("PGTARGETSESSIONATTRS", "read-write")

	got, err := postgres.RoleURL("postgres://o:p@", "causeway_app", "s3")

	want := "postgres://causeway_app:s3@a:5433,b:5433/grants?sslmode=require&target_session_attrs=read-write"
	if err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func TestRoleURLRefusesWhatAServiceCannotRead(t *testing.T) {
	t.Parallel()
	services := filepath.Join(t.TempDir(), "pg_service.conf")
	if err := os.WriteFile(services, []byte("[grants]\nhost=db\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, owner := range []string{
		"postgres://o:secret@db:port/grants",
		"host=db user=o password='secret",
		"postgres://o:secret@/grants?service=grants&servicefile=" + url.QueryEscape(services),
	} {
		_, err := postgres.RoleURL(owner, "causeway_app", "s3")
		if !errs.Is(err, "database_url") {
			t.Errorf("%s: %v, want database_url", owner, err)
		}
		if err != nil && strings.Contains(fmt.Sprintf("%+v", err), "secret") {
			t.Errorf("the error shows a password: %v", err)
		}
	}
}

// TestSeveralHostsAreAskedAndNamed: the second host serves when the first does not,
// and when none does, the error names them all.
func TestSeveralHostsAreAskedAndNamed(t *testing.T) {
	t.Parallel()
	here, err := url.Parse(pgtest.New(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	closed := closedAddress(t)
	several := *here
	several.Host = closed + "," + here.Host

	made, err := postgres.RoleURL(several.String(), pgtest.RoleApp, pgtest.RolePassword)
	if err != nil {
		t.Fatal(err)
	}
	db, err := postgres.Open(t.Context(), made)
	if err != nil {
		t.Fatalf("the second host was not asked: %v", err)
	}
	db.Close()

	other := closedAddress(t)
	several.Host = closed + "," + other
	_, err = postgres.Open(t.Context(), several.String())
	if !errs.Is(err, "database_down") || !strings.Contains(err.Error(), closed) || !strings.Contains(err.Error(), other) {
		t.Errorf("error %v does not name %s and %s", err, closed, other)
	}
}

// closedAddress is one at which nobody listens.
func closedAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return listener.Addr().String()
}
