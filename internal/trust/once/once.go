package once

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/causeway-fund/causeway/internal/trust/identity"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
)

// A key is as long as a random one has to be, and no longer than a header should be.
const (
	minKey = 16
	maxKey = 128
)

// Request is a call that makes something.
type Request struct {
	Operation string // e.g. "composeUpkeep"
	Caller    string // who sends it, e.g. an actor's label
	Key       string // drawn by the caller
	Body      []byte // all that the caller asks for, in one spelling
}

// Keys makes the hashes that are stored (seal.Keyring).
type Keys interface {
	BlindIndex(label, value string) ([]byte, error)
}

// Store finds keys that were used.
type Store interface {
	// Made returns what a key stands for, nil when it is unused.
	Made(ctx context.Context, operation string, keyHash []byte) (*Made, error)
}

// Made is what a request has made.
type Made struct {
	BodyHash []byte
	Objects  []uuid.UUID // in their order, at least one
}

// Ticket is what the store writes beside what a request does.
type Ticket struct {
	Operation         string
	KeyHash, BodyHash []byte

	written, kept bool
}

// Service carries out requests. Safe for concurrent use.
type Service struct {
	keys  Keys
	store Store
}

// New returns a Service.
func New(keys Keys, store Store) (*Service, error) {
	if keys == nil || store == nil {
		return nil, errors.New("once: keys and a store are required")
	}
	return &Service{keys: keys, store: store}, nil
}

// Do calls do, whose context makes the store write the key of r in the transaction
// that does what r asks for. It returns what r has made before, and nil when do made it
// now. Errors: those of do; Precondition "idempotency_key_missing"; Invalid
// "idempotency_key_form", "idempotency_mismatch".
func (s *Service) Do(ctx context.Context, r Request, do func(ctx context.Context) error) ([]uuid.UUID, error) {
	ticket, err := s.ticket(r)
	if err != nil {
		return nil, err
	}
	made, err := s.made(ctx, ticket)
	if made != nil || err != nil {
		return made, err
	}
	refused := do(context.WithValue(ctx, ticketKey{}, ticket))
	if refused == nil {
		if !ticket.kept {
			return nil, fmt.Errorf("once: %s made nothing that its key stands for", r.Operation)
		}
		return nil, nil
	}
	// Another call with this key may have been faster, or this one's COMMIT lost its answer.
	if made, err = s.made(ctx, ticket); made != nil || err != nil {
		return made, err
	}
	return nil, refused
}

func (s *Service) ticket(r Request) (*Ticket, error) {
	switch n := len(r.Key); {
	case n == 0:
		return nil, errs.New(
			errs.Precondition,
			identity.CodeIdempotencyKeyMissing,
			"Send an Idempotency-Key, so that trying again cannot do this twice. Nothing was saved.",
		)
	case n < minKey || n > maxKey:
		return nil, errs.New(
			errs.Invalid,
			errs.CodeIdempotencyKeyForm,
			"An Idempotency-Key has 16 to 128 characters. Nothing was saved.",
		)
	}
	key, err := s.keys.BlindIndex("idempotency-key", r.Operation+"\x00"+r.Caller+"\x00"+r.Key)
	if err != nil {
		return nil, fmt.Errorf("hash idempotency key: %w", err)
	}
	body, err := s.keys.BlindIndex("idempotency-body", string(r.Body))
	if err != nil {
		return nil, fmt.Errorf("hash request: %w", err)
	}
	return &Ticket{Operation: r.Operation, KeyHash: key, BodyHash: body}, nil
}

func (s *Service) made(ctx context.Context, t *Ticket) ([]uuid.UUID, error) {
	made, err := s.store.Made(ctx, t.Operation, t.KeyHash)
	if made == nil || err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(made.BodyHash, t.BodyHash) != 1 {
		return nil, errs.New(
			errs.Invalid,
			errs.CodeIdempotencyMismatch,
			"This Idempotency-Key was used for another request. Nothing was saved: send the new one with a new key.",
		)
	}
	return made.Objects, nil
}

type ticketKey struct{}

// TicketOf returns what has to be written in the transaction that does what the
// request of ctx asks for; nil when there is no key, or it is written already.
func TicketOf(ctx context.Context) *Ticket {
	t, _ := ctx.Value(ticketKey{}).(*Ticket)
	if t == nil || t.kept {
		return nil
	}
	return t
}

// Begin is called where a transaction begins: what an earlier one wrote may be gone.
func (t *Ticket) Begin() {
	if t != nil {
		t.written = false
	}
}

// Written is called inside of the transaction that writes the key.
func (t *Ticket) Written() { t.written = true }

// IsWritten reports whether this transaction has written the key.
func (t *Ticket) IsWritten() bool { return t.written }

// Committed is called when a transaction has been committed.
func (t *Ticket) Committed() {
	if t != nil {
		t.kept = t.written
	}
}
