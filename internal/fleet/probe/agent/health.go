package agent

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/causeway-fund/causeway/internal/chance"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/telegram"
)

// clockTolerance is how far our clock may be from the service's, beyond what the
// round trip explains: proxies dressed up as TLS refuse a hello that is off by 3 s.
const clockTolerance = 2 * time.Second

// skew returns by how much our clock is off, or 0 within the tolerance. The
// service wrote issued between sent and got.
func skew(issued, sent, got time.Time) time.Duration {
	switch {
	case issued.Before(sent.Add(-clockTolerance)):
		return sent.Sub(issued)
	case issued.After(got.Add(clockTolerance)):
		return got.Sub(issued)
	}
	return 0
}

const (
	// fresh is how old an answer about our own network may be.
	fresh = time.Second
	// A look asks maxAnchors, for anchorTime each.
	maxAnchors = 2
	anchorTime = 5 * time.Second
)

// gauge remembers for a moment whether our own network works: a thousand checks
// that time out together need one look, not a thousand.
type gauge struct {
	turn chan struct{} // holds one for whoever looks
	at   time.Time     // when the latest look began
	err  error
}

// ask returns what a look gave that began no earlier than fresh ago.
func (g *gauge) ask(ctx context.Context, c clock.Clock, look func(context.Context) error) error {
	since := c.Now().Add(-fresh)
	select {
	case g.turn <- struct{}{}:
		defer func() { <-g.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if g.at.After(since) {
		return g.err
	}
	began := c.Now()
	err := look(ctx)
	if ctx.Err() == nil {
		g.at, g.err = began, err
	}
	return err
}

// control looks whether our own network works, over the family of addr.
func (a *Agent) control(ctx context.Context, w *work, addr netip.Addr) error {
	six := 0
	if addr.Is6() {
		six = 1
	}
	return a.network[six].ask(ctx, a.cfg.Clock, func(ctx context.Context) error {
		return a.look(ctx, w, six == 1)
	})
}

// look asks some of the anchors, or of Telegram's data centres, drawn at random.
// One that answers is enough.
func (a *Agent) look(ctx context.Context, w *work, six bool) error {
	type anchor struct {
		addr probe.Address
		dc   int16 // 0 for one that is none
	}
	var all []anchor
	for _, at := range a.cfg.Anchors {
		if ip, ok := at.Host.IP(); !ok || ip.Is6() == six {
			all = append(all, anchor{addr: at})
		}
	}
	if len(a.cfg.Anchors) == 0 {
		for _, c := range w.env.centres {
			if ip, _ := c.addr.Host.IP(); ip.Is6() == six {
				all = append(all, anchor{c.addr, c.id})
			}
		}
	}
	if len(all) == 0 {
		return probe.Fail(
			probe.StageTCP,
			probe.ClassControlFailed,
			"nothing of this family of addresses is known to answer",
		)
	}
	var err error
	for range min(maxAnchors, len(all)) {
		var i int
		if i, err = chance.Below(a.cfg.Rand, len(all)); err != nil {
			return err
		}
		at := all[i]
		all = slices.Delete(all, i, i+1)
		if err = a.reach(ctx, w, at.addr, at.dc); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// reach connects to an anchor. A data centre must speak its protocol: in front of
// one, a censor may accept connections and say nothing.
func (a *Agent) reach(ctx context.Context, w *work, addr probe.Address, dc int16) error {
	ctx, cancel := context.WithTimeout(ctx, anchorTime)
	defer cancel()
	env := w.env.of(a, probe.NewTrace(a.cfg.Clock))
	if dc == 0 {
		c, err := env.Dialer.Dial(ctx, probe.TCP, addr, env.Trace)
		if err != nil {
			return err
		}
		return c.Close()
	}
	t, err := telegram.Dial(ctx, straight{env}, env, telegram.DC{ID: dc}, addr)
	if err != nil {
		return err
	}
	defer t.Close()
	return telegram.Ping(t, env)
}
