package payout

import (
	"context"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/psbt/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/crash"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
)

// deadHeaders is how many headers a dead-proof shows at least; signers refuse less
// than their own depth.
const deadHeaders = 100

// sign asks for signatures of the newest attempt, one signer a step, as often as it
// takes: the same transaction has the same txid. again is false while people have
// to bring what is missing.
func (c *Conductor) sign(ctx context.Context, r Record) (again bool, err error) {
	f, err := c.cfg.Store.Fund(ctx)
	if err != nil {
		return false, err
	}
	descriptor, err := treasuryOf(f)
	if err != nil {
		return false, err
	}
	holdings, err := c.cfg.Store.Holdings(ctx)
	if err != nil {
		return false, err
	}
	if err := calm(holdings); err != nil {
		return false, err
	}
	newest := r.Attempts[len(r.Attempts)-1]
	merged, err := gather(newest)
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
	if newest.lacksNotes() {
		return false, approvalsLost()
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

// gather merges what came back for an attempt so far.
func gather(a Attempt) (*psbt.Packet, error) {
	merged, err := a.packet()
	if err != nil {
		return nil, err
	}
	for _, part := range a.Partial {
		packet, err := txbuild.ParsePSBT(part.PSBT)
		if err != nil {
			return nil, err
		}
		if merged, err = txbuild.Merge(merged, packet); err != nil {
			return nil, err
		}
	}
	return merged, nil
}

// ask has one signer sign. When its signature is the last one the signed bytes are
// stored at once, otherwise the signature itself.
func (c *Conductor) ask(ctx context.Context, r Record, signer Signer, info signerrpc.Info, merged *psbt.Packet, d *wallet.Descriptor) error {
	newest := r.Attempts[len(r.Attempts)-1]
	request := signerrpc.Request{PSBT: newest.PSBT, PrevTxs: newest.PrevTxs, BatchNote: r.Batch.Note, BatchID: r.Batch.ID.String(), AttemptNo: int64(newest.No)}
	if newest.Kind == Voids {
		request.Void = r.Void.Note
	} else {
		for _, it := range r.Items {
			request.Decisions = append(request.Decisions, it.Note)
		}
		dead, err := c.cfg.Store.DeadAttempts(ctx, r.Batch.ID, max(deadHeaders, int(info.FinalDepth)))
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
	_, err = c.cfg.Store.UpdateBatch(ctx, c.cfg.Epoch, r.Batch.ID, now, func(w *Work) error {
		if !sameNewest(w, newest) {
			return errAttemptChanged()
		}
		w.NewSignature = &Signature{PSBT: response.PSBT, Source: info.Fingerprint, At: now}
		w.Batch.LastError = ""
		return nil
	})
	crash.At("C6")
	return err
}

func sameNewest(w *Work, a Attempt) bool {
	return len(w.Attempts) > 0 && w.Attempts[len(w.Attempts)-1].ID == a.ID
}

func errAttemptChanged() error {
	return errs.New(errs.Conflict, "attempt_changed", "Another attempt was added meanwhile. This step changed nothing.")
}

// storeSigned keeps the finished bytes before any node is told.
func (c *Conductor) storeSigned(ctx context.Context, r Record, merged *psbt.Packet, d *wallet.Descriptor) error {
	newest := r.Attempts[len(r.Attempts)-1]
	raw, txid, err := txbuild.ExtractSigned(merged, d)
	if err != nil {
		return err
	}
	if txid != newest.TxID {
		return errs.New(errs.Internal, "txid_changed", "The signer's transaction has another txid.")
	}
	now := c.now()
	crash.At("C8")
	_, err = c.cfg.Store.UpdateBatch(ctx, c.cfg.Epoch, r.Batch.ID, now, func(w *Work) error {
		if !sameNewest(w, newest) {
			return errAttemptChanged()
		}
		w.NewRaw = raw
		w.AttemptEvents = []AttemptEvent{{Event: "signed", At: now}}
		if w.Batch.State == Signing {
			return w.move(c.by, Signed, "batch.signed", now)
		}
		w.note(c.by, "batch.signed", now)
		return nil
	})
	if newest.No > 0 {
		crash.At("C14")
	}
	return err
}

// announce tells the node of the newest attempt for the first time.
func (c *Conductor) announce(ctx context.Context, r Record) error {
	newest := r.Attempts[len(r.Attempts)-1]
	crash.At("C9")
	reply, err := c.cfg.Announcer.Announce(ctx, newest.Raw, newest.announceCap())
	crash.At("C10")
	if err != nil && reply == "" {
		// The node may have taken it before the answer was lost, so it counts as
		// announced; the next round tells it again.
		reply = "no answer: " + plainWords(err)
	}
	c.announcedAt[r.Batch.ID] = r.Tip.Hash
	now := c.now()
	crash.At("C11")
	_, storeErr := c.cfg.Store.UpdateBatch(ctx, c.cfg.Epoch, r.Batch.ID, now, func(w *Work) error {
		if !sameNewest(w, newest) {
			return errAttemptChanged()
		}
		w.AttemptEvents = []AttemptEvent{{Event: "announced", Detail: reply, At: now}}
		if w.Batch.State == Signed {
			return w.move(c.by, Announced, "batch.announced", now)
		}
		w.note(c.by, "batch.announced", now)
		return nil
	})
	if storeErr != nil {
		return storeErr
	}
	return err
}

// announceAgain sends the same bytes once a block, and at every start: nodes
// forget. When the node does not take the newest attempt, because it holds an
// earlier one or its parent is gone, the earlier ones are sent as well: any of them
// may be the one that confirms.
func (c *Conductor) announceAgain(ctx context.Context, r Record) error {
	if at, ok := c.announcedAt[r.Batch.ID]; ok && at == r.Tip.Hash && r.Batch.LastError == "" {
		return nil
	}
	var first error
	for _, a := range slices.Backward(r.Attempts) {
		_, told := a.Announced()
		if len(a.Raw) == 0 || (a.Kind == Pays && !told && r.Void.Agreed()) {
			continue // what two people take back is not told for the first time
		}
		_, err := c.cfg.Announcer.Announce(ctx, a.Raw, a.announceCap())
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
	c.announcedAt[r.Batch.ID] = r.Tip.Hash
	return nil
}

// SignatureStatus says who has signed the newest attempt and how many more have to.
type SignatureStatus struct {
	Needed  int
	Total   int      // keys of the treasury
	Signed  []string // fingerprints
	Missing int
	Bare    bool // the PSBT to take out lacks its previous transactions: txbuild.File
}

// signatureStatus reads the signatures of an attempt.
func signatureStatus(f fund.Fund, a Attempt) (SignatureStatus, error) {
	descriptor, err := treasuryOf(f)
	if err != nil {
		return SignatureStatus{}, err
	}
	need, keys := descriptor.Threshold()
	if len(a.Raw) > 0 {
		return SignatureStatus{Needed: need, Total: keys}, nil
	}
	merged, err := gather(a)
	if err != nil {
		return SignatureStatus{}, err
	}
	state, err := txbuild.Missing(merged, descriptor)
	return SignatureStatus{Needed: need, Total: keys, Signed: state.Signed, Missing: state.Missing, Bare: txbuild.IsBare(merged)}, err
}

func sources(fingerprints []string) string { return strings.Join(fingerprints, " ") }
