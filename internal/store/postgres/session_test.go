package postgres_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// session returns a session of staff whose secret is "session <name>".
func session(staff uuid.UUID, name string) identity.Session {
	return identity.Session{
		ID: uuid.New(), Hash: hash("session " + name), StaffID: staff, Method: identity.MethodPasskey,
		CreatedAt: epoch, LastSeenAt: epoch, ExpiresAt: epoch.Add(12 * time.Hour),
	}
}

func token(staff uuid.UUID, name string) identity.Token {
	return identity.Token{
		ID: uuid.New(), Hash: hash("token " + name), StaffID: staff, Name: name,
		Scopes:    []identity.Permission{identity.PermBatchRead, identity.PermGrantRead},
		CreatedAt: epoch, ExpiresAt: epoch.Add(24 * time.Hour),
	}
}

func passkey(staff uuid.UUID, name string) identity.Credential {
	return identity.Credential{ID: []byte(name), StaffID: staff, Label: name, Record: []byte(`{"counter": 0}`), CreatedAt: epoch}
}

func TestOpenSessionWritesAllOfIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ann, link := d.hire(t, "Ann", identity.RoleReviewer)
	bob, _ := d.hire(t, "Bob", identity.RoleAdmin)
	key, first, bobs := passkey(ann.ID, "key"), session(ann.ID, "first"), session(bob.ID, "bobs")
	wantCode(t, d.OpenSession(t.Context(), by("staff.signed_in"), identity.Opening{Session: bobs}), "")

	// Enrolment: link and new passkey; what it says it replaces is another's.
	err := d.OpenSession(t.Context(), by("staff.passkey_enrolled"), identity.Opening{Session: first, LinkHash: &link.Hash, NewCredential: &key, Replaces: &bobs.Hash})
	wantCode(t, err, "")
	got, owner, err := d.SessionByHash(t.Context(), first.Hash)
	same(t, first, got, err)
	same(t, ann, owner, err)
	stored, owner, err := d.CredentialByID(t.Context(), key.ID)
	same(t, key, stored, err)
	same(t, ann, owner, err)
	used, _, err := d.LinkByHash(t.Context(), link.Hash)
	same(t, &first.CreatedAt, used.UsedAt, err)
	got, _, err = d.SessionByHash(t.Context(), bobs.Hash)
	same(t, bobs, got, err)

	// Sign-in with that passkey, in place of the first session.
	second := session(ann.ID, "second")
	second.CreatedAt, second.LastSeenAt = epoch.Add(time.Minute), epoch.Add(time.Minute)
	key.Record, key.LastUsedAt = []byte(`{"counter": 1}`), &second.CreatedAt
	wantCode(t, d.OpenSession(t.Context(), by("staff.signed_in"), identity.Opening{Session: second, UsedCredential: &key, Replaces: &first.Hash}), "")
	keys, err := d.Credentials(t.Context(), ann.ID)
	same(t, []identity.Credential{key}, keys, err)
	got, _, err = d.SessionByHash(t.Context(), first.Hash)
	same(t, &second.CreatedAt, got.RevokedAt, err)
	same(t, []string{"staff.invited", "staff.invited", "staff.signed_in", "staff.passkey_enrolled", "staff.signed_in"}, d.actions(t), nil)
}

func TestLinkOpensOneSession(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ann, link := d.hire(t, "Ann", identity.RoleReviewer)
	const racers = 8
	results := make(chan error, racers)
	var wg sync.WaitGroup
	for i := range racers {
		wg.Go(func() {
			results <- d.OpenSession(t.Context(), by("staff.signed_in"), identity.Opening{Session: session(ann.ID, fmt.Sprint(i)), LinkHash: &link.Hash})
		})
	}
	wg.Wait()
	close(results)

	oneWins(t, results, "link_used")
	sessions, err := d.ListSessions(t.Context(), ann.ID, epoch)
	if err != nil || len(sessions) != 1 {
		t.Errorf("%d sessions, %v, want 1", len(sessions), err)
	}
	same(t, []string{"staff.invited", "staff.signed_in"}, d.actions(t), nil)
}

func TestPasskeyIsEnrolledOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const racers = 4
	results := make(chan error, racers)
	var wg sync.WaitGroup
	for i := range racers {
		p, link := d.hire(t, fmt.Sprint("Person ", i), identity.RoleReviewer)
		key := passkey(p.ID, "the same")
		wg.Go(func() {
			results <- d.OpenSession(t.Context(), by("staff.passkey_enrolled"), identity.Opening{Session: session(p.ID, p.Name), LinkHash: &link.Hash, NewCredential: &key})
		})
	}
	wg.Wait()
	close(results)

	oneWins(t, results, "credential_known")
}

func TestExpiredLinkOpensNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ann, link := d.hire(t, "Ann", identity.RoleReviewer)
	late := session(ann.ID, "late")
	late.CreatedAt = link.ExpiresAt
	inTime := session(ann.ID, "in time")
	inTime.CreatedAt = link.ExpiresAt.Add(-time.Microsecond)

	wantCode(t, d.OpenSession(t.Context(), by("staff.signed_in"), identity.Opening{Session: late, LinkHash: &link.Hash}), "link_used")
	wantCode(t, d.OpenSession(t.Context(), by("staff.signed_in"), identity.Opening{Session: inTime, LinkHash: &link.Hash}), "")
}

func TestDisabledPersonOpensNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ann, link := d.hire(t, "Ann", identity.RoleReviewer)
	d.dismiss(t, ann.ID)

	wantCode(t, d.OpenSession(t.Context(), by("staff.signed_in"), identity.Opening{Session: session(ann.ID, "x"), LinkHash: &link.Hash}), "staff_disabled")

	kept, _, err := d.LinkByHash(t.Context(), link.Hash)
	at := epoch.Add(time.Minute)
	link.UsedAt = &at
	same(t, link, kept, err)
}

// TestAnOlderInvitationEndsWithTheOneThatIsUsed: a link that was lost in a mailbox
// must not enrol a second key.
func TestAnOlderInvitationEndsWithTheOneThatIsUsed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ann, first := d.hire(t, "Ann", identity.RoleReviewer)
	_, bobs := d.hire(t, "Bob", identity.RoleReviewer)
	second := invite(ann.ID)
	wantCode(t, d.AddLink(t.Context(), by("staff.reinvited"), second), "")

	wantCode(t, d.OpenSession(t.Context(), by("staff.signed_in"), identity.Opening{Session: session(ann.ID, "x"), LinkHash: &second.Hash}), "")

	wantCode(t, d.OpenSession(t.Context(), by("staff.signed_in"), identity.Opening{Session: session(ann.ID, "y"), LinkHash: &first.Hash}), "link_used")
	other, _, err := d.LinkByHash(t.Context(), bobs.Hash)
	same(t, bobs, other, err)
}

// TestEnablingRevivesNothing: whoever comes back signs in anew. A session, token or
// link from before would otherwise work again for whoever holds it.
func TestEnablingRevivesNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ann, link := d.hire(t, "Ann", identity.RoleReviewer)
	x, tok := session(ann.ID, "x"), token(ann.ID, "x")
	wantCode(t, d.OpenSession(t.Context(), by("staff.signed_in"), identity.Opening{Session: x}), "")
	wantCode(t, d.AddToken(t.Context(), by("token.created"), tok), "")
	d.dismiss(t, ann.ID)

	_, err := d.UpdateStaff(t.Context(), by("staff.enabled"), ann.ID, func(p *identity.Staff) error {
		p.DisabledAt = nil
		return nil
	})

	wantCode(t, err, "")
	gotSession, _, err := d.SessionByHash(t.Context(), x.Hash)
	if err != nil || gotSession.RevokedAt == nil {
		t.Errorf("session: %+v, %v", gotSession, err)
	}
	gotToken, _, err := d.TokenByHash(t.Context(), tok.Hash)
	if err != nil || gotToken.RevokedAt == nil {
		t.Errorf("token: %+v, %v", gotToken, err)
	}
	gotLink, _, err := d.LinkByHash(t.Context(), link.Hash)
	if err != nil || gotLink.UsedAt == nil {
		t.Errorf("link: %+v, %v", gotLink, err)
	}
}

func TestTheNameOfWhoLeftIsFree(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ann, _ := d.hire(t, "Ann", identity.RoleReviewer)
	d.dismiss(t, ann.ID)

	d.hire(t, "Ann", identity.RoleTreasurer)

	_, err := d.UpdateStaff(t.Context(), by("staff.enabled"), ann.ID, func(p *identity.Staff) error {
		p.DisabledAt = nil
		return nil
	})
	wantCode(t, err, "staff_name_taken")
}

// TestDisablingWhileSigningIn: the sign-in that waits for the disabling sees it.
func TestDisablingWhileSigningIn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ann, _ := d.hire(t, "Ann", identity.RoleReviewer)
	locked, waiting, disabled := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		_, err := d.UpdateStaff(t.Context(), by("staff.disabled"), ann.ID, func(p *identity.Staff) error {
			close(locked)
			<-waiting
			at := epoch
			p.DisabledAt = &at
			return nil
		})
		disabled <- err
	}()
	<-locked
	go func() {
		d.awaitBlocked(t)
		close(waiting)
	}()

	err := d.OpenSession(t.Context(), by("staff.signed_in"), identity.Opening{Session: session(ann.ID, "x")})

	wantCode(t, err, "staff_disabled")
	wantCode(t, <-disabled, "")
}

func TestTouchMovesForwardOnly(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ann, _ := d.hire(t, "Ann", identity.RoleReviewer)
	x, tok := session(ann.ID, "x"), token(ann.ID, "x")
	wantCode(t, d.OpenSession(t.Context(), by("staff.signed_in"), identity.Opening{Session: x}), "")
	wantCode(t, d.AddToken(t.Context(), by("token.created"), tok), "")
	later, end := epoch.Add(time.Hour), x.ExpiresAt
	seen := func() time.Time {
		got, _, err := d.SessionByHash(t.Context(), x.Hash)
		wantCode(t, err, "")
		return got.LastSeenAt
	}

	for _, at := range []time.Time{later, epoch.Add(time.Minute), end} {
		wantCode(t, d.TouchSession(t.Context(), x.ID, at), "")
		same(t, later, seen(), nil)
	}
	wantCode(t, d.RevokeSession(t.Context(), by("session.revoked"), ann.ID, x.ID), "")
	wantCode(t, d.TouchSession(t.Context(), x.ID, later.Add(time.Hour)), "")
	same(t, later, seen(), nil)
	wantCode(t, d.TouchSession(t.Context(), uuid.New(), later), "")

	for _, at := range []time.Time{later, epoch} {
		wantCode(t, d.TouchToken(t.Context(), tok.ID, at), "")
		got, _, err := d.TokenByHash(t.Context(), tok.Hash)
		same(t, &later, got.LastUsedAt, err)
	}
}

func TestSessionsListAndRevoke(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ann, _ := d.hire(t, "Ann", identity.RoleReviewer)
	bob, _ := d.hire(t, "Bob", identity.RoleAdmin)
	older, newer, short, bobs := session(ann.ID, "older"), session(ann.ID, "newer"), session(ann.ID, "short"), session(bob.ID, "bobs")
	newer.CreatedAt = epoch.Add(time.Minute)
	short.ExpiresAt = epoch.Add(time.Hour)
	for _, x := range []identity.Session{older, newer, short, bobs} {
		wantCode(t, d.OpenSession(t.Context(), by("staff.signed_in"), identity.Opening{Session: x}), "")
	}

	got, err := d.ListSessions(t.Context(), ann.ID, short.ExpiresAt.Add(-time.Second))
	if err != nil || len(got) != 3 {
		t.Errorf("%d sessions, %v, want 3", len(got), err)
	}
	got, err = d.ListSessions(t.Context(), ann.ID, short.ExpiresAt)
	same(t, []identity.Session{newer, older}, got, err)
	first, second := by("session.revoked"), by("session.revoked")
	second.At = epoch.Add(time.Hour)
	wantCode(t, d.RevokeSession(t.Context(), first, ann.ID, newer.ID), "")
	wantCode(t, d.RevokeSession(t.Context(), second, ann.ID, newer.ID), "")
	got, err = d.ListSessions(t.Context(), ann.ID, short.ExpiresAt)
	same(t, []identity.Session{older}, got, err)
	dead, _, err := d.SessionByHash(t.Context(), newer.Hash)
	same(t, &first.At, dead.RevokedAt, err)
}

func TestTokensListAndRevoke(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ann, _ := d.hire(t, "Ann", identity.RoleTreasurer)
	bob, _ := d.hire(t, "Bob", identity.RoleAuditor)
	older, newer, bobs := token(ann.ID, "older"), token(ann.ID, "newer"), token(bob.ID, "bobs")
	newer.CreatedAt, newer.Scopes = epoch.Add(time.Minute), nil
	for _, x := range []identity.Token{older, newer, bobs} {
		wantCode(t, d.AddToken(t.Context(), by("token.created"), x), "")
	}

	got, err := d.ListTokens(t.Context(), ann.ID)
	same(t, []identity.Token{newer, older}, got, err)
	first, second := by("token.revoked"), by("token.revoked")
	second.At = epoch.Add(time.Hour)
	wantCode(t, d.RevokeToken(t.Context(), first, ann.ID, older.ID), "")
	wantCode(t, d.RevokeToken(t.Context(), second, ann.ID, older.ID), "")
	older.RevokedAt = &first.At
	dead, owner, err := d.TokenByHash(t.Context(), older.Hash)
	same(t, older, dead, err)
	same(t, ann, owner, err)
	got, err = d.ListTokens(t.Context(), ann.ID)
	same(t, []identity.Token{newer, older}, got, err)
}

func TestMoreLinksForOnePerson(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ann, link := d.hire(t, "Ann", identity.RoleReviewer)
	login := invite(ann.ID)
	login.Purpose = identity.LinkLogin

	wantCode(t, d.AddLink(t.Context(), by("staff.login_link"), login), "")

	got, _, err := d.LinkByHash(t.Context(), login.Hash)
	same(t, login, got, err)
	got, _, err = d.LinkByHash(t.Context(), link.Hash)
	same(t, link, got, err)
}
