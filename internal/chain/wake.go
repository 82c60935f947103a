package chain

import (
	"context"
	"log/slog"
	"time"
)

const (
	firstRetry = 250 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// Wake gets a value when the chain may have moved. It holds one, so a slow
// reader misses nothing; a reader must also look from time to time by itself.
func (c *Client) Wake() <-chan struct{} { return c.wake }

// Watch listens for btcd's block notifications and feeds Wake until ctx ends,
// connecting again whenever the connection breaks. It returns ctx's error.
func (c *Client) Watch(ctx context.Context, log *slog.Logger) error {
	wait := firstRetry
	for {
		stood := false
		err := c.rpc.WatchBlocks(ctx, func() {
			stood = true
			select {
			case c.wake <- struct{}{}:
			default: // one is waiting already and means the same
			}
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if stood {
			wait = firstRetry
		}
		log.LogAttrs(ctx, slog.LevelInfo, "btcd notifications broke off", slog.Any("error", err), slog.Duration("retry_in", wait))
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
		wait = min(2*wait, lastRetry)
	}
}
