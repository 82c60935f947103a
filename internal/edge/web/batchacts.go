package web

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// numberIs reports whether typed names the batch: "B-0042", "b42" or "42".
func numberIs(typed string, number uint32) bool {
	digits := strings.TrimLeft(strings.ToUpper(asciiDigits(typed)), "B- ")
	n, err := strconv.ParseUint(digits, 10, 32)
	return err == nil && uint32(n) == number
}

// postApprove takes a treasurer's yes: the digest that the page showed, and the
// number typed by hand, so that no slip of a finger moves money.
func (s *Site) postApprove(v *visit) error {
	r, err := s.record(v)
	if err != nil {
		return err
	}
	return s.sayYes(v, r, func(version int64, digest decision.Digest) error {
		_, err := s.cfg.Payouts.Approve(v.ctx(), v.by, r.Batch.ID, version, digest)
		return err
	})
}

// sayYes takes the digest that the page showed and the typed number.
func (s *Site) sayYes(v *visit, r payout.Record, approve func(version int64, digest decision.Digest) error) error {
	typed := v.posted("typed_number")
	if !numberIs(typed, r.Batch.Number) {
		return s.showBatch(v, http.StatusUnprocessableEntity, r, func(b *views.Batch) {
			b.TypedNumber, b.Errors = typed, []views.FieldError{{Field: "typed_number", Code: "number_differs"}}
		})
	}
	return s.actOnBatch(v, r, s.showBatch, nil, func(version int64) error {
		digest, err := decision.ParseDigest(v.posted("digest"))
		if err != nil {
			return errs.New(
				errs.Conflict,
				errs.CodeStaleDigest,
				"This is not the digest of the batch. Nothing was approved.",
			)
		}
		return approve(version, digest)
	})
}

func (s *Site) postCancel(v *visit) error {
	r, err := s.record(v)
	if err != nil {
		return err
	}
	return s.actOnBatch(v, r, s.showBatch, nil, func(version int64) error {
		_, err := s.cfg.Payouts.Cancel(v.ctx(), v.by, r.Batch.ID, version)
		return err
	})
}

// postBump asks for a higher feerate.
func (s *Site) postBump(v *visit) error {
	r, err := s.record(v)
	if err != nil {
		return err
	}
	typed := v.posted("feerate")
	keep := func(b *views.Batch) {
		if b.Bump != nil {
			b.Bump.Typed = typed
		}
	}
	rate, wrong := feeRateGiven("feerate", typed)
	if wrong != nil {
		return s.showBatch(
			v,
			http.StatusUnprocessableEntity,
			r,
			func(b *views.Batch) { keep(b); b.Errors = []views.FieldError{*wrong} },
		)
	}
	return s.actOnBatch(v, r, s.showBatch, keep, func(version int64) error {
		_, err := s.cfg.Payouts.Bump(v.ctx(), v.by, r.Batch.ID, version, rate)
		return err
	})
}

// postChild composes a child that pays for itself and for a batch that waits.
func (s *Site) postChild(v *visit) error {
	r, err := s.record(v)
	if err != nil {
		return err
	}
	b, err := s.cfg.Payouts.ComposeUpkeep(v.ctx(), v.by, payout.UpkeepOrder{
		Kind: payout.Child, Parent: r.Batch.ID, MaxFeeRateSatKVB: r.Batch.MaxFeeRateSatKVB, FeeRateSatKVB: childRate(r),
	})
	if err == nil {
		return v.see("/batches/" + b.ID.String())
	}
	words, status, ok := refusal(err)
	if !ok {
		return err
	}
	v.page.Flash = &views.Flash{Tone: "bad", Msg: words}
	return s.showBatch(v, status, r, nil)
}

// childRate is what a child pays for both: a quarter more than its parent does.
func childRate(r payout.Record) int64 {
	if len(r.Attempts) == 0 {
		return 0
	}
	rate := r.Attempts[len(r.Attempts)-1].FeeRateSatKVB()
	return min(rate+rate/4+1, r.Batch.MaxFeeRateSatKVB)
}

// getVoid shows the form that asks to take a batch back.
func (s *Site) getVoid(v *visit) error {
	r, err := s.record(v)
	if err != nil {
		return err
	}
	return s.showVoid(v, http.StatusOK, r, nil)
}

func (s *Site) showVoid(v *visit, status int, r payout.Record, change func(*views.Batch)) error {
	view, err := s.batch(v, r)
	if err != nil {
		return err
	}
	if change != nil {
		change(&view)
	}
	return v.show(status, views.VoidPage(v.page, view))
}

// postVoid asks to take a batch back.
func (s *Site) postVoid(v *visit) error {
	r, err := s.record(v)
	if err != nil {
		return err
	}
	o := payout.VoidOrder{Reason: v.posted("reason")}
	keep := func(b *views.Batch) {
		if b.VoidForm != nil {
			b.VoidForm.Reason, b.VoidForm.Cancelled = o.Reason, v.list("cancel")
		}
	}
	for _, text := range v.list("cancel") {
		id, err := uuid.Parse(text)
		if err != nil {
			return errs.New(
				errs.Malformed,
				errs.CodeMalformedForm,
				"The form names a payment that does not exist. Nothing was changed: load the page again.",
			)
		}
		o.CancelIDs = append(o.CancelIDs, id)
	}
	return s.actOnBatch(v, r, s.showVoid, keep, func(version int64) error {
		_, err := s.cfg.Payouts.AskVoid(v.ctx(), v.by, r.Batch.ID, version, o)
		return err
	})
}

// postVoidApprove takes a second person's yes to a void.
func (s *Site) postVoidApprove(v *visit) error {
	r, err := s.record(v)
	if err != nil {
		return err
	}
	return s.sayYes(v, r, func(version int64, digest decision.Digest) error {
		_, err := s.cfg.Payouts.ApproveVoid(v.ctx(), v.by, r.Batch.ID, version, digest)
		return err
	})
}

// postVoidWithdraw ends a request to take a batch back that nobody has agreed to.
func (s *Site) postVoidWithdraw(v *visit) error {
	r, err := s.record(v)
	if err != nil {
		return err
	}
	return s.actOnBatch(v, r, s.showBatch, nil, func(version int64) error {
		_, err := s.cfg.Payouts.WithdrawVoid(v.ctx(), v.by, r.Batch.ID, version)
		return err
	})
}

// postPSBT takes back what people signed elsewhere: a file, or pasted text.
func (s *Site) postPSBT(v *visit) error {
	r, err := s.record(v)
	if err != nil {
		return err
	}
	pasted := v.posted("psbt")
	data, err := v.upload("psbt_file")
	if err != nil {
		return err
	}
	if len(data) == 0 {
		data = []byte(pasted)
	}
	secret := false // what was pasted is shown again unless it is one
	refuse := func(status int, words, code string) error {
		return s.showBatch(v, status, r, func(b *views.Batch) {
			b.Errors = []views.FieldError{{Field: "psbt", Code: code, Message: words}}
			if b.Signing != nil && !secret {
				b.Signing.Typed = pasted
			}
		})
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return refuse(http.StatusUnprocessableEntity, "", "required")
	}
	status, err := s.cfg.Payouts.ImportPSBT(v.ctx(), v.by, r.Batch.ID, data)
	var wrong *errs.Error
	if errors.As(err, &wrong) && (wrong.Kind == errs.Invalid || wrong.Kind == errs.Malformed) {
		secret = wrong.Params["what"] == string(wallet.FoundPrivateKey)
		return refuse(http.StatusUnprocessableEntity, wrong.Message, "psbt")
	}
	if err != nil {
		words, code, ok := refusal(err)
		if !ok {
			return err
		}
		v.page.Flash = &views.Flash{Tone: "bad", Msg: words}
		return s.showBatch(v, code, r, nil)
	}
	if r, err = s.record(v); err != nil {
		return err
	}
	v.page.Flash = &views.Flash{Tone: "ok", Msg: views.Msg{
		Key:    "sign.thanks",
		Params: map[string]string{"Have": strconv.Itoa(len(status.Signed)), "Need": strconv.Itoa(status.Needed)},
	}}
	return s.showBatch(v, http.StatusOK, r, nil)
}

// feeRateGiven reads a feerate that was typed, in sat/vB with up to three decimals.
func feeRateGiven(field, text string) (int64, *views.FieldError) {
	rate, bad := money.ParseFeeRate(field, text)
	if bad != nil {
		return 0, &views.FieldError{Field: field, Code: "feerate_" + string(bad.Code), Message: bad.Message}
	}
	return rate, nil
}

// feeRate is feeRateGiven of a field that may be left empty, which is 0.
func feeRate(field, text string) (int64, *views.FieldError) {
	if strings.TrimSpace(text) == "" {
		return 0, nil
	}
	return feeRateGiven(field, text)
}

// wholeNumber reads a number that was typed, in any digits, with spaces between
// groups.
func wholeNumber(field, text string) (int64, *views.FieldError) {
	digits := strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "", "٬", "").Replace(asciiDigits(text))
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, &views.FieldError{Field: field, Code: "whole_number", Message: "Write a whole number."}
	}
	return n, nil
}

// actOnBatch does something to the version of the batch that the form names, and
// goes back to its page; a refusal is shown on the page of the form. keep puts what was
// typed back into it; it may be nil.
func (s *Site) actOnBatch(
	v *visit,
	r payout.Record,
	form func(*visit, int, payout.Record, func(*views.Batch)) error,
	keep func(*views.Batch),
	do func(version int64) error,
) error {
	version, err := strconv.ParseInt(v.posted("version"), 10, 64)
	if err != nil {
		return errs.New(
			errs.Precondition,
			CodeVersionMissing,
			"The form does not say which version it is about. Nothing was changed: load the page again.",
		)
	}
	page := "/batches/" + r.Batch.ID.String()
	err = do(version)
	if err == nil {
		return v.see(page)
	}
	words, status, ok := refusal(err)
	if !ok {
		return err
	}
	now := v.page.Say(views.Msg{Key: "state.batch." + string(r.Batch.State), Text: string(r.Batch.State)})
	if done, sent := v.clash(err, version, page, views.Change{Label: "state", New: now}); done {
		return sent
	}
	wrong := limitErrors(err)
	if len(wrong) == 0 {
		v.page.Flash = &views.Flash{Tone: "bad", Msg: words}
	}
	return form(v, status, r, func(b *views.Batch) {
		b.Errors = wrong
		if keep != nil {
			keep(b)
		}
	})
}
