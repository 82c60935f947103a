package app_test

import (
	"errors"
	"os"
	"os/exec"
	"syscall"

	"github.com/causeway-fund/causeway/internal/testkit/devnet/proc"
)

// Every label is killed in TestChaos; what follows serves tests that need one
// process dead at one label.

// restart ends the worker and starts it again with r.Env.
func (r *rig) restart() *proc.Process {
	r.t.Helper()
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
