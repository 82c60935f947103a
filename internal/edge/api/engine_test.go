package api_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/edge/api"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/certificate"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/treasurer"
)

const batchPath = "/v1/batches/" + idPath

func coinOf(t *testing.T) wire.OutPoint {
	t.Helper()
	hash, err := chainhash.NewHashFromStr(coinName[:64])
	if err != nil {
		t.Fatal(err)
	}
	return wire.OutPoint{Hash: *hash, Index: 1}
}

// fieldsOf returns field and code of each field error.
func fieldsOf(t *testing.T, body []byte, p api.Problem) string {
	t.Helper()
	if p.Errors == nil {
		return "no field errors in " + string(body)
	}
	var out []string
	for _, f := range *p.Errors {
		out = append(out, f.Field+" "+f.Code)
	}
	return strings.Join(out, ", ")
}

func TestOrderWithCoinsAndDeadline(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	ids := `"instalment_ids":["` + idPath + `"]`
	c.call(t, http.MethodPost, "/v1/batch-previews", `{`+ids+`,"deadline_blocks":12,"coins":["`+coinName+`"]}`)
	want := treasurer.Order{InstalmentIDs: []uuid.UUID{someID}, DeadlineBlocks: 12, Coins: []wire.OutPoint{coinOf(t)}}
	if diff := cmp.Diff(want, c.payouts.replies[1]); diff != "" {
		t.Error(diff)
	}
	for body, want := range map[string]string{
		`"coins":["` + coinName + `","ab:1"]`:                  "coins[1] not_a_coin",
		`"coins":["` + coinName + `0000000000"]`:               "coins[0] not_a_coin",
		`"coins":["` + strings.ToUpper(coinName[:64]) + `:1"]`: "coins[0] not_a_coin",
		`"coins":["` + coinName[:64] + `:01"]`:                 "coins[0] not_a_coin",
		`"coins":["` + coinName[:63] + `:1"],"max_fee_sat":0`:  "coins[0] not_a_coin, max_fee_sat out_of_range",
		`"coins":"` + coinName + `"`:                           "coins wrong_type",
		`"feerate_sat_kvb":1000.5`:                             "feerate_sat_kvb not_whole",

		`"max_feerate_sat_kvb":0,"max_fee_sat":0,"deadline_blocks":0`: "max_feerate_sat_kvb out_of_range, max_fee_sat out_of_range, deadline_blocks out_of_range",
	} {
		for _, path := range []string{"/v1/batches", "/v1/batch-previews"} {
			c.payouts.replies = nil
			rec, _ := c.call(t, http.MethodPost, path, `{`+ids+`,`+body+`}`)
			if got := fieldsOf(t, rec.Body.Bytes(), decode[api.Problem](t, rec)); rec.Code != http.StatusUnprocessableEntity || got != want || c.payouts.replies != nil {
				t.Errorf("%s with %s: %d %s, want %s", path, body, rec.Code, got, want)
			}
		}
	}
}

func TestAnOrderMayBecomeSeveralBatches(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	c.payouts.fill()
	rec, _ := c.call(t, http.MethodPost, "/v1/batches", order)
	if n := len(decode[api.ComposedBatches](t, rec).Batches); n != 1 || rec.Header().Get("ETag") != `"7"` || rec.Header().Get("Location") != batchPath {
		t.Errorf("%d batches, %v", n, rec.Header())
	}
	c.payouts.composed = 3
	rec, _ = c.call(t, http.MethodPost, "/v1/batches", order)
	if n := len(decode[api.ComposedBatches](t, rec).Batches); n != 3 || rec.Header().Get("ETag") != "" || rec.Header().Get("Location") != "" {
		t.Errorf("%d batches, %v", n, rec.Header())
	}
}

func TestDryRunShowsWhatTheEngineKnows(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	c.payouts.fill()
	got := decode[api.BatchPreview](t, first(c.call(t, http.MethodPost, "/v1/batch-previews", order)))
	// 561 weight units, 141 vB, at 50 sat/vB are 7,050 sat: the highest fee of 5,000 is nearer.
	switch {
	case got.HeadroomSat != 4_300 || got.Batches != 2 || got.Weight != 561 || got.DeadlineBlocks != 144:
		t.Errorf("got %+v", got)
	case len(got.AtTargets) != 2 || *got.AtTargets[0].FeeSat != 1_128 || got.AtTargets[1].FeeSat != nil || *got.AtTargets[1].Refused == "":
		t.Errorf("targets %+v", got.AtTargets)
	case len(got.Notes) != 1 || got.Estimate.Targets[0].FeerateSatKvb != 7_100:
		t.Errorf("notes %+v, estimate %+v", got.Notes, got.Estimate)
	}
	c.payouts.preview.Order.MaxFeeRateSatKVB = 4_000
	got = decode[api.BatchPreview](t, first(c.call(t, http.MethodPost, "/v1/batch-previews", order)))
	if got.HeadroomSat != 0 {
		t.Errorf("headroom below zero: %d", got.HeadroomSat)
	}
}

func first[A, B any](a A, _ B) A { return a }

func TestUpkeepReachesTheService(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	for body, want := range map[string]payout.UpkeepOrder{
		`{"kind":"consolidate"}`:                                    {Kind: payout.Consolidate},
		`{"kind":"split","outputs":4,"coins":["` + coinName + `"]}`: {Kind: payout.Split, Outputs: 4, Coins: []wire.OutPoint{coinOf(t)}},
		`{"kind":"child","parent":"` + idPath + `","feerate_sat_kvb":30000,"max_feerate_sat_kvb":40000,"max_fee_sat":900}`: {
			Kind: payout.Child, Parent: someID, FeeRateSatKVB: 30_000, MaxFeeRateSatKVB: 40_000, MaxFeeSat: 900,
		},
	} {
		rec, _ := c.call(t, http.MethodPost, "/v1/upkeep", body)
		if diff := cmp.Diff(want, c.payouts.replies[1]); rec.Code != http.StatusCreated || diff != "" {
			t.Errorf("%s: %d %s", body, rec.Code, diff)
		}
	}
	for body, want := range map[string]string{
		`{"kind":"child"}`:                                 "parent required",
		`{"kind":"split"}`:                                 "outputs required",
		`{"kind":"consolidate","outputs":3}`:               "outputs not_wanted",
		`{"kind":"consolidate","parent":"` + idPath + `"}`: "parent not_wanted",
		`{"kind":"child","parent":"` + idPath + `","coins":["` + coinName + `"]}`: "coins not_wanted",
		`{"kind":"consolidate","coins":["x"],"max_fee_sat":0}`:                    "coins[0] not_a_coin, max_fee_sat out_of_range",
	} {
		c.payouts.replies = nil
		rec, _ := c.call(t, http.MethodPost, "/v1/upkeep", body)
		if got := fieldsOf(t, rec.Body.Bytes(), decode[api.Problem](t, rec)); got != want || c.payouts.replies != nil {
			t.Errorf("%s: %d %s, want %s", body, rec.Code, got, want)
		}
	}
}

func TestWhatChangesABatchNeedsItsVersion(t *testing.T) {
	t.Parallel()
	stale := errs.New(errs.Conflict, "stale_version", "Somebody changed this meanwhile.")
	stale.Params = map[string]string{"current_version": "7"}
	for path, x := range map[string]struct {
		body string
		want any
	}{
		"/bump":          {`{"feerate_sat_kvb":9000}`, int64(9_000)},
		"/void":          {`{"reason":"Wrong.","cancel_ids":["` + idPath + `"],"feerate_sat_kvb":12000}`, payout.VoidOrder{Reason: "Wrong.", CancelIDs: []uuid.UUID{someID}, FeeRateSatKVB: 12_000}},
		"/void/approve":  {`{"digest":"` + hexDigest + `"}`, digest},
		"/void/withdraw": {"", nil},
	} {
		c := newContract(t)
		c.payouts.fill()
		if rec, _ := c.call(t, http.MethodPost, batchPath+path, x.body); rec.Code != http.StatusPreconditionRequired || c.payouts.replies != nil {
			t.Errorf("%s without If-Match: %d", path, rec.Code)
		}
		for _, tag := range []string{`W/"7"`, `7`, `*`, `"07"`} {
			if rec, _ := c.call(t, http.MethodPost, batchPath+path, x.body, "If-Match", tag); rec.Code != http.StatusUnprocessableEntity || c.payouts.replies != nil {
				t.Errorf("%s with If-Match %s: %d", path, tag, rec.Code)
			}
		}
		rec, _ := c.call(t, http.MethodPost, batchPath+path, x.body, "If-Match", `"6"`)
		if diff := cmp.Diff([]any{someID, int64(6), x.want}, c.payouts.replies[1:]); diff != "" || rec.Header().Get("ETag") != `"7"` {
			t.Errorf("%s: ETag %s %s", path, rec.Header().Get("ETag"), diff)
		}
		c.payouts.fail = stale
		rec, _ = c.call(t, http.MethodPost, batchPath+path, x.body, "If-Match", `"6"`)
		if p := decode[api.Problem](t, rec); rec.Code != http.StatusConflict || cmp.Diff(map[string]string{"your_version": "6", "current_version": "7"}, *p.Params) != "" {
			t.Errorf("%s of an old version: %d %s", path, rec.Code, rec.Body)
		}
	}
	c := newContract(t)
	if rec, _ := c.call(t, http.MethodPost, batchPath+"/void", `{"reason":"x","feerate_sat_kvb":0}`, "If-Match", `"6"`); rec.Code != http.StatusUnprocessableEntity || c.payouts.replies != nil {
		t.Errorf("a void at 0 sat/vB: %d", rec.Code)
	}
}

func TestBatchShowsAttemptsAndTheirFate(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	c.payouts.fill()
	record := &c.payouts.records[0]
	with := func(kind payout.AttemptKind, events ...string) payout.Attempt {
		a := payout.Attempt{No: len(record.Attempts), Kind: kind, TxID: txid, Fee: 700, Weight: 560}
		for i, e := range events {
			a.Events = append(a.Events, payout.AttemptEvent{Event: e, Height: int32(i + 1), At: at.Add(time.Duration(i) * time.Minute)})
		}
		return a
	}
	record.Attempts = nil
	for _, events := range [][]string{
		{"built", "signing", "signed", "broadcast"},
		{"built", "signing", "signed", "broadcast", "conflicted"},
		{"built", "signing", "signed", "broadcast", "mined", "reorged"},
		{"built", "signing", "signed", "broadcast", "dead"},
		{"built", "signing", "signed", "broadcast", "mined", "paid", "final"},
		{"built", "signing"},
	} {
		record.Attempts = append(record.Attempts, with(payout.Pays, events...))
	}
	record.Attempts = append(record.Attempts, with(payout.Voids, "built", "signing", "signed", "broadcast", "mined", "reorged"))
	b := decode[api.Batch](t, first(c.call(t, http.MethodGet, batchPath, "")))
	var got []string
	for _, a := range b.Attempts {
		got = append(got, string(a.Kind)+" "+string(a.Fate))
	}
	want := []string{"pay replaced", "pay conflicted", "pay replaced", "pay dead", "pay final", "pay replaced", "void broadcast"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if a := b.Attempts[0]; *a.BroadcastHeight != 4 || a.FeerateSatKvb != 5_000 || *a.Events[1].Height != 2 {
		t.Errorf("got %+v", a)
	}
}

func TestBatchShowsVoidAndSignatures(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	c.payouts.fill()
	b := decode[api.Batch](t, first(c.call(t, http.MethodGet, batchPath, "")))
	if diff := cmp.Diff(&api.Raise{CurrentSatKvb: 5_000, LeastSatKvb: 6_000, MostSatKvb: 40_000, Code: &[]string{"at_limit"}[0], Refused: &[]string{"It pays what was approved."}[0]}, b.Raise); diff != "" {
		t.Error(diff)
	}
	wantVoid := api.Void{
		Note: "void note", Digest: digest.String(), FeerateSatKvb: 12_000, FeeSat: 4_100, Reason: "A wrong address.", CancelIds: []uuid.UUID{someID},
		AskedBy: "Tom", AskedAt: at, ApprovedBy: &[]string{"Ann"}[0], ApprovedAt: &at,
	}
	if diff := cmp.Diff(&wantVoid, b.Void); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]api.PartialSignature{{Keys: []string{"d34db33f", "00c0ffee"}, By: &[]string{"Tom"}[0], At: at}}, b.Attempts[0].Signatures); diff != "" {
		t.Error(diff)
	}
	if item := b.Items[0]; item.PaidAfterCancel == nil || !*item.PaidAfterCancel {
		t.Error("a payment that was to be cancelled is in a block, and nobody is told")
	}
	if b.Signatures != nil {
		t.Error("a batch whose transaction is whole asks for signatures")
	}
	if b.Kind != "payout" || b.DeadlineBlocks != 144 || *b.WantedFeerateSatKvb != 9_000 || len(*b.Coins) != 1 {
		t.Errorf("got %+v", b)
	}

	c.payouts.records[0].Attempts[0].Raw = nil
	b = decode[api.Batch](t, first(c.call(t, http.MethodGet, batchPath, "")))
	if diff := cmp.Diff(&api.Signatures{Needed: 2, Total: 3, Signed: []string{"d34db33f"}, Missing: 1}, b.Signatures); diff != "" {
		t.Error(diff)
	}
}

func TestNextAction(t *testing.T) {
	t.Parallel()
	none, some := payout.SignatureStatus{Needed: 2, Total: 3, Missing: 2}, payout.SignatureStatus{Needed: 2, Total: 3, Signed: []string{"d34db33f"}, Missing: 1}
	for name, x := range map[string]struct {
		state    payout.State
		status   payout.SignatureStatus
		trouble  string
		asked    bool
		approved bool
		want     api.NextAction
	}{
		"composed":                  {state: payout.Composed, want: "approve"},
		"signer is asked":           {state: payout.Signing, status: none, want: "wait"},
		"signer is not enough":      {state: payout.Signing, status: some, want: "sign"},
		"there is no signer":        {state: payout.Signing, status: none, trouble: "Waits for people.", want: "sign"},
		"void is asked for":         {state: payout.Broadcast, asked: true, want: "approve_void"},
		"void is agreed to":         {state: payout.Broadcast, asked: true, approved: true, want: "wait"},
		"void waits for signatures": {state: payout.Voiding, asked: true, approved: true, status: some, want: "sign"},
		"void waits for a block":    {state: payout.Voiding, asked: true, approved: true, want: "wait"},
		"conflicted":                {state: payout.Conflicted, want: "investigate"},
		"voided":                    {state: payout.Voided, want: "none"},
		"a state of later":          {state: "later", want: "investigate"},
	} {
		c := newContract(t)
		c.payouts.fill()
		record := &c.payouts.records[0]
		record.Batch.State, record.Batch.LastError, record.Attempts[0].Raw, c.payouts.status = x.state, x.trouble, nil, x.status
		if !x.approved {
			record.Void.ApprovedBy = nil
		}
		if !x.asked {
			record.Void = nil
		}
		if got := decode[api.Batch](t, first(c.call(t, http.MethodGet, batchPath, ""))).NextAction; got != x.want {
			t.Errorf("%s: %s, want %s", name, got, x.want)
		}
	}
}

func TestPSBTGoesOutAndIn(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	rec, _ := c.call(t, http.MethodGet, batchPath+"/psbt", "")
	if got := rec.Header().Get("Content-Disposition"); rec.Body.String() != "psbt\xff\x00" || got != `attachment; filename="batch-`+idPath+`.psbt"` {
		t.Errorf("got %q %s", rec.Body, got)
	}
	rec, _ = c.call(t, http.MethodGet, batchPath+"/psbt?format=base64", "")
	if raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rec.Body.String())); err != nil || string(raw) != "psbt\xff\x00" {
		t.Errorf("got %q, %v", rec.Body, err)
	}
	if rec, _ := c.call(t, http.MethodGet, batchPath+"/psbt?format=hex", ""); rec.Code != http.StatusUnprocessableEntity {
		t.Errorf("an unknown format: %d", rec.Code)
	}

	large := append([]byte("psbt\xff"), bytes.Repeat([]byte{0}, 1<<20)...)
	rec, _ = c.call(t, http.MethodPost, batchPath+"/psbt", string(large), "Content-Type", "application/octet-stream")
	if got, _ := c.payouts.replies[2].([]byte); rec.Code != http.StatusOK || !bytes.Equal(got, large) {
		t.Errorf("%d, %d of %d bytes reached the service", rec.Code, len(got), len(large))
	}
	c.payouts.replies = nil
	for _, kind := range []string{"application/json", "text/plain", ""} {
		if rec, _ := c.call(t, http.MethodPost, batchPath+"/psbt", "psbt", "Content-Type", kind); rec.Code != http.StatusUnsupportedMediaType || c.payouts.replies != nil {
			t.Errorf("a body of %q: %d", kind, rec.Code)
		}
	}
	c.payouts.fail = errs.New(errs.Conflict, "wrong_state", "This batch is not waiting for a signature.")
	if rec, _ := c.call(t, http.MethodGet, batchPath+"/signatures", ""); rec.Code != http.StatusConflict {
		t.Errorf("signatures of a batch that waits for none: %d", rec.Code)
	}
}

func TestExports(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	c.payouts.fill()
	for format, want := range map[string]struct{ kind, name, text string }{
		"":                {"application/json", "payments.json", `"version": "causeway/payments/v2"`},
		"csv":             {"text/csv; charset=utf-8", "payments.csv", "GR-1," + idPath},
		"ledger":          {"text/plain; charset=utf-8", "payments.ledger", "100000 SAT"},
		"ledger&unit=btc": {"text/plain; charset=utf-8", "payments.ledger", "0.00100000 BTC"},
		"beancount":       {"text/plain; charset=utf-8", "payments.beancount", "100000 SAT"},
		"bip329":          {"text/plain; charset=utf-8", "payments-bip329.jsonl", `{"type":"tx"`},
	} {
		path := "/v1/payments"
		if format != "" {
			path += "?format=" + format
		}
		rec, _ := c.call(t, http.MethodGet, path, "")
		if rec.Code != http.StatusOK || rec.Header().Get("Content-Type") != want.kind || rec.Header().Get("Content-Disposition") != `attachment; filename="`+want.name+`"` || !strings.Contains(rec.Body.String(), want.text) {
			t.Errorf("%s: %d %v\n%s", path, rec.Code, rec.Header(), rec.Body)
		}
	}
	c.call(t, http.MethodGet, "/v1/payments?from=2026-11-01T00:00:00Z&until=2026-12-01T01:00:00%2B01:00", "")
	if asked := c.payouts.span; !asked[0].Equal(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)) || !asked[1].Equal(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("asked for %v", asked)
	}
	c.call(t, http.MethodGet, "/v1/payments", "")
	if asked := c.payouts.span; !asked[0].IsZero() || !asked[1].After(at.Add(2*time.Hour)) {
		t.Errorf("a block may be 2 hours ahead of the clock; asked for %v", asked)
	}
	for query, field := range map[string]string{
		"format=xls": "format unknown_format", "unit=eur": "unit unknown_unit", "from=2026-11-02T00:00:00Z&until=2026-11-01T00:00:00Z": "until before_from",
	} {
		rec, _ := c.call(t, http.MethodGet, "/v1/payments?"+query, "")
		if got := fieldsOf(t, rec.Body.Bytes(), decode[api.Problem](t, rec)); got != field {
			t.Errorf("%s: %d %s", query, rec.Code, got)
		}
	}
}

func TestCertificateKeepsItsBytes(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	rec, _ := c.call(t, http.MethodGet, "/v1/payments/"+idPath+"/certificate", "")
	if got, err := certificate.Parse(rec.Body.Bytes()); err != nil || got.Height != 5 || c.payouts.replies[1] != someID {
		t.Errorf("%v in %s", err, rec.Body)
	}
}

func TestPayeeListAnswersForEveryLine(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	c.payouts.fill()
	text := "reference,address,amount_sat\n\xff\"\n"
	rec, _ := c.call(t, http.MethodPost, "/v1/payee-lists", text, "Content-Type", "text/csv")
	if c.payouts.replies[1] != text {
		t.Errorf("the service was given %q", c.payouts.replies[1])
	}
	got := decode[api.PayeeListCheck](t, rec)
	if got.Ok || got.Lines != 4 || got.Matched != 1 || got.MatchedSat != 100_000 || len(got.InstalmentIds) != 1 || len(got.Rows) != 2 {
		t.Errorf("got %+v", got)
	}
	if e := *got.Rows[1].Errors; got.Rows[0].Errors != nil || *got.Rows[0].InstalmentId != someID || e[0].Code != "scientific" || (*e[0].Params)["p"] != "q" {
		t.Errorf("rows %+v", got.Rows)
	}
	if rec, _ := c.call(t, http.MethodPost, "/v1/payee-lists", text, "Content-Type", "text/csv; charset=latin1"); rec.Code != http.StatusUnsupportedMediaType {
		t.Errorf("another encoding: %d", rec.Code)
	}
	if rec, _ := c.call(t, http.MethodPost, "/v1/payee-lists", strings.Repeat("x", 4<<20+1), "Content-Type", "text/csv"); rec.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("too long: %d", rec.Code)
	}
}

func TestCoinsAreNamedExactly(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	c.call(t, http.MethodPost, "/v1/coins/"+coinName+"/lock", `{"reason":"kept"}`)
	if diff := cmp.Diff([]any{coinOf(t), "kept"}, c.payouts.replies[1:]); diff != "" {
		t.Error(diff)
	}
	c.payouts.replies = nil
	for _, name := range []string{"x", coinName[:64], coinName[:63] + ":1", coinName + "9999999999", coinName[:64] + ":-1", strings.ToUpper(coinName)} {
		for _, method := range []string{http.MethodPost, http.MethodDelete} {
			body := ""
			if method == http.MethodPost {
				body = `{"reason":"kept"}`
			}
			rec, _ := c.call(t, method, "/v1/coins/"+name+"/lock", body)
			if got := fieldsOf(t, rec.Body.Bytes(), decode[api.Problem](t, rec)); got != "outpoint not_a_coin" || c.payouts.replies != nil {
				t.Errorf("%s %s: %d %s", method, name, rec.Code, got)
			}
		}
	}
}

// TestUnjoinedPaymentsAreListedJoinedAndSeparated shows one, and settles it both ways.
func TestUnjoinedPaymentsAreListedJoinedAndSeparated(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	if got := decode[api.UnjoinedPage](t, first(c.call(t, http.MethodGet, "/v1/unjoined", ""))); got.Items == nil || len(got.Items) != 0 {
		t.Errorf("got %+v, want an empty list", got)
	}
	c.payouts.fill()
	c.payouts.fillEngine()
	got := decode[api.UnjoinedPage](t, first(c.call(t, http.MethodGet, "/v1/unjoined", ""))).Items
	if len(got) != 1 || got[0].BatchNumber != 3 || got[0].BatchState != "mined" || got[0].AmountSat != 100_000 || got[0].Decision != digest.String() || *got[0].Separate != "the second year" {
		t.Errorf("got %+v", got)
	}
	c.payouts.replies = nil
	c.call(t, http.MethodPost, "/v1/unjoined/"+coinName+"/join", `{"instalment_id":"`+someID.String()+`"}`)
	if diff := cmp.Diff([]any{coinOf(t), someID}, c.payouts.replies[1:]); diff != "" {
		t.Error(diff)
	}
	c.payouts.replies = nil
	c.call(t, http.MethodPost, "/v1/unjoined/"+coinName+"/separate", `{"reason":"another year"}`)
	if diff := cmp.Diff([]any{coinOf(t), "another year"}, c.payouts.replies[1:]); diff != "" {
		t.Error(diff)
	}
	for _, what := range []string{"join", "separate"} {
		body := map[string]string{"join": `{"instalment_id":"` + someID.String() + `"}`, "separate": `{"reason":"x"}`}[what]
		rec, _ := c.call(t, http.MethodPost, "/v1/unjoined/x/"+what, body)
		if got := fieldsOf(t, rec.Body.Bytes(), decode[api.Problem](t, rec)); got != "outpoint not_a_coin" {
			t.Errorf("%s of no payment: %d %s", what, rec.Code, got)
		}
	}
}

func TestThereMayBeNoEstimate(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	if rec, _ := c.call(t, http.MethodGet, "/v1/fee", ""); rec.Code != http.StatusNotFound {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
	c.payouts.fill()
	got := decode[api.FeeEstimate](t, first(c.call(t, http.MethodGet, "/v1/fee", "")))
	if got.Trusted || *got.Why == "" || got.Targets[0].FeerateSatKvb != 7_100 || got.Votes[1].Used || got.Votes[0].AgeS != 12 {
		t.Errorf("got %+v", got)
	}
}
