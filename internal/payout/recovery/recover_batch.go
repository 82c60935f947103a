package recovery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// rebuildOne brings one lost transaction back, with its batch when that is lost.
func (r *Recovery) rebuildOne(ctx context.Context, l lostLine, txs []payout.OwnTx) error {
	tx, err := l.unsigned()
	if err != nil {
		return err
	}
	owed, err := l.instalments()
	if err != nil {
		return err
	}
	near, err := r.near(ctx, l, txs)
	if err != nil {
		return err
	}
	about := About{TxID: l.txid, Batch: l.batch, Number: l.Number, Owed: owed, Inputs: l.inputs}
	now := r.now()
	return r.cfg.Store.Rebuild(ctx, r.cfg.Epoch, about, now, func(w *Rebuild) error {
		for op, coin := range near {
			if _, ok := w.Coins[op]; !ok {
				w.Coins[op] = coin
			}
		}
		return r.restore(w, l, tx, owed, now)
	})
}

// near finds coins of a line that are not walked yet: those of the block that comes
// next, and the change of attempts that wait for a block.
func (r *Recovery) near(ctx context.Context, l lostLine, txs []payout.OwnTx) (map[wire.OutPoint]txbuild.Coin, error) {
	coins := map[wire.OutPoint]txbuild.Coin{}
	for _, own := range txs {
		for _, c := range own.Coins {
			coins[c.OutPoint] = c.Coin
		}
	}
	for _, op := range l.inputs {
		if _, ok := coins[op]; ok {
			continue
		}
		parent, err := r.cfg.Store.AttemptByTxID(ctx, op.Hash)
		if errs.Is(err, errs.CodeAttemptNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, o := range parent.Outputs {
			if o.Vout != op.Index || o.ChangeIndex == nil {
				continue
			}
			packet, err := parent.Packet()
			if err != nil {
				return nil, err
			}
			coins[op] = txbuild.Coin{
				OutPoint: op,
				Amount:   o.Amount,
				Script:   o.Script,
				Chain:    wallet.ChainChange,
				Index:    *o.ChangeIndex,
				PrevTx:   packet.UnsignedTx,
			}
		}
	}
	return coins, nil
}

// restore brings back what the line says. What it leads to is decided by the verbs of the batch;
// here the line is held against what the database has.
func (r *Recovery) restore(w *Rebuild, l lostLine, tx *wire.MsgTx, owed []decision.Instalment, now time.Time) error {
	have := w.Record()
	attempt, found := w.Attempt(l.txid)
	switch {
	case found && attempt.Released():
		return nil
	case w.InChain:
		return never("it has already been read as somebody else's.")
	case !found && slices.ContainsFunc(have.Attempts, func(a payout.Attempt) bool { return a.No == l.Attempt }):
		return never("the batch has another transaction in its place.")
	case w.Known && have.Batch.State == payout.Voided:
		return never("the batch was taken back, and its payments may be in another one.")
	case len(w.Staff) == 0 && (!w.Known || l.Void != ""):
		return never("the database has no staff.")
	}
	freed, err := r.displace(w, l)
	if err != nil {
		return err
	}
	items, err := checkItems(w, l, owed)
	if err != nil {
		return err
	}
	if !found {
		if attempt, err = r.attempt(w, items, l, tx, owed, now); err != nil {
			return err
		}
	}
	if !w.Known {
		b, err := r.batch(w, attempt, l, now)
		if err != nil {
			return err
		}
		if err := w.Create(r.by, b, items, leafDetail(l)); err != nil {
			return err
		}
	}
	if note := w.Batch().Note; note == "" || note != l.Note {
		return never("the database has a different note for its batch.")
	}
	err = w.Recover(r.by, payout.Recovered{
		Attempt:  attempt,
		At:       time.Unix(l.Time, 0).UTC(),
		Words:    fromJournal(l),
		Detail:   leafDetail(l),
		Freed:    freed,
		Reserved: w.Reserved,
	})
	if err != nil || l.Void == "" {
		return err
	}
	return r.void(w, attempt, l, now)
}

// leafDetail is what the audit log says of a line beside what it led to.
func leafDetail(l lostLine) map[string]string {
	return map[string]string{"txid": l.TxID, "journal_line": strconv.FormatInt(l.Seq, 10)}
}

func fromJournal(l lostLine) string {
	return "recovered from line " + strconv.FormatInt(l.Seq, 10) + " of the signer's journal"
}

// displace cancels the batches that stand where the lost one was, or waits for them. It returns
// the payments that they give back.
func (r *Recovery) displace(w *Rebuild, l lostLine) ([]uuid.UUID, error) {
	var freed []uuid.UUID
	for _, rival := range w.Rivals {
		b := rival.Batch()
		switch {
		case b.State.BeforeSigning():
			for _, it := range rival.Record().Items {
				freed = append(freed, it.InstalmentID)
			}
			if err := rival.Cancel(
				r.by,
				"a signer's journal says that batch "+strconv.FormatUint(uint64(l.Number), 10)+" was sent instead",
			); err != nil {
				return nil, err
			}
		case b.Number == l.Number:
			return nil, never("another batch has its number.")
		case b.State == payout.Final:
			return nil, never("batch %d has paid the same or spent the same coins.", b.Number)
		default:
			return nil, &waitError{fmt.Sprintf("transaction %s for batch %d, which is %s.", l.TxID, b.Number, b.State)}
		}
	}
	return freed, nil
}

// checkItems holds the payments that the database knows of against the line, and returns
// them. One that it lacks, or that was cancelled meanwhile, stays in the batch as a
// payment that only the journal knows.
func checkItems(w *Rebuild, l lostLine, owed []decision.Instalment) ([]payout.Item, error) {
	items := w.Record().Items
	cancelled := func(it payout.Item) bool { return it.State == grant.Cancelled }
	if at := slices.IndexFunc(items, cancelled); at >= 0 && w.Known {
		return nil, never("payment %s of it was cancelled.", items[at].InstalmentID)
	}
	items = slices.DeleteFunc(items, cancelled)
	have := map[decision.Instalment]payout.Item{}
	for _, it := range items {
		have[it.Instalment()] = it
	}
	for i, o := range l.Outs {
		if o.Change != nil {
			continue
		}
		paid, err := l.paid(i, owed)
		if err != nil {
			return nil, err
		}
		it, ok := have[paid]
		if ok && (int64(it.Amount) != o.Sat || hex.EncodeToString(it.Script) != o.Script) {
			return nil, never("an output of it is not a payment as the database has it.")
		}
	}
	return items, nil
}

// attempt makes the row of the transaction again, with all that signing it takes.
func (r *Recovery) attempt(
	w *Rebuild,
	items []payout.Item,
	l lostLine,
	tx *wire.MsgTx,
	owed []decision.Instalment,
	now time.Time,
) (payout.Attempt, error) {
	packet, err := psbt.NewFromUnsignedTx(tx)
	if err != nil {
		return payout.Attempt{}, fmt.Errorf("make PSBT of %s: %w", l.TxID, err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return payout.Attempt{}, fmt.Errorf("draw attempt id: %w", err)
	}
	a := payout.Attempt{
		ID: id, BatchID: l.batch, No: l.Attempt, Kind: payout.Pays, TxID: l.txid, Fee: btcutil.Amount(l.Fee),
		Weight: txbuild.SignedWeight(tx, r.wallet), Epoch: r.cfg.Epoch, CreatedAt: now,
	}
	if l.Void != "" {
		a.Kind = payout.Voids
	}
	left := -a.Fee
	for i, op := range l.inputs {
		coin, ok := w.Coins[op]
		if !ok {
			return payout.Attempt{}, &waitError{
				fmt.Sprintf("transaction %s for the coin %s, which the walked chain does not have.", l.TxID, op),
			}
		}
		in := &packet.Inputs[i]
		in.NonWitnessUtxo, in.WitnessUtxo = coin.PrevTx, wire.NewTxOut(int64(coin.Amount), coin.Script)
		if err := r.wallet.AddInputFields(in, coin.Chain, coin.Index); err != nil {
			return payout.Attempt{}, err
		}
		a.Inputs = append(a.Inputs, payout.AttemptInput{OutPoint: op, Amount: coin.Amount})
		left += coin.Amount
	}
	have := map[decision.Instalment]uuid.UUID{}
	for _, it := range items {
		have[it.Instalment()] = it.InstalmentID
	}
	joined := map[decision.Instalment]*uuid.UUID{} // since an earlier transaction of the batch was rebuilt
	for _, before := range w.Record().Attempts {
		for _, o := range before.Outputs {
			if o.Lost != nil {
				joined[*o.Lost] = o.InstalmentID
			}
		}
	}
	for i, o := range l.Outs {
		out := payout.AttemptOutput{
			Vout:        uint32(i),
			Script:      tx.TxOut[i].PkScript,
			Amount:      btcutil.Amount(o.Sat),
			ChangeIndex: o.Change,
		}
		if o.Change != nil {
			if err := r.wallet.AddOutputFields(&packet.Outputs[i], wallet.ChainChange, *o.Change); err != nil {
				return payout.Attempt{}, err
			}
		} else {
			paid, err := l.paid(i, owed)
			if err != nil {
				return payout.Attempt{}, err
			}
			if instalment, ok := have[paid]; ok {
				out.InstalmentID = &instalment
			} else {
				out.Lost, out.InstalmentID = &paid, joined[paid]
			}
		}
		a.Outputs = append(a.Outputs, out)
		left -= out.Amount
	}
	if left != 0 {
		return payout.Attempt{}, never("its journal line is inconsistent.")
	}
	packed, err := txbuild.Pack(packet)
	a.PSBT, a.PrevTxs = packed.PSBT, packed.PrevTxs
	return a, err
}

// batch makes the row of a lost batch from its note. Who composed and approved it
// is lost; the journal proves that it went out.
func (r *Recovery) batch(w *Rebuild, first payout.Attempt, l lostLine, now time.Time) (payout.Batch, error) {
	b := payout.Batch{
		ID:             l.batch,
		FundID:         r.fund.ID,
		Kind:           payout.Payout,
		Number:         l.Number,
		State:          payout.Composed,
		Version:        1,
		Note:           l.Note,
		Outputs:        1,
		DeadlineBlocks: r.fund.DeadlineBlocks,
		ComposedBy:     w.Staff[0],
		CreatedAt:      time.Unix(l.Time, 0).UTC(),
		ChangedAt:      now,
	}
	var of uuid.UUID
	var number uint32
	if decision.IsUpkeep([]byte(l.Note)) {
		note, err := decision.ParseUpkeep([]byte(l.Note))
		if err != nil {
			return payout.Batch{}, never("its journal line has an upkeep note that cannot be read.")
		}
		b.Kind, b.Outputs, b.Chosen, b.Digest = payout.Kind(note.Kind), note.Outputs, note.Coins, note.Digest()
		b.MaxFeeRateSatKVB, b.MaxFee, of, number = note.MaxFeeRateSatKVB, note.MaxFee, note.Batch, note.Number
		b.Until = note.Until
	} else {
		note, err := decision.ParseBatch([]byte(l.Note))
		if err != nil {
			return payout.Batch{}, never("its journal line has a batch note that cannot be read.")
		}
		b.Digest, b.MaxFeeRateSatKVB, b.MaxFee, of, number = note.Digest(), note.MaxFeeRateSatKVB, note.MaxFee, note.Batch, note.Number
		b.Treasury, b.Until = note.Treasury, note.Until
	}
	if of != l.batch || number != l.Number || b.Digest.String() != l.BatchNote {
		return payout.Batch{}, never("its journal line has the note of another batch.")
	}
	b.Seed = sha256.Sum256(b.Digest[:]) // the first one is lost; any will do
	b.FeeRateSatKVB = max(first.FeeRateSatKVB(), 1)
	if b.MaxFeeRateSatKVB == 0 { // a child: what it was to pay together with its parent is lost
		b.MaxFeeRateSatKVB = max(b.FeeRateSatKVB, r.fund.MaxFeeRateSatKVB)
	}
	b.FeeRateSatKVB = min(b.FeeRateSatKVB, b.MaxFeeRateSatKVB)
	return b, nil
}

// void brings the request to take the batch back, with its approval. Whoever asked
// for it is lost, and so is which payments were to be cancelled: none is.
func (r *Recovery) void(w *Rebuild, a payout.Attempt, l lostLine, now time.Time) error {
	have := w.Record()
	note, err := decision.ParseVoid([]byte(l.Void))
	if err != nil || note.Batch != have.Batch.ID || note.Number != have.Batch.Number || note.Note != have.Batch.Digest {
		return never("its journal line has a void note that is not for its batch.")
	}
	voidID, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("draw void id: %w", err)
	}
	v := payout.Void{
		ID:            voidID,
		BatchID:       have.Batch.ID,
		Note:          l.Void,
		Fee:           btcutil.Amount(l.Fee),
		Digest:        note.Digest(),
		FeeRateSatKVB: max(int64(txbuild.FeeRateOf(btcutil.Amount(l.Fee), a.Weight)), 1),
		Reason:        "Recovered from the signer's journal: who asked, and why, is lost.",
		AskedBy:       w.Staff[0],
		AskedAt:       now,
	}
	if have.Void != nil {
		if have.Void.Note != l.Void {
			return never("the database has a different void note for its batch.")
		}
		v = *have.Void
	}
	second := w.Staff[0]
	if at := slices.IndexFunc(w.Staff, func(id uuid.UUID) bool { return id != v.AskedBy }); at >= 0 {
		second = w.Staff[at]
	}
	return w.RecoverVoid(r.by, v, second, leafDetail(l))
}
