package views_test

import (
	"fmt"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"github.com/causeway-fund/causeway/internal/edge/web/views"
)

// page is one page, empty and full.
type page struct {
	name       string
	public     bool // drawn for operators: complete in every language
	zero, full func(views.Page) templ.Component
	view       any // the full view, whose strings are not the templates' words
}

func of[V any](name string, public bool, draw func(views.Page, V) templ.Component, full V) page {
	var none V
	return page{
		name: name, public: public, view: full,
		zero: func(p views.Page) templ.Component { return draw(p, none) },
		full: func(p views.Page) templ.Component { return draw(p, full) },
	}
}

func pages() []page {
	error409 := views.ErrorPage{
		Status: 409, Code: "stale_version", RequestID: "01JD9Z5C3V7K2Q",
		Versions: &views.VersionClash{Yours: 3, Current: 4, ReloadURL: "/review/1", Changes: []views.Change{
			{Label: "amount", Old: "2 250 000 sat", New: "1 850 000 sat"},
			{Label: "state", Old: "In review", New: "Ready to decide"},
		}},
	}
	return []page{
		of("home", true, views.HomePage, views.Home{MinSat: 100_000, MaxSat: 5_000_000, Quorum: 2, PaidSat: 1_843_250_000, PaidCount: 1284, Open: true, APIDocs: "/docs/api"}),
		of("apply1", true, views.ApplyPage, sampleApply(1, false)),
		of("apply2", true, views.ApplyPage, sampleApply(2, false)),
		of("apply2-bad", true, views.ApplyPage, sampleApply(2, true)),
		of("apply3", true, views.ApplyPage, sampleApply(3, false)),
		of("receipt", true, views.ReceiptPage, views.Receipt{Code: "7K3FQ-2M9XD-T4WVB-ZC61H-PN8RGE", Reference: "A-000417", Check: "wrong"}),
		of("receipt-kept", true, views.ReceiptPage, views.Receipt{Code: "7K3FQ-2M9XD-T4WVB-ZC61H-PN8RGE", Check: "ok"}),
		of("status-ask", true, views.StatusPage, views.Status{Code: "7K3FQ", CodeError: "unknown"}),
		of("status", true, views.StatusPage, sampleStatus()),
		of("status-question", true, views.StatusPage, sampleQuestion()),
		of("apply-links", true, views.ApplyPage, sampleLinks(1)),
		of("apply-links-check", true, views.ApplyPage, sampleLinks(3)),
		of("status-servers", true, views.StatusPage, sampleServers()),
		of("server", true, views.ServerPageView, sampleServerPage()),
		of("server-proven", true, views.ServerPageView, sampleProven()),
		of("server-proof-ended", true, views.ServerPageView, sampleEnded()),
		of("review-panel", false, views.ReviewDetailPage, samplePanel(false)),
		of("review-unsealed", false, views.ReviewDetailPage, samplePanel(true)),
		of("fleet", false, views.FleetPage, sampleFleet()),
		of("vantages", false, views.VantagesPage, sampleVantages()),
		of("error", true, views.ErrorPageView, views.ErrorPage{Status: 503, RequestID: "01JD9Z5C3V7K2Q"}),
		of("error-409", false, views.ErrorPageView, error409),
		of("sign-in", false, views.SignInPage, views.SignIn{Error: views.Msg{Text: "That passkey is not known here."}, BeginURL: "/auth/login/begin", DoneURL: "/auth/login/finish"}),
		of("enrol", false, views.EnrolPage, views.Enrol{Name: "mara", Role: "reviewer", ExpiresAt: now.Add(40 * time.Hour), Token: "t", BeginURL: "/auth/enrol/begin", DoneURL: "/auth/enrol/finish"}),
		of("login-link", false, views.LoginLinkPage, views.LoginLink{Name: "mara", PostURL: "/login/abc"}),
		of("review", false, views.ReviewPage, sampleReview()),
		of("review-detail", false, views.ReviewDetailPage, sampleDetail(1)),
		of("review-sealed", false, views.ReviewDetailPage, sampleSealed()),
		of("grants", false, views.GrantsPage, sampleGrants()),
		of("batches", false, views.BatchesPage, sampleBatches()),
		of("compose", false, views.ComposePage, sampleCompose()),
		of("batch-approve", false, views.BatchPage, sampleBatch("composed")),
		of("batch-mined", false, views.BatchPage, sampleBatch("mined")),
		of("batch-signatures", false, views.BatchPage, sampleSigning()),
		of("batch-stuck", false, views.BatchPage, sampleStuck()),
		of("batch-voiding", false, views.BatchPage, sampleVoiding(false)),
		of("batch-void-mined", false, views.BatchPage, sampleVoiding(true)),
		of("batch-transaction", false, views.TransactionPage, sampleBatch("mined")),
		of("batch-take-back", false, views.VoidPage, sampleTakeBack()),
		of("import", false, views.ImportPage, sampleImport()),
		of("breakers", false, views.BreakersPage, views.Breakers{List: sampleTreasury().Breakers}),
		of("treasury", false, views.TreasuryPage, sampleTreasury()),
		of("audit", false, views.AuditPage, sampleAudit()),
		of("staff", false, views.StaffPage, sampleStaff()),
		of("profile", false, views.ProfilePage, sampleProfile()),
	}
}

var now = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

const (
	addr1 = "tb1pg8mvkd87crux2fxtx2grxcfszr9thj4008r5qwvzun9ee9t8ptl7v8njs0qzx"
	txid  = "4e1f07c26b6c6a5f3bb1a3e6f6a9f0a4e7e2c3bb0d5c1d9ce0f3a41c2d77a0e9"
	root  = "b07cd1a2e44f19c3a68be25fb0d2f5a9c5f60bb61b90e07d83aa7c74dc4c19aa"
)

func protocols() []views.Option {
	return []views.Option{{Value: "socks5", Label: "SOCKS5"}, {Value: "mtproto", Label: "MTProto"}, {Value: "wireguard", Label: "WireGuard"}}
}

func regions() []views.Option {
	return []views.Option{{Value: "IR", Label: "Iran"}, {Value: "RU", Label: "Россия"}, {Value: "other", Label: "—"}}
}

func languages() []views.Option {
	return []views.Option{{Value: "en", Label: "English"}, {Value: "fa", Label: "فارسی"}, {Value: "ru", Label: "Русский"}}
}

func sampleApply(step int, bad bool) views.Apply {
	v := views.Apply{
		Step: step, IdempotencyKey: "0198c0de00007000800000000000000a", MinSat: 100_000, MaxSat: 5_000_000,
		Protocols: protocols(), Regions: regions(), Languages: languages(),
		Values: views.ApplyValues{
			Title: "Three WireGuard exits for mobile users", Narrative: "I run three exits and want to cover hosting for the next quarter.\nTraffic doubled after the last block wave.",
			Contact: "05f1 session", Region: "IR", Language: "en", AmountSat: "1850000", PayoutAddress: addr1,
			Endpoints: []views.ApplyEndpoint{{Protocol: "wireguard", Host: "exit1.example.net", Port: "51820"}, {Protocol: "socks5", Host: "192.0.2.17", Port: "1080", Username: "u", Secret: "s"}},
		},
	}
	if bad {
		v.Values.PayoutAddress = "bc1q9h5yjqka3mz0a0s5yx9kl2"
		v.Errors = []views.FieldError{
			{Field: "amount_sat", Code: "above_limit", Message: "Too much.", Params: map[string]string{"limit_sat": "5000000"}},
			{Field: "payout_address", Code: "wrong_network", Message: "Wrong network.", Params: map[string]string{"network": "mainnet", "expected": "signet"}},
		}
	}
	return v
}

func sampleStatus() views.Status {
	return views.Status{
		Code: "7K3FQ-2M9XD-T4WVB-ZC61H-PN8RGE", Found: true, Reference: "A-000417", Title: "Three WireGuard exits for mobile users", Lang: "en",
		State: "approved", SubmittedAt: now.Add(-9 * 24 * time.Hour),
		Timeline: []views.StatusEvent{
			{At: now.Add(-9 * 24 * time.Hour), Code: "received"},
			{At: now.Add(-7 * 24 * time.Hour), Code: "needs_info", Tone: "warn"},
			{At: now.Add(-6 * 24 * time.Hour), Code: "answered"},
			{At: now.Add(-4 * 24 * time.Hour), Code: "approved", Tone: "ok"},
			{At: now.Add(-2 * time.Hour), Code: "queued"},
			{At: now.Add(-time.Hour), Code: "broadcast"},
			{At: now.Add(-20 * time.Minute), Code: "mined", Tone: "now"},
		},
		Messages: []views.Message{
			{At: now.Add(-7 * 24 * time.Hour), From: "team", Text: "How many people use exit 2 at peak?"},
			{At: now.Add(-6 * 24 * time.Hour), From: "operator", Text: "About 700 in the evening."},
		},
		Payment:     views.StatusPayment{AmountSat: 1_850_000, Address: addr1, State: "confirming", TxID: txid, Vout: 3, Height: 284_311, Confirmations: 2, Needed: 6},
		CanWithdraw: true,
	}
}

func sampleQuestion() views.Status {
	v := sampleStatus()
	v.State, v.AwaitingAnswer, v.Payment = "needs_info", true, views.StatusPayment{AmountSat: 1_850_000, Address: addr1, State: "waiting"}
	v.Messages, v.Timeline = v.Messages[:1], v.Timeline[:2]
	v.Errors = []views.FieldError{{Field: "text", Code: "required", Message: "Write something."}}
	return v
}

var titles = []struct{ text, lang, op, proto, region string }{
	{"MTProto-прокси для региональных операторов связи", "ru", "late-lantern", "MTProto", "RU"},
	{"Three WireGuard exits for mobile users in Minsk", "en", "copper-comet", "WireGuard", "BY"},
	{"سرورهای VLESS برای کاربران خانگی", "fa", "still-heron", "VLESS", "IR"},
	{"面向高校网络的 Shadowsocks 节点", "zh", "copper-harbor", "Shadowsocks", "CN"},
	{"SOCKS5 pool behind residential bridges", "en", "still-comet", "SOCKS5", "IR"},
	{"OpenVPN-узлы на порту 443/TCP", "ru", "copper-badger", "OpenVPN", "RU"},
}

func sampleReview() views.Review {
	v := views.Review{
		Filter: views.ReviewFilter{View: "open"}, Total: views.Total{N: 500, More: true},
		Views: []views.ReviewRail{
			{Name: "open", URL: "/review?view=open", Count: views.Total{N: 500, More: true}, Current: true},
			{Name: "mine", URL: "/review?view=mine", Count: views.Total{N: 2}},
			{Name: "to_vote", URL: "/review?view=to_vote", Count: views.Total{N: 500, More: true}},
			{Name: "needs_info", URL: "/review?view=needs_info", Count: views.Total{N: 296}},
			{Name: "ready", URL: "/review?view=ready", Count: views.Total{N: 8}},
			{Name: "all", URL: "/review?view=all", Count: views.Total{N: 500, More: true}},
		},
		Protocols: protocols(), Regions: regions(), Languages: languages(),
		Paging: views.Paging{Next: "/review?view=open&after=abc"},
		Budget: views.Budget{CommittedSat: 231_410_000, TotalSat: 367_000_000},
	}
	states := []string{"submitted", "in_review", "needs_info", "in_review", "ready", "submitted"}
	for i := range 14 {
		t := titles[i%len(titles)]
		r := views.ReviewRow{
			ID: strconv.Itoa(i), URL: fmt.Sprintf("/review?view=open&sel=%d", i), DetailURL: fmt.Sprintf("/review/%d?part=detail", i),
			Title: t.text, Lang: t.lang, Operator: t.op, Protocol: t.proto, Region: t.region, State: states[i%len(states)],
			AmountSat: int64(3_145_000 - i*185_000), Votes: i % 3, VotesNeeded: 2, SubmittedAt: now.Add(-time.Duration(i*i+1) * 11 * time.Minute),
		}
		switch i % 5 {
		case 2:
			r.Flag = views.Msg{Text: "new payout address"}
		case 3:
			r.ClaimedBy = "idris"
		case 1:
			r.ClaimedByMe = true
		}
		v.Rows = append(v.Rows, r)
	}
	d := sampleDetail(1)
	v.Selected = &d
	return v
}

func sampleDetail(i int) views.ReviewDetail {
	t := titles[i]
	return views.ReviewDetail{
		ID: strconv.Itoa(i), Reference: "A-000417", BackURL: "/review?view=open", BaseURL: fmt.Sprintf("/review/%d", i),
		Title: t.text, Lang: t.lang, State: "in_review", Revision: 2, Version: 7, SubmittedAt: now.Add(-11 * time.Minute),
		AmountSat: 1_850_000, Fiat: "≈ $1 802", Operator: t.op, Region: t.region, Sealed: true,
		Endpoints: []views.EndpointFact{
			{Protocol: "WireGuard", Address: "exit1.example.net:51820", Level: "ok", Finding: views.Msg{Text: "answered from 4 of 4 places, 41 ms"}},
			{Protocol: "SOCKS5", Address: "192.0.2.17:1080", Level: "warn", Finding: views.Msg{Text: "answered from 3 of 4 places, 212 ms"}},
		},
		Narrative:     "I run three exits and want to cover hosting for the next quarter. Traffic doubled after the last block wave; current boxes sit at 85 % bandwidth at peak.\n\nThe grant pays two dedicated servers and one spare IP range that I rotate when addresses are blocked.",
		PayoutAddress: addr1, Network: "signet",
		Screened: []views.Screened{
			{Check: "address", Level: "high", Reason: "1 other application has the same payout address: 1 open or approved, 0 declined or withdrawn.", Others: []views.Link{{Name: "A-000398", URL: "/review/3"}}},
			{Check: "control", Level: "med", Reason: "The operator has proven control of 0 of 2 servers."},
			{Check: "servers", Level: "low", Reason: "1 of 2 servers was up at the latest check; 1 not checked yet, 0 without a clear result."},
			{Check: "text", Level: "pass", Reason: "No statement like this one was found."},
		},
		Changes: []views.Change{{Label: "amount", Old: "2 250 000 sat", New: "1 850 000 sat"}, {Label: "servers", Old: "4", New: "2"}}, ChangesSince: 1,
		ClaimedBy: "mara", ClaimedByMe: true, ClaimedUntil: now.Add(25 * time.Minute),
		Votes: []views.Vote{
			{Who: "idris", Verdict: "approve", Note: "Known operator, servers answer.", At: now.Add(-6 * time.Minute)},
			{Who: "lin", Verdict: "decline", Note: "The network is paid three times already.", At: now.Add(-4 * time.Minute)},
		},
		VotesNeeded: 2, CanClaim: true, CanVote: true, CanDecide: true,
		Note:           views.SignedText{Text: "causeway/decision/v2\nnetwork signet 00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6\ndecision 0198c0de-0000-7000-8000-000000000001\nkind payment\namount_sat 1850000\n", Digest: root},
		Timeline:       []views.Event{{At: now.Add(-11 * time.Minute), Who: "copper-comet", Msg: views.Msg{Text: "sent revision 2"}}, {At: now.Add(-6 * time.Minute), Who: "idris", Tone: "ok", Msg: views.Msg{Text: "voted to approve"}}},
		Messages:       []views.Message{{At: now.Add(-9 * time.Minute), From: "operator", Text: "Exit 2 moves next week.", Lang: "en"}, {At: now.Add(-8 * time.Minute), From: "lin", Audience: "team", Text: "Same hoster as A-000398?"}, {At: now.Add(-7 * time.Minute), From: "idris", Audience: "operator", Text: "Thanks. Please keep the old address until then."}},
		DeclineReasons: []views.Option{{Value: "out_of_scope", Label: "Out of scope"}},
	}
}

// sampleSealed is what a person without the right to open an application is shown.
func sampleSealed() views.ReviewDetail {
	v := sampleDetail(1)
	v.Title, v.Narrative, v.PayoutAddress, v.Endpoints, v.Note.Text, v.Messages, v.Changes = v.Reference, "", "", nil, "", nil, nil
	v.WordsSealed, v.CanVote, v.CanDecide, v.CannotWhy = true, false, false, views.Msg{Key: "review.why.sealed"}
	for i := range v.Votes {
		v.Votes[i].Note = ""
	}
	return v
}

func sampleGrants() views.Grants {
	v := views.Grants{States: []views.Option{{Value: "active"}, {Value: "completed"}}, Total: 6, Paging: views.Paging{Next: "/grants?after=x"}}
	inst := []string{"payable", "allocated", "maybe_paid", "mined", "paid", "held"}
	for i, t := range titles {
		v.Rows = append(v.Rows, views.GrantRow{ID: strconv.Itoa(i), Reference: fmt.Sprintf("A-%06d", 400+i), URL: fmt.Sprintf("/review/%d", i), Title: t.text, Lang: t.lang, Operator: t.op, State: "active", AmountSat: int64(2_000_000 + i*315_000), PaidSat: int64(i * 100_000), Instalment: inst[i], DecidedAt: now.Add(-time.Duration(i) * 26 * time.Hour)})
	}
	return v
}

func sampleBatches() views.Batches {
	v := views.Batches{States: []views.Option{{Value: "composed"}, {Value: "mined"}}, CanCompose: true, DueCount: 12, DueSat: 22_400_000}
	for i, s := range []string{"composed", "signing", "broadcast", "mined", "paid", "final", "cancelled", "conflicted"} {
		v.Rows = append(v.Rows, views.BatchRow{Number: fmt.Sprintf("B-%04d", 42-i), URL: fmt.Sprintf("/batches/%d", i), State: s, Payments: 38 - i, AmountSat: int64(91_930_000 - i*4_100_000), FeeSat: int64(10_006 - i*321), CreatedAt: now.Add(-time.Duration(i) * 31 * time.Hour), By: "noor", Confirmations: int64(i - 2), Needed: 6})
	}
	return v
}

func sampleTx() views.Tx {
	tx := views.Tx{FeeSat: 10_006, VSize: 1614, FeeRate: "6.2", Inputs: []views.Flow{
		{Label: "4e1f07c26ba0:1", AmountSat: 75_000_000}, {Label: "b07cd1a2e419:0", AmountSat: 31_250_000}, {Label: "88d2f00a11fe:2", AmountSat: 9_870_006},
	}}
	paid := int64(0)
	names := []string{"bright-otter", "paper-willow", "late-badger", "quiet-ember", "river-sparrow", "north-heron"}
	for i := range 38 {
		amt := int64(515_000 + (i*7919%40)*100_000)
		if i == 7 {
			tx.Outputs = append(tx.Outputs, views.Flow{Label: "change", Change: true})
		}
		tx.Outputs = append(tx.Outputs, views.Flow{Label: names[i%len(names)], AmountSat: amt})
		paid += amt
	}
	tx.Outputs[7].AmountSat = 75_000_000 + 31_250_000 + 9_870_006 - paid - 10_006
	return tx
}

func sampleChecks() []views.Check {
	var out []views.Check
	for _, s := range []string{"Every output matches an approved grant", "No grant is paid twice", "Change returns to the treasury descriptor", "Fee is under the 1 % ceiling", "No output below the dust limit", "All inputs confirmed, none reserved elsewhere", "Budget is not exceeded"} {
		out = append(out, views.Check{Level: "ok", Msg: views.Msg{Text: s}})
	}
	return out
}

func sampleBatch(state string) views.Batch {
	tx := sampleTx()
	v := views.Batch{
		Number: "B-0042", BaseURL: "/batches/42", State: state, Version: 4, CreatedAt: now.Add(-3 * time.Hour), By: "noor", Step: views.BatchStep(state),
		Fiat: "≈ $89 550", FeeSat: 10_006, FeeRate: "6.2", FeeShare: "0.011 %", ChangeNote: "wpkh …/1/42", ChangeSat: tx.Outputs[7].AmountSat,
		Approvals: 0, ApprovalsNeeded: 1, VSize: 1614, HasTx: true, Tx: tx, Checks: sampleChecks(),
		Digest: views.SignedText{Digest: root, Text: "causeway/batch/v2\nnumber 42\n"}, CSVURL: "/batches/42/csv", NoteURL: "/batches/42/note", PSBTURL: "/batches/42/psbt",
		Events: []views.Event{{At: now.Add(-3 * time.Hour), Who: "noor", Msg: views.Msg{Text: "composed the batch"}}},
	}
	names := []string{"bright-otter", "paper-willow", "late-badger", "quiet-ember", "river-sparrow", "north-heron"}
	for i, o := range tx.Outputs {
		if o.Change {
			continue
		}
		v.Payments++
		v.AmountSat += o.AmountSat
		v.Recipients = append(v.Recipients, views.Recipient{N: v.Payments, ID: strconv.Itoa(i), Operator: names[i%6], Reference: fmt.Sprintf("A-%06d", 398-i), Address: addr1[:60-i%4] + fmt.Sprintf("%02d", i), AmountSat: o.AmountSat, State: "allocated", Vout: i})
	}
	if state == "composed" {
		v.Next, v.CanCancel, v.PSBTURL = views.BatchNext{Kind: "approve"}, true, ""
		v.TypedNumber, v.Errors = "B-42", []views.FieldError{{Field: "typed_number", Code: "number_differs"}}
		return v
	}
	v.Next = views.BatchNext{Kind: "confirming"}
	v.Approvals, v.ApprovedBy = 1, []views.Vote{{Who: "noor", Verdict: "approve", At: now.Add(-2 * time.Hour)}}
	v.TxID, v.Blocks, v.Confirmations, v.Needed, v.Heights = txid, 3, 12, 100, []int64{284_310, 284_311, 284_312}
	v.Live, v.Deep = true, "final"
	v.Attempts = []views.Attempt{{N: 1, State: "mined", TxID: txid, FeeSat: 10_006, FeeRate: "6.2", Height: 284_310, Now: true, At: now.Add(-100 * time.Minute), Fate: views.Msg{Key: "fate.mined"}}}
	for i := range v.Recipients {
		v.Recipients[i].State, v.Recipients[i].Certificate = "mined", true
	}
	v.Events = append(v.Events, views.Event{At: now.Add(-2 * time.Hour), Who: "noor", Tone: "ok", Msg: views.Msg{Text: "approved the batch"}}, views.Event{At: now.Add(-100 * time.Minute), Msg: views.Msg{Text: "sent to the network"}}, views.Event{At: now.Add(-50 * time.Minute), Tone: "ok", Msg: views.Msg{Text: "in block 284 310"}})
	return v
}

func sampleCompose() views.Compose {
	tx := sampleTx()
	v := views.Compose{
		IdempotencyKey: "0198c0de00007000800000000000000b", AvailableSat: 116_120_006, SelectedCount: 5, SelectedSat: 11_365_000, Truncated: 3,
		Fees:        []views.FeeChoice{{Value: "18", Blocks: 6, Rate: "18", CostSat: 29_697, Share: "0.032 %"}, {Value: "6", Blocks: 36, Rate: "6", CostSat: 10_006, Share: "0.011 %", Checked: true}, {Value: "2", Blocks: 144, Rate: "2", Refused: "The treasury holds too little."}},
		EstimatedAt: now.Add(-4 * time.Minute), DeadlineBlocks: "144", CoinsChosen: 1, CoinsKept: 2, Coins: sampleTreasury().Coins,
		MaxFeeRate: "60", MaxFeeSat: "100000", Errors: []views.FieldError{{Field: "max_fee_sat", Code: "not_positive"}},
		Result: &views.DryRun{OK: true, Checks: sampleChecks(), AmountSat: 91_930_000, FeeSat: 10_006, ChangeSat: 24_180_000, VSize: 1614, Weight: 6453, FeeRate: "6.2", FeeShare: "0.011 %", Inputs: 3, Payments: 38, Batches: 2, HeadroomSat: 89_994, FreeAfterSat: 24_180_000, Notes: []views.Msg{{Text: "Four of the amounts are round."}}, Tx: tx},
	}
	for i, t := range titles {
		r := views.ComposeRow{ID: strconv.Itoa(i), Reference: fmt.Sprintf("A-%06d", 400+i), Operator: t.op, Title: t.text, Lang: t.lang, Address: addr1, AmountSat: int64(2_000_000 + i*315_000), ApprovedAt: now.Add(-time.Duration(i) * 26 * time.Hour), Checked: i != 4}
		if i == 4 {
			r.Problem = views.Msg{Text: "on hold"}
		}
		v.Due = append(v.Due, r)
	}
	return v
}

func sampleTreasury() views.Treasury {
	v := views.Treasury{
		DepositAddress: "tb1q9h5yjqka3mz0a0s5yx9kl2u8yq7v4w0c3m6n8d", Descriptor: "wpkh([7f3a19cc/84h/1h/0h]tpubDCxyz.../<0;1>/*)#8n2f0w5k", Fingerprint: "7f3a19cc",
		Balances:  []views.Balance{{Name: "available", Sat: 116_120_006}, {Name: "committed", Sat: 22_400_000}, {Name: "in_flight", Sat: 91_930_000}, {Name: "confirming", Sat: 0}, {Name: "paid", Sat: 1_843_250_000}, {Name: "fees", Sat: 381_220}},
		LedgerSat: 230_450_006, ChainSat: 230_450_006, MoreCoins: 14,
		Node:     views.Node{Target: 284_400, WalkedPermille: 970, Height: 284_312, Hash: "0000010b1f7c2d0a98e1c3d5c0f41a77e2b6d8aa30c9f5be1477d02c51e0aa91", At: now.Add(-20 * time.Second)},
		Breakers: []views.Breaker{{ID: 3, Code: "foreign_spend", Findings: []views.Finding{{Text: "A coin of the treasury was spent by a transaction that we did not make.", At: now.Add(-4 * time.Minute)}}, Version: 1, At: now.Add(-4 * time.Minute), ResetBy: []string{"ada"}, Needed: 2, CanReset: true}},
		Runway:   views.Runway{ApprovedSat: 22_400_000, SpendableSat: 93_720_000, ReservedSat: 91_930_000, LockedSat: 18_750_000, ImmatureSat: 9_000_000},
		Stuck:    []views.Stuck{{Number: "B-0040", URL: "/batches/40", State: "broadcast", Why: views.Msg{Text: "The node does not answer."}}},
		Lapsed:   []views.Lapsed{{Number: "B-0039", URL: "/batches/39", By: "noor", Payees: 12, At: now.Add(-26 * time.Hour)}}, Unjoined: []views.Unjoined{
			{OutPoint: "lost:0", Number: "B-0040", URL: "/batches/40", State: "mined", Address: "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", AmountSat: 250_000, FoundAt: now, CanJoin: true, Same: []views.Option{{Value: "1", Label: "GR-RS931AD8"}}},
			{OutPoint: "lost:1", Number: "B-0040", URL: "/batches/40", State: "mined", Address: "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", AmountSat: 90_000, FoundAt: now, CanJoin: true},
			{OutPoint: "lost:2", Number: "B-0040", URL: "/batches/40", State: "mined", Address: "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", AmountSat: 70_000, FoundAt: now, CanJoin: true, Separate: "A second server of the same person."},
		}, Accepted: &views.Accepted{Sat: -40, At: now, By: []string{"ada", "noor"}}, Estimate: sampleEstimate(), CanCompose: true, Upkeep: views.Upkeep{Coins: 14}, Proposal: &views.Proposal{Ready: 2, Target: 8, Outputs: 7, EachSat: 4_000_000, FeeRate: "1"},
	}
	for i, s := range []string{"available", "reserved", "available", "immature", "locked"} {
		c := views.Coin{TxID: txid, Vout: i, AmountSat: int64(75_000_000 / (i + 1)), Height: int64(284_000 - i*300), Confirmations: int64(312 + i*300), State: s}
		if s == "reserved" {
			c.Batch, c.BatchURL = "B-0042", "/batches/42"
		}
		c.At, c.CanLock = now.Add(-time.Duration(i+1)*31*time.Hour), s == "available"
		if s == "locked" {
			c.Lock = &views.Lock{Reason: "A gift with a letter: to be given back?", By: "noor", At: now}
		}
		v.Coins = append(v.Coins, c)
	}
	return v
}

func sampleAudit() views.Audit {
	v := views.Audit{
		Actions: []views.Option{{Value: "vote.cast", Label: "vote.cast"}}, BundleURL: "/audit/bundle", Command: "causewayctl audit verify --key causeway.pub bundle.json", Paging: views.Paging{First: "/audit", Next: "/audit?after=9"},
		Checkpoint: views.Checkpoint{Origin: "causeway/1f0c", Root: root, Size: 10_482, At: now.Add(-7 * time.Minute), Text: "causeway/1f0c\n10482\nsHzR...\n\n— causeway/1f0c ...\n"},
	}
	for i, a := range []string{"vote.cast", "application.claimed", "batch.approved", "application.submitted", "staff.invited"} {
		v.Rows = append(v.Rows, views.AuditRow{Seq: int64(10_482 - i), At: now.Add(-time.Duration(i) * 7 * time.Minute), Actor: "mara", Action: a, Object: "application 0198c0de-0000-7000-8000-00000000000" + strconv.Itoa(i), ObjectURL: "/review/1", Digest: root})
	}
	return v
}

func roles() []views.Option {
	return []views.Option{{Value: "reviewer"}, {Value: "treasurer"}, {Value: "auditor"}, {Value: "admin"}}
}

func sampleStaff() views.Staff {
	return views.Staff{
		Roles: roles(), InviteLink: "http://localhost:8080/enrol/3q2hO8bN0u", InviteName: "sol",
		People: []views.Person{
			{ID: "p1", Name: "ada", Roles: []string{"admin"}, Passkeys: 2, LastSeenAt: now.Add(-time.Minute), Self: true},
			{ID: "p2", Name: "mara", Roles: []string{"reviewer"}, Passkeys: 1, LastSeenAt: now.Add(-50 * time.Minute)},
			{ID: "p3", Name: "kit", Roles: []string{"treasurer", "auditor"}, Passkeys: 1, Disabled: true},
		},
		Errors: []views.FieldError{{Field: "name", Code: "required"}},
	}
}

func sampleProfile() views.Profile {
	return views.Profile{
		Name: "mara", Roles: []string{"reviewer"}, NewToken: "cw_9b2f7e41c0d35a86", BeginURL: "/auth/passkey/begin", DoneURL: "/auth/passkey/finish",
		Passkeys: []views.Passkey{{ID: "k1", Name: "blue key", AddedAt: now.Add(-90 * 24 * time.Hour)}, {ID: "k2", Name: "laptop", AddedAt: now.Add(-3 * 24 * time.Hour)}},
		Sessions: []views.Session{{ID: "s1", StartedAt: now.Add(-time.Hour), LastSeen: now, ExpiresAt: now.Add(7 * time.Hour), Current: true}, {ID: "s2", StartedAt: now.Add(-5 * time.Hour), LastSeen: now.Add(-3 * time.Hour), ExpiresAt: now.Add(3 * time.Hour)}},
		Tokens:   []views.Token{{ID: "t1", Name: "night export", Scopes: []string{"application.read"}, ExpiresAt: now.Add(80 * 24 * time.Hour)}},
		Scopes:   []views.Option{{Value: "application.read"}, {Value: "application.vote"}},
		Errors:   []views.FieldError{{Field: "days", Code: "out_of_range"}},
	}
}
