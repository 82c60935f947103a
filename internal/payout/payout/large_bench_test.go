package payout_test

import (
	"slices"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// largeSQL are the rows of $1 payments that are final, 200 in a batch, with their postings.
var largeSQL = []string{
	`INSERT INTO application (id, fund_id, reference, designation, state, revision, version, protocols, region, language, amount_sat, payee_index, key_id, submitted_at, changed_at)
		SELECT md5('a' || n)::uuid, f.id, 'GR-' || lpad(n::text, 6, '0'), 'Large ' || n, 'approved', 1, 1, '{socks5}', 'x', 'en', 20000, sha256(('p' || n)::bytea), 'k', now(), now()
		FROM fund f, generate_series(1, $1) n`,
	`INSERT INTO application_revision SELECT md5('a' || n)::uuid, 1, '', sha256(('r' || n)::bytea), 20000, now() FROM generate_series(1, $1) n`,
	`INSERT INTO decision SELECT md5('d' || n)::uuid, md5('a' || n)::uuid, 1, md5('g' || n)::uuid, sha256(('d' || n)::bytea), '', 20000, now() FROM generate_series(1, $1) n`,
	`INSERT INTO grants SELECT md5('g' || n)::uuid, md5('a' || n)::uuid, f.id, 'GR-' || lpad(n::text, 6, '0'), 'Large ' || n, 'completed', 20000, 1, now() FROM fund f, generate_series(1, $1) n`,
	`INSERT INTO instalment SELECT md5('i' || n)::uuid, md5('g' || n)::uuid, 1, md5('d' || n)::uuid, sha256(('d' || n)::bytea), 'note', sha256(('p' || n)::bytea), 'address', 20000, now(), now() + interval '90 d', 'final', NULL, 1, now(), now()
		FROM generate_series(1, $1) n`,
	`INSERT INTO batch (id, fund_id, number, state, version, note, digest, treasury, until, feerate_sat_kvb, max_feerate_sat_kvb, max_fee_sat, seed, anchor_txid, anchor_vout, composed_by, created_at, changed_at)
		SELECT md5('b' || n)::uuid, f.id, n, 'final', 1, 'note', sha256(('b' || n)::bytea), 0, now() + interval '7 d', 5, 50, 100000, sha256('s'), sha256(('x' || n)::bytea), 0, s.id, now(), now()
		FROM fund f, (SELECT id FROM staff LIMIT 1) s, generate_series(1, $1 / 200) n`,
	`INSERT INTO batch_item SELECT md5('b' || (n - 1) / 200 + 1)::uuid, n, md5('i' || n)::uuid FROM generate_series(1, $1) n`,
	`WITH t AS (INSERT INTO ledger_transfer (kind, ref, at) SELECT k.kind, k.kind || n, now() FROM generate_series(1, $1) n, (VALUES ('commit'), ('release'), ('mined')) k (kind) RETURNING id, kind)
		INSERT INTO ledger_posting SELECT t.id, p.account, p.sat FROM t JOIN (VALUES
			('commit', 'available', -20000::bigint), ('commit', 'committed', 20000), ('release', 'committed', -20000), ('release', 'in_flight', 20000),
			('mined', 'in_flight', -20000), ('mined', 'paid', 20000)) p (kind, account, sat) ON p.kind = t.kind`,
}

// listedSQL are two attempts of each of those batches: both pay everybody, and the first is in a block.
var listedSQL = []string{
	`INSERT INTO header SELECT 7, sha256('h'), sha256('g'), now(), NULL`,
	`WITH a AS (INSERT INTO attempt SELECT md5('t' || no || b.id)::uuid, b.id, no, decode(repeat('ab', 10000), 'hex'), sha256(('t' || no || b.id)::bytea), 5000, 20000, 1, now(), 'pay'
			FROM batch b, generate_series(0, 1) no RETURNING id, batch_id)
		INSERT INTO attempt_input SELECT a.id, b.anchor_txid, b.anchor_vout, 5000000 FROM a JOIN batch b ON b.id = a.batch_id`,
	`INSERT INTO attempt_output SELECT a.id, i.position, sha256(i.instalment_id::text::bytea), 20000, i.instalment_id, NULL, NULL, NULL
		FROM attempt a JOIN batch_item i ON i.batch_id = a.batch_id`,
	`INSERT INTO attempt_event (attempt_id, event, at) SELECT a.id, e, now() FROM attempt a, unnest('{built,signing,signed,broadcast}'::text[]) e`,
	`INSERT INTO chain_tx SELECT txid, 7, '', NULL, NULL FROM attempt WHERE no = 0`,
}

// largeFund is a fund that has paid so many times.
func largeFund(b *testing.B, payments int) *rig {
	b.Helper()
	base := database(b)
	r := &rig{t: b, base: base, key: singleKey(b, wallet.KindWPKH), clock: clock.NewFake(time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC))}
	r.owner, r.store = r.open(base.URL), postgres.PayoutStore{DB: r.open(base.WorkerURL)}
	r.setUpFund()
	r.hire("t1", identity.RoleTreasurer)
	for _, sql := range largeSQL {
		r.exec(sql, payments)
	}
	r.exec("ANALYZE")
	return r
}

// BenchmarkListBatches lists 20 batches of 200 payments with the fee and the confirmations of
// each, as the page does, beside the same read from their whole records. x_records is the median
// of how many times the time of the records the list takes.
func BenchmarkListBatches(b *testing.B) {
	const batches, rounds = 20, 20
	r := largeFund(b, batches*200)
	for _, sql := range listedSQL {
		r.exec(sql)
	}
	r.exec("ANALYZE")
	ctx, store := b.Context(), postgres.PayoutStore{DB: r.owner}
	list := func() []payout.Batch {
		list, err := store.Batches(ctx, payout.BatchFilter{}, batches)
		if err != nil || len(list) != batches {
			b.Fatalf("%d batches: %v", len(list), err)
		}
		return list
	}
	listed := list()
	var ratios, each []float64
	for b.Loop() {
		for range rounds {
			began := time.Now()
			for _, x := range listed {
				rec, err := store.Batch(ctx, x.ID)
				if err != nil {
					b.Fatal(err)
				}
				if now := rec.Current(); now == nil || now.Current(rec.Tip) != *x.Current {
					b.Fatalf("batch %d is listed with %+v, want %+v", x.Number, x.Current, now)
				}
			}
			records := time.Since(began)
			began = time.Now()
			list()
			took := time.Since(began)
			ratios = append(ratios, float64(took)/float64(records))
			each = append(each, took.Seconds()*1e3)
		}
	}
	slices.Sort(ratios)
	slices.Sort(each)
	b.ReportMetric(ratios[len(ratios)/2], "x_records")
	b.ReportMetric(each[len(each)/2], "ms/list")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkLargeFund asks, of a fund that has paid 100,000 times, what the worker asks in
// every round and the treasury's pages with every request. ms_roundtrip is what the same
// connection takes to answer SELECT 1, the least that anything can take.
func BenchmarkLargeFund(b *testing.B) {
	const payments, rounds = 100_000, 40
	r := largeFund(b, payments)
	ctx := b.Context()
	asked := map[string]func() error{
		"due":      func() error { _, err := r.store.Due(ctx); return err },
		"holdings": func() error { _, err := r.store.Holdings(ctx); return err },
		"batches": func() error {
			_, err := postgres.PayoutStore{DB: r.owner}.Batches(ctx, payout.BatchFilter{}, 50)
			return err
		},
		"payable": func() error { _, err := postgres.PayoutStore{DB: r.owner}.Items(ctx, nil); return err },
		"roundtrip": func() error {
			_, err := r.owner.Pool().Exec(ctx, "SELECT 1")
			return err
		},
	}
	took := map[string][]time.Duration{}
	for b.Loop() {
		for range rounds {
			for name, ask := range asked {
				began := time.Now()
				if err := ask(); err != nil {
					b.Fatalf("%s: %v", name, err)
				}
				took[name] = append(took[name], time.Since(began))
			}
		}
	}
	for name, all := range took {
		slices.Sort(all)
		b.ReportMetric(all[len(all)/2].Seconds()*1e3, "ms_"+name)
		b.ReportMetric(all[len(all)*95/100].Seconds()*1e3, "ms_"+name+"_p95")
	}
	b.ReportMetric(0, "ns/op")
}
