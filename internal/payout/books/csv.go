package books

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
)

// columns is the header row of the CSV file.
func columns() []string {
	return []string{
		"grant_reference", "instalment_id", "decision_digest", "period", "batch_number", "designation", "address",
		"amount_sat", "amount_btc", "fee_share_sat", "txid", "vout", "height", "block_hash", "paid_at", "state",
	}
}

// WriteCSV writes a header row and a row a payment (RFC 4180: commas, CRLF). A
// text that a spreadsheet would take for a formula gets an apostrophe in front.
func WriteCSV(w io.Writer, payments []Payment) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(columns()); err != nil {
		return fmt.Errorf("write payments as CSV: %w", err)
	}
	for _, p := range payments {
		row := []string{
			cell(
				p.GrantReference,
			),
			p.InstalmentID.String(),
			cell(p.DecisionDigest),
			strconv.Itoa(p.Period),
			strconv.FormatInt(p.BatchNumber, 10),
			cell(p.Designation),
			cell(p.Address),
			strconv.FormatInt(
				int64(p.AmountSat),
				10,
			),
			money.FormatBTC(p.AmountSat),
			strconv.FormatInt(int64(p.FeeShareSat), 10),
			cell(p.TxID),
			"",
			"",
			cell(p.BlockHash),
			stamp(p.PaidAt),
			cell(p.State),
		}
		if p.TxID != "" {
			row[11] = strconv.FormatUint(uint64(p.Vout), 10)
		}
		if p.Height > 0 {
			row[12] = strconv.FormatInt(int64(p.Height), 10)
		}
		if err := out.Write(row); err != nil {
			return fmt.Errorf("write payments as CSV: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write payments as CSV: %w", err)
	}
	return nil
}

// cell disarms a text that begins like a formula, in ASCII or in full width: a
// designation such as =HYPERLINK(...) comes from an applicant and would run on
// the accountant's machine.
func cell(s string) string {
	s = oneLine(s)
	if strings.IndexAny(s, "=+-@＝＋－＠") == 0 {
		return "'" + s
	}
	return s
}
