package model_test

import (
	"slices"
	"testing"

	"github.com/causeway-fund/causeway/internal/payout/model"
)

// A harness that cannot find a double payment proves nothing. Each rule is left
// out in turn, and the harness must find what the rule is there to prevent; with
// the rule back and all else the same it must find nothing.
func TestWithoutARuleTheHarnessFindsIt(t *testing.T) {
	t.Parallel()
	paidTwice := func(o model.Outcome) bool { return o.PaidTwice }
	lost := func(o model.Outcome) bool { return o.Lost }
	tests := []struct {
		name    string
		without model.Fault // left out on both sides
		rule    model.Fault // left out to see what it is for
		never   []model.Op  // commands that would break the other side too
		find    func(model.Outcome) bool
		within  uint64
	}{
		{"the anchor, in worker and journal", 0, model.NoAnchor, nil, paidTwice, 2000},
		{"a time-out is no proof", model.NoSignerRules, model.ReleaseOnTimeout, nil, paidTwice, 5000},
		{
			"stored before told", model.NoSignerRules | model.NoRecovery, model.TellBeforeStore,
			[]model.Op{model.Restore, model.Stall},
			paidTwice, 20_000,
		},
		{"replaced attempts are remembered", model.NoSignerRules, model.ForgetReplaced, nil, paidTwice, 5000},
		{"a restored database reads the journal", model.NoSignerRules, model.NoRecovery, nil, paidTwice, 1000},
		{
			"dead is as deep as no reorg reaches", 0, model.ShortProof, nil,
			func(o model.Outcome) bool { return o.CouldPayTwice }, 5000,
		},
		{
			"dead by its parent is dead", 0, model.ShallowProof, nil,
			lost, 5000,
		},
		{"the dead give their coins back", 0, model.NarrowProofs, nil, lost, 20_000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := model.Config{Depths: model.Tight(), Without: tt.without | tt.rule}
			seed, commands, ok := search(cfg, tt.never, tt.find, tt.within)
			if !ok {
				t.Fatalf("%d histories without the rule, and nothing was found", tt.within)
			}
			commands = shrink(cfg, commands, tt.find)
			t.Logf("found in history %d; with %d commands it happens as well:\n%s", seed, len(commands), story(cfg, commands))

			cfg.Without = tt.without
			if seed, commands, ok := search(cfg, tt.never, tt.find, max(2*seed, 500)); ok {
				t.Errorf("history %d finds it with the rule in place:\n%s", seed, story(cfg, shrink(cfg, commands, tt.find)))
			}
		})
	}
}

// The signer alone keeps payments from going out twice, whatever a broken worker
// asks for.
func TestTheSignerAloneHolds(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]model.Fault{
		"time-outs release":            model.ReleaseOnTimeout,
		"told before stored":           model.TellBeforeStore | model.NoRecovery,
		"replaced are forgotten":       model.ForgetReplaced,
		"restored and believed":        model.NoRecovery,
		"all of these":                 model.ReleaseOnTimeout | model.TellBeforeStore | model.ForgetReplaced | model.NoRecovery,
		"none, and no rule of its own": 0,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := model.Config{Depths: model.Tight(), Without: broken}
			twice := func(o model.Outcome) bool { return o.PaidTwice || o.CouldPayTwice }
			if seed, commands, ok := search(cfg, nil, twice, 1500); ok {
				t.Errorf("history %d:\n%s", seed, story(cfg, shrink(cfg, commands, twice)))
			}
		})
	}
}

// search runs histories until one is as find wants it.
func search(cfg model.Config, never []model.Op, find func(model.Outcome) bool, n uint64) (uint64, []model.Command, bool) {
	h := model.New(cfg, &model.Seen{})
	for seed := range n {
		commands := slices.DeleteFunc(model.Commands(tape(1<<40|seed, length)), func(c model.Command) bool { return slices.Contains(never, model.Op(c.Op)) })
		if find(h.Run(commands)) {
			return seed, commands, true
		}
	}
	return 0, nil, false
}
