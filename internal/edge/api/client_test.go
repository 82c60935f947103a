package api_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/errs"
)

func serve(t *testing.T, c *contract) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(c.handler)
	t.Cleanup(srv.Close)
	return srv
}

func TestClientSubmitsAndFollows(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	c.grants.fill()
	fund, err := client.New(serve(t, c).URL, client.Options{Receipt: "MY-CODE"})
	if err != nil {
		t.Fatal(err)
	}
	key := client.NewIdempotencyKey()
	made, err := fund.SubmitApplicationWithResponse(t.Context(), &client.SubmitApplicationParams{IdempotencyKey: key}, client.NewApplication{Title: "A proxy", AmountSat: 5})
	if err != nil || made.JSON201 == nil || made.JSON201.Reference != "GR-1" || c.grants.replies[0] != key {
		t.Fatalf("submit: %+v, %v", made, err)
	}
	status, err := fund.GetOwnApplicationWithResponse(t.Context())
	if err != nil || status.JSON200 == nil || status.JSON200.State != "in_review" || c.grants.replies[0] != "MY-CODE" {
		t.Fatalf("status: %+v, %v", status, err)
	}
}

func TestClientGivesRefusalsAsErrors(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	c.grants.fail = errs.InvalidFields([]errs.Field{{Field: "amount_sat", Code: "dust", Message: "is too small"}})
	fund, err := client.New(serve(t, c).URL, client.Options{Token: "cw_x"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = fund.GetApplicationWithResponse(t.Context(), uuid.New())
	var refusal *client.Error
	if !errors.As(err, &refusal) || refusal.Status != http.StatusUnprocessableEntity || !client.HasCode(err, "invalid_fields") {
		t.Fatalf("got %v", err)
	}
	if !strings.Contains(err.Error(), "amount_sat: is too small (dust)") {
		t.Errorf("got %q", err)
	}
}

// TestClientSendsAKeyedCallAgain cuts the connection before the answers.
func TestClientSendsAKeyedCallAgain(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string][]string{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		seen[r.URL.Path] = append(seen[r.URL.Path], r.Header.Get("Idempotency-Key")+" "+string(body))
		if r.URL.Path == "/v1/upkeep" && len(seen[r.URL.Path]) == 3 {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"number":7}`)
			return
		}
		panic(http.ErrAbortHandler) // no answer
	}))
	t.Cleanup(srv.Close)
	fund, err := client.New(srv.URL, client.Options{Token: "cw_x"})
	if err != nil {
		t.Fatal(err)
	}
	made, err := fund.ComposeUpkeepWithResponse(t.Context(), &client.ComposeUpkeepParams{IdempotencyKey: key16}, client.Upkeep{Kind: client.Split})
	if err != nil || made.JSON201 == nil || made.JSON201.Number != 7 {
		t.Fatalf("got %+v, %v", made, err)
	}
	calls := func(path string) []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(seen[path])
	}
	if sent := calls("/v1/upkeep"); len(sent) != 3 || sent[0] != sent[1] || sent[1] != sent[2] || !strings.HasPrefix(sent[0], key16+` {"`) {
		t.Errorf("sent %q", sent)
	}
	if _, err := fund.WithdrawVoidWithResponse(t.Context(), someID, &client.WithdrawVoidParams{IfMatch: `"7"`}); err == nil {
		t.Error("no answer was taken for one")
	}
	if n := len(calls("/v1/batches/" + someID.String() + "/void/withdraw")); n != 1 {
		t.Errorf("a call without a key was sent %d times", n)
	}
}

func TestClientKeepsItsSecrets(t *testing.T) {
	t.Parallel()
	var leaked []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		leaked = append(leaked, r.Header.Get("Causeway-Receipt")+r.Header.Get("Authorization"))
	}))
	t.Cleanup(other.Close)
	var receipts []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		receipts = append(receipts, r.URL.Path+" "+r.Header.Get("Causeway-Receipt"))
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	t.Cleanup(srv.Close)
	fund, err := client.New(srv.URL, client.Options{Token: "cw_x", Receipt: "CODE"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = fund.GetOwnApplicationWithResponse(t.Context())
	var refusal *client.Error
	if !errors.As(err, &refusal) || refusal.Status != http.StatusTemporaryRedirect || len(leaked) != 0 {
		t.Errorf("got %v; another host was told %v", err, leaked)
	}
	if _, err := fund.GetFundWithResponse(t.Context()); err == nil {
		t.Error("a redirect is no answer")
	}
	if want := "/v1/application CODE|/v1/fund "; strings.Join(receipts, "|") != want {
		t.Errorf("sent %q, want %q", receipts, want)
	}
}

func TestClientRefusesBadAddresses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "fund.example", "ftp://fund.example", "https://", "http://[::1"} {
		if _, err := client.New(address, client.Options{}); err == nil {
			t.Errorf("%q was taken", address)
		}
	}
}
