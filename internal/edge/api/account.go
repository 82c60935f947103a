package api

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/review/grant"
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
func (h *Handlers) ListTokens(ctx context.Context, r ListTokensRequestObject) (ListTokensResponseObject, error) {
	list, err := h.cfg.Tokens.Tokens(ctx, actorFrom(ctx))
	if err != nil {
		return nil, err
	}
	newestFirst := func(t identity.Token) string { return sortable(math.MaxInt64-t.CreatedAt.UnixMicro()) + t.ID.String() }
	list, next, err := pageOf("tokens", list, paging{r.Params.Cursor, r.Params.Limit}, grant.MaxPage, newestFirst)
	if err != nil {
		return nil, err
	}
	out := ListTokens200JSONResponse{Body: TokenPage{Items: make([]Token, 0, len(list)), NextCursor: optional(next)}}
	for _, t := range list {
		out.Body.Items = append(out.Body.Items, apiToken(t))
	}
	out.Headers.Link = linkTo("/v1/tokens", r.Params.Limit, next)
	return out, nil
}

// GetToken answers GET /v1/tokens/{id}.
func (h *Handlers) GetToken(ctx context.Context, r GetTokenRequestObject) (GetTokenResponseObject, error) {
	t, err := h.cfg.Tokens.Token(ctx, actorFrom(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	return GetToken200JSONResponse(apiToken(t)), nil
}

func apiToken(t identity.Token) Token {
	return Token{
		Id:         t.ID,
		Name:       t.Name,
		Scopes:     scopes(t),
		CreatedAt:  t.CreatedAt,
		ExpiresAt:  t.ExpiresAt,
		LastUsedAt: t.LastUsedAt,
		RevokedAt:  t.RevokedAt,
	}
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
	t, err := makeOnce(ctx, h, "createToken", r.Params.IdempotencyKey, r, func(ctx context.Context) (Token, error) {
		t, secret, err := h.cfg.Tokens.CreateToken(ctx, actorFrom(ctx), r.Body.Name, wanted, life)
		out := apiToken(t)
		out.Token = optional(secret)
		return out, nameExpiry(err)
	}, func(ctx context.Context, made []uuid.UUID) (Token, error) {
		t, err := h.cfg.Tokens.Token(ctx, actorFrom(ctx), made[0])
		return apiToken(t), err
	})
	if err != nil {
		return nil, err
	}
	out := CreateToken201JSONResponse{Body: t}
	out.Headers.Location = location("/v1/tokens/" + t.Id.String())
	return out, nil
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

// RevokeToken answers POST /v1/tokens/{id}/revoke.
func (h *Handlers) RevokeToken(ctx context.Context, r RevokeTokenRequestObject) (RevokeTokenResponseObject, error) {
	t, err := h.cfg.Tokens.RevokeToken(ctx, actorFrom(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	return RevokeToken200JSONResponse(apiToken(t)), nil
}
