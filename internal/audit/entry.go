package audit

import (
	"time"

	"github.com/causeway-fund/causeway/internal/identity"
)

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
