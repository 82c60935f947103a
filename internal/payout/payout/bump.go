package payout

import (
	"context"
	"slices"
	"strconv"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/crash"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
)

// maxEvicted is how many transactions a replacement may push out of a mempool
// (BIP 125, rule 5).
const maxEvicted = 100

// bump adds an attempt with a higher fee when the batch has waited long enough or a
// treasurer asked for it. It reports whether it did.
func (c *Conductor) bump(ctx context.Context, r Record) (bool, error) {
	if r.Attempts[len(r.Attempts)-1].lacksNotes() {
		return false, nil // no signer can be shown what it pays; it is announced on
	}
	f, err := familyOf(ctx, c.cfg.Store, r)
	if err != nil {
		return false, err
	}
	raise := f.raise()
	asked := r.Batch.WantedSatVB > raise.Current
	if raise.Refused != nil {
		if asked {
			return false, raise.Refused
		}
		return false, nil
	}
	wanted := min(r.Batch.WantedSatVB, raise.Most)
	if !asked {
		var due bool
		if wanted, due, err = c.due(ctx, r, f, raise.Most); err != nil || !due {
			return false, err
		}
	}
	infos, err := c.signerInfos(ctx, f.fund)
	if err != nil {
		return false, err
	}
	if most, ok := f.signersMost(infos, f.newest()); ok && most < wanted {
		// What a signer is known to refuse is no step that is due, nor a reason not to take
		// one that is.
		auto, due, err := c.due(ctx, r, f, min(raise.Most, most))
		switch {
		case err != nil || (!due && !asked):
			return false, err
		case due:
			wanted, asked = auto, false
		}
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
	err = c.replace(ctx, f, f.newest().Kind, wanted, lost, infos)
	switch {
	case errs.CodeOf(err) != "fee_above_cap":
		return err == nil, err
	case asked && lost.Fees > 0:
		return false, pinned()
	case !asked:
		return false, nil // it pays what can be had
	}
	return false, err
}

// due is the feerate that the newest attempt should pay by now if nobody asks, and
// whether it is time for the step: the straight line from its first feerate to limit
// at the deadline, never above what the next block costs, where that is believed.
func (c *Conductor) due(ctx context.Context, r Record, f family, limit int64) (satVB int64, due bool, err error) {
	start, since, newest := r.Batch.FeeRateSatVB, r.Attempts[0], f.newest()
	if newest.Kind == Voids {
		// A void has no highest feerate. Left alone, it goes as far as its batch would have.
		since = f.of(Voids)[0]
		start = f.rate(since)
		limit = min(limit, max(start, r.Batch.MaxFeeRateSatVB))
	}
	height, ok := since.Announced()
	if !ok {
		height, _ = newest.Announced()
	}
	current := f.rate(newest)
	wanted := fee.Escalate(start, limit, height, r.Batch.DeadlineBlocks, r.Tip.Height)
	if wanted <= current {
		return 0, false, nil
	}
	estimate, err := c.cfg.Store.Estimate(ctx)
	if err != nil {
		return 0, false, err
	}
	if ceiling, believed := estimate.Ceiling(c.now()); believed {
		wanted = min(wanted, ceiling)
	}
	return wanted, fee.DueOf(current, wanted, start, limit), nil
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

// void makes the attempt that pays nobody, once a second person has agreed.
func (c *Conductor) void(ctx context.Context, r Record) error {
	f, err := familyOf(ctx, c.cfg.Store, r)
	if err != nil {
		return err
	}
	infos, err := c.signerInfos(ctx, f.fund)
	if err != nil {
		return err
	}
	lost, err := c.evicted(ctx, r)
	if err != nil {
		return err
	}
	if lost.Count > maxEvicted {
		return pinned()
	}
	err = c.replace(ctx, f, Voids, max(r.Void.FeeRateSatVB, lost.TopSatKVB/1000+1), lost, infos)
	if errs.CodeOf(err) == "fee_above_cap" && lost.Fees > 0 {
		return pinned()
	}
	return err
}

// replace adds an attempt that spends all that the earlier ones spend and pays a
// higher fee, and takes it past the point of no return in the same commit: it
// changes nothing about who may be paid.
func (c *Conductor) replace(ctx context.Context, f family, kind AttemptKind, rateSatVB int64, lost Evicted, infos []signerrpc.Info) error {
	holdings, err := c.cfg.Store.Holdings(ctx)
	if err != nil {
		return err
	}
	if err := calm(holdings); err != nil {
		return err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	now := c.now()
	_, err = c.cfg.Store.UpdateBatch(ctx, c.cfg.Epoch, f.batch.ID, now, func(w *Work) error {
		newest := w.Attempts[len(w.Attempts)-1]
		if newest.ID != f.newest().ID || !w.Batch.State.waits() {
			return errAttemptChanged()
		}
		if kind == Pays && slices.ContainsFunc(w.Attempts, Attempt.lacksNotes) {
			return approvalsLost()
		}
		if (kind == Voids) != w.Void.Agreed() {
			return errs.New(errs.Conflict, "batch_voided", "Whether the batch is taken back has changed meanwhile. This step changed nothing.")
		}
		f := w.family(f.fund)
		p, err := f.replacement(kind, rateSatVB, lost, infos, holdings)
		if err != nil {
			return err
		}
		a, err := attemptOf(p, w, kind, id, c.cfg.Epoch, now)
		if err != nil {
			return err
		}
		if err := checkPolicy(f.fund, w, *a); err != nil {
			return err
		}
		if err := f.checkSignerWill(infos, *a, now); err != nil {
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

// replacement builds the transaction that comes after the family's attempts and
// takes their place, at a feerate in sat/vB. It stores nothing: a request to take a
// batch back builds one on trial.
func (f family) replacement(kind AttemptKind, rateSatVB int64, lost Evicted, infos []signerrpc.Info, h Holdings) (*txbuild.Plan, error) {
	request, err := base(f.fund, f.batch, kind, h)
	if err != nil {
		return nil, err
	}
	first, err := f.attempts[0].packet()
	if err != nil {
		return nil, err
	}
	request.LockTime = first.UnsignedTx.LockTime
	have := map[wire.OutPoint]bool{}
	for _, coin := range request.Coins {
		have[coin.OutPoint] = true
	}
	// All that any attempt spends: the new one then conflicts with each of them, so
	// that no pair of them could both stand in one chain.
	must := map[wire.OutPoint]bool{}
	for _, a := range f.attempts {
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
		request.Replaces = max(request.Replaces, a.Fee)
	}
	request.Replaces += lost.Fees // BIP 125, rule 3; rule 4 is txbuild's
	request.FeeRate = txbuild.SatPerVB(rateSatVB)
	switch {
	case kind == Voids:
		if err := f.fitVoid(&request, infos); err != nil {
			return nil, err
		}
		if int64(request.FeeRate) <= lost.TopSatKVB { // btcd's rule: dearer than any that it pushes out
			return nil, errs.New(errs.Invalid, "fee_above_cap", "Others have built on this transaction, at a feerate that its void cannot out-pay within what was approved.")
		}
	case f.parent != nil:
		request.FeeRate = txbuild.SatPerVB(1)
		request.MinFee = f.childFee(request.Descriptor, rateSatVB)
	}
	if kind == Pays {
		request.Payees = payees(f.items)
	}
	if f.batch.Kind == Split && kind == Pays {
		request.ChangeOutputs = f.batch.Outputs
	}
	return txbuild.Build(request)
}

// fitVoid keeps a void within what was approved and what signers allow: the feerate
// that was asked for gives way, what it has to out-pay does not.
func (f family) fitVoid(request *txbuild.Request, infos []signerrpc.Info) error {
	weight, err := txbuild.VoidWeight(request.Descriptor, f.batch.Number, len(request.Must))
	if err != nil {
		return err
	}
	// Its change is money of ours that was to be paid out: any that can be relayed will do.
	request.LongTermFeeRate = txbuild.SatPerVB(1)
	void := Attempt{Kind: Voids, Weight: weight}
	for _, coin := range request.Coins {
		if slices.Contains(request.Must, coin.OutPoint) {
			void.Inputs = append(void.Inputs, AttemptInput{OutPoint: coin.OutPoint, Amount: coin.Amount})
		}
	}
	if most, ok := f.signersAllow(infos, void); ok {
		request.MaxFee = min(request.MaxFee, max(most, 1))
	}
	request.FeeRate = min(request.FeeRate, max(txbuild.FeeRateOf(request.MaxFee, weight), txbuild.SatPerVB(1)))
	return nil
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
