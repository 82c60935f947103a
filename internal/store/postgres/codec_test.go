package postgres_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
)

// TestIDsGoToPostgreSQLAndBack writes ids in every form that a statement has them in, reads
// them back, and has PostgreSQL say as text what it was given.
func TestIDsGoToPostgreSQLAndBack(t *testing.T) {
	t.Parallel()
	d, err := postgres.Open(t.Context(), pgtest.New(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	one, two := uuid.New(), uuid.New()
	var (
		id, zero       uuid.UUID
		there, missing uuid.NullUUID
		pointer, none  *uuid.UUID
		list           []uuid.UUID
		text           []string
	)
	err = d.Pool().QueryRow(t.Context(), `SELECT $1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::uuid, $6::uuid, $7::uuid[],
			ARRAY[$1::uuid::text, $2::uuid::text, $3::uuid::text, coalesce($4::uuid::text, 'null'), $5::uuid::text, coalesce($6::uuid::text, 'null')] || $7::uuid[]::text[]`,
		one, uuid.Nil, uuid.NullUUID{UUID: two, Valid: true}, uuid.NullUUID{}, &one, (*uuid.UUID)(nil), []uuid.UUID{two, one},
	).Scan(&id, &zero, &there, &missing, &pointer, &none, &list, &text)
	if err != nil {
		t.Fatal(err)
	}
	if id != one || zero != uuid.Nil || there != (uuid.NullUUID{UUID: two, Valid: true}) || missing.Valid || pointer == nil || *pointer != one || none != nil {
		t.Errorf("read %v %v %v %v %v %v", id, zero, there, missing, pointer, none)
	}
	if diff := cmp.Diff([]uuid.UUID{two, one}, list); diff != "" {
		t.Error(diff)
	}
	want := []string{one.String(), uuid.Nil.String(), two.String(), "null", one.String(), "null", two.String(), one.String()}
	if diff := cmp.Diff(want, text); diff != "" {
		t.Error(diff)
	}

	if err := d.Pool().QueryRow(t.Context(), "SELECT NULL::uuid").Scan(&id); err == nil || id != one {
		t.Errorf("NULL was read as the id %v: %v", id, err)
	}
	stale := uuid.NullUUID{UUID: one, Valid: true}
	if err := d.Pool().QueryRow(t.Context(), "SELECT NULL::uuid").Scan(&stale); err != nil || stale != (uuid.NullUUID{}) {
		t.Errorf("NULL was read as %v: %v", stale, err)
	}
}
