package treasurer

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/plan"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// Config is what a Service needs.
type Config struct {
	Store  Store
	Clock  clock.Clock
	Random io.Reader // default crypto/rand
}

// Service holds the treasurer's use cases. It has no node and no key. Safe for
// concurrent use.
type Service struct {
	cfg    Config
	secret [32]byte // of this run; orders draw their seeds from it
}

// New checks cfg and returns a Service.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Clock == nil {
		return nil, errors.New("payout: store and clock are required")
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	s := &Service{cfg: cfg}
	if _, err := io.ReadFull(cfg.Random, s.secret[:]); err != nil {
		return nil, fmt.Errorf("draw secret: %w", err)
	}
	return s, nil
}

func (s *Service) now() time.Time { return s.cfg.Clock.Now().UTC().Truncate(time.Microsecond) }

// Payable returns every instalment that may go into a batch, oldest first.
func (s *Service) Payable(ctx context.Context, by identity.Actor) ([]payout.Item, error) {
	if err := by.Require(identity.PermBatchRead); err != nil {
		return nil, err
	}
	items, err := s.cfg.Store.Items(ctx, nil)
	now := s.now()
	return slices.DeleteFunc(items, func(i payout.Item) bool { return now.Before(i.DueAt) }), err
}

// Approve records a treasurer's yes to the batch's digest; the worker then takes
// it on. Conflict: stale_version, stale_digest, wrong_state; Forbidden
// conflict_of_duty.
func (s *Service) Approve(
	ctx context.Context,
	by identity.Actor,
	id uuid.UUID,
	version int64,
	digest decision.Digest,
) (payout.Batch, error) {
	if err := by.Require(identity.PermBatchApprove); err != nil {
		return payout.Batch{}, err
	}
	record, err := s.cfg.Store.Batch(ctx, id)
	if err != nil {
		return payout.Batch{}, err
	}
	ids := make([]uuid.UUID, len(record.Items))
	for i, it := range record.Items {
		ids[i] = it.InstalmentID
	}
	voted, err := s.cfg.Store.VotedOn(ctx, by.StaffID, ids)
	if err != nil {
		return payout.Batch{}, err
	}
	if len(voted) > 0 {
		return payout.Batch{}, conflictOfDuty()
	}
	approvalID, err := uuid.NewV7FromReader(s.cfg.Random)
	if err != nil {
		return payout.Batch{}, fmt.Errorf("draw approval id: %w", err)
	}
	now := s.now()
	return s.changeSeen(ctx, id, now, version, func(l *payout.Locked) error {
		return l.Approve(
			by,
			payout.Approval{
				ID:        approvalID,
				BatchID:   id,
				Digest:    digest,
				StaffID:   by.StaffID,
				AuthKind:  grant.AuthLogin,
				CreatedAt: now,
			},
		)
	})
}

// Cancel takes a batch back before any signer was asked; its payments become
// payable again. Conflict: stale_version, wrong_state (it may be on its way).
func (s *Service) Cancel(ctx context.Context, by identity.Actor, id uuid.UUID, version int64) (payout.Batch, error) {
	if err := by.Require(identity.PermBatchCompose); err != nil {
		return payout.Batch{}, err
	}
	now := s.now()
	return s.changeSeen(ctx, id, now, version, func(l *payout.Locked) error {
		return l.Cancel(by, "")
	})
}

// changeSeen is change for a person who has seen a version of the batch, and decides on that.
// Conflict stale_version.
func (s *Service) changeSeen(
	ctx context.Context,
	id uuid.UUID,
	now time.Time,
	version int64,
	fn func(*payout.Locked) error,
) (payout.Batch, error) {
	return s.change(ctx, id, now, func(l *payout.Locked) error {
		if have := l.Batch().Version; have != version {
			return staleVersion(have)
		}
		return fn(l)
	})
}

// change is the store's UpdateBatch for a person: a refusal also says what it means
// for the money of the batch.
func (s *Service) change(
	ctx context.Context,
	id uuid.UUID,
	now time.Time,
	fn func(*payout.Locked) error,
) (payout.Batch, error) {
	var before *payout.Batch
	b, err := s.cfg.Store.UpdateBatch(ctx, 0, id, now, func(l *payout.Locked) error {
		found := l.Batch()
		before = &found
		return fn(l)
	})
	if err != nil && before != nil {
		err = payout.WithMoney(err, before.Kind, before.State)
	}
	return b, err
}

// Batch returns one with all that belongs to it.
func (s *Service) Batch(ctx context.Context, by identity.Actor, id uuid.UUID) (payout.Record, error) {
	if err := by.Require(identity.PermBatchRead); err != nil {
		return payout.Record{}, err
	}
	r, err := s.cfg.Store.Batch(ctx, id)
	if err != nil {
		return payout.Record{}, err
	}
	if r.Void.Lapsed(s.now()) {
		r.Void = nil // the worker has not noted it yet
	}
	r.Raise = raiseOf(r)
	return r, nil
}

// Made returns batches that an earlier call of by's has made, as they stand now.
func (s *Service) Made(ctx context.Context, by identity.Actor, ids []uuid.UUID) ([]payout.Batch, error) {
	if err := by.Require(identity.PermBatchCompose); err != nil {
		return nil, err
	}
	list := make([]payout.Batch, len(ids))
	for i, id := range ids {
		r, err := s.cfg.Store.Batch(ctx, id)
		if err != nil {
			return nil, err
		}
		list[i] = r.Batch
	}
	return list, nil
}

// Batches returns a page of batches, newest first. The next page is of those before next, which
// is 0 at the end.
func (s *Service) Batches(
	ctx context.Context,
	by identity.Actor,
	f payout.BatchFilter,
	limit int,
) (list []payout.Batch, next uint32, err error) {
	if err := by.Require(identity.PermBatchRead); err != nil {
		return nil, 0, err
	}
	limit = min(max(limit, 1), grant.MaxPage)
	list, err = s.cfg.Store.Batches(ctx, f, limit+1)
	if err == nil && len(list) > limit {
		list = list[:limit]
		next = list[limit-1].Number
	}
	return list, next, err
}

// Describe reads an attempt's PSBT as the treasury's own wallet sees it.
func (s *Service) Describe(ctx context.Context, a payout.Attempt) (txbuild.Summary, error) {
	f, err := s.cfg.Store.Fund(ctx)
	if err != nil {
		return txbuild.Summary{}, err
	}
	descriptor, err := payout.TreasuryOf(f)
	if err != nil {
		return txbuild.Summary{}, err
	}
	packet, err := a.Packet()
	if err != nil {
		return txbuild.Summary{}, err
	}
	return txbuild.Describe(packet, descriptor)
}

// Sums returns the totals that pages show, without the coins behind them.
func (s *Service) Sums(ctx context.Context, by identity.Actor) (payout.Sums, error) {
	if err := by.Require(identity.PermTreasuryRead); err != nil {
		return payout.Sums{}, err
	}
	return s.cfg.Store.Sums(ctx)
}

// Treasury returns the state of the fund's money.
func (s *Service) Treasury(ctx context.Context, by identity.Actor) (Treasury, error) {
	if err := by.Require(identity.PermTreasuryRead); err != nil {
		return Treasury{}, err
	}
	f, err := s.cfg.Store.Fund(ctx)
	if err != nil {
		return Treasury{}, err
	}
	descriptor, err := payout.TreasuryOf(f)
	if err != nil {
		return Treasury{}, err
	}
	h, err := s.cfg.Store.Holdings(ctx)
	if err != nil {
		return Treasury{}, err
	}
	address, err := descriptor.Address(wallet.ChainDeposit, h.NextIndex)
	if err != nil {
		return Treasury{}, err
	}
	t := Treasury{
		Balances:       h.Balances,
		Coins:          h.Coins,
		Tip:            h.Tip,
		DepositAddress: address,
		DepositIndex:   h.NextIndex,
		Descriptor:     f.Descriptor,
		Breakers:       h.Breakers,
		Approved:       h.Balances["committed"],
		Stuck:          h.Stuck,
		Limits: payout.Limits{
			MaxPayees:        f.MaxPayees,
			MaxFeeRateSatKVB: f.MaxFeeRateSatKVB,
			MaxFeeSat:        int64(f.MaxFee),
			DeadlineBlocks:   f.DeadlineBlocks,
			ReadyCoins:       f.ReadyCoins,
		},
	}
	if t.Estimate, err = s.cfg.Store.Estimate(ctx); err != nil {
		return Treasury{}, err
	}
	if t.Progress, err = s.cfg.Store.Progress(ctx); err != nil {
		return Treasury{}, err
	}
	if t.Lapsed, err = s.cfg.Store.Lapsed(ctx, s.now().Add(-lapsedShown)); err != nil {
		return Treasury{}, err
	}
	if t.Proposal = plan.Propose(f, h, t.Estimate); t.Proposal != nil {
		// One that waits for its approval or for its block is enough.
		recent, err := s.cfg.Store.Batches(ctx, payout.BatchFilter{}, plan.RecentBatches)
		if err != nil {
			return Treasury{}, err
		}
		if slices.ContainsFunc(recent, func(b payout.Batch) bool {
			return b.Kind == payout.Split && (b.State.BeforeSigning() || b.State.Waits())
		}) {
			t.Proposal = nil
		}
	}
	for _, c := range h.Coins {
		t.CoinsSat += c.Amount
	}
	t.Difference, t.Accepted = h.Difference(), h.Accepted
	return t, nil
}

// seedOf is the seed of a batch that pays items: the same in a dry run and in what
// is composed of it, so that both choose the same coins and order.
func (s *Service) seedOf(items []payout.Item) [32]byte {
	mac := hmac.New(sha256.New, s.secret[:])
	for _, it := range items {
		mac.Write(it.InstalmentID[:])
	}
	return [32]byte(mac.Sum(nil))
}

func (s *Service) seed() ([32]byte, error) {
	var seed [32]byte
	if _, err := io.ReadFull(s.cfg.Random, seed[:]); err != nil {
		return seed, fmt.Errorf("draw seed: %w", err)
	}
	return seed, nil
}

func notPayable() error {
	return errs.New(
		errs.Conflict,
		errs.CodeNotPayable,
		"One of these payments is no longer free: it is in another batch or on hold. Reload the list.",
	)
}

func conflictOfDuty() error {
	return errs.New(
		errs.Forbidden,
		CodeConflictOfDuty,
		"You reviewed one of these applications, so somebody else must pay it. Nothing was changed.",
	)
}

func staleVersion(have int64) error {
	err := errs.New(
		errs.Conflict,
		grant.CodeStaleVersion,
		"Somebody else has changed this batch meanwhile. Nothing of yours was saved: look at the new state, then "+
			"decide again.",
	)
	err.Params = map[string]string{"current_version": strconv.FormatInt(have, 10)}
	return err
}

// buildable refuses a batch that the conductor could not build from the coins of now,
// while nobody has approved it yet. One that only lacks money may wait for it.
func buildable(f fund.Fund, b payout.Batch, items []payout.Item, h payout.Holdings, now time.Time) error {
	_, _, err := plan.Build(plan.Family{Fund: f, Batch: b, Items: items, RelaySatKVB: h.RelaySatKVB}, h, now)
	if plan.LacksMoney(err) {
		return nil
	}
	return err
}
