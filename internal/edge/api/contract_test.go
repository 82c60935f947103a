package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/prometheus/client_golang/prometheus"

	spec "github.com/causeway-fund/causeway/api"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/edge/api"
	"github.com/causeway-fund/causeway/internal/edge/server"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// everyone signs in everybody who shows a token, in all roles.
type everyone struct{}

func (everyone) Authenticate(context.Context, string) (identity.Actor, identity.Session, error) {
	return identity.Actor{}, identity.Session{}, errs.New(errs.Unauthenticated, "sign_in_required", "Sign in.")
}

func (everyone) AuthenticateToken(context.Context, string) (identity.Actor, error) {
	return identity.Actor{Kind: identity.KindStaff, StaffID: ann, Name: "Ann", Roles: identity.Roles()}, nil
}

func (everyone) KnowsReceipt(context.Context, identity.Receipt) error { return nil }

func (everyone) CheckFormToken(identity.Session, string) error { return nil }

// contract is the API behind its real edge, on fake services; every exchange
// is held against the document.
type contract struct {
	grants   *fakeGrants
	payouts  *fakePayouts
	tokens   *fakeTokens
	charters fakeCharters
	once     *fakeOnce
	checks   *fakeEndpoints
	handler  http.Handler
	router   routers.Router
}

// document is the API's, read once.
var document = sync.OnceValues(func() (*openapi3.T, error) { return openapi3.NewLoader().LoadFromData(spec.Document()) })

func newContract(t *testing.T) *contract {
	t.Helper()
	c := &contract{grants: &fakeGrants{}, payouts: &fakePayouts{records: []payout.Record{{}}}, tokens: &fakeTokens{}, once: &fakeOnce{}, checks: (&fakeEndpoints{}).bare()}
	c.mount(t, c.checks)
	return c
}

// mount makes the handler; checks may be nil.
func (c *contract) mount(t *testing.T, checks api.Endpoints) {
	t.Helper()
	handlers, err := api.NewHandlers(api.Config{
		Grants: c.grants, Payouts: c.payouts, AuditLog: fakeAudit{}, AuditRows: fakeAudit{}, AuditKey: "key", Origin: "causeway/x",
		Tokens: c.tokens, Charters: &c.charters, Once: c.once, Clock: clock.NewFake(at), PollEvery: time.Millisecond, Endpoints: checks,
	})
	if err != nil {
		t.Fatal(err)
	}
	c.handler, err = server.New(server.Config{
		API: handlers, Auth: everyone{}, Receipts: everyone{}, Rates: server.Rates{Caller: 10_000, ClientGuessing: 10_000}, Clock: clock.NewFake(at), Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := document()
	if err != nil {
		t.Fatal(err)
	}
	if c.router, err = gorillamux.NewRouter(doc); err != nil {
		t.Fatal(err)
	}
}

// call sends a request as staff with a receipt, and with a key, and holds it and its answer
// against the document. It returns the operation's name.
func (c *contract) call(t *testing.T, method, path, body string, headers ...string) (*httptest.ResponseRecorder, string) {
	t.Helper()
	request := func() *http.Request {
		r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		if method == http.MethodPost {
			r.Header.Set("Idempotency-Key", key16)
		}
		r.Header.Set("Authorization", "Bearer x")
		r.Header.Set(api.HeaderReceipt, "CODE")
		for i := 0; i+1 < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		return r
	}
	asked := request()
	route, params, err := c.router.FindRoute(asked)
	if err != nil {
		t.Fatalf("%s %s is not in the document: %v", method, path, err)
	}
	options := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true}
	input := &openapi3filter.RequestValidationInput{Request: asked, PathParams: params, Route: route, Options: options}

	rec := httptest.NewRecorder()
	c.handler.ServeHTTP(rec, request())

	if err := openapi3filter.ValidateRequest(t.Context(), input); err != nil && rec.Code < http.StatusBadRequest {
		t.Errorf("%s %s was accepted against the document: %v", method, path, err)
	}
	answer := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: rec.Code, Header: rec.Header(), Options: options, Body: io.NopCloser(bytes.NewReader(rec.Body.Bytes())),
	}
	if err := openapi3filter.ValidateResponse(t.Context(), answer); err != nil {
		t.Errorf("%s %s: the answer %d breaks the document: %v\n%s", method, path, rec.Code, err, rec.Body)
	}
	c.listed(t, rec, route.Operation)
	return rec, route.Operation.OperationID
}

// listed refuses an answer with a code that the document does not have for the call.
func (c *contract) listed(t *testing.T, rec *httptest.ResponseRecorder, op *openapi3.Operation) {
	t.Helper()
	if rec.Code < http.StatusBadRequest {
		return
	}
	code := decode[api.Problem](t, rec).Code
	doc, err := document()
	if err != nil {
		t.Fatal(err)
	}
	if code == nil || !slices.Contains(errorsOf(t, op.Extensions), *code) && !slices.Contains(errorsOf(t, doc.Components.Responses["Problem"].Value.Extensions), *code) {
		t.Errorf("%s answers %d %s, which is neither in its x-errors nor in those of any call", op.OperationID, rec.Code, rec.Body)
	}
}

// errorsOf reads x-errors.
func errorsOf(t *testing.T, extensions map[string]any) []string {
	t.Helper()
	list, ok := extensions["x-errors"].([]any)
	if !ok && extensions["x-errors"] != nil {
		t.Fatalf("x-errors is a %T", extensions["x-errors"])
	}
	var out []string
	for _, code := range list {
		out = append(out, fmt.Sprint(code))
	}
	return out
}

const (
	application = `{"title":"A proxy","narrative":"It helps many people.","contact":"@x","endpoints":[{"protocol":"socks5","host":"a.example","port":1080,"username":"u","secret":"s","note":"n"},{"link":"tg://proxy?server=a.example"}],"region":"IR","language":"fa","amount_sat":100000,"payout_address":"sb1q"}`
	order       = `{"instalment_ids":["0198c0de-0000-7000-8000-000000000001"],"feerate_sat_kvb":5000,"max_feerate_sat_kvb":50000,"max_fee_sat":5000}`
	hexDigest   = "ab00000000000000000000000000000000000000000000000000000000000000"
	idPath      = "0198c0de-0000-7000-8000-000000000001"
	key16       = "0123456789abcdef"
	envelope    = `{"body":"e30=","signature":"AQI="}`
	serverPath  = "/v1/application/endpoints/" + endpointLabel
	coinName    = "ab00000000000000000000000000000000000000000000000000000000000000:1"
)

type exchange struct {
	method, path, body string
	headers            []string
	status             int
}

// exchanges has at least one for every operation.
var exchanges = []exchange{
	{method: "GET", path: "/v1/fund", status: 200},
	{method: "POST", path: "/v1/applications", body: application, headers: []string{"Idempotency-Key", key16}, status: 201},
	{method: "GET", path: "/v1/applications?search=GR-7K3FQ2X9&state=in_review,ready&protocol=socks5&region=IR&language=fa&voted=not_me&claimed=free&limit=1&cursor=YXBwbGljYXRpb25zOng", status: 200},
	{method: "GET", path: "/v1/applications/" + idPath, status: 200},
	{method: "POST", path: "/v1/applications/" + idPath + "/claim", status: 200},
	{method: "DELETE", path: "/v1/applications/" + idPath + "/claim", status: 200},
	{method: "POST", path: "/v1/applications/" + idPath + "/votes", body: `{"verdict":"approve","decision_digest":"` + hexDigest + `"}`, headers: []string{"Idempotency-Key", key16}, status: 201},
	{method: "POST", path: "/v1/applications/" + idPath + "/questions", body: `{"message":"How many?","decision_digest":"` + hexDigest + `"}`, headers: []string{"Idempotency-Key", key16}, status: 201},
	{method: "POST", path: "/v1/applications/" + idPath + "/decision", body: `{"outcome":"approve","decision_digest":"` + hexDigest + `"}`, headers: []string{"If-Match", `"7"`}, status: 200},
	{method: "POST", path: "/v1/applications/" + idPath + "/messages", body: `{"audience":"team","text":"Hello"}`, headers: []string{"Idempotency-Key", key16}, status: 201},
	{method: "GET", path: "/v1/application", status: 200},
	{method: "POST", path: "/v1/application/messages", body: `{"text":"Hello"}`, headers: []string{"Idempotency-Key", key16}, status: 201},
	{method: "PUT", path: "/v1/application", body: application, status: 200},
	{method: "POST", path: "/v1/application/withdraw", status: 200},
	{method: "POST", path: "/v1/links", body: `{"text":"socks5://a.example:1080"}`, status: 200},
	{method: "GET", path: "/v1/application/endpoints", status: 200},
	{method: "GET", path: serverPath, status: 200},
	{method: "POST", path: serverPath + "/recheck", status: 202},
	{method: "GET", path: serverPath + "/control", status: 200},
	{method: "POST", path: serverPath + "/control", body: `{"kind":"port"}`, status: 202},
	{method: "POST", path: serverPath + "/control/rotate", status: 200},
	{method: "POST", path: serverPath + "/maintenance", body: `{"from":"2026-12-01T00:00:00Z","to":"2026-12-01T01:00:00Z"}`, headers: []string{"Idempotency-Key", key16}, status: 201},
	{method: "GET", path: serverPath + "/uptime", status: 200},
	{method: "GET", path: serverPath + "/results?day=2026-11-22", status: 200},
	{method: "GET", path: "/v1/applications/" + idPath + "/results?label=" + endpointLabel + "&day=2026-11-22", status: 200},
	{method: "GET", path: "/v1/applications/" + idPath + "/endpoints", status: 200},
	{method: "GET", path: "/v1/applications/" + idPath + "/endpoints?unseal=true", status: 200},
	{method: "GET", path: "/v1/applications/" + idPath + "/uptime", status: 200},
	{method: "POST", path: "/v1/endpoints/" + idPath + "/recheck", status: 202},
	{method: "GET", path: "/v1/fleet", status: 200},
	{method: "GET", path: "/v1/vantages", status: 200},
	{method: "POST", path: "/v1/vantages", body: `{"name":"fi-1","place":"outside","country":"FI","asn":4200000000}`, headers: []string{"Idempotency-Key", key16}, status: 201},
	{method: "GET", path: "/v1/vantages/" + idPath, status: 200},
	{method: "POST", path: "/v1/vantages/" + idPath + "/disable", status: 200},
	{method: "POST", path: "/v1/prober/enrol", body: `{"token":"t","public_key":"AQI="}`, status: 200},
	{method: "POST", path: "/v1/prober/lease", body: envelope, status: 200},
	{method: "POST", path: "/v1/prober/report", body: envelope, status: 204},
	{method: "GET", path: "/v1/charters?limit=1", status: 200},
	{method: "GET", path: "/v1/charters/" + draftDigest, status: 200},
	{method: "PUT", path: "/v1/charters/" + draftDigest, body: draftBody, status: 200},
	{method: "POST", path: "/v1/charters/" + draftDigest + "/sign", body: `{"signature":"-----BEGIN SSH SIGNATURE-----\n"}`, status: 200},
	{method: "GET", path: "/v1/grants?limit=2", status: 200},
	{method: "GET", path: "/v1/grants/" + idPath, status: 200},
	{method: "GET", path: "/v1/batches?cursor=YmF0Y2hlczo5", status: 200},
	{method: "POST", path: "/v1/batch-previews", body: order, status: 200},
	{method: "POST", path: "/v1/batches", body: order, headers: []string{"Idempotency-Key", key16}, status: 201},
	{method: "GET", path: "/v1/batches/" + idPath, status: 200},
	{method: "POST", path: "/v1/batches/" + idPath + "/approve", body: `{"digest":"` + hexDigest + `"}`, headers: []string{"If-Match", `"7"`}, status: 200},
	{method: "POST", path: "/v1/batches/" + idPath + "/cancel", headers: []string{"If-Match", `"7"`}, status: 200},
	{method: "GET", path: "/v1/batches/" + idPath + "/watch?since=old&wait_s=1", status: 200},
	{method: "POST", path: "/v1/batches/" + idPath + "/bump", body: `{"feerate_sat_kvb":9000}`, headers: []string{"If-Match", `"7"`}, status: 200},
	{method: "POST", path: "/v1/batches/" + idPath + "/void", body: `{"reason":"A wrong address."}`, headers: []string{"If-Match", `"7"`, "Idempotency-Key", key16}, status: 201},
	{method: "POST", path: "/v1/batches/" + idPath + "/void/withdraw", headers: []string{"If-Match", `"7"`}, status: 200},
	{method: "POST", path: "/v1/batches/" + idPath + "/void/approve", body: `{"digest":"` + hexDigest + `"}`, headers: []string{"If-Match", `"7"`}, status: 200},
	{method: "GET", path: "/v1/batches/" + idPath + "/signatures", status: 200},
	{method: "GET", path: "/v1/batches/" + idPath + "/psbt", status: 200},
	{method: "GET", path: "/v1/batches/" + idPath + "/psbt?format=base64", status: 200},
	{method: "POST", path: "/v1/batches/" + idPath + "/psbt", body: "psbt\xff", headers: []string{"Content-Type", "application/octet-stream"}, status: 200},
	{method: "POST", path: "/v1/upkeep", body: `{"kind":"split","outputs":4,"coins":["` + coinName + `"],"feerate_sat_kvb":2000,"max_feerate_sat_kvb":9000,"max_fee_sat":900}`, headers: []string{"Idempotency-Key", key16}, status: 201},
	{method: "POST", path: "/v1/payee-lists", body: "reference,address,amount_sat\nGR-1,sb1q,100000\n", headers: []string{"Content-Type", "text/csv; charset=utf-8"}, status: 200},
	{method: "GET", path: "/v1/payments", status: 200},
	{method: "GET", path: "/v1/payments?format=csv&from=2026-11-01T00:00:00Z&until=2026-12-01T00:00:00Z", status: 200},
	{method: "GET", path: "/v1/payments?format=ledger&unit=btc", status: 200},
	{method: "GET", path: "/v1/payments?format=beancount", status: 200},
	{method: "GET", path: "/v1/payments?format=bip329", status: 200},
	{method: "GET", path: "/v1/payments/" + idPath + "/certificate", status: 200},
	{method: "POST", path: "/v1/coins/" + coinName + "/lock", body: `{"reason":"kept for later"}`, status: 200},
	{method: "DELETE", path: "/v1/coins/" + coinName + "/lock", status: 200},
	{method: "GET", path: "/v1/unjoined", status: 200},
	{method: "POST", path: "/v1/unjoined/" + coinName + "/join", body: `{"instalment_id":"` + idPath + `"}`, status: 200},
	{method: "POST", path: "/v1/unjoined/" + coinName + "/separate", body: `{"reason":"the second year"}`, status: 200},
	{method: "GET", path: "/v1/fee", status: 200},
	{method: "GET", path: "/v1/treasury", status: 200},
	{method: "GET", path: "/v1/breakers", status: 200},
	{method: "POST", path: "/v1/breakers/1/reset", headers: []string{"If-Match", `"1"`}, status: 200},
	{method: "GET", path: "/v1/audit/key", status: 200},
	{method: "GET", path: "/v1/audit/checkpoint", status: 200},
	{method: "GET", path: "/v1/audit/checkpoints?cursor=Y2hlY2twb2ludHM6Mg", status: 200},
	{method: "GET", path: "/v1/audit/leaves?from=1", status: 200},
	{method: "GET", path: "/v1/audit/proof?seq=1", status: 200},
	{method: "GET", path: "/v1/audit/consistency?from=1", status: 200},
	{method: "GET", path: "/v1/audit/bundle", status: 200},
	{method: "GET", path: "/v1/whoami", status: 200},
	{method: "GET", path: "/v1/tokens", status: 200},
	{method: "POST", path: "/v1/tokens", body: `{"name":"laptop","scopes":["batch.read"],"expires_at":"2026-12-22T12:00:00Z"}`, headers: []string{"Idempotency-Key", key16}, status: 201},
	{method: "GET", path: "/v1/tokens/" + idPath, status: 200},
	{method: "POST", path: "/v1/tokens/" + idPath + "/revoke", status: 200},
}

func TestEveryCallKeepsTheContract(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	c.grants.fill()
	c.payouts.fill()
	c.checks.fill()
	called := map[string]bool{}
	for _, x := range exchanges {
		rec, name := c.call(t, x.method, x.path, x.body, x.headers...)
		if rec.Code != x.status {
			t.Errorf("%s %s: got %d %s, want %d", x.method, x.path, rec.Code, rec.Body, x.status)
		}
		called[name] = true
	}
	doc, err := document()
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			if !called[op.OperationID] {
				t.Errorf("%s is not called by this test", op.OperationID)
			}
		}
	}
}

// TestFailuresKeepTheContract lets every service fail.
func TestFailuresKeepTheContract(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	fail := errs.InvalidFields([]errs.Field{{Field: "f", Code: "c", Message: "m", Params: map[string]string{"p": "q"}}})
	c.grants.fail, c.payouts.fail, c.tokens.fail, c.checks.fail, c.charters.fail = fail, fail, fail, fail, fail
	reached := 0
	for _, x := range exchanges {
		rec, name := c.call(t, x.method, x.path, x.body, x.headers...)
		if rec.Code == http.StatusUnprocessableEntity {
			reached++
		} else if !strings.HasPrefix(x.path, "/v1/audit/") && x.path != "/v1/fund" && x.path != "/v1/whoami" {
			t.Errorf("%s hides the failure: %d", name, rec.Code)
		}
	}
	if reached < 20 {
		t.Errorf("only %d calls reached a failing service", reached)
	}
}

// TestEmptyAnswersKeepTheContract: lists that are nil in Go must not be null.
func TestEmptyAnswersKeepTheContract(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	for _, x := range exchanges {
		rec, _ := c.call(t, x.method, x.path, x.body, x.headers...)
		if strings.Contains(rec.Body.String(), "null") {
			t.Errorf("%s %s answers null: %s", x.method, x.path, rec.Body)
		}
	}
}

func decode[T any](t *testing.T, rec *httptest.ResponseRecorder) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(rec.Body.Bytes(), &v); err != nil {
		t.Fatalf("status %d: %v in %s", rec.Code, err, rec.Body)
	}
	return v
}
