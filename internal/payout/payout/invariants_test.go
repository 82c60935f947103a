package payout_test

import (
	"slices"
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"

	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/store/postgres"
)

// checkInvariants reads the view of every invariant, and holds the payments that
// the database knows of against the node's own blocks.
func checkInvariants(t testing.TB, r *rig) {
	t.Helper()
	breaches, err := postgres.PayoutStore{DB: r.owner}.Breaches(r.background(), 20)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range breaches {
		t.Errorf("%s: %s", b.Invariant, b.What)
	}
	checkChain(t, r)
	checkListed(t, r)
}

// checkListed holds what the list says of each batch against its whole record.
func checkListed(t testing.TB, r *rig) {
	t.Helper()
	ctx, store := r.background(), postgres.PayoutStore{DB: r.owner}
	list, err := store.Batches(ctx, payout.BatchFilter{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	states := map[payout.State]int{}
	for _, b := range list {
		states[b.State]++
		rec, err := store.Batch(ctx, b.ID)
		if err != nil {
			t.Fatal(err)
		}
		now := rec.Current()
		switch {
		case (now == nil) != (b.Current == nil):
			t.Errorf("batch %d has %d attempts, and is listed with %+v", b.Number, len(rec.Attempts), b.Current)
		case now != nil && *b.Current != now.Current(rec.Tip):
			t.Errorf("batch %d is listed with %+v, want %+v", b.Number, *b.Current, now.Current(rec.Tip))
		}
	}
	for state, n := range states {
		some, err := store.Batches(ctx, payout.BatchFilter{State: state}, 1000)
		if err != nil || len(some) != n {
			t.Errorf("%d batches are listed as %s, want %d: %v", len(some), state, n, err)
		}
	}
}

func (r *rig) texts(sql string) []string {
	r.t.Helper()
	ctx := r.background()
	rows, err := r.owner.Pool().Query(ctx, sql)
	if err != nil {
		r.t.Fatalf("%s: %v", sql, err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			r.t.Fatal(err)
		}
		all = append(all, s)
	}
	if err := rows.Err(); err != nil {
		r.t.Fatalf("%s: %v", sql, err)
	}
	return all
}

// checkChain counts, in the blocks of the node, what every payee was sent. It
// shares no table with what it checks but the payments themselves. A node that
// is down has nothing to say.
func checkChain(t testing.TB, r *rig) {
	t.Helper()
	ctx := r.background()
	top := r.number("SELECT coalesce(max(height), 0) FROM header")
	sent := map[string][]int64{}
	for height := r.fund.BirthdayHeight; int64(height) <= top; height++ {
		var stored []byte
		if err := r.owner.Pool().QueryRow(ctx, "SELECT hash FROM header WHERE height = $1", height).Scan(&stored); err != nil {
			t.Fatal(err)
		}
		block, err := r.chain.Block(ctx, chainhash.Hash(stored))
		if err != nil {
			t.Errorf("block %d of the walked chain: %v", height, err)
			return
		}
		for _, tx := range block.Transactions {
			for _, out := range tx.TxOut {
				sent[string(out.PkScript)] = append(sent[string(out.PkScript)], out.Value)
			}
		}
	}
	// A script may be owed several periods.
	rows, err := r.owner.Pool().Query(ctx, `SELECT payee_script, coalesce(array_agg(amount_sat ORDER BY amount_sat) FILTER (WHERE state IN ('mined', 'paid', 'final')), '{}')
		FROM instalment GROUP BY payee_script`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var script []byte
		var mined []int64
		if err := rows.Scan(&script, &mined); err != nil {
			t.Fatal(err)
		}
		if got := slices.Sorted(slices.Values(sent[string(script)])); !slices.Equal(got, mined) {
			t.Errorf("payments of %v sat to %x are mined: the chain pays %v", mined, script, got)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
