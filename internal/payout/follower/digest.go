package follower

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// digest works out what a connected block means for batches, ledger and breaker.
func (f *Follower) digest(w *payout.ChainWork, b payout.Block) error {
	now := f.now()
	for _, own := range b.Txs {
		txid := own.Tx.TxHash().String()
		ours, known := w.Ours[txid]
		switch {
		case known && ours.Attempt.Kind == payout.Voids:
			f.voidMined(w, ours, own, b.Tip, now)
		case known && ours.Attempt.Kind == payout.Pays && ours.Batch.State.Payable():
			if err := f.mined(w, ours, own, b.Tip, now); err != nil {
				return err
			}
		case len(own.Spends) > 0 && (own.InJournal || w.Adopted[txid]):
			f.adoptWhole(w, own, b.Tip, now)
		case len(own.Spends) > 0:
			f.foreign(w, own, b.Tip, now)
		default:
			for _, c := range own.Coins {
				t := ledger.Move(
					ledger.KindDeposit,
					c.OutPoint.String(),
					ledger.Outside,
					ledger.Available,
					c.Amount,
					now,
				)
				t.Height = &b.Tip.Height
				w.Post = append(w.Post, t)
			}
		}
	}
	for _, waiting := range w.Waiting {
		f.deepen(w, waiting, b.Tip, now)
	}
	for _, dead := range w.Dead {
		if !dead.Batch.State.Can(payout.Voided) {
			f.to(
				w,
				dead,
				payout.Conflicted,
				"",
				"conflicted",
				"a transaction whose change it spends can never confirm",
				now,
			)
			dead.Batch.State = payout.Conflicted
		}
		f.release(w, dead, now)
	}
	return nil
}

// voidMined books a void: nobody was paid, and its fee is gone. Its batch goes on
// waiting, because only as deep as final nothing can be paid any more.
func (f *Follower) voidMined(
	w *payout.ChainWork,
	ours payout.Followed,
	own payout.OwnTx,
	tip payout.Tip,
	now time.Time,
) {
	w.Post = append(w.Post, ledger.Mined(own.Tx.TxHash().String(), tip.Height, 0, own.SpentSat-own.PaidBackSat, now))
	state := ours.Batch.State
	if state.Can(payout.Voiding) {
		state = payout.Voiding
	}
	f.to(w, ours, state, "", "mined", "block "+strconv.Itoa(int(tip.Height)), now)
	f.keepRaw(w, ours, own)
}

// release follows rule R: every transaction that could have paid the batch is dead,
// so its payments are payable again, or cancelled where that was asked for.
func (f *Follower) release(w *payout.ChainWork, x payout.Followed, now time.Time) {
	cancel := map[uuid.UUID]bool{}
	if x.Void.Agreed() {
		for _, id := range x.Void.CancelIDs {
			cancel[id] = true
		}
	}
	var again, cancelled btcutil.Amount
	var ids []uuid.UUID
	for _, it := range x.Items {
		if cancel[it.InstalmentID] {
			cancelled += it.Amount
			ids = append(ids, it.InstalmentID)
			continue
		}
		again += it.Amount
	}
	if again > 0 {
		w.Post = append(
			w.Post,
			ledger.Move(ledger.KindVoid, x.Batch.ID.String(), ledger.InFlight, ledger.Committed, again, now),
		)
	}
	// Nobody here owes what only a journal knew: it is free again.
	if free := cancelled + x.Unjoined; free > 0 {
		w.Post = append(
			w.Post,
			ledger.Move(ledger.KindVoid, x.Batch.ID.String(), ledger.InFlight, ledger.Available, free, now),
		)
	}
	var to grant.InstalmentState
	if len(x.Items) > 0 {
		to = grant.Payable
	}
	f.to(w, x, payout.Voided, to, "dead", "nothing of this batch can be paid any more", now)
	last := &w.Moves[len(w.Moves)-1]
	last.Cancel, last.Leave, last.Release = ids, true, true
}

// keepRaw stores signed bytes that only the block told us.
func (f *Follower) keepRaw(w *payout.ChainWork, ours payout.Followed, own payout.OwnTx) {
	if len(ours.Attempt.Raw) > 0 {
		return
	}
	var raw bytes.Buffer
	_ = own.Tx.Serialize(&raw) // a bytes.Buffer takes everything
	w.Moves[len(w.Moves)-1].Raw = raw.Bytes()
}

// mined takes a batch whose transaction is in the block to mined.
func (f *Follower) mined(
	w *payout.ChainWork,
	ours payout.Followed,
	own payout.OwnTx,
	tip payout.Tip,
	now time.Time,
) error {
	paid := ours.Attempt.Paid()
	fee := own.SpentSat - own.PaidBackSat - paid
	if fee != ours.Attempt.Fee {
		return fmt.Errorf(
			"attempt %s: the block's fee is %d sat, the stored one %d",
			ours.Attempt.ID,
			int64(fee),
			int64(ours.Attempt.Fee),
		)
	}
	if ours.Batch.State == payout.Built {
		f.adopt(w, &ours, tip, now)
	}
	w.Post = append(w.Post, ledger.Mined(own.Tx.TxHash().String(), tip.Height, paid, fee, now))
	if ours.Batch.State == payout.Final {
		// It is back after a reorg that tripped the breaker. Nothing undoes final.
		w.Post = append(w.Post, f.called(ours, tip, now)...)
		return nil
	}
	f.to(w, ours, payout.Mined, grant.Mined, "mined", "block "+strconv.Itoa(int(tip.Height)), now)
	f.keepRaw(w, ours, own)
	if w.Fund.PaidDepth == 1 {
		ours.Batch.State, ours.Height = payout.Mined, tip.Height
		f.deepen(w, ours, tip, now)
	}
	return nil
}

// adopt takes a batch past the signer that, as far as this database knows, was
// never asked. The chain has the last word, and people have to look.
func (f *Follower) adopt(w *payout.ChainWork, ours *payout.Followed, tip payout.Tip, now time.Time) {
	w.Post = append(
		w.Post,
		ledger.Move(
			ledger.KindRelease,
			ours.Batch.ID.String(),
			ledger.Committed,
			ledger.InFlight,
			ours.Attempt.Paid(),
			now,
		),
	)
	f.to(w, *ours, payout.Signing, grant.MaybePaid, "signing", "found in block "+strconv.Itoa(int(tip.Height)), now)
	ours.Batch.State = payout.Signing
	w.Trip = append(w.Trip, payout.Finding{
		Code:    payout.UnexpectedPayment,
		Subject: ours.Attempt.TxID.String(),
		At:      now,
		Detail: fmt.Sprintf(
			"Transaction %s of batch %d is in block %d although no signer was asked for it here. Was an older database restored?",
			ours.Attempt.TxID,
			ours.Batch.Number,
			tip.Height,
		),
	})
}

// adoptWhole books a transaction that a signer's journal names and that could not be
// made an attempt again: what it pays is paid. The recovery has opened its breaker.
func (f *Follower) adoptWhole(w *payout.ChainWork, own payout.OwnTx, tip payout.Tip, now time.Time) {
	var out btcutil.Amount
	for _, o := range own.Tx.TxOut {
		out += btcutil.Amount(o.Value)
	}
	gone := own.SpentSat - own.PaidBackSat
	paid := min(out-own.PaidBackSat, gone)
	t := ledger.Transfer{Kind: ledger.KindAdopt, Ref: own.Tx.TxHash().String(), Height: &tip.Height, At: now}
	for _, p := range []ledger.Posting{{Account: ledger.Available, Amount: -gone}, {Account: ledger.Paid, Amount: paid}, {Account: ledger.Fees, Amount: gone - paid}} {
		if p.Amount != 0 {
			t.Postings = append(t.Postings, p)
		}
	}
	w.Post = append(w.Post, t)
	f.conflict(w, own, now)
}

// foreign books a spend that no attempt made: theft, or the key used elsewhere.
func (f *Follower) foreign(w *payout.ChainWork, own payout.OwnTx, tip payout.Tip, now time.Time) {
	txid := own.Tx.TxHash().String()
	if lost := own.SpentSat - own.PaidBackSat; lost != 0 {
		t := ledger.Move(ledger.KindForeignSpend, txid, ledger.Available, ledger.Lost, lost, now)
		t.Height = &tip.Height
		w.Post = append(w.Post, t)
	}
	taken := own.SpentSat
	w.Trip = append(w.Trip, payout.Finding{
		Code:    payout.ForeignSpend,
		Subject: txid,
		Amount:  &taken,
		At:      now,
		Detail: fmt.Sprintf(
			"Transaction %s in block %d spends %d sat of the treasury and is not one of ours.",
			txid,
			tip.Height,
			int64(own.SpentSat),
		),
	})
	f.conflict(w, own, now)
}

// conflict stops the batches whose coins a transaction of nobody's spends.
func (f *Follower) conflict(w *payout.ChainWork, own payout.OwnTx, now time.Time) {
	txid := own.Tx.TxHash().String()
	spent := map[string]bool{}
	for _, op := range own.Spends {
		spent[op.String()] = true
	}
	for _, hit := range w.Spending {
		// Every attempt spends what the first one spends, so a spend of that stops them
		// all; one of a coin that a bump added leaves the earlier attempts alive.
		dead := slices.ContainsFunc(
			hit.Attempt.Inputs,
			func(in payout.AttemptInput) bool { return spent[in.OutPoint.String()] },
		)
		if dead && hit.Attempt.No == 0 && hit.Batch.State.Can(payout.Conflicted) {
			f.to(w, hit, payout.Conflicted, "", "conflicted", "spent by "+txid, now)
		}
	}
}

// deepen takes a batch on when its block is deep enough below tip.
func (f *Follower) deepen(w *payout.ChainWork, waiting payout.Followed, tip payout.Tip, now time.Time) {
	depth := tip.Height - waiting.Height + 1
	if waiting.Batch.State == payout.Mined && depth >= w.Fund.PaidDepth {
		w.Post = append(w.Post, f.called(waiting, tip, now)...)
		f.to(w, waiting, payout.Paid, grant.Paid, "paid", strconv.Itoa(int(depth))+" confirmations", now)
		waiting.Batch.State = payout.Paid
	}
	if waiting.Batch.State == payout.Paid && depth >= w.Fund.FinalDepth {
		f.to(w, waiting, payout.Final, grant.Final, "final", strconv.Itoa(int(depth))+" confirmations", now)
		w.Moves[len(w.Moves)-1].Release = true
	}
}

// called is the transfer of payments that are now called paid; none, if the
// transaction pays nobody.
func (f *Follower) called(x payout.Followed, tip payout.Tip, now time.Time) []ledger.Transfer {
	if x.Attempt.Paid() == 0 {
		return nil
	}
	t := ledger.Move(ledger.KindPaid, x.Attempt.TxID.String(), ledger.Confirming, ledger.Paid, x.Attempt.Paid(), now)
	t.Height = &tip.Height
	return []ledger.Transfer{t}
}

// revert works out what taking the block at head away means.
func (f *Follower) revert(w *payout.ChainWork, head payout.Tip, now time.Time) error {
	for _, t := range w.Transfers {
		w.Post = append(w.Post, t.Undo(now))
	}
	for _, ours := range w.Ours {
		gone := "block " + strconv.Itoa(int(head.Height)) + " left the best chain"
		switch {
		case ours.Batch.State == payout.Final || ours.Batch.State == payout.Voided:
			w.Trip = append(w.Trip, payout.FoundDeepReorg(head, now))
		case ours.Attempt.Kind == payout.Voids:
			f.to(w, ours, ours.Batch.State, "", "reorged", gone, now)
		case ours.Void.Agreed():
			f.to(w, ours, payout.Voiding, grant.MaybePaid, "reorged", gone, now)
		default:
			f.to(w, ours, payout.Broadcast, grant.MaybePaid, "reorged", gone, now)
		}
	}
	for _, waiting := range w.Waiting {
		// The block that made it deep enough is the one that goes.
		if waiting.Batch.State == payout.Paid && head.Height-waiting.Height+1 == w.Fund.PaidDepth {
			f.to(w, waiting, payout.Mined, grant.Mined, "reorged", "fewer confirmations again", now)
		}
	}
	for _, freed := range w.Freed {
		back := payout.Broadcast
		if freed.Void.Agreed() {
			back = payout.Voiding
		}
		if freed.Void.Agreed() || len(freed.Attempt.Raw) > 0 {
			f.to(w, freed, back, "", "reorged", "what spent its coins left the best chain", now)
		}
	}
	return nil
}

// to records that an attempt's batch moves to a state, or stays where it is.
func (f *Follower) to(
	w *payout.ChainWork,
	x payout.Followed,
	to payout.State,
	items grant.InstalmentState,
	event, detail string,
	now time.Time,
) {
	if x.Batch.Kind != payout.Payout {
		items = ""
	}
	w.Moves = append(
		w.Moves,
		payout.Move{
			Batch:   x.Batch,
			To:      to,
			ItemsTo: items,
			Attempt: x.Attempt.ID,
			Event:   payout.AttemptEvent{Event: event, Detail: detail, At: now},
		},
	)
	w.NewEntries = append(w.NewEntries, audit.Entry{
		Actor: identity.System(
			"worker",
		),
		Action:     "batch." + string(to),
		ObjectKind: "batch",
		ObjectID:   x.Batch.ID.String(),
		From:       string(x.Batch.State),
		To:         string(to),
		Digest:     x.Batch.Digest[:],
		At:         now,
		Detail:     map[string]string{"event": event, "detail": detail},
	})
}
