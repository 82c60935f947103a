package web

import (
	"net/http"

	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/treasurer"
)

// sampleList is how a list of payees looks like.
const sampleList = "reference,address,amount_sat,label\nA-000417,tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx,1850000,January\n"

func (s *Site) getImport(v *visit) error {
	return v.show(http.StatusOK, views.ImportPage(v.page, views.Import{Sample: sampleList}))
}

// postImport reads a list of payees and shows every line of it with the instalment
// that it picked, or the reason why none. Nothing is stored.
func (s *Site) postImport(v *visit) error {
	text := []byte(v.posted("list"))
	view := views.Import{Text: v.posted("list"), Sample: sampleList}
	file, err := v.upload("list_file")
	if err != nil {
		return err
	}
	if len(file) > 0 {
		text, view.Text = file, ""
	}
	if len(text) == 0 {
		view.Errors = []views.FieldError{{Field: "list", Code: "required"}}
		return v.show(http.StatusUnprocessableEntity, views.ImportPage(v.page, view))
	}
	list, err := s.cfg.Payouts.MatchPayees(v.ctx(), v.by, s.cfg.Grants, text)
	if err != nil {
		words, status, ok := refusal(err)
		if !ok {
			return err
		}
		view.Refused = words
		return v.show(status, views.ImportPage(v.page, view))
	}
	matched(&view, list)
	return v.show(http.StatusOK, views.ImportPage(v.page, view))
}

func matched(view *views.Import, list treasurer.PayeeList) {
	view.Lines, view.Empty, view.FitSat = list.Lines, list.EmptyAtEnd, int64(list.Matched)
	for _, row := range list.Rows {
		out := views.ImportRow{
			Line:      row.Line,
			Reference: row.Reference,
			Address:   row.Address,
			Label:     row.Label,
			AmountSat: int64(row.Amount),
		}
		for _, f := range row.Errors {
			out.Problems = append(out.Problems, problem(f))
		}
		view.Rows = append(view.Rows, out)
	}
	for _, id := range list.IDs() {
		view.Fit++
		view.Picked = append(view.Picked, id.String())
	}
}

// problem is a fault of a row: its column, unless it is about the line as a whole,
// and the rule.
func problem(f errs.Field) views.Msg {
	if f.Field == "line" {
		return views.Msg{Text: f.Message}
	}
	return views.Msg{Text: f.Field + ": " + f.Message}
}
