package plan

import (
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/payout/payout"
)

// nextNo is one above the newest attempt's. Numbers have gaps in a rebuilt batch:
// an attempt that no signer signed is not in a journal.
func nextNo(attempts []payout.Attempt) int {
	if len(attempts) == 0 {
		return 0
	}
	return attempts[len(attempts)-1].No + 1
}

// AttemptOf is a plan as the next attempt of its batch, built under a lease of that epoch.
func (f Family) AttemptOf(
	p *txbuild.Plan,
	kind payout.AttemptKind,
	id uuid.UUID,
	epoch int64,
	now time.Time,
) (payout.Attempt, error) {
	packed, err := txbuild.Pack(p.PSBT)
	if err != nil {
		return payout.Attempt{}, err
	}
	owed := map[string]uuid.UUID{}
	for _, it := range f.Items {
		owed[it.Instalment().String()] = it.InstalmentID
	}
	a := payout.Attempt{
		ID:        id,
		BatchID:   f.Batch.ID,
		No:        nextNo(f.Attempts),
		Kind:      kind,
		PSBT:      packed.PSBT,
		PrevTxs:   packed.PrevTxs,
		TxID:      p.TxID,
		Fee:       p.Fee,
		Weight:    p.Weight,
		Epoch:     epoch,
		CreatedAt: now,
	}
	for _, in := range p.Inputs {
		a.Inputs = append(a.Inputs, payout.AttemptInput{OutPoint: in.OutPoint, Amount: in.Amount})
	}
	for _, out := range p.Outputs {
		//nolint:gosec // an index of at most a few thousand outputs
		o := payout.AttemptOutput{
			Vout:        uint32(out.Vout),
			Script:      out.Script,
			Amount:      out.Amount,
			ChangeIndex: out.ChangeIndex,
		}
		if out.ChangeIndex == nil {
			// An output that nobody decided would be money that the books cannot name.
			instalment, ok := owed[out.Decision]
			if !ok {
				return payout.Attempt{}, errors.New("plan pays a decision that is not in the batch")
			}
			o.InstalmentID = &instalment
		}
		a.Outputs = append(a.Outputs, o)
	}
	return a, nil
}
