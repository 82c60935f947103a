package chainaudit

import (
	"maps"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/chainhash/v2"
)

// gather puts the journals together and compares them.
func (j *judge) gather() {
	for _, one := range j.journals {
		j.report.Journals = append(j.report.Journals, one.read)
		for _, r := range one.records {
			if r.treasury != j.scan.window.treasury.hash() {
				f := r.finding()
				f.Code = OtherTreasury
				j.report.alarm(f, "Line %d of journal %s was written for another descriptor.", r.line, r.journal)
			}
			if j.byTxID[r.txid] == nil {
				j.byTxID[r.txid] = r
				j.records = append(j.records, r)
				for _, in := range r.inputs {
					j.spenders[in] = append(j.spenders[in], r)
				}
			}
		}
	}
	if len(j.journals) < 2 {
		return
	}
	for _, r := range j.records {
		for _, one := range j.journals {
			j.compare(r, one)
		}
	}
}

// compare holds r against what another journal says of its transaction.
func (j *judge) compare(r *record, other *journal) {
	again := other.byTxID[r.txid]
	f := r.finding()
	if again == nil {
		f.Journal, f.Line = other.read.Name, 0
		if t := j.onChain[r.txid]; t != nil {
			f.Code, f.Height = OneJournalOnly, t.height
			j.report.alarm(
				f,
				"Transaction %s is confirmed in block %d and is not in journal %s.",
				r.txid,
				t.height,
				other.read.Name,
			)
			return
		}
		f.Code = WaitsInOne
		j.report.note(
			f,
			"Transaction %s waits and is not in journal %s: that signer was not asked yet, or its journal is older.",
			r.txid,
			other.read.Name,
		)
		return
	}
	if !r.same(again) {
		f.Code = JournalsDiffer
		j.report.alarm(
			f,
			"Journals %s (line %d) and %s (line %d) disagree about transaction %s.",
			r.journal,
			r.line,
			again.journal,
			again.line,
			r.txid,
		)
	}
}

func (r *record) same(o *record) bool {
	return r.kind == o.kind && r.batch == o.batch && r.number == o.number && r.batchNote == o.batchNote &&
		r.attempt == o.attempt &&
		r.fee == o.fee &&
		slices.Equal(r.inputs, o.inputs) &&
		slices.EqualFunc(r.outs, o.outs, output.same)
}

func (o output) same(p output) bool {
	if (o.change == nil) != (p.change == nil) || o.change != nil && *o.change != *p.change {
		return false
	}
	return o.script == p.script && o.sat == p.sat && o.paid == p.paid && o.note == p.note
}

// attempts holds the transactions of each batch against one another, as one
// signer released them.
func (j *judge) attempts(one *journal) {
	first, last := map[string]*record{}, map[string]*record{}
	voided, owner := map[string]bool{}, map[uint32]string{}
	for _, r := range one.records {
		f := r.finding()
		if o, ok := owner[r.number]; ok && o != r.batch {
			f.Code = NumberReused
			j.report.alarm(
				f,
				"Batches %s and %s have number %d, so their change returns to one script.",
				o,
				r.batch,
				r.number,
			)
		}
		owner[r.number] = r.batch
		if voided[r.batch] && r.kind != KindVoid {
			f.Code = PaidAfterVoid
			j.report.alarm(f, "Transaction %s of batch %s was released after the batch was voided.", r.txid, r.batch)
		}
		if begin := first[r.batch]; begin == nil {
			first[r.batch] = r
		} else if why := r.replaces(begin, last[r.batch]); why != "" {
			f.Code = ReplacementWrong
			j.report.alarm(f, "Transaction %s of batch %s %s.", r.txid, r.batch, why)
		}
		last[r.batch] = r
		voided[r.batch] = voided[r.batch] || r.kind == KindVoid
	}
}

// replaces says which rule of replacement r breaks, or "".
func (r *record) replaces(first, before *record) string {
	for _, in := range first.inputs {
		if !r.spends[in] {
			return "does not spend " + in.String() + ", which the batch's first transaction spends"
		}
	}
	switch {
	case r.number != first.number || r.batchNote != first.batchNote:
		return "has another number or note than the batch's first transaction"
	case r.fee <= before.fee:
		return "does not pay more than the attempt before it"
	case r.kind == KindVoid || first.kind == KindVoid:
		return ""
	case !maps.EqualFunc(r.payments, first.payments, output.same):
		return "pays others than the batch's first transaction"
	}
	return ""
}

// instalments looks for what could pay one period of a decision twice, now or later.
func (j *judge) instalments() {
	payers := map[Instalment][]*record{}
	first := map[string]*record{} // by decision
	for _, r := range j.records {
		for _, id := range slices.SortedFunc(maps.Keys(r.payments), Instalment.compare) {
			if before := first[id.Decision]; before == nil {
				first[id.Decision] = r
			} else if before.noteOf(id.Decision) != r.payments[id].note {
				j.changed(before, r, id, "notes")
			}
			if before := payers[id]; len(before) > 0 && !before[0].paysAs(r, id) {
				j.changed(before[0], r, id, "scripts or amounts")
			}
			payers[id] = append(payers[id], r)
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(payers), Instalment.compare) {
		for k, r := range payers[id] {
			for _, before := range payers[id][:k] {
				if !j.anchored(before, r) {
					f := r.finding()
					f.Code, f.Decision, f.Period = MayPayTwice, id.Decision, id.Period
					j.report.alarm(
						f,
						"Transactions %s and %s pay %s, share no coin, and neither is known to be dead.",
						before.txid,
						r.txid,
						id,
					)
				}
			}
		}
	}
	batches := map[string]chainhash.Hash{}
	for _, t := range j.scan.touches {
		r := j.byTxID[t.txid]
		if r == nil {
			continue
		}
		if before, ok := batches[r.batch]; ok {
			f := r.finding()
			f.Code, f.Height = BatchTwice, t.height
			j.report.alarm(f, "Batch %s was confirmed twice, by %s and by %s.", r.batch, before, t.txid)
		}
		batches[r.batch] = t.txid
	}
}

func (j *judge) changed(before, r *record, id Instalment, what string) {
	f := r.finding()
	f.Code, f.Decision, f.Period = DecisionChanged, id.Decision, id.Period
	j.report.alarm(f, "The journals have %s with two %s: in %s and in %s.", id, what, before.txid, r.txid)
}

// noteOf returns the digest of the note of a decision that r pays.
func (r *record) noteOf(decision string) string {
	for id, o := range r.payments {
		if id.Decision == decision {
			return o.note
		}
	}
	return ""
}

// paysAs reports whether two transactions pay an instalment alike. What was worth so many
// satoshi at one rate may be worth others at the next.
func (r *record) paysAs(o *record, id Instalment) bool {
	a, b := r.payments[id], o.payments[id]
	return a.script == b.script && (a.sat == b.sat || r.rated && o.rated)
}

// anchored is the promise that nobody is paid twice: of two transactions that
// pay one instalment, at most one can ever confirm. Of two that both did, PaidTwice
// tells.
func (j *judge) anchored(a, b *record) bool {
	pair := [2]chainhash.Hash{a.txid, b.txid}
	ok, known := j.pairs[pair]
	if !known {
		both := j.onChain[a.txid] != nil && j.onChain[b.txid] != nil
		ok = both || a.sharesInput(b) || j.state(a) == Dead || j.state(b) == Dead
		j.pairs[pair] = ok
	}
	return ok
}

// state says what can become of a journalled transaction; "" for one that is on
// the chain.
func (j *judge) state(r *record) string {
	if j.onChain[r.txid] != nil {
		return ""
	}
	if s, ok := j.states[r.txid]; ok {
		return s
	}
	j.states[r.txid] = InputsMissing // for a journal in which two spend one another
	s := MayConfirm
	for _, in := range r.inputs {
		if by, ok := j.spender(in, r.txid); ok {
			if j.scan.height-by.height+1 >= j.final {
				s = Dead
				break
			}
			s = worse(s, Conflicted)
			continue
		}
		if j.scan.coins[in] != nil {
			continue
		}
		parent := j.byTxID[in.Hash]
		if parent == nil || j.onChain[in.Hash] != nil {
			s = worse(s, InputsMissing)
			continue
		}
		if j.state(parent) == Dead {
			s = Dead
			break
		}
		s = worse(s, WaitsParent)
	}
	j.states[r.txid] = s
	return s
}

// worse returns the state that is further from confirming.
func worse(a, b string) string {
	order := []string{MayConfirm, WaitsParent, InputsMissing, Conflicted, Dead}
	if slices.Index(order, a) > slices.Index(order, b) {
		return a
	}
	return b
}

// waiting lists what was released and is not on the chain.
func (j *judge) waiting() {
	for _, r := range j.records {
		if j.onChain[r.txid] != nil {
			continue
		}
		w := Waiting{
			TxID: r.txid.String(), Batch: r.batch, Number: r.number, Attempt: r.attempt, Kind: r.kind, FeeSat: r.fee,
			State: j.state(r), Pays: slices.SortedFunc(maps.Keys(r.payments), Instalment.compare),
		}
		for _, o := range r.payments {
			w.PaysSat += o.sat
		}
		w.Conflicts = j.conflicts(r)
		j.report.Waiting = append(j.report.Waiting, w)
	}
}

// conflicts returns the other transactions that spend r's inputs, confirmed ones
// first.
func (j *judge) conflicts(r *record) []string {
	var list []string
	seen := map[chainhash.Hash]bool{r.txid: true}
	add := func(txid chainhash.Hash) {
		if !seen[txid] {
			seen[txid], list = true, append(list, txid.String())
		}
	}
	for _, in := range r.inputs {
		if by, ok := j.scan.spent[in]; ok {
			add(by.txid)
		}
	}
	for _, in := range r.inputs {
		for _, other := range j.spenders[in] {
			add(other.txid)
		}
	}
	return list
}

func compareOutputs(txA string, voutA uint32, txB string, voutB uint32) int {
	if c := strings.Compare(txA, txB); c != 0 {
		return c
	}
	return int(voutA) - int(voutB)
}
