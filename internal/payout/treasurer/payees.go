package treasurer

import (
	"context"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/books/payeecsv"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// GrantLister pages through grants, newest first; grant.Service is one.
type GrantLister interface {
	Grants(ctx context.Context, by identity.Actor, cursor string, limit int) ([]grant.GrantRecord, string, error)
}

// PayeeList is a treasurer's list of payees held against the instalments.
type PayeeList struct {
	Lines      int // of the file: those above the rows + len(Rows) + EmptyAtEnd
	EmptyAtEnd int
	Rows       []PayeeRow // in the order of the file
	Matched    btcutil.Amount
}

// PayeeRow is one line of the list: either Instalment is set, or Errors says why
// not.
type PayeeRow struct {
	Line       int
	Reference  string
	Address    string
	Amount     btcutil.Amount
	Label      string
	Instalment uuid.UUID
	Errors     []errs.Field
}

// IDs returns the instalments that the list names, in its order.
func (l PayeeList) IDs() []uuid.UUID {
	var ids []uuid.UUID
	for _, r := range l.Rows {
		if r.Instalment != uuid.Nil {
			ids = append(ids, r.Instalment)
		}
	}
	return ids
}

// OK reports whether every row has an instalment.
func (l PayeeList) OK() bool { return len(l.IDs()) == len(l.Rows) }

// MatchPayees reads a list of payees (payeecsv.Parse) and finds the instalment of
// each row. It stores nothing, and the list pays nobody: an order names
// instalments, and their decisions say whom they pay. Errors: Invalid
// bad_payee_list, for a file without lines to speak of.
func (s *Service) MatchPayees(
	ctx context.Context,
	by identity.Actor,
	grants GrantLister,
	text []byte,
) (PayeeList, error) {
	if err := by.Require(identity.PermBatchCompose); err != nil {
		return PayeeList{}, err
	}
	file, err := payeecsv.Parse(text)
	if err != nil {
		return PayeeList{}, err
	}
	refs, err := payableRefs(ctx, by, grants)
	if err != nil {
		return PayeeList{}, err
	}
	list := PayeeList{Lines: file.Lines, EmptyAtEnd: file.EmptyAtEnd, Rows: make([]PayeeRow, len(file.Rows))}
	for i, m := range payeecsv.Match(file.Rows, refs) {
		row := file.Rows[i]
		list.Rows[i] = PayeeRow{
			Line: row.Line, Reference: row.Reference, Address: row.Address, Amount: row.AmountSat, Label: row.Label,
			Instalment: m.InstalmentID, Errors: row.Errors,
		}
		switch {
		case m.InstalmentID != uuid.Nil:
			list.Matched += row.AmountSat
		case len(row.Errors) == 0:
			list.Rows[i].Errors = m.Reasons
		default: // the first reason is that the row has errors
			list.Rows[i].Errors = append(row.Errors, m.Reasons[1:]...) //nolint:gocritic // a new list
		}
	}
	return list, nil
}

// payableRefs lists the instalments of every grant. A grant that has ended is
// listed too: its row then says what became of the instalment.
func payableRefs(ctx context.Context, by identity.Actor, grants GrantLister) ([]payeecsv.PayableRef, error) {
	var refs []payeecsv.PayableRef
	for cursor := ""; ; {
		records, next, err := grants.Grants(ctx, by, cursor, grant.MaxPage)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			for _, it := range r.Instalments {
				refs = append(refs, payeecsv.PayableRef{
					InstalmentID: it.ID,
					Reference:    r.Grant.Reference,
					Address:      it.PayeeAddress,
					AmountSat:    it.Amount,
					State:        string(it.State),
				})
			}
		}
		if next == "" {
			return refs, nil
		}
		cursor = next
	}
}
