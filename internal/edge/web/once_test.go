package web_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// answered is what the API said to a call.
type answered struct {
	status         int
	location, body string
}

// code is that of a problem.
func (a answered) code(t *testing.T) string {
	t.Helper()
	var p struct {
		Code string `json:"code"`
	}
	must(t, json.Unmarshal([]byte(a.body), &p))
	return p.Code
}

// send posts to the API with headers, in pairs.
func (r *rig) send(path, body string, headers ...string) answered {
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.url+path, strings.NewReader(body))
	must(r.t, err)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := (&http.Client{}).Do(req)
	must(r.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(r.t, err)
	return answered{status: resp.StatusCode, location: resp.Header.Get("Location"), body: string(text)}
}

// bearer is the header of a token that somebody in a role has made.
func (r *rig) bearer(name string, role identity.Role, scopes ...identity.Permission) []string {
	r.t.Helper()
	r.hire(name, role)
	var id uuid.UUID
	must(r.t, r.owner.Pool().QueryRow(r.t.Context(), "SELECT id FROM staff WHERE name = $1", name).Scan(&id))
	by := identity.Actor{Kind: identity.KindStaff, StaffID: id, Name: name, Roles: []identity.Role{role}, SessionID: uuid.New()}
	_, secret, err := r.identity.CreateToken(r.t.Context(), by, "test", scopes, time.Hour)
	must(r.t, err)
	return []string{"Authorization", "Bearer " + secret}
}

func (r *rig) count(query string, args ...any) (n int) {
	r.t.Helper()
	must(r.t, r.owner.Pool().QueryRow(r.t.Context(), query, args...).Scan(&n))
	return n
}

const (
	aSplit       = `{"kind":"split","outputs":3,"feerate_sat_kvb":2000}`
	batchesMade  = "SELECT count(*) FROM batch"
	keysUsed     = "SELECT count(*) FROM idempotency WHERE scope = $1"
	keyHeader    = "Idempotency-Key"
	idempotency1 = "0123456789abcdef-one"
	idempotency2 = "0123456789abcdef-two"
)

// TestOneKeyMakesOneBatch sends one order to split a coin sixteen times at once, and again
// when the server has been started anew.
func TestOneKeyMakesOneBatch(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.fundTreasury(10_000_000, 8_000_000)
	tove := r.bearer("Tove", identity.RoleTreasurer, identity.PermBatchCompose)
	keyed := append([]string{keyHeader, idempotency1}, tove...)

	const callers = 16
	answers := make([]answered, callers)
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range callers {
		all.Go(func() {
			<-start
			answers[i] = r.send("/v1/upkeep", aSplit, keyed...)
		})
	}
	close(start)
	all.Wait()
	for i, a := range answers {
		if a.status != http.StatusCreated || a.location == "" || a.location != answers[0].location || a.body != answers[0].body {
			t.Errorf("call %d: %d %s %s, and the first one %s", i, a.status, a.location, a.body, answers[0].location)
		}
	}
	if made, keys := r.count(batchesMade), r.count(keysUsed, "composeUpkeep"); made != 1 || keys != 1 {
		t.Fatalf("one key made %d batches and left %d keys", made, keys)
	}

	r.serve(r.endpoints) // another process
	if a := r.send("/v1/upkeep", aSplit, keyed...); a.status != http.StatusCreated || a.location != answers[0].location {
		t.Errorf("after a new start: %d %s", a.status, a.body)
	}
	if a := r.send("/v1/upkeep", `{"kind":"split","outputs":4,"feerate_sat_kvb":2000}`, keyed...); a.status != http.StatusUnprocessableEntity || a.code(t) != "idempotency_mismatch" {
		t.Errorf("another body: %d %s", a.status, a.body)
	}
	if a := r.send("/v1/upkeep", aSplit, tove...); a.status != http.StatusPreconditionRequired {
		t.Errorf("without a key: %d %s", a.status, a.body)
	}
	if a := r.send("/v1/upkeep", aSplit, append([]string{keyHeader, "short"}, tove...)...); a.status != http.StatusUnprocessableEntity || a.code(t) != "idempotency_key_form" {
		t.Errorf("with a short key: %d %s", a.status, a.body)
	}
	if made := r.count(batchesMade); made != 1 {
		t.Errorf("%d batches were made", made)
	}
	// The key is Tove's and this operation's alone.
	tom := append([]string{keyHeader, idempotency1}, r.bearer("Tom", identity.RoleTreasurer, identity.PermBatchCompose)...)
	if a := r.send("/v1/upkeep", aSplit, tom...); a.status != http.StatusCreated || a.location == answers[0].location {
		t.Errorf("somebody else's key: %d %s", a.status, a.body)
	}
	if made := r.count(batchesMade); made != 2 {
		t.Errorf("%d batches were made, want one of each", made)
	}
}

// TestWhatIsRefusedLeavesItsKeyFree: a key stands for what was made, and for nothing else.
func TestWhatIsRefusedLeavesItsKeyFree(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tove := append([]string{keyHeader, idempotency2}, r.bearer("Tove", identity.RoleTreasurer, identity.PermBatchCompose)...)
	if a := r.send("/v1/upkeep", aSplit, tove...); a.status < http.StatusBadRequest {
		t.Fatalf("an empty treasury split a coin: %d %s", a.status, a.body)
	}
	if keys := r.count(keysUsed, "composeUpkeep"); keys != 0 {
		t.Errorf("a refusal used %d keys", keys)
	}
	r.fundTreasury(10_000_000)
	if a := r.send("/v1/upkeep", aSplit, tove...); a.status != http.StatusCreated {
		t.Errorf("the same again: %d %s", a.status, a.body)
	}
}

// TestAPaymentComposedTwiceWithOneKeyIsOne: the second call finds its payments taken by
// the first, and is answered with what that has made.
func TestAPaymentComposedTwiceWithOneKeyIsOne(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.granted(2)
	var one, two uuid.UUID
	rows, err := r.owner.Pool().Query(t.Context(), "SELECT id FROM instalment ORDER BY id")
	must(t, err)
	for _, id := range []*uuid.UUID{&one, &two} {
		rows.Next()
		must(t, rows.Scan(id))
	}
	rows.Close()
	tove := r.bearer("Tove", identity.RoleTreasurer, identity.PermBatchCompose)
	order := fmt.Sprintf(`{"instalment_ids":["%s","%s"],"feerate_sat_kvb":2000}`, one, two)
	first := r.send("/v1/batches", order, append([]string{keyHeader, idempotency1}, tove...)...)
	again := r.send("/v1/batches", order, append([]string{keyHeader, idempotency1}, tove...)...)
	if first.status != http.StatusCreated || again != first {
		t.Errorf("first %+v, again %+v", first, again)
	}
	if a := r.send("/v1/batches", order, append([]string{keyHeader, idempotency2}, tove...)...); a.code(t) != "not_payable" {
		t.Errorf("with another key: %d %s", a.status, a.body)
	}
}

// TestAMessageSentTwiceIsReadOnce does the same for an operator, whose key is the
// application's, and whose receipt may be written in two ways.
func TestAMessageSentTwiceIsReadOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	code, other := r.apply(0), r.apply(1)
	say := func(code string) answered {
		return r.send("/v1/application/messages", `{"text":"Is anybody there?"}`, keyHeader, idempotency1, "Causeway-Receipt", code)
	}
	for _, a := range []answered{say(code), say(strings.ToLower(code))} {
		if a.status != http.StatusCreated || strings.Count(a.body, "Is anybody there?") != 1 {
			t.Errorf("got %d %s", a.status, a.body)
		}
	}
	if a := say(other); a.status != http.StatusCreated {
		t.Errorf("another application: %d %s", a.status, a.body)
	}
	if n := r.count("SELECT count(*) FROM message"); n != 2 {
		t.Errorf("%d messages were written, want one for each application", n)
	}
}
