package payout_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/payout/payout"
)

// sleeping switches off what keeps the owner of the database from lying. "%s" is
// replaced by the lie.
const sleeping = `DO $do$ BEGIN SET LOCAL session_replication_role = replica; %s; END $do$`

// lies are changes that an owner of the database makes to an approved batch of
// two payments to pay somebody else, more, or at another price. B and I stand for
// the batch and its first instalment, O for an approved instalment of nobody's
// batch.
var lies = map[string]string{
	"amount":          "UPDATE instalment SET amount_sat = amount_sat + 1 WHERE id = I",
	"amounts swapped": "UPDATE instalment SET amount_sat = CASE WHEN id = I THEN amount_sat - 1 ELSE amount_sat + 1 END WHERE id IN (SELECT instalment_id FROM batch_item WHERE batch_id = B)",
	"script":          "UPDATE instalment SET payee_script = '\\x0014' || substr(sha256('thief'), 1, 20) WHERE id = I",
	"script and note": "UPDATE instalment SET payee_script = '\\x0014' || substr(sha256('thief'), 1, 20), note = replace(note, encode(payee_script, 'hex'), '0014' || encode(substr(sha256('thief'), 1, 20), 'hex')) WHERE id = I",
	"amount and note": "UPDATE instalment SET amount_sat = 2000000, note = replace(note, '1000000', '2000000') WHERE id = I",
	"note and digest": "UPDATE instalment SET amount_sat = 2000000, note = replace(note, '1000000', '2000000'), " +
		"digest = sha256(convert_to(replace(note, '1000000', '2000000'), 'UTF8')) WHERE id = I",
	"address":               "UPDATE instalment SET payee_address = 'x' WHERE id = I",
	"address in the note":   "UPDATE instalment SET note = replace(note, ' sb1', ' SB1') WHERE id = I",
	"instalment digest":     "UPDATE instalment SET digest = sha256('x') WHERE id = I",
	"window":                "UPDATE instalment SET note = regexp_replace(note, 'pay_within_days \\d+', 'pay_within_days 999') WHERE id = I",
	"due":                   "UPDATE instalment SET due_at = due_at - interval '1 day' WHERE id = I",
	"until":                 "UPDATE instalment SET until_at = until_at + interval '1 day' WHERE id = I",
	"period":                "UPDATE instalment SET period = 2 WHERE id = I",
	"until of the batch":    "UPDATE batch SET until = until + interval '1 day' WHERE id = B",
	"treasury":              "UPDATE batch SET treasury = 1 WHERE id = B",
	"payment dropped":       "DELETE FROM batch_item WHERE batch_id = B AND instalment_id = I",
	"payment swapped":       "UPDATE instalment SET state = 'allocated' WHERE id = O; UPDATE batch_item SET instalment_id = O WHERE batch_id = B AND instalment_id = I",
	"payment added":         "UPDATE instalment SET state = 'allocated' WHERE id = O; INSERT INTO batch_item VALUES (B, 9, O)",
	"feerate above its cap": "UPDATE batch SET feerate_sat_kvb = 45000, max_feerate_sat_kvb = 50000 WHERE id = B",
	"fee above its cap":     "UPDATE batch SET feerate_sat_kvb = 10000, max_fee_sat = 1000000 WHERE id = B",
	"batch note":            "UPDATE batch SET note = replace(note, 'max_fee_sat 1500', 'max_fee_sat 9500'), max_fee_sat = 9500 WHERE id = B",
	"batch note and digest": "UPDATE batch SET max_fee_sat = 9500, note = replace(note, 'max_fee_sat 1500', 'max_fee_sat 9500'), digest = sha256(convert_to(replace(note, 'max_fee_sat 1500', 'max_fee_sat 9500'), 'UTF8')) WHERE id = B",
	"batch digest":          "UPDATE batch SET digest = sha256('x') WHERE id = B",
	"number":                "UPDATE batch SET number = 77 WHERE id = B",
	"descriptor":            "UPDATE fund SET descriptor = 'D'",
	"no approval":           "DELETE FROM approval WHERE batch_id = B",
}

// builtLies touch what is stored when a batch is built.
var builtLies = map[string]string{
	"other psbt":      "UPDATE attempt SET psbt = (SELECT psbt FROM attempt WHERE batch_id <> B) WHERE batch_id = B",
	"psbt and txid":   "UPDATE attempt SET psbt = (SELECT psbt FROM attempt WHERE batch_id <> B), txid = (SELECT sha256(txid) FROM attempt WHERE batch_id <> B) WHERE batch_id = B",
	"one byte":        "UPDATE attempt SET psbt = set_byte(psbt, 60, get_byte(psbt, 60) # 1) WHERE batch_id = B",
	"an amount byte":  "UPDATE attempt SET psbt = overlay(psbt placing '\\x41420f' from position('\\x40420f'::bytea in psbt) for 3) WHERE batch_id = B",
	"txid":            "UPDATE attempt SET txid = sha256('x') WHERE batch_id = B",
	"anchor":          "UPDATE batch SET anchor_txid = sha256('x') WHERE id = B",
	"torn psbt":       "UPDATE attempt SET psbt = substr(psbt, 1, 80) WHERE batch_id = B",
	"input elsewhere": "UPDATE attempt_input SET txid = sha256('x') WHERE attempt_id = (SELECT id FROM attempt WHERE batch_id = B)",
}

// TestLiesInTheDatabaseGetNoSignature changes rows between a treasurer's approval
// and the building, and between the building and the signing.
func TestLiesInTheDatabaseGetNoSignature(t *testing.T) {
	t.Parallel()
	t.Run("approved", func(t *testing.T) {
		t.Parallel()
		tamper(t, lies, payout.Approved)
	})
	t.Run("built", func(t *testing.T) {
		t.Parallel()
		tamper(t, lies, payout.Built)
	})
	t.Run("attempt", func(t *testing.T) {
		t.Parallel()
		tamper(t, builtLies, payout.Built)
	})
}

// tamper tells every lie to a batch that stands at state, and takes it back: one
// rig serves them all, since none may get further.
func tamper(t *testing.T, lies map[string]string, at payout.State) {
	t.Helper()
	r := newRig(t, coin, coin, coin)
	outside := r.owe(1, owed)[0]
	r.signer.stop()
	other := r.approved(1)
	r.step()
	r.wantState(other.ID, payout.Built)
	o := order(r.owe(2, owed))
	o.MaxFeeRateSatKVB, o.MaxFeeSat = 20_000, 1500
	b, err := r.service.Compose(t.Context(), r.treasurer, o)
	if err != nil {
		t.Fatal(err)
	}
	if r.approve(b); at == payout.Built {
		r.step()
	}
	first := r.wantState(b.ID, at).Items[0].InstalmentID
	r.signer.start(policy())
	for name, lie := range lies {
		r.lieOnce(name, b.ID, first, outside, lie)
		if n := r.signer.signatures(); n != 0 {
			t.Fatalf("%s: %d signatures", name, n)
		}
	}

	// The truth is signed, which shows that the lies were what held it up.
	r.step()
	r.wantState(b.ID, payout.Broadcast)
	r.mine(1)
	r.wantState(b.ID, payout.Mined)
}

// lieOnce tells a lie, lets a new worker work on the batch alone and restores every
// table that a lie or a step can have touched.
func (r *rig) lieOnce(name string, batch, first, outside uuid.UUID, lie string) {
	r.t.Helper()
	const tables = "batch batch_item instalment fund approval attempt attempt_input attempt_output attempt_event reservation ledger_transfer ledger_posting event audit_leaf audit_hash"
	for _, table := range strings.Fields(tables) {
		r.exec("CREATE TABLE kept_" + table + " AS TABLE " + table)
	}
	lie = strings.NewReplacer("B)", quoted(batch)+")", "= B", "= "+quoted(batch), "<> B", "<> "+quoted(batch), "(B,", "("+quoted(batch)+",", "= I", "= "+quoted(first), "= O", "= "+quoted(outside), " O)", " "+quoted(outside)+")").Replace(lie)
	r.exec(fmt.Sprintf(sleeping, lie))

	_, conductor := r.worker(oneBatch{r.store, batch}, r.epoch)
	r.clock.Advance(1)
	if err := conductor.Step(r.t.Context()); err != nil {
		r.t.Logf("%s: step: %v", name, err)
	}
	var state, why string
	row := r.owner.Pool().QueryRow(r.t.Context(), "SELECT state, coalesce(last_error, '') FROM batch WHERE id = $1", batch)
	if err := row.Scan(&state, &why); err != nil {
		r.t.Fatal(err)
	}
	if why == "" || !payout.State(state).BeforeSigning() {
		r.t.Errorf("%s: the batch is %s with last error %q", name, state, why)
	}

	var undo strings.Builder
	for _, table := range strings.Fields(tables) {
		override := ""
		if r.number("SELECT count(*) FROM information_schema.columns WHERE table_name = $1 AND is_identity = 'YES'", table) > 0 {
			override = "OVERRIDING SYSTEM VALUE "
		}
		columns := strings.Join(r.texts("SELECT quote_ident(column_name) FROM information_schema.columns WHERE table_name = '"+table+
			"' AND is_generated = 'NEVER' ORDER BY ordinal_position"), ", ")
		fmt.Fprintf(&undo, "DELETE FROM %[1]s; INSERT INTO %[1]s (%[3]s) %[2]sSELECT %[3]s FROM kept_%[1]s; DROP TABLE kept_%[1]s; ", table, override, columns)
	}
	r.exec(fmt.Sprintf(sleeping, strings.TrimSuffix(undo.String(), "; ")))
}

func quoted(id uuid.UUID) string { return "'" + id.String() + "'" }

// oneBatch is a store in which one batch alone is due.
type oneBatch struct {
	workerStore
	id uuid.UUID
}

func (s oneBatch) Due(ctx context.Context) ([]uuid.UUID, error) {
	all, err := s.workerStore.Due(ctx)
	for _, id := range all {
		if id == s.id {
			return []uuid.UUID{id}, err
		}
	}
	return nil, err
}
