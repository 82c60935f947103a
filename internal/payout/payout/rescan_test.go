package payout_test

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/payout/follower"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
)

// TestCoinTableEqualsARescan compares the headers and coins that were kept through payments, a
// bump and reorgs with those of a fresh database that walks the same chain from the
// birthday, after each turn.
func TestCoinTableEqualsARescan(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin, coin)
	r.wantRescan("deposits")
	b := r.broadcast(2)
	rec := r.record(b.ID)
	if _, err := r.service.Bump(t.Context(), r.treasurer, b.ID, rec.Batch.Version, 20_000); err != nil {
		t.Fatal(err)
	}
	r.step()
	r.mine(2)
	r.wantRescan("payment")
	r.reorg(3, true)
	r.round()
	r.wantRescan("reorg that keeps the transactions")
	r.deposit(coin)
	r.mine(1)
	r.reorg(2, false)
	r.round()
	r.wantRescan("reorg that forgets them")
	r.broadcast(1)
	r.mine(7)
	r.wantRescan("second payment")
}

const headersSQL = `SELECT height, encode(hash, 'hex'), encode(prev, 'hex'), at, encode(raw, 'hex') FROM header ORDER BY height`

const coinsSQL = `SELECT encode(c.txid, 'hex'), c.vout, encode(c.script, 'hex'), c.amount_sat, c.chain, c.index, c.height, c.coinbase, coalesce(encode(c.spent_by, 'hex'), '')
	FROM coin c ORDER BY 1, 2`

// wantRescan walks the chain anew in a database of its own.
func (r *rig) wantRescan(when string) {
	r.t.Helper()
	base := pgtest.New(r.t)
	owner := r.open(base.URL)
	fund := r.fund
	if err := owner.Bind(r.t.Context(), "simnet", r.hashAt(0).String()); err != nil {
		r.t.Fatal(err)
	}
	if err := owner.CreateFund(r.t.Context(), fund); err != nil {
		r.t.Fatal(err)
	}
	follower, err := follower.New(follower.Config{
		Store: postgres.PayoutStore{DB: owner}, Chain: r.chain, Clock: r.clock, Log: slog.New(slog.DiscardHandler), Epoch: 1,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := owner.Pool().Exec(r.t.Context(), "UPDATE lease SET epoch = 1"); err != nil {
		r.t.Fatal(err)
	}
	if _, err := follower.Sync(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	for _, sql := range []string{headersSQL, coinsSQL} {
		rescan, kept := rowsOf(r.t, owner, sql), rowsOf(r.t, r.owner, sql)
		if diff := cmp.Diff(rescan, kept); diff != "" || len(kept) == 0 {
			r.t.Errorf("%s, %d rows (-rescan +kept):\n%s", when, len(kept), diff)
		}
	}
}

func rowsOf(t testing.TB, d *postgres.DB, sql string) []string {
	t.Helper()
	rows, err := d.Pool().Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprint(values...))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}
