package payout_test

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/treasurer"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// owe approves n payments of amount each, as if people had reviewed them, and
// returns the instalments. The rig's reviewer voted for every one.
func (r *rig) owe(n int, amount btcutil.Amount) []uuid.UUID {
	r.t.Helper()
	ids := make([]uuid.UUID, n)
	for i := range ids {
		ids[i] = r.oweOne(amount)
	}
	return ids
}

const oweSQL = `WITH
	a AS (INSERT INTO application (id, fund_id, reference, designation, state, revision, version, protocols, region, language, amount_sat, payee_index, key_id, submitted_at, changed_at)
		SELECT $1, id, $2, 'Blue Heron ' || $2, 'approved', 1, 1, '{socks5}', 'x', 'en', $3, $4, 'k', now(), now() FROM fund),
	v AS (INSERT INTO application_revision VALUES ($1, 1, '', $4, $3, now())),
	d AS (INSERT INTO decision VALUES ($5, $1, 1, $6, $7, '', $9, now())),
	w AS (INSERT INTO vote SELECT gen_random_uuid(), $1, 1, $7, voter, 'approve', NULL, 'login', NULL, now() FROM unnest($8::uuid[]) voter)
INSERT INTO grants SELECT $6, $1, id, $2, 'Blue Heron', 'active', $3, 1, now() FROM fund`

// instalmentSQL makes one period of a decision a payment that is owed.
const instalmentSQL = `WITH
	i AS (INSERT INTO instalment VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'payable', NULL, 1, now(), now())),
	t AS (INSERT INTO ledger_transfer (kind, ref, at) VALUES ('commit', $12, now()) RETURNING id),
	p AS (INSERT INTO ledger_posting SELECT id, 'available', -$9::bigint FROM t)
INSERT INTO ledger_posting SELECT id, 'committed', $9::bigint FROM t`

func (r *rig) oweOne(amount btcutil.Amount) uuid.UUID {
	r.t.Helper()
	return r.oweTo(payeeScript(r.payees), amount)
}

// oweTo owes amount to a script.
func (r *rig) oweTo(script []byte, amount btcutil.Amount) uuid.UUID {
	r.t.Helper()
	return r.oweEvery(script, amount, 1, decision.Once)[0]
}

// oweEvery owes amount to a script in each of some periods, the first of which is due today.
func (r *rig) oweEvery(script []byte, amount btcutil.Amount, periods int, every string) []uuid.UUID {
	r.t.Helper()
	params, err := r.fund.Params()
	if err != nil {
		r.t.Fatal(err)
	}
	note := decision.Note{
		Network: decision.NetworkOf(params), Fund: r.fund.ID, Decision: uuid.New(), Grant: uuid.New(),
		Currency: decision.CurrencySat, Amount: int64(amount), SatLeast: amount, SatMost: amount,
		Periods: periods, FirstDue: r.clock.Now().Truncate(24 * time.Hour), Every: every, PayWithinDays: r.fund.PayWithinDays(),
		Payees: []decision.Payee{{Script: script, Address: wallet.AddressOf(script, params)}},
	}
	digest, index := note.Digest(), sha256.Sum256(script)
	application, ids := uuid.New(), make([]uuid.UUID, periods)
	r.exec(oweSQL, application, fmt.Sprintf("GR-%06d", r.payees), int64(note.Most()), index[:], note.Decision, note.Grant, digest[:],
		[]uuid.UUID{r.reviewer.StaffID, r.other.StaffID}, int64(amount))
	for i := range ids {
		ids[i] = uuid.New()
		r.exec(instalmentSQL, ids[i], note.Grant, i+1, note.Decision, digest[:], string(note.Encode()), script, note.Payee(i+1).Address,
			int64(amount), note.Due(i+1), note.Until(i+1), ids[i].String())
	}
	act := func(by identity.Actor, action, kind string, object uuid.UUID, to string) audit.Entry {
		return audit.Entry{Actor: by, Action: action, ObjectKind: kind, ObjectID: object.String(), To: to, Digest: digest[:], At: r.clock.Now()}
	}
	r.tell(
		act(r.reviewer, "application.voted_approve", "application", application, ""),
		act(r.other, "application.voted_approve", "application", application, ""),
		act(r.other, "application.approved", "application", application, "approved"),
	)
	for _, id := range ids {
		r.tell(act(r.other, "instalment.created", "instalment", id, "payable"))
	}
	r.payees++
	return ids
}

// order is a usual order for ids.
func order(ids []uuid.UUID) treasurer.Order {
	return treasurer.Order{InstalmentIDs: ids, FeeRateSatKVB: 5_000}
}

func (r *rig) compose(ids []uuid.UUID) payout.Batch {
	r.t.Helper()
	b, err := r.service.Compose(r.t.Context(), r.treasurer, order(ids))
	if err != nil {
		r.t.Fatalf("compose: %v", err)
	}
	return b
}

func (r *rig) approve(b payout.Batch) payout.Batch {
	r.t.Helper()
	approved, err := r.service.Approve(r.t.Context(), r.treasurer, b.ID, b.Version, b.Digest)
	if err != nil {
		r.t.Fatalf("approve: %v", err)
	}
	if approved.Payees != b.Payees || approved.Total != b.Total || b.Payees == 0 {
		r.t.Errorf("approving answers with %d payments of %d sat, composing with %d of %d", approved.Payees, approved.Total, b.Payees, b.Total)
	}
	return approved
}

// approved composes and approves a batch of n usual payments.
func (r *rig) approved(n int) payout.Batch {
	r.t.Helper()
	return r.approve(r.compose(r.owe(n, owed)))
}

// broadcast is approved, and then built, signed and told to the node.
func (r *rig) broadcast(n int) payout.Batch {
	r.t.Helper()
	b := r.approved(n)
	r.step()
	r.wantState(b.ID, payout.Broadcast)
	return b
}

func (r *rig) record(id uuid.UUID) payout.Record {
	r.t.Helper()
	rec, err := r.service.Batch(r.t.Context(), r.treasurer, id)
	if err != nil {
		r.t.Fatal(err)
	}
	return rec
}

// wantState also holds the state of every instalment against the batch's.
func (r *rig) wantState(id uuid.UUID, want payout.State) payout.Record {
	r.t.Helper()
	rec := r.record(id)
	if rec.Batch.State != want {
		r.t.Fatalf("batch is %s (%s), want %s", rec.Batch.State, rec.Batch.LastError, want)
	}
	for _, it := range rec.Items {
		if want != payout.Voided && string(it.State) != itemStates[want] {
			r.t.Fatalf("batch is %s and a payment of it is %s", want, it.State)
		}
	}
	return rec
}

// itemStates says how instalments stand while their batch does.
var itemStates = map[payout.State]string{
	payout.Composed: "allocated", payout.Approved: "allocated", payout.Built: "allocated",
	payout.Signing: "maybe_paid", payout.Signed: "maybe_paid", payout.Broadcast: "maybe_paid", payout.Voiding: "maybe_paid", payout.Conflicted: "maybe_paid",
	payout.Mined: "mined", payout.Paid: "paid", payout.Final: "final", payout.Cancelled: "payable",
}

// events returns the names of what happened to the newest attempt.
func events(rec payout.Record) []string {
	if len(rec.Attempts) == 0 {
		return nil
	}
	var names []string
	for _, e := range rec.Attempts[len(rec.Attempts)-1].Events {
		names = append(names, e.Event)
	}
	return names
}
