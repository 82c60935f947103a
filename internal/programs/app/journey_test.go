package app_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/trust/audit"
)

// traveller adds to every request what a browser would tell of its user.
type traveller struct{ agent, referrer string }

func (v traveller) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("User-Agent", v.agent)
	req.Header.Set("Referer", "https://"+v.referrer+".example/")
	return http.DefaultTransport.RoundTrip(req)
}

// canary returns text that is nowhere else in the world.
func canary(what string) string { return "canary-" + what + "-" + rand.Text() }

// TestOnePaymentFromApplicationToFinal goes the whole way through the HTTP API,
// and looks left and right on it.
func TestOnePaymentFromApplicationToFinal(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	r := newRig(t, 2)
	secrets := []string{canary("narrative"), canary("contact"), canary("password"), canary("note"), canary("agent"), canary("referrer")}
	anyone := &http.Client{Transport: traveller{agent: secrets[4], referrer: secrets[5]}}
	form := application(t, 1_234_567)
	form.Narrative += " " + secrets[0]
	form.Contact = &secrets[1]
	form.Endpoints[0].Secret, form.Endpoints[0].Note = &secrets[2], &secrets[3]

	receipt, key := r.submitTwice(anyone, form)
	r.refuses(anyone, form)
	secrets = append(secrets, receipt.ReceiptCode, key)

	id := r.find(receipt.Reference)
	seen, err := r.reviewers[0].GetApplicationWithResponse(ctx, id)
	r.must(err)
	if !strings.Contains(seen.JSON200.Narrative, secrets[0]) {
		t.Errorf("the reviewer reads %q, want what the operator wrote", seen.JSON200.Narrative)
	}
	instalment := r.reviewed(id)
	op := operator{address: form.PayoutAddress, amountSat: form.AmountSat, receipt: receipt.ReceiptCode, instalment: instalment}
	r.released(op)

	var evidence bytes.Buffer
	for _, url := range []string{r.ServeAdmin, r.WorkerAdmin} {
		status, text := r.get(url + "/metrics")
		if status != http.StatusOK || !strings.Contains(text, "causeway_") {
			t.Errorf("%s/metrics answers %d", url, status)
		}
		evidence.WriteString(text)
	}
	if !strings.Contains(evidence.String(), "causeway_ledger_minus_chain_sat 0") {
		t.Error("the worker's metrics do not say that ledger and chain are equal")
	}
	r.auditHolds()
	r.nothingLeaks(evidence.String(), op.address, secrets)
}

// submitTwice sends the form twice with one key, and then another form with it.
func (r *rig) submitTwice(by *http.Client, form client.NewApplication) (receipt *client.Receipt, key string) {
	r.t.Helper()
	api, params := r.api(client.Options{HTTP: by}), &client.SubmitApplicationParams{IdempotencyKey: client.NewIdempotencyKey()}
	first, err := api.SubmitApplicationWithResponse(r.t.Context(), params, form)
	r.must(err)
	second, err := api.SubmitApplicationWithResponse(r.t.Context(), params, form)
	r.must(err)
	if diff := cmp.Diff(first.JSON201, second.JSON201); diff != "" {
		r.t.Errorf("the same key and body got another answer (-first +second):\n%s", diff)
	}
	other := form
	other.AmountSat++
	_, err = api.SubmitApplicationWithResponse(r.t.Context(), params, other)
	if p := r.problem(err); p.Status != http.StatusUnprocessableEntity || p.Code() != "idempotency_mismatch" {
		r.t.Errorf("the same key with another body got %d %s, want 422 idempotency_mismatch", p.Status, p.Code())
	}
	queue, err := r.reviewers[0].ListApplicationsWithResponse(r.t.Context(), &client.ListApplicationsParams{})
	r.must(err)
	if n := len(queue.JSON200.Items); n != 1 {
		r.t.Errorf("there are %d applications, want 1", n)
	}
	return first.JSON201, params.IdempotencyKey
}

// reviewed takes the application through two votes and the decision, with a
// stale decision between.
func (r *rig) reviewed(id uuid.UUID) (instalment uuid.UUID) {
	r.t.Helper()
	ctx := r.t.Context()
	r.vote(0, id)
	before, err := r.reviewers[1].GetApplicationWithResponse(ctx, id)
	r.must(err)
	r.vote(1, id)
	after, err := r.reviewers[1].GetApplicationWithResponse(ctx, id)
	r.must(err)
	_, err = r.reviewers[1].DecideApplicationWithResponse(ctx, id, &client.DecideApplicationParams{IfMatch: *before.Headers200.ETag},
		client.NewDecision{DecisionDigest: before.JSON200.DecisionDigest, Outcome: "approve"})
	p := r.problem(err)
	want := map[string]string{"your_version": strings.Trim(*before.Headers200.ETag, `"`), "current_version": strings.Trim(*after.Headers200.ETag, `"`)}
	if p.Status != http.StatusConflict || p.Code() != "stale_version" || p.Problem.Params == nil || !cmp.Equal(*p.Problem.Params, want) {
		r.t.Errorf("a stale decision got %d %s %v, want 409 with %v", p.Status, p.Code(), p.Problem.Params, want)
	}
	return r.decide(id)
}

// released pays the operator and follows the payment until it is final.
func (r *rig) released(op operator) {
	r.t.Helper()
	ctx := r.t.Context()
	dry, err := r.treasurer.PreviewBatchWithResponse(ctx, client.Order{FeerateSatKvb: 3_000, InstalmentIds: []uuid.UUID{op.instalment}})
	r.must(err)
	batch := r.compose(op)
	r.approve(batch)
	r.await(batch, "broadcast")
	r.mine(int(r.Services.Fund.PaidDepth) - 1)
	depth := r.Services.Fund.PaidDepth - 1
	r.until("the batch has five confirmations", func() bool { return r.batch(batch).Confirmations == depth })
	if b := r.batch(batch); b.State != "mined" {
		r.t.Errorf("with %d confirmations the batch is %s, want mined", depth, b.State)
	}
	r.mine(1)
	paid := r.await(batch, "paid")
	if *paid.FeeSat != dry.JSON200.FeeSat {
		r.t.Errorf("the fee is %d sat, the dry run said %d", *paid.FeeSat, dry.JSON200.FeeSat)
	}
	status, err := r.api(client.Options{Receipt: op.receipt}).GetOwnApplicationWithResponse(ctx)
	r.must(err)
	if got := status.JSON200.Payments; len(got) != 1 || got[0].State != "paid" || got[0].AmountSat != op.amountSat || *got[0].Txid != *paid.Txid {
		r.t.Errorf("the operator sees %+v, want one payment of %d sat by %s", got, op.amountSat, *paid.Txid)
	}
	r.mine(int(r.Services.Fund.FinalDepth - r.Services.Fund.PaidDepth))
	final := r.await(batch, "final")
	if len(final.Attempts) != 1 {
		r.t.Errorf("the batch has %d attempts, want 1", len(final.Attempts))
	}
	r.paidOnce(op)
}

// auditHolds verifies an exported log with nothing but the public key, and that
// a changed row is found.
func (r *rig) auditHolds() {
	r.t.Helper()
	bundle, key := r.signedLog()
	forged := bytes.Replace(bundle, []byte("batch.approved"), []byte("batch.appr0ved"), 1)
	if bytes.Equal(forged, bundle) {
		r.t.Error("the log does not say who approved the batch")
	}
	if _, err := audit.VerifyBundle(bytes.NewReader(forged), key); err == nil {
		r.t.Error("a changed row was not found")
	}
}

// refuses sends what is wrong in every way, and wants a problem (RFC 9457) each
// time. Nothing of it may be kept.
func (r *rig) refuses(by *http.Client, form client.NewApplication) {
	r.t.Helper()
	const post, apply = http.MethodPost, "/v1/applications"
	idempotent := map[string]string{"Idempotency-Key": "0123456789abcdef0123", "Content-Type": "application/json"}
	reviewer := r.token()
	tests := []struct {
		name, method, path, body string
		header                   map[string]string
		status                   int
		code                     string
		params                   map[string]string
	}{
		{"oversized", post, apply, `{"title":"` + strings.Repeat("x", 300<<10) + `"}`, idempotent, 413, "body_too_large", nil},
		{"malformed", post, apply, "{\n  \"title\": }", idempotent, 400, "malformed_json", map[string]string{"line": "2", "column": "12"}},
		{"unknown field", post, apply, `{"title":"x","shoe_size":43}`, idempotent, 400, "unknown_field", map[string]string{"field": "shoe_size"}},
		{"no JSON", post, apply, "title=x", map[string]string{"Idempotency-Key": "0123456789abcdef0123", "Content-Type": "text/plain"}, 415, "unsupported_media_type", nil},
		{"no key", post, apply, "{}", map[string]string{"Content-Type": "application/json"}, 428, "header_required", map[string]string{"header": "Idempotency-Key"}},
		{"no If-Match", post, apply + "/" + uuid.NewString() + "/decision", "{}", map[string]string{"Authorization": reviewer, "Content-Type": "application/json"}, 428, "header_required", map[string]string{"header": "If-Match"}},
		{"unknown receipt", http.MethodGet, "/v1/application", "", map[string]string{"Causeway-Receipt": "0123456789ABCDEFGHJKMNPQRS"}, 404, "receipt_unknown", nil},
		{"no receipt", http.MethodGet, "/v1/application", "", nil, 401, "receipt_required", nil},
		{"malformed receipt", http.MethodGet, "/v1/application", "", map[string]string{"Causeway-Receipt": "0123"}, 404, "receipt_unknown", nil},
		{"not signed in", http.MethodGet, apply, "", nil, 401, "sign_in_required", nil},
		{"wrong role", http.MethodGet, "/v1/audit/bundle", "", map[string]string{"Authorization": reviewer}, 403, "not_permitted", nil},
		{"unknown application", http.MethodGet, apply + "/" + uuid.NewString(), "", map[string]string{"Authorization": reviewer}, 404, "application_not_found", nil},
		{"no such address", http.MethodGet, "/v1/nowhere", "", nil, 404, "not_found", nil},
	}
	for _, tt := range tests {
		p := r.send(by, tt.method, tt.path, tt.header, tt.body)
		if p.Status != int32(tt.status) || p.Type != "/problems/"+tt.code || p.Title == "" || p.Detail == nil {
			r.t.Errorf("%s: got %d %s, want %d /problems/%s", tt.name, p.Status, p.Type, tt.status, tt.code)
		}
		if tt.params != nil && (p.Params == nil || !cmp.Equal(*p.Params, tt.params)) {
			r.t.Errorf("%s: params %v, want %v", tt.name, p.Params, tt.params)
		}
	}
	r.refusesFields(by, form, idempotent)
}

// token returns an Authorization header of the first reviewer.
func (r *rig) token() string {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.URL, http.NoBody)
	r.must(err)
	typed, ok := r.reviewers[0].ClientInterface.(*client.Client)
	if !ok {
		r.t.Fatal("the client is of another type")
	}
	for _, edit := range typed.RequestEditors {
		r.must(edit(r.t.Context(), req))
	}
	return req.Header.Get("Authorization")
}

// send returns the problem that the server answers with.
func (r *rig) send(by *http.Client, method, path string, header map[string]string, body string) client.Problem {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.URL+path, strings.NewReader(body))
	r.must(err)
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := by.Do(req)
	r.must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	r.must(err)
	var p client.Problem
	if got := resp.Header.Get("Content-Type"); got != "application/problem+json" {
		r.t.Errorf("%s %s answers %d with %s, want a problem", method, path, resp.StatusCode, got)
		return p
	}
	r.must(json.Unmarshal(text, &p))
	if int(p.Status) != resp.StatusCode {
		r.t.Errorf("%s %s: the problem says %d, the answer is %d", method, path, p.Status, resp.StatusCode)
	}
	return p
}
