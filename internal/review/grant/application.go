package grant

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/seal"
)

// Application is what the database says of an application in clear.
type Application struct {
	ID          uuid.UUID
	FundID      uuid.UUID
	Reference   string // public locator, e.g. "GR-7K3FQ2"
	Designation string // e.g. "calm cedar otter": stands for the operator before reviewers; unique in the fund
	State       State
	Revision    int
	Version     int64 // the ETag
	Protocols   []string
	Region      string // ISO 3166-1 alpha-2, or "other"
	Language    string // ISO 639-1
	Amount      btcutil.Amount
	ReceiptHash []byte
	PayeeIndex  []byte       // keyed hash of the payee script
	TitleWords  []int64      // keyed hashes of the title's words; none once purged
	DataKey     seal.Wrapped // no key left: purged
	SubmittedAt time.Time
	ChangedAt   time.Time
}

// Body is what an operator writes. It is stored sealed; its salted digest goes
// into the decision note, which is sealed too, and only a commitment to that
// digest is stored in clear.
type Body struct {
	Salt          string           `json:"salt"` // hex; makes the digest a commitment that hides the text
	Title         string           `json:"title"`
	Narrative     string           `json:"narrative"`
	Contact       string           `json:"contact"`
	Endpoints     []claim.Endpoint `json:"endpoints"`
	PayoutAddress string           `json:"payout_address"`
}

func (b Body) encode() ([]byte, [sha256.Size]byte, error) {
	text, err := json.Marshal(b)
	if err != nil {
		return nil, [sha256.Size]byte{}, fmt.Errorf("encode application: %w", err)
	}
	return text, sha256.Sum256(text), nil
}

// commit returns what is stored of a body's digest: its SHA-256. The digest
// itself must not be in clear before approval, because all else in a decision
// note is, but for the payee: whoever has the digest of the note could try every
// address of the chain on it.
func commit(body [sha256.Size]byte) [sha256.Size]byte { return sha256.Sum256(body[:]) }

// Revision is one immutable version of what the operator wrote.
type Revision struct {
	ApplicationID uuid.UUID
	Revision      int
	Body          []byte            // sealed
	Commitment    [sha256.Size]byte // SHA-256 of the body's digest
	Amount        btcutil.Amount
	CreatedAt     time.Time
}

// Decision is the note that a revision asks people to approve.
type Decision struct {
	ID            uuid.UUID
	ApplicationID uuid.UUID
	Revision      int
	GrantID       uuid.UUID
	Digest        decision.Digest
	Note          []byte // sealed
	Amount        btcutil.Amount
	CreatedAt     time.Time
}

// Claim is a reviewer's lease on an application.
type Claim struct {
	StaffID   uuid.UUID
	StaffName string
	ExpiresAt time.Time
}

// Verdict is what a reviewer thinks of a revision.
type Verdict string

// The verdicts.
const (
	VerdictApprove Verdict = "approve"
	VerdictDecline Verdict = "decline"
)

// AuthLogin marks a vote or approval that a signed-in session stands behind.
// Kinds that carry a signature over the digest come beside it.
const AuthLogin = "login"

// Vote is one reviewer's verdict on a digest.
type Vote struct {
	ID            uuid.UUID
	ApplicationID uuid.UUID
	Revision      int
	Digest        decision.Digest
	StaffID       uuid.UUID
	StaffName     string // when read
	Verdict       Verdict
	Note          []byte // for colleagues, sealed; empty when none was written
	AuthKind      string
	CreatedAt     time.Time
}

// Audience says who may read a message.
type Audience string

// The audiences.
const (
	ToOperator Audience = "operator" // operator and reviewers
	ToTeam     Audience = "team"     // reviewers only
)

// Message is a word between operator and reviewers, or among reviewers.
type Message struct {
	ID            uuid.UUID
	ApplicationID uuid.UUID
	Audience      Audience
	ByStaff       *uuid.UUID // nil: the operator wrote it
	StaffName     string     // when read
	Body          []byte     // sealed
	CreatedAt     time.Time
}

// Grant is an approved application.
type Grant struct {
	ID            uuid.UUID
	ApplicationID uuid.UUID
	FundID        uuid.UUID
	Reference     string
	Designation   string
	State         GrantState
	Amount        btcutil.Amount
	Version       int64
	CreatedAt     time.Time
}

// Instalment is one payment that is owed: one period of one decision.
type Instalment struct {
	ID           uuid.UUID
	GrantID      uuid.UUID
	Period       int // of the decision, from 1
	DecisionID   uuid.UUID
	Digest       decision.Digest
	Note         string // canonical text of the decision
	PayeeScript  []byte
	PayeeAddress string
	Amount       btcutil.Amount
	DueAt        time.Time // it may be paid from then on
	UntilAt      time.Time // and be released for the first time until then
	State        InstalmentState
	HeldReason   string
	Version      int64
	CreatedAt    time.Time
	ChangedAt    time.Time
}

// Payment is what the chain says of an instalment.
type Payment struct {
	InstalmentID  uuid.UUID
	State         InstalmentState
	Standing      Standing // State in the words that people are shown
	Amount        btcutil.Amount
	BatchNumber   int64  // 0: in no batch
	TxID          string // of the latest attempt, or the mined one; empty before it is built
	Vout          uint32
	Height        int32 // 0: in no block
	Confirmations int32
	ChangedAt     time.Time
}

// Happening is a row of history as people are shown it.
type Happening struct {
	Action    string // e.g. "application.voted_approve"
	From, To  string
	ActorKind string // operator, staff, system
	StaffName string
	Detail    map[string]string
	At        time.Time
}

// Tally counts the votes for one digest.
type Tally struct{ Approve, Decline int }

// Count counts the votes on digest.
func Count(votes []Vote, digest decision.Digest) Tally {
	var t Tally
	for _, v := range votes {
		if v.Digest != digest {
			continue
		}
		switch v.Verdict {
		case VerdictApprove:
			t.Approve++
		case VerdictDecline:
			t.Decline++
		}
	}
	return t
}

// Outcome returns the verdict that a quorum agrees on; ok is false when none does.
func (t Tally) Outcome(quorum int) (v Verdict, ok bool) {
	switch {
	case t.Approve >= quorum && t.Approve > t.Decline:
		return VerdictApprove, true
	case t.Decline >= quorum && t.Decline > t.Approve:
		return VerdictDecline, true
	}
	return "", false
}
