package web_test

import (
	"net/url"
	"testing"

	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// loseApproval has a batch at the signer whose approval is not in the database, as
// after the restore of an older one, and approves the same payment again.
func (r *rig) loseApproval() (tove *browser, reference string) {
	r.t.Helper()
	r.granted(1)
	tove = r.hire("Tove", identity.RoleTreasurer)
	batch := tove.submit(tove.get("/batches/new"), "/batches", nil)
	tove.submit(batch, batch.path+"/approve", url.Values{"typed_number": {"1"}}).wants(200)
	r.conduct()
	_, err := r.owner.Pool().Exec(r.t.Context(), `DO $$ BEGIN
		SET LOCAL session_replication_role = replica;
		UPDATE attempt_output SET instalment_id = NULL, decision = sha256('lost'), period = 1 WHERE instalment_id IS NOT NULL;
		DELETE FROM batch_item;
		DELETE FROM instalment;
	END $$`)
	must(r.t, err)
	ada, bo := r.hire("Ada2", identity.RoleReviewer), r.hire("Bo2", identity.RoleReviewer)
	r.approve(ada, bo, r.idOf(r.apply(0)))
	must(r.t, r.owner.Pool().QueryRow(r.t.Context(), "SELECT g.reference FROM instalment i JOIN grants g ON g.id = i.grant_id").Scan(&reference))
	return tove, reference
}

func TestAPaymentThatLostItsApprovalIsJoined(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tove, reference := r.loseApproval()
	const join, separate = "/treasury/unjoined/join", "/treasury/unjoined/separate"

	p := tove.get("/treasury").wants(200, "1 payment lost its approval when an older database was restored", "B-0001", reference, "It is the same payment")
	if aude := r.hire("Aude", identity.RoleAuditor).get("/treasury").wants(200, "1 payment lost its approval"); aude.has(join) || aude.has(separate) {
		t.Error("an auditor is offered to join payments")
	}
	tove.submit(p, join, url.Values{"instalment": {"rubbish"}}).wants(400, "Nothing was changed")
	tove.submit(p, join, url.Values{"outpoint": {"rubbish"}}).wants(404, "no such payment")
	if after := tove.submit(p, join, nil).wants(200); after.has(join) {
		t.Error("what was joined still waits")
	}
	tove.submit(p, join, nil).wants(404)
	tove.get("/batches/new").wants(200, "Nothing is waiting to be paid")
}

func TestAPaymentThatLostItsApprovalStandsForItself(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tove, _ := r.loseApproval()
	const join, separate = "/treasury/unjoined/join", "/treasury/unjoined/separate"

	p := tove.get("/treasury")
	tove.submit(p, separate, url.Values{"why": {"  "}}).wants(422, "Say in up to 500 characters")
	after := tove.submit(p, separate, url.Values{"why": {"A second server of hers <b>"}}).wants(200, "A second server of hers <b>")
	if after.has(join) || after.has(separate) {
		t.Error("what stands for itself is still asked about")
	}
	tove.submit(p, separate, url.Values{"why": {"again"}}).wants(409)
}
