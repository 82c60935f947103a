package api

import (
	"context"

	"github.com/causeway-fund/causeway/internal/identity"
)

// HeaderReceipt carries the receipt code of an application.
const HeaderReceipt = "Causeway-Receipt"

type (
	actorKey   struct{}
	receiptKey struct{}
)

// WithActor returns a context that tells handlers who calls. It ends at the
// handler: use cases take the actor as an argument.
func WithActor(ctx context.Context, a identity.Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// actorFrom returns who calls; the zero Actor is nobody.
func actorFrom(ctx context.Context) identity.Actor {
	a, _ := ctx.Value(actorKey{}).(identity.Actor)
	return a
}

// WithReceipt returns a context that holds the receipt code of the request.
func WithReceipt(ctx context.Context, code string) context.Context {
	return context.WithValue(ctx, receiptKey{}, code)
}

func receiptFrom(ctx context.Context) string {
	code, _ := ctx.Value(receiptKey{}).(string)
	return code
}
