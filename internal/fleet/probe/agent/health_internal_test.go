package agent

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/clock"
)

// TestManySilentChecksLookOnce: those that end together share one look, and the
// next second has its own, good or bad.
func TestManySilentChecksLookOnce(t *testing.T) {
	t.Parallel()
	c := clock.NewFake(time.Unix(1_800_000_000, 0))
	g := gauge{turn: make(chan struct{}, 1)}
	var looks atomic.Int32
	down := errors.New("down")
	round := func(give, want error) {
		t.Helper()
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if err := g.ask(t.Context(), c, func(context.Context) error { looks.Add(1); return give }); !errors.Is(err, want) {
					t.Errorf("got %v, want %v", err, want)
				}
			})
		}
		wg.Wait()
	}

	round(nil, nil)
	c.Advance(fresh - time.Millisecond)
	round(down, nil)
	c.Advance(2 * time.Millisecond)
	round(down, down)
	c.Advance(fresh + time.Millisecond)
	round(nil, nil)

	if n := looks.Load(); n != 3 {
		t.Errorf("%d looks", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c.Advance(time.Minute)
	if err := g.ask(ctx, c, func(ctx context.Context) error { return ctx.Err() }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	round(nil, nil) // a look that was called off is not remembered
}

func TestSkew(t *testing.T) {
	t.Parallel()
	sent := time.Unix(1_800_000_000, 0)
	got := sent.Add(3 * time.Second)
	for after, want := range map[time.Duration]time.Duration{
		0: 0, 3 * time.Second: 0, -2 * time.Second: 0, 5 * time.Second: 0,
		-2001 * time.Millisecond: 2001 * time.Millisecond, 5001 * time.Millisecond: -2001 * time.Millisecond,
	} {
		if off := skew(sent.Add(after), sent, got); off != want {
			t.Errorf("issued %s after it was asked for: off by %s, want %s", after, off, want)
		}
	}
}
