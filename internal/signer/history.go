package signer

import "maps"

// history is the journal, indexed for the rules that look back.
type history struct {
	byTxID     map[string]Record
	byBatch    map[string][]Record // in order
	byDecision map[string][]Record
	byNumber   map[uint32]string // batch that owns the change index
	promised   map[string]string // input of a batch's first transaction -> batch
}

func newHistory(records []Record) *history {
	h := &history{
		byTxID: map[string]Record{}, byBatch: map[string][]Record{}, byDecision: map[string][]Record{},
		byNumber: map[uint32]string{}, promised: map[string]string{},
	}
	for _, r := range records {
		h.add(r)
	}
	return h
}

func (h *history) add(r Record) {
	if len(h.byBatch[r.Batch]) == 0 {
		for _, in := range r.Inputs {
			h.promised[in] = r.Batch
		}
	}
	h.byTxID[r.TxID] = r
	h.byBatch[r.Batch] = append(h.byBatch[r.Batch], r)
	h.byNumber[r.Number] = r.Batch
	for id := range r.payments() {
		h.byDecision[id] = append(h.byDecision[id], r)
	}
}

// known reports whether r's transaction is in the journal, and refuses when it
// stands there with another meaning.
func (h *history) known(r Record) (bool, error) {
	old, ok := h.byTxID[r.TxID]
	if !ok {
		return false, nil
	}
	if old.Batch != r.Batch || old.Number != r.Number || old.Attempt != r.Attempt || !maps.Equal(decisions(old), decisions(r)) {
		return false, refuse("repeat_differs", "Transaction %s was signed before for other decisions or another attempt.", r.TxID)
	}
	return true, nil
}

func decisions(r Record) map[string]string {
	notes := make(map[string]string, len(r.Outs))
	for id, o := range r.payments() {
		notes[id] = o.Note
	}
	return notes
}

// check holds a new transaction against everything that may have been released.
func (h *history) check(r Record) error {
	for _, rule := range []func(Record) error{h.checkAnchor, h.checkReplacement, h.checkOtherBatches} {
		if err := rule(r); err != nil {
			return err
		}
	}
	return nil
}

// checkAnchor is the promise that nobody is paid twice: two transactions that
// share an input can never both confirm, so a decision is paid again only by one
// that shares an input with every earlier one.
func (h *history) checkAnchor(r Record) error {
	inputs := set(r.Inputs)
	for id, out := range r.payments() {
		for _, old := range h.byDecision[id] {
			before := old.payments()[id]
			if before.Note != out.Note || before.Script != out.Script || before.Sat != out.Sat {
				return refuse("decision_changed", "Decision %s was signed before with another note.", id)
			}
			if !sharesOne(inputs, old.Inputs) {
				return refuse("would_pay_twice", "Transaction %s pays decision %s already and could confirm beside this one.", old.TxID, id)
			}
		}
	}
	return nil
}

// checkReplacement holds a later transaction of a batch to its first one: the
// same payments and change index, all its inputs, and a higher fee.
func (h *history) checkReplacement(r Record) error {
	earlier := h.byBatch[r.Batch]
	if len(earlier) == 0 {
		return nil
	}
	first, inputs := earlier[0], set(r.Inputs)
	for _, in := range first.Inputs {
		if !inputs[in] {
			return refuse("anchor_dropped", "The replacement does not spend %s, which the batch's first transaction spends.", in)
		}
	}
	if r.Number != first.Number {
		return refuse("batch_changed", "The batch was signed before with number %d.", first.Number)
	}
	if !maps.Equal(decisions(first), decisions(r)) {
		return refuse("payments_changed", "The replacement pays other decisions than the batch's first transaction.")
	}
	for _, old := range earlier {
		if r.Attempt <= old.Attempt {
			return refuse("attempt_order", "Attempt %d comes after attempt %d.", r.Attempt, old.Attempt)
		}
		if r.Fee <= old.Fee {
			return refuse("fee_not_higher", "The replacement's fee of %d sat is not above %d sat.", r.Fee, old.Fee)
		}
	}
	return nil
}

// checkOtherBatches keeps batches apart: no change index twice, and no coin
// that another batch's payments depend on. Every transaction of a batch spends
// the inputs of its first, so taking one of them elsewhere would leave the
// batch's people unpaid, unless all of them are paid here.
func (h *history) checkOtherBatches(r Record) error {
	if owner, ok := h.byNumber[r.Number]; ok && owner != r.Batch {
		return refuse("change_index_reused", "Batch %s has number %d already.", owner, r.Number)
	}
	paid := decisions(r)
	for _, in := range r.Inputs {
		owner, ok := h.promised[in]
		if !ok || owner == r.Batch {
			continue
		}
		for id := range decisions(h.byBatch[owner][0]) {
			if _, ok := paid[id]; !ok {
				return refuse("coin_promised", "%s belongs to batch %s, which pays decision %s.", in, owner, id)
			}
		}
	}
	return nil
}

func set(items []string) map[string]bool {
	m := make(map[string]bool, len(items))
	for _, i := range items {
		m[i] = true
	}
	return m
}

func sharesOne(inputs map[string]bool, others []string) bool {
	for _, o := range others {
		if inputs[o] {
			return true
		}
	}
	return false
}
