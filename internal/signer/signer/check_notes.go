package signer

import (
	"bytes"
	"slices"
	"time"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// checkNotes holds the notes against the network and the fund, and the payments of the
// batch note against the notes of their decisions, which must be shown, all of them and
// no other.
func (r rules) checkNotes(p *proposal) error {
	own := decision.NetworkOf(r.params)
	if p.network != own {
		return refuse(
			wallet.CodeWrongNetwork,
			"The batch note is for network %s, not for %s.",
			p.network.Name,
			r.params.Name,
		)
	}
	if r.fund != uuid.Nil && p.fund != r.fund {
		return refuse(CodeWrongFund, "The batch note is of fund %s, not of %s.", p.fund, r.fund)
	}
	if p.kind != KindPay {
		return nil
	}
	if len(p.batch.Payments) == 0 {
		return refuse(CodeNoPayments, "The batch note lists no decision.")
	}
	listed := make(map[decision.Digest]bool, len(p.batch.Payments))
	for _, pay := range p.batch.Payments {
		listed[pay.Decision] = true
	}
	shown := make(map[decision.Digest]decision.Note, len(p.notes))
	seen := make(map[uuid.UUID]bool, len(p.notes))
	for _, n := range p.notes {
		if err := r.checkNote(p, n); err != nil {
			return err
		}
		if seen[n.Decision] {
			return refuse(CodeDecisionTwice, "The request shows decision %s twice.", n.Decision)
		}
		seen[n.Decision] = true
		digest := n.Digest()
		if !listed[digest] {
			return refuse(CodeNoteNotInBatch, "The batch note does not list decision %s.", n.Decision)
		}
		shown[digest] = n
	}
	for _, pay := range p.batch.Payments {
		n, ok := shown[pay.Decision]
		if !ok {
			return refuse(
				CodeNoteMissing,
				"The batch note lists the decision with digest %s, whose note the request does not show.",
				pay.Decision,
			)
		}
		if err := p.checkPayment(pay, n); err != nil {
			return err
		}
		p.owed = append(p.owed, owed{pay, n})
	}
	return p.checkRates()
}

func (r rules) checkNote(p *proposal, n decision.Note) error {
	if n.Network != p.network {
		return refuse(
			wallet.CodeWrongNetwork,
			"Decision %s is for network %s, not for %s.",
			n.Decision,
			n.Network.Name,
			r.params.Name,
		)
	}
	if n.Fund != p.fund {
		return refuse(CodeWrongFund, "Decision %s is of fund %s, not of %s.", n.Decision, n.Fund, p.fund)
	}
	if err := n.Check(r.params); err != nil {
		return refuse(CodeBadDecisionNote, "Decision %s is invalid: %v.", n.Decision, err)
	}
	return nil
}

// checkPayment holds one payment to what its decision says of the period: the payee, and the
// amount, which is computed anew from the batch's rate.
func (p *proposal) checkPayment(pay decision.Payment, n decision.Note) error {
	rate := p.batch.Rate(n.Currency)
	if n.Currency != decision.CurrencySat && rate == 0 {
		return refuse(CodeRateMissing, "The batch note has no rate of %s for decision %s.", n.Currency, n.Decision)
	}
	sat, err := n.Sat(pay.Period, rate)
	if err != nil {
		return err
	}
	if pay.Amount != sat || !bytes.Equal(pay.Script, n.Payee(pay.Period).Script) {
		return refuse(
			CodeNoteDiffers,
			"The batch note does not pay period %d of decision %s as its own note says.",
			pay.Period,
			n.Decision,
		)
	}
	return nil
}

// checkRates refuses a rate that no payment needs: people would approve what means nothing.
func (p *proposal) checkRates() error {
	for _, rate := range p.batch.Rates {
		if !slices.ContainsFunc(p.notes, func(n decision.Note) bool { return n.Currency == rate.Currency }) {
			return refuse(CodeRateUnused, "The batch note has a rate of %s, which no payment uses.", rate.Currency)
		}
	}
	return nil
}

// checkCoins holds an upkeep to the coins that its note names, all of them and
// no other.
func (r rules) checkCoins(p *proposal) error {
	if p.kind != KindUpkeep {
		return nil
	}
	named := make(map[wire.OutPoint]bool, len(p.upkeep.Coins))
	for _, c := range p.upkeep.Coins {
		named[c] = true
	}
	for _, in := range p.packet.UnsignedTx.TxIn {
		if !named[in.PreviousOutPoint] {
			return refuse(CodeCoinsDiffer, "The upkeep note does not name %s.", in.PreviousOutPoint)
		}
	}
	if len(p.packet.UnsignedTx.TxIn) != len(named) {
		return refuse(
			CodeCoinsDiffer,
			"The upkeep note names %d coins, but the transaction spends %d.",
			len(named),
			len(p.packet.UnsignedTx.TxIn),
		)
	}
	return nil
}

// checkUntil refuses a note that is signed for the first time after its last moment, or that
// names one too far away. What was released once, and is asked for with the same note, is not
// held to it: a replacement of what may confirm any day comes too late for nothing.
func (h *history) checkUntil(p *proposal, now time.Time) error {
	for _, e := range h.byBatch[p.id.String()] {
		if e.Kind == p.kind && e.BatchNote == p.noteDigest.String() && e.Void == p.void {
			return nil
		}
	}
	if now.After(p.until) {
		return refuse(
			errs.CodeUntilPassed,
			"The note could be signed until %s. Cancel the batch and compose it anew.",
			p.until.Format(time.RFC3339),
		)
	}
	if p.until.After(now.Add(decision.MaxLife)) {
		return refuse(
			CodeUntilTooFar,
			"The note may be signed until %s; %d days from now are allowed.",
			p.until.Format(time.RFC3339),
			decision.MaxLife/(24*time.Hour),
		)
	}
	return nil
}

// checkWindow refuses a first transaction outside the time that a decision allows. One
// in the journal may have been released and may confirm any day: it, and the batch's
// replacements of it, which spend its coins and pay the same, are not held to it.
func (h *history) checkWindow(p *proposal, now time.Time) error {
	for _, o := range p.owed {
		if h.released(p.id.String(), instalment{o.note.Decision.String(), o.Period}, o.Decision.String()) {
			continue
		}
		if due := o.note.Due(o.Period); now.Before(due) {
			return refuse(
				CodeTooEarly,
				"Period %d of decision %s may be paid from %s.",
				o.Period,
				o.note.Decision,
				due.Format(time.RFC3339),
			)
		}
		if until := o.note.Until(o.Period); now.After(until) {
			return refuse(
				CodeTooLate,
				"Period %d of decision %s could be paid until %s.",
				o.Period,
				o.note.Decision,
				until.Format(time.RFC3339),
			)
		}
	}
	return nil
}
