package model

import "fmt"

// Depths are numbers of confirmations, and Reorg the most blocks that ever leave
// the best chain at once. What the rules rest on is Final > Reorg alone.
type Depths struct {
	Deposit, Paid, Final, Reorg int32
}

// Tight returns the least depths that are safe against reorgs of 10 blocks.
func Tight() Depths { return Depths{Deposit: 6, Paid: 6, Final: 11, Reorg: 10} }

// Real returns the depths of a fund on mainnet.
func Real() Depths { return Depths{Deposit: 6, Paid: 6, Final: 100, Reorg: 10} }

// Fault is a set of rules that are left out, to see what they are for.
type Fault uint16

// The rules that can be left out.
const (
	NoAnchor         Fault = 1 << iota // bumps choose other coins, and the journal does not mind
	NoSignerRules                      // the signer signs whatever it is asked
	ReleaseOnTimeout                   // what the node does not know is payable again
	TellBeforeStore                    // sign and tell first, write down later
	ForgetReplaced                     // only the newest attempt is remembered
	NoRecovery                         // a restored database is believed
	ShortProof                         // dead as soon as paid would be, which a reorg can undo
	NarrowProofs                       // the worker proves dead only what paid the same people
	ShallowProof                       // dead only by a spend of the own coins, not of a parent's
)

// Has reports whether all of g are in f.
func (f Fault) Has(g Fault) bool { return f&g == g }

// Config is the world that a history happens in.
type Config struct {
	Depths  Depths
	Without Fault
}

// Outcome is what was found. In a sound model all are false and Broken is empty.
type Outcome struct {
	PaidTwice     bool   // a chain held two transactions that pay one payment
	CouldPayTwice bool   // two were released that could both be in one chain
	Lost          bool   // an approved payment was neither paid nor held for a reason
	Broken        string // the first other invariant that did not hold
	Stuck         int    // payments held at the end, for the reason that a deposit never came to be
}

// Bad reports whether any invariant was broken.
func (o Outcome) Bad() bool { return o.PaidTwice || o.CouldPayTwice || o.Lost || o.Broken != "" }

// History is one run of everything: the world, our node, the signer, the
// database, the worker. It is reused, because a run makes no garbage that way.
type History struct {
	depths  Depths
	without Fault

	w       world
	node    node
	journal journal
	db      database
	dumps   [2]database
	dumped  [2]bool
	worker  worker
	stalled stalled
	plan    plan
	lastID  uint8
	ending  bool
	checked int32 // tip that check has seen

	stored txSet  // transactions that some database had committed
	hasRaw txSet  // transactions whose signed bytes some database had committed
	tried  paySet // payments that rule R has freed

	asked func(request, Verdict) // hears what the signer was asked; may be nil

	out  Outcome
	Log  func(format string, args ...any) // nil: no story is told
	Seen *Seen

	edges    Edges
	crashes  [points]int32
	verdicts [verdicts]int32
	counts   [happenings]int32
}

// New returns a History that adds what it reaches to seen.
func New(cfg Config, seen *Seen) *History {
	return &History{depths: cfg.Depths, without: cfg.Without, Seen: seen}
}

// Start forgets everything and opens a fund with one deposit.
func (h *History) Start() {
	h.w.reset()
	h.db.reset()
	h.node, h.journal, h.worker, h.stalled, h.plan = node{}, journal{}, worker{}, stalled{}, plan{}
	h.dumped = [2]bool{}
	h.lastID, h.ending, h.checked, h.stored, h.hasRaw, h.tried = 0, false, 0, 0, 0, 0
	h.out = Outcome{}
	h.mine([]uint8{h.w.mint(2500)}, 1)
	h.mine(nil, h.depths.Deposit)
}

// Run does the commands, ends the history and says what was found.
func (h *History) Run(commands []Command) Outcome {
	h.Start()
	for _, c := range commands {
		h.Do(c)
	}
	return h.End()
}

// Outcome returns what was found so far.
func (h *History) Outcome() Outcome { return h.out }

// mine finds n blocks on the best chain, the first with those of txs that it may
// hold. A node that shows the best chain follows.
func (h *History) mine(txs []uint8, n int32) {
	for range n {
		tip, twice := h.w.found(h.w.best, txs)
		if twice {
			h.out.PaidTwice = true
			h.say("block %d pays a second time", h.w.blocks[tip].height)
		}
		if h.node.tip == h.w.best {
			h.node.see(&h.w, tip)
		}
		h.w.best = tip
		txs = nil
	}
}

func (h *History) violate(format string, args ...any) {
	if h.out.Broken == "" {
		h.out.Broken = fmt.Sprintf(format, args...)
		h.say("BROKEN: %s", h.out.Broken)
	}
}

func (h *History) say(format string, args ...any) {
	if h.Log != nil {
		h.Log(format, args...)
	}
}

func (h *History) trace(r request, why Verdict) {
	if h.Log != nil {
		x := h.w.txs[r.tx]
		h.Log(
			"  signer: transaction %d of batch %d (number %d, attempt %d, kind %d) spends %b pays %04b fee %d, dead %b: verdict %d",
			r.tx,
			r.batch,
			r.number,
			r.attempt,
			r.kind,
			x.ins,
			x.pays,
			x.fee,
			r.dead,
			why,
		)
	}
}

func (h *History) count(x Happening) { h.counts[x]++ }
