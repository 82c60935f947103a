package registry

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/authority"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// MaxDrafts bounds the drafts that wait for signatures.
const MaxDrafts = 20

// Signature is one that a trustee made over a charter by ssh.
type Signature struct {
	Charter decision.Digest
	Key     string // fingerprint, as ssh-keygen -l shows it
	Armored []byte
	At      time.Time // when it was handed in
}

// Taken is a charter that was taken in.
type Taken struct {
	Digest     decision.Digest
	Text       []byte
	Signatures []Signature
	At         time.Time
}

// Draft is a charter that waits for signatures.
type Draft struct {
	Digest     decision.Digest
	Text       []byte
	Signatures []Signature
	ProposedBy uuid.UUID
	Proposer   string // what colleagues call who handed it in; set when it is read
	At         time.Time
}

// Book is what is stored: charters in the order in which they were taken in, and drafts in the
// order in which they were proposed.
type Book struct {
	Taken  []Taken
	Drafts []Draft
}

// Work is a change of the Book in one transaction, under a lock that holds off all others.
type Work struct {
	Book // as it is

	NewTaken     *Taken
	NewDraft     *Draft
	NewSignature *Signature
	DropDrafts   []decision.Digest // after a charter was taken in, those that can no longer follow
	Entries      []audit.Entry
}

// Store keeps the Book.
type Store interface {
	Book(ctx context.Context) (Book, error)
	UpdateBook(ctx context.Context, fn func(*Work) error) error
}

// Fund is the fund that charters have to be of.
type Fund struct {
	Network    decision.Network
	ID         uuid.UUID
	Descriptor string // of the treasury that it was set up with
}

// Service is the use cases.
type Service struct {
	store Store
	fund  Fund
	clock clock.Clock
}

// New returns a Service.
func New(store Store, fund Fund, c clock.Clock) (*Service, error) {
	if store == nil || c == nil || fund.ID == uuid.Nil {
		return nil, errors.New("registry: a part is missing")
	}
	return &Service{store, fund, c}, nil
}

func (s *Service) now() time.Time { return s.clock.Now().UTC().Truncate(time.Second) }

// Refused is a stored charter that does not hold.
type Refused struct {
	Digest decision.Digest
	At     time.Time
	Why    error
}

// replay judges what is stored, in its order, and leaves out what does not hold.
func (s *Service) replay(book Book) (state *authority.State, held []Taken, refused []Refused) {
	state = authority.New(s.fund.Network, s.fund.ID)
	for _, t := range book.Taken {
		c, err := s.judge(state, t.Text, t.Signatures, t.At)
		if err == nil && c.Digest() != t.Digest {
			err = unknown(t.Digest)
		}
		if err != nil {
			refused = append(refused, Refused{t.Digest, t.At, err})
			continue
		}
		state.AddCharter(c, t.At, false)
		held = append(held, t)
	}
	return state, held, refused
}
