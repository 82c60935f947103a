package chain

import (
	"context"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/causeway-fund/causeway/internal/bitcoin/chain/btcdrpc"
)

const (
	firstRetry = 250 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// Wake gets a value when the chain may have moved. It holds one, so a slow
// reader misses nothing; a reader must also look from time to time by itself.
func (c *Client) Wake() <-chan struct{} { return c.wake }

// Watch keeps a websocket to the node until ctx ends: it feeds Wake with btcd's block
// notifications and carries what Tip, HashAt, Header and Block ask for. When it breaks it
// is opened again, ever later while that fails, and meanwhile each question is a call of
// its own. It returns ctx's error.
func (c *Client) Watch(ctx context.Context, log *slog.Logger) error {
	waits := backoff.NewExponentialBackOff(backoff.WithInitialInterval(firstRetry), backoff.WithMaxInterval(lastRetry),
		backoff.WithMultiplier(2), backoff.WithMaxElapsedTime(0))
	for {
		stood, err := c.stand(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if stood {
			waits.Reset()
		}
		wait := waits.NextBackOff()
		log.LogAttrs(
			ctx,
			slog.LevelInfo,
			"btcd websocket closed",
			slog.Any("error", err),
			slog.Duration("retry_in", wait),
		)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// stand opens a websocket and uses it until it breaks; stood is true when it was of use.
func (c *Client) stand(ctx context.Context) (stood bool, err error) {
	conn, err := c.rpc.Dial(ctx)
	if err != nil {
		return false, err
	}
	served := make(chan error, 1)
	go func() { served <- conn.Serve(ctx, c.moved) }()
	if err := c.subscribe(ctx, conn); err != nil {
		conn.Close()
		<-served //nolint:errcheck // it ends because it was told to
		return false, err
	}
	c.conn.Store(conn)
	c.moved() // blocks may have come before
	err = <-served
	c.conn.CompareAndSwap(conn, nil)
	return true, err
}

func (c *Client) subscribe(ctx context.Context, conn *btcdrpc.Conn) error {
	if err := c.checkGenesis(ctx, conn); err != nil {
		return err
	}
	return c.explain(conn.Call(ctx, nil, "notifyblocks"))
}

func (c *Client) moved() {
	select {
	case c.wake <- struct{}{}:
	default: // one is waiting already and means the same
	}
}
