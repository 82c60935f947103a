package plan

import (
	"bytes"
	"slices"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// base is the request for a transaction of a batch, without payees and with the coins
// that may be spent now. Whatever goes out can be taken back.
func (f Family) base(kind payout.AttemptKind, h payout.Holdings) (txbuild.Request, error) {
	if f.RelaySatKVB <= 0 {
		return txbuild.Request{}, payout.NoRelayFeeRate()
	}
	b := f.Batch
	descriptor, err := payout.TreasuryOf(f.Fund)
	if err != nil {
		return txbuild.Request{}, err
	}
	r := txbuild.Request{
		Descriptor: descriptor,
		FeeRate: txbuild.FeeRate(
			b.FeeRateSatKVB,
		),
		MaxFeeRate:     maxRate(f.Fund, b, kind),
		MaxFee:         maxFee(f.Fund, b, kind),
		RoomForVoid:    kind != payout.Voids,
		RelayFeeRate:   f.relay(),
		ChangeIndex:    b.Number,
		ChangeTarget:   b.MaxFee,
		Seed:           b.Seed,
		MaxPrevTxBytes: signerrpc.MaxPrevTxs,
	}
	if b.Kind != payout.Payout {
		return r, nil // upkeep spends exactly the coins that its note names
	}
	for _, c := range h.Coins {
		if c.Spendable() && (len(b.Chosen) == 0 || slices.Contains(b.Chosen, c.OutPoint)) {
			r.Coins = append(r.Coins, c.Coin)
		}
	}
	return r, nil
}

// Build builds the first transaction of a batch.
func Build(f Family, h payout.Holdings, now time.Time) (*txbuild.Plan, *wallet.Descriptor, error) {
	request, err := f.base(payout.Pays, h)
	if err != nil {
		return nil, nil, err
	}
	request.LockTime = txbuild.LockTime(h.Tip.Height, now.Sub(h.Tip.At), f.Batch.Seed)
	if f.Batch.Kind != payout.Payout {
		if err := f.addUpkeep(&request, h); err != nil {
			return nil, nil, err
		}
		p, err := txbuild.Build(request)
		return p, request.Descriptor, err
	}
	request.Payees = payees(f.Items)
	spare(&request, f.Fund, f.Batch, f.Items, h)
	p, err := txbuild.Build(request)
	return p, request.Descriptor, whyShort(err, f.Batch, h)
}

func payees(items []payout.Item) []txbuild.Payee {
	list := make([]txbuild.Payee, len(items))
	for i, it := range items {
		list[i] = txbuild.Payee{Decision: it.Instalment().String(), Script: it.Script, Amount: it.Amount}
	}
	return list
}

// CheckPolicy holds the stored bytes of an attempt against what was approved,
// from the bytes alone. It is the last look before a signer is asked.
func (f Family) CheckPolicy(a payout.Attempt) error {
	if f.RelaySatKVB <= 0 {
		return payout.NoRelayFeeRate()
	}
	params, err := f.Fund.Params()
	if err != nil {
		return err
	}
	refuse := func(why string) error {
		return errs.New(
			errs.Conflict,
			CodePolicyRefused,
			"What the signer would be sent is not what was approved: "+why,
		)
	}
	if f.Batch.Kind != payout.Payout || a.Kind == payout.Voids {
		return f.checkUnpaid(params, a, refuse)
	}
	note, err := decision.ParseBatch([]byte(f.Batch.Note))
	if err != nil {
		return err
	}
	switch {
	case note.Digest() != f.Batch.Digest || note.Batch != f.Batch.ID || note.Number != f.Batch.Number:
		return refuse("its note is not the one that was approved.")
	case !f.approved():
		return refuse("no treasurer has approved it.")
	case note.Network != decision.NetworkOf(params) || note.Fund != f.Fund.ID || note.Treasury != f.Batch.Treasury:
		return refuse("it was approved for another network, fund or treasury.")
	case !note.Until.Equal(f.Batch.Until):
		return refuse("its last moment is not the approved one.")
	case note.MaxFee != f.Batch.MaxFee || note.MaxFeeRateSatKVB != f.Batch.MaxFeeRateSatKVB:
		return refuse("its limits are not the approved ones.")
	case len(note.Payments) != len(f.Items):
		return refuse("its payments are not the approved ones.")
	}
	approved := map[decision.Instalment]decision.Payment{}
	for _, p := range note.Payments {
		approved[p.Instalment()] = p
	}
	list := make([]txbuild.Payee, 0, len(note.Payments))
	for _, it := range f.Items {
		p, ok := approved[it.Instalment()]
		if !ok {
			return refuse("the note of a payment is not the approved one.")
		}
		if err := checkItem(it, p, note, refuse); err != nil {
			return err
		}
		list = append(list, txbuild.Payee{Decision: it.Instalment().String(), Script: p.Script, Amount: p.Amount})
	}
	return f.checkBytes(
		a,
		txbuild.Want{Payees: list, ChangeIndex: note.Number, MaxFee: note.MaxFee},
		note.MaxFeeRateSatKVB,
		refuse,
	)
}

// checkItem holds a payment as it is stored against its line of the batch note, and that line
// against the decision.
func checkItem(it payout.Item, p decision.Payment, batch decision.BatchNote, refuse func(string) error) error {
	text, err := decision.Parse([]byte(it.Note))
	if err != nil || text.Digest() != it.Digest || text.Fund != batch.Fund {
		return refuse("the note of a payment is not the approved one.")
	}
	sat, err := text.Sat(it.Period, batch.Rate(text.Currency))
	if err != nil || sat != p.Amount || !bytes.Equal(text.Payee(it.Period).Script, p.Script) {
		return refuse("the note of a payment is not the approved one.")
	}
	// The bytes to sign do not depend on these; a difference is a sign of tampering.
	if it.Amount != p.Amount || !bytes.Equal(it.Script, p.Script) || it.Address != text.Payee(it.Period).Address {
		return refuse("a payment is stored with another amount or address than was approved.")
	}
	if !it.DueAt.Equal(text.Due(it.Period)) || !it.UntilAt.Equal(text.Until(it.Period)) {
		return refuse("a payment is stored with other dates than were approved.")
	}
	return nil
}

// approved reports whether a treasurer has approved the batch. The approval of a
// batch that was rebuilt from a signer's journal is lost; that it went to the signer
// says that there was one, for the same note.
func (f Family) approved() bool {
	return slices.ContainsFunc(f.Approvals, func(a payout.Approval) bool { return a.Digest == f.Batch.Digest }) ||
		slices.ContainsFunc(f.Attempts, payout.Attempt.Released)
}

// checkBytes holds the bytes of an attempt against want, with the fund's own limits
// and the coins of the attempts before.
func (f Family) checkBytes(a payout.Attempt, want txbuild.Want, maxRateSatKVB int64, refuse func(string) error) error {
	packet, err := a.Packet()
	if err != nil {
		return err
	}
	if packet.UnsignedTx.TxHash() != a.TxID {
		return refuse("its stored transaction is not the one that was built.")
	}
	if want.Descriptor, err = payout.TreasuryOf(f.Fund); err != nil {
		return err
	}
	want.MaxFeeRate, want.RoomForVoid = maxRate(f.Fund, f.Batch, a.Kind), a.Kind != payout.Voids
	want.RelayFeeRate = f.relay()
	if want.MaxFeeRate != txbuild.AnyFeeRate {
		want.MaxFeeRate = min(want.MaxFeeRate, txbuild.FeeRate(maxRateSatKVB))
	}
	want.MaxFee = min(want.MaxFee, maxFee(f.Fund, f.Batch, a.Kind))
	if f.Batch.Anchor != nil {
		want.Must = []wire.OutPoint{*f.Batch.Anchor}
	}
	if len(f.Attempts) > 0 && a.No > 0 {
		for _, in := range f.Attempts[0].Inputs {
			want.Must = append(want.Must, in.OutPoint)
		}
	}
	return txbuild.Verify(packet, want)
}

// checkUnpaid holds an attempt that pays nobody against the approved note: upkeep,
// or the void of a batch.
func (f Family) checkUnpaid(params *chaincfg.Params, a payout.Attempt, refuse func(string) error) error {
	network := decision.NetworkOf(params)
	if a.Kind == payout.Voids {
		if f.Void == nil {
			return refuse("nobody has asked to take it back.")
		}
		note, err := decision.ParseVoid([]byte(f.Void.Note))
		switch {
		case err != nil:
			return err
		case !f.Void.Agreed() || *f.Void.ApprovedBy == f.Void.AskedBy:
			return refuse("no second person has agreed to take it back.")
		case note.Digest() != f.Void.Digest || note.Note != f.Batch.Digest || note.Batch != f.Batch.ID || note.Number != f.Batch.Number || note.Network != network || note.Fund != f.Fund.ID:
			return refuse("its void note is for another batch.")
		}
		return f.checkBytes(a, txbuild.Want{ChangeIndex: note.Number, MaxFee: note.MaxFee}, 0, refuse)
	}
	note, err := decision.ParseUpkeep([]byte(f.Batch.Note))
	switch {
	case err != nil:
		return err
	case note.Digest() != f.Batch.Digest || note.Batch != f.Batch.ID || note.Number != f.Batch.Number || note.Kind != string(f.Batch.Kind):
		return refuse("its note is not the one that was approved.")
	case !f.approved():
		return refuse("no treasurer has approved it.")
	case note.Network != network || note.Fund != f.Fund.ID:
		return refuse("it was approved for another network or fund.")
	case !note.Until.Equal(f.Batch.Until):
		return refuse("its last moment is not the approved one.")
	case len(note.Coins) != len(a.Inputs):
		return refuse("it spends other coins than were approved.")
	}
	want := txbuild.Want{ChangeIndex: note.Number, MaxFee: note.MaxFee, ChangeOutputs: note.Outputs}
	for _, in := range a.Inputs {
		if !slices.Contains(note.Coins, in.OutPoint) {
			return refuse("it spends other coins than were approved.")
		}
		want.Must = append(want.Must, in.OutPoint)
	}
	return f.checkBytes(a, want, note.MaxFeeRateSatKVB, refuse)
}

// CheckCoins refuses a transaction whose coins are not there any more: the batch
// can still be cancelled, and after the signer it could not.
func CheckCoins(b payout.Batch, a payout.Attempt, h payout.Holdings) error {
	if b.Kind == payout.Child {
		return nil // its coin is not in a block yet
	}
	for _, in := range a.Inputs {
		if !slices.ContainsFunc(h.Coins, func(c payout.Coin) bool { return c.OutPoint == in.OutPoint }) {
			return errs.New(
				errs.Conflict,
				payout.CodeCoinGone,
				"A coin of this batch is not in the best chain now. The signer will be asked once the coin is back.",
			)
		}
	}
	return nil
}

// smallFee is a fee that a signer allows whatever part of the payments it is.
const smallFee = 2000

// CheckSignerWill refuses what the signer is known to refuse, before anything is
// committed: a first transaction after the last moment of its batch or outside the window of
// a decision, and fees above the signer's own caps. What may confirm any day can be replaced whatever the date.
func (f Family) CheckSignerWill(infos []signerrpc.Info, a payout.Attempt, now time.Time) error {
	refuse := func(code errs.Code, why string) error {
		return errs.New(errs.Conflict, code, "The signer would refuse this transaction: "+why)
	}
	if first := a.Kind != payout.Voids && a.No == f.Attempts[0].No; first {
		if now.After(f.Batch.Until) {
			return refuse(
				errs.CodeUntilPassed,
				"the batch could be signed until "+f.Batch.Until.Format(time.RFC3339)+".",
			)
		}
		for _, it := range f.Items {
			if now.Before(it.DueAt) || now.After(it.UntilAt) {
				return refuse(
					CodeOutsideWindow,
					"the decision for "+it.Reference+" may be paid only from "+it.DueAt.Format(
						time.DateOnly,
					)+" to "+it.UntilAt.Format(
						time.DateOnly,
					)+".",
				)
			}
		}
	}
	worth, times := f.moved(a)
	anyRate := maxRate(f.Fund, f.Batch, a.Kind) == txbuild.AnyFeeRate
	for _, info := range infos {
		switch fee := int64(a.Fee); {
		case a.Fee < txbuild.FeeRate(info.MinFeeRateSatKVB).Fee(a.Weight):
			return refuse(
				CodeFeeBelowSignerFloor,
				"it signs nothing below "+money.FormatFeeRate(
					info.MinFeeRateSatKVB,
				)+" sat/vB (its --min-feerate), and the node relays from "+money.FormatFeeRate(
					f.RelaySatKVB,
				)+" on.",
			)
		case fee > info.MaxFeeSat, !anyRate && a.Fee > txbuild.FeeRate(info.MaxFeeRateSatKVB).Fee(a.Weight):
			return refuse(CodeFeeAboveSignerCap, "its fee is above the signer's own cap.")
		case fee+int64(f.roomFor(info, a)) > info.MaxFeeSat,
			a.Kind != payout.Voids && a.Fee+f.roomFor(info, a) > maxFee(f.Fund, f.Batch, a.Kind):
			return refuse(CodeFeeAboveSignerCap, "its fee leaves no room below the highest fee for taking it back.")
		case a.Fee > permilleCap(info, worth, times):
			return refuse(
				CodeFeeAboveSignerCap,
				"its fee is more than "+money.FormatPermille(info.MaxFeePermille)+" % of what it moves.",
			)
		case info.MaxOutputs > 0 && int64(len(a.Outputs)) > info.MaxOutputs,
			info.MaxInputs > 0 && int64(len(a.Inputs)) > info.MaxInputs:
			return refuse(CodeTooLargeForSigner, "it has more inputs or outputs than the signer allows.")
		}
	}
	return nil
}
