package payout

import (
	"bytes"
	"slices"
	"strconv"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/decision"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/grant"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/txbuild"
	"github.com/causeway-fund/causeway/internal/wallet"
)

// plan builds a batch's transaction from the coins that may be spent now.
func plan(fund grant.Fund, b Batch, items []Item, h Holdings) (*txbuild.Plan, *wallet.Descriptor, error) {
	descriptor, err := treasuryOf(fund)
	if err != nil {
		return nil, nil, err
	}
	request := txbuild.Request{
		Descriptor: descriptor, Payees: payees(items),
		FeeRate: txbuild.SatPerVB(b.FeeRateSatVB), MaxFeeRate: txbuild.SatPerVB(b.MaxFeeRateSatVB), MaxFee: b.MaxFee,
		ChangeIndex: b.Number, ChangeTarget: b.MaxFee, Seed: b.Seed, LockTime: uint32(max(h.Tip.Height, 0)),
	}
	for _, c := range h.Coins {
		if c.Spendable() {
			request.Coins = append(request.Coins, c.Coin)
		}
	}
	p, err := txbuild.Build(request)
	return p, descriptor, err
}

func payees(items []Item) []txbuild.Payee {
	list := make([]txbuild.Payee, len(items))
	for i, it := range items {
		list[i] = txbuild.Payee{Decision: it.Digest.String(), Script: it.Script, Amount: it.Amount}
	}
	return list
}

// checkPolicy holds the stored bytes of an attempt against what was approved,
// from the bytes alone. It is the last look before a signer is asked.
func checkPolicy(fund grant.Fund, w *Work, a Attempt) error {
	params, err := fund.Params()
	if err != nil {
		return err
	}
	note, err := decision.ParseBatch([]byte(w.Batch.Note))
	if err != nil {
		return err
	}
	refuse := func(why string) error {
		return errs.New(errs.Conflict, "policy_refused", "The batch was not sent to the signer: "+why+" No money moved.")
	}
	switch {
	case note.Digest() != w.Batch.Digest || note.Batch != w.Batch.ID || note.Number != w.Batch.Number:
		return refuse("its note is not the one that was approved.")
	case !slices.ContainsFunc(w.Approvals, func(a Approval) bool { return a.Digest == w.Batch.Digest }):
		return refuse("no treasurer has approved it.")
	case note.Network != decision.NetworkOf(params) || note.Policy != fund.PolicyVersion:
		return refuse("it was approved for another network or policy.")
	case note.MaxFee != w.Batch.MaxFee || note.MaxFeeRateSatVB != w.Batch.MaxFeeRateSatVB:
		return refuse("its limits are not the approved ones.")
	case len(note.Payments) != len(w.Items):
		return refuse("its payments are not the approved ones.")
	}
	approved := map[decision.Digest]decision.Payment{}
	for _, p := range note.Payments {
		approved[p.Decision] = p
	}
	list := make([]txbuild.Payee, 0, len(note.Payments))
	for _, it := range w.Items {
		p, ok := approved[it.Digest]
		text, err := decision.Parse([]byte(it.Note))
		if !ok || err != nil || text.Digest() != it.Digest || text.Amount != p.Amount || !bytes.Equal(text.PayeeScript, p.Script) {
			return refuse("the note of a payment is not the approved one.")
		}
		// The bytes to sign do not depend on these; a difference is a sign of tampering.
		if it.Amount != p.Amount || !bytes.Equal(it.Script, p.Script) || it.Address != text.PayeeAddress {
			return refuse("a payment is stored with another amount or address than was approved.")
		}
		list = append(list, txbuild.Payee{Decision: it.Digest.String(), Script: p.Script, Amount: p.Amount})
	}
	packet, err := txbuild.ParsePSBT(a.PSBT)
	if err != nil {
		return err
	}
	descriptor, err := treasuryOf(fund)
	if err != nil {
		return err
	}
	want := txbuild.Want{
		Descriptor: descriptor, Payees: list, ChangeIndex: note.Number,
		MaxFeeRate: txbuild.SatPerVB(min(note.MaxFeeRateSatVB, fund.MaxFeeRateSatVB)), MaxFee: min(note.MaxFee, fund.MaxFee),
	}
	if w.Batch.Anchor != nil {
		want.Must = []wire.OutPoint{*w.Batch.Anchor}
	}
	if packet.UnsignedTx.TxHash() != a.TxID {
		return refuse("its stored transaction is not the one that was built.")
	}
	return txbuild.Verify(packet, want)
}

// checkCoins refuses a transaction whose coins are not there any more: the batch
// can still be cancelled, and after the signer it could not.
func checkCoins(a Attempt, h Holdings) error {
	for _, in := range a.Inputs {
		if !slices.ContainsFunc(h.Coins, func(c Coin) bool { return c.OutPoint == in.OutPoint }) {
			return errs.New(errs.Conflict, "coin_gone", "A coin of this batch is not in the best chain now, so it was not sent to the signer. No money moved: wait for the coin, or cancel the batch and compose it again.")
		}
	}
	return nil
}

// smallFee is a fee that a signer allows whatever part of the payments it is.
const smallFee = 2000

// checkSignerWill refuses what the signer is known to refuse, while the batch can
// still be cancelled: notes outside their window, and fees above its own caps.
func checkSignerWill(info signerrpc.Info, items []Item, a Attempt, now time.Time) error {
	refuse := func(code, why string) error {
		return errs.New(errs.Conflict, code, "The batch was not sent to the signer: "+why+" No money moved; the batch can be cancelled and composed again.")
	}
	for _, it := range items {
		note, err := decision.Parse([]byte(it.Note))
		if err != nil {
			return err
		}
		if now.Before(note.NotBefore) || now.After(note.NotAfter) {
			return refuse("outside_window", "the decision for "+it.Reference+" may be paid only from "+note.NotBefore.Format(time.DateOnly)+" to "+note.NotAfter.Format(time.DateOnly)+".")
		}
	}
	percent := int64(total(items)) * info.MaxFeePercent / 100
	switch fee := int64(a.Fee); {
	case fee > info.MaxFeeSat, a.Fee > txbuild.SatPerVB(info.MaxFeeRateSatVB).Fee(a.Weight):
		return refuse("fee_above_signer_cap", "its fee is above the signer's own cap.")
	case fee > max(percent, smallFee):
		return refuse("fee_above_signer_cap", "its fee is more than "+strconv.FormatInt(info.MaxFeePercent, 10)+" per cent of what it pays.")
	}
	return nil
}
