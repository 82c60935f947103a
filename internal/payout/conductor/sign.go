package conductor

import (
	"context"
	"slices"

	"github.com/btcsuite/btcd/psbt/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/crash"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
)

// sign asks for signatures of the newest attempt, one signer a step, as often as it
// takes: the same transaction has the same txid. again is false while people have
// to bring what is missing.
func (c *Conductor) sign(ctx context.Context, r payout.Record) (again bool, err error) {
	descriptor, err := payout.TreasuryOf(r.Fund)
	if err != nil {
		return false, err
	}
	holdings, err := c.cfg.Store.Holdings(ctx)
	if err != nil {
		return false, err
	}
	if err := payout.Calm(holdings); err != nil {
		return false, err
	}
	newest := r.Attempts[len(r.Attempts)-1]
	merged, err := payout.Gather(newest)
	if err != nil {
		return false, err
	}
	state, err := txbuild.Missing(merged, descriptor)
	if err != nil {
		return false, err
	}
	if state.Missing == 0 {
		return true, c.storeSigned(ctx, r, merged, descriptor)
	}
	if newest.LacksNotes() {
		return false, payout.ApprovalsLost()
	}
	var down error // one signer that does not answer is no reason not to ask the next
	for _, signer := range c.cfg.Signers {
		info, err := signer.Info(ctx)
		if err == nil && slices.Contains(state.Signed, info.Fingerprint) {
			continue
		}
		if err == nil {
			err = c.ask(ctx, r, signer, info, merged, descriptor)
		}
		if err == nil || errs.KindOf(err) != errs.Unavailable {
			return true, err
		}
		down = err
	}
	return false, down
}

// ask has one signer sign. When its signature is the last one the signed bytes are
// stored at once, otherwise the signature itself.
func (c *Conductor) ask(
	ctx context.Context,
	r payout.Record,
	signer Signer,
	info signerrpc.Info,
	merged *psbt.Packet,
	d *wallet.Descriptor,
) error {
	newest := r.Attempts[len(r.Attempts)-1]
	request := signerrpc.Request{
		PSBT:      newest.PSBT,
		PrevTxs:   newest.PrevTxs,
		BatchNote: r.Batch.Note,
		BatchID:   r.Batch.ID.String(),
		AttemptNo: int64(newest.No),
	}
	if newest.Kind == payout.Voids {
		request.Void = r.Void.Note
	} else {
		for _, it := range r.Items {
			request.Decisions = append(request.Decisions, it.Note)
		}
		dead, err := c.cfg.Store.DeadAttempts(ctx, r.Batch.ID, max(payout.DeadHeaders, int(info.FinalDepth)))
		if err != nil {
			return err
		}
		shown := map[string]bool{} // one proof serves for all that its transaction kills
		for _, x := range dead {
			if shown[string(x.Killer.Tx)] {
				continue
			}
			shown[string(x.Killer.Tx)] = true
			request.Dead = append(request.Dead, signerrpc.DeadProof{TxID: x.TxID.String(), Proof: x.Killer})
		}
	}
	first := len(newest.Partial) == 0
	if first {
		crash.At("C4")
	}
	response, err := signer.Sign(ctx, request)
	if err != nil {
		return err
	}
	if first {
		crash.At("C5")
	} else {
		crash.At("C7")
	}
	signed, err := txbuild.ParsePSBT(response.PSBT)
	if err != nil {
		return err
	}
	if merged, err = txbuild.Merge(merged, signed); err != nil {
		return err
	}
	state, err := txbuild.Missing(merged, d)
	if err != nil {
		return err
	}
	if state.Missing == 0 {
		return c.storeSigned(ctx, r, merged, d)
	}
	now := c.now()
	_, err = c.cfg.Store.UpdateBatch(ctx, c.cfg.Epoch, r.Batch.ID, now, func(l *payout.Locked) error {
		return l.AddSignature(newest.TxID, payout.Signature{PSBT: response.PSBT, Source: info.Fingerprint, At: now})
	})
	crash.At("C6")
	return err
}

// storeSigned keeps the finished bytes before any node is told.
func (c *Conductor) storeSigned(ctx context.Context, r payout.Record, merged *psbt.Packet, d *wallet.Descriptor) error {
	newest := r.Attempts[len(r.Attempts)-1]
	raw, txid, err := txbuild.ExtractSigned(merged, d)
	if err != nil {
		return err
	}
	if txid != newest.TxID {
		return errs.New(errs.Internal, CodeTxIDChanged, "The signer returned a transaction with another txid.")
	}
	now := c.now()
	crash.At("C8")
	_, err = c.cfg.Store.UpdateBatch(ctx, c.cfg.Epoch, r.Batch.ID, now, func(l *payout.Locked) error {
		return l.Sign(c.by, newest.TxID, raw)
	})
	if newest.No > 0 {
		crash.At("C14")
	}
	return err
}

// broadcast tells the node of the newest attempt for the first time.
func (c *Conductor) broadcast(ctx context.Context, r payout.Record) error {
	newest := r.Attempts[len(r.Attempts)-1]
	crash.At("C9")
	reply, err := c.cfg.Broadcaster.Broadcast(ctx, newest.Raw, newest.BroadcastCap())
	crash.At("C10")
	if err != nil && reply == "" {
		// The node may have taken it before the answer was lost, so it counts as
		// broadcast; the next round tells it again.
		reply = "no answer: " + payout.PlainWords(err)
	}
	c.broadcastAt[r.Batch.ID] = r.Tip.Hash
	now := c.now()
	crash.At("C11")
	_, storeErr := c.cfg.Store.UpdateBatch(ctx, c.cfg.Epoch, r.Batch.ID, now, func(l *payout.Locked) error {
		return l.Broadcast(c.by, newest.TxID, reply)
	})
	if storeErr != nil {
		return storeErr
	}
	return err
}

// broadcastAgain sends the same bytes once a block, and at every start: nodes
// forget. When the node does not take the newest attempt, because it holds an
// earlier one or its parent is gone, the earlier ones are sent as well: any of them
// may be the one that confirms.
func (c *Conductor) broadcastAgain(ctx context.Context, r payout.Record) error {
	if at, ok := c.broadcastAt[r.Batch.ID]; ok && at == r.Tip.Hash && r.Batch.LastError == "" {
		return nil
	}
	var first error
	for _, a := range slices.Backward(r.Attempts) {
		_, told := a.Broadcast()
		if len(a.Raw) == 0 || (a.Kind == payout.Pays && !told && r.Void.Agreed()) {
			continue // what two people take back is not told for the first time
		}
		_, err := c.cfg.Broadcaster.Broadcast(ctx, a.Raw, a.BroadcastCap())
		if err == nil {
			first = nil
			break
		}
		if first == nil {
			first = err
		}
	}
	if first != nil {
		return first
	}
	c.broadcastAt[r.Batch.ID] = r.Tip.Hash
	return nil
}
