package payout_test

import (
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/google/uuid"
)

// invariants are statements that return a row for each breach.
var invariants = map[string]string{
	"a payment stands twice in the best chain": `
		SELECT o.instalment_id::text FROM attempt a JOIN attempt_output o ON o.attempt_id = a.id JOIN chain_tx c ON c.txid = a.txid
		WHERE o.instalment_id IS NOT NULL GROUP BY 1 HAVING count(*) > 1`,
	"a spend is neither an attempt nor booked as foreign": `
		SELECT encode(c.spent_by, 'hex') FROM coin c WHERE c.spent_by IS NOT NULL
			AND NOT EXISTS (SELECT FROM attempt a WHERE a.txid = c.spent_by)
			AND NOT EXISTS (SELECT FROM breaker b WHERE b.code = 'foreign_spend')`,
	"an output is not what was approved": `
		SELECT o.attempt_id::text FROM attempt_output o JOIN instalment i ON i.id = o.instalment_id
		WHERE o.script <> i.payee_script OR o.amount_sat <> i.amount_sat`,
	"two attempts for one payment that can both confirm": `
		SELECT x.instalment_id::text FROM attempt_output x JOIN attempt_output y ON x.instalment_id = y.instalment_id AND x.attempt_id < y.attempt_id
		WHERE EXISTS (SELECT FROM attempt_event e WHERE e.attempt_id = x.attempt_id AND e.event = 'signing')
			AND EXISTS (SELECT FROM attempt_event e WHERE e.attempt_id = y.attempt_id AND e.event = 'signing')
			AND NOT EXISTS (SELECT FROM attempt_input i JOIN attempt_input j USING (txid, vout) WHERE i.attempt_id = x.attempt_id AND j.attempt_id = y.attempt_id)
			AND NOT EXISTS (SELECT FROM attempt_input i JOIN coin c USING (txid, vout) JOIN chain_tx t ON t.txid = c.spent_by, fund f
				WHERE i.attempt_id IN (x.attempt_id, y.attempt_id) AND t.height <= (SELECT max(height) FROM header) + 1 - f.final_depth
					AND NOT EXISTS (SELECT FROM attempt a JOIN attempt_output o ON o.attempt_id = a.id WHERE a.txid = t.txid AND o.instalment_id = x.instalment_id))`,
	"an attempt does not spend the anchor": `
		SELECT a.id::text FROM attempt a JOIN batch b ON b.id = a.batch_id
		WHERE NOT EXISTS (SELECT FROM attempt_input i WHERE i.attempt_id = a.id AND i.txid = b.anchor_txid AND i.vout = b.anchor_vout)`,
	"an attempt does not add up": `
		SELECT a.id::text FROM attempt a
		WHERE (SELECT sum(amount_sat) FROM attempt_input i WHERE i.attempt_id = a.id)
			<> (SELECT sum(amount_sat) FROM attempt_output o WHERE o.attempt_id = a.id) + a.fee_sat`,
	"a transfer does not sum to zero": `SELECT transfer_id::text FROM ledger_posting GROUP BY 1 HAVING sum(amount_sat) <> 0`,
	"the ledger and the coins differ": `
		SELECT 'differ' WHERE (SELECT coalesce(sum(amount_sat), 0) FROM coin WHERE spent_by IS NULL)
			<> (SELECT coalesce(sum(amount_sat), 0) FROM ledger_posting WHERE account IN ('available', 'committed', 'in_flight'))`,
	"the ledger and the payments differ": `
		SELECT account FROM (VALUES ('committed', '{payable,held,allocated}'::text[]), ('in_flight', '{maybe_paid}'), ('confirming', '{mined}'), ('paid', '{paid,final}')) x (account, states)
		WHERE (SELECT coalesce(sum(amount_sat), 0) FROM ledger_posting p WHERE p.account = x.account)
			<> (SELECT coalesce(sum(amount_sat), 0) FROM instalment i WHERE i.state = ANY (x.states))`,
	"a payment is called mined and its transaction is in no block, or the other way round": `
		SELECT i.id::text FROM instalment i
		WHERE (i.state IN ('mined', 'paid', 'final')) <> EXISTS (SELECT FROM attempt_output o JOIN attempt a ON a.id = o.attempt_id JOIN chain_tx c ON c.txid = a.txid
			WHERE o.instalment_id = i.id)`,
	"a payment is called paid or final at another depth": `
		SELECT i.id::text FROM instalment i JOIN attempt_output o ON o.instalment_id = i.id JOIN attempt a ON a.id = o.attempt_id JOIN chain_tx c ON c.txid = a.txid,
			LATERAL (SELECT (SELECT max(height) FROM header) - c.height + 1 AS depth) d, fund f
		WHERE i.state <> CASE WHEN d.depth >= f.final_depth THEN 'final' WHEN d.depth >= f.paid_depth THEN 'paid' ELSE 'mined' END`,
	"a block does not follow on the one below": `
		SELECT h.height::text FROM header h JOIN header below ON below.height = h.height - 1 WHERE h.prev <> below.hash`,
	"a payment and its batch stand differently": `
		SELECT i.id::text FROM batch b JOIN batch_item bi ON bi.batch_id = b.id AND bi.released_at IS NULL JOIN instalment i ON i.id = bi.instalment_id
		WHERE i.state <> CASE WHEN b.state IN ('composed', 'approved', 'built') THEN 'allocated'
			WHEN b.state IN ('signing', 'signed', 'announced', 'conflicted', 'voiding') THEN 'maybe_paid' ELSE b.state END`,
	"a cancelled batch holds a payment": `
		SELECT b.id::text FROM batch b JOIN batch_item bi ON bi.batch_id = b.id WHERE b.state = 'cancelled' AND bi.released_at IS NULL`,
	"an allocated payment is in no batch": `
		SELECT i.id::text FROM instalment i WHERE i.state NOT IN ('payable', 'held', 'cancelled')
			AND NOT EXISTS (SELECT FROM batch_item bi WHERE bi.instalment_id = i.id AND bi.released_at IS NULL)`,
	"an input of a live batch is not reserved, or one of a batch that ended is": `
		SELECT b.id::text FROM batch b JOIN attempt a ON a.batch_id = b.id JOIN attempt_input i ON i.attempt_id = a.id
		WHERE (b.state NOT IN ('cancelled', 'final', 'voided'))
			<> EXISTS (SELECT FROM reservation r WHERE r.batch_id = b.id AND r.txid = i.txid AND r.vout = i.vout AND r.released_at IS NULL)`,
	"bytes were signed or announced before they were stored": `
		SELECT e.attempt_id::text FROM attempt_event e
		WHERE (e.event = 'announced' AND NOT EXISTS (SELECT FROM attempt_raw r WHERE r.attempt_id = e.attempt_id))
			OR (e.event = 'signed' AND NOT EXISTS (SELECT FROM attempt_event s WHERE s.attempt_id = e.attempt_id AND s.event = 'signing' AND s.id < e.id))`,
	"history has an edge that is not legal": `
		SELECT e.object_kind || ' ' || e.from_state || ' ' || e.to_state FROM event e
		WHERE e.from_state <> '' AND e.to_state <> '' AND e.from_state <> e.to_state
			AND NOT EXISTS (SELECT FROM state_edge s WHERE s.object_kind = e.object_kind AND s.from_state = e.from_state AND s.to_state = e.to_state)`,
	"the history of a batch does not end where it stands": `
		SELECT b.id::text FROM batch b
		WHERE b.state <> (SELECT e.to_state FROM event e WHERE e.object_kind = 'batch' AND e.object_id = b.id ORDER BY e.id DESC LIMIT 1)`,
}

// checkInvariants holds the database against every statement above, and the
// payments that it knows of against the node's own blocks.
func checkInvariants(t testing.TB, r *rig) {
	t.Helper()
	for what, sql := range invariants {
		for _, row := range r.texts(sql) {
			t.Errorf("%s: %s", what, row)
		}
	}
	checkChain(t, r)
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
	rows, err := r.owner.Pool().Query(ctx, "SELECT id, payee_script, amount_sat, state IN ('mined', 'paid', 'final') FROM instalment")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id uuid.UUID
		var script []byte
		var amount int64
		var mined bool
		if err := rows.Scan(&id, &script, &amount, &mined); err != nil {
			t.Fatal(err)
		}
		got := sent[string(script)]
		if len(got) > 1 || (len(got) == 1) != mined || (mined && got[0] != amount) {
			t.Errorf("payment %s of %d sat, mined %v: the chain pays %v", id, amount, mined, got)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
