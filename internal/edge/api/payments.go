package api

import (
	"bytes"
	"context"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/books"
	"github.com/causeway-fund/causeway/internal/payout/books/payeecsv"
	"github.com/causeway-fund/causeway/internal/payout/treasurer"
)

// MaxPayeeListBody is the largest list of payees that is read.
const MaxPayeeListBody = payeecsv.MaxBytes

// blockAhead is more than the time of a block may be ahead of the clock.
const blockAhead = 3 * time.Hour

// ExportPayments answers GET /v1/payments.
func (h *Handlers) ExportPayments(
	ctx context.Context,
	r ExportPaymentsRequestObject,
) (ExportPaymentsResponseObject, error) {
	format, unit := Json, Sat
	if r.Params.Format != nil {
		format = *r.Params.Format
	}
	if r.Params.Unit != nil {
		unit = *r.Params.Unit
	}
	write, out, err := exporter(format, unit)
	if err != nil {
		return nil, err
	}
	from, until := value(r.Params.From), h.cfg.Clock.Now().Add(blockAhead)
	if r.Params.Until != nil {
		until = *r.Params.Until
	}
	if until.Before(from) {
		return nil, errs.InvalidFields(
			[]errs.Field{{Field: "until", Code: CodeBeforeFrom, Message: "The end is before the beginning."}},
		)
	}
	list, err := h.cfg.Payouts.Payments(ctx, actorFrom(ctx), from, until)
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	if err := write(&body, list); err != nil {
		return nil, err
	}
	out.body = body.Bytes()
	return out, nil
}

// exporter returns what writes a format, and the file without its body.
func exporter(
	format ExportPaymentsParamsFormat,
	unit ExportPaymentsParamsUnit,
) (func(io.Writer, []books.Payment) error, file, error) {
	const text = "text/plain; charset=utf-8"
	commodity, known := map[ExportPaymentsParamsUnit]books.Commodity{Sat: books.SAT, Btc: books.BTC}[unit]
	if !known {
		return nil, file{}, oneOf("unit", CodeUnknownUnit)
	}
	in := func(write func(io.Writer, []books.Payment, books.Commodity) error) func(io.Writer, []books.Payment) error {
		return func(w io.Writer, list []books.Payment) error { return write(w, list, commodity) }
	}
	switch format {
	case Json:
		return books.WriteJSON, file{name: "payments.json", kind: "application/json"}, nil
	case Csv:
		return books.WriteCSV, file{name: "payments.csv", kind: "text/csv; charset=utf-8"}, nil
	case Ledger:
		return in(books.WriteLedger), file{name: "payments.ledger", kind: text}, nil
	case Beancount:
		return in(books.WriteBeancount), file{name: "payments.beancount", kind: text}, nil
	case Bip329:
		return books.WriteLabels, file{name: "payments-bip329.jsonl", kind: text}, nil
	}
	return nil, file{}, oneOf("format", errs.CodeUnknownFormat)
}

// GetCertificate answers GET /v1/payments/{id}/certificate.
func (h *Handlers) GetCertificate(
	ctx context.Context,
	r GetCertificateRequestObject,
) (GetCertificateResponseObject, error) {
	c, err := h.cfg.Payouts.Certificate(ctx, actorFrom(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	text, err := c.Encode()
	if err != nil {
		return nil, err
	}
	return file{name: "certificate-" + r.Id.String() + ".json", kind: "application/json", body: text}, nil
}

// CheckPayeeList answers POST /v1/payee-lists.
func (h *Handlers) CheckPayeeList(
	ctx context.Context,
	r CheckPayeeListRequestObject,
) (CheckPayeeListResponseObject, error) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	list, err := h.cfg.Payouts.MatchPayees(ctx, actorFrom(ctx), h.cfg.Grants, text)
	if err != nil {
		return nil, err
	}
	ids := list.IDs()
	out := CheckPayeeList200JSONResponse{
		Ok: list.OK(),
		//nolint:gosec // payeecsv.MaxBytes
		Lines: int32(list.Lines),
		//nolint:gosec // payeecsv.MaxBytes
		EmptyAtEnd:    int32(list.EmptyAtEnd),
		Matched:       int32(len(ids)), //nolint:gosec // payeecsv.MaxBytes
		MatchedSat:    int64(list.Matched),
		InstalmentIds: orEmpty(ids),
		Rows:          make([]PayeeListRow, 0, len(list.Rows)),
	}
	for _, row := range list.Rows {
		out.Rows = append(out.Rows, payeeRow(row))
	}
	return out, nil
}

func payeeRow(row treasurer.PayeeRow) PayeeListRow {
	//nolint:gosec // payeecsv.MaxRows
	out := PayeeListRow{
		Line: int32(
			row.Line,
		),
		Reference: optional(row.Reference),
		Address:   optional(row.Address),
		Label:     optional(row.Label),
		AmountSat: optional(int64(row.Amount)),
	}
	if row.Instalment != uuid.Nil {
		out.InstalmentId = &row.Instalment
	}
	if len(row.Errors) > 0 {
		list := make([]FieldError, 0, len(row.Errors))
		for _, e := range row.Errors {
			f := FieldError{Field: e.Field, Code: string(e.Code), Message: e.Message}
			if len(e.Params) > 0 {
				f.Params = &e.Params
			}
			list = append(list, f)
		}
		out.Errors = &list
	}
	return out
}
