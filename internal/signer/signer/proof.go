package signer

import (
	"encoding/hex"
	"errors"

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
// of what e pays: a decision that the other one has paid is paid.
func (r rules) facts(e *entry, proofs []signerrpc.DeadProof, h *history) ([]fact, error) {
	owed := make(map[payment]string, len(e.paid))
	for id, out := range e.paid {
		script, err := hex.DecodeString(out.Script)
		if err != nil {
			return nil, err
		}
		owed[payment{string(script), out.Sat}] = id
	}
	var facts []fact
	for i, p := range proofs {
		old, ok := h.byTxID[p.TxID]
		if !ok {
			continue // others of the treasury's signers have signed it
		}
		if _, ok := e.paid[p.Decision]; !ok && p.Decision != "" {
			return nil, refuse(
				CodeDeadUnknown,
				"Proof %d concerns decision %s, which this request does not pay.",
				i,
				p.Decision,
			)
		}
		tx, block, err := p.Proof.Verify(r.params, r.policy.FinalDepth, r.policy.MaxTarget)
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
		for _, out := range tx.TxOut {
			if id, ok := owed[payment{string(out.PkScript), out.Value}]; ok {
				return nil, refuse(
					CodePaidByProof,
					"Transaction %s of proof %d pays decision %s itself.",
					f.txid,
					i,
					id,
				)
			}
		}
		facts = append(facts, f)
	}
	return facts, nil
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
