package model

// BatchState numbers the states of package payout.
type BatchState uint8

// The states of a batch.
const (
	Composed BatchState = iota
	Approved
	Built
	Signing
	Signed
	Broadcast
	Mined
	Paid
	Final
	Cancelled
	Conflicted
	Voiding
	Voided
	batchStates
)

// PaymentState numbers the states of grant's instalments.
type PaymentState uint8

// The states of a payment. Held and cancelled ones have no part here: a person
// takes them out before a signer can have been asked.
const (
	PaymentPayable PaymentState = iota
	PaymentAllocated
	PaymentMaybePaid
	PaymentMined
	PaymentPaid
	PaymentFinal
	paymentStates
)

// String returns the word that package payout has for it.
func (s BatchState) String() string {
	return [batchStates]string{
		"composed", "approved", "built", "signing", "signed", "broadcast", "mined", "paid", "final",
		"cancelled", "conflicted", "voiding", "voided",
	}[s]
}

// String returns the word that package grant has for it.
func (s PaymentState) String() string {
	return [paymentStates]string{"payable", "allocated", "maybe_paid", "mined", "paid", "final"}[s]
}

// phase is how far an attempt got.
type phase uint8

const (
	intent  phase = iota // stored; a signer may have been asked
	raw                  // signed bytes stored
	told                 // a node was told
	refused              // a signer refused, for good
)

type attempt struct {
	tx    uint8
	no    uint8 // as the signer is told
	kind  kind
	phase phase
}

const maxAttempts = 10

// reason is why a batch does not go on, as a person would read it.
type reason uint8

const (
	noReason reason = iota
	noCoins
	coinGone
	breakerOpen
	signerSaysNo
)

type batch struct {
	id      uint8 // unique for ever, as a UUID is
	number  uint8 // drawn from the database, and so drawn again after a restore
	state   BatchState
	kind    kind // pay or upkeep
	child   bool
	pays    paySet
	first   coinSet // inputs of attempt 0, all of which every attempt spends
	n       uint8
	tries   [maxAttempts]attempt
	txs     txSet // of all attempts
	voids   txSet
	voided  bool // two people have agreed on a void; a request alone changes nothing
	why     reason
	waiting uint8 // rounds since it was broadcast (only ReleaseOnTimeout looks)
}

// live reports whether coins are kept for the batch.
func (b *batch) live() bool {
	return b.state != Cancelled && b.state != Final && b.state != Voided
}

func (b *batch) beforeSigning() bool {
	return b.state == Composed || b.state == Approved || b.state == Built
}

// next is the number of the next attempt.
func (b *batch) next() uint8 {
	var top uint8
	for _, a := range b.tries[:b.n] {
		top = max(top, a.no+1)
	}
	return top
}

// fee is the highest of any attempt.
func (b *batch) fee(w *world) int32 {
	var top int32
	for _, a := range b.tries[:b.n] {
		top = max(top, w.txs[a.tx].fee)
	}
	return top
}

type payment struct {
	state PaymentState
	batch int8 // row that it is in; none: -1
}

// books are the ledger's accounts in satoshi. A payment's amount stands where its
// state says.
type books struct {
	available, committed, inFlight, confirming, paid, fees, lost int32
}

const maxBatches = 24

// database is one value, so a dump is a copy and a restore an assignment. Each
// change of it stands for one committed transaction.
type database struct {
	payments [payments]payment
	batches  [maxBatches]batch
	n        uint8
	numbers  uint8 // last batch number drawn
	walked   int32 // block that the follower has reached
	epoch    uint8 // of the lease
	lines    uint8 // of the journal that were read
	breaker  uint8 // consents that it still needs; 0: closed
	known    txSet // transactions of all attempts
	books    books
}

func (d *database) reset() {
	*d = database{}
	for p := range d.payments {
		d.payments[p].batch = -1
		d.books.committed += amount(p)
	}
	d.books.available = -d.books.committed
}

// reserved are the coins kept for batches.
func (d *database) reserved(w *world) coinSet {
	var s coinSet
	for i := range d.batches[:d.n] {
		b := &d.batches[i]
		if !b.live() {
			continue
		}
		s |= b.first
		for _, a := range b.tries[:b.n] {
			s |= w.txs[a.tx].ins
		}
	}
	return s
}

func (d *database) account(s PaymentState) *int32 {
	switch s {
	case PaymentMaybePaid:
		return &d.books.inFlight
	case PaymentMined:
		return &d.books.confirming
	case PaymentPaid, PaymentFinal:
		return &d.books.paid
	default:
		return &d.books.committed
	}
}

// Edges counts the changes of state that a history made.
type Edges struct {
	Batch   [batchStates][batchStates]int32
	Payment [paymentStates][paymentStates]int32
}

func (h *History) setBatch(b *batch, to BatchState) {
	if b.state == to {
		return
	}
	h.edges.Batch[b.state][to]++
	b.state, b.why = to, noReason
}

func (h *History) setPayment(p int, to PaymentState) {
	x := &h.db.payments[p]
	if x.state == to {
		return
	}
	h.edges.Payment[x.state][to]++
	*h.db.account(x.state) -= amount(p)
	*h.db.account(to) += amount(p)
	x.state = to
}

// addTry appends an attempt; false when there is no room, which ends the batch's
// bumps and nothing else.
func (h *History) addTry(b *batch, a attempt) bool {
	if int(b.n) == len(b.tries) {
		return false
	}
	b.tries[b.n] = a
	b.n++
	b.txs |= txBit(a.tx)
	h.db.known |= txBit(a.tx)
	if a.kind == void {
		b.voids |= txBit(a.tx)
		b.voided = true
	}
	h.stored |= txBit(a.tx)
	return true
}

// cancel ends a batch that no signer was asked about.
func (h *History) cancel(i int) {
	b := &h.db.batches[i]
	for p := range payments {
		if h.db.payments[p].batch == int8(i) { //nolint:gosec // at most maxBatches
			h.setPayment(p, PaymentPayable)
			h.db.payments[p].batch = -1
		}
	}
	h.setBatch(b, Cancelled)
}
