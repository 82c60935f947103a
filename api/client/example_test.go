package client_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/causeway-fund/causeway/api/client"
)

// answering is a server that gives every call one answer.
func answering(status int, contentType, body string) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
}

// Anybody may ask what a fund pays.
func ExampleNew() {
	srv := answering(http.StatusOK, "application/json", `{"name": "Open Roads", "network": "signet",
		"min_amount_sat": 10000, "max_amount_sat": 500000, "approvals_required": 2, "policy_version": 1,
		"paid_confirmations": 1, "final_confirmations": 6, "protocols": ["socks5"]}`)
	defer srv.Close()

	api, err := client.New(srv.URL, client.Options{})
	if err != nil {
		panic(err)
	}
	answer, err := api.GetFundWithResponse(context.Background())
	if err != nil {
		panic(err)
	}
	fund := answer.JSON200
	fmt.Printf("%s pays %d to %d sat on %s\n", fund.Name, fund.MinAmountSat, fund.MaxAmountSat, fund.Network)
	// Output: Open Roads pays 10000 to 500000 sat on signet
}

// Every refusal is an error with a stable code and the words for a person.
func ExampleHasCode() {
	srv := answering(http.StatusForbidden, "application/problem+json",
		`{"type": "/problems/not_permitted", "title": "Not permitted", "status": 403, "detail": "Your role does not allow this. Nothing was changed."}`)
	defer srv.Close()

	api, err := client.New(srv.URL, client.Options{Token: "cw_example"})
	if err != nil {
		panic(err)
	}
	_, err = api.ListApplicationsWithResponse(context.Background(), &client.ListApplicationsParams{})
	fmt.Println(client.HasCode(err, "not_permitted"))
	fmt.Println(err)
	// Output:
	// true
	// Your role does not allow this. Nothing was changed.
}

// A refusal names each field and the rule that it broke.
func ExampleError() {
	srv := answering(http.StatusUnprocessableEntity, "application/problem+json", `{"type": "/problems/validation",
		"title": "Not valid", "status": 422, "detail": "Nothing was stored. Correct the fields and send it again.",
		"errors": [{"field": "payout_address", "code": "wrong_network", "message": "This address is for mainnet."}]}`)
	defer srv.Close()

	api, err := client.New(srv.URL, client.Options{})
	if err != nil {
		panic(err)
	}
	// After a lost connection, the same key and body may be sent again: that never applies twice.
	key := client.NewIdempotencyKey()
	_, err = api.SubmitApplicationWithResponse(context.Background(),
		&client.SubmitApplicationParams{IdempotencyKey: key},
		client.NewApplication{Title: "A bridge", AmountSat: 150_000, PayoutAddress: "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"})
	fmt.Println(err)
	// Output:
	// Nothing was stored. Correct the fields and send it again.
	//   payout_address: This address is for mainnet. (wrong_network)
}
