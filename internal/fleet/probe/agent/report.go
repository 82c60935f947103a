package agent

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

// reports sends what is done, until ctx ends. What was pending goes first.
func (a *Agent) reports(ctx context.Context) error {
	if err := a.deliver(ctx); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-a.ready:
		}
		a.gather(ctx)
		for {
			more, err := a.sign()
			if err != nil {
				return err
			}
			if !more {
				break
			}
			if err := a.deliver(ctx); err != nil {
				return err
			}
		}
	}
}

// gather gives the other jobs of a lease a moment.
func (a *Agent) gather(ctx context.Context) {
	t := time.NewTimer(gather)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-a.whole:
	case <-t.C:
	}
}

// sign makes a report of answers of one lease and writes it down as pending. It
// reports whether there was anything to say.
func (a *Agent) sign() (bool, error) {
	a.mu.Lock()
	a.leases = slices.DeleteFunc(a.leases, func(w *work) bool { return w.open == 0 && len(w.done) == 0 })
	i := slices.IndexFunc(a.leases, func(w *work) bool { return len(w.done) > 0 })
	if i < 0 {
		a.mu.Unlock()
		return false, nil
	}
	w := a.leases[i]
	answers := w.done[:min(len(w.done), vantage.MaxAnswers)]
	a.mu.Unlock()

	r := vantage.Report{
		V: vantage.Version, Vantage: a.state.Vantage, Lease: w.ID, Seq: a.state.Seq + 1, Prev: a.state.Prev,
		Clock: a.cfg.Clock.Now().UTC(), SW: a.cfg.SW, Answers: slices.Clone(answers),
	}
	e, err := vantage.SignReport(a.key, r)
	if err != nil {
		return false, err
	}
	next := a.state
	next.Pending = &e
	if err := a.save(next); err != nil {
		return false, err
	}
	a.mu.Lock()
	w.done = w.done[len(answers):]
	a.mu.Unlock()
	a.count(r.Answers)
	return true, nil
}

func (a *Agent) save(next State) error {
	if err := a.cfg.Journal.Save(next); err != nil {
		return errs.Wrap(
			err,
			errs.Unavailable,
			CodeProberStateUnwritable,
			"The prober's state cannot be written, so it must not report. Free disk space and start it again; nothing was "+
				"lost but the checks of this minute.",
		)
	}
	a.state = next
	return nil
}

// deliver sends the pending report, if there is one, until the service has
// answered to it.
func (a *Agent) deliver(ctx context.Context) error {
	retry := a.pauses()
	for a.state.Pending != nil {
		err := a.cfg.API.Report(ctx, *a.state.Pending)
		if err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
		done, err := a.answered(ctx, err)
		if err != nil || done {
			return err
		}
		if err := wait(ctx, retry.NextBackOff()); err != nil {
			return err
		}
	}
	return nil
}

// maxAstray is how often in a row a report may be said to be out of order before
// the chain is held to be broken.
const maxAstray = 2

// answered goes on in the chain after what the service said to the pending
// report. It reports false when it is to be sent again.
func (a *Agent) answered(ctx context.Context, said error) (bool, error) {
	next := a.state
	next.Pending = nil
	if !errs.Is(said, vantage.CodeReportOutOfOrder) {
		a.astray = 0
	}
	switch {
	case said == nil || errs.Is(said, vantage.CodeReportRepeated):
		next.Seq, next.Prev = a.state.Seq+1, vantage.PrevOf(a.state.Pending.Hash())
		return true, a.save(next)
	case errs.Is(said, vantage.CodeReportOutOfOrder) && a.astray < maxAstray:
		// The same report may be on its way twice, when a call was given up here and not
		// there: the next answer says that it was taken.
		a.astray++
		return false, nil
	case errs.Is(said, vantage.CodeReportOutOfOrder):
		return false, errs.Wrap(
			said,
			errs.Conflict,
			CodeChainBroken,
			"The service knows another chain of reports than this prober's state file: one of the two was restored from a "+
				"copy. Nothing more is reported. Enrol the prober again with: causeway prober enrol.",
		)
	}
	log := a.cfg.Log.With(slog.String("code", string(errs.CodeOf(said))), slog.Any("error", said))
	switch errs.KindOf(said) {
	case errs.Invalid, errs.Malformed, errs.NotFound, errs.Conflict, errs.TooLarge, errs.Precondition:
		log.WarnContext(ctx, "the service rejected a report; it is dropped")
		return true, a.save(next)
	case errs.Unauthenticated, errs.Forbidden, errs.RateLimited, errs.Unavailable, errs.Internal:
	}
	log.WarnContext(ctx, "sending a report failed; it will be sent again")
	return false, nil
}

// lastWords reports what is done when the agent is stopped. What the service does
// not take now stays pending.
func (a *Agent) lastWords(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	for {
		if err := a.deliver(ctx); err != nil {
			if errors.Is(err, context.DeadlineExceeded) {
				return nil
			}
			return err
		}
		more, err := a.sign()
		if err != nil || !more {
			return err
		}
	}
}

// count says how many checks a report holds, by verdict.
func (a *Agent) count(answers []vantage.Answer) {
	n := map[probe.Verdict]int{}
	for _, answer := range answers {
		n[answer.Outcome.Class.Verdict(probe.Full)]++
	}
	a.cfg.Log.Info(
		"report",
		slog.Uint64("seq", a.state.Seq+1),
		slog.Int("up", n[probe.Up]),
		slog.Int("down", n[probe.Down]),
		slog.Int("unknown", n[probe.Unknown]),
	)
}

// maxBackoff is what the longest pauses between two tries are drawn around.
const maxBackoff = time.Minute

// pauses doubles from the first to the longest and draws around that, so that probers do
// not all come back at once. It never gives up.
func (a *Agent) pauses() *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(a.cfg.Backoff),
		backoff.WithMaxInterval(maxBackoff),
		backoff.WithMultiplier(2),
		backoff.WithMaxElapsedTime(0),
	)
}
