package app_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/programs/app"
	"github.com/causeway-fund/causeway/migrations"
)

// cannotStart starts serve and worker on settings that are wrong, and wants one
// line from each. What is started must not disturb the world.
func (r *rig) cannotStart() {
	r.t.Helper()
	listening := strings.TrimPrefix(r.ServeAdmin, "http://")
	serve := func(flag, value string) []string {
		return change(change(change(r.ServeArgs(), "--listen", "127.0.0.1:0"), "--admin-listen", ""), flag, value)
	}
	worker := func(flag, value string) []string { return change(r.WorkerArgs(""), flag, value) }
	nowhere := r.file("nowhere.url", "postgres://causeway_app:x@127.0.0.1:1/causeway?sslmode=disable\n")
	empty := r.otherDatabase("empty")
	for _, tt := range []struct {
		says string
		args []string
	}{
		{"Cannot listen on " + listening + ": is another program using the port?", serve("--listen", listening)},
		{"Cannot listen on " + listening + ": is another program using the port?", worker("--admin-listen", listening)},
		{"The PostgreSQL server at 127.0.0.1:1 ", serve("--database-url-file", nowhere)},
		{"The database has no Causeway schema. Run: causeway migrate up", serve("--database-url-file", empty)},
		{"The database has no Causeway schema. Run: causeway migrate up", worker("--database-url-file", empty)},
		{"Cannot read the file with the database URL at /nowhere.", worker("--database-url-file", "/nowhere")},
		{"Cannot read the file with the audit log's public key at /nowhere.", serve("--audit-public-key-file", "/nowhere")},
	} {
		r.exits("causeway: "+tt.says, tt.args...)
	}
	r.wrongSchema(serve("--listen", "127.0.0.1:0"), r.WorkerArgs(""))
	r.wrongNetwork()
}

// wrongSchema takes the newest migration out of the database's books for a while.
func (r *rig) wrongSchema(serve, worker []string) {
	r.t.Helper()
	newest, err := migrations.Newest()
	r.must(err)
	says := fmt.Sprintf("The database has schema version %d and this program needs %d. Run: causeway migrate up", newest-1, newest)
	toggle := fmt.Sprintf("UPDATE goose_db_version SET is_applied = NOT is_applied WHERE version_id = %d", newest)
	r.sql("causeway", toggle)
	r.unready(r.ServeAdmin, "schema: "+says)
	r.unready(r.WorkerAdmin, "schema: "+says)
	r.exits("causeway: "+says, serve...)
	r.exits("causeway: "+says, worker...)
	r.sql("causeway", toggle)
	r.ready(r.ServeAdmin)
	r.ready(r.WorkerAdmin)
}

// wrongNetwork has a worker for a fund on regtest look at the world's node.
func (r *rig) wrongNetwork() {
	r.t.Helper()
	ctx := r.t.Context()
	url := r.otherDatabase("regtest")
	owner := r.Devnet.Postgres.URL("regtest")
	r.must(migrations.Up(ctx, owner, migrations.Options{SharedRoles: true}))
	params, err := wallet.Params("regtest")
	r.must(err)
	descriptor, err := wallet.DescriptorFromSeed(make([]byte, 32), wallet.KindWPKH, params)
	r.must(err)
	fund, err := app.CreateFund(ctx, owner, app.DefaultFund("A fund on regtest", "regtest", descriptor.String()))
	r.must(err)
	keys := r.t.TempDir()
	auditKey := filepath.Join(keys, "audit.key")
	r.must(app.CreateKeys(fund.ID, filepath.Join(keys, "seal.key"), auditKey, filepath.Join(keys, "audit.pub")))

	r.exits("causeway: The audit key file is for the log causeway/", change(r.WorkerArgs(""), "--database-url-file", url)...)
	second := r.spare(change(change(r.WorkerArgs(""), "--database-url-file", url), "--audit-key-file", auditKey)...)
	r.until("the worker names the wrong network", func() bool {
		return strings.Contains(second.log(), "btcd at "+r.Devnet.Node.Host()+" is not on regtest: its first block is ")
	})
	r.sql("regtest", "UPDATE meta SET network = 'signet'")
	r.exits("causeway: The database belongs to signet ", change(change(r.WorkerArgs(""), "--database-url-file", url), "--audit-key-file", auditKey)...)
}

// change returns args with another value of flag.
func change(args []string, flag, value string) []string {
	args = slices.Clone(args)
	for i, a := range args {
		if a == flag {
			if i+1 < len(args) && !strings.HasPrefix(args[i+1], "--") {
				args[i+1] = value
			}
			return args
		}
	}
	return append(args, flag+"="+value)
}

// otherDatabase makes an empty one in the world's PostgreSQL, and returns a file
// with its URL for the worker's role.
func (r *rig) otherDatabase(name string) string {
	r.t.Helper()
	r.sql("postgres", "CREATE DATABASE "+name)
	url, err := os.ReadFile(filepath.Join(r.dir, "keys", "worker.url"))
	r.must(err)
	return r.file(name+".url", strings.Replace(string(url), "/causeway?", "/"+name+"?", 1))
}

func (r *rig) file(name, text string) string {
	r.t.Helper()
	path := filepath.Join(r.t.TempDir(), name)
	r.must(os.WriteFile(path, []byte(text), 0o600))
	return path
}

// sql runs a statement as the database's owner.
func (r *rig) sql(database, statement string) {
	r.t.Helper()
	conn, err := pgx.Connect(r.t.Context(), r.Devnet.Postgres.URL(database))
	r.must(err)
	_, err = conn.Exec(r.t.Context(), statement)
	r.must(err)
	r.must(conn.Close(r.t.Context()))
}
