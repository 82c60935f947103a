package app_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/pgserver"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/proc"
	"github.com/causeway-fund/causeway/migrations"
)

// sql runs statements as the database's owner and returns a connection to go on
// with; it ends with the test.
func (a *arena) sql(statements ...string) *pgx.Conn {
	a.t.Helper()
	conn, err := pgx.Connect(a.t.Context(), a.postgres.URL(a.database))
	a.must(err)
	a.t.Cleanup(func() { _ = conn.Close(a.t.Context()) })
	for _, s := range statements {
		_, err := conn.Exec(a.t.Context(), s)
		a.must(err)
	}
	return conn
}

func (a *arena) number(conn *pgx.Conn, query string) int64 {
	a.t.Helper()
	var n int64
	a.must(conn.QueryRow(a.t.Context(), query).Scan(&n))
	return n
}

// migrate brings the database to the newest version. With interrupted, the program
// is killed in the middle of one migration first, another one each round.
func (a *arena) migrate(interrupted bool) {
	a.t.Helper()
	args := []string{"migrate", "up", "--owner-url-file", a.path("owner.url")}
	if interrupted {
		newest, err := migrations.Newest()
		a.must(err)
		done := 1 + (int64(a.round)+5)%(newest-1)
		conn := a.sql(fmt.Sprintf(`CREATE FUNCTION chaos_stop() RETURNS event_trigger LANGUAGE plpgsql AS $$
			BEGIN
				IF to_regclass('public.goose_db_version') IS NOT NULL THEN
					IF (SELECT max(version_id) FROM goose_db_version) >= %d THEN PERFORM pg_sleep(600); END IF;
				END IF;
			END $$`, done), `CREATE EVENT TRIGGER chaos_stop ON ddl_command_end EXECUTE FUNCTION chaos_stop()`)
		p, err := proc.Start(proc.Spec{Path: filepath.Join(programs, "causeway"), Args: args, Env: []string{"TZ=UTC"}, Output: a.log})
		a.must(err)
		const asleep = `SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'`
		a.until("a migration is half done", func() bool { return a.number(conn, asleep) == 1 })
		a.must(p.Kill())
		a.number(conn, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'PgSleep'`)
		a.until("its session is gone", func() bool { return a.number(conn, asleep) == 0 })
		if got := a.number(conn, `SELECT max(version_id) FROM goose_db_version`); got == done {
			a.tally.row("C18").reached++
		}
		a.sql(`DROP EVENT TRIGGER chaos_stop`, `DROP FUNCTION chaos_stop`)
	}
	a.run("causeway", args...)
}

// migrationKilled pays on the database whose migration was killed.
func migrationKilled(a *arena, _ string) order { return a.approved() }

// leaseLost ends the session that holds the worker's lock while the worker stores a
// signature.
func leaseLost(a *arena, label string) order {
	const key = 4711
	conn := a.sql(fmt.Sprintf("SELECT pg_advisory_lock(%d)", key),
		fmt.Sprintf(`CREATE FUNCTION chaos_wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(%d); RETURN NEW; END $$`, key),
		`CREATE TRIGGER chaos_wait BEFORE INSERT ON attempt_signature FOR EACH ROW EXECUTE FUNCTION chaos_wait()`)
	o := a.approved()
	a.until("a signature is being stored", func() bool {
		return a.number(conn, fmt.Sprintf("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %d AND NOT granted", key)) == 1
	})
	led := strings.Count(a.logged(), `"msg":"leading"`)
	if n := a.number(conn, "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7305813 AND granted"); n != 1 {
		a.t.Errorf("%s: %d sessions held the lease", label, n)
	}
	a.until("the worker leads again", func() bool { return strings.Count(a.logged(), `"msg":"leading"`) > led })
	a.tally.row(label).reached++
	_, err := conn.Exec(a.t.Context(), fmt.Sprintf("SELECT pg_advisory_unlock(%d)", key))
	a.must(err)
	a.sql("DROP TRIGGER chaos_wait ON attempt_signature", "DROP FUNCTION chaos_wait")
	return o
}

// diskFull leaves a signer no room for the next line of its journal.
func diskFull(a *arena, label string) order {
	s := a.signers[a.round%2]
	a.must(s.proc.Stop(a.t.Context()))
	journal, err := os.Stat(filepath.Join(s.dir, "journal"))
	a.must(err)
	blocks := journal.Size()/512 + 1 // of 512 bytes, POSIX; a line is longer
	s.proc, err = proc.Start(proc.Spec{
		Path: "/bin/sh", Args: append([]string{"-c", fmt.Sprintf(`ulimit -f %d; exec "$@"`, blocks), "sh", filepath.Join(programs, "causeway-signer")}, a.signerArgs(s)...),
		Env: []string{"TZ=UTC"},
	})
	a.must(err)
	o := a.approved()
	// Until the signer is up again, the batch may say that it does not answer.
	a.until("the batch says why it waits", func() bool { return strings.Contains(a.record(o).Batch.LastError, "cannot write its journal") })
	// A signer without room for a test is not asked; one with room for that alone fails at the line.
	if r := a.record(o); r.Batch.State == payout.Signing || r.Batch.State == payout.Built {
		a.tally.row(label).reached++
	} else {
		a.t.Logf("%s: the batch is %s and says: %s", label, r.Batch.State, r.Batch.LastError)
	}
	a.must(s.proc.Stop(a.t.Context()))
	a.startSigner(s)
	return o
}

// meet makes the nodes peers again.
func (a *arena) meet() {
	a.within(chaosPatience, func() bool {
		a.second.Connect(a.node) // again, should the connection have been an old one's last moment
		var one, two string
		a.node.Call(&one, "getbestblockhash")
		a.second.Call(&two, "getbestblockhash")
		return one == two
	})
}

// part makes the nodes strangers: neither comes back by itself.
func (a *arena) part() {
	type peer struct {
		ID int64 `json:"id"`
	}
	a.until("the nodes have parted", func() bool {
		var left, right []peer
		a.node.Call(&left, "getpeerinfo")
		a.second.Call(&right, "getpeerinfo")
		for _, p := range left {
			_ = a.node.Handle().RPC().Call(a.t.Context(), nil, "node", "disconnect", strconv.FormatInt(p.ID, 10)) // it may be gone by now
		}
		return len(left)+len(right) == 0
	})
}

// nodesRestarted empties both mempools with the payment in them.
func nodesRestarted(a *arena, label string) order {
	o := a.approved()
	a.await(o, payout.Broadcast)
	a.part()
	a.node.Restart()
	a.second.Restart()
	var waiting []string
	a.node.Call(&waiting, "getrawmempool")
	if len(waiting) == 0 {
		a.tally.row(label).reached++
	}
	a.meet()
	return o
}

// nodeKilled makes the node lose blocks that the worker has walked, one of them
// with the payment.
func nodeKilled(a *arena, label string) order {
	// btcd writes its blocks down every five minutes: a clean start begins them anew.
	a.part()
	a.node.Restart()
	a.meet()
	o := a.approved()
	a.await(o, payout.Broadcast)
	a.walk(3)
	a.await(o, payout.Mined)
	a.second.WaitTip(a.node)
	a.part()
	a.node.Kill9()
	a.node.Start()
	var height int32
	a.node.Call(&height, "getblockcount")
	if height < a.treasury().Tip.Height {
		a.tally.row(label).reached++
	}
	a.meet()
	return o
}

// halts approves a batch that must not be built, until the worker has said why.
func (a *arena) halts(label, code string) order {
	a.t.Helper()
	before := len(a.logged())
	o := a.approved()
	a.startWorker()
	a.until("the worker says "+code, func() bool { return strings.Contains(a.logged()[before:], code) })
	if s := a.state(o); s != payout.Approved {
		a.t.Errorf("%s: the batch is %s, want approved", label, s)
		return o
	}
	a.tally.row(label).reached++
	return o
}

// nodeBehind cuts the worker's first node off while the chain goes on.
func nodeBehind(a *arena, label string) order {
	a.killWorker()
	a.part()
	a.second.Mine(8)
	o := a.halts(label, "node_behind")
	a.meet()
	return o
}

// nodeForked has the two nodes on chains of their own.
func nodeForked(a *arena, label string) order {
	a.killWorker()
	a.part()
	a.node.Mine(7)
	a.second.Mine(8)
	o := a.halts(label, "nodes_disagree")
	a.meet()
	return o
}

// wrongGenesis gives the worker a node of another network.
func wrongGenesis(a *arena, label string) order {
	a.killWorker()
	dir := a.t.TempDir()
	host, pass := a.stranger(dir)
	before := len(a.logged())
	o := a.approved()
	a.startWorkerWith([]string{"--btcd-host", host, "--btcd-user", "stranger", "--btcd-pass-file", pass, "--btcd-cert-file", filepath.Join(dir, "rpc.cert")})
	a.until("the worker refuses the node", func() bool { return strings.Contains(a.logged()[before:], "node_wrong_network") })
	if a.state(o) == payout.Approved {
		a.tally.row(label).reached++
	}
	a.killWorker()
	a.startWorker()
	return o
}

// stranger runs a btcd of regtest.
func (a *arena) stranger(dir string) (host, passFile string) {
	port, err := proc.Port(a.t.Context(), 0, "a strange btcd")
	a.must(err)
	host, passFile = fmt.Sprintf("127.0.0.1:%d", port), filepath.Join(dir, "pass")
	a.must(os.WriteFile(passFile, []byte("stranger"), 0o600))
	a.must(os.WriteFile(filepath.Join(dir, "conf"), []byte("[Application Options]\nrpcuser=stranger\nrpcpass=stranger\n"), 0o600))
	p, err := proc.Start(proc.Spec{
		Path: filepath.Join(programs, "btcd"), Args: []string{
			"--regtest", "--nolisten", "--nodnsseed", "--configfile=" + filepath.Join(dir, "conf"), "--datadir=" + filepath.Join(dir, "data"),
			"--logdir=" + filepath.Join(dir, "logs"), "--rpccert=" + filepath.Join(dir, "rpc.cert"), "--rpckey=" + filepath.Join(dir, "rpc.key"), "--rpclisten=" + host,
		},
		Env: []string{"HOME=" + dir, "TZ=UTC"}, StopSignal: syscall.SIGTERM,
	})
	a.must(err)
	a.t.Cleanup(func() {
		if err := p.Kill(); err != nil {
			a.t.Error(err)
		}
	})
	a.until("the strange btcd has its certificate", func() bool {
		_, err := os.Stat(filepath.Join(dir, "rpc.cert"))
		return err == nil
	})
	return host, passFile
}

// callsHang stalls every call to the first node until it has timed out.
func callsHang(a *arena, label string) order {
	line := newLine(a.t, a.node.Handle().Host())
	a.killWorker()
	a.startWorkerWith([]string{"--btcd-host", line.addr()})
	o := a.approved()
	a.await(o, payout.Broadcast)
	line.hold(true)
	before := len(a.logged())
	a.node.Mine(1)
	a.until("a call has timed out", func() bool { return strings.Contains(a.logged()[before:], "work is blocked") })
	a.tally.row(label).reached++
	line.hold(false)
	return o
}

// databaseKilled kills PostgreSQL while a signer is asked.
func databaseKilled(a *arena, label string) order {
	o := a.compose()
	a.killWorker()
	env, once := a.doomed("C5") // a worker that dies with the answer in its hand, and then its database
	a.startWorker(env...)
	a.approve(o)
	a.until("the signer has answered", func() bool { return dead(a.worker) })
	a.must(a.postgres.Kill())
	if _, err := os.Stat(once + ".C5"); err == nil {
		a.tally.row(label).reached++
	}
	a.startWorker()
	a.startPostgres()
	a.until("the worker runs", func() bool {
		if dead(a.worker) { // it does not start without its database
			a.startWorker()
		}
		return a.treasury().Tip.Height > 0
	})
	return o
}

func (a *arena) startPostgres() {
	a.t.Helper()
	postgres, err := pgserver.Start(a.t.Context(), pgserver.Config{Dir: a.path("postgres"), Port: a.postgres.Port(), Volatile: true})
	a.must(err)
	a.postgres = postgres
}

// storm has every third commit of a batch's step fail with 40001 or 40P01.
func storm(a *arena, label string) order {
	tables := []string{"batch", "attempt_event", "ledger_transfer"}
	statements := []string{
		"CREATE SEQUENCE chaos_raised",
		`CREATE FUNCTION chaos_storm() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
			BEGIN
				IF random() < 0.35 AND (SELECT last_value FROM chaos_raised) < 40 THEN
					IF nextval('chaos_raised') % 2 = 0 THEN RAISE EXCEPTION 'storm' USING ERRCODE = '40001'; END IF;
					RAISE EXCEPTION 'storm' USING ERRCODE = '40P01';
				END IF;
				RETURN NULL;
			END $$`,
	}
	o := a.compose()
	a.approve(o)
	for _, table := range tables {
		statements = append(statements, fmt.Sprintf("CREATE CONSTRAINT TRIGGER chaos_storm AFTER INSERT OR UPDATE ON %s DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION chaos_storm()", table))
	}
	conn := a.sql(statements...)
	a.settle(label, o)
	if a.number(conn, "SELECT last_value FROM chaos_raised") > 1 {
		a.tally.row(label).reached++
	}
	for _, table := range tables {
		a.sql("DROP TRIGGER chaos_storm ON " + table)
	}
	a.sql("DROP FUNCTION chaos_storm", "DROP SEQUENCE chaos_raised")
	return o
}

// badLine resets, slows and stalls the worker's connections to the database while
// it pays.
func badLine(a *arena, label string) order {
	line := newLine(a.t, fmt.Sprintf("127.0.0.1:%d", a.postgres.Port()))
	text, err := os.ReadFile(a.path("worker.url"))
	a.must(err)
	direct := fmt.Sprintf("127.0.0.1:%d", a.postgres.Port())
	a.must(os.WriteFile(a.path("line.url"), []byte(strings.Replace(string(text), direct, line.addr(), 1)), 0o600))
	a.killWorker()
	a.startWorkerWith([]string{"--database-url-file", a.path("line.url")})
	led := strings.Count(a.logged(), `"msg":"leading"`)
	a.until("the worker leads through the line", func() bool { return strings.Count(a.logged(), `"msg":"leading"`) > led })
	o := a.compose()
	line.slow(5 * time.Millisecond)
	a.approve(o)
	for range 4 {
		if a.within(300*time.Millisecond, func() bool { return a.state(o) == payout.Broadcast }) {
			break
		}
		line.reset()
	}
	line.hold(true) // half open: nobody answers and nobody says so
	a.node.Mine(1)
	a.within(time.Second, func() bool { return false })
	line.reset()
	line.hold(false)
	line.slow(0)
	if line.resets() > 0 {
		a.tally.row(label).reached++
	}
	a.settle(label, o)
	a.killWorker()
	a.startWorker()
	return o
}
