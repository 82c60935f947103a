package proc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// User is the unprivileged account that a child runs as.
type User struct {
	Name     string
	UID, GID uint32
}

// Spec says what to run.
type Spec struct {
	Path   string   // the program, absolute or relative to this process's directory
	Args   []string // without the program's name
	Env    []string // the whole environment, "KEY=value"
	Dir    string   // working directory; empty means this process's
	User   *User    // nil means this process's own
	Output *os.File // standard output and error; nil means nowhere. A file, because a pipe would outlive the child in its own children

	// DeathSignal is what the kernel sends the child when this process dies
	// (Linux); 0 means SIGKILL.
	DeathSignal syscall.Signal
	// StopSignal is what Stop sends; 0 means SIGTERM.
	StopSignal syscall.Signal
}

// Process is a running child; safe for concurrent use.
type Process struct {
	cmd  *exec.Cmd
	stop syscall.Signal
	done chan struct{}
	err  error // set before done is closed
}

// Start runs spec. The child lives until it exits, Stop or Kill is called, or
// this process dies; it is not tied to any context.
func Start(spec Spec) (*Process, error) {
	//nolint:gosec,noctx // the caller names the program; its life is bound to Stop, not to a request
	cmd := exec.Command(spec.Path, spec.Args...)
	cmd.Env, cmd.Dir = spec.Env, spec.Dir
	if cmd.Env == nil {
		cmd.Env = []string{} // nil would inherit ours
	}
	if spec.Output != nil {
		cmd.Stdout, cmd.Stderr = spec.Output, spec.Output
	}
	death := spec.DeathSignal
	if death == 0 {
		death = syscall.SIGKILL
	}
	cmd.SysProcAttr = attr(death)
	if u := spec.User; u != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: u.UID, Gid: u.GID}
	}

	p := &Process{cmd: cmd, stop: spec.StopSignal, done: make(chan struct{})}
	if p.stop == 0 {
		p.stop = syscall.SIGTERM
	}
	started := make(chan error, 1)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Path, err)
	}
	return p, nil
}

// run starts the child and waits for it on one locked thread: the kernel sends
// the death signal when the thread that forked ends, not when the process does.
func (p *Process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.done)
	if err := p.cmd.Start(); err != nil {
		p.err = err
		started <- err
		return
	}
	started <- nil
	p.err = p.cmd.Wait()
}

// PID is the child's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the child has exited and been reaped.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err waits for the child to exit and says how it ended; nil is exit code 0.
func (p *Process) Err() error {
	<-p.done
	return p.err
}

// Signal sends sig to the child; a child that is gone is no error.
func (p *Process) Signal(sig syscall.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal %s: %w", p.cmd.Path, err)
	}
	return nil
}

// Stop sends the stop signal and waits until the child is gone; when ctx ends
// first, it kills the child and says so.
func (p *Process) Stop(ctx context.Context) error {
	if err := p.Signal(p.stop); err != nil {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
	}
	if err := p.Kill(); err != nil {
		return err
	}
	return fmt.Errorf("stop %s: it had to be killed: %w", p.cmd.Path, ctx.Err())
}

// Kill ends the child with SIGKILL and waits until it is gone.
func (p *Process) Kill() error {
	if err := p.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.done
	return nil
}
