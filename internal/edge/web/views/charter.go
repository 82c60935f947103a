package views

import "time"

// Charter is who may move money, and drafts of what comes next.
type Charter struct {
	Newest     *CharterVersion // nil while there is no charter
	BindsAlone time.Time       // zero: it binds alone, or nobody can say when it will
	Binding    []int64         // versions that bind beside the newest
	Drafts     []CharterDraft
	History    []CharterVersion // newest first
	Refused    []CharterRefused
	Typed      string // of a refused draft
	Errors     []FieldError
}

// CharterVersion is a charter that was taken in.
type CharterVersion struct {
	Version    int64
	Digest     string
	At         time.Time
	ExpiresAt  time.Time
	Sole       bool
	HoldHours  int64
	Trustees   int64
	Lines      []CharterLine
	Limits     []CharterLimit
	People     []CharterPerson
	Revoked    []string
	Signers    []CharterSigner
	Treasuries []CharterTreasury
	Changes    []CharterChange
	Binds      bool
}

// CharterLine is what a decision needs up to an amount.
type CharterLine struct {
	UpTo                              int64 // 0: without end
	Reviewers, ByTerminal, Treasurers int64
}

// CharterLimit is a number of the charter. Name is the end of its key in the catalogue.
type CharterLimit struct {
	Name  string
	Value int64
	Sat   bool // an amount
}

// CharterPerson is somebody with a role.
type CharterPerson struct {
	Name     string
	Roles    []string
	SSH      []string // fingerprints
	Passkeys int
}

// CharterSigner is a program with one of the treasury's keys.
type CharterSigner struct{ Name, Fingerprint, Key string }

// CharterTreasury is where money lies.
type CharterTreasury struct {
	Number     int64
	Descriptor string
}

// CharterChange is a difference, in English.
type CharterChange struct{ Effect, Text string }

// CharterDraft waits for signatures.
type CharterDraft struct {
	Version   int64
	Digest    string
	By        string
	At        time.Time
	HoldHours int64
	Changes   []CharterChange
	Trustees  []CharterTrustees
}

// CharterTrustees is who signed among the trustees of one version.
type CharterTrustees struct {
	Version, Needed int64
	Signed, Others  []string
	Enough          bool
}

// CharterRefused is a stored charter that does not hold.
type CharterRefused struct {
	Digest string
	Msg    Msg
}
