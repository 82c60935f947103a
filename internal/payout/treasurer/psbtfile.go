package treasurer

import (
	"context"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// ExportPSBT returns the newest attempt as a file to sign elsewhere, with the
// signatures that are there so far, and who has signed. Conflict wrong_state: nothing
// waits for a signature.
func (s *Service) ExportPSBT(
	ctx context.Context,
	by identity.Actor,
	id uuid.UUID,
) (txbuild.File, payout.SignatureStatus, error) {
	record, err := s.Batch(ctx, by, id)
	if err != nil {
		return txbuild.File{}, payout.SignatureStatus{}, err
	}
	f, descriptor, err := s.wallet(ctx)
	if err != nil {
		return txbuild.File{}, payout.SignatureStatus{}, err
	}
	newest, err := record.Unsigned()
	if err != nil {
		return txbuild.File{}, payout.SignatureStatus{}, err
	}
	status, err := payout.StatusOf(f, newest)
	if err != nil {
		return txbuild.File{}, payout.SignatureStatus{}, err
	}
	merged, err := payout.Gather(newest)
	if err != nil {
		return txbuild.File{}, payout.SignatureStatus{}, err
	}
	file, err := txbuild.FileOf(merged, descriptor)
	return file, status, err
}

// AttemptPSBT returns an attempt as a file, without signatures.
func (s *Service) AttemptPSBT(ctx context.Context, a payout.Attempt) (txbuild.File, error) {
	_, descriptor, err := s.wallet(ctx)
	if err != nil {
		return txbuild.File{}, err
	}
	packet, err := a.Packet()
	if err != nil {
		return txbuild.File{}, err
	}
	return txbuild.FileOf(packet, descriptor)
}

// wallet returns the fund and the treasury's descriptor.
func (s *Service) wallet(ctx context.Context) (fund.Fund, *wallet.Descriptor, error) {
	f, err := s.cfg.Store.Fund(ctx)
	if err != nil {
		return fund.Fund{}, nil, err
	}
	descriptor, err := payout.TreasuryOf(f)
	return f, descriptor, err
}

// Signatures says who has signed the newest attempt. Conflict wrong_state: nothing
// waits for a signature.
func (s *Service) Signatures(ctx context.Context, record payout.Record) (payout.SignatureStatus, error) {
	newest, err := record.Unsigned()
	if err != nil {
		return payout.SignatureStatus{}, err
	}
	return payout.StatusOf(record.Fund, newest)
}

// ImportPSBT takes back what people had signed elsewhere: a PSBT or the finished
// transaction, in any form that txbuild.ReadBrought reads. Whatever differs from what
// was given out, save signatures, refuses it. Errors: Malformed bad_psbt; Invalid
// psbt_changed, bad_signature, nothing_signed, other_attempt, other_batch; Conflict
// wrong_state.
func (s *Service) ImportPSBT(
	ctx context.Context,
	by identity.Actor,
	id uuid.UUID,
	data []byte,
) (payout.SignatureStatus, error) {
	if err := by.Require(identity.PermBatchCompose); err != nil {
		return payout.SignatureStatus{}, err
	}
	_, descriptor, err := s.wallet(ctx)
	if err != nil {
		return payout.SignatureStatus{}, err
	}
	back, err := txbuild.ReadBrought(data)
	if err != nil {
		return payout.SignatureStatus{}, err
	}
	if err := s.ofThisBatch(ctx, id, back); err != nil {
		return payout.SignatureStatus{}, err
	}
	now := s.now()
	var status payout.SignatureStatus
	_, err = s.change(ctx, id, now, func(l *payout.Locked) error {
		r := l.Record()
		newest, err := r.Unsigned()
		if err != nil {
			return err
		}
		before, err := payout.StatusOf(r.Fund, newest)
		if err != nil {
			return err
		}
		packed, state, err := takeOver(newest, back, descriptor)
		if err != nil {
			return err
		}
		added := slices.DeleteFunc(
			slices.Clone(state.Signed),
			func(f string) bool { return slices.Contains(before.Signed, f) },
		)
		if len(added) == 0 {
			return errs.New(
				errs.Invalid,
				CodeNothingSigned,
				"This file has no new signature. Nothing was changed.",
			)
		}
		status = payout.SignatureStatus{
			Needed:  before.Needed,
			Total:   before.Total,
			Signed:  state.Signed,
			Missing: state.Missing,
			Bare:    before.Bare,
		}
		return l.BringSignature(
			by,
			newest.TxID,
			payout.Signature{PSBT: packed, Source: payout.Sources(added), StaffID: &by.StaffID, At: now},
		)
	})
	return status, err
}

// takeOver adds the signatures that came back to those of the attempt. Where they
// make it whole, the script engine has run every input.
func takeOver(
	a payout.Attempt,
	back txbuild.Brought,
	d *wallet.Descriptor,
) (raw []byte, state txbuild.Progress, err error) {
	merged, err := payout.Gather(a)
	if err != nil {
		return nil, state, err
	}
	packet := back.Packet
	if back.Tx != nil {
		if packet, err = txbuild.Finished(merged, back.Tx); err != nil {
			return nil, state, err
		}
	}
	if merged, err = txbuild.Merge(merged, packet); err != nil {
		return nil, state, err
	}
	if state, err = txbuild.Missing(merged, d); err != nil {
		return nil, state, err
	}
	if state.Complete() {
		if _, _, err := txbuild.ExtractSigned(merged, d); err != nil {
			return nil, state, err
		}
	}
	packed, err := txbuild.Pack(merged)
	return packed.PSBT, state, err
}

// ofThisBatch refuses what is known to be another transaction of ours, and says which.
func (s *Service) ofThisBatch(ctx context.Context, id uuid.UUID, back txbuild.Brought) error {
	txid := back.TxID()
	found, err := s.cfg.Store.AttemptByTxID(ctx, txid)
	if errs.Is(err, errs.CodeAttemptNotFound) {
		return nil // what differs is said where the two are compared
	}
	if err != nil {
		return err
	}
	record, err := s.cfg.Store.Batch(ctx, found.BatchID)
	if err != nil {
		return err
	}
	newest := record.Attempts[len(record.Attempts)-1]
	switch {
	case found.BatchID != id:
		e := errs.Newf(
			errs.Invalid,
			CodeOtherBatch,
			"This is the transaction of another batch, B-%04d. Nothing was changed: import it there, or sign the file of "+
				"this batch.",
			record.Batch.Number,
		)
		e.Params = map[string]string{"batch": strconv.FormatUint(uint64(record.Batch.Number), 10)}
		return e
	case found.ID != newest.ID:
		e := errs.Newf(
			errs.Invalid,
			CodeOtherAttempt,
			"This is transaction %d of this batch, which transaction %d has since replaced. Nothing was changed: download the "+
				"PSBT again and sign that.",
			found.No+1,
			newest.No+1,
		)
		e.Params = map[string]string{"attempt": strconv.Itoa(found.No + 1), "newest": strconv.Itoa(newest.No + 1)}
		return e
	}
	return nil
}
