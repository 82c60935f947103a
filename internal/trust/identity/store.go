package identity

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Hash is the SHA-256 of a 256-bit secret; the only form in which it is stored.
// A plain hash is enough because the secret cannot be guessed.
type Hash [32]byte

// Staff is a person who works for the fund.
type Staff struct {
	ID         uuid.UUID
	Name       string // what colleagues see; 1 to 80 characters
	Roles      []Role
	CreatedAt  time.Time
	DisabledAt *time.Time // set: cannot sign in; sessions, tokens and links have ended
}

// LinkPurpose says what a one-time link is good for.
type LinkPurpose string

// The purposes of a one-time link.
const (
	LinkInvite LinkPurpose = "invite" // enrol a passkey
	LinkLogin  LinkPurpose = "login"  // sign in without a passkey; demo only
)

// Link is a one-time link: its token is 256 random bits.
type Link struct {
	ID        uuid.UUID
	Hash      Hash
	Purpose   LinkPurpose
	StaffID   uuid.UUID
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    *time.Time
}

// Credential is a passkey. Record is JSON that only this package reads.
type Credential struct {
	ID         []byte // the authenticator's credential id, unique
	StaffID    uuid.UUID
	Label      string // what its owner calls it
	Record     []byte
	CreatedAt  time.Time
	LastUsedAt *time.Time
}

// CeremonyKind says which passkey ceremony has begun.
type CeremonyKind string

// The passkey ceremonies.
const (
	CeremonyEnrol CeremonyKind = "enrol"
	CeremonyLogin CeremonyKind = "login"
)

// Ceremony is a passkey ceremony that has begun: the challenge that was sent.
// State is JSON that only this package reads.
type Ceremony struct {
	Hash      Hash
	Kind      CeremonyKind
	StaffID   uuid.UUID // enrol only
	State     []byte
	ExpiresAt time.Time
}

// Method says how a session was opened.
type Method string

// The ways to open a session.
const (
	MethodPasskey Method = "passkey"
	MethodLink    Method = "link"
)

// Session is one signed-in browser.
type Session struct {
	ID         uuid.UUID // safe to show; not the secret
	Hash       Hash
	StaffID    uuid.UUID
	Method     Method
	CreatedAt  time.Time
	LastSeenAt time.Time
	ExpiresAt  time.Time // absolute limit
	RevokedAt  *time.Time
}

// Token is an API token of a member of staff.
type Token struct {
	ID         uuid.UUID
	Hash       Hash
	StaffID    uuid.UUID
	Name       string // what its owner calls it
	Scopes     []Permission
	CreatedAt  time.Time
	ExpiresAt  time.Time
	LastUsedAt *time.Time
	RevokedAt  *time.Time
}

// Change describes a mutation for the audit log. The store writes it as a leaf
// in the transaction of the mutation.
type Change struct {
	By         Actor
	Action     string // e.g. "staff.invited"
	ObjectKind string // e.g. "staff"
	ObjectID   string
	At         time.Time
}

// Opening is everything that changes when a session is opened.
type Opening struct {
	Session        Session
	LinkHash       *Hash       // consume this link
	NewCredential  *Credential // store this passkey
	UsedCredential *Credential // update Record and LastUsedAt of this passkey
	Replaces       *Hash       // revoke this session if it is alive and of the same person
}

// Store keeps staff and their secrets' hashes. Each method is one transaction;
// those that take a Change also write its audit leaf in it. Times are UTC. The
// errors that the comments name are those of StoreError.
type Store interface {
	// CreateStaff stores a new person and their invite.
	CreateStaff(ctx context.Context, c Change, s Staff, invite Link) error

	// UpdateStaff loads the row FOR UPDATE, calls fn and stores the result. fn
	// may run more than once. When fn disables the person, their sessions, tokens and
	// open links end with it. NotFound "staff_not_found"; Conflict "staff_name_taken".
	UpdateStaff(ctx context.Context, c Change, id uuid.UUID, fn func(*Staff) error) (Staff, error)

	// Staff returns one person. NotFound "staff_not_found".
	Staff(ctx context.Context, id uuid.UUID) (Staff, error)

	// ListStaff returns everyone, oldest first.
	ListStaff(ctx context.Context) ([]Staff, error)

	// AddLink stores a link. NotFound "staff_not_found".
	AddLink(ctx context.Context, c Change, l Link) error

	// LinkByHash returns a link, used and expired ones too, with its person.
	// NotFound "link_unknown".
	LinkByHash(ctx context.Context, h Hash) (Link, Staff, error)

	// PutCeremony stores a ceremony; it may delete expired ones.
	PutCeremony(ctx context.Context, c Ceremony) error

	// TakeCeremony deletes a ceremony and returns it, so that a challenge is
	// answered once. NotFound "ceremony_unknown".
	TakeCeremony(ctx context.Context, h Hash) (Ceremony, error)

	// Credentials returns the passkeys of a person.
	Credentials(ctx context.Context, staffID uuid.UUID) ([]Credential, error)

	// CredentialByID returns a passkey with its owner. NotFound
	// "credential_unknown".
	CredentialByID(ctx context.Context, id []byte) (Credential, Staff, error)

	// OpenSession writes the session and all else in o, or nothing. It locks the
	// person's row and refuses a disabled one with Forbidden "staff_disabled".
	// A link is consumed by a guarded UPDATE (unused and ExpiresAt later than
	// Session.CreatedAt); 0 rows is Conflict "link_used". A passkey id that is
	// already stored is Conflict "credential_known".
	OpenSession(ctx context.Context, c Change, o Opening) error

	// SessionByHash returns a session, dead ones too, with its person.
	// NotFound "session_unknown".
	SessionByHash(ctx context.Context, h Hash) (Session, Staff, error)

	// TouchSession moves LastSeenAt forward, never back, on a live session.
	TouchSession(ctx context.Context, id uuid.UUID, at time.Time) error

	// ListSessions returns the unrevoked sessions of a person whose ExpiresAt is
	// later than now, newest first.
	ListSessions(ctx context.Context, staffID uuid.UUID, now time.Time) ([]Session, error)

	// RevokeSession revokes a person's session; revoking twice is no error.
	// NotFound "session_unknown", also for another person's session.
	RevokeSession(ctx context.Context, c Change, staffID, id uuid.UUID) error

	// AddToken stores a token.
	AddToken(ctx context.Context, c Change, t Token) error

	// TokenByHash returns a token, dead ones too, with its owner. NotFound
	// "token_unknown".
	TokenByHash(ctx context.Context, h Hash) (Token, Staff, error)

	// TouchToken moves LastUsedAt forward, never back.
	TouchToken(ctx context.Context, id uuid.UUID, at time.Time) error

	// ListTokens returns all tokens of a person, newest first.
	ListTokens(ctx context.Context, staffID uuid.UUID) ([]Token, error)

	// RevokeToken revokes a person's token; revoking twice is no error.
	// NotFound "token_unknown", also for another person's token.
	RevokeToken(ctx context.Context, c Change, staffID, id uuid.UUID) error
}
