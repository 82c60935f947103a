package model

// Op is what a command does.
type Op uint8

// The commands. People, the worker, the network and accidents take turns.
const (
	Deposit Op = iota
	Compose
	Approve
	Cancel
	Tidy
	Child
	Bump
	Void
	Release
	ResetBreaker
	Step
	Crash
	Stall
	Resume
	MineOurs
	MineAny
	MineForeign
	MineQuiet
	Wipe
	Reorg
	Hide
	Show
	Dump
	Restore
	Revoke
	Ops // how many
)

// String names the command for the table of figures.
func (o Op) String() string {
	return [Ops]string{
		"deposit", "compose", "approve", "cancel", "consolidate", "child", "bump", "void", "release by rule R", "reset the breaker",
		"step the worker", "kill the worker at a point", "stall the worker at a point", "a stalled worker goes on",
		"mine what our node has", "mine any released transaction", "mine a foreign spend", "mine empty blocks",
		"wipe the mempool", "reorg", "node loses blocks", "node catches up", "dump the database", "restore an older dump",
		"a deposit's sender spends it elsewhere",
	}[o]
}

// Command is one command with its three dice.
type Command struct{ Op, A, B, C uint8 }

// weights say how often each command comes, of their sum.
var weights = [Ops]uint8{
	Deposit:      9,
	Compose:      14,
	Approve:      16,
	Cancel:       2,
	Tidy:         3,
	Child:        5,
	Bump:         18,
	Void:         5,
	Release:      16,
	ResetBreaker: 14,
	Step:         46,
	Crash:        18,
	Stall:        12,
	Resume:       10,
	MineOurs:     14,
	MineAny:      12,
	MineForeign:  1,
	MineQuiet:    12,
	Wipe:         4,
	Reorg:        9,
	Hide:         2,
	Show:         14,
	Dump:         6,
	Restore:      5,
	Revoke:       4,
}

// Commands turns bytes into commands, four bytes each: every input is a history.
func Commands(tape []byte) []Command {
	var sum int
	for _, w := range weights {
		sum += int(w)
	}
	var all []Command
	for ; len(tape) >= 4; tape = tape[4:] {
		all = append(all, Command{opOf(int(tape[0]), sum), tape[1], tape[2], tape[3]})
	}
	return all
}

func opOf(b, sum int) uint8 {
	b = b * sum / 256
	for op, w := range weights {
		if b -= int(w); b < 0 {
			return uint8(op)
		}
	}
	return uint8(Step)
}

// Do does one command, and counts it when it had an effect.
func (h *History) Do(c Command) {
	if op := Op(c.Op % uint8(Ops)); h.do(op, c) {
		h.Seen.Commands[op]++
		h.say("%s (%d %d %d)", op, c.A, c.B, c.C)
	}
	h.check()
}

func (h *History) do(op Op, c Command) bool {
	switch op {
	case Compose:
		return h.compose(paySet(c.A))
	case Approve:
		return h.approve(c.A)
	case Cancel:
		return h.cancelAny(c.A)
	case Tidy:
		return h.tidy()
	case Child:
		return h.child(c.A)
	case Bump:
		return h.w.nTxs < room && h.bump(c.A, c.B < 100)
	case Void:
		return h.w.nTxs < room && h.void(c.A)
	case Release:
		return h.release(c.A)
	case ResetBreaker:
		return h.resetBreaker()
	case Step:
		h.step(plan{})
		return true
	case Crash:
		h.step(plan{point: 1 + Point(c.A)%(points-1), n: c.B % 3})
		return !h.worker.alive
	case Stall:
		h.step(plan{point: []Point{BeforeSigner, AfterSigner, BeforeTell}[c.A%3], n: c.B % 2, stall: true})
		return !h.worker.alive
	case Resume:
		return h.resume()
	case Dump:
		h.dumps[c.A%2], h.dumped[c.A%2] = h.db, true
		return true
	case Restore:
		if !h.dumped[c.A%2] {
			return false
		}
		h.db = h.dumps[c.A%2]
		h.worker.alive = false // whoever holds an old connection may still be stalled
		return true
	default:
		return h.network(op, c)
	}
}

// network does what others do to us: the chain, the miners, our node.
func (h *History) network(op Op, c Command) bool {
	switch op {
	case Deposit:
		if h.w.nTxs >= room {
			return false
		}
		h.mine([]uint8{h.w.mint(800 + 16*int32(c.A))}, 1)
	case MineOurs:
		return h.mineFrom(h.node.mempool, c)
	case MineAny:
		return h.mineFrom(h.w.loose, c)
	case MineForeign:
		return h.mineForeign(c)
	case MineQuiet:
		n := 1 + int32(c.A)%6
		if c.B%4 == 0 {
			n = h.depths.Final
		}
		h.mine(nil, n)
	case Wipe:
		h.node.mempool = 0
	case Reorg:
		return h.reorg(c)
	case Hide:
		h.node.see(&h.w, h.w.at(h.node.tip, max(h.w.blocks[h.node.tip].height-1-int32(c.A)%50, 0)))
		if c.B%2 == 0 {
			h.node.mempool = 0
		}
	case Show:
		if h.node.tip == h.w.best {
			return false
		}
		h.node.see(&h.w, h.w.best)
	case Revoke:
		return h.revoke(c.A)
	default:
		return false
	}
	return true
}

// some picks up to three members of s, in an order of its own.
func some(s txSet, c Command) []uint8 {
	var picked []uint8
	for n := range uint8(maxTxs) {
		t := (n*(2*(c.C%8)+1) + c.B) % maxTxs
		if s&txBit(t) != 0 {
			picked = append(picked, t)
		}
		if len(picked) == 3 {
			break
		}
	}
	return picked
}

func (h *History) mineFrom(s txSet, c Command) bool {
	tip := h.w.blocks[h.w.best]
	var fit txSet
	for ; s != 0; s &= s - 1 {
		if h.w.valid(&tip, lowest(s)) {
			fit |= s & -s
		}
	}
	if fit == 0 {
		return false
	}
	h.mine(some(fit, c)[:1+int(c.A)%min(3, count(fit))], 1)
	return true
}

// mineForeign spends a coin of the treasury by somebody who has its key.
func (h *History) mineForeign(c Command) bool {
	tip := &h.w.blocks[h.w.best]
	coins := tip.made &^ tip.spent
	if coins == 0 || h.w.nTxs >= room {
		return false
	}
	n := uint8(0)
	for n = range uint8(maxCoins) {
		if coins&coinBit((n+c.A)%maxCoins) != 0 {
			break
		}
	}
	h.mine([]uint8{h.w.steal(coinBit((n + c.A) % maxCoins))}, 1)
	return true
}

// reorg replaces up to Reorg blocks by one more than that. The new ones hold
// whatever is left of the old, what was released and never seen, or a new foreign
// spend. Our node may stay behind on the old branch.
func (h *History) reorg(c Command) bool {
	old := h.w.best
	depth := 1 + int32(c.A)%h.depths.Reorg
	height := h.w.blocks[old].height
	if depth > height {
		return false
	}
	fork := h.w.at(old, height-depth)
	follows := h.node.tip == old && c.B%4 != 0
	h.w.best = fork
	if follows {
		h.node.tip = fork
	}
	s := uint32(c.B)<<8 | uint32(c.C) + 1
	for n := range depth + 1 {
		s = s*1664525 + 1013904223
		b, d := uint8(s>>24), uint8(s>>16&0xff)
		switch {
		case d%3 == 0 || n > 2 && d%3 == 1:
			h.mine(nil, 1)
		case d%31 == 1 && h.mineForeign(Command{A: b}):
		case !h.mineFrom(h.w.loose, Command{A: d, B: b, C: d}):
			h.mine(nil, 1)
		}
	}
	if follows {
		h.node.see(&h.w, h.w.best)
	}
	return true
}

// revoke makes a deposit that a reorg took out of the chain impossible.
func (h *History) revoke(pick uint8) bool {
	tip := &h.w.blocks[h.w.best]
	for n := range h.w.nTxs {
		t := (n + pick) % h.w.nTxs
		if h.w.txs[t].deposit && tip.has&txBit(t) == 0 && h.w.revoked&txBit(t) == 0 {
			h.w.revoked |= txBit(t)
			return true
		}
	}
	return false
}
