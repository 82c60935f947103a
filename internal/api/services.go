package api

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/audit"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/decision"
	"github.com/causeway-fund/causeway/internal/grant"
	"github.com/causeway-fund/causeway/internal/identity"
	"github.com/causeway-fund/causeway/internal/payout"
	"github.com/causeway-fund/causeway/internal/txbuild"
)

// Grants is what the handlers need of applications and grants.
type Grants interface {
	Fund(ctx context.Context) (grant.Fund, error)

	Submit(ctx context.Context, idempotencyKey string, p grant.Proposal) (grant.Receipt, error)
	Status(ctx context.Context, code string) (grant.Status, error)
	Reply(ctx context.Context, code, text string) (grant.Application, error)
	Revise(ctx context.Context, code string, p grant.Proposal) (grant.Application, error)
	Withdraw(ctx context.Context, code string) (grant.Application, error)

	Queue(ctx context.Context, by identity.Actor, f grant.Filter, cursor string) (grant.Page, error)
	Show(ctx context.Context, by identity.Actor, id uuid.UUID) (grant.Detail, error)
	ClaimApplication(ctx context.Context, by identity.Actor, id uuid.UUID) (grant.Application, error)
	ReleaseApplication(ctx context.Context, by identity.Actor, id uuid.UUID) (grant.Application, error)
	Vote(ctx context.Context, by identity.Actor, cmd grant.CastVote) (grant.Application, error)
	Decide(ctx context.Context, by identity.Actor, cmd grant.Decide) (grant.Application, error)
	PostMessage(ctx context.Context, by identity.Actor, id uuid.UUID, audience grant.Audience, text string) (grant.Application, error)

	Grants(ctx context.Context, by identity.Actor, cursor string, limit int) ([]grant.GrantRecord, string, error)
	Grant(ctx context.Context, by identity.Actor, id uuid.UUID) (grant.GrantRecord, error)
}

// Payouts is what the handlers need of batches and the treasury.
type Payouts interface {
	DryRun(ctx context.Context, by identity.Actor, o payout.Order) (payout.Preview, error)
	Compose(ctx context.Context, by identity.Actor, o payout.Order) (payout.Batch, error)
	Approve(ctx context.Context, by identity.Actor, id uuid.UUID, version int64, digest decision.Digest) (payout.Batch, error)
	Cancel(ctx context.Context, by identity.Actor, id uuid.UUID, version int64) (payout.Batch, error)
	Batch(ctx context.Context, by identity.Actor, id uuid.UUID) (payout.Record, error)
	Batches(ctx context.Context, by identity.Actor, before uint32, limit int) ([]payout.Batch, uint32, error)
	Describe(ctx context.Context, a payout.Attempt) (txbuild.Summary, error)
	Treasury(ctx context.Context, by identity.Actor) (payout.Treasury, error)
	ResetBreaker(ctx context.Context, by identity.Actor, id int64) error
}

// AuditLog answers with checkpoints and proofs.
type AuditLog interface {
	Latest(ctx context.Context) (audit.StoredCheckpoint, error)
	Inclusion(ctx context.Context, seq int64) (audit.Inclusion, error)
	Consistency(ctx context.Context, oldSize int64) (audit.Consistency, error)
	Export(ctx context.Context) (audit.Bundle, error)
}

// AuditRows reads what the log stores.
type AuditRows interface {
	AuditSize(ctx context.Context) (int64, error)
	AuditLeaves(ctx context.Context, from, limit int64) ([][]byte, error)
	Checkpoints(ctx context.Context) ([]audit.StoredCheckpoint, error)
}

// Tokens is what the handlers need of API tokens.
type Tokens interface {
	CreateToken(ctx context.Context, by identity.Actor, name string, scopes []identity.Permission, life time.Duration) (identity.Token, string, error)
	Tokens(ctx context.Context, by identity.Actor) ([]identity.Token, error)
	RevokeToken(ctx context.Context, by identity.Actor, id uuid.UUID) error
}

var (
	_ Grants   = (*grant.Service)(nil)
	_ Payouts  = (*payout.Service)(nil)
	_ AuditLog = (*audit.Log)(nil)
	_ Tokens   = (*identity.Service)(nil)
)

// Config is what Handlers are made of; everything but PollEvery is required.
type Config struct {
	Grants    Grants
	Payouts   Payouts
	AuditLog  AuditLog
	AuditRows AuditRows
	AuditKey  string // public key of the checkpoints
	Origin    string // name of the audit log
	Tokens    Tokens
	Clock     clock.Clock

	PollEvery time.Duration // how often a watched batch is read; default a second
}

// Handlers answers the calls of the API.
type Handlers struct{ cfg Config }

var _ StrictServerInterface = (*Handlers)(nil)

// NewHandlers checks cfg and returns the handlers.
func NewHandlers(cfg Config) (*Handlers, error) {
	if cfg.Grants == nil || cfg.Payouts == nil || cfg.AuditLog == nil || cfg.AuditRows == nil || cfg.Tokens == nil || cfg.Clock == nil {
		return nil, errors.New("api: a service is missing")
	}
	if cfg.PollEvery <= 0 {
		cfg.PollEvery = time.Second
	}
	return &Handlers{cfg: cfg}, nil
}
