package recovery

import (
	"bytes"
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
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// rebuildOne brings one lost transaction back, with its batch when that is lost.
func (r *Recovery) rebuildOne(ctx context.Context, l lostLine, txs []payout.OwnTx) error {
	if l.V < newestLine {
		return never("its journal line is of version %d, which does not hold the transaction.", l.V)
	}
	tx, err := l.unsigned()
	if err != nil {
		return err
	}
	digests, err := l.digests()
	if err != nil {
		return err
	}
	near, err := r.near(ctx, l, txs)
	if err != nil {
		return err
	}
	about := About{TxID: l.txid, Batch: l.batch, Number: l.Number, Digests: digests, Inputs: l.inputs}
	now := r.now()
	return r.cfg.Store.Rebuild(ctx, r.cfg.Epoch, about, now, func(w *Rebuild) error {
		for op, coin := range near {
			if _, ok := w.Coins[op]; !ok {
				w.Coins[op] = coin
			}
		}
		return r.restore(w, l, tx, digests, now)
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
		if errs.Is(err, "attempt_not_found") {
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
			coins[op] = txbuild.Coin{OutPoint: op, Amount: o.Amount, Script: o.Script, Chain: wallet.ChainChange, Index: *o.ChangeIndex, PrevTx: packet.UnsignedTx}
		}
	}
	return coins, nil
}

// restore fills w with what the line adds to the database.
func (r *Recovery) restore(w *Rebuild, l lostLine, tx *wire.MsgTx, digests []decision.Digest, now time.Time) error {
	at := slices.IndexFunc(w.Attempts, func(a payout.Attempt) bool { return a.TxID == l.txid })
	switch {
	case at >= 0 && w.Attempts[at].Released():
		return nil
	case w.InChain:
		return never("it was walked already as somebody else's.")
	case at < 0 && slices.ContainsFunc(w.Attempts, func(a payout.Attempt) bool { return a.No == l.Attempt }):
		return never("the batch has another transaction in its place.")
	case w.Known && w.Batch.State == payout.Voided:
		return never("the batch was taken back, and its payments may be in another one.")
	case len(w.Staff) == 0 && (!w.Known || l.Void != ""):
		return never("the database knows nobody who works here.")
	}
	if err := r.displace(w, l); err != nil {
		return err
	}
	if err := checkItems(w, l, digests); err != nil {
		return err
	}
	if at < 0 {
		a, err := r.attempt(w, l, tx, now)
		if err != nil {
			return err
		}
		w.NewAttempt = a
		w.AttemptEvents = append(w.AttemptEvents, payout.AttemptEvent{Event: "built", Detail: fromJournal(l), At: time.Unix(l.Time, 0).UTC()})
	} else { // events go to the last one
		w.Attempts = append(slices.Delete(slices.Clone(w.Attempts), at, at+1), w.Attempts[at])
	}
	w.AttemptEvents = append(w.AttemptEvents, payout.AttemptEvent{Event: "signing", Detail: fromJournal(l), At: time.Unix(l.Time, 0).UTC()})
	if !w.Known {
		if err := r.batch(w, l, now); err != nil {
			return err
		}
	}
	if w.Batch.Note == "" || (w.Batch.Note != l.Note) {
		return never("the database has another note of its batch.")
	}
	if w.Batch.Anchor == nil {
		w.Batch.Anchor = &l.inputs[0]
	}
	r.advance(w, l, now)
	if l.Void != "" {
		if err := r.void(w, l, now); err != nil {
			return err
		}
	}
	if ended := w.Batch.State == payout.Final || w.Batch.State == payout.Voided; !ended {
		for _, op := range l.inputs {
			if !w.Reserved[op] {
				w.Reserve = append(w.Reserve, op)
			}
		}
	}
	w.Batch.LastError = ""
	return nil
}

func fromJournal(l lostLine) string {
	return "recovered from line " + strconv.FormatInt(l.Seq, 10) + " of the signer's journal"
}

// displace cancels the batches that stand where the lost one was, or waits for them.
func (r *Recovery) displace(w *Rebuild, l lostLine) error {
	for _, rival := range w.Rivals {
		number := rival.Batch.Number
		switch {
		case rival.Batch.State.BeforeSigning():
			w.Cancel = append(w.Cancel, rival)
			e := payout.Entry(r.by, "batch.cancelled", rival.Batch, rival.Batch.State, r.now())
			e.To, e.Detail = string(payout.Cancelled), map[string]string{"reason": "a signer's journal says that batch " + strconv.FormatUint(uint64(l.Number), 10) + " went out instead"}
			w.Entries = append(w.Entries, e)
		case number == l.Number:
			return never("another batch has its number.")
		case rival.Batch.State == payout.Final:
			return never("batch %d has paid the same or spent the same coins.", number)
		default:
			return &waitError{fmt.Sprintf("transaction %s for batch %d, which is %s.", l.TxID, number, rival.Batch.State)}
		}
	}
	return nil
}

// checkItems holds the payments that the database knows of against the line. One
// that it lacks, or that was cancelled meanwhile, stays in the batch as a payment
// that only the journal knows.
func checkItems(w *Rebuild, l lostLine, digests []decision.Digest) error {
	cancelled := func(it payout.Item) bool { return it.State == grant.Cancelled }
	if at := slices.IndexFunc(w.Items, cancelled); at >= 0 && w.Known {
		return never("payment %s of it was cancelled.", w.Items[at].InstalmentID)
	}
	w.Items = slices.DeleteFunc(w.Items, cancelled)
	have := map[decision.Digest]payout.Item{}
	for _, it := range w.Items {
		have[it.Digest] = it
	}
	for _, o := range l.Outs {
		if o.Change != nil {
			continue
		}
		d, err := decision.ParseDigest(o.Note)
		if err != nil || !slices.Contains(digests, d) {
			return never("an output of it is in no note of its batch.")
		}
		it, ok := have[d]
		if ok && (int64(it.Amount) != o.Sat || hex.EncodeToString(it.Script) != o.Script) {
			return never("an output of it is not a payment as the database has it.")
		}
	}
	return nil
}

// attempt makes the row of the transaction again, with all that signing it takes.
func (r *Recovery) attempt(w *Rebuild, l lostLine, tx *wire.MsgTx, now time.Time) (*payout.Attempt, error) {
	packet, err := psbt.NewFromUnsignedTx(tx)
	if err != nil {
		return nil, fmt.Errorf("make PSBT of %s: %w", l.TxID, err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("draw attempt id: %w", err)
	}
	a := &payout.Attempt{
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
			return nil, &waitError{fmt.Sprintf("transaction %s for the coin %s, which the walked chain does not have.", l.TxID, op)}
		}
		in := &packet.Inputs[i]
		in.NonWitnessUtxo, in.WitnessUtxo = coin.PrevTx, wire.NewTxOut(int64(coin.Amount), coin.Script)
		if err := r.wallet.AddInputFields(in, coin.Chain, coin.Index); err != nil {
			return nil, err
		}
		a.Inputs = append(a.Inputs, payout.AttemptInput{OutPoint: op, Amount: coin.Amount})
		left += coin.Amount
	}
	byDigest := map[string]uuid.UUID{}
	for _, it := range w.Items {
		byDigest[it.Digest.String()] = it.InstalmentID
	}
	joined := map[decision.Digest]*uuid.UUID{} // since an earlier transaction of the batch was rebuilt
	for _, before := range w.Attempts {
		for _, o := range before.Outputs {
			if o.Decision != nil {
				joined[*o.Decision] = o.InstalmentID
			}
		}
	}
	for i, o := range l.Outs {
		out := payout.AttemptOutput{Vout: uint32(i), Script: tx.TxOut[i].PkScript, Amount: btcutil.Amount(o.Sat), ChangeIndex: o.Change}
		if o.Change != nil {
			if err := r.wallet.AddOutputFields(&packet.Outputs[i], wallet.ChainChange, *o.Change); err != nil {
				return nil, err
			}
		} else if instalment, ok := byDigest[o.Note]; ok {
			out.InstalmentID = &instalment
		} else {
			d, err := decision.ParseDigest(o.Note)
			if err != nil {
				return nil, never("an output of it is in no note of its batch.")
			}
			out.Decision, out.InstalmentID = &d, joined[d]
		}
		a.Outputs = append(a.Outputs, out)
		left -= out.Amount
	}
	if left != 0 {
		return nil, never("its journal line does not add up.")
	}
	packed, err := txbuild.Pack(packet)
	a.PSBT, a.PrevTxs = packed.PSBT, packed.PrevTxs
	return a, err
}

// batch makes the row of a lost batch from its note. Who composed and approved it
// is lost; the journal proves that it went out.
func (r *Recovery) batch(w *Rebuild, l lostLine, now time.Time) error {
	b := payout.Batch{
		ID: l.batch, FundID: r.fund.ID, Kind: payout.Payout, Number: l.Number, State: payout.Composed, Version: 1, Note: l.Note, Outputs: 1,
		DeadlineBlocks: r.fund.DeadlineBlocks, ComposedBy: w.Staff[0], CreatedAt: time.Unix(l.Time, 0).UTC(), ChangedAt: now,
	}
	var of uuid.UUID
	var number uint32
	if decision.IsUpkeep([]byte(l.Note)) {
		note, err := decision.ParseUpkeep([]byte(l.Note))
		if err != nil {
			return never("its journal line has an upkeep note that cannot be read.")
		}
		b.Kind, b.Outputs, b.Chosen, b.Digest = payout.Kind(note.Kind), note.Outputs, note.Coins, note.Digest()
		b.MaxFeeRateSatVB, b.MaxFee, of, number = note.MaxFeeRateSatVB, note.MaxFee, note.Batch, note.Number
	} else {
		note, err := decision.ParseBatch([]byte(l.Note))
		if err != nil {
			return never("its journal line has a batch note that cannot be read.")
		}
		b.Digest, b.MaxFeeRateSatVB, b.MaxFee, of, number = note.Digest(), note.MaxFeeRateSatVB, note.MaxFee, note.Batch, note.Number
	}
	if of != l.batch || number != l.Number || b.Digest.String() != l.BatchNote {
		return never("its journal line has the note of another batch.")
	}
	b.Seed = sha256.Sum256(b.Digest[:]) // the first one is lost; any will do
	b.FeeRateSatVB = max(w.NewAttempt.FeeRateSatVB(), 1)
	if b.MaxFeeRateSatVB == 0 { // a child: what it was to pay together with its parent is lost
		b.MaxFeeRateSatVB = max(b.FeeRateSatVB, r.fund.MaxFeeRateSatVB)
	}
	b.FeeRateSatVB = min(b.FeeRateSatVB, b.MaxFeeRateSatVB)
	w.Create, w.Batch = true, b
	e := r.recovered(b, "", payout.Composed, l, now)
	w.Entries = append(w.Entries, e)
	return nil
}

func (r *Recovery) recovered(b payout.Batch, from, to payout.State, l lostLine, now time.Time) audit.Entry {
	e := payout.Entry(r.by, "batch.recovered", b, from, now)
	e.To, e.Digest = string(to), b.Digest[:]
	e.Detail = map[string]string{"txid": l.TxID, "journal_line": strconv.FormatInt(l.Seq, 10)}
	return e
}

// advance takes the batch and its payments past the point of no return, along the
// edges that are legal.
func (r *Recovery) advance(w *Rebuild, l lostLine, now time.Time) {
	var path []payout.State
	switch w.Batch.State {
	case payout.Composed:
		path = []payout.State{payout.Approved, payout.Built, payout.Signing}
	case payout.Approved:
		path = []payout.State{payout.Built, payout.Signing}
	case payout.Built, payout.Cancelled:
		path = []payout.State{payout.Signing}
	case payout.Signing, payout.Signed, payout.Announced, payout.Mined, payout.Paid, payout.Final, payout.Conflicted, payout.Voiding, payout.Voided:
		w.Entries = append(w.Entries, r.recovered(w.Batch, w.Batch.State, w.Batch.State, l, now))
		return
	}
	w.Rehome = w.Batch.State == payout.Cancelled
	for _, to := range path {
		w.Entries = append(w.Entries, r.recovered(w.Batch, w.Batch.State, to, l, now))
		w.Via = append(w.Via, to)
		w.Batch.State = to
	}
	w.Via = w.Via[:len(w.Via)-1]
	if lost := w.newest().Unjoined(); lost > 0 { // nothing was set aside for it here
		w.Transfers = append(w.Transfers, ledger.Move(ledger.KindAdopt, w.Batch.ID.String(), ledger.Available, ledger.InFlight, lost, now))
	}
	if len(w.Items) == 0 {
		return
	}
	freed := map[uuid.UUID]bool{}
	for _, rival := range w.Cancel {
		for _, it := range rival.Items {
			freed[it.InstalmentID] = true
		}
	}
	var held, payable, all []uuid.UUID
	for _, it := range w.Items {
		all = append(all, it.InstalmentID)
		switch {
		case freed[it.InstalmentID] || it.State == grant.Payable:
			payable = append(payable, it.InstalmentID)
		case it.State == grant.Held:
			held, payable = append(held, it.InstalmentID), append(payable, it.InstalmentID)
		}
	}
	w.Hops = []payout.Hop{
		{IDs: held, From: grant.Held, To: grant.Payable},
		{IDs: payable, From: grant.Payable, To: grant.Allocated},
		{IDs: all, From: grant.Allocated, To: grant.MaybePaid},
	}
	w.Transfers = append(w.Transfers, ledger.Move(ledger.KindRelease, w.Batch.ID.String(), ledger.Committed, ledger.InFlight, payout.Total(w.Items), now))
}

// void brings the request to take the batch back, with its approval. Whoever asked
// for it is lost, and so is which payments were to be cancelled: none is.
func (r *Recovery) void(w *Rebuild, l lostLine, now time.Time) error {
	note, err := decision.ParseVoid([]byte(l.Void))
	if err != nil || note.Batch != w.Batch.ID || note.Number != w.Batch.Number || note.Note != w.Batch.Digest {
		return never("its journal line has a void note that is not for its batch.")
	}
	asked := w.Staff[0]
	if w.Void == nil {
		voidID, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("draw void id: %w", err)
		}
		w.NewVoid = &payout.Void{
			ID: voidID, BatchID: w.Batch.ID, Note: l.Void, Fee: btcutil.Amount(l.Fee), Digest: note.Digest(), FeeRateSatVB: max(l.Fee*4/max(w.newest().Weight, 1), 1),
			Reason: "Recovered from the signer's journal: who asked, and why, is lost.", AskedBy: asked, AskedAt: now,
		}
	} else {
		if !bytes.Equal([]byte(w.Void.Note), []byte(l.Void)) {
			return never("the database has another void note of its batch.")
		}
		asked = w.Void.AskedBy
	}
	if !w.Void.Agreed() {
		second := w.Staff[0]
		for _, id := range w.Staff {
			if id != asked {
				second = id
				break
			}
		}
		id, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("draw approval id: %w", err)
		}
		w.VoidApproval = &payout.Approval{ID: id, BatchID: w.Batch.ID, Digest: note.Digest(), StaffID: second, CreatedAt: now}
	}
	if w.Batch.State == payout.Signing || w.Batch.State == payout.Signed || w.Batch.State == payout.Announced {
		w.Entries = append(w.Entries, r.recovered(w.Batch, w.Batch.State, payout.Voiding, l, now))
		w.Via = append(w.Via, w.Batch.State)
		w.Batch.State = payout.Voiding
	}
	return nil
}

func (w *Rebuild) newest() payout.Attempt {
	if w.NewAttempt != nil {
		return *w.NewAttempt
	}
	return w.Attempts[len(w.Attempts)-1]
}
