package signer

import (
	"cmp"
	"math/big"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/spv"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

const (
	// feeFloor is a fee that the share of the payments never forbids: small batches
	// cost more than a few thousandths.
	feeFloor btcutil.Amount = 2000

	finalDepth = 100

	// minDifficulty is what a header on mainnet must have been worth at least. It
	// is far below today's, so that it holds for years, and far above what anybody
	// but the miners together could make a hundred of.
	minDifficulty = 20_000_000_000_000
)

// Policy is what this signer's own operator allows, whatever the notes say.
// What is zero in the last five has its default.
type Policy struct {
	MaxFeeRateSatKVB int64          // of the worst-case virtual size; not of a void or a child
	MaxFee           btcutil.Amount // of one transaction
	MaxFeePermille   int64          // see permilleCap; 2,000 sat are always allowed
	// MinFeeRateSatKVB is what the fund's node relays from on. Nothing is signed that
	// pays less, and a void has to be able to pay as much for its own relay.
	MinFeeRateSatKVB int64
	MaxInputs        int      // of one transaction
	MaxOutputs       int      // of one transaction, change included
	FinalDepth       int      // confirmations after which a transaction is there to stay
	MaxTarget        *big.Int // the easiest target of a header that a proof may hold
}

// DefaultPolicy returns the caps of a signer that was told none.
func DefaultPolicy() Policy {
	return Policy{
		MaxFeeRateSatKVB: 200_000, MaxFee: 700_000, MaxFeePermille: 50, MinFeeRateSatKVB: 100,
		MaxInputs: signerrpc.MaxInputs, MaxOutputs: 3001, FinalDepth: finalDepth,
	}
}

// TargetOf returns the target of a difficulty of 1 or more, as people count it:
// how many times harder than the first blocks were.
func TargetOf(difficulty int64) *big.Int {
	target := new(big.Int).Lsh(big.NewInt(0xffff), 208)
	return target.Div(target, big.NewInt(max(difficulty, 1)))
}

// Validate refuses caps that forbid everything or nothing (errs.Invalid,
// bad_policy).
func (p Policy) Validate() error {
	switch {
	case p.MinFeeRateSatKVB < 0 || p.MinFeeRateSatKVB > money.MaxFeeRateSatKVB:
		return errs.Newf(
			errs.Invalid,
			CodeBadPolicy,
			"The lowest feerate must be 0.001 to %s sat/vB.",
			money.FormatFeeRate(money.MaxFeeRateSatKVB),
		)
	case p.MaxFeeRateSatKVB < max(p.MinFeeRateSatKVB, 1) || p.MaxFeeRateSatKVB > money.MaxFeeRateSatKVB:
		return errs.Newf(errs.Invalid, CodeBadPolicy, "The highest feerate must be %s to %s sat/vB.",
			money.FormatFeeRate(max(p.MinFeeRateSatKVB, 1)), money.FormatFeeRate(money.MaxFeeRateSatKVB))
	case p.MaxFee <= 0 || p.MaxFee > money.MaxSat:
		return errs.New(errs.Invalid, CodeBadPolicy, "The highest fee must be 1 sat or more.")
	case p.MaxFeePermille < 1 || p.MaxFeePermille > 1000:
		return errs.New(errs.Invalid, CodeBadPolicy, "The highest fee per mille must be 1 to 1000.")
	case p.MaxInputs < 0 || p.MaxInputs > signerrpc.MaxInputs:
		return errs.Newf(errs.Invalid, CodeBadPolicy, "The number of inputs must be 1 to %d.", signerrpc.MaxInputs)
	case p.MaxOutputs < 0 || p.MaxOutputs > signerrpc.MaxOutputs:
		return errs.Newf(errs.Invalid, CodeBadPolicy, "The number of outputs must be 1 to %d.", signerrpc.MaxOutputs)
	case p.FinalDepth < 0 || p.FinalDepth > spv.MaxHeaders:
		return errs.Newf(errs.Invalid, CodeBadPolicy, "The final depth must be 1 to %d.", spv.MaxHeaders)
	case p.MaxTarget != nil && p.MaxTarget.Sign() <= 0:
		return errs.New(errs.Invalid, CodeBadPolicy, "The target of a header must be above zero.")
	}
	return nil
}

// on returns the policy for one network with its defaults filled in. Where coins
// are worth something nobody may ask for fewer confirmations than the default.
func (p Policy) on(params *chaincfg.Params) (Policy, error) {
	if err := p.Validate(); err != nil {
		return Policy{}, err
	}
	standard := DefaultPolicy()
	p.MinFeeRateSatKVB = cmp.Or(p.MinFeeRateSatKVB, standard.MinFeeRateSatKVB)
	p.MaxInputs = cmp.Or(p.MaxInputs, standard.MaxInputs)
	p.MaxOutputs = cmp.Or(p.MaxOutputs, standard.MaxOutputs)
	p.FinalDepth = cmp.Or(p.FinalDepth, standard.FinalDepth)
	if p.MaxTarget == nil && params.Net == wire.MainNet {
		p.MaxTarget = TargetOf(minDifficulty)
	}
	if p.FinalDepth < standard.FinalDepth && !private(params) {
		return Policy{}, errs.Newf(
			errs.Invalid,
			CodeBadPolicy,
			"On %s the final depth must be %d or more.",
			params.Name,
			standard.FinalDepth,
		)
	}
	return p, nil
}

// checkFee holds the fee, known from verified inputs, against the caps of the
// signer and of the batch, upkeep or void note. A void and a child have no highest feerate: the one out-pays a large transaction with a small
// one, the other pays for its parent.
func (r rules) checkFee(p *proposal) error {
	vsize := worstVSize(p.packet.UnsignedTx, r.descriptor)
	permilleCap := r.permilleCap(p)
	switch {
	case p.fee < 0:
		return refuse(CodeNegativeFee, "The outputs are worth more than the inputs.")
	case p.fee < money.FeeAt(vsize, r.policy.MinFeeRateSatKVB):
		return refuse(CodeFeerateTooLow, "A fee of %d sat for %d vbytes would not be relayed.", int64(p.fee), vsize)
	case p.fee > r.policy.MaxFee:
		return refuse(
			errs.CodeFeeAboveCap,
			"The fee of %d sat is above this signer's cap of %d sat.",
			int64(p.fee),
			int64(r.policy.MaxFee),
		)
	case p.fee > p.maxFee:
		return refuse(
			CodeFeeAboveBatchCap,
			"The fee of %d sat is above the batch's cap of %d sat.",
			int64(p.fee),
			int64(p.maxFee),
		)
	case p.fee > permilleCap:
		return refuse(
			CodeFeeAbovePermille,
			"The fee of %d sat is above the %d sat that %s %% allow.",
			int64(p.fee),
			int64(permilleCap),
			money.FormatPermille(r.policy.MaxFeePermille),
		)
	}
	if !p.anyFeeRate() {
		if err := r.checkFeeRate(p, vsize); err != nil {
			return err
		}
	}
	return r.checkRoom(p)
}

// checkFeeRate allows the fee that each highest feerate makes, which is rounded up to a
// satoshi as every fee is.
func (r rules) checkFeeRate(p *proposal, vsize int64) error {
	above := func(satKVB int64) bool { return p.fee > money.FeeAt(vsize, satKVB) }
	text, paid := money.FormatFeeRate, money.FormatFeeRate(money.FeeRateAbove(p.fee, vsize))
	switch {
	case above(r.policy.MaxFeeRateSatKVB):
		return refuse(
			CodeFeerateAboveCap,
			"The feerate of %s sat/vB is above this signer's cap of %s.",
			paid,
			text(r.policy.MaxFeeRateSatKVB),
		)
	case above(p.maxRateSatKVB):
		return refuse(
			CodeFeerateAboveBatchCap,
			"The feerate of %s sat/vB is above the batch's cap of %s.",
			paid,
			text(p.maxRateSatKVB),
		)
	}
	return nil
}

// anyFeeRate reports whether no feerate bounds the transaction.
func (p *proposal) anyFeeRate() bool {
	return p.kind == KindVoid || p.child()
}

func (p *proposal) child() bool {
	return p.kind == KindUpkeep && p.upkeep.Kind == decision.UpkeepChild
}

// permilleCap is the fee that the policy's share allows: of the payments; of the
// inputs where nobody is paid; of what the parent moves for a child, which pays for
// both. A void may pay it twice, once for what it replaces and once to out-pay that:
// a transaction that kept to the share can then always be taken back, by a
// signer too that has not seen it.
func (r rules) permilleCap(p *proposal) btcutil.Amount {
	moved, times := p.in, btcutil.Amount(1)
	switch {
	case p.kind == KindPay:
		moved = p.batch.Total()
	case p.kind == KindVoid:
		times = 2
	case p.child():
		moved = max(p.in, p.movedByParents())
	}
	return times * max(feeFloor, moved*btcutil.Amount(r.policy.MaxFeePermille)/1000)
}

// movedByParents is what the transactions send out whose change is spent.
func (p *proposal) movedByParents() btcutil.Amount {
	var sum btcutil.Amount
	for i, c := range p.coins {
		if c.chain != wallet.ChainChange || p.packet.Inputs[i].NonWitnessUtxo == nil {
			sum += btcutil.Amount(c.prev.Value)
			continue
		}
		for _, out := range p.packet.Inputs[i].NonWitnessUtxo.TxOut {
			sum = min(sum+btcutil.Amount(min(max(out.Value, 0), int64(money.MaxSat))), money.MaxSat)
		}
	}
	return sum
}

// checkRoom refuses a transaction that could not be taken back: its void spends the
// same coins, pays its fee and the lowest feerate for its own relay (BIP 125, rules 3
// and 4), within the same caps.
func (r rules) checkRoom(p *proposal) error {
	if p.kind == KindVoid {
		return nil
	}
	change, err := r.changeScript(p)
	if err != nil {
		return err
	}
	void := wire.NewMsgTx(txVersion)
	void.TxIn = p.packet.UnsignedTx.TxIn
	void.AddTxOut(wire.NewTxOut(0, change))
	least := p.fee + money.FeeAt(worstVSize(void, r.descriptor), r.policy.MinFeeRateSatKVB)
	if most := min(r.policy.MaxFee, p.maxFee); least > most || p.in < least+wallet.DustLimit(change) {
		return refuse(
			CodeNoRoomForVoid,
			"To take the transaction back would cost %d sat; the caps allow %d sat, and its coins hold %d.",
			int64(least),
			int64(most),
			int64(p.in),
		)
	}
	return nil
}
