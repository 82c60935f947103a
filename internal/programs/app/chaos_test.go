package app_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/causeway-fund/causeway/internal/payout/payout"
)

// scenario is one way to die. run pays one batch and marks the label as reached.
type scenario struct {
	label string
	run   func(a *arena, label string) order
}

// onTheWay kills the worker at its label while a batch is taken to the node.
func onTheWay(a *arena, label string) order {
	return a.killedWorker(label, func(o order) { a.approve(o) }, nil)
}

// atBlock kills it when a block comes.
func atBlock(a *arena, label string) order {
	return a.killedWorker(label, func(o order) {
		a.approve(o)
		a.await(o, payout.Broadcast)
		a.node.Mine(1)
	}, nil)
}

// atReorg kills it when the block with the payment leaves the best chain.
func atReorg(a *arena, label string) order {
	return a.killedWorker(label, func(o order) {
		a.approve(o)
		a.await(o, payout.Broadcast)
		block := a.node.Mine(1)[0]
		a.await(o, payout.Mined)
		a.node.Invalidate(block)
		a.node.Mine(2)
	}, nil)
}

// atBump kills it when the fee is raised.
func atBump(a *arena, label string) order {
	return a.killedWorker(label, func(o order) {
		a.approve(o)
		a.await(o, payout.Broadcast)
		a.bump(o)
	}, nil)
}

// originalWins kills it when the replacement is signed; the original confirms.
func originalWins(a *arena, label string) order {
	return a.killedWorker(label, func(o order) {
		a.approve(o)
		a.await(o, payout.Broadcast)
		a.bump(o)
	}, func() { a.node.Mine(1) })
}

// killedWorker has the worker die at label on what act does, does meanwhile, and
// starts it again.
func (a *arena) killedWorker(label string, act func(order), meanwhile func()) order {
	o := a.compose()
	a.killWorker()
	env, once := a.doomed(label)
	a.startWorker(env...)
	act(o)
	a.died(a.worker, label, once)
	if meanwhile != nil {
		meanwhile()
	}
	a.startWorker()
	return o
}

// signerDies kills one of the two signers at its label.
func signerDies(a *arena, label string) order {
	s := a.signers[a.round%2]
	o := a.compose()
	a.must(s.proc.Stop(a.t.Context()))
	env, once := a.doomed(label)
	a.startSigner(s, env...)
	a.approve(o)
	a.died(s.proc, label, once)
	a.startSigner(s)
	return o
}

// unreached are labels that name what is not built.
var unreached = map[string]string{
	"S8": "rosters are not built",
}

// worlds are the scenarios, by the arena in which they run one after the other.
func worlds() map[string][]scenario {
	return map[string][]scenario{
		"crashes": {
			{"C18", migrationKilled},
			{"C3", onTheWay},
			{"C1", onTheWay},
			{"C2", onTheWay},
			{"C4", onTheWay},
			{"C5", onTheWay},
			{"C6", onTheWay},
			{"C7", onTheWay},
			{"C8", onTheWay},
			{"C9", onTheWay},
			{"C10", onTheWay},
			{"C11", onTheWay},
			{"C12", onTheWay},
			{"C13", atBump},
			{"C14", originalWins},
			{"C15", atBlock},
			{"C17", atBlock},
			{"C16", atReorg},
			{"C19", leaseLost},
			{"S1", signerDies},
			{"S2", signerDies},
			{"S3", signerDies},
			{"S4", signerDies},
			{"S5", signerDies},
			{"S6", signerDies},
			{"S7", signerDies},
			{"S9", diskFull},
		},
		"faults": {
			{"N1", nodesRestarted},
			{"N2", nodeKilled},
			{"N3", nodeBehind},
			{"N4", nodeForked},
			{"N5", wrongGenesis},
			{"N6", callsHang},
			{"P1", databaseKilled},
			{"P4", storm},
			{"P5", badLine},
			{"P2", failedOver},
			{"P3", olderDump},
		},
	}
}

// TestChaos kills the real processes at every label and takes the parts around them
// away, CHAOS_RUNS times each (once, if that is not set). After each the batch must
// be paid, and an independent reader of the chain and of both signers' journals must
// find each payment exactly once.
func TestChaos(t *testing.T) {
	t.Parallel()
	runs := 1
	if text := os.Getenv("CHAOS_RUNS"); text != "" {
		var err error
		if runs, err = strconv.Atoi(text); err != nil {
			t.Fatalf("CHAOS_RUNS: %v", err)
		}
	}
	tally := &tally{rows: map[string]*row{}}
	for round := range runs {
		t.Run(fmt.Sprintf("round%d", round+1), func(t *testing.T) {
			for name, scenarios := range worlds() {
				for _, s := range scenarios {
					tally.row(s.label).runs++
				}
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					a := newArena(t, round, tally, scenarios)
					for _, s := range scenarios {
						o := s.run(a, s.label)
						a.settle(s.label, o)
						a.verdict(s.label, o)
					}
				})
			}
		})
	}
	for _, label := range labels() {
		if r := tally.row(label); unreached[label] == "" && (r.runs != runs || r.reached != runs) {
			t.Errorf("label %s was reached %d times in %d runs", label, r.reached, runs)
		}
	}
	if path := os.Getenv("CHAOS_TABLE"); path != "" {
		if err := os.WriteFile(path, []byte(tally.table()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// row is what came of one label.
type row struct{ runs, reached, double, lost, alarms int }

// tally counts by label; safe for concurrent use as long as each row has one user.
type tally struct {
	mu   sync.Mutex
	rows map[string]*row
}

func (c *tally) row(label string) *row {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.rows[label]
	if r == nil {
		r = &row{}
		c.rows[label] = r
	}
	return r
}

// table is what `make chaos` prints.
func (c *tally) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-6s %6s %8s %12s %6s %7s\n", "label", "runs", "reached", "double pays", "lost", "alarms")
	sum := row{}
	for _, label := range labels() {
		if why := unreached[label]; why != "" {
			fmt.Fprintf(&b, "%-6s not reached: %s\n", label, why)
			continue
		}
		r := c.row(label)
		fmt.Fprintf(&b, "%-6s %6d %8d %12d %6d %7d\n", label, r.runs, r.reached, r.double, r.lost, r.alarms)
		sum = row{sum.runs + r.runs, sum.reached + r.reached, sum.double + r.double, sum.lost + r.lost, sum.alarms + r.alarms}
	}
	fmt.Fprintf(&b, "%-6s %6d %8d %12d %6d %7d\n", "all", sum.runs, sum.reached, sum.double, sum.lost, sum.alarms)
	return b.String()
}

// labels are all that there are: the worker's, the signer's, the nodes' and the
// database's.
func labels() []string {
	var all []string
	for _, family := range []struct {
		prefix string
		count  int
	}{{"C", 19}, {"S", 9}, {"N", 6}, {"P", 5}} {
		for i := range family.count {
			all = append(all, family.prefix+strconv.Itoa(i+1))
		}
	}
	return all
}
