package api

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/trust/identity"
	"github.com/causeway-fund/causeway/internal/trust/once"
)

// Once carries out what makes something at most once a key.
type Once interface {
	Do(ctx context.Context, r once.Request, do func(ctx context.Context) error) ([]uuid.UUID, error)
}

var _ Once = (*once.Service)(nil)

// makeOnce makes something for a call with a key. again answers for a call that was made
// before, from what it made.
func makeOnce[T any](
	ctx context.Context, h *Handlers, operation, key string, request any,
	do func(ctx context.Context) (T, error), again func(ctx context.Context, made []uuid.UUID) (T, error),
) (T, error) {
	var out, none T
	body, err := json.Marshal(request)
	if err != nil {
		return none, fmt.Errorf("encode the request of %s: %w", operation, err)
	}
	made, err := h.cfg.Once.Do(
		ctx,
		once.Request{Operation: operation, Caller: caller(ctx), Key: key, Body: body},
		func(ctx context.Context) (err error) {
			out, err = do(ctx)
			return err
		},
	)
	switch {
	case err != nil:
		return none, err
	case made != nil:
		return again(ctx, made)
	}
	return out, nil
}

// caller says whose a key is: a person's, whether by session or by token, or an
// application's.
func caller(ctx context.Context) string {
	code := receiptFrom(ctx)
	if code == "" {
		return actorFrom(ctx).Label()
	}
	if receipt, err := identity.ParseReceipt(code); err == nil {
		code = receipt.Grouped()
	}
	return "receipt:" + code
}

func location(path string) *string { return &path }
