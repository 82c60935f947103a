package app_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/devnet/proc"
)

// event is what brings a process to its label.
type event int

const (
	onApproval event = iota // the batch is built, signed and announced
	onBlock                 // a block is connected
	onReorg                 // the block with the payment leaves the best chain
)

// TestKilledAnywherePaysOnce kills worker and signer with SIGKILL at every step
// of a payment, a batch for each. A label that is not reached fails the test.
func TestKilledAnywherePaysOnce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		label  string
		signer bool
		on     event
	}{
		{label: "C3"},
		{label: "C1"},
		{label: "C2"},
		{label: "C4"},
		{label: "C5"},
		{label: "C8"},
		{label: "C9"},
		{label: "C10"},
		{label: "C11"},
		{label: "C15", on: onBlock},
		{label: "C16", on: onReorg},
		{label: "S1", signer: true},
		{label: "S2", signer: true},
		{label: "S3", signer: true},
		{label: "S4", signer: true},
		{label: "S7", signer: true},
		{label: "S5", signer: true},
		{label: "S6", signer: true},
	}
	r := newRig(t, len(tests))
	ops := r.granted(len(tests))
	for i, tt := range tests {
		batch := r.compose(ops[i])
		once := filepath.Join(t.TempDir(), "died")
		r.Env = []string{"CRASH_AT=" + tt.label, "CRASH_ONCE=" + once}
		victim := r.restart(tt.signer)
		r.approve(batch)
		if tt.on != onApproval {
			r.await(batch, "announced")
		}
		switch tt.on {
		case onApproval:
		case onBlock:
			r.mine(1)
		case onReorg:
			r.reorg(batch)
		}
		r.died(victim, tt.label, once)

		if tt.signer {
			r.must(r.StartSigner())
		} else {
			r.must(r.StartWorker())
		}
		if b := r.settle(batch); len(b.Attempts) != 1 {
			t.Errorf("killed at %s: batch has %d attempts, want 1", tt.label, len(b.Attempts))
		}
	}
	r.paidOnce(ops...)
}

// restart ends the signer or the worker and starts it again with r.Env.
func (r *rig) restart(signer bool) *proc.Process {
	r.t.Helper()
	if signer {
		r.must(r.Signer().Stop(r.t.Context()))
		r.must(r.StartSigner())
		return r.Signer()
	}
	r.must(r.Worker().Kill())
	r.must(r.StartWorker())
	return r.Worker()
}

// died waits until p has killed itself at label.
func (r *rig) died(p *proc.Process, label, once string) {
	r.t.Helper()
	r.until("the process has died at "+label, func() bool {
		select {
		case <-p.Done():
			return true
		default:
			return false
		}
	})
	var exit *exec.ExitError
	err := p.Err()
	if errors.As(err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signal() == syscall.SIGKILL {
			err = nil
		}
	}
	if err != nil || exit == nil {
		r.t.Errorf("label %s: the process ended with %v, want SIGKILL", label, err)
	}
	if _, err := os.Stat(once + "." + label); err != nil {
		r.t.Errorf("label %s was not reached: %v", label, err)
	}
}

// reorg mines the batch and makes its block leave the best chain.
func (r *rig) reorg(batch uuid.UUID) {
	r.t.Helper()
	blocks, err := r.Devnet.Mine(r.t.Context(), 1)
	r.must(err)
	r.await(batch, "mined")
	r.must(r.Devnet.Node.RPC().Call(r.t.Context(), nil, "invalidateblock", blocks[0].String()))
	r.mine(2)
}
