package conductor

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/cenkalti/backoff/v4"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/crash"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/plan"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// Store is what the conductor needs of the database. Each method is one transaction, and a
// function that a method takes is given all that it needs: it must not call the store.
type Store interface {
	// Batch returns one. NotFound "batch_not_found".
	Batch(ctx context.Context, id uuid.UUID) (payout.Record, error)

	// UpdateBatch loads the row FOR UPDATE, calls fn and writes what the verbs added,
	// with version+1. fn may run more than once. With an epoch above zero it
	// first checks that the lease is still this one: Conflict "lease_lost".
	UpdateBatch(
		ctx context.Context,
		epoch int64,
		id uuid.UUID,
		now time.Time,
		fn func(*payout.Locked) error,
	) (payout.Batch, error)

	// Holdings returns what the treasury has.
	Holdings(ctx context.Context) (payout.Holdings, error)

	// Estimate returns the worker's newest; nil when it has made none.
	Estimate(ctx context.Context) (*fee.Estimate, error)

	// Unjoined lists the payments that only a signer's journal knows, by batch.
	Unjoined(ctx context.Context) ([]payout.UnjoinedPayment, error)

	// Due returns the batches that the conductor may take on, oldest first.
	Due(ctx context.Context) ([]uuid.UUID, error)

	// SetError stores why the due step of a batch did not work, in plain words. Without
	// a message it forgets what was stored.
	SetError(ctx context.Context, epoch int64, id uuid.UUID, code errs.Code, message string, now time.Time) error

	// DeadAttempts returns the dead attempts of other batches that paid a payment of
	// this batch or spend a coin of it, with proofs. headers is how many each shows.
	DeadAttempts(ctx context.Context, batch uuid.UUID, headers int) ([]payout.DeadAttempt, error)

	// LapsedVoids returns the batches with a request to take them back that was asked
	// for at a time or before and that nobody has agreed to.
	LapsedVoids(ctx context.Context, asked time.Time) ([]uuid.UUID, error)
}

// Broadcaster tells a node about a transaction. The reply is for people; whatever
// it says, a broadcast transaction may confirm.
type Broadcaster interface {
	Broadcast(ctx context.Context, raw []byte, maxFeeRateSatKVB int64) (reply string, err error)
}

// Signer asks a signer for signatures.
type Signer interface {
	Sign(ctx context.Context, req signerrpc.Request) (signerrpc.Response, error)
	Info(ctx context.Context) (signerrpc.Info, error)
}

// Mempool tells what a replacement would push out of the node's mempool.
type Mempool interface {
	// Evicted looks at those of txids that the mempool holds and at all that spends
	// their outputs, directly or not.
	Evicted(ctx context.Context, txids []chainhash.Hash) (payout.Evicted, error)
}

// Config is what a Conductor needs.
type Config struct {
	Store       Store
	Signers     []Signer // asked one after the other; none: every signature is brought by people
	Broadcaster Broadcaster
	Mempool     Mempool // may be nil: nothing is known of descendants
	Clock       clock.Clock
	Log         *slog.Logger
	Epoch       int64 // of the lease; every write checks it
}

// Conductor takes batches from approved to broadcast, one committed step at a
// time. It is for one goroutine.
type Conductor struct {
	cfg Config
	by  identity.Actor

	broadcastAt map[uuid.UUID]chainhash.Hash // tip at which a batch was last broadcast
	retryAt     map[uuid.UUID]time.Time      // when a batch whose step did not work is tried again
	waits       map[uuid.UUID]*backoff.ExponentialBackOff
	failing     map[uuid.UUID]error // why a batch does not go on
	told        map[errs.Code]int   // what the log was last told: batches by cause
}

// A step that did not work is tried again after firstWait, then twice as late
// each time up to lastWait.
const (
	firstWait = time.Second
	lastWait  = 30 * time.Second
)

// newWaits counts those waits of a batch. They never end, and one worker drives them all,
// so that chance has no part in them.
func newWaits() *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(backoff.WithInitialInterval(firstWait), backoff.WithMaxInterval(lastWait),
		backoff.WithMultiplier(2), backoff.WithRandomizationFactor(0), backoff.WithMaxElapsedTime(0))
}

// New checks cfg and returns a Conductor.
func New(cfg Config) (*Conductor, error) {
	if cfg.Store == nil || cfg.Broadcaster == nil || cfg.Clock == nil || cfg.Log == nil || cfg.Epoch <= 0 {
		return nil, errors.New("payout: conductor needs store, broadcaster, clock, log and a lease")
	}
	return &Conductor{
		cfg:         cfg,
		by:          identity.System("worker"),
		broadcastAt: map[uuid.UUID]chainhash.Hash{},
		retryAt:     map[uuid.UUID]time.Time{},
		waits:       map[uuid.UUID]*backoff.ExponentialBackOff{},
		failing:     map[uuid.UUID]error{},
		told:        map[errs.Code]int{},
	}, nil
}

func (c *Conductor) now() time.Time { return c.cfg.Clock.Now().UTC().Truncate(time.Microsecond) }

// Step takes every due batch as far as it goes. Trouble with one batch is
// stored on it and never stops the next; an error is returned only when the
// store itself does not work. The log has one line for each cause of trouble when
// it begins, when the number of its batches changes, and when it ends.
func (c *Conductor) Step(ctx context.Context) error {
	if err := c.lapse(ctx); err != nil {
		return err
	}
	due, err := c.cfg.Store.Due(ctx)
	if err != nil {
		return err
	}
	c.forget(due)
	defer c.tell(ctx)
	for _, id := range due {
		if c.now().Before(c.retryAt[id]) {
			continue
		}
		err := c.takeOn(ctx, id)
		if err == nil {
			delete(c.retryAt, id)
			delete(c.waits, id)
			delete(c.failing, id)
			continue
		}
		if ctx.Err() != nil || errs.Is(err, payout.CodeLeaseLost) {
			return err
		}
		if c.waits[id] == nil {
			c.waits[id] = newWaits()
		}
		c.retryAt[id] = c.now().Add(c.waits[id].NextBackOff())
		c.failing[id] = err
		if err := c.cfg.Store.SetError(
			ctx,
			c.cfg.Epoch,
			id,
			errs.CodeOf(err),
			payout.PlainWords(err),
			c.now(),
		); err != nil {
			return err
		}
	}
	return nil
}

// Retry has the next Step try every batch, also those whose step did not work a moment
// ago: people have done something, and want to see what comes of it.
func (c *Conductor) Retry() { clear(c.retryAt) }

// forget drops what is known of batches that are not due any more.
func (c *Conductor) forget(due []uuid.UUID) {
	live := make(map[uuid.UUID]bool, len(due))
	for _, id := range due {
		live[id] = true
	}
	gone := func(id uuid.UUID) bool { return !live[id] }
	maps.DeleteFunc(c.retryAt, func(id uuid.UUID, _ time.Time) bool { return gone(id) })
	maps.DeleteFunc(c.waits, func(id uuid.UUID, _ *backoff.ExponentialBackOff) bool { return gone(id) })
	maps.DeleteFunc(c.failing, func(id uuid.UUID, _ error) bool { return gone(id) })
	maps.DeleteFunc(c.broadcastAt, func(id uuid.UUID, _ chainhash.Hash) bool { return gone(id) })
}

// tell logs what has changed among the causes that keep batches from going on.
func (c *Conductor) tell(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	counts, sample := map[errs.Code]int{}, map[errs.Code]uuid.UUID{}
	for id, err := range c.failing {
		cause := errs.CodeOf(err)
		counts[cause]++
		if first, ok := sample[cause]; !ok || slices.Compare(id[:], first[:]) < 0 {
			sample[cause] = id
		}
	}
	for _, cause := range slices.Sorted(maps.Keys(counts)) {
		if c.told[cause] != counts[cause] {
			id := sample[cause]
			c.cfg.Log.WarnContext(
				ctx,
				"batches are stuck",
				slog.String("cause", string(cause)),
				slog.Int("batches", counts[cause]),
				slog.Int("before", c.told[cause]),
				slog.String("batch_id", id.String()),
				slog.Any("error", c.failing[id]),
			)
		}
	}
	for _, cause := range slices.Sorted(maps.Keys(c.told)) {
		if counts[cause] == 0 {
			c.cfg.Log.InfoContext(
				ctx,
				"batches advance again",
				slog.String("cause", string(cause)),
				slog.Int("before", c.told[cause]),
			)
		}
	}
	c.told = counts
}

// takeOn makes steps until one cannot be followed at once.
func (c *Conductor) takeOn(ctx context.Context, id uuid.UUID) error {
	for {
		again, err := c.advance(ctx, id)
		if err != nil || !again {
			return err
		}
	}
}

// advance makes one step; again is true when the next one may follow at once.
func (c *Conductor) advance(ctx context.Context, id uuid.UUID) (again bool, err error) {
	record, err := c.cfg.Store.Batch(ctx, id)
	if err != nil {
		return false, err
	}
	switch record.Batch.State {
	case payout.Approved:
		return true, c.build(ctx, record.Batch)
	case payout.Built:
		return true, c.commitToSign(ctx, record)
	case payout.Signing, payout.Signed, payout.Broadcast, payout.Voiding:
		return c.pursue(ctx, record)
	case payout.Composed, payout.Mined, payout.Paid, payout.Final, payout.Cancelled, payout.Conflicted, payout.Voided:
	}
	return false, nil
}

// pursue takes a batch on that a signer may have seen: the newest attempt is
// signed, then broadcast; then the chain is waited for, and a higher fee or a void
// makes one more attempt.
func (c *Conductor) pursue(ctx context.Context, r payout.Record) (again bool, err error) {
	newest := r.Attempts[len(r.Attempts)-1]
	wantsVoid := r.Batch.State == payout.Voiding && newest.Kind != payout.Voids
	switch _, told := newest.Broadcast(); {
	case wantsVoid:
		return c.pursueVoid(ctx, r)
	case !newest.Released():
		return false, errs.New(
			errs.Internal,
			CodeAttemptNotReleased,
			"The batch has gone to the signer, but its newest attempt has not.",
		)
	case len(newest.Raw) == 0:
		return c.signNewest(ctx, r)
	case !told:
		return false, c.broadcast(ctx, r)
	}
	bumped, bumpErr := c.bump(ctx, r)
	if bumped || errs.Is(bumpErr, payout.CodeLeaseLost) {
		return bumped, bumpErr
	}
	// A bump that cannot be had is no reason to let the node forget what there is.
	err = c.broadcastAgain(ctx, r)
	switch {
	case bumpErr != nil && err != nil:
		return false, both(bumpErr, err)
	case bumpErr != nil:
		return false, bumpErr
	case err == nil && r.Batch.LastError != "":
		return false, c.cfg.Store.SetError(ctx, c.cfg.Epoch, r.Batch.ID, "", "", c.now())
	}
	return false, err
}

// both is what to store when the fee cannot be raised and the node does not take
// what there is: the words of either, under the code of the latter, which is the
// graver one.
func both(bump, broadcast error) error {
	var first, second *errs.Error
	if !errors.As(bump, &first) || !errors.As(broadcast, &second) {
		return broadcast
	}
	e := errs.Wrap(errors.Join(bump, broadcast), second.Kind, second.Code, second.Message+" "+first.Message)
	return e
}

// pursueVoid makes the void that two people have agreed on. While it cannot be had, the
// batch is still out: the node is not let to forget it.
func (c *Conductor) pursueVoid(ctx context.Context, r payout.Record) (again bool, err error) {
	err = c.void(ctx, r)
	if err == nil || errs.Is(err, payout.CodeLeaseLost) {
		return err == nil, err
	}
	_ = c.broadcastAgain(ctx, r) // that there is no void yet is what people have to know
	return false, err
}

// signNewest asks for signatures. While they are missing, the node is told of the
// attempts before: they are what can confirm.
func (c *Conductor) signNewest(ctx context.Context, r payout.Record) (again bool, err error) {
	again, err = c.sign(ctx, r)
	if len(r.Attempts) == 1 || (err == nil && again) || errs.Is(err, payout.CodeLeaseLost) {
		return again, err
	}
	if told := c.broadcastAgain(ctx, r); err == nil {
		err = told
	}
	return false, err
}

// build chooses coins and stores the unsigned transaction, its txid, its anchor
// and the reservations in one commit.
func (c *Conductor) build(ctx context.Context, b payout.Batch) error {
	holdings, err := c.cfg.Store.Holdings(ctx)
	if err != nil {
		return err
	}
	if err := payout.Calm(holdings); err != nil {
		return err
	}
	attemptID, err := uuid.NewV7()
	if err != nil {
		return err
	}
	now := c.now()
	crash.At("C3")
	_, err = c.cfg.Store.UpdateBatch(ctx, c.cfg.Epoch, b.ID, now, func(l *payout.Locked) error {
		f := plan.FamilyOf(l.Record())
		p, _, err := plan.Build(f, holdings, now)
		if err != nil {
			return err
		}
		a, err := f.AttemptOf(p, payout.Pays, attemptID, c.cfg.Epoch, now)
		if err != nil {
			return err
		}
		crash.At("C1")
		return l.AddAttempt(c.by, a)
	})
	crash.At("C2")
	return err
}

// signerInfos asks every signer what it is, and refuses one of another treasury.
func (c *Conductor) signerInfos(ctx context.Context, f fund.Fund) ([]signerrpc.Info, error) {
	infos := make([]signerrpc.Info, len(c.cfg.Signers))
	for i, s := range c.cfg.Signers {
		info, err := s.Info(ctx)
		if err == nil {
			err = info.Trouble()
		}
		if err != nil {
			return nil, err
		}
		if info.Descriptor != f.Descriptor || info.Network != f.Network {
			return nil, errs.New(
				errs.Conflict,
				CodeWrongSigner,
				"The signer holds the key of another treasury or network.",
			)
		}
		infos[i] = info
	}
	return infos, nil
}

// commitToSign is the point of no return: from this commit on every payment of
// the batch may be paid, and only the chain says whether it is.
func (c *Conductor) commitToSign(ctx context.Context, r payout.Record) error {
	// A signer that cannot answer keeps the batch where it can still be cancelled.
	infos, err := c.signerInfos(ctx, r.Fund)
	if err != nil {
		return err
	}
	holdings, err := c.cfg.Store.Holdings(ctx)
	if err != nil {
		return err
	}
	if err := payout.Calm(holdings); err != nil {
		return err
	}
	unjoined, err := c.cfg.Store.Unjoined(ctx)
	if err != nil {
		return err
	}
	now := c.now()
	_, err = c.cfg.Store.UpdateBatch(ctx, c.cfg.Epoch, r.Batch.ID, now, func(l *payout.Locked) error {
		f := plan.FamilyOf(l.Record())
		newest, ok := l.Newest()
		if !ok {
			return l.Release(c.by) // which says why it cannot
		}
		if err := payout.PaidBefore(f.Items, unjoined); err != nil {
			return err
		}
		if err := f.CheckPolicy(newest); err != nil {
			return err
		}
		if err := plan.CheckCoins(f.Batch, newest, holdings); err != nil {
			return err
		}
		if err := f.CheckSignerWill(infos, newest, now); err != nil {
			return err
		}
		return l.Release(c.by)
	})
	return err
}

// lapse ends the requests to take a batch back that nobody has agreed to in time.
func (c *Conductor) lapse(ctx context.Context) error {
	now := c.now()
	ids, err := c.cfg.Store.LapsedVoids(ctx, now.Add(-payout.VoidLapse))
	if err != nil {
		return err
	}
	for _, id := range ids {
		_, err := c.cfg.Store.UpdateBatch(ctx, c.cfg.Epoch, id, now, func(l *payout.Locked) error {
			l.LapseVoid(c.by)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
