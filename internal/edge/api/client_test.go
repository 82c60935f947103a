package api_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
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
	status, err := fund.GetStatusWithResponse(t.Context())
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
	_, err = fund.GetStatusWithResponse(t.Context())
	var refusal *client.Error
	if !errors.As(err, &refusal) || refusal.Status != http.StatusTemporaryRedirect || len(leaked) != 0 {
		t.Errorf("got %v; another host was told %v", err, leaked)
	}
	if _, err := fund.GetFundWithResponse(t.Context()); err == nil {
		t.Error("a redirect is no answer")
	}
	if want := "/v1/status CODE|/v1/fund "; strings.Join(receipts, "|") != want {
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
