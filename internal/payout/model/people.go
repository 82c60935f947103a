package model

// What people do, through the API: no lease, any time, only what the database
// shows them.

// compose puts the payable payments of want into a batch.
func (h *History) compose(want paySet) bool {
	var pays paySet
	for p := range payments {
		if h.db.payments[p].state == PaymentPayable && want&payBit(p) != 0 {
			pays |= payBit(p)
		}
	}
	if pays == 0 || h.db.n >= maxBatches-8 && !h.ending || h.db.n == maxBatches {
		return false
	}
	i := h.newBatch(batch{kind: pay, pays: pays})
	for p := range payments {
		if pays&payBit(p) != 0 {
			h.setPayment(p, PaymentAllocated)
			h.db.payments[p].batch = int8(i) //nolint:gosec // at most maxBatches
			if h.tried&payBit(p) != 0 {
				h.count(PaidAgain)
			}
		}
	}
	return true
}

func (h *History) newBatch(b batch) int {
	h.lastID++
	h.db.numbers++
	b.id, b.number, b.state = h.lastID, h.db.numbers, Composed
	h.db.batches[h.db.n] = b
	h.db.n++
	return int(h.db.n) - 1
}

// tidy composes a batch that pays nobody: it makes one coin of up to three.
func (h *History) tidy() bool {
	tip := &h.w.blocks[h.db.walked]
	deep := h.w.deep(h.db.walked, h.depths.Deposit)
	free := tip.made &^ tip.spent &^ h.db.reserved(&h.w)
	var ins coinSet
	for s := free; s != 0 && count(ins) < 3; s &= s - 1 {
		if c := lowest(s); !h.w.coins[c].deposit || deep.made&coinBit(c) != 0 {
			ins |= coinBit(c)
		}
	}
	if count(ins) < 2 || h.db.n >= maxBatches-8 {
		return false
	}
	h.newBatch(batch{kind: upkeep, first: ins})
	return true
}

// child composes a batch that spends the unconfirmed change of a stuck one.
func (h *History) child(pick uint8) bool {
	tip := &h.w.blocks[h.db.walked]
	reserved := h.db.reserved(&h.w)
	for n := range h.db.n {
		b := &h.db.batches[(n+pick)%h.db.n]
		if b.state != Broadcast || b.n == 0 || h.db.n >= maxBatches-8 {
			continue
		}
		c := h.w.txs[b.tries[b.n-1].tx].coin
		if c == noCoin || tip.made&coinBit(c) != 0 || reserved&coinBit(c) != 0 || h.w.coins[c].sat < firstFee {
			continue
		}
		h.newBatch(batch{kind: upkeep, child: true, first: coinBit(c)})
		return true
	}
	return false
}

// approve and cancelAny act on the batch that pick falls on.
func (h *History) approve(pick uint8) bool {
	i, ok := h.find(pick, func(b *batch) bool { return b.state == Composed })
	if ok {
		h.setBatch(&h.db.batches[i], Approved)
	}
	return ok
}

func (h *History) cancelAny(pick uint8) bool {
	i, ok := h.find(pick, (*batch).beforeSigning)
	if ok {
		h.cancel(i)
	}
	return ok
}

func (h *History) find(pick uint8, fits func(*batch) bool) (int, bool) {
	for n := range h.db.n {
		if i := (n + pick) % h.db.n; fits(&h.db.batches[i]) {
			return int(i), true
		}
	}
	return 0, false
}

// bump stores a replacement with a higher fee: all coins of attempt 0, and
// sometimes one more that is confirmed. ok is false when none can be bumped.
func (h *History) bump(pick uint8, wider bool) bool {
	i, ok := h.find(pick, func(b *batch) bool {
		return (b.state == Broadcast || b.state == Signed || b.state == Voiding) && b.n > 0 && b.n < maxAttempts-4 &&
			b.settled()
	})
	if !ok {
		return false
	}
	b := &h.db.batches[i]
	kind, pays := b.kind, b.pays
	if b.voided {
		kind, pays = void, 0
	}
	fee := b.fee(&h.w) + 10
	ins := b.first
	switch {
	case h.without.Has(NoAnchor):
		if ins, ok = h.choose(total(pays)+fee, b.id+b.n); !ok {
			return false
		}
	case b.kind == pay && (wider || h.w.worth(ins) < total(pays)+fee):
		more, ok := h.choose(1, pick)
		if !ok {
			return false
		}
		ins |= more
		h.count(BumpedWider)
	}
	if h.w.worth(ins) < total(pays)+fee {
		return false
	}
	if h.without.Has(ForgetReplaced) {
		for _, a := range b.tries[:b.n] {
			h.db.known &^= txBit(a.tx)
		}
		b.n, b.txs, b.voids = 0, 0, 0
	}
	return h.replace(b, ins, pays, fee, kind)
}

// settled reports whether every attempt has had the signer's answer.
func (b *batch) settled() bool {
	for _, a := range b.tries[:b.n] {
		if a.phase == intent {
			return false
		}
	}
	return true
}

func (h *History) replace(b *batch, ins coinSet, pays paySet, fee int32, kind kind) bool {
	t, ok := h.w.draft(ins, pays, fee, b.number)
	no := b.next()
	if h.without.Has(ForgetReplaced) {
		no = h.journalled(b.id)
	}
	return ok && h.addTry(b, attempt{tx: t, no: no, kind: kind})
}

// void takes a batch back that a signer was asked about.
func (h *History) void(pick uint8) bool {
	i, ok := h.find(pick, func(b *batch) bool {
		return (b.state == Signing || b.state == Signed || b.state == Broadcast) && !b.voided && b.n > 0 &&
			b.n < maxAttempts-2
	})
	if !ok {
		return false
	}
	b := &h.db.batches[i]
	fee := b.fee(&h.w) + 10
	if h.w.worth(b.first) < fee || !h.replace(b, b.first, 0, fee, void) {
		return false
	}
	h.refresh()
	return true
}

// resetBreaker is one person's consent; it takes two.
func (h *History) resetBreaker() bool {
	if h.db.breaker == 0 {
		return false
	}
	h.db.breaker--
	return true
}

// release is rule R: payments of a batch are payable again when every transaction
// that was released for them is dead. An attempt that the signer refused was
// never released.
func (h *History) release(pick uint8) bool {
	i, ok := h.find(pick, func(b *batch) bool {
		return !b.beforeSigning() && b.live() && b.state != Mined && b.state != Paid && (h.overdue(b) || h.allDead(b))
	})
	if !ok {
		return false
	}
	b := &h.db.batches[i]
	if b.state != Conflicted && b.state != Voiding {
		h.setBatch(b, Conflicted)
	}
	h.setBatch(b, Voided)
	for p := range payments {
		x := &h.db.payments[p]
		if x.batch != int8(i) || x.state != PaymentMaybePaid { //nolint:gosec // at most maxBatches
			continue
		}
		h.setPayment(p, PaymentPayable)
		x.batch = -1
		h.tried |= payBit(p)
		h.count(Released)
	}
	return true
}

// overdue is what ReleaseOnTimeout breaks: a node that does not know a transaction
// is taken for proof that it is dead.
func (h *History) overdue(b *batch) bool {
	return h.without.Has(ReleaseOnTimeout) && b.state == Broadcast && b.waiting > 2 && h.node.mempool&b.txs == 0
}

// allDead asks that no transaction of the batch but its voids can confirm any more, and for each
// of its payments that every attempt that pays it is dead, in whatever batch.
func (h *History) allDead(b *batch) bool {
	for _, a := range b.tries[:b.n] {
		if a.kind != void && a.phase != refused && !impossible(&h.w, h.depths, h.without, a.tx, h.db.walked) {
			return false
		}
	}
	for p := range payments {
		x := &h.db.payments[p]
		if x.state == PaymentMaybePaid && &h.db.batches[x.batch] == b && !h.deadFor(p) {
			return false
		}
	}
	return true
}

func (h *History) deadFor(p int) bool {
	for i := range h.db.batches[:h.db.n] {
		b := &h.db.batches[i]
		for _, a := range b.tries[:b.n] {
			if a.phase != refused && h.w.txs[a.tx].pays&payBit(p) != 0 &&
				!dead(&h.w, h.depths, h.without, a.tx, p, h.db.walked) {
				return false
			}
		}
	}
	return true
}

// journalled is the number after the last that the journal has for a batch.
func (h *History) journalled(id uint8) uint8 {
	var next uint8
	for _, l := range h.journal.lines[:h.journal.n] {
		if l.batch == id {
			next = max(next, l.attempt+1)
		}
	}
	return next
}
