package postgres_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// desk is an identity store, as causeway_app, and what tests need around it.
type desk struct {
	postgres.IdentityStore
	owner *postgres.DB
}

func newDesk(t *testing.T) desk {
	t.Helper()
	base := pgtest.New(t)
	return desk{IdentityStore: postgres.IdentityStore{DB: open(t, base.AppURL)}, owner: open(t, base.URL)}
}

// by returns a change as the store is given it.
func by(action string) identity.Change {
	return identity.Change{By: identity.System("admin-cli"), Action: action, ObjectKind: "staff", ObjectID: uuid.NewString(), At: epoch}
}

func hash(secret string) identity.Hash { return sha256.Sum256([]byte(secret)) }

func invite(staff uuid.UUID) identity.Link {
	id := uuid.New()
	return identity.Link{ID: id, Hash: hash(id.String()), Purpose: identity.LinkInvite, StaffID: staff, CreatedAt: epoch, ExpiresAt: epoch.Add(time.Hour)}
}

// hire stores a person with these roles and returns them with their invite.
func (d desk) hire(t *testing.T, name string, roles ...identity.Role) (identity.Staff, identity.Link) {
	t.Helper()
	p := identity.Staff{ID: uuid.New(), Name: name, Roles: roles, CreatedAt: epoch}
	l := invite(p.ID)
	wantCode(t, d.CreateStaff(t.Context(), by("staff.invited"), p, l), "")
	return p, l
}

func (d desk) dismiss(t *testing.T, id uuid.UUID) {
	t.Helper()
	_, err := d.UpdateStaff(t.Context(), by("staff.disabled"), id, func(p *identity.Staff) error {
		at := epoch.Add(time.Minute)
		p.DisabledAt = &at
		return nil
	})
	wantCode(t, err, "")
}

// actions returns the actions of the audit log, in order.
func (d desk) actions(t *testing.T) []string {
	t.Helper()
	leaves, err := postgres.AuditStore{DB: d.DB}.AuditLeaves(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	all := make([]string, len(leaves))
	for i, b := range leaves {
		leaf, err := audit.ParseLeaf(b)
		if err != nil {
			t.Fatal(err)
		}
		all[i] = leaf.Action
	}
	return all
}

// same fails t unless got equals want.
func same[T any](t *testing.T, want, got T, err error) {
	t.Helper()
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("error %v, difference:\n%s", err, diff)
	}
}

func TestStaffComeBackAsStored(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ann, link := d.hire(t, "Ann", identity.RoleReviewer, identity.RoleTreasurer)
	bob := identity.Staff{ID: uuid.New(), Name: "Bob", Roles: []identity.Role{identity.RoleAdmin}, CreatedAt: epoch.Add(-time.Hour)}
	wantCode(t, d.CreateStaff(t.Context(), by("staff.invited"), bob, invite(bob.ID)), "")

	got, err := d.Staff(t.Context(), ann.ID)
	same(t, ann, got, err)
	all, err := d.ListStaff(t.Context())
	same(t, []identity.Staff{bob, ann}, all, err)
	gotLink, owner, err := d.LinkByHash(t.Context(), link.Hash)
	same(t, link, gotLink, err)
	same(t, ann, owner, err)
	same(t, []string{"staff.invited", "staff.invited"}, d.actions(t), nil)
}

func TestUpdateStaff(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ann, _ := d.hire(t, "Ann", identity.RoleReviewer, identity.RoleTreasurer)
	at := epoch.Add(time.Minute)
	want := identity.Staff{ID: ann.ID, Name: "Anna", Roles: []identity.Role{identity.RoleTreasurer, identity.RoleAuditor}, CreatedAt: epoch, DisabledAt: &at}

	got, err := d.UpdateStaff(t.Context(), by("staff.roles_set"), ann.ID, func(p *identity.Staff) error {
		same(t, ann, *p, nil)
		p.Name, p.DisabledAt = "Anna", &at
		p.Roles = []identity.Role{identity.RoleAuditor, identity.RoleTreasurer}
		return nil
	})
	same(t, want, got, err)
	again, err := d.Staff(t.Context(), ann.ID)
	same(t, want, again, err)
	same(t, []string{"staff.invited", "staff.roles_set"}, d.actions(t), nil)
}

func TestRefusedUpdateChangesNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ann, _ := d.hire(t, "Ann", identity.RoleReviewer)
	refused := errors.New("refused")

	_, err := d.UpdateStaff(t.Context(), by("staff.disabled"), ann.ID, func(p *identity.Staff) error {
		p.Name, p.Roles = "Eve", nil
		return refused
	})

	if !errors.Is(err, refused) {
		t.Errorf("got %v, want the function's error", err)
	}
	got, err := d.Staff(t.Context(), ann.ID)
	same(t, ann, got, err)
	same(t, []string{"staff.invited"}, d.actions(t), nil)
}

// TestRacingUpdatesKeepEachOther: one adds a role, the other disables; whoever
// waits for the lock must not write back what it saw before.
func TestRacingUpdatesKeepEachOther(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ann, _ := d.hire(t, "Ann", identity.RoleReviewer)
	locked, waiting := make(chan struct{}), make(chan struct{})
	other := make(chan error)

	go func() {
		once := sync.OnceFunc(func() { close(locked) })
		_, err := d.UpdateStaff(t.Context(), by("staff.roles_set"), ann.ID, func(p *identity.Staff) error {
			once()
			<-waiting
			p.Roles = append(p.Roles, identity.RoleAuditor)
			return nil
		})
		other <- err
	}()
	<-locked
	go func() {
		d.awaitBlocked(t)
		close(waiting)
	}()
	d.dismiss(t, ann.ID)
	wantCode(t, <-other, "")

	got, err := d.Staff(t.Context(), ann.ID)
	if err != nil || got.DisabledAt == nil || !slices.Equal(got.Roles, []identity.Role{identity.RoleReviewer, identity.RoleAuditor}) {
		t.Errorf("got %+v, %v: one change overwrote the other", got, err)
	}
}

// awaitBlocked returns when a session waits for a lock of another one.
func (d desk) awaitBlocked(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		var n int
		err := d.owner.Pool().QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0`).Scan(&n)
		if err != nil {
			t.Errorf("nobody waited for the lock: %v", err)
			return
		}
		if n > 0 {
			return
		}
		<-tick.C
	}
}

func TestDocumentedErrors(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ann, _ := d.hire(t, "Ann", identity.RoleReviewer)
	bob, bobsLink := d.hire(t, "Bob", identity.RoleAdmin)
	annsSession, annsToken := session(ann.ID, "ann"), token(ann.ID, "ann")
	bobsKey := passkey(bob.ID, "bob")
	wantCode(t, d.OpenSession(t.Context(), by("staff.signed_in"), identity.Opening{Session: annsSession}), "")
	wantCode(t, d.AddToken(t.Context(), by("token.created"), annsToken), "")
	wantCode(t, d.OpenSession(t.Context(), by("staff.signed_in"), identity.Opening{Session: session(bob.ID, "bob"), NewCredential: &bobsKey}), "")
	ctx, before := t.Context(), d.actions(t)
	nobody, unknown := uuid.New(), hash("unknown")
	absent, bobs, strange := passkey(ann.ID, "absent"), bobsLink.Hash, session(nobody, "x")
	stolen := passkey(bob.ID, "bob")
	stolen.StaffID = ann.ID

	tests := []struct {
		name, code string
		kind       errs.Kind
		do         func() error
	}{
		{"name taken", "staff_name_taken", errs.Conflict, func() error {
			p := identity.Staff{ID: uuid.New(), Name: "Ann", Roles: ann.Roles, CreatedAt: epoch}
			return d.CreateStaff(ctx, by("staff.invited"), p, invite(p.ID))
		}},
		{"rename to a taken name", "staff_name_taken", errs.Conflict, func() error {
			_, err := d.UpdateStaff(ctx, by("staff.renamed"), bob.ID, func(p *identity.Staff) error { p.Name = "Ann"; return nil })
			return err
		}},
		{"update nobody", "staff_not_found", errs.NotFound, func() error {
			_, err := d.UpdateStaff(ctx, by("staff.disabled"), nobody, func(*identity.Staff) error { return nil })
			return err
		}},
		{"read nobody", "staff_not_found", errs.NotFound, func() error { _, err := d.Staff(ctx, nobody); return err }},
		{"link for nobody", "staff_not_found", errs.NotFound, func() error { return d.AddLink(ctx, by("staff.reinvited"), invite(nobody)) }},
		{"token for nobody", "staff_not_found", errs.NotFound, func() error { return d.AddToken(ctx, by("token.created"), token(nobody, "x")) }},
		{"session for nobody", "staff_not_found", errs.NotFound, func() error {
			return d.OpenSession(ctx, by("staff.signed_in"), identity.Opening{Session: strange})
		}},
		{"unknown link", "link_unknown", errs.NotFound, func() error { _, _, err := d.LinkByHash(ctx, unknown); return err }},
		{"unknown ceremony", "ceremony_unknown", errs.NotFound, func() error { _, err := d.TakeCeremony(ctx, unknown); return err }},
		{"unknown passkey", "credential_unknown", errs.NotFound, func() error { _, _, err := d.CredentialByID(ctx, []byte("absent")); return err }},
		{"unknown session", "session_unknown", errs.NotFound, func() error { _, _, err := d.SessionByHash(ctx, unknown); return err }},
		{"unknown token", "token_unknown", errs.NotFound, func() error { _, _, err := d.TokenByHash(ctx, unknown); return err }},
		{"revoke no session", "session_unknown", errs.NotFound, func() error { return d.RevokeSession(ctx, by("session.revoked"), ann.ID, nobody) }},
		{"revoke another's session", "session_unknown", errs.NotFound, func() error {
			return d.RevokeSession(ctx, by("session.revoked"), bob.ID, annsSession.ID)
		}},
		{"revoke no token", "token_unknown", errs.NotFound, func() error { return d.RevokeToken(ctx, by("token.revoked"), ann.ID, nobody) }},
		{"revoke another's token", "token_unknown", errs.NotFound, func() error { return d.RevokeToken(ctx, by("token.revoked"), bob.ID, annsToken.ID) }},
		{"open with an unknown link", "link_used", errs.Conflict, func() error {
			return d.OpenSession(ctx, by("staff.signed_in"), identity.Opening{Session: session(ann.ID, "x"), LinkHash: &unknown})
		}},
		{"open with another's link", "link_used", errs.Conflict, func() error {
			return d.OpenSession(ctx, by("staff.signed_in"), identity.Opening{Session: session(ann.ID, "x"), LinkHash: &bobs})
		}},
		{"enrol a known passkey", "credential_known", errs.Conflict, func() error {
			return d.OpenSession(ctx, by("staff.signed_in"), identity.Opening{Session: session(ann.ID, "x"), NewCredential: &stolen})
		}},
		{"use an absent passkey", "credential_unknown", errs.NotFound, func() error {
			return d.OpenSession(ctx, by("staff.signed_in"), identity.Opening{Session: session(ann.ID, "x"), UsedCredential: &absent})
		}},
		{"use another's passkey", "credential_unknown", errs.NotFound, func() error {
			return d.OpenSession(ctx, by("staff.signed_in"), identity.Opening{Session: session(ann.ID, "x"), UsedCredential: &bobsKey})
		}},
		{"enrol for somebody else", "internal", errs.Internal, func() error {
			other := passkey(bob.ID, "other")
			err := d.OpenSession(ctx, by("staff.signed_in"), identity.Opening{Session: session(ann.ID, "x"), NewCredential: &other})
			return errs.Wrap(err, errs.KindOf(err), errs.CodeOf(err), "as the edge sees it")
		}},
	}
	for _, test := range tests {
		err := test.do()
		if !errs.Is(err, errs.Code(test.code)) || errs.KindOf(err) != test.kind {
			t.Errorf("%s: got %v, want %s %s", test.name, err, test.kind, test.code)
		}
	}
	same(t, before, d.actions(t), nil)
	if _, _, err := d.SessionByHash(ctx, hash("session x")); !errs.Is(err, "session_unknown") {
		t.Errorf("a refused opening left a session: %v", err)
	}
	kept, _, err := d.LinkByHash(ctx, bobsLink.Hash)
	same(t, bobsLink, kept, err)
}

func TestCeremonyIsTakenOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ann, _ := d.hire(t, "Ann", identity.RoleReviewer)
	enrol := identity.Ceremony{Hash: hash("enrol"), Kind: identity.CeremonyEnrol, StaffID: ann.ID, State: []byte(`{"challenge": "abc"}`), ExpiresAt: epoch}
	login := identity.Ceremony{Hash: hash("login"), Kind: identity.CeremonyLogin, State: []byte(`{}`), ExpiresAt: epoch}
	wantCode(t, d.PutCeremony(t.Context(), enrol), "")
	wantCode(t, d.PutCeremony(t.Context(), login), "")
	const racers = 6
	taken := make(chan error, racers)
	var wg sync.WaitGroup
	for range racers {
		wg.Go(func() {
			got, err := d.TakeCeremony(t.Context(), enrol.Hash)
			if err == nil {
				same(t, enrol, got, err)
			}
			taken <- err
		})
	}
	wg.Wait()
	close(taken)

	oneWins(t, taken, "ceremony_unknown")
	got, err := d.TakeCeremony(t.Context(), login.Hash)
	same(t, login, got, err)
}

// oneWins wants one nil and the code otherwise.
func oneWins(t *testing.T, results <-chan error, code string) {
	t.Helper()
	won := 0
	for err := range results {
		switch {
		case err == nil:
			won++
		case !errs.Is(err, errs.Code(code)):
			t.Errorf("a loser got %v, want %s", err, code)
		}
	}
	if won != 1 {
		t.Errorf("%d won, want 1", won)
	}
}

func TestOldCeremoniesAreDeleted(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	put := func(name string, ends time.Time) identity.Hash {
		h := hash(name)
		wantCode(t, d.PutCeremony(t.Context(), identity.Ceremony{Hash: h, Kind: identity.CeremonyLogin, State: []byte(`{}`), ExpiresAt: ends}), "")
		return h
	}
	old, recent := put("old", epoch), put("recent", epoch.Add(30*time.Minute))

	put("new", epoch.Add(time.Hour+time.Second))

	_, err := d.TakeCeremony(t.Context(), old)
	wantCode(t, err, "ceremony_unknown")
	_, err = d.TakeCeremony(t.Context(), recent)
	wantCode(t, err, "")
}
