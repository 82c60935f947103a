package postgres_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
)

func TestEveryInvariantOfChecksIsInTheirView(t *testing.T) {
	t.Parallel()
	owner := open(t, pgtest.New(t).URL)
	names := texts(t, owner, `SELECT DISTINCT m[1] FROM pg_views, regexp_matches(definition, '''(c[0-9]{2}_[a-z_]+)''', 'g') AS m WHERE viewname = 'check_breach' ORDER BY 1`)
	if diff := cmp.Diff(endpoint.Invariants(), names); diff != "" {
		t.Errorf("code against view:\n%s", diff)
	}
}

func TestEveryInvariantIsAView(t *testing.T) {
	t.Parallel()
	owner := open(t, pgtest.New(t).URL)
	views := texts(t, owner, `SELECT substring(viewname FROM 11) FROM pg_views WHERE viewname LIKE 'invariant\_i%' ORDER BY 1`)
	slices.Sort(views)

	if diff := cmp.Diff(payout.Invariants(), views); diff != "" {
		t.Errorf("code against views:\n%s", diff)
	}
	if missing := texts(t, owner, `SELECT v.viewname FROM pg_views v
		WHERE v.viewname LIKE 'invariant\_i%' AND (SELECT definition FROM pg_views WHERE viewname = 'invariant_breach') NOT LIKE '%FROM ' || v.viewname || '%'`); len(missing) > 0 {
		t.Errorf("nobody reads %v", missing)
	}
}

// TestBothRolesReadTheInvariants reads them as the programs do: the nightly check is
// the worker's.
func TestBothRolesReadTheInvariants(t *testing.T) {
	t.Parallel()
	base := pgtest.New(t)
	for _, url := range []string{base.AppURL, base.WorkerURL} {
		store := postgres.PayoutStore{DB: open(t, url)}
		if found, err := store.Breaches(t.Context(), 10); err != nil || len(found) != 0 {
			t.Errorf("breaches: %v, %v", found, err)
		}
		if lost, err := store.LostApprovals(t.Context(), 10); err != nil || len(lost) != 0 {
			t.Errorf("lost approvals: %v, %v", lost, err)
		}
	}
}

// ground is a fund with a batch of one payment that went to the signer, as the
// fewest rows in which each fault can be seeded. Identifiers are of one digit.
var ground = []string{
	`INSERT INTO fund (id, name, descriptor, birthday_height, budget_sat, min_amount_sat, max_amount_sat, policy_version, quorum, max_feerate_sat_kvb, max_fee_sat, pay_window_days, created_at)
		VALUES (u(1), 'f', 'd', 1, 5000, 1000, 5000, 1, 2, 10000, 1000, 90, now())`,
	`INSERT INTO grants VALUES (u(2), u(2), u(1), 'GR', 'Blue Heron', 'active', 2000, 1, now())`,
	`INSERT INTO decision VALUES (u(3), u(2), 1, u(2), d(note()), '', 2000, now())`,
	`INSERT INTO vote SELECT u(n), u(2), 1, d(note()), u(n), 'approve', NULL, 'login', NULL, now() FROM unnest('{21,22}'::int[]) n`,
	`INSERT INTO instalment VALUES (u(3), u(2), 1, u(3), d(note()), note(), 'script', 'address', 2000, note_due(note(), 1), note_until(note(), 1), 'maybe_paid', NULL, 1, now(), now())`,
	`INSERT INTO batch (id, fund_id, number, state, version, note, digest, treasury, until, feerate_sat_kvb, max_feerate_sat_kvb, max_fee_sat, seed, anchor_txid, anchor_vout, composed_by, created_at, changed_at)
		VALUES (u(4), u(1), 4, 'broadcast', 1, batch(), d(batch()), 0, '2100-01-01Z', 1500, 10000, 1000, h(4), h(8), 0, u(9), now(), now())`,
	`INSERT INTO batch_item VALUES (u(4), 0, u(3), NULL)`,
	`INSERT INTO approval VALUES (u(10), u(4), d(batch()), u(23), 'login', NULL, now())`,
	`INSERT INTO attempt VALUES (u(5), u(4), 0, '', h(5), 300, 600, 1, now())`,
	`INSERT INTO attempt_input VALUES (u(5), h(8), 0, 5000)`,
	`INSERT INTO attempt_output VALUES (u(5), 0, 'script', 2000, u(3), NULL), (u(5), 1, 'change', 2700, NULL, 4)`,
	`INSERT INTO attempt_raw VALUES (u(5), 'raw', now())`,
	`INSERT INTO attempt_event (attempt_id, event, at) SELECT u(5), e, now() FROM unnest('{built,signing,signed,broadcast}'::text[]) e`,
	`INSERT INTO reservation (txid, vout, batch_id) VALUES (h(8), 0, u(4))`,
	`SELECT say('application.voted_approve', 'staff:' || u(21), 'application', u(2), '', '', d(note()))`,
	`SELECT say('application.voted_approve', 'staff:' || u(22), 'application', u(2), '', 'ready', d(note()))`,
	`SELECT say('application.approved', 'staff:' || u(22), 'application', u(2), 'ready', 'approved', d(note()))`,
	`SELECT say('instalment.created', 'staff:' || u(22), 'instalment', u(3), '', 'payable', d(note()))`,
	`SELECT say('batch.approved', 'staff:' || u(23), 'batch', u(4), 'composed', 'approved', d(batch()))`,
	`SELECT say('batch.broadcast', 'system:worker', 'batch', u(4), 'signed', 'broadcast', d(batch()))`,
	`INSERT INTO header SELECT n, h(n), h(n - 1), now() FROM generate_series(1, 120) n`,
	`INSERT INTO chain_tx VALUES (h(8), 2, 'raw')`,
	`INSERT INTO coin VALUES (h(8), 0, 'deposit', 5000, 0, 0, 2, false, NULL)`,
	`INSERT INTO ledger_transfer (kind, ref, at) VALUES ('deposit', 'ground', now())`,
	`INSERT INTO ledger_posting SELECT max(id), 'outside', -5000 FROM ledger_transfer`,
	`INSERT INTO ledger_posting SELECT max(id), 'available', 3000 FROM ledger_transfer`,
	`INSERT INTO ledger_posting SELECT max(id), 'in_flight', 2000 FROM ledger_transfer`,
}

// words are what the ground is told with. u and h are identifiers and hashes of one
// digit; d is the digest of a note; say adds a row to the log and to the history of
// its object; forge replaces words in a leaf, and its hash with it.
var words = []string{
	`CREATE FUNCTION u(n int) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid $$`,
	`CREATE FUNCTION h(n int) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT sha256(n::text::bytea) $$`,
	`CREATE FUNCTION d(note text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT sha256(convert_to(note, 'UTF8')) $$`,
	`CREATE FUNCTION note() RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT E'note\nsat 2000 2000\nperiods 1\nfirst_due 2026-01-31 every none\npay_within_days 9999\npayee 0 736372697074 address\n' $$`,
	`CREATE FUNCTION batch() RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT E'batch\ntreasury 0\nuntil 2100-01-01T00:00:00Z\n' $$`,
	`CREATE FUNCTION stored(n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$ SELECT 2 * n - length(replace(n::bit(63)::text, '0', '')) $$`,
	`CREATE FUNCTION say(act text, who text, kind text, id uuid, was text, now_is text, digest bytea) RETURNS void LANGUAGE plpgsql AS $$
		DECLARE n bigint := (SELECT count(*) FROM audit_leaf);
		DECLARE leaf bytea := convert_to(format('{"action":"%s","actor":"%s","at":"%s","digest":"%s","from":"%s","object_id":"%s","object_kind":"%s","seq":%s,"to":"%s"}',
			act, who, to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), encode(digest, 'hex'), was, id, kind, n, now_is), 'UTF8');
		BEGIN
			INSERT INTO audit_leaf (seq, at, actor, action, object_kind, object_id, leaf) VALUES (n, now(), who, act, kind, id::text, leaf);
			INSERT INTO audit_hash VALUES (stored(n), sha256('\x00'::bytea || leaf));
			INSERT INTO audit_hash SELECT i, h(i::int) FROM generate_series(stored(n) + 1, stored(n + 1) - 1) i;
			INSERT INTO event (object_kind, object_id, event, from_state, to_state, actor_kind, actor_id, at)
				VALUES (kind, id, act, nullif(was, ''), nullif(now_is, ''), split_part(who, ':', 1), CASE WHEN who LIKE 'staff:%' THEN split_part(who, ':', 2)::uuid END, now());
		END $$`,
	`CREATE FUNCTION forge(n bigint, a text, b text) RETURNS void LANGUAGE sql AS $$
		UPDATE audit_leaf SET action = replace(action, a, b), actor = replace(actor, a, b), object_id = replace(object_id, a, b),
			leaf = convert_to(replace(convert_from(leaf, 'UTF8'), a, b), 'UTF8') WHERE seq = n;
		UPDATE audit_hash SET hash = sha256('\x00'::bytea || (SELECT leaf FROM audit_leaf WHERE seq = n)) WHERE index = stored(n) $$`,
}

const (
	// The batch as recovery makes it again, where its approval is lost.
	rebuilt = `DELETE FROM approval; SELECT forge(4, 'batch.approved', 'batch.recovered'), forge(4, 'staff:' || u(23), 'system:worker');
		UPDATE event SET event = 'batch.recovered', actor_kind = 'system', actor_id = NULL WHERE event = 'batch.approved'`
	// A void that a signer was asked for, as agreed by two.
	voided = bump + `; UPDATE attempt SET kind = 'void' WHERE id = u(6); DELETE FROM attempt_output WHERE attempt_id = u(6) AND vout = 0;
		UPDATE attempt_output SET amount_sat = 4600 WHERE attempt_id = u(6);
		INSERT INTO void VALUES (u(40), u(4), 'v', d('v'), 3, 400, 'why', u(23), now()); INSERT INTO void_approval VALUES (u(40), d('v'), u(24), now());
		SELECT say('batch.void_approved', 'staff:' || u(24), 'batch', u(4), 'broadcast', 'broadcast', d('v'))`
	// A second attempt for the payment, in a batch of its own, that went to a signer.
	secondHome = `INSERT INTO attempt VALUES (u(6), u(7), 0, '', h(6), 300, 600, 1, now());
		INSERT INTO attempt_input VALUES (u(6), h(9), 0, 2300);
		INSERT INTO attempt_output VALUES (u(6), 0, 'script', 2000, u(3), NULL);
		INSERT INTO attempt_event (attempt_id, event, at) VALUES (u(6), 'built', now()), (u(6), 'signing', now())`
	// A replacement in the same batch.
	bump = `INSERT INTO attempt VALUES (u(6), u(4), 1, '', h(6), 400, 600, 1, now());
		INSERT INTO attempt_input VALUES (u(6), h(8), 0, 5000);
		INSERT INTO attempt_output VALUES (u(6), 0, 'script', 2000, u(3), NULL), (u(6), 1, 'change', 2600, NULL, 4);
		INSERT INTO attempt_event (attempt_id, event, at) VALUES (u(6), 'built', now()), (u(6), 'signing', now())`
)

// TestEveryFaultIsNamed seeds each fault and wants the view of its invariant to
// name it. Without a fault no view has a row.
func TestEveryFaultIsNamed(t *testing.T) {
	t.Parallel()
	owner := open(t, pgtest.New(t).URL)
	for _, sql := range words {
		if _, err := owner.Pool().Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct{ invariant, name, fault string }{
		{"", "nothing is wrong", `SELECT 1`},
		{"", "a bump", bump},
		{"", "a void", voided},
		{"", "a batch that was rebuilt from a journal", rebuilt},
		{"i01_exactly_once", "paid by two transactions of the chain", secondHome + `; INSERT INTO chain_tx VALUES (h(5), 3, ''), (h(6), 4, '')`},
		{"i01_exactly_once", "a lost period paid twice", strings.ReplaceAll(secondHome, "u(3), NULL)", "NULL, NULL, d('lost'), 2)") +
			`; UPDATE attempt_output SET instalment_id = NULL, decision = d('lost'), period = 2 WHERE attempt_id = u(5) AND vout = 0;
			INSERT INTO chain_tx VALUES (h(5), 3, ''), (h(6), 4, '')`},
		{"i01_spends_mapped", "a spend that nobody knows", `INSERT INTO chain_tx VALUES (h(7), 3, ''); UPDATE coin SET spent_by = h(7)`},
		{"i02_exact", "another script", `UPDATE attempt_output SET script = 'thief' WHERE vout = 0`},
		{"i02_exact", "one satoshi less", `UPDATE attempt_output SET amount_sat = 1999 WHERE vout = 0`},
		{"i03_votes", "one vote of two", `DELETE FROM vote WHERE staff_id = u(22)`},
		{"i03_votes", "a flipped vote", `UPDATE vote SET verdict = 'decline' WHERE staff_id = u(22)`},
		{"i03_votes", "one person, twice", `UPDATE vote SET staff_id = u(21), revision = 2 WHERE staff_id = u(22)`},
		{"i03_votes", "votes on another digest", `UPDATE vote SET digest = h(77)`},
		{"i03_votes", "votes on another application", `UPDATE vote SET application_id = u(77)`},
		{"i03_votes", "as many against it", `INSERT INTO vote SELECT u(n), u(2), 1, d(note()), u(n), 'decline', NULL, 'login', NULL, now() FROM unnest('{31,32}'::int[]) n`},
		{"i03_votes", "an amount that was not decided", `UPDATE decision SET amount_sat = 1999`},
		{"i03_votes", "a decision of another application", `UPDATE decision SET application_id = u(77)`},
		{"i03_votes", "a decision of another grant", `UPDATE decision SET grant_id = u(77)`},
		{"i03_votes", "no decision", `DELETE FROM decision`},
		{"i03_votes", "another day", `UPDATE instalment SET due_at = due_at + interval '1 day'`},
		{"i03_votes", "a day longer", `UPDATE instalment SET until_at = until_at + interval '1 day'`},
		{"i03_votes", "a period that was not decided", `UPDATE instalment SET period = 2`},
		{"i03_votes", "another address", `UPDATE instalment SET payee_address = 'thief'`},
		{"i03_votes", "a note of another digest", `UPDATE instalment SET note = note || 'x'`},
		{"i03_approvals", "nobody approved", `DELETE FROM approval`},
		{"i03_approvals", "approved was another digest", `UPDATE approval SET digest = h(77)`},
		{"i03_approvals", "approved was another batch", `UPDATE approval SET batch_id = u(77)`},
		{"i03_approvals", "a signer was asked for what is composed", `DELETE FROM approval; UPDATE batch SET state = 'composed'`},
		{"i03_approvals", "a reviewer approved", `UPDATE approval SET staff_id = u(21)`},
		{"i03_approvals", "a batch for longer", `UPDATE batch SET until = until + interval '1 second'`},
		{"i03_approvals", "another treasury", `UPDATE batch SET treasury = 1`},
		{"i03_approvals", "a note of another digest", `UPDATE batch SET note = 'm'`},
		{"i03_approvals", "a void that nobody agreed to", voided + `; DELETE FROM void_approval`},
		{"i03_approvals", "a void that nobody asked for", voided + `; DELETE FROM void`},
		{"i03_approvals", "a void by one person", voided + `; UPDATE void_approval SET staff_id = u(23)`},
		{"i03_approvals", "a void of another digest", voided + `; UPDATE void_approval SET digest = h(77)`},
		{"i03_approvals", "a void note of another digest", voided + `; UPDATE void SET note = 'w'`},
		{"i04_anchor", "two attempts without a common coin", secondHome},
		{"i04_spends_anchor", "an attempt beside the anchor", `UPDATE batch SET anchor_vout = 1`},
		{"i04_reserved", "a coin that another batch could take", `UPDATE reservation SET released_at = now()`},
		{"i04_reserved", "a coin held for ever", `UPDATE batch SET state = 'final'`},
		{"i05_replacement", "a bump pays more", bump + `; UPDATE attempt_output SET amount_sat = 2001 WHERE attempt_id = u(6) AND vout = 0`},
		{"i05_replacement", "a bump drops a coin", bump + `; UPDATE attempt_input SET vout = 1 WHERE attempt_id = u(6)`},
		{"i05_replacement", "a bump pays the same fee", bump + `; UPDATE attempt SET fee_sat = 300`},
		{"i05_replacement", "a void pays somebody", bump + `; UPDATE attempt SET kind = 'void' WHERE id = u(6)`},
		{"i06_fee", "above the batch's cap", `UPDATE attempt SET fee_sat = 1001`},
		{"i06_fee", "above the feerate", `UPDATE attempt SET weight = 100`},
		{"", "a child above the feerate", `UPDATE batch SET kind = 'child'; UPDATE attempt SET weight = 100`},
		{"", "at the feerate", `UPDATE batch SET max_feerate_sat_kvb = 1981; UPDATE attempt SET weight = 601`}, // 151 vB: 299.131 sat is 300
		{"i06_fee", "a satoshi above the feerate", `UPDATE batch SET max_feerate_sat_kvb = 1980; UPDATE attempt SET weight = 601`},
		{"i06_fee", "below the feerate that it begins with", `UPDATE attempt SET weight = 1300`},
		{"i07_transactions", "a satoshi is gone", `UPDATE attempt_output SET amount_sat = 2699 WHERE vout = 1`},
		{"i07_transfers", "a posting without its other side", `INSERT INTO ledger_posting SELECT max(id), 'lost', 1 FROM ledger_transfer`},
		{"i07_coins", "a coin that no posting knows", `INSERT INTO coin VALUES (h(8), 1, 'deposit', 1, 0, 1, 2, false, NULL)`},
		{"i07_payments", "a payment that no posting knows", `UPDATE instalment SET state = 'payable'`},
		{"i08_budget", "more than the grant", `UPDATE grants SET amount_sat = 1999`},
		{"i08_budget", "more than the fund", `UPDATE fund SET budget_sat = 1999`},
		{"i08_budget", "an account below zero", `UPDATE ledger_posting SET account = 'fees' WHERE account = 'outside'`},
		{"i09_window", "after the last moment of the batch", `UPDATE batch SET note = replace(note, '2100', '2020'), digest = d(replace(note, '2100', '2020')), until = '2020-01-01Z';
			UPDATE approval SET digest = d(replace(batch(), '2100', '2020'))`},
		{"i09_window", "too late", `UPDATE attempt_event SET at = '2100-01-02' WHERE event = 'signing'`},
		{"", "a bump after the window", bump + `; UPDATE attempt_event SET at = '2100-01-02' WHERE event = 'signing' AND attempt_id = u(6)`},
		{"i09_window", "a note without a window", `UPDATE instalment SET note = ''`},
		{"i10_edges", "back from the signer", `INSERT INTO event (object_kind, object_id, event, from_state, to_state, actor_kind, at) VALUES ('batch', u(4), 'x', 'signing', 'approved', 'system', now())`},
		{"i10_history", "a state without a history", `UPDATE batch SET state = 'signed'`},
		{"i10_together", "a payment that its batch does not know of", `UPDATE instalment SET state = 'allocated'`},
		{"i10_together", "a payment in no batch", `DELETE FROM batch_item`},
		{"i10_rule_r", "payable while it may be paid", `UPDATE instalment SET state = 'payable'`},
		{"i11_write_ahead", "broadcast without bytes", `DELETE FROM attempt_raw`},
		{"i11_write_ahead", "signed without intent", `DELETE FROM attempt_event WHERE event = 'signing'`},
		{"i12_view", "a block is missing", `DELETE FROM header WHERE height = 60`},
		{"i12_view", "a block of another chain", `UPDATE header SET hash = h(999) WHERE height = 60`},
		{"i13_reorg", "mined in no block", `UPDATE instalment SET state = 'mined'`},
		{"i13_reorg", "in a block and not mined", `INSERT INTO chain_tx VALUES (h(5), 119, '')`},
		{"i15_audit", "a change without a leaf", `INSERT INTO event (object_kind, object_id, event, actor_kind, at) VALUES ('batch', u(4), 'x', 'system', now())`},
		{"i15_audit", "a leaf is gone", `DELETE FROM audit_leaf WHERE seq = 0`},
		{"i15_audit", "a hash is gone", `DELETE FROM audit_hash`},
		{"i15_audit", "a leaf of another hash", `UPDATE audit_hash SET hash = h(77) WHERE index = stored(5)`},
		{"i15_history", "another actor in the history", `UPDATE event SET actor_id = u(77) WHERE event = 'batch.approved'`},
		{"i15_history", "another actor in the leaf", `SELECT forge(4, 'staff:' || u(23), 'staff:' || u(77))`},
		{"i15_history", "another act in the history", `UPDATE event SET event = 'batch.composed' WHERE event = 'batch.approved'`},
		{"i15_history", "another state before", `UPDATE event SET from_state = NULL WHERE event = 'batch.broadcast'`},
		{"i15_history", "another state after", `UPDATE event SET to_state = 'signed' WHERE event = 'batch.broadcast'`},
		{"i15_history", "the worker where a person was", `UPDATE event SET actor_kind = 'system', actor_id = NULL WHERE event = 'batch.approved'`},
		{"i15_leaves", "a flipped vote", `UPDATE vote SET verdict = 'decline' WHERE staff_id = u(22)`},
		{"i15_leaves", "a vote of somebody else", `UPDATE vote SET staff_id = u(77) WHERE staff_id = u(22)`},
		{"i15_leaves", "a vote on another digest", `UPDATE vote SET digest = h(77) WHERE staff_id = u(22)`},
		{"i15_leaves", "a vote without a leaf", `INSERT INTO vote VALUES (u(31), u(2), 1, d(note()), u(31), 'approve', NULL, 'login', NULL, now())`},
		{"i15_leaves", "a vote is gone", `DELETE FROM vote WHERE staff_id = u(22)`},
		{"i15_leaves", "an approval of somebody else", `UPDATE approval SET staff_id = u(77)`},
		{"i15_leaves", "an approval of another digest", `UPDATE approval SET digest = h(77)`},
		{"i15_leaves", "an approval of another batch", `UPDATE approval SET batch_id = u(77)`},
		{"i15_leaves", "an approval is gone", `DELETE FROM approval`},
		{"i15_leaves", "an approval without a leaf", `INSERT INTO approval VALUES (u(11), u(4), d('n'), u(24), 'login', NULL, now())`},
		{"i15_leaves", "a yes to a void without a leaf", voided + `; UPDATE void_approval SET staff_id = u(25)`},
		{"i15_leaves", "a payment whose leaf is of another digest", `SELECT forge(2, encode(d(note()), 'hex'), encode(h(77), 'hex'))`},
		{"i15_leaves", "a payment whose leaf is of another application", `SELECT forge(2, u(2)::text, u(77)::text)`},
		{"i15_leaves", "a payment that nobody made", `SELECT forge(3, u(3)::text, u(77)::text)`},
		{"i15_leaves", "a payment is gone", `DELETE FROM instalment`},
		{"i15_unsealed", "an application was opened without a leaf", `INSERT INTO unsealing VALUES (u(41), 'application', u(2), now())`},
		{"i15_unsealed", "addresses were opened without a leaf", `INSERT INTO unsealing VALUES (u(41), 'endpoints', u(2), now())`},
		{"i15_unsealed", "titles were opened without a leaf", `INSERT INTO unsealing VALUES (u(41), 'titles', u(1), now())`},
	}
	seen := map[string]bool{}
	for _, tt := range tests {
		seen[tt.invariant] = true
		rows := seeded(t, owner, tt.fault, "SELECT invariant, what FROM invariant_breach")
		hit := slices.ContainsFunc(rows, func(r []string) bool { return r[0] == tt.invariant && r[1] != "" })
		if (tt.invariant == "") != (len(rows) == 0) || (tt.invariant != "" && !hit) {
			t.Errorf("%s: got %v, want %q", tt.name, rows, tt.invariant)
		}
	}
	for _, name := range payout.Invariants() {
		if !seen[name] {
			t.Errorf("no fault for %s", name)
		}
	}
}

// TestLostApprovalIsNamed reads what is no breach after a restore and is not told in
// silence either.
func TestLostApprovalIsNamed(t *testing.T) {
	t.Parallel()
	owner := open(t, pgtest.New(t).URL)
	for _, sql := range words {
		exec(t, owner, sql)
	}
	lostVoid := voided + `; SELECT forge(5, 'batch.broadcast', 'batch.recovered'); UPDATE event SET event = 'batch.recovered' WHERE event = 'batch.broadcast';
		UPDATE void_approval SET staff_id = u(23)`
	for fault, want := range map[string][][]string{
		`SELECT 1`: nil,
		voided:     nil,
		rebuilt:    {{"lost", "batch 4 was rebuilt from a signer's journal, and who approved it was lost with the restored database"}},
		lostVoid:   {{"lost", "batch 4 was rebuilt from a signer's journal, and who approved taking it back was lost with the restored database"}},
	} {
		got := seeded(t, owner, fault, "SELECT 'lost', what FROM lost_approval")
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s:\n%s", fault, diff)
		}
	}
}

// seeded returns what read finds in the ground with a fault, and takes both back.
func seeded(t *testing.T, owner *postgres.DB, fault, read string) [][]string {
	t.Helper()
	var rows [][]string
	errDone := errors.New("done")
	err := owner.Tx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		for _, sql := range append(append([]string{"SET LOCAL session_replication_role = replica"}, ground...), fault) {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return errors.Join(errors.New(sql), err)
			}
		}
		got, err := tx.Query(ctx, read)
		if err != nil {
			return err
		}
		rows, err = pgx.CollectRows(got, func(row pgx.CollectableRow) ([]string, error) {
			var name, what string
			err := row.Scan(&name, &what)
			return []string{name, what}, err
		})
		return errors.Join(err, errDone)
	})
	if !errors.Is(err, errDone) {
		t.Fatal(err)
	}
	return rows
}
