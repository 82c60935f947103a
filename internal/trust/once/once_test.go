package once_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/once"
)

// hashes are those of a test.
type hashes struct{}

func (hashes) BlindIndex(label, value string) ([]byte, error) {
	sum := sha256.Sum256([]byte(label + "|" + value))
	return sum[:], nil
}

// memory is a store with one transaction after another.
type memory struct {
	kept map[string]once.Made
	lost error // what the COMMIT answers once, having done its work
}

func (m *memory) Made(_ context.Context, operation string, key []byte) (*once.Made, error) {
	made, ok := m.kept[operation+string(key)]
	if !ok {
		return nil, nil
	}
	return &made, nil
}

// commit does what the store does in one transaction: it writes the key with what was made.
func (m *memory) commit(ctx context.Context, id uuid.UUID) error {
	ticket := once.TicketOf(ctx)
	ticket.Begin()
	if ticket != nil && !ticket.IsWritten() {
		m.kept[ticket.Operation+string(ticket.KeyHash)] = once.Made{BodyHash: ticket.BodyHash, Objects: []uuid.UUID{id}}
		ticket.Written()
	}
	if err := m.lost; err != nil {
		m.lost = nil
		return err
	}
	ticket.Committed()
	return nil
}

func newService(t *testing.T) (*once.Service, *memory) {
	t.Helper()
	m := &memory{kept: map[string]once.Made{}}
	s, err := once.New(hashes{}, m)
	if err != nil {
		t.Fatal(err)
	}
	return s, m
}

func request() once.Request {
	return once.Request{Operation: "make", Caller: "ann", Key: strings.Repeat("k", 16), Body: []byte("a thing")}
}

func TestARequestIsCarriedOutOnce(t *testing.T) {
	t.Parallel()
	s, m := newService(t)
	id, done := uuid.New(), 0
	do := func(ctx context.Context) error {
		done++
		return m.commit(ctx, id)
	}
	if made, err := s.Do(t.Context(), request(), do); made != nil || err != nil {
		t.Fatalf("the first call: %v, %v", made, err)
	}
	if made, err := s.Do(t.Context(), request(), do); err != nil || len(made) != 1 || made[0] != id {
		t.Errorf("the second call: %v, %v", made, err)
	}
	other := request()
	other.Body = []byte("another thing")
	if _, err := s.Do(t.Context(), other, do); !errs.Is(err, "idempotency_mismatch") {
		t.Errorf("another body: %v", err)
	}
	if done != 1 {
		t.Errorf("it was done %d times", done)
	}
	for name, change := range map[string]func(*once.Request){
		"operation": func(r *once.Request) { r.Operation = "unmake" }, "caller": func(r *once.Request) { r.Caller = "bob" },
		"key": func(r *once.Request) { r.Key += "k" },
	} {
		r := request()
		change(&r)
		if made, err := s.Do(t.Context(), r, do); made != nil || err != nil {
			t.Errorf("another %s: %v, %v", name, made, err)
		}
	}
	if done != 4 {
		t.Errorf("four requests were carried out %d times", done)
	}
}

// TestALostAnswerIsFound: the COMMIT took place, and nobody heard of it.
func TestALostAnswerIsFound(t *testing.T) {
	t.Parallel()
	s, m := newService(t)
	id := uuid.New()
	m.lost = errors.New("the connection broke")
	made, err := s.Do(t.Context(), request(), func(ctx context.Context) error { return m.commit(ctx, id) })
	if err != nil || len(made) != 1 || made[0] != id {
		t.Errorf("got %v, %v", made, err)
	}
}

// TestOneTransactionWritesTheKey: a second one of the same request writes none, and one
// that was rolled back does not count.
func TestOneTransactionWritesTheKey(t *testing.T) {
	t.Parallel()
	s, m := newService(t)
	first, second := uuid.New(), uuid.New()
	_, err := s.Do(t.Context(), request(), func(ctx context.Context) error {
		rolledBack := once.TicketOf(ctx)
		rolledBack.Begin()
		rolledBack.Written()
		return errors.Join(m.commit(ctx, first), m.commit(ctx, second))
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.kept) != 1 {
		t.Errorf("%d keys were written", len(m.kept))
	}
	for _, made := range m.kept {
		if made.Objects[0] != first {
			t.Error("the key stands for what the second transaction made")
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s, m := newService(t)
	no := errs.New(errs.Conflict, "not_payable", "No.")
	if _, err := s.Do(t.Context(), request(), func(context.Context) error { return no }); !errs.Is(err, "not_payable") {
		t.Errorf("a refusal came back as %v", err)
	}
	if _, err := s.Do(t.Context(), request(), func(context.Context) error { return nil }); err == nil {
		t.Error("what makes nothing was taken for done")
	}
	if len(m.kept) != 0 {
		t.Error("a refusal used a key")
	}
	for key, code := range map[string]string{"": "idempotency_key_missing", "short": "idempotency_key_form", strings.Repeat("k", 129): "idempotency_key_form"} {
		r := request()
		r.Key = key
		if _, err := s.Do(t.Context(), r, func(context.Context) error { t.Error("it was done"); return nil }); !errs.Is(err, errs.Code(code)) {
			t.Errorf("key %q: %v, want %s", key, err, code)
		}
	}
	if _, err := once.New(nil, m); err == nil {
		t.Error("a service without keys was made")
	}
}
