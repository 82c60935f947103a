package api_test

import (
	"context"
	"strings"
	"time"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/books"
	"github.com/causeway-fund/causeway/internal/payout/certificate"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/treasurer"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

func (f *fakePayouts) ComposeAll(_ context.Context, by identity.Actor, o treasurer.Order) ([]payout.Batch, error) {
	f.keep(by, o)
	list := make([]payout.Batch, max(f.composed, 1))
	for i := range list {
		list[i] = f.batch
	}
	return list, f.fail
}

func (f *fakePayouts) ComposeUpkeep(_ context.Context, by identity.Actor, o payout.UpkeepOrder) (payout.Batch, error) {
	f.keep(by, o)
	return f.batch, f.fail
}

func (f *fakePayouts) MatchPayees(_ context.Context, by identity.Actor, _ treasurer.GrantLister, text []byte) (treasurer.PayeeList, error) {
	f.keep(by, string(text))
	return f.list, f.fail
}

func (f *fakePayouts) Bump(_ context.Context, by identity.Actor, id uuid.UUID, version, rate int64) (payout.Batch, error) {
	f.keep(by, id, version, rate)
	return f.batch, f.fail
}

func (f *fakePayouts) AskVoid(_ context.Context, by identity.Actor, id uuid.UUID, version int64, o payout.VoidOrder) (payout.Batch, error) {
	f.keep(by, id, version, o)
	return f.batch, f.fail
}

func (f *fakePayouts) ApproveVoid(_ context.Context, by identity.Actor, id uuid.UUID, version int64, d decision.Digest) (payout.Batch, error) {
	f.keep(by, id, version, d)
	return f.batch, f.fail
}

func (f *fakePayouts) WithdrawVoid(_ context.Context, by identity.Actor, id uuid.UUID, version int64) (payout.Batch, error) {
	f.keep(by, id, version, nil)
	return f.batch, f.fail
}

func (f *fakePayouts) Signatures(context.Context, payout.Record) (payout.SignatureStatus, error) {
	return f.status, f.fail
}

func (f *fakePayouts) ExportPSBT(_ context.Context, by identity.Actor, id uuid.UUID) (txbuild.File, payout.SignatureStatus, error) {
	f.keep(by, id)
	return txbuild.File{PSBT: []byte("psbt\xff\x00")}, f.status, f.fail
}

func (f *fakePayouts) ImportPSBT(_ context.Context, by identity.Actor, id uuid.UUID, data []byte) (payout.SignatureStatus, error) {
	f.keep(by, id, data)
	return f.status, f.fail
}

func (f *fakePayouts) LockCoin(_ context.Context, by identity.Actor, op wire.OutPoint, reason string) (payout.Coin, error) {
	f.keep(by, op, reason)
	return f.coin(), f.fail
}

func (f *fakePayouts) UnlockCoin(_ context.Context, by identity.Actor, op wire.OutPoint) (payout.Coin, error) {
	f.keep(by, op)
	return f.coin(), f.fail
}

func (f *fakePayouts) coin() payout.Coin {
	if len(f.treasury.Coins) == 0 {
		return payout.Coin{}
	}
	return f.treasury.Coins[0]
}

func (f *fakePayouts) Made(_ context.Context, by identity.Actor, ids []uuid.UUID) ([]payout.Batch, error) {
	f.keep(by, ids)
	return []payout.Batch{f.batch}, f.fail
}

func (f *fakePayouts) theUnjoined() payout.UnjoinedPayment {
	if len(f.unjoined) == 0 {
		return payout.UnjoinedPayment{Paid: decision.Instalment{Period: 1}}
	}
	return f.unjoined[0]
}

func (f *fakePayouts) Unjoined(_ context.Context, by identity.Actor) ([]payout.UnjoinedPayment, error) {
	f.keep(by)
	return f.unjoined, f.fail
}

func (f *fakePayouts) JoinPayment(_ context.Context, by identity.Actor, op wire.OutPoint, instalment uuid.UUID) (payout.UnjoinedPayment, error) {
	f.keep(by, op, instalment)
	return f.theUnjoined(), f.fail
}

func (f *fakePayouts) SeparatePayment(_ context.Context, by identity.Actor, op wire.OutPoint, reason string) (payout.UnjoinedPayment, error) {
	f.keep(by, op, reason)
	return f.theUnjoined(), f.fail
}

func (f *fakePayouts) Payments(_ context.Context, by identity.Actor, from, until time.Time) ([]books.Payment, error) {
	f.keep(by)
	f.span = [2]time.Time{from, until}
	return f.payments, f.fail
}

func (f *fakePayouts) Certificate(_ context.Context, by identity.Actor, id uuid.UUID) (certificate.Certificate, error) {
	f.keep(by, id)
	hash := strings.Repeat("ab", 32)
	return certificate.Certificate{
		Version: certificate.Version, Network: "simnet", DecisionNote: "note", DecisionDigest: hash, BatchDigest: hash, TxID: hash, AmountSat: 1, Script: "00",
		Address: "sb1q", BlockHash: hash, Height: 5, IssuedAt: at.Format(time.RFC3339),
	}, f.fail
}

// fillEngine is the part of fill for the engine.
func (f *fakePayouts) fillEngine() {
	f.status = payout.SignatureStatus{Needed: 2, Total: 3, Signed: []string{"d34db33f"}, Missing: 1}
	f.treasury.Estimate = &fee.Estimate{
		At: at, Height: 6, FloorSatKVB: 1_000, Targets: []fee.Target{{Blocks: 6, RateSatKVB: 7_100}, {Blocks: 36, RateSatKVB: 3_000}},
		Votes: []fee.Vote{
			{Name: fee.VoteMempool, RatesSatKVB: []int64{7_100, 3_000}, Used: true, AgeSec: 12}, {Name: fee.VoteEstimateFee, Why: "It has seen too few blocks."},
		},
		Why: "Only one source has an answer.",
	}
	f.payments = []books.Payment{{
		GrantReference: "GR-1", InstalmentID: someID, DecisionDigest: digest.String(), Period: 2, BatchNumber: 3, Designation: "amber otter", Address: "sb1q", AmountSat: 100_000, FeeShareSat: 700,
		TxID: txid.String(), Vout: 1, Height: 5, BlockHash: txid.String(), PaidAt: at, State: "paid",
	}}
	f.unjoined = []payout.UnjoinedPayment{{
		BatchID: someID, Number: 3, State: payout.Mined, OutPoint: wire.OutPoint{Hash: txid, Index: 1}, Paid: decision.Instalment{Note: digest, Period: 2}, Address: "sb1q", Amount: 100_000, FoundAt: at,
		Separate: "the second year",
	}}
	f.list = treasurer.PayeeList{Lines: 4, EmptyAtEnd: 1, Matched: 100_000, Rows: []treasurer.PayeeRow{
		{Line: 2, Reference: "GR-1", Address: "sb1q", Amount: 100_000, Label: "Otter", Instalment: someID},
		{Line: 3, Reference: "GR-2", Errors: []errs.Field{{Field: "amount_sat", Code: "scientific", Message: "m", Params: map[string]string{"p": "q"}}}},
	}}
}
