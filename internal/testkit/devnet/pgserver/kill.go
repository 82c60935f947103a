package pgserver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const killTimeout = 10 * time.Second

// Kill ends PostgreSQL and its sessions with SIGKILL, as a crash would, and waits
// until they are gone; the next Start on the same folder recovers.
func (s *Server) Kill() error {
	// Sessions would otherwise work on for a moment without their postmaster, and
	// a new one refuses the data while they do. Only Linux tells who they are.
	sessions := children(s.PID())
	all := []error{s.proc.Kill()}
	for _, pid := range sessions {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			all = append(all, fmt.Errorf("kill session %d: %w", pid, err))
		}
	}
	for _, pid := range sessions {
		all = append(all, waitGone(pid))
	}
	return errors.Join(append(all, os.RemoveAll(s.socket))...)
}

// children lists the processes whose parent is pid.
func children(pid int) []int {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil // only a bad pattern errs
	}
	var found []int
	for _, path := range stats {
		_, parent, ok := readStat(path)
		if !ok || parent != pid {
			continue
		}
		if child, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			found = append(found, child)
		}
	}
	return found
}

// readStat returns the state letter and the parent from a process's stat file,
// in which they follow the program's name in parentheses (proc(5)).
func readStat(path string) (state string, parent int, ok bool) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", 0, false
	}
	end := strings.LastIndexByte(string(b), ')')
	if end < 0 {
		return "", 0, false
	}
	fields := strings.Fields(string(b[end+1:]))
	if len(fields) < 2 {
		return "", 0, false
	}
	parent, err = strconv.Atoi(fields[1])
	return fields[0], parent, err == nil
}

// waitGone waits until a process has ended, whether or not it was reaped.
func waitGone(pid int) error {
	timer := time.NewTimer(killTimeout)
	defer timer.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		state, _, ok := readStat(fmt.Sprintf("/proc/%d/stat", pid))
		if !ok || state == "Z" {
			return nil
		}
		select {
		case <-tick.C:
		case <-timer.C:
			return fmt.Errorf("session %d outlived SIGKILL", pid)
		}
	}
}
