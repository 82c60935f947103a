package api_test

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/causeway-fund/causeway/internal/edge/api"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

func cursorOf(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// operations calls fn with every operation of the document.
func operations(t *testing.T, fn func(method, path string, op *openapi3.Operation)) {
	t.Helper()
	doc, err := document()
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			fn(method, path, op)
		}
	}
}

// lists are the operations that answer with items, and an example of a call of each.
func lists(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	operations(t, func(method, path string, op *openapi3.Operation) {
		answer := op.Responses.Value("200")
		if method != http.MethodGet || answer == nil || answer.Value.Content["application/json"] == nil {
			return
		}
		schema := answer.Value.Content["application/json"].Schema.Value
		// The ways to prove control of a server are three, and are no list to page through.
		if schema.Properties["items"] == nil || op.OperationID == "getControl" {
			return
		}
		if schema.Properties["next_cursor"] == nil || answer.Value.Headers["Link"] == nil {
			t.Errorf("%s has no next_cursor, or no Link", op.OperationID)
		}
		for _, name := range []string{"cursor", "limit"} {
			if op.Parameters.GetByInAndName("query", name) == nil {
				t.Errorf("%s has no parameter %s", op.OperationID, name)
			}
		}
		found[op.OperationID] = strings.NewReplacer("{id}", idPath, "{label}", endpointLabel).Replace(path)
	})
	return found
}

func TestEveryListIsPagedAlike(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	c.grants.fill()
	c.payouts.fill()
	c.checks.fill()
	all := lists(t)
	if len(all) < 11 {
		t.Errorf("only %d lists were found", len(all))
	}
	for operation, path := range all {
		for _, bad := range []string{"!", "next", cursorOf("x"), cursorOf("other list:1"), cursorOf("batches:0"), cursorOf("leaves:-1"), cursorOf("checkpoints:01"), cursorOf("batches:4294967296")} {
			rec, _ := c.call(t, http.MethodGet, path+"?cursor="+bad, "")
			p := decode[api.Problem](t, rec)
			if rec.Code != http.StatusBadRequest || p.Type != "/problems/bad_cursor" || p.Params == nil || (*p.Params)["parameter"] != "cursor" {
				t.Errorf("%s, cursor %s: %d %s", operation, bad, rec.Code, rec.Body)
			}
		}
		for _, bad := range []string{"0", "-1", "1001"} {
			rec, _ := c.call(t, http.MethodGet, path+"?limit="+bad, "")
			if p := decode[api.Problem](t, rec); rec.Code != http.StatusUnprocessableEntity || (*p.Errors)[0].Field != "limit" {
				t.Errorf("%s, limit %s: %d %s", operation, bad, rec.Code, rec.Body)
			}
		}
		rec, _ := c.call(t, http.MethodGet, path+"?limit=some", "")
		if p := decode[api.Problem](t, rec); rec.Code != http.StatusBadRequest || (*p.Params)["parameter"] != "limit" {
			t.Errorf("%s, limit some: %d %s", operation, rec.Code, rec.Body)
		}
	}
}

// TestPagesShowEveryItemOnce follows Link from the first page to the last.
func TestPagesShowEveryItemOnce(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	c.payouts.fill()
	c.checks.fill()
	c.payouts.treasury.Breakers, c.checks.probers, c.payouts.unjoined = nil, nil, nil
	const many = 23
	want := map[string][]string{}
	for i := range many {
		n := (i*7)%many + 1 // out of order
		b := payout.Breaker{ID: int64(n), Code: payout.ForeignSpend, State: payout.BreakerOpen, TrippedAt: at}
		c.payouts.treasury.Breakers = append(c.payouts.treasury.Breakers, b)
		v := endpoint.Vantage{ID: someID, Name: "fi-" + string(rune('a'+n)), Place: vantage.Outside, CreatedAt: at}
		c.checks.probers = append(c.checks.probers, v)
		u := payout.UnjoinedPayment{Number: uint32(n), FoundAt: at, Paid: decision.Instalment{Period: 1}}
		u.OutPoint.Hash, u.OutPoint.Index = txid, 1
		c.payouts.unjoined = append(c.payouts.unjoined, u)
	}
	for n := range many {
		want["/v1/breakers"] = append(want["/v1/breakers"], strconv.Itoa(n+1))
		want["/v1/unjoined"] = append(want["/v1/unjoined"], strconv.Itoa(n+1))
		want["/v1/vantages"] = append(want["/v1/vantages"], "fi-"+string(rune('a'+n+1)))
	}
	type item struct {
		Number      int64  `json:"number"`
		BatchNumber int64  `json:"batch_number"`
		Name        string `json:"name"`
	}
	type page struct {
		Items      []item  `json:"items"`
		NextCursor *string `json:"next_cursor"`
	}
	for path, wanted := range want {
		var got []string
		pages := 0
		for next := path + "?limit=5"; next != ""; pages++ {
			rec, _ := c.call(t, http.MethodGet, next, "")
			p := decode[page](t, rec)
			for _, x := range p.Items {
				got = append(got, max(x.Name, strconv.FormatInt(x.Number+x.BatchNumber, 10)))
			}
			next, _, _ = strings.Cut(strings.TrimPrefix(rec.Header().Get("Link"), "<"), ">")
			if (next == "") != (p.NextCursor == nil) || (p.NextCursor != nil && !strings.Contains(next, "cursor="+*p.NextCursor)) {
				t.Fatalf("%s: Link is %q, next_cursor %v", path, next, p.NextCursor)
			}
		}
		if !slices.Equal(got, wanted) || pages != 5 {
			t.Errorf("%s: %d pages show %v", path, pages, got)
		}
	}
}

// TestLeavesGoOnWhereThePageEnded reads a log of two leaves one by one.
func TestLeavesGoOnWhereThePageEnded(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	first := decode[api.LeafPage](t, first(c.call(t, http.MethodGet, "/v1/audit/leaves?from=0&limit=1", "")))
	if first.NextCursor == nil || first.Items[0].Seq != 0 {
		t.Fatalf("the first page is %+v", first)
	}
	rec, _ := c.call(t, http.MethodGet, "/v1/audit/leaves?limit=1&cursor="+*first.NextCursor, "")
	if second := decode[api.LeafPage](t, rec); second.NextCursor != nil || second.Items[0].Seq != 1 || rec.Header().Get("Link") != "" {
		t.Errorf("the last page is %+v", second)
	}
	rec, _ = c.call(t, http.MethodGet, "/v1/audit/leaves?from=1&cursor="+*first.NextCursor, "")
	if p := decode[api.Problem](t, rec); rec.Code != http.StatusUnprocessableEntity || (*p.Errors)[0].Field != "from" {
		t.Errorf("from with a cursor: %d %s", rec.Code, rec.Body)
	}
}
