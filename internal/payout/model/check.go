package model

// Happening is something that a history must have come across somewhere, or the
// generator is too tame.
type Happening uint8

// The happenings.
const (
	NodeBehind Happening = iota
	BreakerTripped
	BlockUndone
	WorkerStalled
	StaleAsked
	LeaseLost
	BatchRebuilt
	AttemptRebuilt
	CancelUndone
	VoidUndone
	BumpedWider
	Released
	PaidAgain
	OldAttemptWon
	VoidWon
	VoidLost
	DeadByParent
	Reissued
	HeldForDeposit
	happenings
)

// String names the happening for the table of figures.
func (x Happening) String() string {
	return [happenings]string{
		"node was behind: nothing done", "breaker tripped", "blocks undone", "workers stalled", "stale workers asked the signer",
		"stale workers lost the lease", "batches rebuilt from the journal", "attempts rebuilt from the journal",
		"cancelled batches that were signed after all", "voided batches that were signed after all", "bumps with one more coin",
		"payments freed by rule R", "freed payments composed again", "replaced attempts that confirmed", "voids that confirmed", "voids that came too late",
		"transactions dead by their parent", "payments released twice, the first dead", "payments held: their deposit never came to be",
	}[x]
}

// Seen adds up what histories reached.
type Seen struct {
	Histories int
	Commands  [Ops]int
	Crashes   [points]int
	Verdicts  [verdicts]int
	Counts    [happenings]int
	Edges     Edges
}

// Add adds other to s.
func (s *Seen) Add(other *Seen) {
	s.Histories += other.Histories
	addUp(s.Commands[:], other.Commands[:])
	addUp(s.Crashes[:], other.Crashes[:])
	addUp(s.Verdicts[:], other.Verdicts[:])
	addUp(s.Counts[:], other.Counts[:])
	for i := range s.Edges.Batch {
		addUp(s.Edges.Batch[i][:], other.Edges.Batch[i][:])
	}
	for i := range s.Edges.Payment {
		addUp(s.Edges.Payment[i][:], other.Edges.Payment[i][:])
	}
}

func addUp[A, B int | int32](to []A, from []B) {
	for i, n := range from {
		to[i] += A(n)
	}
}

// checkRelease looks, when t is about to be released, at every transaction that
// was released before and pays the same: no chain may ever hold both. It knows
// the true chain and counts by another way than the signer's rule R does.
func (h *History) checkRelease(t uint8) {
	x := &h.w.txs[t]
	for _, l := range h.journal.lines[:h.journal.n] {
		old := &h.w.txs[l.tx]
		if old.pays&x.pays == 0 || old.ins&x.ins != 0 || h.excluded(l.tx, t) {
			continue
		}
		settled := h.w.deep(h.w.best, h.depths.Reorg+1)
		if never(&h.w, settled, l.tx) {
			h.count(Reissued)
			if old.ins&settled.spent == 0 {
				h.count(DeadByParent)
			}
			continue
		}
		h.out.CouldPayTwice = true
		h.say("transactions %d and %d pay one payment and can both confirm", l.tx, t)
	}
}

// never reports whether no chain that grows out of b will hold t, by what b's
// chain has spent.
func never(w *world, b *block, t uint8) bool {
	if b.has&txBit(t) != 0 {
		return false
	}
	if w.txs[t].ins&b.spent != 0 {
		return true
	}
	for s := w.txs[t].ins &^ b.made; s != 0; s &= s - 1 {
		if by := w.coins[lowest(s)].by; w.revoked&txBit(by) != 0 || never(w, b, by) {
			return true
		}
	}
	return false
}

// excluded reports whether a and b need coins of which no chain can hold both.
func (h *History) excluded(a, b uint8) bool { return h.needs(a)&h.needs(b) != 0 }

// needs are the coins that t and the transactions that make its coins spend.
func (h *History) needs(t uint8) coinSet {
	all := h.w.txs[t].ins
	for s := all; s != 0; s &= s - 1 {
		if c := &h.w.coins[lowest(s)]; !c.deposit {
			all |= h.needs(c.by)
		}
	}
	return all
}

// check holds after every command: what came into the chain and did not leave it
// is there.
func (h *History) check() {
	if h.checked == h.w.best {
		return
	}
	h.checked = h.w.best
	tip := &h.w.blocks[h.w.best]
	var sum int32
	for s := tip.has; s != 0; s &= s - 1 {
		switch x := &h.w.txs[lowest(s)]; {
		case x.deposit:
			sum += h.w.coins[x.coin].sat
		case x.foreign:
			sum -= h.w.worth(x.ins)
		default:
			sum -= total(x.pays) + x.fee
		}
	}
	if unspent := h.w.worth(tip.made &^ tip.spent); sum != unspent || sum != tip.sat {
		h.violate("the chain's coins are worth %d, and %d came in and stayed", unspent, sum)
	}
}

// checkBooks holds the ledger against the coins at the walked block, and the
// payments' states against the chain.
func (h *History) checkBooks() {
	if h.without != 0 {
		return
	}
	b, books := &h.w.blocks[h.db.walked], &h.db.books
	if books.available+books.committed+books.inFlight != b.sat {
		h.violate("the ledger has %d and the coins are worth %d", books.available+books.committed+books.inFlight, b.sat)
	}
	for p := range payments {
		mined := h.db.payments[p].state >= PaymentMined
		if mined != (b.paid&payBit(p) != 0) {
			h.violate("payment %d is %s and the chain pays it: %v", p, h.db.payments[p].state, b.paid&payBit(p) != 0)
		}
	}
}

// checkRecovered holds when the journal was read to its end: nothing that may
// still be paid is called payable.
func (h *History) checkRecovered() {
	if h.without != 0 {
		return
	}
	settled := h.w.deep(h.w.best, h.depths.Reorg+1)
	for _, l := range h.journal.lines[:h.journal.n] {
		for p := range payments {
			state := h.db.payments[p].state
			if (state == PaymentPayable || state == PaymentAllocated) && h.w.txs[l.tx].pays&payBit(p) != 0 &&
				!never(&h.w, settled, l.tx) {
				h.violate("payment %d is %s, and transaction %d may pay it", p, state, l.tx)
			}
		}
	}
}

// End stops all accidents and lets everybody do their work. Then every payment
// is paid, or held for a reason that is true.
func (h *History) End() Outcome {
	h.ending, h.stalled = true, stalled{}
	h.worker.alive = false
	h.node.see(&h.w, h.w.best)
	for range 24 {
		h.node.mempool = 0 // a node can keep for ever what can never be mined; it is restarted
		h.step(plan{})
		for h.resetBreaker() {
		}
		for h.release(0) {
		}
		h.rescue()
		h.compose(1<<payments - 1)
		for h.approve(0) {
		}
		h.step(plan{})
		h.mineAll()
		h.mine(nil, h.depths.Deposit)
		if h.done() {
			break
		}
	}
	h.judge()
	h.gather()
	return h.out
}

// rescue does what a treasurer does about batches that do not go on.
func (h *History) rescue() {
	tip := &h.w.blocks[h.db.walked]
	free := tip.made &^ tip.spent &^ h.db.reserved(&h.w)
	if h.w.worth(free) < 6*amount(payments) && !h.w.full(1) {
		h.mine([]uint8{h.w.mint(8000)}, 1)
	}
	for i := range h.db.batches[:h.db.n] {
		if b := &h.db.batches[i]; b.state == Built && b.why == coinGone {
			h.cancel(i)
		}
	}
}

// mineAll lets a fair miner take what our node has, and deposits that a reorg took
// out of the chain.
func (h *History) mineAll() {
	var deposits txSet
	for t := range h.w.nTxs {
		if h.w.txs[t].deposit {
			deposits |= txBit(t)
		}
	}
	for h.mineFrom(deposits, Command{A: 2}) {
		continue
	}
	for range 12 {
		if !h.mineFrom(h.node.mempool, Command{A: 2}) {
			return
		}
	}
}

func (h *History) done() bool {
	for i := range h.db.batches[:h.db.n] {
		if h.db.batches[i].live() {
			return false
		}
	}
	for p := range payments {
		if h.db.payments[p].state != PaymentFinal {
			return false
		}
	}
	return true
}

// judge decides about each payment at the end.
func (h *History) judge() {
	tip := &h.w.blocks[h.w.best]
	for p := range payments {
		state, paid := h.db.payments[p].state, tip.paid&payBit(p) != 0
		switch {
		case paid && (state == PaymentFinal || state == PaymentPaid || state == PaymentMined):
		case !paid && state == PaymentMaybePaid && h.unborn(p):
			h.count(HeldForDeposit)
			h.out.Stuck++
		default:
			h.out.Lost = true
			h.say("payment %d is %s at the end, paid on the chain: %v", p, state, paid)
		}
	}
	for i := range h.db.batches[:h.db.n] {
		b := &h.db.batches[i]
		in := tip.has & b.txs
		switch {
		case in&b.voids != 0:
			h.count(VoidWon)
		case in != 0 && b.voids != 0:
			h.count(VoidLost)
		case in != 0 && b.n > 1 && in&txBit(b.tries[b.n-1].tx) == 0:
			h.count(OldAttemptWon)
		}
	}
}

// unborn reports whether p waits for a transaction that needs a deposit which its
// sender has spent elsewhere: it is dead, and no spend of its coins will show it.
func (h *History) unborn(p int) bool {
	for _, l := range h.journal.lines[:h.journal.n] {
		if h.w.txs[l.tx].pays&payBit(p) == 0 {
			continue
		}
		for s := h.needs(l.tx); s != 0; s &= s - 1 {
			if by := h.w.coins[lowest(s)].by; h.w.revoked&txBit(by) != 0 {
				return true
			}
		}
	}
	return false
}

func (h *History) gather() {
	s := h.Seen
	s.Histories++
	addUp(s.Crashes[:], h.crashes[:])
	addUp(s.Verdicts[:], h.verdicts[:])
	addUp(s.Counts[:], h.counts[:])
	for i := range h.edges.Batch {
		addUp(s.Edges.Batch[i][:], h.edges.Batch[i][:])
	}
	for i := range h.edges.Payment {
		addUp(s.Edges.Payment[i][:], h.edges.Payment[i][:])
	}
	h.crashes, h.verdicts, h.counts, h.edges = [points]int32{}, [verdicts]int32{}, [happenings]int32{}, Edges{}
}
