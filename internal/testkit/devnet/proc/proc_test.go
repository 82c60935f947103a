package proc_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/proc"
)

// asParent makes this test binary a process that starts a child and waits to be
// killed.
const asParent = "CAUSEWAY_PROC_TEST_PARENT"

func TestMain(m *testing.M) {
	if os.Getenv(asParent) == "" {
		os.Exit(m.Run())
	}
	p, err := proc.Start(proc.Spec{Path: "/bin/sleep", Args: []string{"600"}})
	if err != nil {
		fmt.Fprintln(os.Stdout, err)
		os.Exit(1)
	}
	fmt.Fprintln(os.Stdout, p.PID())
	<-p.Done()
}

func TestChildDiesWithItsParentsSIGKILL(t *testing.T) {
	t.Parallel()
	parent := exec.CommandContext(t.Context(), os.Args[0])
	parent.Env = append(os.Environ(), asParent+"=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("parent said %q", line)
	}

	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // "signal: killed"

	waitGone(t, child)
}

// waitGone waits until a process has ended; one that nobody has reaped yet has.
func waitGone(t *testing.T, pid int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("process %d outlived its parent", pid)
		}
	}
}

func TestChildSeesOnlyTheGivenEnvironment(t *testing.T) {
	t.Setenv("CAUSEWAY_SECRET", "canary")

	for _, env := range [][]string{nil, {}, {"ONE=1"}} {
		out, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		p, err := proc.Start(proc.Spec{Path: "/usr/bin/env", Env: env, Output: out})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Err(); err != nil {
			t.Fatal(err)
		}

		got, err := os.ReadFile(out.Name())
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(string(got)) != strings.Join(env, "\n") {
			t.Errorf("environment %q, want only %q", got, env)
		}
	}
}

func TestStopKillsWhatDoesNotListen(t *testing.T) {
	t.Parallel()
	ready := filepath.Join(t.TempDir(), "ready")
	p, err := proc.Start(proc.Spec{
		Path: "/bin/sh", Args: []string{"-c", `trap "" TERM; : > "$0"; while :; do sleep 1; done`, ready},
		Env: []string{"PATH=/usr/bin:/bin"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(ready); err == nil {
			break
		}
		select {
		case <-p.Done():
			t.Fatal(p.Err())
		case <-time.After(time.Millisecond):
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()

	if err := p.Stop(ctx); err == nil {
		t.Error("Stop did not say that it had to kill")
	}

	if err := syscall.Kill(p.PID(), 0); err == nil {
		t.Error("the process is still there")
	}
}

func TestCheckReachNamesTheClosedFolder(t *testing.T) {
	t.Parallel()
	closed := filepath.Join(t.TempDir(), "closed")
	if err := os.MkdirAll(filepath.Join(closed, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	for dir := filepath.Dir(closed); dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	stranger := &proc.User{Name: "stranger", UID: 54321, GID: 54321}

	err := proc.CheckReach(stranger, filepath.Join(closed, "data"))
	if !errs.Is(err, "data_dir_unreachable") || !strings.Contains(err.Error(), "chmod o+x "+closed+"`") {
		t.Errorf("got %v, want data_dir_unreachable that names %s", err, closed)
	}

	if err := os.Chmod(closed, 0o711); err != nil {
		t.Fatal(err)
	}
	if err := proc.CheckReach(stranger, closed); err != nil {
		t.Errorf("an open folder: %v", err)
	}
}

func TestPortSaysWhoWantsATakenOne(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatalf("address %v", l.Addr())
	}

	_, err = proc.Port(t.Context(), addr.Port, "the mill")

	want := fmt.Sprintf("Port %d for the mill is taken", addr.Port)
	if !errs.Is(err, "port_taken") || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}
