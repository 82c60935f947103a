package treasurer

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/books"
	"github.com/causeway-fund/causeway/internal/payout/certificate"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// LockCoin keeps a coin out of every new batch until it is unlocked, and returns it.
// Errors as of Store.LockCoin; Invalid invalid_fields without a reason.
func (s *Service) LockCoin(
	ctx context.Context,
	by identity.Actor,
	op wire.OutPoint,
	reason string,
) (payout.Coin, error) {
	if err := by.Require(identity.PermBatchCompose); err != nil {
		return payout.Coin{}, err
	}
	reason = strings.TrimSpace(reason)
	if n := utf8.RuneCountInString(reason); n == 0 || n > 200 {
		return payout.Coin{}, errs.InvalidFields(
			[]errs.Field{
				{
					Field:   "reason",
					Code:    errs.CodeRequired,
					Message: "Say in up to 200 characters why the coin is locked.",
				},
			},
		)
	}
	if err := s.cfg.Store.LockCoin(ctx, op, reason, by.StaffID, coinEntry(by, "coin.locked", op, s)); err != nil {
		return payout.Coin{}, err
	}
	return s.coin(ctx, op)
}

// UnlockCoin lets a coin into new batches again, and returns it. Errors as of
// Store.UnlockCoin.
func (s *Service) UnlockCoin(ctx context.Context, by identity.Actor, op wire.OutPoint) (payout.Coin, error) {
	if err := by.Require(identity.PermBatchCompose); err != nil {
		return payout.Coin{}, err
	}
	if err := s.cfg.Store.UnlockCoin(ctx, op, by.StaffID, coinEntry(by, "coin.unlocked", op, s)); err != nil {
		return payout.Coin{}, err
	}
	return s.coin(ctx, op)
}

// coin returns a coin as it stands. NotFound "coin_not_found" when it was spent meanwhile.
func (s *Service) coin(ctx context.Context, op wire.OutPoint) (payout.Coin, error) {
	h, err := s.cfg.Store.Holdings(ctx)
	if err != nil {
		return payout.Coin{}, err
	}
	for _, c := range h.Coins {
		if c.OutPoint == op {
			return c, nil
		}
	}
	return payout.Coin{}, errs.New(
		errs.NotFound,
		errs.CodeCoinNotFound,
		"The coin has changed and is no longer unspent.",
	)
}

func coinEntry(by identity.Actor, action string, op wire.OutPoint, s *Service) audit.Entry {
	return audit.Entry{Actor: by, Action: action, ObjectKind: "coin", ObjectID: op.String(), At: s.now()}
}

// Payments returns the payments of blocks from one time until another, oldest
// first, for accountants and wallets.
func (s *Service) Payments(ctx context.Context, by identity.Actor, from, until time.Time) ([]books.Payment, error) {
	if err := by.Require(identity.PermBatchRead); err != nil {
		return nil, err
	}
	return s.cfg.Store.Payments(ctx, from, until)
}

// Certificate returns the proof of a payment that anyone can check off-line.
// NotFound not_paid; Conflict proof_missing.
func (s *Service) Certificate(
	ctx context.Context,
	by identity.Actor,
	instalment uuid.UUID,
) (certificate.Certificate, error) {
	if err := by.Require(identity.PermBatchRead); err != nil {
		return certificate.Certificate{}, err
	}
	p, err := s.cfg.Store.Proof(ctx, instalment, payout.CertificateHeaders)
	if err != nil {
		return certificate.Certificate{}, err
	}
	note, err := decision.Parse([]byte(p.Item.Note))
	if err != nil {
		return certificate.Certificate{}, err
	}
	return certificate.Build(certificate.Parts{
		Note:        note,
		Period:      p.Item.Period,
		Reference:   p.Item.Reference,
		BatchDigest: p.BatchDigest,
		Vout:        p.Vout,
		Height:      p.Height,
		Inclusion:   p.Inclusion,
		IssuedAt:    s.now(),
	}, certificate.Options{})
}
