package identity_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/trust/identity"
)

func (b bundle) demoSignIn(t *testing.T, name string, roles ...identity.Role) identity.SignIn {
	t.Helper()
	person, _ := b.invite(t, name, roles...)
	return b.signInAgain(t, person.ID, "")
}

func (b bundle) signInAgain(t *testing.T, id uuid.UUID, previous string) identity.SignIn {
	t.Helper()
	link, err := b.LoginLink(t.Context(), admin, id)
	if err != nil {
		t.Fatal(err)
	}
	in, err := b.UseLoginLink(t.Context(), link, previous)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestSessionEndsWhenIdle(t *testing.T) {
	t.Parallel()
	b := setup(t, demo)
	in := b.demoSignIn(t, "Anna", identity.RoleReviewer)

	for range 3 {
		b.clock.Advance(identity.DefaultIdle - time.Second)
		if _, _, err := b.Authenticate(t.Context(), in.Token); err != nil {
			t.Fatalf("in use: %v", err)
		}
	}
	b.clock.Advance(identity.DefaultIdle)
	_, _, err := b.Authenticate(t.Context(), in.Token)
	wantCode(t, err, "session_expired")
	if live, err := b.Sessions(t.Context(), in.Actor); err != nil || len(live) != 0 {
		t.Errorf("listed as live: %v, %v", live, err)
	}
}

func TestSessionEndsAtItsAbsoluteLimitHoweverBusy(t *testing.T) {
	t.Parallel()
	b := setup(t, demo)
	in := b.demoSignIn(t, "Anna", identity.RoleReviewer)

	const step = 10 * time.Minute
	for used := step; used < identity.DefaultAbsolute; used += step {
		b.clock.Advance(step)
		if _, _, err := b.Authenticate(t.Context(), in.Token); err != nil {
			t.Fatalf("after %s: %v", used, err)
		}
	}
	b.clock.Advance(step)
	_, _, err := b.Authenticate(t.Context(), in.Token)
	wantCode(t, err, "session_expired")
}

func TestBusySessionIsNotWrittenOnEveryRequest(t *testing.T) {
	t.Parallel()
	b := setup(t, demo)
	in := b.demoSignIn(t, "Anna", identity.RoleReviewer)

	for range 60 {
		b.clock.Advance(time.Second)
		if _, _, err := b.Authenticate(t.Context(), in.Token); err != nil {
			t.Fatal(err)
		}
	}

	if b.store.touches != 2 {
		t.Errorf("%d writes in a minute of 60 requests, want 2", b.store.touches)
	}
}

func TestSigningInAgainReplacesTheSession(t *testing.T) {
	t.Parallel()
	b := setup(t, demo)
	first := b.demoSignIn(t, "Anna", identity.RoleReviewer)
	ivo := b.demoSignIn(t, "Ivo", identity.RoleReviewer)

	second := b.signInAgain(t, first.Actor.StaffID, first.Token)
	third := b.signInAgain(t, first.Actor.StaffID, ivo.Token)

	_, _, err := b.Authenticate(t.Context(), first.Token)
	wantCode(t, err, "sign_in_required")
	for _, token := range []string{second.Token, third.Token, ivo.Token} {
		if _, _, err := b.Authenticate(t.Context(), token); err != nil {
			t.Errorf("another session ended: %v", err)
		}
	}
}

func TestSessionsAreListedAndRevokedByTheirOwnerOnly(t *testing.T) {
	t.Parallel()
	b := setup(t, demo)
	anna := b.demoSignIn(t, "Anna", identity.RoleReviewer)
	other := b.signInAgain(t, anna.Actor.StaffID, "")
	ivo := b.demoSignIn(t, "Ivo", identity.RoleTreasurer)

	if live, err := b.Sessions(t.Context(), anna.Actor); err != nil || len(live) != 2 {
		t.Errorf("got %d sessions, %v, want 2", len(live), err)
	}
	wantCode(t, b.RevokeSession(t.Context(), ivo.Actor, anna.Session.ID), "session_unknown")
	if err := b.RevokeSession(t.Context(), anna.Actor, other.Session.ID); err != nil {
		t.Fatal(err)
	}

	_, _, err := b.Authenticate(t.Context(), other.Token)
	wantCode(t, err, "sign_in_required")
	if _, _, err := b.Authenticate(t.Context(), anna.Token); err != nil {
		t.Errorf("the wrong session ended: %v", err)
	}
}

func TestRolesAndDisablingTakeEffectAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, demo)
	in := b.demoSignIn(t, "Anna", identity.RoleReviewer)
	_, secret, err := b.CreateToken(t.Context(), in.Actor, "ci", []identity.Permission{identity.PermApplicationRead}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}

	if _, err := b.SetRoles(t.Context(), admin, in.Actor.StaffID, []identity.Role{identity.RoleTreasurer}); err != nil {
		t.Fatal(err)
	}
	actor, _, err := b.Authenticate(t.Context(), in.Token)
	if err != nil || actor.Can(identity.PermApplicationVote) || !actor.Can(identity.PermBatchApprove) {
		t.Errorf("after the change: %+v, %v", actor, err)
	}
	byToken, err := b.AuthenticateToken(t.Context(), secret)
	if err != nil || byToken.Can(identity.PermApplicationRead) {
		t.Errorf("the token outlives the role: %+v, %v", byToken, err)
	}

	if _, err := b.Disable(t.Context(), admin, in.Actor.StaffID); err != nil {
		t.Fatal(err)
	}
	_, _, err = b.Authenticate(t.Context(), in.Token)
	wantCode(t, err, "staff_disabled")
	_, err = b.AuthenticateToken(t.Context(), secret)
	wantCode(t, err, "token_invalid")
	_, err = b.LoginLink(t.Context(), admin, in.Actor.StaffID)
	wantCode(t, err, "staff_disabled")
}

func TestFormTokenIsBoundToItsSession(t *testing.T) {
	t.Parallel()
	b := setup(t, demo)
	anna := b.demoSignIn(t, "Anna", identity.RoleReviewer)
	ivo := b.demoSignIn(t, "Ivo", identity.RoleTreasurer)

	if err := b.CheckFormToken(anna.Session, b.FormToken(anna.Session)); err != nil {
		t.Error(err)
	}
	for _, wrong := range []string{"", "x", b.FormToken(ivo.Session), b.FormToken(anna.Session) + "AA"} {
		wantCode(t, b.CheckFormToken(anna.Session, wrong), "form_token")
	}
	_, session, err := b.Authenticate(t.Context(), anna.Token)
	if err != nil || b.FormToken(session) != b.FormToken(anna.Session) {
		t.Errorf("the form token changes from request to request: %v", err)
	}
}

func TestTokenScopesAndLife(t *testing.T) {
	t.Parallel()
	b := setup(t, demo)
	in := b.demoSignIn(t, "Ivo", identity.RoleTreasurer)
	token, secret, err := b.CreateToken(t.Context(), in.Actor, "report", []identity.Permission{identity.PermBatchRead}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}

	actor, err := b.AuthenticateToken(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range identity.Permissions() {
		if want := p == identity.PermBatchRead || p == identity.PermPublic; actor.Can(p) != want {
			t.Errorf("token can %s: %t, want %t", p, actor.Can(p), want)
		}
	}
	_, _, err = b.CreateToken(t.Context(), actor, "more", []identity.Permission{identity.PermBatchRead}, time.Hour)
	wantCode(t, err, "not_permitted")

	b.clock.Advance(time.Hour)
	_, err = b.AuthenticateToken(t.Context(), secret)
	wantCode(t, err, "token_invalid")
	if all, err := b.Tokens(t.Context(), in.Actor); err != nil || len(all) != 1 || all[0].ID != token.ID {
		t.Errorf("listed %v, %v", all, err)
	}
}

func TestRevokedTokenIsDeadAndOthersCannotRevokeIt(t *testing.T) {
	t.Parallel()
	b := setup(t, demo)
	ivo := b.demoSignIn(t, "Ivo", identity.RoleTreasurer)
	anna := b.demoSignIn(t, "Anna", identity.RoleReviewer)
	token, secret, err := b.CreateToken(t.Context(), ivo.Actor, "report", []identity.Permission{identity.PermBatchRead}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}

	wantCode(t, failure(b.RevokeToken(t.Context(), anna.Actor, token.ID)), "token_unknown")
	if _, err := b.AuthenticateToken(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	if _, err := b.RevokeToken(t.Context(), ivo.Actor, token.ID); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{secret, secret[:len(secret)-1], ivo.Token, ""} {
		_, err = b.AuthenticateToken(t.Context(), wrong)
		wantCode(t, err, "token_invalid")
	}
}

func TestTokenThatAsksTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		name   string
		scopes []identity.Permission
		life   time.Duration
	}{
		"no name":              {"  ", []identity.Permission{identity.PermBatchRead}, time.Hour},
		"unprintable name":     {"a\u202eb", []identity.Permission{identity.PermBatchRead}, time.Hour},
		"no scope":             {"x", nil, time.Hour},
		"another role's scope": {"x", []identity.Permission{identity.PermApplicationVote}, time.Hour},
		"makes tokens":         {"x", []identity.Permission{identity.PermTokenManage}, time.Hour},
		"unknown scope":        {"x", []identity.Permission{"everything"}, time.Hour},
		"no end":               {"x", []identity.Permission{identity.PermBatchRead}, 0},
		"too long":             {"x", []identity.Permission{identity.PermBatchRead}, identity.MaxTokenLife + 1},
	}
	b := setup(t, demo)
	in := b.demoSignIn(t, "Ivo", identity.RoleTreasurer)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := b.CreateToken(t.Context(), in.Actor, tt.name, tt.scopes, tt.life)
			wantCode(t, err, "invalid_fields")
		})
	}
}

// failure drops what a call returns beside its error.
func failure[T any](_ T, err error) error { return err }
