package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
)

// house is a database with a fund, a treasurer and two batches, the first of
// which is built with the coin sha256('a'):0 as its anchor.
const house = `
INSERT INTO meta VALUES (true, 'simnet', repeat('0', 64), now());
INSERT INTO fund VALUES ('10000000-0000-0000-0000-000000000000', 'F', 'd', 0, 1000000, 1000, 100000, 1, 2, 50000, 1000, 90, 6, 12, now());
INSERT INTO staff VALUES ('20000000-0000-0000-0000-000000000000', 'T', now(), NULL);
INSERT INTO batch (id, fund_id, number, state, version, note, digest, treasury, until, feerate_sat_kvb, max_feerate_sat_kvb, max_fee_sat, seed, anchor_txid, anchor_vout, composed_by, created_at, changed_at) VALUES
	('30000000-0000-0000-0000-000000000001', '10000000-0000-0000-0000-000000000000', 1, 'built', 1, '', sha256('1'), 0, now(), 1, 1, 1, sha256(''), sha256('a'), 0, '20000000-0000-0000-0000-000000000000', now(), now()),
	('30000000-0000-0000-0000-000000000002', '10000000-0000-0000-0000-000000000000', 2, 'approved', 1, '', sha256('2'), 0, now(), 1, 1, 1, sha256(''), NULL, NULL, '20000000-0000-0000-0000-000000000000', now(), now());
`

const (
	batch1 = "'30000000-0000-0000-0000-000000000001'"
	batch2 = "'30000000-0000-0000-0000-000000000002'"
)

// attempt writes an attempt of batch that spends this coin.
func attempt(batch, id, txid, coin string) string {
	return `INSERT INTO attempt VALUES ('4` + id + `000000-0000-0000-0000-000000000000', ` + batch + `, ` + id + `, '', sha256('` + txid + `'), 1, 1, 1, now());
		INSERT INTO attempt_input VALUES ('4` + id + `000000-0000-0000-0000-000000000000', ` + coin + `, 5)`
}

func reserve(batch, coin string) string {
	return "INSERT INTO reservation (txid, vout, batch_id) VALUES (" + coin + ", " + batch + ")"
}

const (
	anchor  = "sha256('a'), 0"
	another = "sha256('a'), 1"
)

// TestRulesOfPayoutsHoldInTheDatabase does as causeway_worker, in one transaction
// each, what the program never does.
func TestRulesOfPayoutsHoldInTheDatabase(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		do         []string
		constraint string // empty: allowed
	}{
		"attempt that spends the anchor":         {do: []string{attempt(batch1, "1", "x", anchor)}},
		"attempt that spends another coin":       {do: []string{attempt(batch1, "1", "x", another)}, constraint: "attempt_anchor"},
		"attempt of a batch without anchor":      {do: []string{attempt(batch2, "1", "x", anchor)}, constraint: "attempt_anchor"},
		"second attempt that spends the anchor":  {do: []string{attempt(batch1, "1", "x", anchor), attempt(batch1, "2", "y", anchor)}},
		"second attempt that leaves the anchor":  {do: []string{attempt(batch1, "1", "x", anchor), attempt(batch1, "2", "y", another)}, constraint: "attempt_anchor"},
		"one transaction twice":                  {do: []string{attempt(batch1, "1", "x", anchor), attempt(batch1, "2", "x", anchor)}, constraint: "attempt_txid_key"},
		"coin reserved once":                     {do: []string{reserve(batch1, anchor)}},
		"coin reserved by two":                   {do: []string{reserve(batch1, anchor), reserve(batch2, anchor)}, constraint: "reservation_live"},
		"coin reserved twice by one":             {do: []string{reserve(batch1, anchor), reserve(batch1, anchor)}, constraint: "reservation_live"},
		"coin reserved again after its release":  {do: []string{reserve(batch1, anchor), "UPDATE reservation SET released_at = now()", reserve(batch2, anchor)}},
		"state that skips the signer's":          {do: []string{"UPDATE batch SET state = 'signed' WHERE id = " + batch1}, constraint: "batch_state_edge"},
		"state that goes back after the signer":  {do: []string{"UPDATE batch SET state = 'signing' WHERE id = " + batch1, "UPDATE batch SET state = 'cancelled' WHERE id = " + batch1}, constraint: "batch_state_edge"},
		"built without an anchor":                {do: []string{"UPDATE batch SET state = 'built' WHERE id = " + batch2}, constraint: "batch_anchored"},
		"transfer that makes money":              {do: []string{transfer(1, 5, -4)}, constraint: "ledger_zero_sum"},
		"transfer that adds up":                  {do: []string{transfer(1, 5, -5)}},
		"transfer undone twice":                  {do: []string{transfer(1, 5, -5), undo(2), undo(3)}, constraint: "ledger_transfer_undoes_key"},
		"second header at one height":            {do: []string{header(5, "a"), header(5, "b")}, constraint: "header_pkey"},
		"transaction in a block that is unknown": {do: []string{"INSERT INTO chain_tx VALUES (sha256('t'), 5, '')"}, constraint: "chain_tx_height_fkey"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base := pgtest.New(t)
			exec(t, open(t, base.URL), house)
			worker := open(t, base.WorkerURL)

			err := together(t, worker, test.do)

			var pg *pgconn.PgError
			switch {
			case test.constraint == "" && err != nil:
				t.Errorf("got %v, want it done", err)
			case test.constraint != "" && (!errors.As(err, &pg) || pg.ConstraintName != test.constraint):
				t.Errorf("got %v, want %s", err, test.constraint)
			}
		})
	}
}

func together(t *testing.T, d *postgres.DB, statements []string) error {
	t.Helper()
	return d.Tx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		for _, sql := range statements {
			if _, err := tx.Conn().PgConn().Exec(ctx, sql).ReadAll(); err != nil {
				return err
			}
		}
		return nil
	})
}

func transfer(id, to, from int) string {
	return fmt.Sprintf("INSERT INTO ledger_transfer OVERRIDING SYSTEM VALUE VALUES (%d, 'deposit', 'x', NULL, NULL, now());", id) +
		fmt.Sprintf("INSERT INTO ledger_posting VALUES (%d, 'available', %d), (%[1]d, 'outside', %[3]d)", id, to, from)
}

func undo(id int) string {
	return fmt.Sprintf("INSERT INTO ledger_transfer OVERRIDING SYSTEM VALUE VALUES (%d, 'deposit', 'x', NULL, 1, now())", id)
}

func header(height int, hash string) string {
	return fmt.Sprintf("INSERT INTO header VALUES (%d, sha256('%s'), sha256(''), now())", height, hash)
}
