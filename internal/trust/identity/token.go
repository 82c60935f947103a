package identity

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
)

// TokenPrefix begins every API token, so that scanners for leaked secrets can
// know it.
const TokenPrefix = "cw_"

// CreateToken makes an API token for the actor: a name to know it by, what it
// may do (a subset of Scopes of the actor's roles) and for how long (up to
// MaxTokenLife). The secret is returned once. Needs token.manage, which a token
// itself never has. Invalid with fields "name", "scopes", "expires_in".
func (s *Service) CreateToken(
	ctx context.Context,
	by Actor,
	name string,
	scopes []Permission,
	life time.Duration,
) (Token, string, error) {
	if err := by.Require(PermTokenManage); err != nil {
		return Token{}, "", err
	}
	name, err := checkName("name", name)
	if err != nil {
		return Token{}, "", err
	}
	if err := errs.InvalidFields(checkToken(by.Roles, scopes, life)); err != nil {
		return Token{}, "", err
	}
	id, err := s.newID()
	if err != nil {
		return Token{}, "", fmt.Errorf("make token id: %w", err)
	}
	random, err := newSecret(s.cfg.Random)
	if err != nil {
		return Token{}, "", err
	}
	secret := TokenPrefix + random
	now := s.now()
	t := Token{
		ID:        id,
		Hash:      HashSecret(secret),
		StaffID:   by.StaffID,
		Name:      name,
		Scopes:    slices.Clone(scopes),
		CreatedAt: now,
		ExpiresAt: now.Add(life),
	}
	if err := s.cfg.Store.AddToken(ctx, tokenChange(by, "token.created", id, now), t); err != nil {
		return Token{}, "", fmt.Errorf("store token: %w", err)
	}
	return t, secret, nil
}

func checkToken(roles []Role, scopes []Permission, life time.Duration) []errs.Field {
	var fields []errs.Field
	held := Scopes(roles)
	if len(scopes) == 0 {
		fields = append(
			fields,
			errs.Field{Field: "scopes", Code: errs.CodeRequired, Message: "needs at least one scope"},
		)
	}
	for _, p := range scopes {
		if !slices.Contains(held, p) {
			fields = append(fields, errs.Field{
				Field: "scopes", Code: CodeNotHeld, Params: map[string]string{"scope": string(p)},
				Message: fmt.Sprintf("%q is not among what your roles give to a token", p),
			})
		}
	}
	if life < time.Minute || life > MaxTokenLife {
		fields = append(
			fields,
			errs.Field{Field: "expires_in", Code: errs.CodeOutOfRange, Message: "must be between a minute and a year"},
		)
	}
	return fields
}

// AuthenticateToken returns who holds an API token, limited to its scopes and to
// the owner's roles of this moment. Unauthenticated "token_invalid" for one that
// is unknown, expired, revoked or of a disabled account.
func (s *Service) AuthenticateToken(ctx context.Context, secret string) (Actor, error) {
	if !strings.HasPrefix(secret, TokenPrefix) {
		return Actor{}, errTokenInvalid(nil)
	}
	t, person, err := s.cfg.Store.TokenByHash(ctx, HashSecret(secret))
	if errs.Is(err, CodeTokenUnknown) {
		return Actor{}, errTokenInvalid(err)
	}
	if err != nil {
		return Actor{}, fmt.Errorf("read token: %w", err)
	}
	now := s.now()
	if t.RevokedAt != nil || !now.Before(t.ExpiresAt) || person.DisabledAt != nil {
		return Actor{}, errTokenInvalid(nil)
	}
	if t.LastUsedAt == nil || now.Sub(*t.LastUsedAt) >= touchEvery {
		if err := s.cfg.Store.TouchToken(ctx, t.ID, now); err != nil {
			return Actor{}, fmt.Errorf("touch token: %w", err)
		}
	}
	actor := staffActor(person)
	actor.TokenID, actor.Scopes = t.ID, slices.Clone(t.Scopes)
	return actor, nil
}

// Tokens returns the actor's own tokens, newest first, dead ones too.
func (s *Service) Tokens(ctx context.Context, by Actor) ([]Token, error) {
	if err := by.Require(PermTokenManage); err != nil {
		return nil, err
	}
	return s.cfg.Store.ListTokens(ctx, by.StaffID)
}

// Token returns one of the actor's own tokens. NotFound "token_unknown".
func (s *Service) Token(ctx context.Context, by Actor, id uuid.UUID) (Token, error) {
	list, err := s.Tokens(ctx, by)
	if err != nil {
		return Token{}, err
	}
	at := slices.IndexFunc(list, func(t Token) bool { return t.ID == id })
	if at < 0 {
		return Token{}, StoreError(CodeTokenUnknown)
	}
	return list[at], nil
}

// RevokeToken ends one of the actor's own tokens, and returns it. NotFound "token_unknown".
func (s *Service) RevokeToken(ctx context.Context, by Actor, id uuid.UUID) (Token, error) {
	if err := by.Require(PermTokenManage); err != nil {
		return Token{}, err
	}
	if err := s.cfg.Store.RevokeToken(ctx, tokenChange(by, "token.revoked", id, s.now()), by.StaffID, id); err != nil {
		return Token{}, err
	}
	return s.Token(ctx, by, id)
}

func tokenChange(by Actor, action string, id uuid.UUID, at time.Time) Change {
	return Change{By: by, Action: action, ObjectKind: "token", ObjectID: id.String(), At: at}
}
