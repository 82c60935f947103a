package identity

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
)

// BeginLogin begins a sign-in with a discoverable passkey: the browser offers
// those that it has, so no name is asked for and none is given away.
func (s *Service) BeginLogin(ctx context.Context) (Challenge, error) {
	assertion, state, err := s.webauthn.BeginDiscoverableLogin()
	if err != nil {
		return Challenge{}, fmt.Errorf("begin passkey sign-in: %w", err)
	}
	return s.putCeremony(ctx, CeremonyLogin, uuid.Nil, assertion, state)
}

// FinishLogin checks the browser's answer and opens a session. previous is the
// session token that the browser holds until now, or empty; that session ends.
// Unauthenticated "passkey_refused", Forbidden "staff_disabled".
func (s *Service) FinishLogin(ctx context.Context, ceremony string, answer []byte, previous string) (SignIn, error) {
	state, err := s.takeCeremony(ctx, CeremonyLogin, uuid.Nil, ceremony)
	if err != nil {
		return SignIn{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return SignIn{}, errPasskey(err)
	}
	credential, person, err := s.cfg.Store.CredentialByID(ctx, parsed.RawID)
	if errs.Is(err, CodeCredentialUnknown) {
		return SignIn{}, errPasskey(err)
	}
	if err != nil {
		return SignIn{}, fmt.Errorf("read passkey: %w", err)
	}
	known, err := decodeRecord(credential)
	if err != nil {
		return SignIn{}, err
	}
	// The library compares the answer's user handle with this person's.
	owner := func(_, _ []byte) (webauthn.User, error) {
		return passkeyUser{staff: person, credentials: []webauthn.Credential{known}}, nil
	}
	used, err := s.webauthn.ValidateDiscoverableLogin(owner, state, parsed)
	if err != nil {
		return SignIn{}, errPasskey(err)
	}
	if used.Authenticator.CloneWarning {
		return SignIn{}, errPasskey(
			fmt.Errorf("signature counter of a passkey of %s went back: it may have been copied", person.ID),
		)
	}
	if credential.Record, err = json.Marshal(used); err != nil {
		return SignIn{}, fmt.Errorf("encode passkey: %w", err)
	}
	now := s.now()
	credential.LastUsedAt = &now
	return s.openSession(
		ctx,
		person,
		MethodPasskey,
		"staff.signed_in",
		Opening{UsedCredential: &credential, Replaces: hashOf(previous)},
	)
}

// UseLoginLink consumes a sign-in link and opens a session; previous as in
// FinishLogin. Forbidden "login_links_off" outside a demo, else errors of
// BeginEnrol.
func (s *Service) UseLoginLink(ctx context.Context, token, previous string) (SignIn, error) {
	if !s.cfg.AllowLoginLinks {
		return SignIn{}, errLoginLinksOff()
	}
	person, err := s.openLink(ctx, token, LinkLogin)
	if err != nil {
		return SignIn{}, err
	}
	return s.openSession(
		ctx,
		person,
		MethodLink,
		"staff.signed_in",
		Opening{LinkHash: hashOf(token), Replaces: hashOf(previous)},
	)
}

// Authenticate returns who holds a session token, with the roles of this moment,
// and counts as use of the session. Unauthenticated "sign_in_required" for an
// unknown or ended session and "session_expired" for one past a limit; Forbidden
// "staff_disabled".
func (s *Service) Authenticate(ctx context.Context, token string) (Actor, Session, error) {
	if token == "" {
		return Actor{}, Session{}, errSignIn()
	}
	session, person, err := s.cfg.Store.SessionByHash(ctx, HashSecret(token))
	if errs.Is(err, CodeSessionUnknown) {
		return Actor{}, Session{}, errSignIn()
	}
	if err != nil {
		return Actor{}, Session{}, fmt.Errorf("read session: %w", err)
	}
	now := s.now()
	switch {
	case session.RevokedAt != nil:
		return Actor{}, Session{}, errSignIn()
	case !now.Before(session.ExpiresAt), now.Sub(session.LastSeenAt) >= s.cfg.Idle:
		return Actor{}, Session{}, errSessionExpired()
	case person.DisabledAt != nil:
		return Actor{}, Session{}, StoreError(CodeStaffDisabled)
	}
	if now.Sub(session.LastSeenAt) >= min(touchEvery, s.cfg.Idle/4) {
		if err := s.cfg.Store.TouchSession(ctx, session.ID, now); err != nil {
			return Actor{}, Session{}, fmt.Errorf("touch session: %w", err)
		}
		session.LastSeenAt = now
	}
	actor := staffActor(person)
	actor.SessionID = session.ID
	return actor, session, nil
}

// Logout ends the session that the actor is using.
func (s *Service) Logout(ctx context.Context, by Actor) error {
	return s.RevokeSession(ctx, by, by.SessionID)
}

// Sessions returns the actor's live sessions, newest first.
func (s *Service) Sessions(ctx context.Context, by Actor) ([]Session, error) {
	if err := by.Require(PermSessionManage); err != nil {
		return nil, err
	}
	now := s.now()
	all, err := s.cfg.Store.ListSessions(ctx, by.StaffID, now)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return slices.DeleteFunc(all, func(x Session) bool { return now.Sub(x.LastSeenAt) >= s.cfg.Idle }), nil
}

// RevokeSession ends one of the actor's own sessions. NotFound
// "session_unknown".
func (s *Service) RevokeSession(ctx context.Context, by Actor, id uuid.UUID) error {
	if err := by.Require(PermSessionManage); err != nil {
		return err
	}
	c := Change{By: by, Action: "session.revoked", ObjectKind: "session", ObjectID: id.String(), At: s.now()}
	return s.cfg.Store.RevokeSession(ctx, c, by.StaffID, id)
}

// FormToken returns the token that every form of a session carries (CSRF). It is
// bound to the session and tells nothing about its secret.
func (s *Service) FormToken(session Session) string {
	return base64.RawURLEncoding.EncodeToString(s.formMAC(session))
}

// CheckFormToken returns nil for the session's FormToken and Forbidden
// "form_token" for anything else.
func (s *Service) CheckFormToken(session Session, token string) error {
	got, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || !hmac.Equal(got, s.formMAC(session)) {
		return errs.New(
			errs.Forbidden,
			CodeFormToken,
			"This form is out of date. Load the page again and send it once more; nothing was changed.",
		)
	}
	return nil
}

func (s *Service) formMAC(session Session) []byte {
	return mac(s.cfg.CSRFKey, "causeway/form-token/v1", session.Hash[:])
}

// openSession completes o with a new session and writes it all at once. Its
// secret is always new, so what a browser held before it signed in is worthless.
func (s *Service) openSession(
	ctx context.Context,
	person Staff,
	method Method,
	action string,
	o Opening,
) (SignIn, error) {
	if person.DisabledAt != nil {
		return SignIn{}, StoreError(CodeStaffDisabled)
	}
	id, err := s.newID()
	if err != nil {
		return SignIn{}, fmt.Errorf("make session id: %w", err)
	}
	token, err := newSecret(s.cfg.Random)
	if err != nil {
		return SignIn{}, err
	}
	now := s.now()
	o.Session = Session{
		ID: id, Hash: HashSecret(token), StaffID: person.ID, Method: method,
		CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(s.cfg.Absolute),
	}
	actor := staffActor(person)
	actor.SessionID = id
	if err := s.cfg.Store.OpenSession(ctx, staffChange(actor, action, person.ID, now), o); err != nil {
		return SignIn{}, fmt.Errorf("open session: %w", err)
	}
	return SignIn{Token: token, Session: o.Session, Actor: actor}, nil
}

func staffActor(p Staff) Actor {
	return Actor{Kind: KindStaff, StaffID: p.ID, Name: p.Name, Roles: slices.Clone(p.Roles)}
}

func hashOf(secret string) *Hash {
	if secret == "" {
		return nil
	}
	h := HashSecret(secret)
	return &h
}
