package api_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/edge/api"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/uptime"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

func TestOperatorsDoNotLearnWhoChecks(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	c.checks.fill()
	for method, path := range map[string]string{http.MethodGet: "/v1/application/endpoints", http.MethodPost: serverPath + "/recheck"} {
		rec, _ := c.call(t, method, path, "")
		for _, bad := range []string{"fi-1", "linkages", "blocklists", `"id"`, "zapret"} {
			if strings.Contains(rec.Body.String(), bad) {
				t.Errorf("%s tells an operator %s: %s", path, bad, rec.Body)
			}
		}
		if !strings.Contains(rec.Body.String(), "proxy.example.org:443") {
			t.Errorf("%s does not say which server it is", path)
		}
	}
	rec, _ := c.call(t, http.MethodGet, "/v1/applications/"+idPath+"/endpoints", "")
	staff := decode[api.EndpointPage](t, rec).Items[0]
	if *staff.Id != someID || *staff.Checks[0].Vantage != "fi-1" || (*staff.Linkages)[0].Applications != 3 || (*staff.Blocklists)[0].Order == nil {
		t.Errorf("got %s", rec.Body)
	}
}

func TestEndpointIsShownWhole(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	c.checks.fill()
	rec, _ := c.call(t, http.MethodGet, "/v1/application/endpoints", "")
	if diff := cmp.Diff([]any{"CODE"}, c.checks.replies); diff != "" {
		t.Error(diff)
	}
	e := decode[api.EndpointPage](t, rec).Items[0]
	switch {
	case e.Protocol != "http-connect" || e.Label != endpointLabel || *e.Verdict != api.CheckDown || *e.Class != "auth_rejected" || !e.Pending:
		t.Errorf("got %+v", e)
	case e.Advice == nil || e.Advice.Key == "" || e.Advice.Text == "" || *e.Checks[0].Advice != *e.Advice:
		t.Errorf("advice %+v, %+v", e.Advice, e.Checks[0].Advice)
	case len(e.Uptime) != 2 || e.Uptime[0].Place != api.PlaceOutside || e.Uptime[0].LowPermille != 510 || e.Uptime[1].HighPermille != 906:
		t.Errorf("uptime %+v", e.Uptime)
	case !e.Control.Proven || *e.Control.Kind != api.ControlByCredential || e.Control.Generation != 2:
		t.Errorf("control %+v", e.Control)
	case e.Proofs[0].Held || *e.Proofs[0].Why != "no_answer" || e.Proofs[0].AgainAt != nil || e.Proofs[1].Until == nil:
		t.Errorf("proofs %+v", e.Proofs)
	case e.Strip[0].Marks != "udb?m-" || e.Strip[0].Day.String() != "2026-11-22" || e.Strip[0].Unknown != 3:
		t.Errorf("strip %+v", e.Strip)
	case *e.Exit.Asn != 4_200_000_000 || !e.RecheckAt.Equal(at.Add(10*time.Minute)):
		t.Errorf("exit %+v, recheck %v", e.Exit, e.RecheckAt)
	case e.Checks[0].Stages[0].Ms != 42 || e.Checks[0].Stages[1].State != "failed" || !e.Checks[0].TelegramProven:
		t.Errorf("stages %+v", e.Checks[0].Stages)
	}
	past := at.Add(-time.Second)
	c.checks.view.Endpoint.ProvenUntil = &past
	rec, _ = c.call(t, http.MethodGet, "/v1/application/endpoints", "")
	if e := decode[api.EndpointPage](t, rec).Items[0]; e.Control.Proven {
		t.Error("a proof counts after its end")
	}
}

func TestWhatIsAskedReachesTheService(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	for _, tc := range []struct {
		method, path, body string
		want               []any
	}{
		{http.MethodPost, "/v1/links", `{"text":"socks5://a.example:1080\n"}`, []any{"socks5://a.example:1080\n"}},
		{http.MethodPost, serverPath + "/recheck", "", []any{"CODE", endpointLabel}},
		{http.MethodPost, serverPath + "/control", `{"kind":"dns"}`, []any{"CODE", endpointLabel, control.KindDNS}},
		{http.MethodPost, serverPath + "/control/rotate", "", []any{"CODE", endpointLabel}},
		{http.MethodPost, serverPath + "/maintenance", `{"from":"2026-12-01T01:00:00+01:00","to":"2026-12-01T01:00:00Z"}`, []any{
			"CODE", endpointLabel, time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 1, 1, 0, 0, 0, time.UTC),
		}},
		{http.MethodPost, "/v1/prober/enrol", `{"token":"t","public_key":"AQI="}`, []any{vantage.Enrolment{Token: "t", PublicKey: []byte{1, 2}}}},
		{http.MethodPost, "/v1/prober/lease", envelope, []any{vantage.Envelope{Body: []byte("{}"), Signature: []byte{1, 2}}}},
		{http.MethodPost, "/v1/prober/report", envelope, []any{vantage.Envelope{Body: []byte("{}"), Signature: []byte{1, 2}}}},
	} {
		c.call(t, tc.method, tc.path, tc.body)
		if diff := cmp.Diff(tc.want, c.checks.replies); diff != "" {
			t.Errorf("%s %s: %s", tc.method, tc.path, diff)
		}
	}
	for query, unseal := range map[string]bool{"": false, "?unseal=false": false, "?unseal=true": true} {
		c.call(t, http.MethodGet, "/v1/applications/"+idPath+"/endpoints"+query, "")
		if diff := cmp.Diff([]any{someID, unseal}, c.checks.replies[1:]); diff != "" {
			t.Errorf("%q: %s", query, diff)
		}
	}
	c.call(t, http.MethodPost, "/v1/vantages", `{"name":"fi-1","place":"inside"}`)
	if diff := cmp.Diff(endpoint.NewVantage{Name: "fi-1", Place: vantage.Inside}, c.checks.replies[1]); diff != "" {
		t.Error(diff)
	}
}

func TestRefusedLinkNamesItsLine(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	for text, want := range map[string]string{
		"[Interface]\nPrivateKey = x\nPostUp = rm -rf /": "line 2 ",
		"tg://proxy?server=a.example&port=443":           "secret ",
		" ":                                              "endpoint missing",
		strings.Repeat("a", 64<<10+1):                    "endpoint too_long",
	} {
		_, c.checks.fail = link.Parse(text)
		body, err := json.Marshal(api.LinkText{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		rec, _ := c.call(t, http.MethodPost, "/v1/links", string(body))
		if got := fieldsOf(t, rec.Body.Bytes(), decode[api.Problem](t, rec)); rec.Code != http.StatusUnprocessableEntity || !strings.HasPrefix(got, want) {
			t.Errorf("%d %q, want %q", rec.Code, got, want)
		}
	}
}

func TestAsManyChecksAreToldAsAreAskedFor(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	c.checks.fill()
	c.checks.view.Checks = slices.Repeat(c.checks.view.Checks, 1001)
	for _, path := range []string{"/v1/application/endpoints", "/v1/applications/" + idPath + "/endpoints"} {
		for query, want := range map[string]int{"": 20, "?checks=0": 0, "?checks=7": 7, "?checks=1000": 1000} {
			rec, _ := c.call(t, http.MethodGet, path+query, "")
			if got := len(decode[api.EndpointPage](t, rec).Items[0].Checks); got != want {
				t.Errorf("%s%s: %d checks", path, query, got)
			}
		}
		for _, query := range []string{"?checks=-1", "?checks=1001"} {
			rec, _ := c.call(t, http.MethodGet, path+query, "")
			if got := fieldsOf(t, rec.Body.Bytes(), decode[api.Problem](t, rec)); got != "checks out_of_range" {
				t.Errorf("%s%s: %d %s", path, query, rec.Code, got)
			}
		}
	}
}

func TestNumberOfANetworkHasItsBounds(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	for _, asn := range []string{"-1", "4294967296"} {
		rec, _ := c.call(t, http.MethodPost, "/v1/vantages", `{"name":"fi-1","place":"outside","asn":`+asn+`}`)
		if got := fieldsOf(t, rec.Body.Bytes(), decode[api.Problem](t, rec)); got != "asn out_of_range" || c.checks.replies != nil {
			t.Errorf("%s: %d %s", asn, rec.Code, got)
		}
	}
}

func TestRecheckSaysWhenToComeBack(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	limited := errs.New(errs.RateLimited, "checks_exhausted", "You have asked for as many checks as one hour allows.")
	limited.Params = map[string]string{"until": at.Add(90*time.Second + time.Millisecond).Format(time.RFC3339Nano)}
	c.checks.fail = limited
	for _, path := range []string{serverPath + "/recheck", "/v1/endpoints/" + idPath + "/recheck"} {
		rec, _ := c.call(t, http.MethodPost, path, "")
		p := decode[api.Problem](t, rec)
		if rec.Code != http.StatusTooManyRequests || rec.Header().Get("Retry-After") != "91" || (*p.Params)["until"] == "" || *p.Code != "checks_exhausted" {
			t.Errorf("%s: %d %v %s", path, rec.Code, rec.Header(), rec.Body)
		}
	}
}

func TestSnapshotKeepsItsBytes(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	c.checks.fill()
	for _, path := range []string{serverPath + "/uptime", "/v1/applications/" + idPath + "/uptime"} {
		rec, _ := c.call(t, http.MethodGet, path, "")
		if s, err := uptime.Verify(rec.Body.Bytes()); err != nil || s.Endpoints[0].Endpoint != endpointLabel {
			t.Errorf("%s: %v in %s", path, err, rec.Body)
		}
		if got := rec.Header().Get("Content-Disposition"); got != `attachment; filename="uptime.json"` {
			t.Errorf("%s: %s", path, got)
		}
	}
}

func TestResultsOfADayAreAFile(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	c.checks.fill()
	day := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for path, want := range map[string][]any{
		serverPath + "/results?day=2026-11-22":                                          {"CODE", endpointLabel, day},
		"/v1/applications/" + idPath + "/results?day=2026-11-22&label=" + endpointLabel: {"actor", "id", endpointLabel, day},
	} {
		rec, _ := c.call(t, http.MethodGet, path, "")
		if rec.Code != http.StatusOK || rec.Body.String() != string(c.checks.results) || rec.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%s: %d %v %s", path, rec.Code, rec.Header(), rec.Body)
		}
		if got := rec.Header().Get("Content-Disposition"); got != `attachment; filename="results-`+endpointLabel+`-2026-11-22.ndjson"` {
			t.Errorf("%s: %s", path, got)
		}
		if diff := cmp.Diff(want[len(want)-2:], c.checks.replies[len(want)-2:]); diff != "" || len(c.checks.replies) != len(want) {
			t.Errorf("%s asked for %v: %s", path, c.checks.replies, diff)
		}
		for bad, code := range map[string]int{"2026-13-22": http.StatusBadRequest, "22.11.2026": http.StatusBadRequest, "": http.StatusUnprocessableEntity} {
			if rec, _ := c.call(t, http.MethodGet, strings.Replace(path, "2026-11-22", bad, 1), ""); rec.Code != code {
				t.Errorf("a day %q: %d %s", bad, rec.Code, rec.Body)
			}
		}
	}
}

func TestProbersAreShownAsTheyAre(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	c.checks.fill()
	rec, _ := c.call(t, http.MethodGet, "/v1/vantages", "")
	var states []string
	for _, v := range decode[api.VantagePage](t, rec).Items {
		states = append(states, string(v.State))
	}
	if diff := cmp.Diff([]string{"active", "distrusted", "disabled", "new"}, states); diff != "" {
		t.Error(diff)
	}
	rec, _ = c.call(t, http.MethodGet, "/v1/fleet", "")
	f := decode[api.Fleet](t, rec)
	if f.LateS != 90 || f.Waiting != 7 || f.Rows[0].Unchecked != 2 || f.Rows[0].Proven != 1 || len(f.Vantages) != 4 || f.OldestAt == nil {
		t.Errorf("got %s", rec.Body)
	}
	rec, _ = c.call(t, http.MethodPost, "/v1/vantages", `{"name":"fi-1","place":"outside","country":"FI","asn":4200000000}`)
	if made := decode[api.Vantage](t, rec); made.Token == nil || *made.Token != "enrolment-token" || made.State != "new" || *made.Asn != 4_200_000_000 {
		t.Errorf("got %s", rec.Body)
	}
}

// TestProbersAreUnderstood sends what a prober sends and reads what it reads.
func TestProbersAreUnderstood(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	c.checks.fill()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	c.checks.welcome.ServiceKey = public
	exchange := func(path string, in, out any) {
		t.Helper()
		body, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		rec, _ := c.call(t, http.MethodPost, path, string(body))
		if rec.Code >= http.StatusBadRequest {
			t.Fatalf("%s: %d %s", path, rec.Code, rec.Body)
		}
		if out == nil {
			return
		}
		dec := json.NewDecoder(rec.Body)
		dec.DisallowUnknownFields()
		if err := dec.Decode(out); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}

	var welcome vantage.Welcome
	exchange("/v1/prober/enrol", vantage.Enrolment{Token: "t", PublicKey: public}, &welcome)
	if err := welcome.Validate(); err != nil || !cmp.Equal(c.checks.replies[0], vantage.Enrolment{Token: "t", PublicKey: public}) {
		t.Errorf("%v, %v", err, c.checks.replies)
	}
	ask, err := vantage.SignAsk(private, vantage.Ask{V: vantage.Version, Vantage: someID, At: at, Max: 3, SW: "test"})
	if err != nil {
		t.Fatal(err)
	}
	var lease vantage.Envelope
	exchange("/v1/prober/lease", ask, &lease)
	if diff := cmp.Diff([]any{ask}, c.checks.replies); diff != "" || string(lease.Body) != "lease" || string(lease.Signature) != "signed" {
		t.Errorf("got %v %s", lease, diff)
	}
	exchange("/v1/prober/report", ask, nil)
	if diff := cmp.Diff([]any{ask}, c.checks.replies); diff != "" {
		t.Error(diff)
	}
}

func TestReportOfManyAnswersFits(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	whole := base64.StdEncoding.EncodeToString(make([]byte, vantage.MaxReport))
	signature := base64.StdEncoding.EncodeToString(make([]byte, 64))
	post := func(path string) int { // past the document's validator, which takes its time
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(`{"body":"`+whole+`","signature":"`+signature+`"}`))
		r.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		c.handler.ServeHTTP(rec, r)
		return rec.Code
	}
	if got := post("/v1/prober/report"); got != http.StatusNoContent {
		t.Errorf("a report: %d", got)
	}
	if got := post("/v1/prober/lease"); got != http.StatusRequestEntityTooLarge {
		t.Errorf("a lease takes as much: %d", got)
	}
}

func TestFundWithoutChecksSaysSo(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	c.mount(t, nil)
	refused := 0
	for _, x := range exchanges {
		rec, _ := c.call(t, x.method, x.path, x.body, x.headers...)
		if rec.Code == http.StatusNotFound && *decode[api.Problem](t, rec).Code == "checks_off" {
			refused++
		}
	}
	if refused != 23 {
		t.Errorf("%d calls say that nothing is checked, want 23", refused)
	}
}
