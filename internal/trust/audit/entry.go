package audit

import (
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// Opening is that somebody opened what is sealed. Entry is written once for each
// Via, What and Object, however often it is opened and by how many requests at once.
type Opening struct {
	Via    uuid.UUID // the session or token
	What   string    // application, endpoints, titles
	Object uuid.UUID // the application, or the fund whose titles were listed
	Entry  Entry
}

// Entry is one thing that happened, told once: a store writes it as a row of
// history and as a leaf of the log, in the transaction of the change itself.
type Entry struct {
	Actor      identity.Actor
	Action     string // e.g. "application.approved"
	ObjectKind string // application, grant, instalment, batch, staff, fund
	ObjectID   string // UUID
	From, To   string // states; To is empty where no state changed
	Digest     []byte // SHA-256 of the note or content that it concerns; may be empty
	Detail     map[string]string
	At         time.Time
}
