package model

// rebuild takes in the journal's lines that this database has not read: after a
// restore they are all that is known of what was released since the dump. It is
// false when the worker was killed on the way.
func (h *History) rebuild() bool {
	if h.without.Has(NoRecovery) {
		return true
	}
	for h.db.lines < h.journal.n {
		if h.crash(BeforeRebuild) {
			return false
		}
		h.take(h.journal.lines[h.db.lines])
		h.db.lines++
		h.refresh()
	}
	h.checkRecovered()
	return true
}

// row returns the batch with this id, which it makes when the database lost it.
func (h *History) row(l line) int {
	for i := range h.db.batches[:h.db.n] {
		if h.db.batches[i].id == l.batch {
			return i
		}
	}
	if h.db.n == maxBatches {
		return -1
	}
	h.count(BatchRebuilt)
	b := &h.db.batches[h.db.n]
	*b = batch{id: l.batch, number: l.number, state: Signing, kind: l.kind, pays: h.w.txs[l.tx].pays}
	h.db.n++
	return int(h.db.n) - 1
}

// take brings one line of the journal into the database, in one commit.
func (h *History) take(l line) {
	for i := range h.db.batches[:h.db.n] {
		if b := &h.db.batches[i]; b.number == l.number && b.id != l.batch && b.beforeSigning() {
			h.cancel(i) // its change index is taken
		}
	}
	h.db.numbers = max(h.db.numbers, l.number)
	i := h.row(l)
	if i < 0 {
		h.violate("no room for a rebuilt batch")
		return
	}
	b := &h.db.batches[i]
	first, _ := h.journal.first(l.batch)
	b.first = h.w.txs[first.tx].ins
	if l.kind == pay {
		b.kind, b.pays = pay, h.w.txs[l.tx].pays
	}
	asked := !b.beforeSigning() && b.state != Cancelled
	h.claim(i, b, l)
	for k := range b.n {
		a := &b.tries[k]
		switch {
		case a.tx == l.tx:
			if a.phase == refused {
				a.phase = intent
			}
			return
		case !asked:
			a.phase = refused // nobody was asked for it, and another one has its place
		}
	}
	h.count(AttemptRebuilt)
	if !h.addTry(b, attempt{tx: l.tx, no: l.attempt, kind: l.kind}) {
		h.violate("no room for a rebuilt attempt")
	}
}

// claim makes row i the home of the payments that its transaction may pay.
func (h *History) claim(i int, b *batch, l line) {
	switch b.state {
	case Cancelled:
		// A worker that had stalled asked for it after the dump was restored and a
		// person had cancelled what was not signed yet.
		h.count(CancelUndone)
	case Voided:
		if impossible(&h.w, h.depths, h.without, l.tx, h.db.walked) {
			return
		}
		h.count(VoidUndone)
	case Composed:
		h.setBatch(b, Approved)
	default:
	}
	if b.state == Approved {
		h.setBatch(b, Built)
	}
	if b.beforeSigning() || b.state == Cancelled || b.state == Voided {
		h.setBatch(b, Signing)
	}
	for p := range payments {
		x := &h.db.payments[p]
		if pays := h.w.txs[l.tx].pays&payBit(p) != 0; pays {
			if x.state == PaymentAllocated && x.batch != int8(i) { //nolint:gosec // at most maxBatches
				h.cancel(int(x.batch))
			}
			if x.state == PaymentPayable {
				h.setPayment(p, PaymentAllocated)
				x.batch = int8(i) //nolint:gosec // at most maxBatches
			}
		}
		// A void pays nobody, and still says that a signer was asked about its batch.
		if x.state == PaymentAllocated && x.batch == int8(i) { //nolint:gosec // at most maxBatches
			h.setPayment(p, PaymentMaybePaid)
		}
	}
}
