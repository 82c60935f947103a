package cli

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/causeway-fund/causeway/internal/clock"
)

// Progress tells on standard error what is going on, a line a step. On a terminal
// a running step shows how long it takes already.
type Progress struct {
	w     io.Writer
	clock clock.Clock
	live  bool

	mu    sync.Mutex
	name  string
	begun time.Time
}

// NewProgress returns a Progress that writes to w.
func NewProgress(w *os.File, c clock.Clock) *Progress {
	return &Progress{w: w, clock: c, live: term.IsTerminal(int(w.Fd()))}
}

// Silent returns a Progress that writes nothing.
func Silent(c clock.Clock) *Progress { return &Progress{w: io.Discard, clock: c} }

// Step begins a step; Done ends it.
func (p *Progress) Step(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.name, p.begun = name, p.clock.Now()
	if p.live {
		_, _ = fmt.Fprintf(p.w, "… %s", name)
	}
}

// Done ends the step and returns how long it took.
func (p *Progress) Done(detail string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	took := p.clock.Now().Sub(p.begun)
	start := ""
	if p.live {
		start = "\r\x1b[K"
	}
	if detail != "" {
		detail = ": " + detail
	}
	_, _ = fmt.Fprintf(p.w, "%s✓ %s%s (%d ms)\n", start, p.name, detail, took.Milliseconds())
	return took
}
