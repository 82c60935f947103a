package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
)

// Challenge is what a browser needs for a passkey ceremony.
type Challenge struct {
	Ceremony string          // secret that the browser sends back with the answer
	Options  json.RawMessage // argument of navigator.credentials.create or .get, with base64url fields
	Name     string          // enrolment: whose passkey it will be
}

// SignIn is a session that was just opened. Token is the secret for the cookie;
// only its hash is stored.
type SignIn struct {
	Token   string
	Session Session
	Actor   Actor
}

// passkeyUser shows a member of staff to the WebAuthn library. The user handle
// is the staff id, which says nothing about the person.
type passkeyUser struct {
	staff       Staff
	credentials []webauthn.Credential
}

func (u passkeyUser) WebAuthnID() []byte                         { return u.staff.ID[:] }
func (u passkeyUser) WebAuthnName() string                       { return u.staff.Name }
func (u passkeyUser) WebAuthnDisplayName() string                { return u.staff.Name }
func (u passkeyUser) WebAuthnCredentials() []webauthn.Credential { return u.credentials }

// BeginEnrol begins to enrol a passkey for the person that the invite names. The
// link stays good until FinishEnrol succeeds, so a cancelled prompt costs
// nothing. NotFound "link_unknown", Conflict "link_used" or "link_expired",
// Forbidden "staff_disabled".
func (s *Service) BeginEnrol(ctx context.Context, linkToken string) (Challenge, error) {
	person, err := s.openLink(ctx, linkToken, LinkInvite)
	if err != nil {
		return Challenge{}, err
	}
	stored, err := s.cfg.Store.Credentials(ctx, person.ID)
	if err != nil {
		return Challenge{}, fmt.Errorf("read passkeys: %w", err)
	}
	user := passkeyUser{staff: person}
	known := make([]protocol.CredentialDescriptor, 0, len(stored))
	for _, c := range stored {
		record, err := decodeRecord(c)
		if err != nil {
			return Challenge{}, err
		}
		known = append(known, record.Descriptor())
	}
	creation, state, err := s.webauthn.BeginRegistration(user, webauthn.WithExclusions(known))
	if err != nil {
		return Challenge{}, fmt.Errorf("begin passkey enrolment: %w", err)
	}
	challenge, err := s.putCeremony(ctx, CeremonyEnrol, person.ID, creation, state)
	challenge.Name = person.Name
	return challenge, err
}

// FinishEnrol checks the browser's answer (the JSON of the credential), stores
// the passkey under label, consumes the link and opens a session. Errors of
// BeginEnrol; Unauthenticated "passkey_refused"; Conflict "credential_known".
func (s *Service) FinishEnrol(
	ctx context.Context,
	linkToken, ceremony string,
	answer []byte,
	label string,
) (SignIn, error) {
	person, err := s.openLink(ctx, linkToken, LinkInvite)
	if err != nil {
		return SignIn{}, err
	}
	if label, err = checkName("label", label); err != nil {
		return SignIn{}, err
	}
	state, err := s.takeCeremony(ctx, CeremonyEnrol, person.ID, ceremony)
	if err != nil {
		return SignIn{}, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return SignIn{}, errPasskey(err)
	}
	made, err := s.webauthn.CreateCredential(passkeyUser{staff: person}, state, parsed)
	if err != nil {
		return SignIn{}, errPasskey(err)
	}
	record, err := json.Marshal(made)
	if err != nil {
		return SignIn{}, fmt.Errorf("encode passkey: %w", err)
	}
	hash := HashSecret(linkToken)
	credential := Credential{ID: made.ID, StaffID: person.ID, Label: label, Record: record, CreatedAt: s.now()}
	return s.openSession(
		ctx,
		person,
		MethodPasskey,
		"staff.passkey_enrolled",
		Opening{LinkHash: &hash, NewCredential: &credential},
	)
}

// openLink returns the person of a link that is good for purpose.
func (s *Service) openLink(ctx context.Context, token string, purpose LinkPurpose) (Staff, error) {
	link, person, err := s.cfg.Store.LinkByHash(ctx, HashSecret(token))
	if errs.Is(err, CodeLinkUnknown) || err == nil && link.Purpose != purpose {
		return Staff{}, StoreError(CodeLinkUnknown)
	}
	if err != nil {
		return Staff{}, fmt.Errorf("read link: %w", err)
	}
	switch {
	case link.UsedAt != nil:
		return Staff{}, StoreError(CodeLinkUsed)
	case !s.now().Before(link.ExpiresAt):
		return Staff{}, StoreError(CodeLinkExpired)
	case person.DisabledAt != nil:
		return Staff{}, StoreError(CodeStaffDisabled)
	}
	return person, nil
}

// putCeremony stores the library's state and returns what the browser needs.
func (s *Service) putCeremony(
	ctx context.Context,
	kind CeremonyKind,
	staffID uuid.UUID,
	options any,
	state *webauthn.SessionData,
) (Challenge, error) {
	token, err := newSecret(s.cfg.Random)
	if err != nil {
		return Challenge{}, err
	}
	stateJSON, err := json.Marshal(state)
	if err != nil {
		return Challenge{}, fmt.Errorf("encode ceremony: %w", err)
	}
	optionsJSON, err := json.Marshal(options)
	if err != nil {
		return Challenge{}, fmt.Errorf("encode passkey options: %w", err)
	}
	c := Ceremony{
		Hash:      HashSecret(token),
		Kind:      kind,
		StaffID:   staffID,
		State:     stateJSON,
		ExpiresAt: s.now().Add(DefaultCeremony),
	}
	if err := s.cfg.Store.PutCeremony(ctx, c); err != nil {
		return Challenge{}, fmt.Errorf("store ceremony: %w", err)
	}
	return Challenge{Ceremony: token, Options: optionsJSON}, nil
}

// takeCeremony returns the state of a ceremony of this kind and person, which
// cannot be answered again.
func (s *Service) takeCeremony(
	ctx context.Context,
	kind CeremonyKind,
	staffID uuid.UUID,
	token string,
) (webauthn.SessionData, error) {
	var state webauthn.SessionData
	c, err := s.cfg.Store.TakeCeremony(ctx, HashSecret(token))
	if errs.Is(err, CodeCeremonyUnknown) {
		return state, errPasskey(err)
	}
	if err != nil {
		return state, fmt.Errorf("read ceremony: %w", err)
	}
	if c.Kind != kind || c.StaffID != staffID || !s.now().Before(c.ExpiresAt) {
		return state, errPasskey(
			fmt.Errorf("ceremony %s ended %s or is another's", c.Kind, c.ExpiresAt.Format(time.RFC3339)),
		)
	}
	if err := json.Unmarshal(c.State, &state); err != nil {
		return state, fmt.Errorf("decode ceremony: %w", err)
	}
	return state, nil
}

func decodeRecord(c Credential) (webauthn.Credential, error) {
	var record webauthn.Credential
	if err := json.Unmarshal(c.Record, &record); err != nil {
		return record, fmt.Errorf("decode passkey of %s: %w", c.StaffID, err)
	}
	return record, nil
}
