package model

import "math/bits"

// Point is a place where the worker can be killed; after a side effect its reply
// may be lost, which is the same to whoever comes after.
type Point uint8

// The points, in the order of a run.
const (
	NoPoint Point = iota
	BeforeRebuild
	BeforeBlock
	AfterBlock
	BeforeBuild
	AfterBuild
	BeforeSigning
	AfterSigning
	BeforeSigner
	AfterSigner
	AfterRaw
	BeforeTell
	AfterTell
	AfterTold
	points
)

// String names the point for the table of figures.
func (p Point) String() string {
	return [points]string{
		"-", "before a journal line is taken in", "before a block is committed", "after a block is committed",
		"before the transaction is stored", "after the transaction is stored", "before signing is committed",
		"after signing is committed", "before the signer is asked", "signer's answer lost", "after signed bytes are stored",
		"before the node is told", "node's answer lost", "after broadcast is committed",
	}[p]
}

// worker is the process that holds the lease, or believes so.
type worker struct {
	alive bool
	epoch uint8
}

// stalled is a worker that stopped between two instructions and does not know
// that time went by.
type stalled struct {
	at      Point // NoPoint: nobody
	epoch   uint8
	batch   uint8 // id
	request request
}

// plan is what is to happen to this round's worker: killed or stalled at the
// n-th passing of a point.
type plan struct {
	point Point
	n     uint8
	stall bool
}

// crash reports whether the worker dies here.
func (h *History) crash(p Point) bool {
	if h.plan.point != p {
		return false
	}
	if h.plan.n > 0 {
		h.plan.n--
		return false
	}
	h.plan.point = NoPoint
	h.worker.alive = false
	if !h.plan.stall {
		h.crashes[p]++
	}
	return true
}

// leased is what every write of the worker checks.
func (h *History) leased() bool { return h.worker.epoch == h.db.epoch }

// step is one round of the worker: start if there is none, follow the chain, then
// take every batch as far as it goes.
func (h *History) step(p plan) {
	h.plan = p
	if !h.worker.alive {
		h.db.epoch++
		h.worker = worker{alive: true, epoch: h.db.epoch}
		if !h.rebuild() {
			return
		}
	}
	if !h.sync() {
		return
	}
	for i := 0; i < int(h.db.n) && h.worker.alive; i++ {
		for range 6 {
			if !h.advance(i) || !h.worker.alive {
				break
			}
		}
	}
}

func (h *History) advance(i int) (again bool) {
	b := &h.db.batches[i]
	switch b.state {
	case Approved:
		return h.build(b)
	case Built:
		return h.commitToSign(i, b)
	case Signing, Signed, Broadcast, Conflicted, Voiding:
		return h.converse(b)
	default:
		return false
	}
}

// choose picks coins worth need, starting anywhere, among those that are
// confirmed deep enough and not kept for another batch.
func (h *History) choose(need int32, seed uint8) (coinSet, bool) {
	tip, deep := &h.w.blocks[h.db.walked], h.w.deep(h.db.walked, h.depths.Deposit)
	free := tip.made &^ tip.spent &^ h.db.reserved(&h.w)
	var ins coinSet
	var sum int32
	for n := range uint8(maxCoins) {
		c := (n + seed*29) % maxCoins
		if free&coinBit(c) == 0 || (h.w.coins[c].deposit && deep.made&coinBit(c) == 0) {
			continue
		}
		ins |= coinBit(c)
		if sum += h.w.coins[c].sat; sum >= need {
			return ins, true
		}
	}
	return 0, false
}

const firstFee = 20

// build stores transaction, txid and anchor, and keeps the coins, in one commit.
func (h *History) build(b *batch) bool {
	if h.db.breaker > 0 {
		b.why = breakerOpen
		return false
	}
	ins := b.first // an upkeep batch names its coins
	if b.kind == pay {
		var ok bool
		if ins, ok = h.choose(total(b.pays)+4*firstFee, b.id); !ok {
			b.why = noCoins
			return false
		}
	}
	t, ok := h.w.draft(ins, b.pays, firstFee, b.number)
	if !ok {
		b.why = noCoins
		return false
	}
	if h.without.Has(TellBeforeStore) {
		return h.tellFirst(b, t)
	}
	if h.crash(BeforeBuild) {
		return false
	}
	if !h.addTry(b, attempt{tx: t, kind: b.kind}) {
		return false
	}
	b.first = ins
	h.setBatch(b, Built)
	return !h.crash(AfterBuild)
}

// commitToSign is the point of no return.
func (h *History) commitToSign(i int, b *batch) bool {
	tip := &h.w.blocks[h.db.walked]
	switch {
	case h.db.breaker > 0:
		b.why = breakerOpen
		return false
	case b.first&(tip.made&^tip.spent) != b.first && !b.child:
		b.why = coinGone
		return false
	}
	if h.crash(BeforeSigning) {
		return false
	}
	h.toSigning(i, b)
	h.refresh()
	return !h.crash(AfterSigning)
}

func (h *History) toSigning(i int, b *batch) {
	h.setBatch(b, Signing)
	for p := range payments {
		//nolint:gosec // at most maxBatches
		if h.db.payments[p].batch == int8(i) &&
			h.db.payments[p].state == PaymentAllocated {
			h.setPayment(p, PaymentMaybePaid)
		}
	}
}

// converse takes a batch's attempts from the signer to the node.
func (h *History) converse(b *batch) bool {
	for k := range b.n {
		a := b.tries[k]
		switch {
		case b.voided && a.kind != void:
		case a.phase == intent && h.db.breaker == 0:
			return h.sign(b, k)
		case a.phase == raw && b.state != Conflicted:
			return h.tell(b, k)
		}
	}
	// Nodes forget, so everything that was signed is told again, newest first.
	for k := b.n; k > 0; k-- {
		if a := b.tries[k-1]; a.phase == told || a.phase == raw {
			h.node.tell(&h.w, a.tx)
		}
	}
	if b.state == Broadcast {
		b.waiting++
	}
	return false
}

// proofs are the attempts of which the walked chain shows that they are dead: those
// that pay the same, and those of ended batches whose other coins are free again.
// The signer looks at each for itself.
func (h *History) proofs(pays paySet) txSet {
	var all txSet
	b := h.w.deep(h.db.walked, proofDepth(h.depths, h.without))
	for s := h.db.known; s != 0; s &= s - 1 {
		if h.without.Has(NarrowProofs) && h.w.txs[lowest(s)].pays&pays == 0 {
			continue
		}
		if deadAt(&h.w, h.without, b, lowest(s), pays, 4) {
			all |= txBit(lowest(s))
		}
	}
	return all
}

func (h *History) sign(b *batch, k uint8) bool {
	a := &b.tries[k]
	r := request{line: line{tx: a.tx, batch: b.id, number: b.number, attempt: a.no, kind: a.kind}, tip: h.db.walked}
	r.dead = h.proofs(h.w.txs[r.tx].pays)
	if h.crash(BeforeSigner) {
		h.stall(BeforeSigner, b.id, r)
		return false
	}
	why := h.ask(r)
	if h.crash(AfterSigner) {
		h.stall(AfterSigner, b.id, r)
		return false
	}
	if why != signed {
		if !h.rebuild() { // somebody signed what this database does not know
			return false
		}
		if a.phase == intent {
			a.phase = refused
			b.why = signerSaysNo
		}
		return false
	}
	h.keepRaw(b, k)
	return !h.crash(AfterRaw)
}

func (h *History) keepRaw(b *batch, k uint8) {
	b.tries[k].phase = raw
	h.hasRaw |= txBit(b.tries[k].tx)
	if b.state == Signing {
		h.setBatch(b, Signed)
	}
}

func (h *History) tell(b *batch, k uint8) bool {
	a := &b.tries[k]
	if h.crash(BeforeTell) {
		h.stall(BeforeTell, b.id, request{line: line{tx: a.tx}})
		return false
	}
	h.broadcast(a.tx)
	if h.crash(AfterTell) {
		return false
	}
	a.phase = told
	if b.state == Signed {
		h.setBatch(b, Broadcast)
	}
	return !h.crash(AfterTold)
}

func (h *History) broadcast(t uint8) {
	if h.hasRaw&txBit(t) == 0 {
		h.violate("transaction %d was broadcast before its bytes were stored", t)
	}
	h.node.tell(&h.w, t)
}

// ask puts a request to the signer, which journals before it answers.
func (h *History) ask(r request) Verdict {
	if h.stored&txBit(r.tx) == 0 {
		h.violate("the signer was asked for transaction %d before it was stored", r.tx)
	}
	again, why := h.journal.check(&h.w, h.depths, h.without, r)
	h.verdicts[why]++
	h.trace(r, why)
	if h.asked != nil {
		h.asked(r, why)
	}
	if why != signed || again {
		return why
	}
	h.checkRelease(r.tx)
	h.journal.rely(&h.w, h.depths, h.without, r)
	h.journal.write(&h.w, r.line)
	return signed
}

func (h *History) stall(p Point, id uint8, r request) {
	if h.plan.stall {
		h.stalled = stalled{at: p, epoch: h.worker.epoch, batch: id, request: r}
		h.count(WorkerStalled)
	}
}

// resume lets the stalled worker go on where it stopped. Its act happens whatever
// came since; its commit only under its lease.
func (h *History) resume() bool {
	s := h.stalled
	h.stalled = stalled{}
	switch s.at {
	case BeforeSigner:
		if s.epoch != h.db.epoch {
			h.count(StaleAsked)
		}
		if h.ask(s.request) != signed {
			return true
		}
	case AfterSigner:
		if h.journal.has&txBit(s.request.tx) == 0 {
			return true
		}
	case BeforeTell:
		h.broadcast(s.request.tx)
		return true
	default:
		return false
	}
	if s.epoch != h.db.epoch {
		h.count(LeaseLost)
		return true
	}
	for i := range h.db.batches[:h.db.n] {
		b := &h.db.batches[i]
		for k := range b.n {
			if b.id == s.batch && !b.beforeSigning() && b.tries[k].tx == s.request.tx && b.tries[k].phase == intent {
				h.keepRaw(b, k)
			}
		}
	}
	return true
}

// tellFirst is the order that TellBeforeStore breaks: sign, tell, and only then
// write down.
func (h *History) tellFirst(b *batch, t uint8) bool {
	h.stored |= txBit(t)
	h.hasRaw |= txBit(t)
	r := request{line: line{tx: t, batch: b.id, number: b.number, kind: b.kind}, tip: h.db.walked}
	r.dead = h.proofs(h.w.txs[r.tx].pays)
	if h.ask(r) != signed {
		return false
	}
	h.broadcast(t)
	if h.crash(BeforeBuild) || !h.addTry(b, attempt{tx: t, kind: b.kind, phase: told}) {
		return false
	}
	b.first = h.w.txs[t].ins
	h.setBatch(b, Built)
	for i := range h.db.batches[:h.db.n] {
		if &h.db.batches[i] == b {
			h.toSigning(i, b)
		}
	}
	h.setBatch(b, Signed)
	h.setBatch(b, Broadcast)
	return false
}

func count[S txSet | coinSet | paySet](s S) int { return bits.OnesCount64(uint64(s)) }
