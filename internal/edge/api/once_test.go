package api_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
)

// TestChangesAreAnsweredOneWay: what was changed is shown, what is new has an address, and
// what makes something takes a key.
func TestChangesAreAnsweredOneWay(t *testing.T) {
	t.Parallel()
	makers := 0
	operations(t, func(method, path string, op *openapi3.Operation) {
		key := op.Parameters.GetByInAndName("header", "Idempotency-Key")
		created := op.Responses.Value("201")
		if (key != nil) != (created != nil) || (created != nil && (method != http.MethodPost || created.Value.Headers["Location"] == nil)) {
			t.Errorf("%s %s: 201, Location and Idempotency-Key belong together", method, path)
		}
		if created != nil {
			makers++
		}
		// A prober's report changes nothing that the prober could be shown.
		if empty := op.Responses.Value("204"); empty != nil && op.OperationID != "reportChecks" {
			t.Errorf("%s answers 204: show what was changed", op.OperationID)
		}
		for status, answer := range op.Responses.Map() {
			if strings.HasPrefix(status, "2") && status != "204" && len(answer.Value.Content) == 0 {
				t.Errorf("%s answers %s with nothing", op.OperationID, status)
			}
		}
	})
	if makers != 11 {
		t.Errorf("%d operations make something, want 11", makers)
	}
}

// TestARepeatedCallIsAnsweredFromWhatWasMade repeats every call that makes something.
func TestARepeatedCallIsAnsweredFromWhatWasMade(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	c.grants.fill()
	c.payouts.fill()
	c.checks.fill()
	repeat := func() (answers, places []string) {
		for _, x := range exchanges {
			if x.status != http.StatusCreated {
				continue
			}
			rec, name := c.call(t, x.method, x.path, x.body, x.headers...)
			if rec.Code != http.StatusCreated {
				t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
			}
			place := rec.Header().Get("Location")
			asked, err := http.NewRequestWithContext(t.Context(), http.MethodGet, place, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := c.router.FindRoute(asked); err != nil {
				t.Errorf("%s: nothing is at its Location %q: %v", name, place, err)
			}
			places = append(places, place)
			answers = append(answers, rec.Body.String())
		}
		return answers, places
	}
	first, at := repeat()
	if text := strings.Join(first, ""); !strings.Contains(text, "cw_secret") || !strings.Contains(text, "enrolment-token") {
		t.Error("the first answer shows no tokens")
	}
	asked := c.once.asked
	c.once.asked, c.once.made = nil, []uuid.UUID{someID}
	again, there := repeat()
	if text := strings.Join(again, ""); strings.Contains(text, "cw_secret") || strings.Contains(text, "enrolment-token") {
		t.Error("a repeated call shows a secret again")
	}
	if !slices.Equal(at, there) {
		t.Errorf("the first calls made %v, the repeated ones answer for %v", at, there)
	}
	// An application has its own way, since its receipt code is derived from the key.
	if len(asked) != len(first)-1 || len(c.once.asked) != len(asked) {
		t.Fatalf("%d and %d of %d calls were made once", len(asked), len(c.once.asked), len(first))
	}
	operationsSeen := map[string]bool{}
	for i, r := range asked {
		operationsSeen[r.Operation] = true
		if again := c.once.asked[i]; again.Operation != r.Operation || again.Caller != r.Caller || again.Key != key16 || string(again.Body) != string(r.Body) {
			t.Errorf("%s: the same call is another request: %+v", r.Operation, again)
		}
		own := strings.HasPrefix(r.Operation, "addOwn") || r.Operation == "declareMaintenance"
		if want := map[bool]string{true: "receipt:CODE", false: "staff:" + ann.String()}[own]; r.Caller != want {
			t.Errorf("%s is the request of %q, want %q", r.Operation, r.Caller, want)
		}
	}
	if len(operationsSeen) != len(asked) {
		t.Error("two operations share their keys: " + strconv.Itoa(len(operationsSeen)))
	}
}
