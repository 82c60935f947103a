package web

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/causeway-fund/causeway/internal/errs"
)

// file sends bytes to keep.
func (v *visit) file(name, contentType string, body []byte) error {
	v.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="`+name+`"`)
	return v.Blob(http.StatusOK, contentType, body)
}

// getBatchPSBT sends the transaction that waits for signatures, with those that are
// there; else that of the current attempt, unsigned (BIP 174).
func (s *Site) getBatchPSBT(v *visit) error {
	r, err := s.record(v)
	if err != nil {
		return err
	}
	if n := len(r.Attempts); n > 0 {
		out, _, err := s.cfg.Payouts.ExportPSBT(v.ctx(), v.by, r.Batch.ID)
		if err == nil {
			return v.file(
				batchNumber(r.Batch.Number)+"-"+strconv.Itoa(r.Attempts[n-1].No+1)+".psbt",
				echo.MIMEOctetStream,
				out.PSBT,
			)
		}
		if errs.CodeOf(err) != errs.CodeWrongState {
			return err
		}
	}
	now := r.Current()
	if now == nil {
		return errs.New(errs.NotFound, CodeNotBuilt, "No transaction has been built for this batch yet.")
	}
	out, err := s.cfg.Payouts.AttemptPSBT(v.ctx(), *now)
	if err != nil {
		return err
	}
	return v.file(batchNumber(r.Batch.Number)+"-"+strconv.Itoa(now.No+1)+".psbt", echo.MIMEOctetStream, out.PSBT)
}

// upload returns the file that a form carries; none when it carries none.
func (v *visit) upload(name string) ([]byte, error) {
	file, _, err := v.Request().FormFile(name)
	if errors.Is(err, http.ErrMissingFile) || errors.Is(err, http.ErrNotMultipart) {
		return nil, nil
	}
	if err != nil {
		return nil, errs.Wrap(
			err,
			errs.Malformed,
			errs.CodeMalformedForm,
			"The file cannot be read. Nothing was saved.",
		)
	}
	data, err := io.ReadAll(file) // the server bounds the body
	if closed := file.Close(); err == nil {
		err = closed
	}
	return data, err
}

// getBatchNote sends the exact bytes that the digest is of.
func (s *Site) getBatchNote(v *visit) error {
	r, err := s.record(v)
	if err != nil {
		return err
	}
	return v.file(batchNumber(r.Batch.Number)+"-note.txt", echo.MIMETextPlainCharsetUTF8, []byte(r.Batch.Note))
}

// getBatchCSV sends the recipients (RFC 4180). Every value is one that this
// program made, so none can be a formula.
func (s *Site) getBatchCSV(v *visit) error {
	r, err := s.record(v)
	if err != nil {
		return err
	}
	now := r.Current()
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	rows := [][]string{{"batch", "reference", "operator", "address", "amount_sat", "state", "txid", "vout"}}
	for _, it := range r.Items {
		txid, vout := "", ""
		if n := voutOf(now, it.InstalmentID); n >= 0 {
			txid, vout = now.TxID.String(), strconv.Itoa(n)
		}
		rows = append(rows, []string{
			batchNumber(
				r.Batch.Number,
			),
			it.Reference,
			it.Designation,
			it.Address,
			strconv.FormatInt(int64(it.Amount), 10),
			string(it.State),
			txid,
			vout,
		})
	}
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	return v.file(batchNumber(r.Batch.Number)+".csv", "text/csv; charset=utf-8", b.Bytes())
}
