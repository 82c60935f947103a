package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/migrations"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/store/postgres/db"
	"github.com/causeway-fund/causeway/internal/trust/once"
)

const (
	retries         = 3 // of a transaction that lost against another one
	rollbackTimeout = 5 * time.Second
)

// limits are the time-outs of a role's sessions, as PostgreSQL writes them. A
// client that hangs inside a transaction would otherwise keep the audit log's lock,
// and with it everybody, for ever; a statement or a lock that takes longer than a
// request may is waited for in vain. plans is plan_cache_mode: a request's statements are
// written so that one plan serves every value, and to plan one anew takes longer than to
// run it.
type limits struct{ statement, lock, idleInTransaction, plans string }

// These are set on each connection of a role. The worker writes whole blocks and reads
// whole tables at night. The owner migrates, which takes as long as it takes.
var (
	appLimits    = limits{statement: "25s", lock: "10s", idleInTransaction: "30s", plans: "force_generic_plan"}
	workerLimits = limits{statement: "10min", lock: "30s", idleInTransaction: "60s"}
	ownerLimits  = limits{statement: "0", lock: "0", idleInTransaction: "60s"}
)

func limitsFor(role string) limits {
	switch {
	case strings.HasSuffix(role, "_app"):
		return appLimits
	case strings.HasSuffix(role, "_worker"):
		return workerLimits
	}
	return ownerLimits
}

// apply sets what the URL leaves open.
func (l limits) apply(params map[string]string) {
	for name, value := range map[string]string{
		"statement_timeout": l.statement, "lock_timeout": l.lock, "idle_in_transaction_session_timeout": l.idleInTransaction,
		"plan_cache_mode": l.plans, "default_transaction_isolation": "read committed", // as inTx asks for, which inOne cannot
	} {
		if params[name] == "" && value != "" {
			params[name] = value
		}
	}
}

// DB is a pool of connections to one database. Safe for concurrent use.
type DB struct {
	pool *pgxpool.Pool
	q    *db.Queries // outside of a transaction

	guard *reentry // of tests; else nil
}

// Open connects to the database at url, a postgres:// address or a key=value
// string. Unavailable "database_url" when it cannot be read and "database_down"
// when the server does not answer; neither shows a password.
func Open(ctx context.Context, url string) (*DB, error) { return OpenPool(ctx, url, 0) }

// OpenPool is Open with at most conns connections; 0 for as many as the URL says.
func OpenPool(ctx context.Context, url string, conns int32) (*DB, error) {
	return open(ctx, url, conns, nil)
}

// OpenTraced is Open with a tracer of what is sent. It is for tests that count it.
func OpenTraced(ctx context.Context, url string, tracer pgx.QueryTracer) (*DB, error) {
	return open(ctx, url, 0, tracer)
}

func open(ctx context.Context, url string, conns int32, tracer pgx.QueryTracer) (*DB, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		// The cause may quote the password, so it is left out.
		return nil, errs.New(
			errs.Unavailable,
			migrations.CodeDatabaseURL,
			"The database URL cannot be read. Expected: postgres://USER:PASSWORD@HOST:PORT/DATABASE",
		)
	}
	config.AfterConnect, config.ConnConfig.Tracer = codecs, tracer
	if conns > 0 {
		config.MaxConns = conns
	}
	limitsFor(config.ConnConfig.User).apply(config.ConnConfig.RuntimeParams)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("make database pool: %w", err)
	}
	d := &DB{pool: pool, q: queries(pool)}
	if err := d.Ping(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return d, nil
}

// Close ends all connections; it waits for those that are in use.
func (d *DB) Close() { d.pool.Close() }

// Pool returns the pool, for checks and measurements.
func (d *DB) Pool() *pgxpool.Pool { return d.pool }

// Ping returns nil when the database answers, else Unavailable "database_down",
// whose message names the server and the database.
func (d *DB) Ping(ctx context.Context) error {
	err := d.pool.Ping(ctx)
	if err == nil {
		return nil
	}
	c := d.pool.Config().ConnConfig
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return errs.Wrap(
			err,
			errs.Unavailable,
			migrations.CodeDatabaseDown,
			fmt.Sprintf(
				"The PostgreSQL server at %s refused database %q to user %q: %s.",
				addressOf(c),
				c.Database,
				c.User,
				refused.Message,
			),
		)
	}
	return errs.Wrap(err, errs.Unavailable, migrations.CodeDatabaseDown,
		fmt.Sprintf("The PostgreSQL server at %s (database %q) does not answer.", addressOf(c), c.Database))
}

// addressOf names each server that was asked.
func addressOf(c *pgx.ConnConfig) string { return strings.Join(addresses(hostsOf(c)), ", ") }

// txFunc is the inside of a transaction. It must not ask d for anything: another
// connection may never come, as each of those that wait for one may hold one.
type txFunc func(ctx context.Context, q *db.Queries, tx pgx.Tx) error

// inTx runs fn in a READ COMMITTED transaction and commits it, or writes
// nothing. fn runs again, up to three times, when PostgreSQL ends the
// transaction in favour of another one, so it must not keep anything from an
// earlier run. Errors are those of mapError; "commit_unknown" when the answer to
// the COMMIT was lost.
func (d *DB) inTx(ctx context.Context, fn txFunc) error {
	return d.run(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, fn)
}

// inSnapshot runs fn, which only reads, on one state of the database.
func (d *DB) inSnapshot(ctx context.Context, fn func(ctx context.Context, q *db.Queries) error) error {
	return d.run(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly},
		func(ctx context.Context, q *db.Queries, _ pgx.Tx) error { return fn(ctx, q) })
}

func (d *DB) run(ctx context.Context, options pgx.TxOptions, fn txFunc) error {
	return again(func() error { return d.try(ctx, options, fn) })
}

// inOne runs what fill asks for as inTx would, all of it in one round trip: until its end
// PostgreSQL takes what came together for one transaction.
func (d *DB) inOne(ctx context.Context, fill func(p db.DBTX) error) error {
	if err := d.guard.check(); err != nil {
		return err
	}
	return again(func() error {
		var p pipeline
		if err := fill(&p); err != nil {
			return err
		}
		conn, err := d.pool.Acquire(ctx)
		if err != nil {
			return fmt.Errorf("take a connection: %w", err)
		}
		defer conn.Release()
		return commitError(p.send(ctx, conn))
	})
}

// again runs try until it ends otherwise than in favour of another transaction.
func again(once func() error) error {
	for try := 0; ; try++ {
		err := once()
		if err == nil || try == retries || !lostToAnother(err) {
			return mapError(err)
		}
	}
}

func (d *DB) try(ctx context.Context, options pgx.TxOptions, fn txFunc) error {
	if err := d.guard.check(); err != nil {
		return err
	}
	defer d.guard.enter()()
	ticket := once.TicketOf(ctx)
	ticket.Begin()
	tx, err := d.pool.BeginTx(ctx, options)
	if err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
		_ = tx.Rollback(
			ctx,
		) // after a commit there is nothing to roll back; else the connection is gone and so is its work
	}()

	if err := fn(ctx, queries(tx), tx); err != nil {
		return err
	}
	if err := commitError(tx.Commit(ctx)); err != nil {
		return err
	}
	ticket.Committed()
	return nil
}

// Bind ties a new database to one chain, as its owner: network is its name and
// genesis the hash of its first block, in hex. Binding again to the same chain
// is no error; errors of CheckNetwork.
func (d *DB) Bind(ctx context.Context, network, genesis string) error {
	if _, err := d.q.InsertMeta(ctx, network, genesis); err != nil {
		return mapError(fmt.Errorf("bind database to %s: %w", network, err))
	}
	return d.CheckNetwork(ctx, network, genesis)
}

// CheckNetwork returns nil when the database belongs to this chain; Unavailable
// "network_unbound" when it belongs to none yet, "wrong_network" when to another.
func (d *DB) CheckNetwork(ctx context.Context, network, genesis string) error {
	meta, err := d.q.GetMeta(ctx)
	if errors.Is(err, pgx.ErrNoRows) {
		return errs.New(
			errs.Unavailable,
			CodeNetworkUnbound,
			"The database does not belong to a Bitcoin network yet. Set up the fund first.",
		)
	}
	if err != nil {
		return mapError(fmt.Errorf("read network of the database: %w", err))
	}
	if meta.Network != network || meta.Genesis != genesis {
		return errs.Newf(
			errs.Unavailable,
			wallet.CodeWrongNetwork,
			"The database belongs to %s (first block %s) and this program runs on %s (first block %s). Nothing was changed.",
			meta.Network,
			meta.Genesis,
			network,
			genesis,
		)
	}
	return nil
}
