package ctl_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// Two addresses on mainnet: the P2WPKH example of BIP 173 and the first P2TR
// test vector of BIP 86.
const (
	address1 = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
	address2 = "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"
)

func id(n byte) uuid.UUID {
	out := uuid.MustParse("0198c0de-0000-7000-8000-000000000000")
	out[15] = n
	return out
}

func script(address string) []byte {
	net, err := wallet.Params("mainnet")
	if err != nil {
		panic(err)
	}
	payee, bad := wallet.ParsePayee(address, net, nil)
	if bad != nil {
		panic(bad.Message)
	}
	return payee.Script
}

func network() decision.Network {
	net, err := wallet.Params("mainnet")
	if err != nil {
		panic(err)
	}
	return decision.NetworkOf(net)
}

func noteOf(n byte, address string, amount btcutil.Amount) decision.Note {
	return decision.Note{
		Network: network(), Decision: id(n), Grant: id(n + 50), Application: decision.Digest{n},
		Currency: decision.CurrencySat, Amount: int64(amount), SatLeast: amount, SatMost: amount,
		Periods: 1, FirstDue: at.Truncate(24*time.Hour).AddDate(0, 0, 1), Every: decision.Once, PayWithinDays: 29,
		Payees: []decision.Payee{{Script: script(address), Address: address}},
	}
}

// sampleApplication has a note that holds.
func sampleApplication() client.Application {
	note := noteOf(1, address1, 1_500_000)
	by, words := "Ben", "The servers answer."
	return client.Application{
		Id: id(1), Reference: "CW-7QK2", Designation: "amber heron", Title: "Two proxies", State: "in_review", Protocols: []string{"socks5"},
		Region: "IR", Language: "fa", AmountSat: 1_500_000, Revision: 1, Version: 7, SubmittedAt: at,
		Claim: &client.Claim{By: "Ann", Mine: true, ExpiresAt: at.Add(time.Hour)}, Votes: client.Tally{Approve: 1, Required: 2},
		Narrative: "It helps\nmany people.", Endpoints: []client.EndpointSeen{{Protocol: "socks5", Host: "a.example", Port: 1080}},
		PayoutAddress: address1, ApplicationSha256: note.Application.String(),
		DecisionDigest: note.Digest().String(), DecisionNote: string(note.Encode()),
		Checks: []client.Screened{
			{Check: "address", Level: client.High, Reason: "1 other application has the same payout address.", Others: []client.ApplicationName{{Id: id(2), Reference: "CW-9ZZ1"}}},
			{Check: "amount", Level: client.Pass, Reason: "1 500 000 sat is 30 % of the most that the fund pays.", Others: []client.ApplicationName{}},
		},
		VoteList: []client.Vote{{By: by, Verdict: client.VerdictApprove, Note: &words, Revision: 1, At: at}},
		Messages: []client.Message{{At: at, From: client.MessageFromTeam, Author: &by, Audience: client.AudienceTeam, Text: "Looks fine.\nTo me."}},
		Events:   []client.Event{{At: at, Event: "application.submitted", By: client.EventByOperator}},
	}
}

func sampleSummary() client.ApplicationSummary {
	a := sampleApplication()
	return client.ApplicationSummary{
		Id: a.Id, Reference: a.Reference, Designation: a.Designation, Title: a.Title, State: a.State, Protocols: a.Protocols, Region: a.Region,
		Language: a.Language, AmountSat: a.AmountSat, Revision: a.Revision, Version: a.Version, SubmittedAt: a.SubmittedAt, Claim: a.Claim, Votes: a.Votes,
	}
}

// sampleBatch has two payments and a note that holds.
func sampleBatch() client.Batch {
	first, second := noteOf(1, address1, 1_500_000), noteOf(2, address2, 700_000)
	note := decision.BatchNote{
		Network: network(), Batch: id(9), Number: 7, Until: at.Add(decision.Life), MaxFeeRateSatKVB: 50_000, MaxFee: 20_000,
		Payments: []decision.Payment{
			{Decision: first.Digest(), Period: 1, Script: first.Payee(1).Script, Amount: first.SatMost},
			{Decision: second.Digest(), Period: 1, Script: second.Payee(1).Script, Amount: second.SatMost},
		},
	}
	by := "Ben"
	return client.Batch{
		Id: id(9), Kind: "payout", DeadlineBlocks: 144, Number: 7, State: "composed", Version: 3, Digest: note.Digest().String(), Note: string(note.Encode()), Payees: 2, TotalSat: 2_200_000,
		FeerateSatKvb: 5_000, MaxFeerateSatKvb: 50_000, MaxFeeSat: 20_000, Until: at.Add(decision.Life), CreatedAt: at, CreatedBy: &by, NextAction: "approve", WatchToken: "3.0.0",
		Items: []client.BatchItem{
			{InstalmentId: id(21), GrantId: id(51), Reference: "CW-7QK2", Designation: "amber heron", PayoutAddress: address1, AmountSat: 1_500_000, DecisionDigest: first.Digest().String(), Period: 1, State: "allocated", Standing: "allocated"},
			{InstalmentId: id(22), GrantId: id(52), Reference: "CW-9ZZ1", Designation: "quiet birch", PayoutAddress: address2, AmountSat: 700_000, DecisionDigest: second.Digest().String(), Period: 1, State: "allocated", Standing: "allocated"},
		},
		Approvals: []client.BatchApproval{}, Attempts: []client.Attempt{}, Events: []client.Event{},
	}
}

// inState is the sample batch further on.
func inState(state string, confirmations int32) client.Batch {
	b := sampleBatch()
	txid := strings.Repeat("ab", 32)
	needed := int32(6)
	b.State, b.Confirmations, b.ConfirmationsNeeded, b.Txid, b.WatchToken = client.BatchState(state), confirmations, &needed, &txid, state
	return b
}

func summaryOf(b client.Batch) client.BatchSummary {
	return client.BatchSummary{
		Id: b.Id, Kind: b.Kind, DeadlineBlocks: b.DeadlineBlocks, Number: b.Number, State: b.State, Version: b.Version, Digest: b.Digest, Payees: b.Payees, TotalSat: b.TotalSat,
		FeerateSatKvb: b.FeerateSatKvb, MaxFeerateSatKvb: b.MaxFeerateSatKvb, MaxFeeSat: b.MaxFeeSat, CreatedAt: b.CreatedAt, CreatedBy: b.CreatedBy,
	}
}

func sampleGrant() client.Grant {
	note := noteOf(1, address1, 1_500_000)
	held := "breaker"
	return client.Grant{
		Id: id(51), ApplicationId: id(1), Reference: "CW-7QK2", Designation: "amber heron", State: "active", AmountSat: 3_000_000, CreatedAt: at,
		Instalments: []client.Instalment{
			{Id: id(21), Period: 1, State: "payable", AmountSat: 1_500_000, PayoutAddress: address1, DecisionDigest: note.Digest().String(), DecisionNote: string(note.Encode())},
			{Id: id(23), Period: 2, State: "held", AmountSat: 1_500_000, PayoutAddress: address1, DecisionDigest: note.Digest().String(), DecisionNote: string(note.Encode()), HeldReason: &held},
		},
	}
}

func sampleBreaker() client.Breaker {
	taken := int64(4_000_000)
	return client.Breaker{
		Number: 1, Code: "foreign_spend", State: "half_reset", Version: 1, Detail: "A coin was spent by somebody else.", TrippedAt: at, ResetBy: []string{"Ann"},
		Findings: []client.BreakerFinding{{Detail: "A coin was spent by somebody else.", AmountSat: &taken, At: at}},
	}
}

func sampleTransaction() client.Transaction {
	return client.Transaction{
		Txid: strings.Repeat("cd", 32), FeeSat: 1_000, Weight: 800, Vsize: 200,
		Inputs:  []client.TxInput{{Txid: strings.Repeat("ef", 32), Vout: 1, AmountSat: 3_000_000, Address: address2}},
		Outputs: []client.TxOutput{{Vout: 0, Address: address1, AmountSat: 1_500_000}, {Vout: 1, Address: address2, AmountSat: 1_499_000, Change: true}},
	}
}

func sampleStatus() client.OwnApplication {
	title, txid, vout := "Two proxies", strings.Repeat("ab", 32), int64(1)
	return client.OwnApplication{
		Reference: "CW-7QK2", State: "approved", Revision: 1, SubmittedAt: at, Title: &title, AmountSat: 1_500_000, PayoutAddress: address1, PaidConfirmations: 3,
		Timeline: []client.Event{{At: at, Event: "application.submitted", By: client.EventByOperator}},
		Messages: []client.Message{{At: at, From: client.MessageFromTeam, Audience: client.AudienceOperator, Text: "Welcome."}},
		Payments: []client.Payment{{AmountSat: 1_500_000, State: "mined", Standing: "mined", Txid: &txid, Vout: &vout, Confirmations: 2}},
	}
}

func sampleCoin() client.Coin {
	return client.Coin{Txid: strings.Repeat("ef", 32), Vout: 1, AmountSat: 3_000_000, Confirmations: 6, Lock: &client.CoinLock{Reason: "kept for the rent", By: "Tom", At: at}}
}

func madeToken() client.Token {
	t, secret := sampleToken(), "cw_new"
	t.Token = &secret
	return t
}

func sampleToken() client.Token {
	return client.Token{Id: id(61), Name: "laptop", Scopes: []string{"application.read"}, CreatedAt: at, ExpiresAt: at.Add(24 * time.Hour)}
}

// samples is what the fund of a test says unless the test says otherwise.
func samples() map[string]func(sent) answer {
	change := client.ApplicationStanding{Id: id(1), Reference: "CW-7QK2", State: "in_review", Revision: 1, Version: 8}
	token, made := sampleToken(), at
	feeAt, permille, refused := int64(1_600), int64(1), "The feerate is above the highest that the batch allows."
	summary := summaryOf(sampleBatch())
	docs := map[string]any{
		"getFund": client.Fund{
			Name: "Open Roads", Network: "mainnet", MinAmountSat: 10_000, MaxAmountSat: 5_000_000, ApprovalsRequired: 2, PolicyVersion: 1,
			PaidConfirmations: 3, FinalConfirmations: 6, Protocols: []client.Protocol{"socks5", "mtproto"},
		},
		"submitApplication": client.Receipt{
			ReceiptCode: receiptValue, Reference: "CW-7QK2", State: "submitted", Revision: 1, ApplicationSha256: strings.Repeat("0", 64),
		},
		"getOwnApplication": sampleStatus(), "addOwnMessage": sampleStatus(), "reviseApplication": sampleStatus(), "withdrawApplication": sampleStatus(),
		"listApplications": client.ApplicationPage{Items: []client.ApplicationSummary{sampleSummary()}},
		"getApplication":   sampleApplication(), "claimApplication": change, "releaseApplication": change, "voteApplication": change,
		"decideApplication": change, "addMessage": change,
		"listGrants":  client.GrantPage{Items: []client.Grant{sampleGrant()}},
		"getGrant":    sampleGrant(),
		"listBatches": client.BatchPage{Items: []client.BatchSummary{summaryOf(sampleBatch())}},
		"getBatch":    sampleBatch(), "composeBatch": client.ComposedBatches{Batches: []client.BatchSummary{summaryOf(sampleBatch())}}, "approveBatch": summaryOf(sampleBatch()), "cancelBatch": summaryOf(sampleBatch()),
		"previewBatch": client.BatchPreview{
			Payees: 1, TotalSat: 1_500_000, Batches: 1, HeadroomSat: 9_000, DeadlineBlocks: 144, Weight: 800, Estimate: sampleEstimate(),
			AtTargets: []client.FeeAt{{Blocks: 6, FeerateSatKvb: 8_000, FeeSat: &feeAt, FeePermille: &permille}, {Blocks: 36, FeerateSatKvb: 90_000, Refused: &refused}},
			Notes:     []client.Remark{{Code: "round_amounts", Text: "One of the amounts is round."}},
			FeeSat:    1_000, FeerateSatKvb: 5_000, FeePermille: 0, MaxFeerateSatKvb: 50_000, MaxFeeSat: 20_000, ChangeSat: 1_499_000,
			AvailableAfterSat: 1_499_000, Transaction: sampleTransaction(),
		},
		"getTreasury": client.Treasury{
			Network: "mainnet", Descriptor: "wpkh(xpub…)#abcdefgh", DepositAddress: address2, DepositIndex: 4, CoinsSat: 3_000_000,
			Tip:      client.Tip{Height: 900_000, Hash: strings.Repeat("0", 64), At: at},
			Balances: client.Balances{DepositsSat: 3_000_000, AvailableSat: 1_500_000, CommittedSat: 1_500_000},
			Coins: []client.Coin{{
				Txid: strings.Repeat("ef", 32), Vout: 1, AmountSat: 3_000_000, Confirmations: 6, At: &made,
				Lock: &client.CoinLock{Reason: "kept for the rent", By: "Tom", At: at},
			}},
			Stuck:    []client.Stuck{{BatchId: id(9), Number: 7, State: "broadcast", Why: "No block took it by its deadline."}},
			Limits:   client.Limits{MaxPayees: 200, MaxFeerateSatKvb: 60_000, MaxFeeSat: 100_000, DeadlineBlocks: 144},
			Estimate: sampleEstimate(),
			Breakers: []client.Breaker{sampleBreaker()},
			Lapsed:   []client.LapsedBatch{{BatchId: id(8), Number: 6, ComposedBy: "Tom", Payees: 3, At: at}},

			AcceptedDifference: &client.AcceptedDifference{AmountSat: -40, At: at, By: []string{"Ann", "Tom"}},
		},
		"listBreakers": client.BreakerPage{Items: []client.Breaker{sampleBreaker()}}, "resetBreaker": sampleBreaker(), "lockCoin": sampleCoin(), "unlockCoin": sampleCoin(), "getFeeEstimate": *sampleEstimate(),
		"bumpBatch": summary, "askVoid": summary, "approveVoid": summary, "withdrawVoid": summary, "composeUpkeep": summary,
		"getSignatures": sampleSignatures(), "importPsbt": sampleSignatures(), "checkPayeeList": sampleList(),
		"whoAmI":      client.WhoAmI{Name: "Ann", Roles: []string{"reviewer"}, Permissions: []string{"application.read", "application.vote"}},
		"listTokens":  client.TokenPage{Items: []client.Token{token}},
		"createToken": madeToken(),
		"revokeToken": token,
	}
	maps.Copy(docs, endpointSamples())
	out := make(map[string]func(sent) answer, len(docs))
	for operation, doc := range docs {
		out[operation] = func(sent) answer { return answer{doc: doc} }
	}
	return out
}

func sampleEstimate() *client.FeeEstimate {
	why := "It has seen too few blocks."
	return &client.FeeEstimate{
		At: at, Height: 900_000, FloorSatKvb: 1_000, RelayFeerateSatKvb: 100, Trusted: true,
		Targets: []client.FeeTarget{{Blocks: 6, FeerateSatKvb: 7_100}, {Blocks: 36, FeerateSatKvb: 3_000}},
		Votes:   []client.FeeVote{{Name: "mempool", FeeratesSatKvb: []int64{7_100, 3_000}, Used: true, AgeS: 12}, {Name: "estimatefee", FeeratesSatKvb: []int64{}, Why: &why}},
	}
}

func sampleSignatures() client.Signatures {
	return client.Signatures{Needed: 2, Total: 3, Signed: []string{"d34db33f"}, Missing: 1}
}

func sampleList() client.PayeeListCheck {
	instalment, amount, reference, other := id(21), int64(1_500_000), "CW-7QK2", "CW-0000"
	wrong := []client.FieldError{{Field: "reference", Code: "unknown_reference", Message: "No grant has this reference."}}
	return client.PayeeListCheck{Lines: 3, Matched: 1, MatchedSat: amount, InstalmentIds: []uuid.UUID{instalment}, Rows: []client.PayeeListRow{
		{Line: 2, Reference: &reference, AmountSat: &amount, InstalmentId: &instalment}, {Line: 3, Reference: &other, Errors: &wrong},
	}}
}

func TestSamplesHold(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	f.run("", "show", id(1).String()).want(t, 0)
	f.run("", "batch", "show", id(9).String()).want(t, 0)
}
