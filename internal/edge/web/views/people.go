package views

import "time"

// Staff is the list of people.
type Staff struct {
	People     []Person
	Roles      []Option
	InviteLink string // shown once, after an invite was made
	InviteName string
	Typed      InviteTyped
	Errors     []FieldError
}

// InviteTyped holds a refused invite form.
type InviteTyped struct {
	Name  string
	Roles []string
}

// Person is one member of staff.
type Person struct {
	ID, Name   string
	Roles      []string
	Passkeys   int
	LastSeenAt time.Time
	Disabled   bool
	Self       bool
}

// Profile is the signed-in person's own page.
type Profile struct {
	Name     string
	Roles    []string
	Passkeys []Passkey // drawn only with BeginURL
	Sessions []Session
	Tokens   []Token
	Scopes   []Option
	NewToken string // shown once
	KeysOff  bool
	BeginURL string // to add a passkey; empty leaves passkeys out
	DoneURL  string
	Typed    TokenTyped
	Errors   []FieldError
}

// TokenTyped holds a refused token form.
type TokenTyped struct {
	Name, Days string
	Scopes     []string
}

// Passkey is one credential.
type Passkey struct {
	ID, Name   string
	AddedAt    time.Time
	LastUsedAt time.Time
}

// Session is one signed-in browser. No address and no browser name is kept.
type Session struct {
	ID        string
	StartedAt time.Time
	LastSeen  time.Time
	ExpiresAt time.Time
	Current   bool
}

// Token is one API token.
type Token struct {
	ID, Name  string
	Scopes    []string
	ExpiresAt time.Time
	LastUsed  time.Time
}
