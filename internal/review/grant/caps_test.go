package grant_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/review/grant"
)

// wantField ends t unless err refuses one field for this reason and names the limit.
func wantField(t *testing.T, err error, field, code string, limit int) {
	t.Helper()
	e := told(t, err)
	if e.Kind != errs.Invalid || len(e.Fields) != 1 {
		t.Fatalf("got %+v", e)
	}
	f := e.Fields[0]
	if diff := cmp.Diff([]string{field, code, fmt.Sprint(limit)}, []string{f.Field, string(f.Code), f.Params["limit"]}); diff != "" || f.Message == "" {
		t.Errorf("%+v\n%s", f, diff)
	}
}

func TestUnansweredMessagesHaveALimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f, other := w.file(t, 1), w.file(t, 2)
	fill := func() {
		t.Helper()
		for i := range grant.MaxUnanswered {
			if _, err := w.Reply(t.Context(), f.code, fmt.Sprintf("Part %d.", i)); err != nil {
				t.Fatalf("message %d: %v", i, err)
			}
		}
		w.nothingWritten(t, func() {
			_, err := w.Reply(t.Context(), f.code, "One more.")
			wantField(t, err, "text", "too_many_unanswered", grant.MaxUnanswered)
		})
	}
	fill()
	_, err := w.Reply(t.Context(), other.code, "This is another application.")
	noError(t, err)
	_, err = w.PostMessage(t.Context(), w.reviewers[0], f.id, grant.ToTeam, "Among us.")
	noError(t, err)
	_, err = w.Reply(t.Context(), f.code, "A note to colleagues is no answer.")
	wantField(t, err, "text", "too_many_unanswered", grant.MaxUnanswered)

	_, err = w.PostMessage(t.Context(), w.reviewers[0], f.id, grant.ToOperator, "We read it.")
	noError(t, err)
	fill()
	noError(t, w.vote(t.Context(), w.reviewers[0], f.id, question)) // the answer always fits
	fill()
}

// TestOneAddressHasFewOpenApplications files and revises towards one address, one
// after the other and all at once, and frees a place by a withdrawal.
func TestOneAddressHasFewOpenApplications(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	same := func(p *grant.Proposal) { p.PayoutAddress = payee(t, 99) }
	submit := func(n int) error {
		p := proposal(t, n)
		same(&p)
		_, err := w.Submit(t.Context(), key(n), p)
		return err
	}
	first := w.file(t, 0, same)
	asked := w.file(t, 50)
	noError(t, w.vote(t.Context(), w.reviewers[0], asked.id, question))

	codes := tally(together(3*grant.MaxOpenOfPayee, func(i int) error { return submit(i + 1) }))
	if diff := cmp.Diff(map[string]int{"": grant.MaxOpenOfPayee - 1, "invalid_fields": 2*grant.MaxOpenOfPayee + 1}, codes); diff != "" {
		t.Errorf("answers:\n%s", diff)
	}
	w.nothingWritten(t, func() {
		wantField(t, submit(60), "payout_address", "too_many_open", grant.MaxOpenOfPayee)
		p := proposal(t, 50)
		same(&p)
		_, err := w.Revise(t.Context(), asked.code, p)
		wantField(t, err, "payout_address", "too_many_open", grant.MaxOpenOfPayee)
	})
	noError(t, submit(0)) // the same key and body have the same answer
	noError(t, w.vote(t.Context(), w.reviewers[0], first.id, question))
	revised := proposal(t, 0)
	same(&revised)
	_, err := w.Revise(t.Context(), first.code, revised) // keeps its address
	noError(t, err)

	_, err = w.Withdraw(t.Context(), first.code)
	noError(t, err)
	noError(t, submit(60))
	wantField(t, submit(61), "payout_address", "too_many_open", grant.MaxOpenOfPayee)
}
