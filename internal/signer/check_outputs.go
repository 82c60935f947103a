package signer

import (
	"bytes"
	"encoding/hex"
	"fmt"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/decision"
	"github.com/causeway-fund/causeway/internal/money"
	"github.com/causeway-fund/causeway/internal/wallet"
)

type payment struct {
	script string
	amount int64
}

// checkOutputs matches every output with exactly one decision note, or with the
// one change script of the batch, which it derives itself.
func (r rules) checkOutputs(p *proposal) error {
	change, err := r.descriptor.Script(wallet.ChainChange, p.batch.Number)
	if err != nil {
		return fmt.Errorf("derive change %d: %w", p.batch.Number, err)
	}
	open := make(map[payment][]decision.Note, len(p.notes))
	for _, n := range p.notes {
		if bytes.Equal(n.PayeeScript, change) {
			return refuse("payee_is_treasury", "Decision %s pays the treasury's own change script.", n.Decision)
		}
		key := payment{string(n.PayeeScript), int64(n.Amount)}
		open[key] = append(open[key], n)
	}
	changes, matched := 0, 0
	var sum btcutil.Amount
	for i, out := range p.packet.UnsignedTx.TxOut {
		if !validAmount(out.Value) {
			return refuse("bad_amount", "Output %d has an impossible amount.", i)
		}
		sum += btcutil.Amount(out.Value)
		if btcutil.Amount(out.Value) < wallet.DustLimit(out.PkScript) {
			return refuse("dust_output", "Output %d is too small to be relayed.", i)
		}
		if bytes.Equal(out.PkScript, change) {
			changes++
			if err := r.checkChangeFields(p, i, out); err != nil {
				return err
			}
			p.outs = append(p.outs, Output{Script: hex.EncodeToString(out.PkScript), Sat: out.Value, Change: &p.batch.Number})
			continue
		}
		key := payment{string(out.PkScript), out.Value}
		notes := open[key]
		if len(notes) == 0 {
			return refuse("foreign_output", "Output %d pays %d sat to a script that no decision names.", i, out.Value)
		}
		if f := p.packet.Outputs[i]; len(f.Bip32Derivation)+len(f.TaprootBip32Derivation) > 0 || f.TaprootInternalKey != nil {
			return refuse("unexpected_field", "Output %d is a payment and claims to be the treasury's own.", i)
		}
		open[key] = notes[1:]
		matched++
		p.outs = append(p.outs, Output{
			Script: hex.EncodeToString(out.PkScript), Sat: out.Value,
			Decision: notes[0].Decision.String(), Note: notes[0].Digest().String(),
		})
	}
	switch {
	case changes > 1:
		return refuse("two_changes", "The transaction has %d change outputs.", changes)
	case matched != len(p.notes):
		return refuse("missing_payment", "The transaction pays %d of %d decisions.", matched, len(p.notes))
	case sum > money.MaxSat:
		return refuse("bad_amount", "The outputs are worth more than can exist.")
	}
	p.fee = p.in - sum
	return nil
}

// checkChangeFields refuses a change output that claims another derivation than
// the one that was derived here.
func (r rules) checkChangeFields(p *proposal, i int, out *wire.TxOut) error {
	fields := p.packet.Outputs[i]
	if len(fields.Bip32Derivation)+len(fields.TaprootBip32Derivation) == 0 {
		return nil
	}
	chain, index, ok := r.descriptor.OwnOutput(&fields, out.PkScript)
	if !ok || chain != wallet.ChainChange || index != p.batch.Number {
		return refuse("bad_change", "Output %d claims another derivation than the change of batch %d.", i, p.batch.Number)
	}
	return nil
}
