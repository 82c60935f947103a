package signer

import (
	"bytes"
	"errors"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
)

// fact is a transaction that has so many blocks on it that it stays: whatever
// else spends one of its inputs is dead, and so is what descends from that.
type fact struct {
	txid, block string
	dead        map[string]bool // transactions of the journal
}

func (f fact) kills(old *entry) bool { return f.dead[old.TxID] }

// facts reads the proofs of a request that is e. Each that is about an earlier
// transaction of this signer must show another one in its place that pays none
// of what e pays: what the other one has paid is paid.
func (r rules) facts(p *proposal, e *entry, proofs []signerrpc.DeadProof, h *history) ([]fact, error) {
	var facts []fact
	for i, proof := range proofs {
		old, ok := h.byTxID[proof.TxID]
		if !ok {
			continue // others of the treasury's signers have signed it
		}
		if _, ok := e.paid[instalment{proof.Decision, proof.Period}]; !ok && proof.Decision != "" {
			return nil, refuse(
				CodeDeadUnknown,
				"Proof %d concerns period %d of decision %s, which this request does not pay.",
				i,
				proof.Period,
				proof.Decision,
			)
		}
		tx, block, err := proof.Proof.Verify(r.params, r.policy.FinalDepth, r.policy.MaxTarget)
		if e := (*errs.Error)(nil); errors.As(err, &e) {
			return nil, refuse(CodeBadDeadProof, "Proof %d is invalid. %s", i, e.Message)
		}
		if err != nil {
			return nil, err
		}
		f := h.newFact(tx, block.String())
		if !f.kills(old) {
			return nil, refuse(
				CodeNotDead,
				"Proof %d shows transaction %s, which does not conflict with %s.",
				i,
				f.txid,
				old.TxID,
			)
		}
		if o, ok := h.paidBy(tx, f.txid, p.owed); ok {
			return nil, refuse(
				CodePaidByProof,
				"Transaction %s of proof %d pays period %d of decision %s itself.",
				f.txid,
				i,
				o.Period,
				o.note.Decision,
			)
		}
		facts = append(facts, f)
	}
	return facts, nil
}

// paidBy finds an instalment of those owed that tx has paid. The journal knows what this
// signer's own transactions pay. Of another one all that can be told is whom it pays and how
// much: whatever the rate was then, no less than the least and no more than the most.
func (h *history) paidBy(tx *wire.MsgTx, txid string, all []owed) (owed, bool) {
	own, signed := h.byTxID[txid]
	for _, o := range all {
		if signed {
			if _, ok := own.paid[instalment{o.note.Decision.String(), o.Period}]; ok {
				return o, true
			}
			continue
		}
		for _, out := range tx.TxOut {
			sat := btcutil.Amount(out.Value)
			if bytes.Equal(out.PkScript, o.Script) && sat >= o.note.SatLeast && sat <= o.note.SatMost {
				return o, true
			}
		}
	}
	return owed{}, false
}

// newFact finds what tx, which is there to stay, leaves no place for.
func (h *history) newFact(tx *wire.MsgTx, block string) fact {
	f := fact{txid: tx.TxHash().String(), block: block, dead: map[string]bool{}}
	var next []*entry
	add := func(entries []*entry) {
		for _, e := range entries {
			if e.TxID != f.txid && !f.dead[e.TxID] {
				f.dead[e.TxID] = true
				next = append(next, e)
			}
		}
	}
	for _, in := range tx.TxIn {
		add(h.spenders[in.PreviousOutPoint.String()])
	}
	for len(next) > 0 {
		e := next[0]
		next = next[1:]
		add(h.children[e.TxID])
	}
	return f
}
