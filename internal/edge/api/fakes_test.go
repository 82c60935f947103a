package api_test

import (
	"context"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/payout/books"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/treasurer"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/review/screen"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
	"github.com/causeway-fund/causeway/internal/trust/once"
)

var (
	at     = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	someID = uuid.MustParse("0198c0de-0000-7000-8000-000000000001")
	ann    = uuid.MustParse("0198c0de-0000-7000-8000-00000000000a")
	digest = decision.Digest{0xab}
	txid   = chainhash.Hash{1}
)

// fakeGrants answers with its fields and keeps what it was asked.
type fakeGrants struct {
	fail    error
	app     grant.Application
	status  grant.Status
	page    grant.Page
	detail  grant.Detail
	record  grant.GrantRecord
	next    string
	replies []any // arguments of the last call
}

func (f *fakeGrants) keep(args ...any) { f.replies = args }

func (f *fakeGrants) Fund(context.Context) (fund.Fund, error) {
	return fund.Fund{Name: "Test fund", Network: "simnet", MinAmount: 1000, MaxAmount: 5_000_000, Quorum: 2, PolicyVersion: 1, PaidDepth: 6, FinalDepth: 100}, nil
}

func (f *fakeGrants) Submit(_ context.Context, key string, p grant.Proposal) (grant.Receipt, error) {
	f.keep(key, p)
	return grant.Receipt{Code: "AAAAA-BBBBB-CCCCC-DDDDD-EEEEEE", Reference: "GR-1", State: grant.Submitted, Revision: 1, ApplicationSHA256: digest.String()}, f.fail
}

func (f *fakeGrants) Status(_ context.Context, code string) (grant.Status, error) {
	f.keep(code)
	return f.status, f.fail
}

func (f *fakeGrants) Reply(_ context.Context, code, text string) (grant.Application, error) {
	f.keep(code, text)
	return f.app, f.fail
}

func (f *fakeGrants) Revise(_ context.Context, code string, p grant.Proposal) (grant.Application, error) {
	f.keep(code, p)
	return f.app, f.fail
}

func (f *fakeGrants) Withdraw(_ context.Context, code string) (grant.Application, error) {
	f.keep(code)
	return f.app, f.fail
}

func (f *fakeGrants) Queue(_ context.Context, by identity.Actor, filter grant.Filter, cursor string) (grant.Page, error) {
	f.keep(by, filter, cursor)
	return f.page, f.fail
}

func (f *fakeGrants) Show(_ context.Context, by identity.Actor, id uuid.UUID) (grant.Detail, error) {
	f.keep(by, id)
	return f.detail, f.fail
}

func (f *fakeGrants) Standing(_ context.Context, by identity.Actor, id uuid.UUID) (grant.Application, error) {
	f.keep(by, id)
	return f.app, f.fail
}

func (f *fakeGrants) ClaimApplication(_ context.Context, by identity.Actor, id uuid.UUID) (grant.Application, error) {
	f.keep(by, id)
	return f.app, f.fail
}

func (f *fakeGrants) ReleaseApplication(_ context.Context, by identity.Actor, id uuid.UUID) (grant.Application, error) {
	f.keep(by, id)
	return f.app, f.fail
}

func (f *fakeGrants) Vote(_ context.Context, by identity.Actor, cmd grant.CastVote) (grant.Application, error) {
	f.keep(by, cmd)
	return f.app, f.fail
}

func (f *fakeGrants) Ask(_ context.Context, by identity.Actor, cmd grant.Question) (grant.Application, error) {
	f.keep(by, cmd)
	return f.app, f.fail
}

func (f *fakeGrants) Decide(_ context.Context, by identity.Actor, cmd grant.Decide) (grant.Application, error) {
	f.keep(by, cmd)
	return f.app, f.fail
}

func (f *fakeGrants) PostMessage(_ context.Context, by identity.Actor, id uuid.UUID, audience grant.Audience, text string) (grant.Application, error) {
	f.keep(by, id, audience, text)
	return f.app, f.fail
}

func (f *fakeGrants) Grants(_ context.Context, by identity.Actor, cursor string, limit int) ([]grant.GrantRecord, string, error) {
	f.keep(by, cursor, limit)
	return []grant.GrantRecord{f.record}, f.next, f.fail
}

func (f *fakeGrants) Grant(_ context.Context, by identity.Actor, id uuid.UUID) (grant.GrantRecord, error) {
	f.keep(by, id)
	return f.record, f.fail
}

// fakePayouts is the same for batches. records are returned by Batch one after
// the other; the last one again and again.
type fakePayouts struct {
	fail     error
	batch    payout.Batch
	records  []payout.Record
	preview  treasurer.Preview
	summary  txbuild.Summary
	treasury treasurer.Treasury
	composed int // batches of an order, in place of one
	status   payout.SignatureStatus
	payments []books.Payment
	span     [2]time.Time // of which payments were asked for
	list     treasurer.PayeeList
	unjoined []payout.UnjoinedPayment
	next     uint32
	replies  []any
	reads    int
}

func (f *fakePayouts) keep(args ...any) { f.replies = args }

func (f *fakePayouts) DryRun(_ context.Context, by identity.Actor, o treasurer.Order) (treasurer.Preview, error) {
	f.keep(by, o)
	return f.preview, f.fail
}

func (f *fakePayouts) Approve(_ context.Context, by identity.Actor, id uuid.UUID, version int64, d decision.Digest) (payout.Batch, error) {
	f.keep(by, id, version, d)
	return f.batch, f.fail
}

func (f *fakePayouts) Cancel(_ context.Context, by identity.Actor, id uuid.UUID, version int64) (payout.Batch, error) {
	f.keep(by, id, version)
	return f.batch, f.fail
}

func (f *fakePayouts) Batch(_ context.Context, by identity.Actor, id uuid.UUID) (payout.Record, error) {
	f.keep(by, id)
	r := f.records[min(f.reads, len(f.records)-1)]
	f.reads++
	return r, f.fail
}

func (f *fakePayouts) Batches(_ context.Context, by identity.Actor, filter payout.BatchFilter, limit int) ([]payout.Batch, uint32, error) {
	f.keep(by, filter, limit)
	return []payout.Batch{f.batch}, f.next, f.fail
}

func (f *fakePayouts) Describe(context.Context, payout.Attempt) (txbuild.Summary, error) {
	return f.summary, f.fail
}

func (f *fakePayouts) Treasury(_ context.Context, by identity.Actor) (treasurer.Treasury, error) {
	f.keep(by)
	return f.treasury, f.fail
}

func (f *fakePayouts) Breakers(_ context.Context, by identity.Actor) ([]payout.Breaker, error) {
	f.keep(by)
	return f.treasury.Breakers, f.fail
}

func (f *fakePayouts) ResetBreaker(_ context.Context, by identity.Actor, id, version int64) (payout.Breaker, error) {
	f.keep(by, id, version)
	if f.fail != nil || len(f.treasury.Breakers) == 0 {
		return payout.Breaker{State: payout.BreakerHalf}, f.fail
	}
	return f.treasury.Breakers[0], nil
}

// fakeAudit holds two checkpoints and two leaves.
type fakeAudit struct{ bundle audit.Bundle }

func (fakeAudit) Latest(context.Context) (audit.StoredCheckpoint, error) {
	return audit.StoredCheckpoint{Size: 2, Note: "note 2", At: at}, nil
}

func (fakeAudit) Inclusion(_ context.Context, seq int64) (audit.Inclusion, error) {
	if seq > 1 {
		return audit.Inclusion{}, errs.New(errs.NotFound, "not_covered", "There is no such row.")
	}
	return audit.Inclusion{Seq: seq, Leaf: "{}", Checkpoint: "note 2", Hashes: []tlog.Hash{{7}}}, nil
}

func (fakeAudit) Consistency(context.Context, int64) (audit.Consistency, error) {
	return audit.Consistency{Old: "note 1", New: "note 2"}, nil
}

func (f fakeAudit) Export(context.Context) (audit.Bundle, error) { return f.bundle, nil }

func (fakeAudit) AuditSize(context.Context) (int64, error) { return 2, nil }

func (fakeAudit) AuditLeaves(_ context.Context, from, limit int64) ([][]byte, error) {
	all := [][]byte{[]byte(`{"seq":0}`), []byte(`{"seq":1}`)}
	from = min(from, int64(len(all)))
	return all[from:min(from+limit, int64(len(all)))], nil
}

func (fakeAudit) Newest(_ context.Context, before *int64, limit int) ([]audit.StoredCheckpoint, error) {
	all := []audit.StoredCheckpoint{{Size: 2, Note: "note 2", At: at}, {Size: 1, Note: "note 1", At: at}}
	if before != nil && *before <= 2 {
		all = all[1:]
	}
	if before != nil && *before <= 1 {
		all = nil
	}
	return all[:min(limit, len(all))], nil
}

// fakeTokens keeps one token.
type fakeTokens struct {
	fail error
	life time.Duration
}

func (f *fakeTokens) CreateToken(_ context.Context, _ identity.Actor, name string, scopes []identity.Permission, life time.Duration) (identity.Token, string, error) {
	f.life = life
	return identity.Token{ID: someID, Name: name, Scopes: scopes, CreatedAt: at, ExpiresAt: at.Add(life)}, "cw_secret", f.fail
}

func (f *fakeTokens) Tokens(context.Context, identity.Actor) ([]identity.Token, error) {
	return []identity.Token{{ID: someID, Name: "laptop", CreatedAt: at, ExpiresAt: at, RevokedAt: &at}, {ID: someID}}, f.fail
}

func (f *fakeTokens) RevokeToken(context.Context, identity.Actor, uuid.UUID) (identity.Token, error) {
	return identity.Token{ID: someID, RevokedAt: &at}, f.fail
}

func (f *fakeTokens) Token(context.Context, identity.Actor, uuid.UUID) (identity.Token, error) {
	return identity.Token{ID: someID, Name: "laptop", CreatedAt: at, ExpiresAt: at}, f.fail
}

// fakeOnce makes everything, and keeps the requests; made is what an earlier one has made.
type fakeOnce struct {
	asked []once.Request
	made  []uuid.UUID
}

func (f *fakeOnce) Do(ctx context.Context, r once.Request, do func(ctx context.Context) error) ([]uuid.UUID, error) {
	f.asked = append(f.asked, r)
	if f.made != nil {
		return f.made, nil
	}
	return nil, do(ctx)
}

// fill puts a value into every field that an answer shows.
func (f *fakeGrants) fill() {
	f.app = grant.Application{
		ID: someID, Reference: "GR-1", Designation: "amber otter", State: grant.InReview, Revision: 2, Version: 7,
		Protocols: []string{"socks5"}, Region: "IR", Language: "fa", Amount: 100_000, SubmittedAt: at,
	}
	f.next = "next page"
	happening := grant.Happening{Action: "application.voted", From: "submitted", To: "in_review", ActorKind: "staff", StaffName: "Ann", Detail: map[string]string{"verdict": "approve"}, At: at}
	taken := &grant.Claim{StaffID: ann, StaffName: "Ann", ExpiresAt: at}
	text := grant.Text{FromOperator: true, Audience: grant.ToOperator, StaffName: "Ann", Text: "Hello", At: at}
	body := grant.Body{Title: "A proxy", Narrative: "For people.", PayoutAddress: "sb1q", Endpoints: []claim.Endpoint{{Protocol: "socks5", Host: "a.example", Port: 1080, Note: "n"}}}
	paid := grant.Payment{InstalmentID: someID, State: grant.Mined, Amount: 100_000, BatchNumber: 3, TxID: txid.String(), Vout: 1, Height: 5, Confirmations: 2}
	vote := grant.Vote{ID: someID, Revision: 2, StaffID: ann, StaffName: "Ann", Verdict: grant.VerdictApprove, CreatedAt: at}

	f.status = grant.Status{Application: f.app, Body: body, Messages: []grant.Text{text}, History: []grant.Happening{happening}, Payments: []grant.Payment{paid}, PaidDepth: 6}
	f.page = grant.Page{Lines: []grant.Line{{QueueItem: grant.QueueItem{Application: f.app, Approve: 1, MyVote: grant.VerdictApprove, Claim: taken, SamePayee: 1}, Title: "A proxy"}}, Next: "next page"}
	f.detail = grant.Detail{
		Record: grant.Record{
			Application: f.app, Decision: grant.Decision{Digest: digest}, Claim: taken, Votes: []grant.Vote{vote},
			History: []grant.Happening{happening}, Grant: &grant.Grant{ID: someID},
		},
		Body: body, Note: "causeway/decision/v2\n", SamePayee: 1, Tally: grant.Tally{Approve: 2}, Outcome: grant.VerdictApprove, Quorum: 2,
		MyVote: grant.VerdictApprove, VoteNotes: map[uuid.UUID]string{someID: "good"}, Messages: []grant.Text{text},
		Findings: []screen.Finding{
			{Check: screen.Address, Level: screen.High, Reason: "1 other application has the same payout address.", Others: []screen.Other{{ID: ann, Reference: "GR-2"}}},
			{Check: screen.Amount, Reason: "100 000 sat is 100 % of the median."},
		},
	}
	f.record = grant.GrantRecord{
		Grant:       grant.Grant{ID: someID, ApplicationID: someID, Reference: "GR-1", Designation: "amber otter", State: grant.GrantActive, Amount: 100_000, CreatedAt: at},
		Instalments: []grant.Instalment{{ID: someID, GrantID: someID, Period: 1, Digest: digest, Note: "note", PayeeAddress: "sb1q", Amount: 100_000, State: grant.Mined, HeldReason: "r"}},
		Payments:    []grant.Payment{paid},
	}
}

func (f *fakePayouts) fill() {
	number, index := uint32(3), uint32(3)
	f.next = 3
	f.batch = payout.Batch{
		ID: someID, Kind: payout.Payout, DeadlineBlocks: 144, WantedSatKVB: 9_000, Outputs: 1, Chosen: []wire.OutPoint{{Hash: txid, Index: 1}}, Number: 3, State: payout.Mined, Version: 7, Note: "note", Digest: digest, FeeRateSatKVB: 5_000, MaxFeeRateSatKVB: 50_000, MaxFee: 5000,
		ComposerName: "Tom", LastError: "The signer does not answer.", CreatedAt: at, Payees: 1, Total: 100_000,
	}
	f.summary = txbuild.Summary{
		TxID: txid, Fee: 700, Weight: 561, VSize: 141,
		Inputs:  []txbuild.SummaryInput{{OutPoint: wire.OutPoint{Hash: txid, Index: 1}, Amount: 200_000, Address: "sb1q"}},
		Outputs: []txbuild.SummaryOutput{{Address: "sb1q", Amount: 100_000}, {Amount: 99_300, IsChange: true, ChangeIndex: 3}},
	}
	id := someID
	f.records = []payout.Record{{
		Batch:     f.batch,
		Items:     []payout.Item{{InstalmentID: id, GrantID: id, Reference: "GR-1", Designation: "amber otter", Digest: digest, Period: 1, Address: "sb1q", Amount: 100_000, State: grant.Mined}},
		Approvals: []payout.Approval{{StaffName: "Tom", Digest: digest, CreatedAt: at}},
		Attempts: []payout.Attempt{{
			No: 0, Kind: payout.Pays, PSBT: []byte("psbt"), TxID: txid, Fee: 700, Weight: 561, Raw: []byte{1}, Height: 5, CreatedAt: at,
			Outputs: []payout.AttemptOutput{{Vout: 0, InstalmentID: &id}, {Vout: 1, ChangeIndex: &index}},
			Events:  []payout.AttemptEvent{{Event: "broadcast", Height: 4, At: at}, {Event: "mined", Detail: "d", Height: 5, At: at}},
			Partial: []payout.Signature{{Source: "d34db33f 00c0ffee", Name: "Tom", At: at}},
		}},
		History: []grant.Happening{{Action: "batch.approved", ActorKind: "staff", At: at}},
		Tip:     payout.Tip{Height: 6, Hash: txid, At: at},
	}}
	f.records[0].Raise = &payout.Raise{CurrentSatKVB: 5_000, LeastSatKVB: 6_000, MostSatKVB: 40_000, Refused: errs.New(errs.Conflict, "at_limit", "It pays what was approved.")}
	f.records[0].Void = &payout.Void{
		Note: "void note", Digest: digest, FeeRateSatKVB: 12_000, Fee: 4_100, Reason: "A wrong address.", CancelIDs: []uuid.UUID{id}, AskedByName: "Tom", AskedAt: at,
		ApprovedBy: &ann, ApproverName: "Ann", ApprovedAt: &at,
	}
	f.fillEngine()
	f.preview = treasurer.Preview{Batches: 2, Weight: 561, Estimate: f.treasury.Estimate, Items: f.records[0].Items, Total: 100_000, Summary: f.summary, Fee: 700, FeePermille: 7, Change: 99_300, FreeAfter: 1, Order: treasurer.Order{FeeRateSatKVB: 5_000, MaxFeeRateSatKVB: 50_000, MaxFeeSat: 5000, DeadlineBlocks: 144}}
	f.preview.AtTargets = []treasurer.FeeAt{{Blocks: 6, FeeRateSatKVB: 8_000, Fee: 1_128, FeePermille: 11}, {Blocks: 36, FeeRateSatKVB: 90_000, Refused: "The feerate is above the highest that the batch allows."}}
	f.preview.Notes = []payout.Remark{{Code: "round_amounts", Text: "One amount is round."}}
	taken := btcutil.Amount(4_000_000)
	f.treasury = treasurer.Treasury{
		Balances:   ledger.Balances{ledger.Outside: -300_000, ledger.Available: 100_000, ledger.Committed: 50_000, ledger.InFlight: 20_000, ledger.Confirming: 29_300, ledger.Paid: 100_000, ledger.Fees: 700},
		Coins:      []payout.Coin{{Coin: txbuild.Coin{OutPoint: wire.OutPoint{Hash: txid}, Amount: 170_000, Chain: 1, Index: 2, Height: 4}, Confirmations: 3, ReservedBy: &number, Lock: &payout.Lock{Reason: "kept", By: "Tom", At: at}, At: at}},
		CoinsSat:   170_000,
		Tip:        payout.Tip{Height: 6, Hash: txid, At: at},
		Descriptor: "wpkh(x)#abc", DepositAddress: "sb1q", DepositIndex: 4,
		Stuck:    []payout.Stuck{{BatchID: id, Number: 3, State: payout.Broadcast, Why: "No block took it."}},
		Limits:   payout.Limits{MaxPayees: 200, MaxFeeRateSatKVB: 60_000, MaxFeeSat: 100_000, DeadlineBlocks: 144},
		Estimate: f.treasury.Estimate,
		Breakers: []payout.Breaker{{
			ID: 1, Code: payout.ForeignSpend, State: payout.BreakerHalf, TrippedAt: at, Findings: []payout.Finding{{Detail: "d", Amount: &taken, At: at}},
			Consents: []payout.Consent{{Name: "Tom", At: at}},
		}},
		Accepted: &payout.Accepted{Amount: 5, At: at, By: []string{"Tom", "Ann"}},
		Lapsed:   []payout.Lapsed{{BatchID: id, Number: 2, ComposedBy: "Tom", Payees: 3, At: at}},
	}
}
