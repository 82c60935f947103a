package payout

import (
	"errors"
	"maps"

	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/causeway-fund/causeway/internal/errs"
)

// MoneyWords says what has become, or can still become, of the money of a batch.
// It is the only place that says so: what goes wrong is told by an error, whether
// money moved by the state of the batch. An error about a step of a batch that is
// out already would otherwise promise that nobody was paid.
func MoneyWords(k Kind, s State) string {
	if k != Payout {
		return upkeepWords(s)
	}
	switch s {
	case Composed, Approved, Built, Cancelled:
		return "No money moved."
	case Signing, Signed:
		return "A signature may exist, so the payments of this batch may still be made. Do not pay by hand."
	case Broadcast:
		return "The payments of this batch may still be made by the transaction that is out. Do not pay by hand."
	case Voiding:
		return "The payments of this batch may still be made until the replacement is final. Do not pay by hand."
	case Conflicted:
		return "The payments of this batch may still be made if the other transaction leaves the chain. Do not pay by hand."
	case Mined:
		return "The payments of this batch are in a block. Do not pay by hand."
	case Paid, Final:
		return "The payments of this batch are made. Do not pay them again."
	case Voided:
		return "This batch paid nobody and cannot any more."
	}
	return "It is not known whether the payments of this batch are made. Do not pay by hand."
}

// upkeepWords are the MoneyWords of a batch that pays nobody but the treasury.
func upkeepWords(s State) string {
	switch s {
	case Composed, Approved, Built, Cancelled:
		return "No money moved."
	case Signing, Signed, Broadcast, Voiding, Conflicted:
		return "Its transaction may still confirm; it pays the treasury alone."
	case Mined, Paid, Final:
		return "Its transaction is in a block; it pays the treasury alone."
	case Voided:
		return "Its transaction cannot confirm any more."
	}
	return "It is not known whether its transaction confirmed; it pays the treasury alone."
}

// recompose has the codes of steps that another composition can get past: other
// limits, other coins, fewer payments. The worker goes on trying after every other
// code, or the message says what to do.
var recompose = map[string]bool{
	"coin_gone":              true,
	"coins_too_small":        true,
	"dust_output":            true,
	"fee_above_cap":          true,
	"until_passed":           true,
	"fee_above_signer_cap":   true,
	"fee_below_signer_floor": true,
	"outside_window":         true,
	"plan_mismatch":          true,
	"policy_refused":         true,
	"prev_txs_too_large":     true,
	"too_large_for_signer":   true,
	"too_many_outputs":       true,
	"treasury_script":        true,
}

// advice is what to do about a code in a state. Only a batch that no signer was
// asked for can be cancelled.
func advice(code string, s State) string {
	switch {
	case !recompose[code]:
		return ""
	case s.BeforeSigning():
		return "If this continues, cancel the batch and compose it again."
	case s.Waits():
		return "No replacement was made; what was sent before is unchanged."
	}
	return ""
}

// Trouble says why the batch has not got further, whether money moved, and what
// can be done. It is empty when nothing is wrong.
func (b Batch) Trouble() string {
	if b.LastError == "" {
		return ""
	}
	words := b.LastError
	if a := advice(b.LastCode, b.State); a != "" {
		words += " " + a
	}
	return words + " " + MoneyWords(b.Kind, b.State)
}

// WhyStuck says in plain words what a batch waits for and what would resolve it.
func (b Batch) WhyStuck() string {
	switch {
	case b.State == Conflicted:
		return "Somebody else's transaction spent a coin of this batch. Its payments may be made again only when that " +
			"transaction is as deep as final; if it leaves the chain, the batch continues. " + MoneyWords(
			b.Kind,
			b.State,
		)
	case b.LastError != "":
		return b.Trouble()
	case b.State == Voiding:
		return "The batch is being taken back. It may still be paid until the replacement, which pays nobody, is as deep " +
			"as final. " + MoneyWords(
			b.Kind,
			b.State,
		)
	case b.State == Broadcast:
		return "No block took the transaction by its deadline. Its fee can be raised to what was approved, a child can pay " +
			"for both, or the batch can be taken back. " + MoneyWords(
			b.Kind,
			b.State,
		)
	}
	return "The next step failed several times; the worker keeps trying. " + MoneyWords(b.Kind, b.State)
}

// WithMoney adds the MoneyWords of a batch to a refusal of a use case on it. Whether
// a use case that was cut off did its work is not known, so nothing is added to that.
func WithMoney(err error, k Kind, s State) error {
	err = said(err, MoneyWords(k, s))
	var e *errs.Error
	if errors.As(err, &e) && e.Kind != errs.Internal && e.Kind != errs.Unavailable {
		e.Params = maps.Clone(e.Params)
		if e.Params == nil {
			e.Params = map[string]string{}
		}
		e.Params["batch_state"] = string(s)
	}
	return err
}

// NotComposed is withMoney for what never became a batch.
func NotComposed(err error) error { return said(err, "Nothing was composed and no money moved.") }

func said(err error, words string) error {
	var e *errs.Error
	if !errors.As(err, &e) || e.Kind == errs.Internal || e.Kind == errs.Unavailable {
		return err
	}
	told := *e
	told.Message += " " + words
	told.Cause = err
	return &told
}

// Alarm says what is off about a batch that may be paid. Without one it was sent
// and waits for a block, as every batch does.
type Alarm string

// The alarms; the database's view batch_alarm tells when each is up.
const (
	AlarmConflicted   Alarm = "conflicted"     // another transaction took one of its coins
	AlarmVoiding      Alarm = "voiding"        // it is being taken back
	AlarmNotInMempool Alarm = "not_in_mempool" // the node did not take it when it was last told
	AlarmPastDeadline Alarm = "past_deadline"  // no block took it in time
)

// Evicted is what is lost when transactions are replaced.
type Evicted struct {
	Count     int            // transactions, the replaced ones included
	Fees      btcutil.Amount // that the descendants pay, without the replaced ones
	TopSatKVB int64          // highest feerate of a descendant
}

// PlainWords is what people may read of an error.
func PlainWords(err error) string {
	var e *errs.Error
	if errors.As(err, &e) && e.Kind != errs.Internal {
		return e.Message
	}
	return "An internal error stopped this step; see the worker's log."
}
