package api

import (
	"context"

	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// HeaderReceipt carries the receipt code of an application.
const HeaderReceipt = "Causeway-Receipt"

type (
	actorKey      struct{}
	receiptKey    struct{}
	proberGateKey struct{}
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

// WithProberGate returns a context with what a prober passes once its signature is
// verified, before anything is done for it.
func WithProberGate(ctx context.Context, g endpoint.Gate) context.Context {
	return context.WithValue(ctx, proberGateKey{}, g)
}

// ProberGate returns the gate of the request; nil lets everybody through.
func ProberGate(ctx context.Context) endpoint.Gate {
	g, _ := ctx.Value(proberGateKey{}).(endpoint.Gate)
	return g
}

// WithReceipt returns a context that holds the receipt code of the request.
func WithReceipt(ctx context.Context, code string) context.Context {
	return context.WithValue(ctx, receiptKey{}, code)
}

func receiptFrom(ctx context.Context) string {
	code, _ := ctx.Value(receiptKey{}).(string)
	return code
}
