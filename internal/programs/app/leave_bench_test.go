package app_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/treasurer"
	"github.com/causeway-fund/causeway/internal/programs/demo"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// leaveRounds is how many batches are timed in one run of BenchmarkApprovedToLeft: a
// median and a spread of less say little.
const leaveRounds = 5

// BenchmarkApprovedToLeft is the time from a treasurer's approval, sent as an HTTP
// request, until the node has the payments and the database says so. Everything is a
// process of its own with a release's settings: PostgreSQL waits for its disk at every
// commit, the signer syncs its journal, the worker looks by itself once a second, and
// the wait for that look counts. s_median, s_best and s_worst are of leaveRounds batches
// each; ms_commit is what the same PostgreSQL takes for a row and its commit, so that a
// slow disk shows.
func BenchmarkApprovedToLeft(b *testing.B) {
	for _, payees := range []int{200, 3000} {
		b.Run(fmt.Sprint(payees), func(b *testing.B) {
			l := newLeaving(b, payees)
			var took, commits []time.Duration
			for b.Loop() {
				for range leaveRounds {
					took = append(took, l.leave(payees))
					commits = append(commits, l.commit())
				}
			}
			slices.Sort(took)
			slices.Sort(commits)
			b.ReportMetric(took[len(took)/2].Seconds(), "s_median")
			b.ReportMetric(took[0].Seconds(), "s_best")
			b.ReportMetric(took[len(took)-1].Seconds(), "s_worst")
			b.ReportMetric(commits[len(commits)/2].Seconds()*1e3, "ms_commit")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// leaving is a world with a treasury whose batches are timed.
type leaving struct {
	*rig
	owner *postgres.DB
	payer identity.Actor
	owed  uint32
}

func newLeaving(b *testing.B, payees int) *leaving {
	b.Helper()
	l := &leaving{rig: newWorld(b, demo.Config{Poll: time.Second})}
	var err error
	l.owner, err = postgres.Open(b.Context(), l.Devnet.Postgres.URL("causeway"))
	l.must(err)
	b.Cleanup(l.owner.Close)
	people, err := l.Staff(b.Context())
	l.must(err)
	for _, p := range people {
		if p.Role == identity.RoleTreasurer {
			l.payer = p.Actor
		}
	}
	l.exec("UPDATE fund SET max_payees = $1", payees)
	l.exec("CREATE TABLE bench_commit (n bigint)")
	return l
}

func (l *leaving) exec(sql string, args ...any) {
	l.t.Helper()
	_, err := l.owner.Pool().Exec(l.t.Context(), sql, args...)
	l.must(err)
}

// mostInOne is how many payments are one batch: a transaction has no room for 3,000 beside
// the coins that it may need, so these are two.
const mostInOne = 1500

// leave composes what new payees are owed, each batch on a coin of its own, and times the
// way out from the first approval to the last broadcast.
func (l *leaving) leave(payees int) time.Duration {
	l.t.Helper()
	ctx := l.t.Context()
	l.mine(1) // the batch before is in a block, and its fee is booked
	l.must(l.Until(ctx, "nothing is on its way", func(ctx context.Context) (quiet bool, err error) {
		err = l.owner.Pool().QueryRow(ctx, "SELECT NOT EXISTS (SELECT FROM batch WHERE state = 'broadcast')").Scan(&quiet)
		return quiet, err
	}))
	owed := l.owe(payees)
	batches := make([]payout.Batch, 0, 2)
	var approvals []func()
	for part := range slices.Chunk(owed, mostInOne) {
		l.must(l.Fund(ctx, btcutil.Amount(len(part))*leaveSat*2+10_000_000))
		batch, err := l.Services.Payouts.Compose(ctx, l.payer, treasurer.Order{InstalmentIDs: part, FeeRateSatKVB: 2_000})
		l.must(err)
		seen, err := l.treasurer.GetBatchWithResponse(ctx, batch.ID)
		l.must(err)
		batches = append(batches, batch)
		approvals = append(approvals, func() {
			_, err := l.treasurer.ApproveBatchWithResponse(ctx, batch.ID, &client.ApproveBatchParams{IfMatch: *seen.Headers200.ETag}, client.Approval{Digest: seen.JSON200.Digest})
			l.must(err)
		})
	}
	began := time.Now()
	for _, approve := range approvals {
		approve()
	}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		var gone int
		var trouble string
		l.must(l.owner.Pool().QueryRow(ctx, "SELECT count(*) FILTER (WHERE state = 'broadcast'), coalesce(max(last_error), '') FROM batch WHERE number >= $1",
			int64(batches[0].Number)).Scan(&gone, &trouble))
		switch {
		case gone == len(batches):
			return time.Since(began)
		case trouble != "" || time.Since(began) > time.Minute:
			l.t.Fatalf("%d of %d batches have left: %s", gone, len(batches), trouble)
		}
		<-tick.C
	}
}

// commit times one row and its commit.
func (l *leaving) commit() time.Duration {
	l.t.Helper()
	began := time.Now()
	l.exec("INSERT INTO bench_commit VALUES (1)")
	return time.Since(began)
}

const leaveSat = btcutil.Amount(20_000)

const leaveSQL = `WITH
	a AS (INSERT INTO application (id, fund_id, reference, designation, state, revision, version, protocols, region, language, amount_sat, payee_index, key_id, submitted_at, changed_at)
		SELECT $1, id, $2, 'Blue Heron ' || $2, 'approved', 1, 1, '{socks5}', 'x', 'en', $3, $4, 'k', now(), now() FROM fund),
	v AS (INSERT INTO application_revision VALUES ($1, 1, '', $4, $3, now())),
	d AS (INSERT INTO decision VALUES ($5, $1, 1, $6, $7, '', $3, now())),
	g AS (INSERT INTO grants SELECT $6, $1, id, $2, 'Blue Heron', 'active', $3, 1, now() FROM fund),
	i AS (INSERT INTO instalment VALUES ($8, $6, 1, $5, $7, $9, $10, $11, $3, $13, $14, 'payable', NULL, 1, now(), now())),
	t AS (INSERT INTO ledger_transfer (kind, ref, at) VALUES ('commit', $12, now()) RETURNING id),
	p AS (INSERT INTO ledger_posting SELECT id, 'available', -$3::bigint FROM t)
INSERT INTO ledger_posting SELECT id, 'committed', $3::bigint FROM t`

// owe approves a payment each to n new payees, without the people that it takes.
func (l *leaving) owe(n int) []uuid.UUID {
	l.t.Helper()
	fund := l.Services.Fund
	params, err := fund.Params()
	l.must(err)
	ids, rows := make([]uuid.UUID, n), &pgx.Batch{}
	for i := range ids {
		l.owed++
		ids[i] = uuid.New()
		script := append([]byte{0x00, 20}, make([]byte, 20)...)
		binary.BigEndian.PutUint32(script[2:], l.owed)
		note := decision.Note{
			Network: decision.NetworkOf(params), Fund: fund.ID, Decision: uuid.New(), Grant: uuid.New(),
			Currency: decision.CurrencySat, Amount: int64(leaveSat), SatLeast: leaveSat, SatMost: leaveSat,
			Periods: 1, FirstDue: time.Now().UTC().Truncate(24 * time.Hour), Every: decision.Once, PayWithinDays: fund.PayWithinDays(),
			Payees: []decision.Payee{{Script: script, Address: wallet.AddressOf(script, params)}},
		}
		digest, index := note.Digest(), sha256.Sum256(script)
		rows.Queue(leaveSQL, uuid.New(), fmt.Sprintf("GR-%06d", l.owed), int64(leaveSat), index[:], note.Decision, note.Grant, digest[:],
			ids[i], string(note.Encode()), script, note.Payee(1).Address, ids[i].String(), note.Due(1), note.Until(1))
	}
	l.must(pgx.BeginFunc(l.t.Context(), l.owner.Pool(), func(tx pgx.Tx) error { return tx.SendBatch(l.t.Context(), rows).Close() }))
	return ids
}
