package model

// kind is what a transaction is for.
type kind uint8

const (
	pay    kind = iota
	void        // takes a batch back: same coins, no payees
	upkeep      // pays nobody: consolidation, or a child that pays for its parent
)

// line is one line of the signer's journal, which never rolls back.
type line struct {
	tx      uint8
	batch   uint8 // unique, also across restored databases
	number  uint8 // of the batch: its change index
	attempt uint8
	kind    kind
}

// request is what the signer is asked. It has no node: the worker shows it
// headers, here the chain below tip, and names the transactions it calls dead.
type request struct {
	line
	tip  int32
	dead txSet
}

// proves reports whether the request shows that old is dead by a transaction that
// pays nobody whom the request pays.
func (r request) proves(w *world, depths Depths, without Fault, old uint8) bool {
	return r.dead&txBit(old) != 0 &&
		deadAt(w, without, w.deep(r.tip, proofDepth(depths, without)), old, w.txs[r.tx].pays, 4)
}

// Verdict is what the signer answers: signed, or the rule by which it did not.
type Verdict uint8

const (
	signed Verdict = iota
	repeatDiffers
	wouldPayTwice
	anchorDropped
	batchChanged
	paymentsChanged
	batchVoided
	attemptOrder
	feeNotHigher
	changeIndexReused
	coinPromised
	verdicts // how many
)

// String returns the signer's code for it.
func (v Verdict) String() string {
	return [verdicts]string{
		"signed", "repeat_differs", "would_pay_twice", "anchor_dropped", "batch_changed", "payments_changed", "batch_voided",
		"attempt_order", "fee_not_higher", "change_index_reused", "coin_promised",
	}[v]
}

// Rare reports whether a worker that keeps the rules hears it never or almost
// never, whatever befalls it.
func (v Verdict) Rare() bool {
	return v == anchorDropped || v == batchChanged || v == paymentsChanged || v == feeNotHigher
}

// journal is the signer: its lines, and the rules that look back at them.
type journal struct {
	lines [maxTxs]line
	n     uint8
	has   txSet
	top   uint8 // highest batch number

	dead    txSet           // proven to some request that was signed
	deadFor [payments]txSet // the same, for a payment
}

func (j *journal) first(batch uint8) (line, bool) {
	for _, l := range j.lines[:j.n] {
		if l.batch == batch {
			return l, true
		}
	}
	return line{}, false
}

// check holds a request against every line, as signer/history.go does; without
// leaves rules out.
func (j *journal) check(w *world, depths Depths, without Fault, r request) (again bool, why Verdict) {
	if j.has&txBit(r.tx) != 0 {
		for _, l := range j.lines[:j.n] {
			if l.tx == r.tx && l != r.line && !without.Has(NoSignerRules) {
				return false, repeatDiffers
			}
		}
		return true, signed
	}
	if without.Has(NoSignerRules) {
		return false, signed
	}
	if !without.Has(NoAnchor) {
		if why := j.checkAnchor(w, depths, without, r); why != signed {
			return false, why
		}
	}
	if why := j.checkReplacement(w, without, r); why != signed {
		return false, why
	}
	return false, j.checkOtherBatches(w, depths, without, r)
}

// checkAnchor is the promise that nobody is paid twice. Rule R is the exception:
// what an earlier transaction needed is spent for good by one that does not pay.
func (j *journal) checkAnchor(w *world, depths Depths, without Fault, r request) Verdict {
	x := &w.txs[r.tx]
	for _, l := range j.lines[:j.n] {
		old := &w.txs[l.tx]
		both := old.pays & x.pays
		if both == 0 || old.ins&x.ins != 0 {
			continue
		}
		if !j.provenFor(both, l.tx) && !r.proves(w, depths, without, l.tx) {
			return wouldPayTwice
		}
	}
	return signed
}

// provenFor reports whether an earlier request has shown that old is dead for all
// of pays.
func (j *journal) provenFor(pays paySet, old uint8) bool {
	for d := range payments {
		if pays&payBit(d) != 0 && j.deadFor[d]&txBit(old) == 0 {
			return false
		}
	}
	return true
}

func (j *journal) checkReplacement(w *world, without Fault, r request) Verdict {
	first, ok := j.first(r.batch)
	if !ok {
		return signed
	}
	x, f := &w.txs[r.tx], &w.txs[first.tx]
	for _, l := range j.lines[:j.n] {
		if l.batch == r.batch && l.kind == void && r.kind != void {
			return batchVoided
		}
	}
	switch {
	case f.ins&^x.ins != 0 && !without.Has(NoAnchor):
		return anchorDropped
	case r.number != first.number:
		return batchChanged
	case r.kind != void && x.pays != f.pays:
		return paymentsChanged
	}
	for _, l := range j.lines[:j.n] {
		switch {
		case l.batch != r.batch:
		case r.attempt <= l.attempt:
			return attemptOrder
		case x.fee <= w.txs[l.tx].fee:
			return feeNotHigher
		}
	}
	return signed
}

// checkOtherBatches keeps change indices apart, and coins that another batch
// waits for, unless all of its people are paid here or it is dead.
func (j *journal) checkOtherBatches(w *world, depths Depths, without Fault, r request) Verdict {
	x := &w.txs[r.tx]
	free := x.ins
	if own, ok := j.first(r.batch); ok {
		free &^= w.txs[own.tx].ins
	}
	for i, l := range j.lines[:j.n] {
		if l.batch == r.batch {
			continue
		}
		if l.number == r.number {
			return changeIndexReused
		}
		first := &w.txs[l.tx]
		if first.ins&free == 0 || !j.opens(i) {
			continue
		}
		paidHere := first.pays != 0 && first.pays&^x.pays == 0
		if !paidHere && !j.batchDead(w, depths, without, r, l.batch) {
			return coinPromised
		}
	}
	return signed
}

// opens reports whether line i is the first of its batch.
func (j *journal) opens(i int) bool {
	for _, l := range j.lines[:i] {
		if l.batch == j.lines[i].batch {
			return false
		}
	}
	return true
}

func (j *journal) batchDead(w *world, depths Depths, without Fault, r request, batch uint8) bool {
	for _, l := range j.lines[:j.n] {
		if l.batch == batch && j.dead&txBit(l.tx) == 0 && !r.proves(w, depths, without, l.tx) {
			return false
		}
	}
	return true
}

// rely keeps what a signed request has proven.
func (j *journal) rely(w *world, depths Depths, without Fault, r request) {
	x := &w.txs[r.tx]
	for _, l := range j.lines[:j.n] {
		old := &w.txs[l.tx]
		if !r.proves(w, depths, without, l.tx) || (old.pays&x.pays == 0 && old.ins&x.ins == 0) {
			continue
		}
		j.dead |= txBit(l.tx)
		for d := range payments {
			if old.pays&x.pays&payBit(d) != 0 {
				j.deadFor[d] |= txBit(l.tx)
			}
		}
	}
}

func (j *journal) write(w *world, l line) {
	j.lines[j.n] = l
	j.n++
	j.has |= txBit(l.tx)
	j.top = max(j.top, l.number)
	w.txs[l.tx].released = true
	w.loose |= txBit(l.tx)
}

// dead is the heart of rule R: on the chain below tip a transaction that is final
// spends what t needs and does not pay d. What t needs are its coins, and the
// coins of transactions of ours that make them: change of an attempt that was
// replaced never comes to be.
func dead(w *world, depths Depths, without Fault, t uint8, d int, tip int32) bool {
	return deadAt(w, without, w.deep(tip, proofDepth(depths, without)), t, payBit(d), 4)
}

// impossible reports whether t can never confirm, whoever is paid by what spent
// its coins.
func impossible(w *world, depths Depths, without Fault, t uint8, tip int32) bool {
	return deadAt(w, without, w.deep(tip, proofDepth(depths, without)), t, 0, 4)
}

func proofDepth(depths Depths, without Fault) int32 {
	if without.Has(ShortProof) {
		return depths.Paid
	}
	return depths.Final
}

// deadAt looks for a transaction in b's chain that spends what t needs and pays
// none of d, by way of up to so many links of unconfirmed change.
func deadAt(w *world, without Fault, b *block, t uint8, d paySet, links int) bool {
	if b.has&txBit(t) != 0 || links == 0 {
		return false
	}
	need := w.txs[t].ins
	if need&b.spent != 0 {
		for has := b.has; has != 0; has &= has - 1 {
			if x := &w.txs[lowest(has)]; x.ins&need != 0 && x.pays&d == 0 {
				return true
			}
		}
	}
	if without.Has(ShallowProof) {
		return false
	}
	for ; need != 0; need &= need - 1 {
		if c := &w.coins[lowest(need)]; !c.deposit && deadAt(w, without, b, c.by, d, links-1) {
			return true
		}
	}
	return false
}
