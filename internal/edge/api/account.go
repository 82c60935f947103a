package api

import (
	"context"
	"errors"
	"slices"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// WhoAmI answers GET /v1/whoami.
func (h *Handlers) WhoAmI(ctx context.Context, _ WhoAmIRequestObject) (WhoAmIResponseObject, error) {
	by := actorFrom(ctx)
	out := WhoAmI200JSONResponse{Name: by.Name, Roles: []string{}, Permissions: []string{}}
	for _, r := range by.Roles {
		out.Roles = append(out.Roles, string(r))
	}
	for _, p := range identity.Permissions() {
		if by.Can(p) {
			out.Permissions = append(out.Permissions, string(p))
		}
	}
	return out, nil
}

// ListTokens answers GET /v1/tokens.
func (h *Handlers) ListTokens(ctx context.Context, _ ListTokensRequestObject) (ListTokensResponseObject, error) {
	list, err := h.cfg.Tokens.Tokens(ctx, actorFrom(ctx))
	if err != nil {
		return nil, err
	}
	out := ListTokens200JSONResponse{Items: make([]Token, 0, len(list))}
	for _, t := range list {
		out.Items = append(out.Items, Token{
			Id: t.ID, Name: t.Name, Scopes: scopes(t), CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt, LastUsedAt: t.LastUsedAt, RevokedAt: t.RevokedAt,
		})
	}
	return out, nil
}

func scopes(t identity.Token) []string {
	out := make([]string, 0, len(t.Scopes))
	for _, s := range t.Scopes {
		out = append(out, string(s))
	}
	return out
}

// CreateToken answers POST /v1/tokens.
func (h *Handlers) CreateToken(ctx context.Context, r CreateTokenRequestObject) (CreateTokenResponseObject, error) {
	wanted := make([]identity.Permission, 0, len(r.Body.Scopes))
	for _, s := range r.Body.Scopes {
		wanted = append(wanted, identity.Permission(s))
	}
	life := r.Body.ExpiresAt.Sub(h.cfg.Clock.Now())
	t, secret, err := h.cfg.Tokens.CreateToken(ctx, actorFrom(ctx), r.Body.Name, wanted, life)
	if err != nil {
		return nil, nameExpiry(err)
	}
	return CreateToken201JSONResponse{
		Id: t.ID, Name: t.Name, Scopes: scopes(t), CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt, Token: secret,
	}, nil
}

// nameExpiry names the field as the API does: a moment, not a span.
func nameExpiry(err error) error {
	var invalid *errs.Error
	if !errors.As(err, &invalid) || len(invalid.Fields) == 0 {
		return err
	}
	named := *invalid
	named.Fields = slices.Clone(invalid.Fields)
	for i := range named.Fields {
		if named.Fields[i].Field == "expires_in" {
			named.Fields[i].Field = "expires_at"
		}
	}
	return &named
}

// RevokeToken answers DELETE /v1/tokens/{id}.
func (h *Handlers) RevokeToken(ctx context.Context, r RevokeTokenRequestObject) (RevokeTokenResponseObject, error) {
	if err := h.cfg.Tokens.RevokeToken(ctx, actorFrom(ctx), r.Id); err != nil {
		return nil, err
	}
	return RevokeToken204Response{}, nil
}
