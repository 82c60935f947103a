package model

// sync walks to the node's tip, block by block, each in one commit. It is false
// when the node has lost blocks, the worker was killed, or the lease is gone.
func (h *History) sync() bool {
	for h.db.walked != h.node.tip {
		head, tip := h.db.walked, h.node.tip
		if !h.leased() {
			return false
		}
		height, target := h.w.blocks[head].height, h.w.blocks[tip].height
		if target < height && h.w.above(head, tip) {
			h.count(NodeBehind)
			return false
		}
		if h.crash(BeforeBlock) {
			return false
		}
		if target > height && h.w.above(tip, head) {
			if !h.connect(h.w.at(tip, height+1)) {
				return false
			}
		} else {
			h.disconnect(head)
		}
		h.checkBooks()
		if h.crash(AfterBlock) {
			return false
		}
	}
	return true
}

// connect takes one block in. A spend that the database does not know is looked
// up in the journal before it is called foreign.
func (h *History) connect(next int32) bool {
	b := &h.w.blocks[next]
	for _, t := range b.txs[:b.n] {
		if x := &h.w.txs[t]; !x.deposit && h.db.known&txBit(t) == 0 && !h.rebuild() {
			return false
		}
	}
	for _, t := range b.txs[:b.n] {
		x := &h.w.txs[t]
		switch {
		case x.deposit:
			h.db.books.available += h.w.coins[x.coin].sat
		case h.db.known&txBit(t) != 0:
			h.db.books.available -= x.fee
			h.db.books.fees += x.fee
		default:
			lost := h.w.worth(x.ins)
			if x.coin != noCoin {
				lost -= h.w.coins[x.coin].sat
			}
			h.db.books.available -= lost
			h.db.books.lost += lost
			h.db.breaker = 2
			h.count(BreakerTripped)
		}
	}
	h.db.walked = next
	h.refresh()
	return true
}

func (h *History) disconnect(head int32) {
	b := &h.w.blocks[head]
	for _, t := range b.txs[:b.n] {
		x := &h.w.txs[t]
		switch {
		case x.deposit:
			h.db.books.available -= h.w.coins[x.coin].sat
		case h.db.known&txBit(t) != 0:
			h.db.books.available += x.fee
			h.db.books.fees -= x.fee
		default:
			lost := h.w.worth(x.ins)
			h.db.books.available += lost
			h.db.books.lost -= lost
		}
	}
	h.db.walked = b.parent
	h.count(BlockUndone)
	h.refresh()
}

// refresh makes batches and payments what the walked chain says. Nothing in it
// leads back to payable.
func (h *History) refresh() {
	tip := h.w.blocks[h.db.walked]
	var paidDeep, finalDeep txSet
	if tip.has&h.db.known != 0 {
		paidDeep, finalDeep = h.w.deep(h.db.walked, h.depths.Paid).has, h.w.deep(h.db.walked, h.depths.Final).has
	}
	for i := range h.db.batches[:h.db.n] {
		b := &h.db.batches[i]
		if b.beforeSigning() || !b.live() {
			continue
		}
		if in := tip.has & b.txs &^ b.voids; in != 0 {
			h.deepen(b, in&paidDeep != 0, in&finalDeep != 0)
			continue
		}
		switch own := tip.has & b.voids; {
		case tip.spent&b.first != 0 && own == 0:
			h.stepBatch(b, Conflicted)
		case b.voided:
			h.stepBatch(b, Voiding)
		case b.state == Mined || b.state == Paid || b.state == Conflicted:
			h.stepBatch(b, Broadcast)
		}
	}
	for p := range payments {
		h.refreshPayment(p, &tip, paidDeep, finalDeep)
	}
}

func (h *History) deepen(b *batch, paid, final bool) {
	if b.state == Paid && !paid {
		h.setBatch(b, Mined)
		return
	}
	if b.state != Mined && b.state != Paid {
		h.setBatch(b, Mined)
	}
	if b.state == Mined && paid {
		h.setBatch(b, Paid)
	}
	if final {
		h.setBatch(b, Final)
	}
}

// stepBatch goes by way of broadcast where there is no shorter way.
func (h *History) stepBatch(b *batch, to BatchState) {
	if to == Conflicted && (b.state == Mined || b.state == Paid) {
		h.setBatch(b, Broadcast)
	}
	h.setBatch(b, to)
}

func (h *History) refreshPayment(p int, tip *block, paidDeep, finalDeep txSet) {
	x := &h.db.payments[p]
	if x.state == PaymentPayable || x.state == PaymentAllocated || x.state == PaymentFinal {
		return
	}
	if tip.paid&payBit(p) == 0 || h.db.known&tip.has == 0 {
		h.setPayment(p, PaymentMaybePaid)
		return
	}
	by := txSet(0)
	for i := range h.db.batches[:h.db.n] {
		b := &h.db.batches[i]
		if in := tip.has & b.txs &^ b.voids; in != 0 && b.pays&payBit(p) != 0 {
			by = in
			if x.batch < 0 || h.db.batches[x.batch].txs&in == 0 {
				x.batch = int8(i)
			}
		}
	}
	if by == 0 { // paid by what this database does not know
		h.setPayment(p, PaymentMaybePaid)
		return
	}
	if x.state == PaymentPaid && by&paidDeep == 0 || x.state == PaymentMaybePaid {
		h.setPayment(p, PaymentMined)
	}
	if x.state == PaymentMined && by&paidDeep != 0 {
		h.setPayment(p, PaymentPaid)
	}
	if x.state == PaymentPaid && by&finalDeep != 0 {
		h.setPayment(p, PaymentFinal)
	}
}
