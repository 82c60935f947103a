package signer

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/causeway-fund/causeway/internal/errs"

	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// entry is a journal line with what the rules ask of it over and over.
type entry struct {
	Record
	inputs map[string]bool
	paid   map[instalment]Output
	what   string // what the batch is about, whatever its fees
}

func newEntry(r Record) *entry {
	e := &entry{Record: r, inputs: make(map[string]bool, len(r.Inputs)), paid: r.payments()}
	for _, in := range r.Inputs {
		e.inputs[in] = true
	}
	e.what = e.subject()
	return e
}

// subject names the payments of a batch, or the upkeep that it is. A void is about
// what it takes back.
func (e *entry) subject() string {
	if decision.IsUpkeep([]byte(e.Note)) {
		n, err := decision.ParseUpkeep([]byte(e.Note))
		if err != nil {
			return "damaged" // Append wrote a note that had been read
		}
		n.MaxFeeRateSatKVB, n.MaxFee, n.Until = 0, 0, time.Time{}
		return string(n.Encode())
	}
	n, err := decision.ParseBatch([]byte(e.Note))
	if err != nil {
		return "damaged"
	}
	n = decision.BatchNote{Payments: n.Payments}
	return string(n.Encode())
}

func (e *entry) sharesInput(other *entry) bool {
	for in := range other.inputs {
		if e.inputs[in] {
			return true
		}
	}
	return false
}

// deadFor is an instalment and an earlier transaction that will never pay it.
type deadFor struct {
	instalment
	txid string
}

// history is the journal, indexed for the rules that look back.
type history struct {
	byTxID       map[string]*entry
	byBatch      map[string][]*entry // in order
	byInstalment map[instalment][]*entry
	noteOf       map[string]string   // decision -> digest of its note
	byNumber     map[uint32]string   // batch that owns the change index
	promised     map[string][]string // input of a batch's first transaction -> batches
	voided       map[string]bool     // batches with a void
	spenders     map[string][]*entry // by txid:vout
	children     map[string][]*entry // by txid that they spend an output of
	dead         map[string]bool     // transactions that were proven dead
	deadFor      map[deadFor]bool
}

func newHistory(records []Record) *history {
	h := &history{
		byTxID: map[string]*entry{}, byBatch: map[string][]*entry{},
		byInstalment: map[instalment][]*entry{}, noteOf: map[string]string{},
		byNumber: map[uint32]string{}, promised: map[string][]string{}, voided: map[string]bool{},
		spenders: map[string][]*entry{}, children: map[string][]*entry{},
		dead: map[string]bool{}, deadFor: map[deadFor]bool{},
	}
	for _, r := range records {
		h.add(r)
	}
	return h
}

func (h *history) add(r Record) {
	e := newEntry(r)
	if len(h.byBatch[r.Batch]) == 0 {
		for _, in := range r.Inputs {
			h.promised[in] = append(h.promised[in], r.Batch)
		}
	}
	for _, d := range r.Dead {
		h.dead[d.TxID] = true
		if old, ok := h.byTxID[d.TxID]; ok {
			for id := range old.paid {
				if _, both := e.paid[id]; both {
					h.deadFor[deadFor{id, d.TxID}] = true
				}
			}
		}
	}
	for in := range e.inputs {
		h.spenders[in] = append(h.spenders[in], e)
		parent, _, _ := strings.Cut(in, ":")
		h.children[parent] = append(h.children[parent], e)
	}
	h.byTxID[r.TxID] = e
	h.byBatch[r.Batch] = append(h.byBatch[r.Batch], e)
	h.byNumber[r.Number] = r.Batch
	if e.Kind == KindVoid {
		h.voided[r.Batch] = true
	}
	for id, o := range e.paid {
		h.byInstalment[id] = append(h.byInstalment[id], e)
		h.noteOf[id.decision] = o.Note
	}
}

// known reports whether e's transaction is in the journal, and refuses when it
// stands there with another meaning.
func (h *history) known(e *entry) (bool, error) {
	old, ok := h.byTxID[e.TxID]
	if !ok {
		return false, nil
	}
	if old.Batch != e.Batch || old.Number != e.Number || old.Attempt != e.Attempt ||
		old.Kind != e.Kind || !maps.Equal(decisions(old), decisions(e)) {
		return false, refuse(
			CodeRepeatDiffers,
			"Transaction %s was already signed for other decisions or another attempt.",
			e.TxID,
		)
	}
	return true, nil
}

// released reports whether a transaction of batch is in the journal that pays an
// instalment as note says.
func (h *history) released(batch string, id instalment, note string) bool {
	return slices.ContainsFunc(h.byBatch[batch], func(e *entry) bool { return e.paid[id].Note == note })
}

func decisions(e *entry) map[instalment]string {
	notes := make(map[instalment]string, len(e.paid))
	for id, o := range e.paid {
		notes[id] = o.Note
	}
	return notes
}

// trial is one new transaction before the journal's rules, with the proofs that
// came with it.
type trial struct {
	*history
	e     *entry
	facts []fact
	rely  map[string]fact // earlier transactions that the verdict needs dead
}

// check holds a new transaction against everything that may have been released.
// It returns what it relied on beside the journal.
func (h *history) check(e *entry, facts []fact) ([]Dead, error) {
	t := trial{history: h, e: e, facts: facts, rely: map[string]fact{}}
	for _, rule := range []func() error{t.checkAnchor, t.checkReplacement, t.checkOtherBatches} {
		if err := rule(); err != nil {
			return nil, err
		}
	}
	var dead []Dead
	for _, txid := range slices.Sorted(maps.Keys(t.rely)) {
		dead = append(dead, Dead{TxID: txid, By: t.rely[txid].txid, Block: t.rely[txid].block})
	}
	return dead, nil
}

// checkAnchor is the promise that nobody is paid twice: two transactions that
// share an input can never both confirm, so an instalment is paid again only by one
// that shares an input with every earlier one that is not dead (rule R).
func (t *trial) checkAnchor() error {
	shares := map[*entry]bool{}
	for id, out := range t.e.paid {
		if before, ok := t.noteOf[id.decision]; ok && before != out.Note {
			return refuse(CodeDecisionChanged, "Decision %s was already signed with a different note.", id.decision)
		}
		for _, old := range t.byInstalment[id] {
			together, seen := shares[old]
			if !seen {
				together = t.e.sharesInput(old)
				shares[old] = together
			}
			if !together && !t.deadFor[deadFor{id, old.TxID}] && !t.provenDead(old) {
				return refuse(
					CodeWouldPayTwice,
					"Transaction %s already pays period %d of decision %s and could confirm as well as this one.",
					old.TxID,
					id.period,
					id.decision,
				)
			}
		}
	}
	return nil
}

// provenDead reports whether a proof of this request shows that old can never
// confirm, and notes that the verdict relies on it.
func (t *trial) provenDead(old *entry) bool {
	if _, ok := t.rely[old.TxID]; ok {
		return true
	}
	for _, f := range t.facts {
		if f.kills(old) {
			t.rely[old.TxID] = f
			return true
		}
	}
	return false
}

// checkReplacement holds a later transaction of a batch to its first one: about
// the same, with the same change index, all its inputs, and a higher fee. After
// a void nothing but a dearer void.
func (t *trial) checkReplacement() error {
	earlier := t.byBatch[t.e.Batch]
	if len(earlier) == 0 {
		return nil
	}
	first := earlier[0]
	if t.voided[t.e.Batch] && t.e.Kind != KindVoid {
		return refuse(errs.CodeBatchVoided, "The batch was taken back; it no longer pays anybody.")
	}
	for _, in := range first.Inputs {
		if !t.e.inputs[in] {
			return refuse(
				CodeAnchorDropped,
				"The replacement does not spend %s, which the batch's first transaction spends.",
				in,
			)
		}
	}
	if t.e.Number != first.Number {
		return refuse(CodeBatchChanged, "The batch was already signed with number %d.", first.Number)
	}
	if t.e.what != first.what {
		return refuse(
			CodePaymentsChanged,
			"The replacement has other payments or coins than the batch's first transaction.",
		)
	}
	for _, old := range earlier {
		if t.e.Attempt <= old.Attempt {
			return refuse(CodeAttemptOrder, "Attempt %d comes after attempt %d.", t.e.Attempt, old.Attempt)
		}
		if t.e.Fee <= old.Fee {
			return refuse(CodeFeeNotHigher, "The replacement's fee of %d sat is not above %d sat.", t.e.Fee, old.Fee)
		}
	}
	return nil
}

// checkOtherBatches keeps batches apart: no change index twice, and no coin
// that another batch depends on. Every transaction of a batch spends the inputs
// of its first, so taking one of them elsewhere would leave the batch's people
// unpaid, unless all of them are paid here or the batch is dead already. Inputs
// of the batch's own first transaction are as they were.
func (t *trial) checkOtherBatches() error {
	if owner, ok := t.byNumber[t.e.Number]; ok && owner != t.e.Batch {
		return refuse(CodeChangeIndexReused, "Batch %s already has number %d.", owner, t.e.Number)
	}
	for _, in := range t.e.Inputs {
		owners := t.promised[in]
		if slices.Contains(owners, t.e.Batch) {
			continue
		}
		for _, owner := range owners {
			if !t.paysAllOf(owner) && !t.batchDead(owner) {
				return refuse(CodeCoinPromised, "%s belongs to batch %s.", in, owner)
			}
		}
	}
	return nil
}

// paysAllOf reports whether the batch pays somebody and all of them are paid
// here.
func (t *trial) paysAllOf(batch string) bool {
	first := t.byBatch[batch][0]
	for id := range first.paid {
		if _, ok := t.e.paid[id]; !ok {
			return false
		}
	}
	return len(first.paid) > 0
}

// batchDead reports whether no transaction of batch can confirm any more.
func (t *trial) batchDead(batch string) bool {
	for _, old := range t.byBatch[batch] {
		if !t.dead[old.TxID] && !t.provenDead(old) {
			return false
		}
	}
	return true
}
