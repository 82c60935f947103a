package payout

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/crash"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fee"
	"github.com/causeway-fund/causeway/internal/grant"
	"github.com/causeway-fund/causeway/internal/txbuild"
	"github.com/causeway-fund/causeway/internal/wallet"
)

// maxEvicted is how many transactions a replacement may push out of a mempool
// (BIP 125, rule 5).
const maxEvicted = 100

// bump adds an attempt with a higher fee when the batch has waited long enough or a
// treasurer asked for it. It reports whether it did.
func (c *Conductor) bump(ctx context.Context, r Record) (bool, error) {
	newest := r.Attempts[len(r.Attempts)-1]
	if newest.lacksNotes() {
		return false, nil // no signer can be shown what it pays; it is announced on
	}
	current := newest.FeeRateSatVB()
	wanted := c.wanted(r, newest)
	asked := r.Batch.WantedSatVB > current
	left := fee.MaxBumps - (len(r.Attempts) - 1)
	if left <= 0 || wanted <= current || (!asked && !fee.DueOf(current, wanted, r.Batch.MaxFeeRateSatVB, left)) {
		return false, nil
	}
	lost, err := c.evicted(ctx, r)
	if err != nil {
		return false, err
	}
	// btcd asks for a higher feerate than any descendant's. Where one pays more than is
	// wanted here, it pulls this transaction along already.
	if lost.Count > maxEvicted || wanted*1000 <= lost.TopSatKVB {
		return false, pinned()
	}
	err = c.replace(ctx, r, newest.Kind, wanted, lost.Fees)
	if asked && errs.CodeOf(err) == "fee_above_cap" && lost.Fees > 0 {
		return false, pinned()
	}
	return err == nil, err
}

// evicted asks what a replacement of the batch's attempts would push out.
func (c *Conductor) evicted(ctx context.Context, r Record) (Evicted, error) {
	if c.cfg.Mempool == nil {
		return Evicted{}, nil
	}
	var txids []chainhash.Hash
	for _, a := range r.Attempts {
		txids = append(txids, a.TxID)
	}
	return c.cfg.Mempool.Evicted(ctx, txids)
}

// EvictedBy works out what replacing some transactions pushes out of a mempool.
func EvictedBy(txids []chainhash.Hash, mempool []fee.Tx) Evicted {
	children := map[chainhash.Hash][]fee.Tx{}
	var out Evicted
	for _, tx := range mempool {
		for _, parent := range tx.Depends {
			children[parent] = append(children[parent], tx)
		}
		if slices.Contains(txids, tx.TxID) {
			out.Count++
		}
	}
	seen := map[chainhash.Hash]bool{}
	for next := slices.Clone(txids); len(next) > 0; next = next[1:] {
		for _, tx := range children[next[0]] {
			if seen[tx.TxID] || slices.Contains(txids, tx.TxID) {
				continue
			}
			seen[tx.TxID] = true
			out.Count++
			out.Fees += btcutil.Amount(tx.FeeSat)
			out.TopSatKVB = max(out.TopSatKVB, tx.FeeSat*4000/max(tx.Weight, 1))
			next = append(next, tx.TxID)
		}
	}
	return out
}

func pinned() error {
	return errs.New(errs.Conflict, "pinned", "Others have built on this transaction, so that replacing it would cost more than the batch may pay. It may still confirm as it is. A treasurer can add a child that pays for both.")
}

// wanted is the feerate that the batch should pay by now: what a treasurer asked
// for, or the straight line from its first feerate to its highest at the deadline.
func (c *Conductor) wanted(r Record, newest Attempt) int64 {
	start := r.Batch.FeeRateSatVB
	since := r.Attempts[0]
	if newest.Kind == Voids {
		start, since = max(start, r.Void.FeeRateSatVB), newest
	}
	height, ok := since.Announced()
	if !ok {
		height, _ = newest.Announced()
	}
	line := fee.Escalate(start, r.Batch.MaxFeeRateSatVB, height, r.Batch.DeadlineBlocks, r.Tip.Height)
	return min(max(line, r.Batch.WantedSatVB), r.Batch.MaxFeeRateSatVB)
}

// void makes the attempt that pays nobody, once a second person has agreed.
func (c *Conductor) void(ctx context.Context, r Record) error {
	if r.Void.ApprovedBy == nil {
		return nil
	}
	lost, err := c.evicted(ctx, r)
	if err != nil {
		return err
	}
	rate := max(r.Void.FeeRateSatVB, lost.TopSatKVB/1000+1)
	if lost.Count > maxEvicted || rate > r.Batch.MaxFeeRateSatVB {
		return pinned()
	}
	err = c.replace(ctx, r, Voids, rate, lost.Fees)
	if errs.CodeOf(err) == "fee_above_cap" && lost.Fees > 0 {
		return pinned()
	}
	return err
}

// replace adds an attempt that spends all that the earlier ones spend and pays a
// higher fee, and takes it past the point of no return in the same commit: it
// changes nothing about who may be paid.
func (c *Conductor) replace(ctx context.Context, r Record, kind AttemptKind, rateSatVB int64, descendants btcutil.Amount) error {
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
	infos, err := c.signerInfos(ctx, fund)
	if err != nil {
		return err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	now := c.now()
	_, err = c.cfg.Store.UpdateBatch(ctx, c.cfg.Epoch, r.Batch.ID, now, func(w *Work) error {
		newest := w.Attempts[len(w.Attempts)-1]
		if newest.ID != r.Attempts[len(r.Attempts)-1].ID || !w.Batch.State.waits() {
			return errAttemptChanged()
		}
		if kind == Pays && slices.ContainsFunc(w.Attempts, Attempt.lacksNotes) {
			return approvalsLost()
		}
		if kind == Pays && w.Void != nil {
			return errs.New(errs.Conflict, "batch_voided", "The batch is being taken back, so nothing is added to it.")
		}
		a, err := c.replacement(fund, w, kind, rateSatVB, descendants, holdings, id, now)
		if err != nil {
			return err
		}
		if err := checkPolicy(fund, w, *a); err != nil {
			return err
		}
		if err := checkSignerWill(infos, paidBy(w, *a), *a, now); err != nil {
			return err
		}
		w.NewAttempt = a
		for _, in := range a.Inputs {
			if !spends(w.Attempts, in.OutPoint) {
				w.Reserve = append(w.Reserve, in.OutPoint)
			}
		}
		w.AttemptEvents = []AttemptEvent{{Event: "built", At: now}, {Event: "signing", Detail: strconv.FormatInt(rateSatVB, 10) + " sat/vB", At: now}}
		w.Batch.LastError = ""
		w.note(c.by, map[AttemptKind]string{Pays: "batch.bumped", Voids: "batch.void_built"}[kind], now)
		return nil
	})
	crash.At("C13")
	return err
}

// waits reports whether the batch's transaction is out and not in a block.
func (s State) waits() bool { return s == Signing || s == Signed || s == Announced || s == Voiding }

// replacement builds the attempt that comes after those of w.
func (c *Conductor) replacement(
	fund grant.Fund, w *Work, kind AttemptKind, rateSatVB int64, descendants btcutil.Amount, h Holdings, id uuid.UUID, now time.Time,
) (*Attempt, error) {
	request, err := base(fund, w.Batch, h)
	if err != nil {
		return nil, err
	}
	first, err := w.Attempts[0].packet()
	if err != nil {
		return nil, err
	}
	request.LockTime = first.UnsignedTx.LockTime
	request.FeeRate = txbuild.SatPerVB(rateSatVB)
	have := map[wire.OutPoint]bool{}
	for _, coin := range request.Coins {
		have[coin.OutPoint] = true
	}
	// All that any attempt spends: the new one then conflicts with each of them, so
	// that no pair of them could both stand in one chain.
	must := map[wire.OutPoint]bool{}
	dearest := btcutil.Amount(0)
	for _, a := range w.Attempts {
		if !a.Released() {
			continue
		}
		packet, err := a.packet()
		if err != nil {
			return nil, err
		}
		own, err := inputCoins(packet, request.Descriptor)
		if err != nil {
			return nil, err
		}
		for _, coin := range own {
			if !have[coin.OutPoint] {
				have[coin.OutPoint] = true
				request.Coins = append(request.Coins, coin)
			}
			if !must[coin.OutPoint] {
				must[coin.OutPoint] = true
				request.Must = append(request.Must, coin.OutPoint)
			}
		}
		dearest = max(dearest, a.Fee)
	}
	newest := w.Attempts[len(w.Attempts)-1]
	// BIP 125, rules 3 and 4: what is replaced is paid for, and the relay of the new
	// transaction at 1 sat/vB as well. A little more, as its size is not known yet.
	request.MinFee = dearest + descendants + btcutil.Amount((newest.Weight+3)/4+200)
	if kind == Pays {
		request.Payees = payees(w.Items)
	}
	if w.Batch.Kind == Split && kind == Pays {
		request.ChangeOutputs = w.Batch.Outputs
	}
	p, err := txbuild.Build(request)
	if err != nil {
		return nil, err
	}
	return attemptOf(p, w, kind, id, c.cfg.Epoch, now)
}

func paidBy(w *Work, a Attempt) []Item {
	if a.Kind == Voids {
		return nil
	}
	return w.Items
}

func spends(attempts []Attempt, op wire.OutPoint) bool {
	for _, a := range attempts {
		for _, in := range a.Inputs {
			if in.OutPoint == op {
				return true
			}
		}
	}
	return false
}

// inputCoins reads the coins that a PSBT of ours spends.
func inputCoins(packet *psbt.Packet, d *wallet.Descriptor) ([]txbuild.Coin, error) {
	own, err := d.OwnInputs(packet)
	if err != nil {
		return nil, err
	}
	coins := make([]txbuild.Coin, len(packet.Inputs))
	for i, in := range packet.UnsignedTx.TxIn {
		prev := own[i].Prev
		coins[i] = txbuild.Coin{
			OutPoint: in.PreviousOutPoint, Amount: btcutil.Amount(prev.Value), Script: prev.PkScript, Chain: own[i].Chain, Index: own[i].Index,
			PrevTx: packet.Inputs[i].NonWitnessUtxo,
		}
	}
	return coins, nil
}
