package vantage

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/causeway-fund/causeway/internal/errs"
)

// First is the Prev of a prober's first report.
func First() string { return PrevOf([sha256.Size]byte{}) }

// PrevOf returns the Prev of the report after one with the hash last.
func PrevOf(last [sha256.Size]byte) string { return hex.EncodeToString(last[:]) }

// Follows refuses r unless it is the report after the one with number seq and
// hash last; both are zero before a prober's first. hash is that of r's own
// envelope. Errors are Conflict: "report_repeated" when r is that last report
// itself, whose acknowledgement its prober did not get and which it need not send
// again, and "report_out_of_order" for everything else. It comes before every
// look at what the report says, so that an acknowledgement that was lost never
// breaks a chain.
func (r Report) Follows(seq uint64, last, hash [sha256.Size]byte) error {
	switch {
	case seq > 0 && r.Seq == seq && hash == last:
		return errs.New(
			errs.Conflict,
			CodeReportRepeated,
			"This report has already been accepted. Nothing more was saved; continue with the next one.",
		)
	case seq == ^uint64(0) || r.Seq != seq+1 || r.Prev != PrevOf(last):
		return errs.Newf(
			errs.Conflict,
			CodeReportOutOfOrder,
			"This report does not follow the last one that was accepted, number %d. Nothing was saved. Enrol the prober again "+
				"if its state was lost.",
			seq,
		)
	}
	return nil
}
