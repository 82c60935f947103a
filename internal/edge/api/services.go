package api

import (
	"context"
	"errors"
	"time"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/payout/books"
	"github.com/causeway-fund/causeway/internal/payout/certificate"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/treasurer"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
	"github.com/causeway-fund/causeway/internal/trust/registry"
)

// Grants is what the handlers need of applications and grants.
type Grants interface {
	Fund(ctx context.Context) (fund.Fund, error)

	Submit(ctx context.Context, idempotencyKey string, p grant.Proposal) (grant.Receipt, error)
	Status(ctx context.Context, code string) (grant.Status, error)
	Reply(ctx context.Context, code, text string) (grant.Application, error)
	Revise(ctx context.Context, code string, p grant.Proposal) (grant.Application, error)
	Withdraw(ctx context.Context, code string) (grant.Application, error)

	Queue(ctx context.Context, by identity.Actor, f grant.Filter, cursor string) (grant.Page, error)
	Show(ctx context.Context, by identity.Actor, id uuid.UUID) (grant.Detail, error)
	Standing(ctx context.Context, by identity.Actor, id uuid.UUID) (grant.Application, error)
	ClaimApplication(ctx context.Context, by identity.Actor, id uuid.UUID) (grant.Application, error)
	ReleaseApplication(ctx context.Context, by identity.Actor, id uuid.UUID) (grant.Application, error)
	Vote(ctx context.Context, by identity.Actor, cmd grant.CastVote) (grant.Application, error)
	Ask(ctx context.Context, by identity.Actor, cmd grant.Question) (grant.Application, error)
	Decide(ctx context.Context, by identity.Actor, cmd grant.Decide) (grant.Application, error)
	PostMessage(
		ctx context.Context,
		by identity.Actor,
		id uuid.UUID,
		audience grant.Audience,
		text string,
	) (grant.Application, error)

	Grants(ctx context.Context, by identity.Actor, cursor string, limit int) ([]grant.GrantRecord, string, error)
	Grant(ctx context.Context, by identity.Actor, id uuid.UUID) (grant.GrantRecord, error)
}

// Payouts is what the handlers need of batches and the treasury.
type Payouts interface {
	DryRun(ctx context.Context, by identity.Actor, o treasurer.Order) (treasurer.Preview, error)
	ComposeAll(ctx context.Context, by identity.Actor, o treasurer.Order) ([]payout.Batch, error)
	ComposeUpkeep(ctx context.Context, by identity.Actor, o payout.UpkeepOrder) (payout.Batch, error)
	Made(ctx context.Context, by identity.Actor, ids []uuid.UUID) ([]payout.Batch, error)
	MatchPayees(
		ctx context.Context,
		by identity.Actor,
		grants treasurer.GrantLister,
		text []byte,
	) (treasurer.PayeeList, error)
	Approve(
		ctx context.Context,
		by identity.Actor,
		id uuid.UUID,
		version int64,
		digest decision.Digest,
	) (payout.Batch, error)
	Cancel(ctx context.Context, by identity.Actor, id uuid.UUID, version int64) (payout.Batch, error)
	Bump(ctx context.Context, by identity.Actor, id uuid.UUID, version, feeRateSatKVB int64) (payout.Batch, error)
	AskVoid(
		ctx context.Context,
		by identity.Actor,
		id uuid.UUID,
		version int64,
		o payout.VoidOrder,
	) (payout.Batch, error)
	ApproveVoid(
		ctx context.Context,
		by identity.Actor,
		id uuid.UUID,
		version int64,
		digest decision.Digest,
	) (payout.Batch, error)
	WithdrawVoid(ctx context.Context, by identity.Actor, id uuid.UUID, version int64) (payout.Batch, error)
	Signatures(ctx context.Context, r payout.Record) (payout.SignatureStatus, error)
	ExportPSBT(ctx context.Context, by identity.Actor, id uuid.UUID) (txbuild.File, payout.SignatureStatus, error)
	ImportPSBT(ctx context.Context, by identity.Actor, id uuid.UUID, data []byte) (payout.SignatureStatus, error)
	Batch(ctx context.Context, by identity.Actor, id uuid.UUID) (payout.Record, error)
	Batches(
		ctx context.Context,
		by identity.Actor,
		f payout.BatchFilter,
		limit int,
	) ([]payout.Batch, uint32, error)
	Describe(ctx context.Context, a payout.Attempt) (txbuild.Summary, error)
	Treasury(ctx context.Context, by identity.Actor) (treasurer.Treasury, error)
	Breakers(ctx context.Context, by identity.Actor) ([]payout.Breaker, error)
	ResetBreaker(ctx context.Context, by identity.Actor, id, version int64) (payout.Breaker, error)
	LockCoin(ctx context.Context, by identity.Actor, op wire.OutPoint, reason string) (payout.Coin, error)
	UnlockCoin(ctx context.Context, by identity.Actor, op wire.OutPoint) (payout.Coin, error)
	Unjoined(ctx context.Context, by identity.Actor) ([]payout.UnjoinedPayment, error)
	JoinPayment(
		ctx context.Context,
		by identity.Actor,
		op wire.OutPoint,
		instalment uuid.UUID,
	) (payout.UnjoinedPayment, error)
	SeparatePayment(
		ctx context.Context,
		by identity.Actor,
		op wire.OutPoint,
		reason string,
	) (payout.UnjoinedPayment, error)
	Payments(ctx context.Context, by identity.Actor, from, until time.Time) ([]books.Payment, error)
	Certificate(ctx context.Context, by identity.Actor, instalment uuid.UUID) (certificate.Certificate, error)
}

// Endpoints is what the handlers need of the servers that are checked.
type Endpoints interface {
	Understand(text string) (endpoint.Understood, error)
	Mine(ctx context.Context, code string, checks int) ([]endpoint.View, error)
	MyOne(ctx context.Context, code, label string) (endpoint.View, error)
	Recheck(ctx context.Context, code, label string) (endpoint.View, error)
	Instructions(ctx context.Context, code, label string) ([]endpoint.Instructions, error)
	Prove(ctx context.Context, code, label string, kind control.Kind) (endpoint.View, error)
	RotateCredential(ctx context.Context, code, label string) ([]endpoint.Instructions, error)
	DeclareMaintenance(ctx context.Context, code, label string, from, to time.Time) (endpoint.Maintenance, error)
	MySnapshot(ctx context.Context, code, label string) (endpoint.StoredSnapshot, error)
	Results(ctx context.Context, code, label string, day time.Time) (endpoint.DayResults, error)

	Panel(
		ctx context.Context,
		by identity.Actor,
		application uuid.UUID,
		unseal bool,
		checks int,
	) ([]endpoint.View, error)
	StaffRecheck(ctx context.Context, by identity.Actor, id uuid.UUID) (endpoint.View, error)
	Snapshot(ctx context.Context, by identity.Actor, application uuid.UUID) (endpoint.StoredSnapshot, error)
	StaffResults(
		ctx context.Context,
		by identity.Actor,
		application uuid.UUID,
		label string,
		day time.Time,
	) (endpoint.DayResults, error)
	Fleet(ctx context.Context, by identity.Actor) (endpoint.Fleet, []endpoint.Vantage, error)
	AddVantage(ctx context.Context, by identity.Actor, v endpoint.NewVantage) (endpoint.Vantage, string, error)
	AddedVantage(ctx context.Context, by identity.Actor, id uuid.UUID) (endpoint.Vantage, error)
	Vantages(ctx context.Context, by identity.Actor) ([]endpoint.Vantage, error)
	Vantage(ctx context.Context, by identity.Actor, id uuid.UUID) (endpoint.Vantage, error)
	DisableVantage(ctx context.Context, by identity.Actor, id uuid.UUID) (endpoint.Vantage, error)

	Enrol(ctx context.Context, e vantage.Enrolment) (vantage.Welcome, error)
	Lease(ctx context.Context, ask vantage.Envelope, gate endpoint.Gate) (vantage.Envelope, error)
	Report(ctx context.Context, report vantage.Envelope, gate endpoint.Gate) error
}

// AuditLog answers with checkpoints and proofs.
type AuditLog interface {
	Latest(ctx context.Context) (audit.StoredCheckpoint, error)
	Newest(ctx context.Context, before *int64, limit int) ([]audit.StoredCheckpoint, error)
	Inclusion(ctx context.Context, seq int64) (audit.Inclusion, error)
	Consistency(ctx context.Context, oldSize int64) (audit.Consistency, error)
	Export(ctx context.Context) (audit.Bundle, error)
}

// AuditRows reads what the log stores.
type AuditRows interface {
	AuditSize(ctx context.Context) (int64, error)
	AuditLeaves(ctx context.Context, from, limit int64) ([][]byte, error)
}

// Charters is what the handlers need of who may move money.
type Charters interface {
	Show(ctx context.Context, by identity.Actor) (registry.View, error)
	Propose(ctx context.Context, by identity.Actor, text []byte) error
	Sign(ctx context.Context, by identity.Actor, digest decision.Digest, armored []byte) error
}

// Tokens is what the handlers need of API tokens.
type Tokens interface {
	CreateToken(
		ctx context.Context,
		by identity.Actor,
		name string,
		scopes []identity.Permission,
		life time.Duration,
	) (identity.Token, string, error)
	Tokens(ctx context.Context, by identity.Actor) ([]identity.Token, error)
	Token(ctx context.Context, by identity.Actor, id uuid.UUID) (identity.Token, error)
	RevokeToken(ctx context.Context, by identity.Actor, id uuid.UUID) (identity.Token, error)
}

var (
	_ Grants    = (*grant.Service)(nil)
	_ Payouts   = (*treasurer.Service)(nil)
	_ Endpoints = (*endpoint.Service)(nil)
	_ AuditLog  = (*audit.Log)(nil)
	_ Tokens    = (*identity.Service)(nil)
	_ Charters  = (*registry.Service)(nil)
)

// Config is what Handlers are made of; everything but Endpoints and PollEvery is
// required.
type Config struct {
	Grants    Grants
	Payouts   Payouts
	AuditLog  AuditLog
	AuditRows AuditRows
	AuditKey  string // public key of the checkpoints
	Origin    string // name of the audit log
	Tokens    Tokens
	Charters  Charters
	Once      Once
	Clock     clock.Clock

	Endpoints Endpoints     // nil for a fund that does not check servers
	PollEvery time.Duration // how often a watched batch is read; default a second
}

// Handlers answers the calls of the API.
type Handlers struct{ cfg Config }

var _ StrictServerInterface = (*Handlers)(nil)

// NewHandlers checks cfg and returns the handlers.
func NewHandlers(cfg Config) (*Handlers, error) {
	if cfg.Grants == nil || cfg.Payouts == nil || cfg.AuditLog == nil || cfg.AuditRows == nil || cfg.Tokens == nil ||
		cfg.Charters == nil || cfg.Once == nil || cfg.Clock == nil {
		return nil, errors.New("api: a service is missing")
	}
	if cfg.PollEvery <= 0 {
		cfg.PollEvery = time.Second
	}
	return &Handlers{cfg: cfg}, nil
}
