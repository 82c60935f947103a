package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/causeway-fund/causeway/internal/review/grant"

	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// batchPage is how many batches a page of the list shows.
const batchPage = 20

func batchNumber(n uint32) string { return fmt.Sprintf("B-%04d", n) }

func (s *Site) getBatches(v *visit) error {
	s.liven(v)
	view := views.Batches{State: v.QueryParam("state"), CanCompose: v.by.Can(identity.PermBatchCompose)}
	for _, state := range batchStates {
		view.States = append(view.States, views.Option{Value: string(state)})
	}
	if view.State == "" || slices.Contains(batchStates, payout.State(view.State)) {
		if err := s.listBatches(v, &view); err != nil {
			return err
		}
	}
	due, err := s.cfg.Payouts.Payable(v.ctx(), v.by)
	if err != nil {
		return err
	}
	for _, it := range due {
		view.DueCount++
		view.DueSat += int64(it.Amount)
	}
	return v.show(http.StatusOK, views.BatchesPage(v.page, view))
}

// batchStates are the states in the order of a batch's road.
var batchStates = []payout.State{
	payout.Composed,
	payout.Approved,
	payout.Built,
	payout.Signing,
	payout.Signed,
	payout.Broadcast,
	payout.Mined,
	payout.Paid,
	payout.Final,
	payout.Voiding,
	payout.Voided,
	payout.Cancelled,
	payout.Conflicted,
}

func (s *Site) listBatches(v *visit, view *views.Batches) error {
	cursor := v.QueryParam("cursor")
	before, err := batchCursor(cursor)
	if err != nil {
		return err
	}
	filter := payout.BatchFilter{State: payout.State(view.State), Before: before}
	list, next, err := s.cfg.Payouts.Batches(v.ctx(), v.by, filter, batchPage)
	if err != nil {
		return err
	}
	for _, b := range list {
		view.Rows = append(view.Rows, batchRow(v, b))
	}
	more := ""
	if next != 0 {
		more = strconv.FormatUint(uint64(next), 10)
	}
	view.Paging = paging("/batches", url.Values{"state": {view.State}}, cursor, more)
	return nil
}

// batchCursor reads the number that the list goes on below.
func batchCursor(text string) (uint32, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n == 0 {
		return 0, errs.New(errs.Malformed, grant.CodeBadCursor, "The cursor is not valid. Start from the first page.")
	}
	return uint32(n), nil
}

func batchRow(v *visit, b payout.Batch) views.BatchRow {
	row := views.BatchRow{
		Number:    batchNumber(b.Number),
		URL:       "/batches/" + b.ID.String(),
		Kind:      string(b.Kind),
		State:     string(b.State),
		Payments:  b.Payees,
		AmountSat: int64(b.Total),
		CreatedAt: b.CreatedAt,
		By:        b.ComposerName,
	}
	if b.Current == nil || b.State == payout.Composed || b.State == payout.Approved || b.State == payout.Cancelled {
		return row
	}
	row.FeeSat = int64(b.Current.Fee)
	row.Confirmations, row.Needed = int64(b.Current.Confirmations), int64(b.State.ConfirmationsNeeded(v.fund))
	return row
}
