package web

import (
	"net/http"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/books/payeecsv"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/grant"
	"github.com/causeway-fund/causeway/internal/web/views"
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
	list, err := payeecsv.Parse(text)
	if err != nil {
		words, status, ok := refusal(err)
		if !ok {
			return err
		}
		view.Refused = words
		return v.show(status, views.ImportPage(v.page, view))
	}
	known, err := s.instalments(v)
	if err != nil {
		return err
	}
	matched(&view, list, payeecsv.Match(list.Rows, known))
	return v.show(http.StatusOK, views.ImportPage(v.page, view))
}

// instalments lists those of every grant, so that a row which means one that cannot
// be paid now is told so.
func (s *Site) instalments(v *visit) ([]payeecsv.PayableRef, error) {
	var known []payeecsv.PayableRef
	for cursor, more := "", true; more; more = cursor != "" {
		records, next, err := s.cfg.Grants.Grants(v.ctx(), v.by, cursor, grant.MaxPage)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			for _, i := range r.Instalments {
				known = append(known, payeecsv.PayableRef{
					InstalmentID: i.ID, Reference: r.Grant.Reference, Address: i.PayeeAddress, AmountSat: i.Amount, State: string(i.State),
				})
			}
		}
		cursor = next
	}
	return known, nil
}

func matched(view *views.Import, list payeecsv.File, outcomes []payeecsv.Matched) {
	view.Lines, view.Empty = list.Lines, list.EmptyAtEnd
	for i, row := range list.Rows {
		out := views.ImportRow{Line: row.Line, Reference: row.Reference, Address: row.Address, Label: row.Label, AmountSat: int64(row.AmountSat)}
		for _, f := range row.Errors {
			out.Problems = append(out.Problems, problem(f))
		}
		why := outcomes[i].Reason
		if why != nil && len(row.Errors) == 0 {
			out.Problems = append(out.Problems, problem(*why))
		}
		if why == nil && outcomes[i].InstalmentID != uuid.Nil {
			view.Fit++
			view.FitSat += out.AmountSat
			view.Picked = append(view.Picked, outcomes[i].InstalmentID.String())
		}
		view.Rows = append(view.Rows, out)
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
