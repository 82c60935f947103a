package payout

import (
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/decision"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/grant"
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
		ChangeIndex: b.Number, Seed: b.Seed, LockTime: uint32(max(h.Tip.Height, 0)),
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
	case note.Network != decision.NetworkOf(params) || note.Policy != fund.PolicyVersion:
		return refuse("it was approved for another network or policy.")
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
		if !ok || err != nil || text.Digest() != it.Digest || text.Amount != p.Amount || string(text.PayeeScript) != string(p.Script) {
			return refuse("the note of a payment is not the approved one.")
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
