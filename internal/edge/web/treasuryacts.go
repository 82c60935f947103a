package web

import (
	"bytes"
	"io"
	"net/http"
	"time"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/books"
	"github.com/causeway-fund/causeway/internal/payout/payout"
)

// postCoinLock keeps a coin out of every new batch.
func (s *Site) postCoinLock(v *visit) error {
	reason := v.posted("reason")
	return s.actOnCoin(v, reason, func(op wire.OutPoint) error {
		_, err := s.cfg.Payouts.LockCoin(v.ctx(), v.by, op, reason)
		return err
	})
}

// postCoinUnlock lets it in again.
func (s *Site) postCoinUnlock(v *visit) error {
	return s.actOnCoin(v, "", func(op wire.OutPoint) error {
		_, err := s.cfg.Payouts.UnlockCoin(v.ctx(), v.by, op)
		return err
	})
}

func (s *Site) actOnCoin(v *visit, reason string, do func(wire.OutPoint) error) error {
	op, err := wire.NewOutPointFromString(v.posted("outpoint"))
	if err != nil {
		return errs.Wrap(err, errs.NotFound, errs.CodeCoinNotFound, "There is no such coin. Nothing was changed.")
	}
	return s.refuseHere(v, do(*op), func(t *views.Treasury) { t.Reason = reason })
}

// refuseHere goes back to the treasury page, or shows it with what is wrong.
func (s *Site) refuseHere(v *visit, err error, keep func(*views.Treasury)) error {
	if err == nil {
		return v.see("/treasury")
	}
	words, status, ok := refusal(err)
	if !ok {
		return err
	}
	wrong := limitErrors(err)
	if len(wrong) == 0 {
		v.page.Flash = &views.Flash{Tone: "bad", Msg: words}
	}
	return s.showTreasury(v, status, func(t *views.Treasury) {
		t.Errors = wrong
		keep(t)
	})
}

// postUpkeep composes a batch that pays nobody.
func (s *Site) postUpkeep(v *visit) error {
	typed := views.Upkeep{Outputs: v.posted("outputs"), FeeRate: v.posted("feerate")}
	o := payout.UpkeepOrder{Kind: payout.Kind(v.posted("kind"))}
	var wrong []views.FieldError
	number := func(field, text string) int64 {
		n, bad := wholeNumber(field, orElse(text, "0"))
		if bad != nil {
			wrong = append(wrong, *bad)
		}
		return n
	}
	var bad *views.FieldError
	if o.FeeRateSatKVB, bad = feeRate("feerate", typed.FeeRate); bad != nil {
		wrong = append(wrong, *bad)
	}
	o.Outputs = int(min(max(number("outputs", typed.Outputs), 0), 1000))
	keep := func(t *views.Treasury) { t.Upkeep.Outputs, t.Upkeep.FeeRate = typed.Outputs, typed.FeeRate }
	if o.Kind != payout.Consolidate && o.Kind != payout.Split {
		return errs.New(
			errs.Malformed,
			errs.CodeMalformedForm,
			"The form does not say what to do. Nothing was changed: load the page again.",
		)
	}
	if len(wrong) > 0 {
		return s.showTreasury(v, http.StatusUnprocessableEntity, func(t *views.Treasury) { t.Errors = wrong; keep(t) })
	}
	b, err := s.cfg.Payouts.ComposeUpkeep(v.ctx(), v.by, o)
	if err == nil {
		return v.see("/batches/" + b.ID.String())
	}
	return s.refuseHere(v, err, keep)
}

// export is a form that payments are written in.
type export struct {
	name, contentType string
	write             func(io.Writer, []books.Payment) error
}

func exportAs(format string) (export, bool) {
	e, ok := map[string]export{
		"csv":       {"payments.csv", "text/csv; charset=utf-8", books.WriteCSV},
		"json":      {"payments.json", echo.MIMEApplicationJSON, books.WriteJSON},
		"ledger":    {"payments.ledger", echo.MIMETextPlainCharsetUTF8, inSat(books.WriteLedger)},
		"beancount": {"payments.beancount", echo.MIMETextPlainCharsetUTF8, inSat(books.WriteBeancount)},
		"bip329":    {"labels.jsonl", "application/jsonl; charset=utf-8", books.WriteLabels},
	}[format]
	return e, ok
}

func inSat(write func(io.Writer, []books.Payment, books.Commodity) error) func(io.Writer, []books.Payment) error {
	return func(w io.Writer, list []books.Payment) error { return write(w, list, books.SAT) }
}

// getPayments sends the payments in blocks from one day until another, both whole,
// in the time of UTC; no day stands for the beginning and for now.
func (s *Site) getPayments(v *visit) error {
	form, ok := exportAs(v.QueryParam("format"))
	if !ok {
		return errs.New(
			errs.Malformed,
			errs.CodeUnknownFormat,
			"Payments are written as csv, json, ledger, beancount or bip329.",
		)
	}
	from, err := day(v.QueryParam("from"), time.Unix(0, 0).UTC())
	if err != nil {
		return err
	}
	until, err := day(v.QueryParam("until"), v.page.Now)
	if err != nil {
		return err
	}
	list, err := s.cfg.Payouts.Payments(v.ctx(), v.by, from, until.AddDate(0, 0, 1))
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := form.write(&b, list); err != nil {
		return err
	}
	return v.file(form.name, form.contentType, b.Bytes())
}

func day(text string, fallback time.Time) (time.Time, error) {
	if text == "" {
		return fallback, nil
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return t, errs.Wrap(err, errs.Malformed, CodeBadDate, "Write days as 2026-11-22.")
	}
	return t, nil
}

// getCertificate sends the proof of one payment, which its payee can check.
func (s *Site) getCertificate(v *visit) error {
	id, err := uuid.Parse(v.Param("id"))
	if err != nil {
		return errs.New(errs.NotFound, errs.CodeNotFound, "There is nothing at this address.")
	}
	c, err := s.cfg.Payouts.Certificate(v.ctx(), v.by, id)
	if err != nil {
		return err
	}
	text, err := c.Encode()
	if err != nil {
		return err
	}
	return v.file("certificate-"+c.Reference+".json", echo.MIMEApplicationJSON, text)
}
