package ctl

import (
	"io"
	"os"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/clock"
)

func TestNoticeOfSlowCallsOnly(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	progress := cli.NewProgress(w, clock.NewFake(time.Time{}))

	quick := newNotice(progress, "a quick call", time.Hour)
	quick.end()
	slow := newNotice(progress, "a slow call", time.Nanosecond)
	waitUntilShown(t, slow)
	slow.end()
	slow.end() // a body may be closed twice

	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != "✓ a slow call (0 ms)\n" {
		t.Errorf("told %q, %v", got, err)
	}
}

func waitUntilShown(t *testing.T, n *notice) {
	t.Helper()
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	for {
		n.mu.Lock()
		shown := n.shown
		n.mu.Unlock()
		if shown {
			return
		}
		select {
		case <-poll.C:
		case <-t.Context().Done():
			t.Fatal("the notice was never shown")
		}
	}
}
