package web

import (
	"context"
	"time"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
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

// Grants is what the pages need of applications and grants.
type Grants interface {
	Fund(ctx context.Context) (fund.Fund, error)

	Submit(ctx context.Context, idempotencyKey string, p grant.Proposal) (grant.Receipt, error)
	Status(ctx context.Context, code string) (grant.Status, error)
	Reply(ctx context.Context, code, text string) (grant.Application, error)
	Withdraw(ctx context.Context, code string) (grant.Application, error)

	Queue(ctx context.Context, by identity.Actor, f grant.Filter, cursor string) (grant.Page, error)
	Counts(ctx context.Context, by identity.Actor, filters ...grant.Filter) ([]grant.Total, error)
	Show(ctx context.Context, by identity.Actor, id uuid.UUID) (grant.Detail, error)
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
}

// Payouts is what the pages need of batches and the treasury.
type Payouts interface {
	Payable(ctx context.Context, by identity.Actor) ([]payout.Item, error)
	DryRun(ctx context.Context, by identity.Actor, o treasurer.Order) (treasurer.Preview, error)
	ComposeAll(ctx context.Context, by identity.Actor, o treasurer.Order) ([]payout.Batch, error)
	MatchPayees(
		ctx context.Context,
		by identity.Actor,
		grants treasurer.GrantLister,
		text []byte,
	) (treasurer.PayeeList, error)
	ComposeUpkeep(ctx context.Context, by identity.Actor, o payout.UpkeepOrder) (payout.Batch, error)
	Approve(
		ctx context.Context,
		by identity.Actor,
		id uuid.UUID,
		version int64,
		digest decision.Digest,
	) (payout.Batch, error)
	Cancel(ctx context.Context, by identity.Actor, id uuid.UUID, version int64) (payout.Batch, error)
	Batch(ctx context.Context, by identity.Actor, id uuid.UUID) (payout.Record, error)
	Batches(
		ctx context.Context,
		by identity.Actor,
		f payout.BatchFilter,
		limit int,
	) ([]payout.Batch, uint32, error)
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
	ExportPSBT(ctx context.Context, by identity.Actor, id uuid.UUID) (txbuild.File, payout.SignatureStatus, error)
	AttemptPSBT(ctx context.Context, a payout.Attempt) (txbuild.File, error)
	WithdrawVoid(ctx context.Context, by identity.Actor, id uuid.UUID, version int64) (payout.Batch, error)
	Signatures(ctx context.Context, r payout.Record) (payout.SignatureStatus, error)
	ImportPSBT(ctx context.Context, by identity.Actor, id uuid.UUID, data []byte) (payout.SignatureStatus, error)
	LockCoin(ctx context.Context, by identity.Actor, op wire.OutPoint, reason string) (payout.Coin, error)
	UnlockCoin(ctx context.Context, by identity.Actor, op wire.OutPoint) (payout.Coin, error)
	Payments(ctx context.Context, by identity.Actor, from, until time.Time) ([]books.Payment, error)
	Certificate(ctx context.Context, by identity.Actor, instalment uuid.UUID) (certificate.Certificate, error)
	Describe(ctx context.Context, a payout.Attempt) (txbuild.Summary, error)
	Treasury(ctx context.Context, by identity.Actor) (treasurer.Treasury, error)
	Sums(ctx context.Context, by identity.Actor) (payout.Sums, error)
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
	Breakers(ctx context.Context, by identity.Actor) ([]payout.Breaker, error)
	ResetBreaker(ctx context.Context, by identity.Actor, id, version int64) (payout.Breaker, error)
}

// Charters is what the pages need of who may move money.
type Charters interface {
	Show(ctx context.Context, by identity.Actor) (registry.View, error)
	Propose(ctx context.Context, by identity.Actor, text []byte) error
	Sign(ctx context.Context, by identity.Actor, digest decision.Digest, armored []byte) error
}

// Identity is what the pages need of staff, passkeys, sessions and tokens.
type Identity interface {
	BeginLogin(ctx context.Context) (identity.Challenge, error)
	FinishLogin(ctx context.Context, ceremony string, answer []byte, previous string) (identity.SignIn, error)
	BeginEnrol(ctx context.Context, linkToken string) (identity.Challenge, error)
	FinishEnrol(ctx context.Context, linkToken, ceremony string, answer []byte, label string) (identity.SignIn, error)
	UseLoginLink(ctx context.Context, token, previous string) (identity.SignIn, error)
	Logout(ctx context.Context, by identity.Actor) error

	FormToken(session identity.Session) string
	Sessions(ctx context.Context, by identity.Actor) ([]identity.Session, error)
	RevokeSession(ctx context.Context, by identity.Actor, id uuid.UUID) error
	CreateToken(
		ctx context.Context,
		by identity.Actor,
		name string,
		scopes []identity.Permission,
		life time.Duration,
	) (identity.Token, string, error)
	Tokens(ctx context.Context, by identity.Actor) ([]identity.Token, error)
	RevokeToken(ctx context.Context, by identity.Actor, id uuid.UUID) (identity.Token, error)

	ListStaff(ctx context.Context, by identity.Actor) ([]identity.Staff, error)
	Invite(ctx context.Context, by identity.Actor, name string, roles []identity.Role) (identity.Staff, string, error)
	InviteAgain(ctx context.Context, by identity.Actor, id uuid.UUID) (string, error)
	SetRoles(ctx context.Context, by identity.Actor, id uuid.UUID, roles []identity.Role) (identity.Staff, error)
	Disable(ctx context.Context, by identity.Actor, id uuid.UUID) (identity.Staff, error)
	Enable(ctx context.Context, by identity.Actor, id uuid.UUID) (identity.Staff, error)
}

// Endpoints is what the pages need of the servers that are checked. Nothing in it
// dials a server or looks up its name.
type Endpoints interface {
	Understand(text string) (endpoint.Understood, error)
	Mine(ctx context.Context, code string, checks int) ([]endpoint.View, error)
	Recheck(ctx context.Context, code, label string) (endpoint.View, error)
	Instructions(ctx context.Context, code, label string) ([]endpoint.Instructions, error)
	Prove(ctx context.Context, code, label string, kind control.Kind) (endpoint.View, error)
	RotateCredential(ctx context.Context, code, label string) ([]endpoint.Instructions, error)
	DeclareMaintenance(ctx context.Context, code, label string, from, to time.Time) (endpoint.Maintenance, error)
	MySnapshot(ctx context.Context, code, label string) (endpoint.StoredSnapshot, error)

	Panel(
		ctx context.Context,
		by identity.Actor,
		application uuid.UUID,
		unseal bool,
		checks int,
	) ([]endpoint.View, error)
	StaffRecheck(ctx context.Context, by identity.Actor, id uuid.UUID) (endpoint.View, error)
	Fleet(ctx context.Context, by identity.Actor) (endpoint.Fleet, []endpoint.Vantage, error)
	AddVantage(ctx context.Context, by identity.Actor, v endpoint.NewVantage) (endpoint.Vantage, string, error)
	DisableVantage(ctx context.Context, by identity.Actor, id uuid.UUID) (endpoint.Vantage, error)
}

// AuditLog tells of the newest checkpoint and exports the log.
type AuditLog interface {
	Latest(ctx context.Context) (audit.StoredCheckpoint, error)
	Export(ctx context.Context) (audit.Bundle, error)
}

// AuditRows reads what the log stores.
type AuditRows interface {
	AuditSize(ctx context.Context) (int64, error)
	AuditLeaves(ctx context.Context, from, limit int64) ([][]byte, error)
}

// Chain tells how far the chain has been walked.
type Chain interface {
	Head(ctx context.Context) (tip payout.Tip, ok bool, err error)
}

var (
	_ Grants   = (*grant.Service)(nil)
	_ Payouts  = (*treasurer.Service)(nil)
	_ Identity = (*identity.Service)(nil)
	_ AuditLog = (*audit.Log)(nil)

	_ Endpoints = (*endpoint.Service)(nil)
)
