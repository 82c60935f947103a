package app_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/address/v2/bech32"

	"github.com/causeway-fund/causeway/api/client"
)

// refusesFields changes one field of a good form at a time.
func (r *rig) refusesFields(by *http.Client, form client.NewApplication, header map[string]string) {
	r.t.Helper()
	treasury, err := r.treasurer.GetTreasuryWithResponse(r.t.Context())
	r.must(err)
	good := form.PayoutAddress
	future, err := bech32.EncodeM("sb", append([]byte{2}, make([]byte, 52)...)) // witness version 2, 32 bytes of zero
	r.must(err)
	tests := []struct {
		field string
		value any
		code  string
	}{
		{"payout_address", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "wrong_network"}, // BIP 173's example
		{"payout_address", swapLast(good), "bad_checksum"},
		{"payout_address", strings.ToUpper(good[:10]) + good[10:], "mixed_case"},
		{"payout_address", future, "unknown_witness_version"},
		{"payout_address", treasury.JSON200.DepositAddress, "treasury_script"},
		{"payout_address", "send it to me", "not_an_address"},
		{"payout_address", "", "required"},
		{"amount_sat", 0, "not_positive"},
		{"amount_sat", -1, "not_positive"},
		{"amount_sat", 200, "dust"},
		{"amount_sat", 9_999, "below_minimum"},
		{"amount_sat", 5_000_001, "above_limit"},
		{"amount_sat", 10_000.5, "fractional_sat"},
		{"amount_sat", "many", "wrong_type"},
		{"title", "", "required"},
		{"narrative", "short", "too_short"},
		{"region", "Utopia", "unknown_region"},
	}
	for _, tt := range tests {
		text, err := json.Marshal(form)
		r.must(err)
		var body map[string]any
		r.must(json.Unmarshal(text, &body))
		body[tt.field] = tt.value
		text, err = json.Marshal(body)
		r.must(err)
		p := r.send(by, http.MethodPost, "/v1/applications", header, string(text))
		found := p.Errors != nil && slices.ContainsFunc(*p.Errors, func(f client.FieldError) bool {
			return f.Field == tt.field && f.Code == tt.code && f.Message != ""
		})
		if p.Status != http.StatusUnprocessableEntity || !found {
			r.t.Errorf("%s = %v: got %d %v, want 422 with %s", tt.field, tt.value, p.Status, p.Errors, tt.code)
		}
	}
}

// swapLast changes the last character of a bech32 string.
func swapLast(s string) string {
	last := "q"
	if strings.HasSuffix(s, last) {
		last = "p"
	}
	return s[:len(s)-1] + last
}
