package payout

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/crash"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/grant"
	"github.com/causeway-fund/causeway/internal/identity"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/txbuild"
)

// Announcer tells a node about a transaction. The reply is for people; whatever
// it says, an announced transaction may confirm.
type Announcer interface {
	Announce(ctx context.Context, raw []byte, maxFeeRateSatVB int64) (reply string, err error)
}

// Signer asks a signer for signatures.
type Signer interface {
	Sign(ctx context.Context, req signerrpc.Request) (signerrpc.Response, error)
	Info(ctx context.Context) (signerrpc.Info, error)
}

// ConductorConfig is what a Conductor needs.
type ConductorConfig struct {
	Store     WorkerStore
	Signer    Signer
	Announcer Announcer
	Clock     clock.Clock
	Log       *slog.Logger
	Epoch     int64 // of the lease; every write checks it
}

// Conductor takes batches from approved to announced, one committed step at a
// time. It is for one goroutine.
type Conductor struct {
	cfg ConductorConfig
	by  identity.Actor

	announcedAt map[uuid.UUID]chainhash.Hash // tip at which a batch was last announced
	retryAt     map[uuid.UUID]time.Time      // when a batch whose step did not work is tried again
	waits       map[uuid.UUID]time.Duration
}

// A step that did not work is tried again after firstWait, then twice as late
// each time up to lastWait.
const (
	firstWait = time.Second
	lastWait  = 30 * time.Second
)

// NewConductor checks cfg and returns a Conductor.
func NewConductor(cfg ConductorConfig) (*Conductor, error) {
	if cfg.Store == nil || cfg.Signer == nil || cfg.Announcer == nil || cfg.Clock == nil || cfg.Log == nil || cfg.Epoch <= 0 {
		return nil, errors.New("payout: conductor needs store, signer, announcer, clock, log and a lease")
	}
	return &Conductor{cfg: cfg, by: identity.System("worker"), announcedAt: map[uuid.UUID]chainhash.Hash{}, retryAt: map[uuid.UUID]time.Time{}, waits: map[uuid.UUID]time.Duration{}}, nil
}

func (c *Conductor) now() time.Time { return c.cfg.Clock.Now().UTC().Truncate(time.Microsecond) }

// Step takes every due batch as far as it goes. Trouble with one batch is
// stored on it and never stops the next; an error is returned only when the
// store itself does not work.
func (c *Conductor) Step(ctx context.Context) error {
	due, err := c.cfg.Store.Due(ctx)
	if err != nil {
		return err
	}
	for _, id := range due {
		if c.now().Before(c.retryAt[id]) {
			continue
		}
		err := c.takeOn(ctx, id)
		if err == nil {
			delete(c.retryAt, id)
			delete(c.waits, id)
			continue
		}
		if ctx.Err() != nil || errs.Is(err, "lease_lost") {
			return err
		}
		c.waits[id] = min(max(2*c.waits[id], firstWait), lastWait)
		c.retryAt[id] = c.now().Add(c.waits[id])
		c.cfg.Log.WarnContext(ctx, "batch step did not work", slog.String("batch_id", id.String()), slog.Duration("retry_in", c.waits[id]), slog.Any("error", err))
		if err := c.cfg.Store.SetError(ctx, c.cfg.Epoch, id, plainWords(err), c.now()); err != nil {
			return err
		}
	}
	return nil
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

func plainWords(err error) string {
	var e *errs.Error
	if errors.As(err, &e) && e.Kind != errs.Internal {
		return e.Message
	}
	return "An internal fault stopped this step; the worker's log has it. No step was half done."
}

// advance makes one step; again is true when the next one may follow at once.
func (c *Conductor) advance(ctx context.Context, id uuid.UUID) (again bool, err error) {
	record, err := c.cfg.Store.Batch(ctx, id)
	if err != nil {
		return false, err
	}
	switch record.Batch.State {
	case Approved:
		return true, c.build(ctx, id)
	case Built:
		return true, c.commitToSign(ctx, id)
	case Signing:
		return true, c.sign(ctx, record)
	case Signed:
		return false, c.announce(ctx, record)
	case Announced:
		return false, c.announceAgain(ctx, record)
	case Composed, Mined, Paid, Final, Cancelled, Conflicted:
	}
	return false, nil
}

// build chooses coins and stores the unsigned transaction, its txid, its anchor
// and the reservations in one commit.
func (c *Conductor) build(ctx context.Context, id uuid.UUID) error {
	fund, err := c.cfg.Store.Fund(ctx)
	if err != nil {
		return err
	}
	holdings, err := c.cfg.Store.Holdings(ctx)
	if err != nil {
		return err
	}
	if err := calm(holdings); err != nil {
		return err
	}
	attemptID, err := uuid.NewV7()
	if err != nil {
		return err
	}
	now := c.now()
	crash.At("C3")
	_, err = c.cfg.Store.UpdateBatch(ctx, c.cfg.Epoch, id, now, func(w *Work) error {
		p, _, err := plan(fund, w.Batch, w.Items, holdings)
		if err != nil {
			return err
		}
		a, err := attemptOf(p, w, attemptID, c.cfg.Epoch, now)
		if err != nil {
			return err
		}
		anchor := p.PSBT.UnsignedTx.TxIn[0].PreviousOutPoint
		w.Batch.Anchor = &anchor
		w.NewAttempt = a
		for _, in := range a.Inputs {
			w.Reserve = append(w.Reserve, in.OutPoint)
		}
		w.AttemptEvents = []AttemptEvent{{Event: "built", At: now}}
		crash.At("C1")
		return w.move(c.by, Built, "batch.built", now)
	})
	crash.At("C2")
	return err
}

func calm(h Holdings) error {
	if len(h.Breakers) > 0 {
		return errs.New(errs.Conflict, "breaker_open", "Signing is stopped because something unexpected happened to the treasury. Two people have to look at it first; see the treasury page.")
	}
	return nil
}

func attemptOf(p *txbuild.Plan, w *Work, id uuid.UUID, epoch int64, now time.Time) (*Attempt, error) {
	raw, err := txbuild.EncodePSBT(p.PSBT)
	if err != nil {
		return nil, err
	}
	byDigest := map[string]uuid.UUID{}
	for _, it := range w.Items {
		byDigest[it.Digest.String()] = it.InstalmentID
	}
	a := &Attempt{ID: id, BatchID: w.Batch.ID, No: len(w.Attempts), PSBT: raw, TxID: p.TxID, Fee: p.Fee, Weight: p.Weight, Epoch: epoch, CreatedAt: now}
	for _, in := range p.Inputs {
		a.Inputs = append(a.Inputs, AttemptInput{OutPoint: in.OutPoint, Amount: in.Amount})
	}
	for _, out := range p.Outputs {
		o := AttemptOutput{Vout: uint32(out.Vout), Script: out.Script, Amount: out.Amount, ChangeIndex: out.ChangeIndex} //nolint:gosec // an index of at most a few thousand outputs
		if out.ChangeIndex == nil {
			instalment, ok := byDigest[out.Decision]
			if !ok {
				return nil, errors.New("plan pays a decision that is not in the batch")
			}
			o.InstalmentID = &instalment
		}
		a.Outputs = append(a.Outputs, o)
	}
	return a, nil
}

// commitToSign is the point of no return: from this commit on every payment of
// the batch may be paid, and only the chain says whether it is.
func (c *Conductor) commitToSign(ctx context.Context, id uuid.UUID) error {
	fund, err := c.cfg.Store.Fund(ctx)
	if err != nil {
		return err
	}
	// A signer that cannot answer keeps the batch where it can still be cancelled.
	info, err := c.cfg.Signer.Info(ctx)
	if err != nil {
		return err
	}
	if info.Descriptor != fund.Descriptor || info.Network != fund.Network {
		return errs.New(errs.Conflict, "wrong_signer", "The signer holds the key of another treasury or network. No money moved.")
	}
	holdings, err := c.cfg.Store.Holdings(ctx)
	if err != nil {
		return err
	}
	if err := calm(holdings); err != nil {
		return err
	}
	now := c.now()
	_, err = c.cfg.Store.UpdateBatch(ctx, c.cfg.Epoch, id, now, func(w *Work) error {
		newest := w.Attempts[len(w.Attempts)-1]
		if err := checkPolicy(fund, w, newest); err != nil {
			return err
		}
		if err := checkCoins(newest, holdings); err != nil {
			return err
		}
		if err := checkSignerWill(info, w.Items, newest, now); err != nil {
			return err
		}
		w.ItemsTo = grant.MaybePaid
		w.Transfers = []ledger.Transfer{ledger.Move(ledger.KindRelease, w.Batch.ID.String(), ledger.Committed, ledger.InFlight, total(w.Items), now)}
		w.AttemptEvents = []AttemptEvent{{Event: "signing", At: now}}
		return w.move(c.by, Signing, "batch.signing", now)
	})
	return err
}

// sign asks for signatures of the stored transaction, as often as it takes: the
// same transaction has the same txid.
func (c *Conductor) sign(ctx context.Context, r Record) error {
	fund, err := c.cfg.Store.Fund(ctx)
	if err != nil {
		return err
	}
	descriptor, err := treasuryOf(fund)
	if err != nil {
		return err
	}
	holdings, err := c.cfg.Store.Holdings(ctx)
	if err != nil {
		return err
	}
	if err := calm(holdings); err != nil {
		return err
	}
	newest := r.Attempts[len(r.Attempts)-1]
	packet, err := txbuild.ParsePSBT(newest.PSBT)
	if err != nil {
		return err
	}
	notes := make([]string, len(r.Items))
	for i, it := range r.Items {
		notes[i] = it.Note
	}
	crash.At("C4")
	response, err := c.cfg.Signer.Sign(ctx, signerrpc.Request{
		PSBT: newest.PSBT, BatchNote: r.Batch.Note, Decisions: notes, BatchID: r.Batch.ID.String(), AttemptNo: int64(newest.No),
	})
	crash.At("C5")
	if err != nil {
		return err
	}
	signed, err := txbuild.ParsePSBT(response.PSBT)
	if err != nil {
		return err
	}
	merged, err := txbuild.Merge(packet, signed)
	if err != nil {
		return err
	}
	raw, txid, err := txbuild.ExtractSigned(merged, descriptor)
	if err != nil {
		return err
	}
	if txid != newest.TxID {
		return errs.New(errs.Internal, "txid_changed", "The signer's transaction has another txid.")
	}
	now := c.now()
	crash.At("C8")
	_, err = c.cfg.Store.UpdateBatch(ctx, c.cfg.Epoch, r.Batch.ID, now, func(w *Work) error {
		w.NewRaw = raw
		w.AttemptEvents = []AttemptEvent{{Event: "signed", At: now}}
		return w.move(c.by, Signed, "batch.signed", now)
	})
	return err
}

// announce tells the node for the first time.
func (c *Conductor) announce(ctx context.Context, r Record) error {
	newest := r.Attempts[len(r.Attempts)-1]
	crash.At("C9")
	reply, err := c.cfg.Announcer.Announce(ctx, newest.Raw, r.Batch.MaxFeeRateSatVB)
	crash.At("C10")
	if err != nil {
		// The node may have taken it before the answer was lost, so it counts as
		// announced; the next round tells it again.
		if reply == "" {
			reply = "no answer: " + plainWords(err)
		}
	}
	c.announcedAt[r.Batch.ID] = r.Tip.Hash
	now := c.now()
	crash.At("C11")
	_, storeErr := c.cfg.Store.UpdateBatch(ctx, c.cfg.Epoch, r.Batch.ID, now, func(w *Work) error {
		w.AttemptEvents = []AttemptEvent{{Event: "announced", Detail: reply, At: now}}
		return w.move(c.by, Announced, "batch.announced", now)
	})
	if storeErr != nil {
		return storeErr
	}
	return err
}

// announceAgain sends the same bytes once a block, and at every start: nodes forget.
func (c *Conductor) announceAgain(ctx context.Context, r Record) error {
	if at, ok := c.announcedAt[r.Batch.ID]; ok && at == r.Tip.Hash && r.Batch.LastError == "" {
		return nil
	}
	newest := r.Attempts[len(r.Attempts)-1]
	if _, err := c.cfg.Announcer.Announce(ctx, newest.Raw, r.Batch.MaxFeeRateSatVB); err != nil {
		return err
	}
	c.announcedAt[r.Batch.ID] = r.Tip.Hash
	if r.Batch.LastError != "" {
		return c.cfg.Store.SetError(ctx, c.cfg.Epoch, r.Batch.ID, "", c.now())
	}
	return nil
}
