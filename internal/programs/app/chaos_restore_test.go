package app_test

import (
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/payout/payout"
)

// maintain runs statements on the server's own database.
func (a *arena) maintain(statements ...string) {
	a.t.Helper()
	conn, err := pgx.Connect(a.t.Context(), a.postgres.URL("postgres"))
	a.must(err)
	defer func() { a.must(conn.Close(a.t.Context())) }()
	for _, s := range statements {
		_, err := conn.Exec(a.t.Context(), s)
		a.must(err)
	}
}

// dump keeps a copy of the database as it is now. No worker may run.
func (a *arena) dump() {
	a.t.Helper()
	a.services.DB.Close()
	a.maintain(fmt.Sprintf("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '%s'", a.database),
		"CREATE DATABASE older TEMPLATE "+a.database)
	a.open()
}

// restore puts the copy in the place of the database.
func (a *arena) restore() {
	a.t.Helper()
	a.services.DB.Close()
	a.maintain("DROP DATABASE "+a.database+" WITH (FORCE)", "ALTER DATABASE older RENAME TO "+a.database)
	a.open()
}

// failedOver loses what was committed last, the signatures among it: the standby
// knows of an approved batch and no more.
func failedOver(a *arena, label string) order {
	o := a.compose()
	a.killWorker()
	a.approve(o)
	a.dump()
	env, once := a.doomed("C10")
	a.startWorker(env...)
	a.until("the node was told", func() bool { return dead(a.worker) })
	after := a.state(o)
	a.restore()
	if _, err := os.Stat(once + ".C10"); err == nil && after == payout.Signed && a.state(o) == payout.Approved {
		a.tally.row(label).reached++
	}
	a.startWorker()
	return o
}

// olderDump restores a copy that has neither of two batches: one that was paid
// since, and one whose replacement waits for a block.
func olderDump(a *arena, label string) order {
	a.killWorker()
	a.dump()
	a.startWorker()
	first := a.approved()
	a.settle(label, first)
	o := a.approved()
	a.await(o, payout.Broadcast)
	a.bump(o)
	a.until("the replacement is out", func() bool {
		r := a.record(o)
		return len(r.Attempts) == 2 && len(r.Attempts[1].Raw) > 0
	})
	a.killWorker()
	a.restore()
	if a.number(a.sql(), fmt.Sprintf("SELECT count(*) FROM batch WHERE number >= %d", first.Number)) == 0 {
		a.tally.row(label).reached++
	}
	a.startWorker()
	a.until("both batches are back", func() bool {
		for _, b := range []order{first, o} {
			if _, err := a.services.Payouts.Batch(a.t.Context(), a.treasurer, b.ID); err != nil {
				return false
			}
		}
		return true
	})
	a.settle(label, first)
	a.verdict(label, first)
	return o
}
