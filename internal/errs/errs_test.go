package errs_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/errs"
)

func TestKindAndCodeSurviveWrapping(t *testing.T) {
	t.Parallel()
	cause := errors.New("duplicate key")
	err := fmt.Errorf("store vote: %w", errs.Wrap(cause, errs.Conflict, "already_voted", "You have voted on this revision."))

	if got := errs.KindOf(err); got != errs.Conflict {
		t.Errorf("KindOf = %q, want conflict", got)
	}
	if !errs.Is(err, "already_voted") || errs.CodeOf(err) != "already_voted" {
		t.Errorf("code lost: %v", err)
	}
	if !errors.Is(err, cause) {
		t.Error("cause lost")
	}
}

func TestPlainErrorIsInternal(t *testing.T) {
	t.Parallel()
	err := errors.New("secret detail")
	if errs.KindOf(err) != errs.Internal || errs.CodeOf(err) != "internal" {
		t.Errorf("got %q %q, want internal", errs.KindOf(err), errs.CodeOf(err))
	}
}

func TestInvalidFieldsNamesEachField(t *testing.T) {
	t.Parallel()
	if err := errs.InvalidFields(nil); err != nil {
		t.Fatalf("no fields gave %v", err)
	}
	err := errs.InvalidFields([]errs.Field{{Field: "amount_sat", Code: "dust", Message: "is too small to pay"}})
	if !strings.Contains(err.Error(), "amount_sat: is too small to pay (dust)") {
		t.Errorf("got %q", err)
	}
}
