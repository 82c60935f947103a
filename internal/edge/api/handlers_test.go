package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/edge/api"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/treasurer"
	"github.com/causeway-fund/causeway/internal/review/grant"
)

func TestSubmissionReachesTheServiceWhole(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	rec, _ := c.call(t, http.MethodPost, "/v1/applications", application, "Idempotency-Key", key16)
	want := []any{key16, grant.Proposal{
		Title: "A proxy", Narrative: "It helps many people.", Contact: "@x", Region: "IR", Language: "fa", AmountSat: 100_000, PayoutAddress: "sb1q",
		Endpoints: []claim.Endpoint{{Protocol: "socks5", Host: "a.example", Port: 1080, Username: "u", Secret: "s", Note: "n"}, {Link: "tg://proxy?server=a.example"}},
	}}
	if diff := cmp.Diff(want, c.grants.replies); diff != "" {
		t.Error(diff)
	}
	got := decode[api.Receipt](t, rec)
	if got.ReceiptCode != "AAAAA-BBBBB-CCCCC-DDDDD-EEEEEE" || got.Reference != "GR-1" || got.State != "submitted" {
		t.Errorf("got %+v", got)
	}
}

func TestReceiptComesFromItsHeader(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	c.call(t, http.MethodGet, "/v1/application?receipt=OTHER", "")
	if diff := cmp.Diff([]any{"CODE"}, c.grants.replies); diff != "" {
		t.Error(diff)
	}
}

func TestOperatorDoesNotSeeBatches(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	c.grants.fill()
	rec, _ := c.call(t, http.MethodGet, "/v1/application", "")
	got := decode[api.OwnApplication](t, rec)
	if len(got.Payments) != 1 || got.Payments[0].BatchNumber != nil || *got.Payments[0].Vout != 1 || got.Payments[0].Confirmations != 2 {
		t.Errorf("got %+v", got.Payments)
	}
}

func TestQueueFilters(t *testing.T) {
	t.Parallel()
	me := ann
	for name, tc := range map[string]struct {
		query string
		want  grant.Filter
		bad   string // field of the error
	}{
		"none":             {want: grant.Filter{Limit: 50}},
		"states":           {query: "state=ready,in_review", want: grant.Filter{Limit: 50, States: []grant.State{"ready", "in_review"}}},
		"my votes":         {query: "voted=me", want: grant.Filter{Limit: 50, VotedBy: &me}},
		"not voted":        {query: "voted=not_me", want: grant.Filter{Limit: 50, NotVoted: &me}},
		"my claims":        {query: "claimed=me", want: grant.Filter{Limit: 50, ClaimedBy: &me}},
		"free":             {query: "claimed=free&limit=100", want: grant.Filter{Limit: 100, Unclaimed: true}},
		"place":            {query: "protocol=mtproto&region=IR&language=fa", want: grant.Filter{Limit: 50, Protocol: "mtproto", Region: "IR", Language: "fa"}},
		"search":           {query: "search=+quiet+relay+", want: grant.Filter{Limit: 50, Search: "quiet relay"}},
		"unknown state":    {query: "state=ready,new", bad: "state"},
		"unknown protocol": {query: "protocol=gopher", bad: "protocol"},
		"unknown voter":    {query: "voted=you", bad: "voted"},
		"unknown claimer":  {query: "claimed=you", bad: "claimed"},
		"limit too high":   {query: "limit=101", bad: "limit"},
		"limit too low":    {query: "limit=0", bad: "limit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newContract(t)
			rec, _ := c.call(t, http.MethodGet, "/v1/applications?"+tc.query, "")
			if tc.bad != "" {
				p := decode[api.Problem](t, rec)
				if rec.Code != http.StatusUnprocessableEntity || p.Errors == nil || (*p.Errors)[0].Field != tc.bad {
					t.Errorf("got %d %s", rec.Code, rec.Body)
				}
				return
			}
			if rec.Code != http.StatusOK {
				t.Fatalf("got %d %s", rec.Code, rec.Body)
			}
			if diff := cmp.Diff(tc.want, c.grants.replies[1]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNextPageKeepsTheFilters(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	c.grants.fill()
	rec, _ := c.call(t, http.MethodGet, "/v1/applications?voted=not_me&state=ready&limit=1&search=quiet+relay", "")
	want := `</v1/applications?cursor=YXBwbGljYXRpb25zOm5leHQgcGFnZQ&limit=1&search=quiet+relay&state=ready&voted=not_me>; rel="next"`
	if got := rec.Header().Get("Link"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	c.grants.page.Next = ""
	rec, _ = c.call(t, http.MethodGet, "/v1/applications", "")
	if got := rec.Header().Get("Link"); got != "" {
		t.Errorf("the last page links to %s", got)
	}
}

func TestDecisionNeedsTheVersionThatWasRead(t *testing.T) {
	t.Parallel()
	body := `{"outcome":"decline","decision_digest":"` + hexDigest + `","message":"No."}`
	path := "/v1/applications/" + idPath + "/decision"
	c := newContract(t)
	for _, tag := range []string{`W/"7"`, `7`, `*`, `"7", "8"`, `"07"`, `"-7"`, `""`, `"0"`, `"99999999999999999999"`} {
		rec, _ := c.call(t, http.MethodPost, path, body, "If-Match", tag)
		if rec.Code != http.StatusUnprocessableEntity || c.grants.replies != nil {
			t.Errorf("If-Match %s: got %d and the service was asked %v", tag, rec.Code, c.grants.replies)
		}
	}

	c.grants.fill()
	rec, _ := c.call(t, http.MethodPost, path, body, "If-Match", `"6"`)
	want := grant.Decide{ID: someID, Version: 6, Outcome: grant.VerdictDecline, Digest: digest, Message: "No."}
	if diff := cmp.Diff(want, c.grants.replies[1]); diff != "" {
		t.Error(diff)
	}
	if got := rec.Header().Get("ETag"); got != `"7"` {
		t.Errorf("ETag %s", got)
	}

	stale := errs.New(errs.Conflict, "stale_version", "Somebody changed this meanwhile.")
	stale.Params = map[string]string{"current_version": "7"}
	c.grants.fail = stale
	rec, _ = c.call(t, http.MethodPost, path, body, "If-Match", `"6"`)
	p := decode[api.Problem](t, rec)
	if rec.Code != http.StatusConflict || cmp.Diff(map[string]string{"your_version": "6", "current_version": "7"}, *p.Params) != "" {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
}

func TestDigestsAreCheckedBeforeTheService(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	rec, _ := c.call(t, http.MethodPost, "/v1/applications/"+idPath+"/votes", `{"verdict":"approve","decision_digest":"AB"}`)
	p := decode[api.Problem](t, rec)
	if rec.Code != http.StatusUnprocessableEntity || (*p.Errors)[0].Field != "decision_digest" || c.grants.replies != nil {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
}

func TestBatchShowsItsTransaction(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	c.payouts.fill()
	rec, _ := c.call(t, http.MethodGet, "/v1/batches/"+idPath, "")
	b := decode[api.Batch](t, rec)
	var sum int64
	for _, out := range b.Transaction.Outputs {
		sum += out.AmountSat
	}
	switch {
	case b.Confirmations != 2 || *b.Height != 5:
		t.Errorf("%d confirmations at height %d, want 2 at 5", b.Confirmations, *b.Height)
	case b.Transaction.Inputs[0].AmountSat != sum+b.Transaction.FeeSat:
		t.Errorf("inputs %d, outputs %d, fee %d", b.Transaction.Inputs[0].AmountSat, sum, b.Transaction.FeeSat)
	case *b.Items[0].Vout != 0 || b.Transaction.Outputs[1].Change != true:
		t.Errorf("outputs are mixed up: %s", rec.Body)
	case b.NextAction != "wait" || *b.Txid != txid.String() || !b.Transaction.Signed:
		t.Errorf("got %s", rec.Body)
	}
}

func TestWatchAnswersWhenSomethingChanges(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	c.payouts.fill()
	first := c.payouts.records[0]
	rec, _ := c.call(t, http.MethodGet, "/v1/batches/"+idPath, "")
	token := decode[api.Batch](t, rec).WatchToken

	newer := first
	newer.Tip.Height++
	c.payouts.reads, c.payouts.records = 0, []payout.Record{first, first, newer}
	rec, _ = c.call(t, http.MethodGet, "/v1/batches/"+idPath+"/watch?since="+token, "")
	if b := decode[api.Batch](t, rec); b.Confirmations != 3 || c.payouts.reads != 3 || b.WatchToken == token {
		t.Errorf("got %d confirmations after %d reads", b.Confirmations, c.payouts.reads)
	}

	c.payouts.reads, c.payouts.records = 0, []payout.Record{first}
	rec, _ = c.call(t, http.MethodGet, "/v1/batches/"+idPath+"/watch?wait_s=0&since="+token, "")
	if b := decode[api.Batch](t, rec); b.WatchToken != token {
		t.Errorf("without a change: %s", rec.Body)
	}
	if rec, _ := c.call(t, http.MethodGet, "/v1/batches/"+idPath+"/watch?wait_s=31&since="+token, ""); rec.Code != http.StatusUnprocessableEntity {
		t.Errorf("a wait of 31 s: %d", rec.Code)
	}
}

func TestOrderReachesTheService(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	rec, _ := c.call(t, http.MethodPost, "/v1/batches", order)
	want := treasurer.Order{InstalmentIDs: []uuid.UUID{someID}, FeeRateSatKVB: 5_000, MaxFeeRateSatKVB: 50_000, MaxFeeSat: 5000}
	if diff := cmp.Diff(want, c.payouts.replies[1]); diff != "" {
		t.Error(diff)
	}
	if got := rec.Header().Get("Location"); got != "/v1/batches/"+uuid.Nil.String() {
		t.Errorf("Location %s", got)
	}
}

func TestTokenExpiry(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	body := `{"name":"x","scopes":["batch.read"],"expires_at":"2026-11-23T13:00:00+01:00"}`
	c.call(t, http.MethodPost, "/v1/tokens", body)
	if c.tokens.life != 24*time.Hour {
		t.Errorf("life %s, want a day", c.tokens.life)
	}
	c.tokens.fail = errs.InvalidFields([]errs.Field{{Field: "expires_in", Code: "out_of_range", Message: "no"}})
	rec, _ := c.call(t, http.MethodPost, "/v1/tokens", body)
	if p := decode[api.Problem](t, rec); (*p.Errors)[0].Field != "expires_at" {
		t.Errorf("got %s", rec.Body)
	}
}

func TestBalancesAddUp(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	c.payouts.fill()
	rec, _ := c.call(t, http.MethodGet, "/v1/treasury", "")
	b := decode[api.Treasury](t, rec).Balances
	if sum := b.AvailableSat + b.CommittedSat + b.InFlightSat + b.ConfirmingSat + b.PaidSat + b.FeesSat + b.LostSat; sum != b.DepositsSat || sum != 300_000 {
		t.Errorf("deposits %d, the rest %d", b.DepositsSat, sum)
	}
}

func TestCheckpointsNewestFirst(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	for query, want := range map[string][]int64{"": {2, 1}, "?limit=1": {2}, "?cursor=" + cursorOf("checkpoints:2"): {1}, "?cursor=" + cursorOf("checkpoints:1"): {}} {
		rec, _ := c.call(t, http.MethodGet, "/v1/audit/checkpoints"+query, "")
		got := []int64{}
		for _, x := range decode[api.CheckpointPage](t, rec).Items {
			got = append(got, x.Size)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", query, diff)
		}
	}
}
