package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/store/postgres/db"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

func (s IdentityStore) OpenSession(ctx context.Context, c identity.Change, o identity.Opening) error {
	return s.change(ctx, c, func(ctx context.Context, q *db.Queries) error {
		person, err := lockStaff(ctx, q, o.Session.StaffID)
		if err != nil {
			return err
		}
		if person.DisabledAt != nil {
			return identity.StoreError(identity.CodeStaffDisabled)
		}
		if err := openWith(ctx, q, o); err != nil {
			return err
		}
		if o.Replaces != nil {
			arg := db.ReplaceSessionParams{
				TokenHash: o.Replaces[:],
				StaffID:   o.Session.StaffID,
				At:        o.Session.CreatedAt,
			}
			if err := q.ReplaceSession(ctx, arg); err != nil {
				return fmt.Errorf("end the replaced session: %w", err)
			}
		}
		x := o.Session
		err = q.InsertSession(ctx, db.InsertSessionParams{
			ID: x.ID, TokenHash: x.Hash[:], StaffID: x.StaffID, Method: string(x.Method),
			CreatedAt: x.CreatedAt, LastSeenAt: x.LastSeenAt, ExpiresAt: x.ExpiresAt, RevokedAt: x.RevokedAt,
		})
		if err != nil {
			return fmt.Errorf("insert session: %w", err)
		}
		return nil
	})
}

// openWith consumes the link and stores the passkey that a session is opened
// with. All of them must be the session's person's own.
func openWith(ctx context.Context, q *db.Queries, o identity.Opening) error {
	if o.LinkHash != nil {
		n, err := q.UseLink(
			ctx,
			db.UseLinkParams{TokenHash: o.LinkHash[:], StaffID: o.Session.StaffID, At: o.Session.CreatedAt},
		)
		if err != nil {
			return fmt.Errorf("use link: %w", err)
		}
		if n == 0 {
			return identity.StoreError(identity.CodeLinkUsed)
		}
		// An older invitation in a mailbox somewhere must not enrol a second key.
		if err := q.EndLinks(ctx, o.Session.CreatedAt, o.Session.StaffID); err != nil {
			return fmt.Errorf("end other links: %w", err)
		}
	}
	if p := o.NewCredential; p != nil {
		if p.StaffID != o.Session.StaffID {
			return errors.New("a passkey of one person would open a session of another")
		}
		err := q.InsertPasskey(ctx, db.InsertPasskeyParams{
			CredentialID: p.ID,
			StaffID:      p.StaffID,
			Label:        p.Label,
			Record:       p.Record,
			CreatedAt:    p.CreatedAt,
			LastUsedAt:   p.LastUsedAt,
		})
		if err != nil {
			return fmt.Errorf("insert passkey: %w", err)
		}
	}
	if p := o.UsedCredential; p != nil {
		n, err := q.UpdatePasskey(ctx, db.UpdatePasskeyParams{
			CredentialID: p.ID, StaffID: o.Session.StaffID, Record: p.Record, LastUsedAt: p.LastUsedAt,
		})
		if err != nil {
			return fmt.Errorf("update passkey: %w", err)
		}
		if n == 0 {
			return identity.StoreError(identity.CodeCredentialUnknown)
		}
	}
	return nil
}

func (s IdentityStore) SessionByHash(ctx context.Context, h identity.Hash) (identity.Session, identity.Staff, error) {
	row, err := s.q.GetSession(ctx, h[:])
	if err != nil {
		return identity.Session{}, identity.Staff{}, absent(err, identity.CodeSessionUnknown, "read session")
	}
	return toSession(row.Session), toStaff(row.Staff, row.Roles), nil
}

func (s IdentityStore) TouchSession(ctx context.Context, id uuid.UUID, at time.Time) error {
	return s.write(ctx, func(ctx context.Context, q *db.Queries) error { return q.TouchSession(ctx, at, id) })
}

func (s IdentityStore) ListSessions(ctx context.Context, staffID uuid.UUID, now time.Time) ([]identity.Session, error) {
	rows, err := s.q.ListSessions(ctx, staffID, now)
	if err != nil {
		return nil, mapError(fmt.Errorf("list sessions of staff %s: %w", staffID, err))
	}
	all := make([]identity.Session, len(rows))
	for i, row := range rows {
		all[i] = toSession(row)
	}
	return all, nil
}

func (s IdentityStore) RevokeSession(ctx context.Context, c identity.Change, staffID, id uuid.UUID) error {
	return s.change(ctx, c, func(ctx context.Context, q *db.Queries) error {
		n, err := q.RevokeSession(ctx, db.RevokeSessionParams{ID: id, StaffID: staffID, At: c.At})
		if err != nil {
			return fmt.Errorf("revoke session %s: %w", id, err)
		}
		if n == 0 {
			return identity.StoreError(identity.CodeSessionUnknown)
		}
		return nil
	})
}

func toSession(row db.Session) identity.Session {
	return identity.Session{
		ID: row.ID, Hash: identity.Hash(row.TokenHash), StaffID: row.StaffID, Method: identity.Method(row.Method),
		CreatedAt: row.CreatedAt, LastSeenAt: row.LastSeenAt, ExpiresAt: row.ExpiresAt, RevokedAt: row.RevokedAt,
	}
}

// AddToken fails with NotFound "staff_not_found".
func (s IdentityStore) AddToken(ctx context.Context, c identity.Change, t identity.Token) error {
	return s.change(ctx, c, func(ctx context.Context, q *db.Queries) error {
		err := q.InsertToken(ctx, db.InsertTokenParams{
			ID: t.ID, TokenHash: t.Hash[:], StaffID: t.StaffID, Name: t.Name, Scopes: texts(t.Scopes),
			CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt, LastUsedAt: t.LastUsedAt, RevokedAt: t.RevokedAt,
		})
		if err != nil {
			return fmt.Errorf("insert token of staff %s: %w", t.StaffID, err)
		}
		return nil
	})
}

func (s IdentityStore) TokenByHash(ctx context.Context, h identity.Hash) (identity.Token, identity.Staff, error) {
	row, err := s.q.GetToken(ctx, h[:])
	if err != nil {
		return identity.Token{}, identity.Staff{}, absent(err, identity.CodeTokenUnknown, "read token")
	}
	return toToken(row.ApiToken), toStaff(row.Staff, row.Roles), nil
}

func (s IdentityStore) TouchToken(ctx context.Context, id uuid.UUID, at time.Time) error {
	return s.write(ctx, func(ctx context.Context, q *db.Queries) error { return q.TouchToken(ctx, at, id) })
}

func (s IdentityStore) ListTokens(ctx context.Context, staffID uuid.UUID) ([]identity.Token, error) {
	rows, err := s.q.ListTokens(ctx, staffID)
	if err != nil {
		return nil, mapError(fmt.Errorf("list tokens of staff %s: %w", staffID, err))
	}
	all := make([]identity.Token, len(rows))
	for i, row := range rows {
		all[i] = toToken(row)
	}
	return all, nil
}

func (s IdentityStore) RevokeToken(ctx context.Context, c identity.Change, staffID, id uuid.UUID) error {
	return s.change(ctx, c, func(ctx context.Context, q *db.Queries) error {
		n, err := q.RevokeToken(ctx, db.RevokeTokenParams{ID: id, StaffID: staffID, At: c.At})
		if err != nil {
			return fmt.Errorf("revoke token %s: %w", id, err)
		}
		if n == 0 {
			return identity.StoreError(identity.CodeTokenUnknown)
		}
		return nil
	})
}

func toToken(row db.ApiToken) identity.Token {
	t := identity.Token{
		ID: row.ID, Hash: identity.Hash(row.TokenHash), StaffID: row.StaffID, Name: row.Name,
		CreatedAt: row.CreatedAt, ExpiresAt: row.ExpiresAt, LastUsedAt: row.LastUsedAt, RevokedAt: row.RevokedAt,
	}
	for _, scope := range row.Scopes {
		t.Scopes = append(t.Scopes, identity.Permission(scope))
	}
	return t
}
