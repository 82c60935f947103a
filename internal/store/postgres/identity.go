package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/store/postgres/db"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// ceremonyKept is how long after its end a ceremony that nobody answered stays,
// far longer than clocks of two servers differ.
const ceremonyKept = time.Hour

// IdentityStore keeps staff with their passkeys, sessions, links and tokens.
type IdentityStore struct{ *DB }

var _ identity.Store = IdentityStore{}

// change runs fn in a transaction that ends with the audit leaf of c.
func (s IdentityStore) change(
	ctx context.Context,
	c identity.Change,
	fn func(ctx context.Context, q *db.Queries) error,
) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		if err := fn(ctx, q); err != nil {
			return err
		}
		return s.record(
			ctx,
			q,
			audit.Entry{Actor: c.By, Action: c.Action, ObjectKind: c.ObjectKind, ObjectID: c.ObjectID, At: c.At},
		)
	})
}

// write runs one statement in a transaction of its own, so that a lost answer is
// told from a failure.
func (s IdentityStore) write(ctx context.Context, fn func(ctx context.Context, q *db.Queries) error) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error { return fn(ctx, q) })
}

// CreateStaff fails with Conflict "staff_name_taken".
func (s IdentityStore) CreateStaff(
	ctx context.Context,
	c identity.Change,
	p identity.Staff,
	invite identity.Link,
) error {
	return s.change(ctx, c, func(ctx context.Context, q *db.Queries) error {
		err := q.InsertStaff(
			ctx,
			db.InsertStaffParams{ID: p.ID, Name: p.Name, CreatedAt: p.CreatedAt, DisabledAt: p.DisabledAt},
		)
		if err != nil {
			return fmt.Errorf("insert staff %s: %w", p.ID, err)
		}
		if err := q.InsertRoles(ctx, p.ID, texts(p.Roles)); err != nil {
			return fmt.Errorf("insert roles of staff %s: %w", p.ID, err)
		}
		return insertLink(ctx, q, invite)
	})
}

func (s IdentityStore) UpdateStaff(
	ctx context.Context,
	c identity.Change,
	id uuid.UUID,
	fn func(*identity.Staff) error,
) (identity.Staff, error) {
	var person identity.Staff
	err := s.change(ctx, c, func(ctx context.Context, q *db.Queries) error {
		p, err := lockStaff(ctx, q, id)
		if err != nil {
			return err
		}
		was := p.DisabledAt
		if err := fn(&p); err != nil {
			return err
		}
		if was == nil && p.DisabledAt != nil {
			if err := endAll(ctx, q, id, *p.DisabledAt); err != nil {
				return err
			}
		}
		if err := q.UpdateStaff(ctx, db.UpdateStaffParams{ID: id, Name: p.Name, DisabledAt: p.DisabledAt}); err != nil {
			return fmt.Errorf("update staff %s: %w", id, err)
		}
		if err := q.DeleteOtherRoles(ctx, id, texts(p.Roles)); err != nil {
			return fmt.Errorf("delete roles of staff %s: %w", id, err)
		}
		if err := q.InsertRoles(ctx, id, texts(p.Roles)); err != nil {
			return fmt.Errorf("insert roles of staff %s: %w", id, err)
		}
		person, err = readStaff(ctx, q, id)
		return err
	})
	if err != nil {
		return identity.Staff{}, err
	}
	return person, nil
}

// endAll ends what a person could sign in with unasked. They stay ended when the
// account is enabled again.
func endAll(ctx context.Context, q *db.Queries, id uuid.UUID, at time.Time) error {
	for _, end := range []func(context.Context, time.Time, uuid.UUID) error{q.EndLinks, q.EndSessions, q.EndTokens} {
		if err := end(ctx, at, id); err != nil {
			return fmt.Errorf("end links, sessions and tokens of staff %s: %w", id, err)
		}
	}
	return nil
}

func (s IdentityStore) Staff(ctx context.Context, id uuid.UUID) (identity.Staff, error) {
	p, err := readStaff(ctx, s.q, id)
	return p, mapError(err)
}

func (s IdentityStore) ListStaff(ctx context.Context) ([]identity.Staff, error) {
	rows, err := s.q.ListStaff(ctx)
	if err != nil {
		return nil, mapError(fmt.Errorf("list staff: %w", err))
	}
	all := make([]identity.Staff, len(rows))
	for i, row := range rows {
		all[i] = toStaff(row.Staff, row.Roles)
	}
	return all, nil
}

func (s IdentityStore) AddLink(ctx context.Context, c identity.Change, l identity.Link) error {
	return s.change(ctx, c, func(ctx context.Context, q *db.Queries) error { return insertLink(ctx, q, l) })
}

func insertLink(ctx context.Context, q *db.Queries, l identity.Link) error {
	err := q.InsertLink(ctx, db.InsertLinkParams{
		ID: l.ID, TokenHash: l.Hash[:], Purpose: string(l.Purpose), StaffID: l.StaffID,
		CreatedAt: l.CreatedAt, ExpiresAt: l.ExpiresAt, UsedAt: l.UsedAt,
	})
	if err != nil {
		return fmt.Errorf("insert link of staff %s: %w", l.StaffID, err)
	}
	return nil
}

func (s IdentityStore) LinkByHash(ctx context.Context, h identity.Hash) (identity.Link, identity.Staff, error) {
	row, err := s.q.GetLink(ctx, h[:])
	if err != nil {
		return identity.Link{}, identity.Staff{}, absent(err, identity.CodeLinkUnknown, "read link")
	}
	l := row.OneTimeLink
	return identity.Link{
		ID: l.ID, Hash: identity.Hash(l.TokenHash), Purpose: identity.LinkPurpose(l.Purpose), StaffID: l.StaffID,
		CreatedAt: l.CreatedAt, ExpiresAt: l.ExpiresAt, UsedAt: l.UsedAt,
	}, toStaff(row.Staff, row.Roles), nil
}

// PutCeremony also deletes some that ended long before this one will: nobody else does.
func (s IdentityStore) PutCeremony(ctx context.Context, c identity.Ceremony) error {
	return s.write(ctx, func(ctx context.Context, q *db.Queries) error {
		if err := q.DeleteOldCeremonies(ctx, c.ExpiresAt.Add(-ceremonyKept)); err != nil {
			return fmt.Errorf("delete old ceremonies: %w", err)
		}
		err := q.InsertCeremony(ctx, db.InsertCeremonyParams{
			Hash: c.Hash[:], Kind: string(c.Kind), State: c.State, ExpiresAt: c.ExpiresAt,
			StaffID: uuid.NullUUID{UUID: c.StaffID, Valid: c.StaffID != uuid.Nil},
		})
		if err != nil {
			return fmt.Errorf("insert ceremony: %w", err)
		}
		return nil
	})
}

func (s IdentityStore) TakeCeremony(ctx context.Context, h identity.Hash) (identity.Ceremony, error) {
	var row db.Ceremony
	err := s.write(ctx, func(ctx context.Context, q *db.Queries) (err error) {
		row, err = q.TakeCeremony(ctx, h[:])
		return err
	})
	if err != nil {
		return identity.Ceremony{}, absent(err, identity.CodeCeremonyUnknown, "take ceremony")
	}
	return identity.Ceremony{
		Hash: identity.Hash(
			row.Hash,
		),
		Kind:      identity.CeremonyKind(row.Kind),
		StaffID:   row.StaffID.UUID,
		State:     row.State,
		ExpiresAt: row.ExpiresAt,
	}, nil
}

// Credentials lists the oldest first.
func (s IdentityStore) Credentials(ctx context.Context, staffID uuid.UUID) ([]identity.Credential, error) {
	rows, err := s.q.ListPasskeys(ctx, staffID)
	if err != nil {
		return nil, mapError(fmt.Errorf("list passkeys of staff %s: %w", staffID, err))
	}
	all := make([]identity.Credential, len(rows))
	for i, row := range rows {
		all[i] = toCredential(row)
	}
	return all, nil
}

func (s IdentityStore) CredentialByID(ctx context.Context, id []byte) (identity.Credential, identity.Staff, error) {
	row, err := s.q.GetPasskey(ctx, id)
	if err != nil {
		return identity.Credential{}, identity.Staff{}, absent(err, identity.CodeCredentialUnknown, "read passkey")
	}
	return toCredential(row.Passkey), toStaff(row.Staff, row.Roles), nil
}

func toCredential(row db.Passkey) identity.Credential {
	return identity.Credential{
		ID:         row.CredentialID,
		StaffID:    row.StaffID,
		Label:      row.Label,
		Record:     row.Record,
		CreatedAt:  row.CreatedAt,
		LastUsedAt: row.LastUsedAt,
	}
}

func lockStaff(ctx context.Context, q *db.Queries, id uuid.UUID) (identity.Staff, error) {
	if _, err := q.LockStaff(ctx, id); err != nil {
		return identity.Staff{}, absent(err, identity.CodeStaffNotFound, "lock staff "+id.String())
	}
	return readStaff(ctx, q, id)
}

func readStaff(ctx context.Context, q *db.Queries, id uuid.UUID) (identity.Staff, error) {
	row, err := q.GetStaff(ctx, id)
	if err != nil {
		return identity.Staff{}, absent(err, identity.CodeStaffNotFound, "read staff "+id.String())
	}
	return toStaff(row.Staff, row.Roles), nil
}

// toStaff puts the roles in the order in which pages show them.
func toStaff(row db.Staff, roles []string) identity.Staff {
	p := identity.Staff{ID: row.ID, Name: row.Name, CreatedAt: row.CreatedAt, DisabledAt: row.DisabledAt}
	for _, role := range identity.Roles() {
		for _, r := range roles {
			if r == string(role) {
				p.Roles = append(p.Roles, role)
			}
		}
	}
	return p
}

// absent turns "no rows" into package identity's error of this code; other
// errors get what was being done and their place in the taxonomy.
func absent(err error, code errs.Code, doing string) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return identity.StoreError(code)
	}
	return mapError(fmt.Errorf("%s: %w", doing, err))
}

// texts returns named strings as plain ones, for an array parameter.
func texts[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}
