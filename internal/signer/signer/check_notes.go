package signer

import (
	"bytes"
	"time"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// checkNotes holds the notes against the network, and those of decisions against
// the batch note, which must list exactly the notes that are shown.
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
	if p.kind != KindPay {
		return nil
	}
	if len(p.payments) == 0 {
		return refuse(CodeNoPayments, "The batch note lists no decision.")
	}
	listed := make(map[decision.Digest]decision.Payment, len(p.payments))
	for _, pay := range p.payments {
		listed[pay.Decision] = pay
	}
	seen := make(map[uuid.UUID]bool, len(p.notes))
	for _, n := range p.notes {
		if n.Network != own {
			return refuse(
				wallet.CodeWrongNetwork,
				"Decision %s is for network %s, not for %s.",
				n.Decision,
				n.Network.Name,
				r.params.Name,
			)
		}
		if err := n.Check(r.params); err != nil {
			return refuse(CodeBadDecisionNote, "Decision %s is invalid: %v.", n.Decision, err)
		}
		if seen[n.Decision] {
			return refuse(CodeDecisionTwice, "The request shows decision %s twice.", n.Decision)
		}
		seen[n.Decision] = true
		pay, ok := listed[n.Digest()]
		if !ok {
			return refuse(CodeNoteNotInBatch, "The batch note does not list decision %s.", n.Decision)
		}
		if pay.Amount != n.Amount || !bytes.Equal(pay.Script, n.PayeeScript) {
			return refuse(CodeNoteDiffers, "The batch note does not pay decision %s as its own note says.", n.Decision)
		}
	}
	if len(p.notes) != len(listed) {
		return refuse(
			CodeNoteMissing,
			"The batch note lists %d decisions, but the request shows %d notes.",
			len(listed),
			len(p.notes),
		)
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

// checkWindow refuses a first transaction outside the time that a decision allows. One
// in the journal may have been released and may confirm any day: it, and the batch's
// replacements of it, which spend its coins and pay the same, are not held to it.
func (h *history) checkWindow(p *proposal, now time.Time) error {
	for _, n := range p.notes {
		if h.released(p.id.String(), n.Decision.String(), n.Digest().String()) {
			continue
		}
		if now.Before(n.NotBefore) {
			return refuse(
				CodeTooEarly,
				"Decision %s may be paid from %s.",
				n.Decision,
				n.NotBefore.Format(time.RFC3339),
			)
		}
		if now.After(n.NotAfter) {
			return refuse(
				CodeTooLate,
				"Decision %s could be paid until %s.",
				n.Decision,
				n.NotAfter.Format(time.RFC3339),
			)
		}
	}
	return nil
}
