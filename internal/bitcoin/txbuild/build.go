package txbuild

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
)

const (
	txVersion = 2
	// sequence signals replaceability (BIP 125) and lets the lock time count.
	sequence = wire.MaxTxInSequenceNum - 2
	// maxLockHeight: a lock time from here on would be a Unix time.
	maxLockHeight = 500_000_000

	defaultLongTermFeeRate = FeeRate(10_000)
	defaultChangeTarget    = btcutil.Amount(50_000)
	defaultMaxInputs       = 1_000
	defaultExtraInputs     = 8
	maxChangeOutputs       = 20

	// joinBelowPermille is the part of the long-term rate below which a payment
	// takes more coins than it needs: what that saves some day is a guess, and what
	// it costs is paid now.
	joinBelowPermille = 900
)

// Coin is an output of the treasury that may be spent. Whether it has enough
// confirmations is for the caller to know.
type Coin struct {
	OutPoint     wire.OutPoint
	Amount       btcutil.Amount
	Script       []byte
	Chain, Index uint32 // where the descriptor derives Script
	Height       int32
	PrevTx       *wire.MsgTx // the transaction that made it; coins of one may share it
}

// Payee is one approved payment.
type Payee struct {
	Decision string // id of the decision that approved it; unique in a request
	Script   []byte
	Amount   btcutil.Amount
}

// Request asks for one transaction. With no payees it sends the Must coins back
// to the treasury's change chain: a consolidation, or the void of a batch.
type Request struct {
	Descriptor *wallet.Descriptor
	Coins      []Coin
	Must       []wire.OutPoint // coins that have to be spent, e.g. the anchor
	Payees     []Payee

	FeeRate    FeeRate
	MaxFeeRate FeeRate
	MaxFee     btcutil.Amount
	// MaxFeePermille caps the fee in thousandths of what is paid; without payees, of
	// what is spent. 0 means no such cap.
	MaxFeePermille int
	// MinFee is the least the whole transaction has to pay, whatever its weight: for
	// a child, what lifts its parent. With it, coins are added to Must only where
	// Must cannot pay.
	MinFee btcutil.Amount
	// RelayFeeRate is the rate from which on nodes relay, and which a replacement pays
	// for its own relay (BIP 125, rule 4); nodes differ, so the node of the fund says
	// it. It is needed with Replaces and with RoomForVoid.
	RelayFeeRate FeeRate
	// Replaces is the sum of the fees of all that a replacement pushes out of a
	// mempool. It pays them and RelayFeeRate for its own relay (BIP 125, rules 3 and
	// 4), and coins are added as with MinFee. 0: it replaces nothing.
	Replaces btcutil.Amount
	// RoomForVoid leaves so much below MaxFee, and so much value in the coins, that
	// a void of this transaction can always be made: it spends the same coins, sends
	// all to change, and pays this fee and RelayFeeRate for its own relay.
	RoomForVoid bool
	// LongTermFeeRate is what spending a coin is expected to cost some day; it
	// decides whether more coins are spent than are needed. 0 means 10 sat/vB.
	LongTermFeeRate FeeRate
	// Room is what the fee may grow to by bumps, less than MaxFee where something
	// else bounds it, such as a signer's share or what a void has to add. With
	// payees, sets whose fee at MaxFeeRate keeps within Room are taken before all
	// others, and where there are none the fewest inputs. 0 means MaxFee.
	Room btcutil.Amount

	ChangeIndex uint32
	// RequireChange rules out a transaction without a change output.
	RequireChange bool
	// ChangeOutputs splits the change of a request without payees into so many
	// equal outputs of the same script; the few satoshi that do not divide go to
	// the fee. 0 means 1; at most 20.
	ChangeOutputs int
	// ChangeTarget is the least change to aim for, so that a fee bump finds
	// enough in it. Less is made where the pool allows nothing else. 0 means
	// 50,000 sat.
	ChangeTarget btcutil.Amount

	// MaxInputs is the most coins that may be spent. 0 means 1,000.
	MaxInputs int
	// ExtraInputs is the most inputs beyond the fewest that would do. They join
	// coins while that is cheap, keep coins of one address together or save the
	// change. 0 means 8; a negative number, none.
	ExtraInputs int
	// LeaveCoins is how many coins of at least LeaveWorth should stay unspent for
	// the next batch; as many of them stay as the amounts allow.
	LeaveCoins int
	LeaveWorth btcutil.Amount
	// MaxPrevTxBytes is the most that the transactions which made the coins may have
	// together, as PrevTxBytes counts. 0 means the constant of that name, which is
	// also the most.
	MaxPrevTxBytes int

	// Seed drives the random draw and the order of inputs and outputs. Payees
	// keep their order among themselves under one seed.
	Seed     [32]byte
	LockTime uint32 // a height, or 0
}

// Output is one output of a Plan. Exactly one of Decision and ChangeIndex is
// set.
type Output struct {
	Vout        int
	Script      []byte
	Amount      btcutil.Amount
	Decision    string
	ChangeIndex *uint32
}

// Plan is a built transaction. Weight and VSize count the longest signatures.
type Plan struct {
	PSBT    *psbt.Packet
	TxID    chainhash.Hash
	Inputs  []Coin
	Outputs []Output
	Fee     btcutil.Amount
	Change  btcutil.Amount // the sum of the change outputs; 0: there is none
	Weight  int64
	VSize   int64
	FeeRate FeeRate
}

// Build chooses coins and makes the unsigned PSBT (BIP 174 version 0, with both
// kinds of UTXO field, and BIP 371 fields for taproot). Coins received at one
// address are spent together, unless nothing can be paid that way, bumps would
// have no room or others no coins.
//
// Errors that a person can act on are Invalid with code dust_output,
// treasury_script, too_many_outputs, insufficient_funds (param missing_sat),
// coins_too_small, prev_txs_too_large (param bytes) or fee_above_cap (param
// fee_sat); a request that contradicts
// itself is Internal, bad_request.
func Build(r Request) (*Plan, error) {
	coins, c, err := choose(r)
	if err != nil {
		return nil, err
	}
	plan, err := assemble(r, coins, c)
	if err != nil {
		return nil, err
	}
	// The builder is not its own judge: the finished bytes are checked afresh.
	err = Verify(plan.PSBT, Want{
		Descriptor: r.Descriptor, Payees: r.Payees, Must: r.Must,
		ChangeIndex: r.ChangeIndex, ChangeOutputs: r.ChangeOutputs,
		MaxFeeRate: r.MaxFeeRate, MaxFee: r.MaxFee, RoomForVoid: r.RoomForVoid, RelayFeeRate: r.RelayFeeRate,
	})
	if err != nil {
		return nil, err
	}
	return plan, nil
}

func badRequest(format string, args ...any) error {
	return errs.Newf(errs.Internal, errs.CodeBadRequest, format, args...)
}

// choose selects the coins to spend: whole addresses where that will do, then
// single coins, and coins that are hardly worth their fee where nothing else pays.
func choose(r Request) ([]Coin, choice, error) {
	var coins []Coin
	var best choice
	var standing rank
	for _, way := range []struct{ grouped, small bool }{{true, false}, {false, false}, {false, true}} {
		if way.small && coins != nil {
			break
		}
		p, err := newPool(r, way.grouped, way.small)
		if err != nil {
			return nil, choice{}, err
		}
		found, refused := p.within(r)
		if refused != nil && way.small {
			return nil, choice{}, refused
		}
		if refused != nil {
			continue
		}
		if coins == nil || found.rank.crowds(standing) < 0 {
			coins, best, standing = found.coins, found.choice, found.rank
		}
		if standing.crowds(rank{}) == 0 {
			break
		}
	}
	return coins, best, nil
}

func newPool(r Request, grouped, small bool) (*pool, error) {
	if r.Descriptor == nil || r.LockTime >= maxLockHeight {
		return nil, badRequest("a descriptor is needed, and a lock time that is a height")
	}
	if r.FeeRate <= 0 || r.FeeRate > maxFeeRate || r.LongTermFeeRate < 0 || r.LongTermFeeRate > maxFeeRate {
		return nil, badRequest("a feerate of %d sat/kvB makes no sense", r.FeeRate)
	}
	if r.MaxFeeRate < 0 || r.MaxFeeRate > maxFeeRate || r.ChangeTarget < 0 || r.ChangeTarget > money.MaxSat {
		return nil, badRequest("a cap or the change target is out of range")
	}
	if r.MaxPrevTxBytes < 0 || r.MaxPrevTxBytes > MaxPrevTxBytes {
		return nil, badRequest("previous transactions of %d bytes: out of range", r.MaxPrevTxBytes)
	}
	if r.MaxInputs < 0 || r.MaxFeePermille < 0 || r.MaxFeePermille > 1000 {
		return nil, badRequest("%d inputs, %d per mille: out of range", r.MaxInputs, r.MaxFeePermille)
	}
	if r.Room < 0 || r.LeaveCoins < 0 || r.LeaveWorth < 0 {
		return nil, badRequest(
			"room of %d sat, %d coins of %d sat to leave: out of range",
			r.Room,
			r.LeaveCoins,
			r.LeaveWorth,
		)
	}
	if r.RelayFeeRate < 0 || r.RelayFeeRate > maxFeeRate || r.RelayFeeRate == 0 && (r.RoomForVoid || r.Replaces > 0) {
		return nil, badRequest("nodes relay from %d sat/kvB on: out of range", r.RelayFeeRate)
	}
	if r.MinFee < 0 || r.MinFee > money.MaxSat || r.Replaces < 0 || r.Replaces > money.MaxSat {
		return nil, badRequest("a minimum fee of %d sat, %d sat of replaced fees: out of range", r.MinFee, r.Replaces)
	}
	if r.ChangeOutputs < 0 || r.ChangeOutputs > maxChangeOutputs || (r.ChangeOutputs > 1 && len(r.Payees) > 0) {
		return nil, badRequest("%d change outputs beside %d payments", r.ChangeOutputs, len(r.Payees))
	}
	if least := max(r.MinFee, r.Replaces); least > r.MaxFee {
		return nil, feeAboveCap(
			least,
			"The fee has to be at least %d sat, and at most %d sat are allowed.",
			int64(least),
			int64(r.MaxFee),
		)
	}
	if r.FeeRate > r.MaxFeeRate {
		return nil, feeAboveCap(0, "The feerate of %s sat/vB is above the highest allowed, %s sat/vB.",
			money.FormatFeeRate(int64(r.FeeRate)), money.FormatFeeRate(int64(r.MaxFeeRate)))
	}
	changeScript, err := r.Descriptor.Script(wallet.ChainChange, r.ChangeIndex)
	if err != nil {
		return nil, err
	}
	p := &pool{
		payees:       len(r.Payees),
		inputWeight:  r.Descriptor.InputWeight(),
		changeWeight: outputWeight(changeScript),
		changes:      max(1, r.ChangeOutputs),
		rate:         r.FeeRate,
		longRun:      cmp.Or(r.LongTermFeeRate, defaultLongTermFeeRate),
		minFee:       r.MinFee,
		maxRate:      r.MaxFeeRate,
		maxFee:       r.MaxFee,
		maxShare:     r.MaxFeePermille,
		mostInputs:   cmp.Or(r.MaxInputs, defaultMaxInputs),
		needChange:   r.RequireChange || len(r.Payees) == 0,
		fewAdded:     r.MinFee > 0 || r.Replaces > 0 || len(r.Payees) == 0,
		extra:        max(0, cmp.Or(r.ExtraInputs, defaultExtraInputs)),
		joinBelow:    cmp.Or(r.LongTermFeeRate, defaultLongTermFeeRate) * joinBelowPermille / 1000,
		leave:        r.LeaveCoins,
		leaveWorth:   r.LeaveWorth,
		relay:        r.RelayFeeRate,
		replaces:     r.Replaces,
		roomForVoid:  r.RoomForVoid,
		changeDust:   wallet.DustLimit(changeScript),
	}
	k := btcutil.Amount(p.changes)
	p.changeCost = k * (p.rate.part(p.changeWeight) + p.longRun.part(p.inputWeight))
	// Change that costs more to spend than it holds is worth nothing.
	p.changeFloor = k * max(wallet.DustLimit(changeScript), p.longRun.part(p.inputWeight))
	p.changeTarget = max(p.changeFloor, cmp.Or(r.ChangeTarget, defaultChangeTarget))
	if err := p.addPayees(r.Payees, changeScript); err != nil {
		return nil, err
	}
	if err := p.addCoins(r, grouped, small); err != nil {
		return nil, err
	}
	p.bound()
	if p.payees > 0 {
		p.room = min(cmp.Or(r.Room, r.MaxFee), r.MaxFee)
	}
	if p.payees > 0 && r.MaxFeePermille > 0 {
		p.room = min(p.room, p.pay*btcutil.Amount(r.MaxFeePermille)/1000)
	}
	if p.weight(max(1, len(p.must)), p.needChange) > MaxWeight {
		return nil, errs.Newf(errs.Invalid, errs.CodeTooManyOutputs,
			"%d payments do not fit into one transaction. Release them in smaller batches.", p.payees)
	}
	return p, nil
}

func (p *pool) addPayees(payees []Payee, changeScript []byte) error {
	seen := make(map[string]bool, len(payees))
	for _, payee := range payees {
		if payee.Decision == "" || seen[payee.Decision] {
			return badRequest("decision %q appears twice or is empty", payee.Decision)
		}
		seen[payee.Decision] = true
		if bytes.Equal(payee.Script, changeScript) {
			return errs.Newf(
				errs.Invalid,
				wallet.CodeTreasuryScript,
				"Decision %s would pay the treasury itself.",
				payee.Decision,
			)
		}
		if dust := wallet.DustLimit(payee.Script); payee.Amount < dust || payee.Amount <= 0 {
			e := errs.Newf(errs.Invalid, errs.CodeDustOutput,
				"The payment of decision %s is %d sat; the network does not relay less than %d sat to that address.",
				payee.Decision, int64(payee.Amount), int64(dust))
			e.Params = map[string]string{"decision": payee.Decision}
			return e
		}
		if p.pay += payee.Amount; payee.Amount > money.MaxSat || p.pay > money.MaxSat {
			return badRequest("the payments add up to more than all bitcoin")
		}
		p.payeesWeight += outputWeight(payee.Script)
	}
	return nil
}

// feeAboveCap names the least fee as a param; 0: it is not known.
func feeAboveCap(least btcutil.Amount, format string, args ...any) error {
	e := errs.Newf(errs.Invalid, errs.CodeFeeAboveCap, format, args...)
	if least > 0 {
		e.Params = map[string]string{"fee_sat": strconv.FormatInt(int64(least), 10)}
	}
	return e
}

// refusal explains why no set of coins will do.
func (p *pool) refusal(priced bool, cheapest btcutil.Amount) error {
	if priced {
		if p.roomForVoid {
			room := p.voidRoom(max(1, len(p.must)))
			return feeAboveCap(
				cheapest,
				"The fee would be at least %d sat, and at most %d sat are allowed, of which some %d have to stay free so that the transaction can be taken back.",
				int64(cheapest),
				int64(p.maxFee),
				int64(room),
			)
		}
		return feeAboveCap(
			cheapest,
			"The fee would be at least %d sat, and at most %d sat are allowed.",
			int64(cheapest),
			int64(p.maxFee),
		)
	}
	missing := p.missing()
	if missing == 0 {
		return errs.New(
			errs.Invalid,
			CodeCoinsTooSmall,
			"The treasury has enough, in coins too small to be spent in one transaction. Pay fewer people at once, or consolidate first.",
		)
	}
	e := errs.Newf(errs.Invalid, CodeInsufficientFunds,
		"The treasury is short of %d sat for these payments and their fee.", int64(missing))
	e.Params = map[string]string{"missing_sat": strconv.FormatInt(int64(missing), 10)}
	return e
}

// stream returns random numbers that depend on seed and label alone.
func stream(seed [32]byte, label string) *rand.Rand {
	key := sha256.Sum256(append([]byte("causeway/txbuild/"+label+"/"), seed[:]...))
	return rand.New(rand.NewChaCha8(key)) //nolint:gosec // not a secret: a seed lets an auditor replay the choice
}

// assemble lays the chosen coins and the payees out in an order that tells an
// onlooker nothing, and fills the PSBT.
func assemble(r Request, coins []Coin, c choice) (*Plan, error) {
	plan := &Plan{
		Inputs: coins, Fee: c.fee, Change: c.change,
		Weight: c.weight, VSize: VSize(c.weight), FeeRate: FeeRateOf(c.fee, c.weight),
	}
	slices.SortFunc(plan.Inputs, bySize)
	inputOrder := stream(r.Seed, "inputs")
	inputOrder.Shuffle(len(plan.Inputs), func(i, j int) {
		plan.Inputs[i], plan.Inputs[j] = plan.Inputs[j], plan.Inputs[i]
	})
	if err := plan.layOutputs(r); err != nil {
		return nil, err
	}
	tx := wire.NewMsgTx(txVersion)
	tx.LockTime = r.LockTime
	for _, coin := range plan.Inputs {
		in := wire.NewTxIn(&coin.OutPoint, nil, nil)
		in.Sequence = sequence
		tx.AddTxIn(in)
	}
	for _, out := range plan.Outputs {
		tx.AddTxOut(wire.NewTxOut(int64(out.Amount), out.Script))
	}
	plan.TxID = tx.TxHash()
	return plan, plan.fillPSBT(r, tx)
}

func (plan *Plan) layOutputs(r Request) error {
	payees := slices.Clone(r.Payees)
	slices.SortFunc(payees, func(a, b Payee) int { return cmp.Compare(a.Decision, b.Decision) })
	// Payees and change draw from streams of their own, so that an attempt with
	// and one without change list the payees in the same order.
	stream(r.Seed, "payees").Shuffle(len(payees), func(i, j int) { payees[i], payees[j] = payees[j], payees[i] })
	for _, payee := range payees {
		plan.Outputs = append(
			plan.Outputs,
			Output{Script: payee.Script, Amount: payee.Amount, Decision: payee.Decision},
		)
	}
	if plan.Change > 0 {
		script, err := r.Descriptor.Script(wallet.ChainChange, r.ChangeIndex)
		if err != nil {
			return err
		}
		index, k := r.ChangeIndex, btcutil.Amount(max(1, r.ChangeOutputs))
		change := slices.Repeat([]Output{{Script: script, Amount: plan.Change / k, ChangeIndex: &index}}, int(k))
		at := stream(r.Seed, "change").IntN(len(payees) + 1)
		plan.Outputs = slices.Insert(plan.Outputs, at, change...)
	}
	for i := range plan.Outputs {
		plan.Outputs[i].Vout = i
	}
	return nil
}

func (plan *Plan) fillPSBT(r Request, tx *wire.MsgTx) error {
	packet, err := psbt.NewFromUnsignedTx(tx)
	if err != nil {
		return errs.Wrap(err, errs.Internal, wallet.CodeBadPSBT, "The PSBT could not be made.")
	}
	for i, coin := range plan.Inputs {
		in := &packet.Inputs[i]
		in.NonWitnessUtxo = coin.PrevTx
		in.WitnessUtxo = wire.NewTxOut(int64(coin.Amount), coin.Script)
		if err := r.Descriptor.AddInputFields(in, coin.Chain, coin.Index); err != nil {
			return err
		}
	}
	for i, out := range plan.Outputs {
		if out.ChangeIndex == nil {
			continue
		}
		if err := r.Descriptor.AddOutputFields(&packet.Outputs[i], wallet.ChainChange, *out.ChangeIndex); err != nil {
			return err
		}
	}
	plan.PSBT = packet
	return nil
}
