package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/store/postgres/db"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/once"
)

// OnceStore keeps what was made under which key.
type OnceStore struct{ *DB }

var _ once.Store = OnceStore{}

// Made reads on a connection of the pool, after whatever transaction wrote the key.
func (s OnceStore) Made(ctx context.Context, operation string, keyHash []byte) (*once.Made, error) {
	row, err := s.q.GetMade(ctx, operation, keyHash)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil // an unused key is an ordinary answer
	}
	if err != nil {
		return nil, mapError(fmt.Errorf("read an idempotency key: %w", err))
	}
	return &once.Made{BodyHash: row.BodySha256, Objects: row.ObjectIds}, nil
}

// useKey writes the key of the request that ctx belongs to, once: with what it made.
func useKey(ctx context.Context, q *db.Queries, entries []audit.Entry) error {
	ticket := once.TicketOf(ctx)
	if ticket == nil || ticket.IsWritten() {
		return nil
	}
	var made []uuid.UUID
	for _, e := range entries {
		if id, err := uuid.Parse(e.ObjectID); err == nil && !slices.Contains(made, id) {
			made = append(made, id)
		}
	}
	err := q.UseKey(ctx, db.UseKeyParams{
		Scope:      ticket.Operation,
		KeyHash:    ticket.KeyHash,
		BodySha256: ticket.BodyHash,
		ObjectIds:  made,
		CreatedAt:  entries[0].At,
	})
	if err != nil {
		return fmt.Errorf("use an idempotency key of %s: %w", ticket.Operation, err)
	}
	ticket.Written()
	return nil
}
