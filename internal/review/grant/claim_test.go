package grant_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

func TestAClaimKeepsOthersOutUntilItEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.file(t, 1)
	ada, bo := w.reviewers[0], w.reviewers[1]
	a, err := w.ClaimApplication(t.Context(), ada, f.id)
	noError(t, err)
	if a.State != grant.InReview {
		t.Errorf("a claim leaves it %s", a.State)
	}

	w.nothingWritten(t, func() {
		_, claim := w.ClaimApplication(t.Context(), bo, f.id)
		_, release := w.ReleaseApplication(t.Context(), bo, f.id)
		for _, err := range []error{claim, release, w.vote(t.Context(), bo, f.id, grant.VerdictApprove)} {
			e := told(t, err)
			want := map[string]string{"name": "Ada", "until": "2026-11-22T10:00:00Z"}
			if diff := cmp.Diff(want, e.Params); e.Kind != errs.Conflict || e.Code != "claimed_by_other" || diff != "" {
				t.Errorf("%v\n%s", err, diff)
			}
		}
	})
	w.clock.Advance(29 * time.Minute)
	_, err = w.ClaimApplication(t.Context(), ada, f.id)
	wantCode(t, err, "")
	w.clock.Advance(30*time.Minute - time.Microsecond)
	_, err = w.ClaimApplication(t.Context(), bo, f.id)
	wantCode(t, err, "claimed_by_other")
	w.clock.Advance(time.Microsecond)
	if d := w.show(t, f.id); d.Claim != nil {
		t.Errorf("a claim that is over is shown: %+v", d.Claim)
	}
	_, err = w.ClaimApplication(t.Context(), bo, f.id)
	wantCode(t, err, "")
	wantCode(t, w.vote(t.Context(), ada, f.id, grant.VerdictApprove), "claimed_by_other")
	wantCode(t, w.vote(t.Context(), bo, f.id, grant.VerdictApprove), "")
	if d := w.show(t, f.id); d.Claim != nil {
		t.Errorf("a vote leaves the claim: %+v", d.Claim)
	}
	wantCode(t, w.vote(t.Context(), ada, f.id, grant.VerdictApprove), "")
}

func TestAReleasedClaimIsFree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.file(t, 1)
	_, err := w.ClaimApplication(t.Context(), w.reviewers[0], f.id)
	noError(t, err)
	_, err = w.ReleaseApplication(t.Context(), w.reviewers[0], f.id)
	noError(t, err)

	_, err = w.ClaimApplication(t.Context(), w.reviewers[1], f.id)

	wantCode(t, err, "")
}

func TestReleasingWhatNobodyHoldsChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.file(t, 1)

	w.nothingWritten(t, func() {
		_, err := w.ReleaseApplication(t.Context(), w.reviewers[0], f.id)
		wantCode(t, err, "")
	})
}

func TestOfRacingClaimsOneWins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.file(t, 1)
	people := w.reviewers
	for n := range 5 {
		people = append(people, w.hire(t, fmt.Sprintf("Reviewer %d", n), identity.RoleReviewer))
	}

	codes := together(len(people), func(i int) error {
		_, err := w.ClaimApplication(t.Context(), people[i], f.id)
		return err
	})

	if diff := cmp.Diff(map[string]int{"": 1, "claimed_by_other": len(people) - 1}, tally(codes)); diff != "" {
		t.Error(diff)
	}
	if d := w.show(t, f.id); codes[indexOf(people, d.Claim.StaffID)] != "" {
		t.Errorf("%s holds it and was refused", d.Claim.StaffName)
	}
}

func indexOf(people []identity.Actor, id uuid.UUID) int {
	for i, p := range people {
		if p.StaffID == id {
			return i
		}
	}
	return -1
}
