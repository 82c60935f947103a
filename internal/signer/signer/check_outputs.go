package signer

import (
	"bytes"
	"encoding/hex"
	"fmt"

	"github.com/causeway-fund/causeway/internal/errs"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
)

type payment struct {
	script string
	amount int64
}

// checkPayments matches every output with exactly one payment that is owed, or with the
// one change script of the batch, which it derives itself.
func (r rules) checkPayments(p *proposal) error {
	change, err := r.changeScript(p)
	if err != nil {
		return err
	}
	open := make(map[payment][]owed, len(p.owed))
	for _, o := range p.owed {
		if bytes.Equal(o.Script, change) {
			return refuse(CodePayeeIsTreasury, "Decision %s pays the treasury's own change script.", o.note.Decision)
		}
		key := payment{string(o.Script), int64(o.Amount)}
		open[key] = append(open[key], o)
	}
	changes, matched := 0, 0
	for i, out := range p.packet.UnsignedTx.TxOut {
		if err := checkAmount(i, out); err != nil {
			return err
		}
		if bytes.Equal(out.PkScript, change) {
			changes++
			if err := r.addChange(p, i, out); err != nil {
				return err
			}
			continue
		}
		key := payment{string(out.PkScript), out.Value}
		rest := open[key]
		if len(rest) == 0 {
			return refuse(CodeForeignOutput, "Output %d pays %d sat to a script that no decision names.", i, out.Value)
		}
		if f := p.packet.Outputs[i]; len(f.Bip32Derivation)+len(f.TaprootBip32Derivation) > 0 ||
			f.TaprootInternalKey != nil ||
			f.WitnessScript != nil {
			return refuse(CodeUnexpectedField, "Output %d is a payment but claims to be the treasury's own.", i)
		}
		open[key] = rest[1:]
		matched++
		p.outs = append(p.outs, Output{
			Script: hex.EncodeToString(out.PkScript), Sat: out.Value,
			Decision: rest[0].note.Decision.String(), Period: rest[0].Period, Note: rest[0].Decision.String(),
		})
	}
	switch {
	case changes > 1:
		return refuse(CodeTwoChanges, "The transaction has %d change outputs.", changes)
	case matched != len(p.owed):
		return refuse(CodeMissingPayment, "The transaction makes %d of %d payments.", matched, len(p.owed))
	}
	return p.sumUp()
}

// checkOwnOutputs holds a transaction that pays nobody to the batch's change
// script: one output, or as many as the upkeep note says, equal but for the
// last, which has what is left over.
func (r rules) checkOwnOutputs(p *proposal) error {
	change, err := r.changeScript(p)
	if err != nil {
		return err
	}
	outs, want := p.packet.UnsignedTx.TxOut, 1
	if p.kind == KindUpkeep {
		want = p.upkeep.Outputs
	}
	for i, out := range outs {
		if err := checkAmount(i, out); err != nil {
			return err
		}
		if !bytes.Equal(out.PkScript, change) {
			return refuse(CodeForeignOutput, "Output %d pays a script that is not the change of batch %d.", i, p.number)
		}
		if last := i == len(outs)-1; out.Value != outs[0].Value && (!last || out.Value < outs[0].Value) {
			return refuse(CodeUnequalOutputs, "Output %d has a different amount than the first.", i)
		}
		if err := r.addChange(p, i, out); err != nil {
			return err
		}
	}
	if len(outs) != want {
		return refuse(CodeOutputCount, "The transaction has %d outputs, not %d.", len(outs), want)
	}
	return p.sumUp()
}

func (r rules) changeScript(p *proposal) ([]byte, error) {
	change, err := r.descriptor.Script(wallet.ChainChange, p.number)
	if err != nil {
		return nil, fmt.Errorf("derive change %d: %w", p.number, err)
	}
	return change, nil
}

func checkAmount(i int, out *wire.TxOut) error {
	if !validAmount(out.Value) {
		return refuse(CodeBadAmount, "Output %d has an impossible amount.", i)
	}
	if btcutil.Amount(out.Value) < wallet.DustLimit(out.PkScript) {
		return refuse(errs.CodeDustOutput, "Output %d is too small to be relayed.", i)
	}
	return nil
}

// addChange notes output i as change, unless its fields claim another place.
func (r rules) addChange(p *proposal, i int, out *wire.TxOut) error {
	if err := r.checkChangeFields(p, i, out); err != nil {
		return err
	}
	p.outs = append(p.outs, Output{Script: hex.EncodeToString(out.PkScript), Sat: out.Value, Change: &p.number})
	return nil
}

// sumUp finds the fee once every output is known.
func (p *proposal) sumUp() error {
	var sum btcutil.Amount
	for _, out := range p.packet.UnsignedTx.TxOut {
		if sum += btcutil.Amount(out.Value); sum > money.MaxSat {
			return refuse(CodeBadAmount, "The outputs are worth more bitcoin than can exist.")
		}
	}
	p.fee = p.in - sum
	return nil
}

// checkChangeFields refuses a change output that claims another derivation than
// the one that was derived here.
func (r rules) checkChangeFields(p *proposal, i int, out *wire.TxOut) error {
	fields := p.packet.Outputs[i]
	if len(fields.Bip32Derivation)+len(fields.TaprootBip32Derivation) == 0 && fields.WitnessScript == nil {
		return nil
	}
	chain, index, ok := r.descriptor.OwnOutput(&fields, out.PkScript)
	if !ok || chain != wallet.ChainChange || index != p.number {
		return refuse(CodeBadChange, "Output %d claims a different derivation than that of the change of "+
			"batch %d.", i, p.number)
	}
	return nil
}
