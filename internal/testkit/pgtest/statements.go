package pgtest

import (
	"context"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
)

// Statements counts what a program asks of its database, as a tracer of its connections.
// Safe for concurrent use.
type Statements struct {
	mu   sync.Mutex
	sent map[string]int
}

// TraceQueryStart notes a statement by the name that sqlc gives it, or by its first word.
func (s *Statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	words := strings.Fields(strings.TrimPrefix(data.SQL, "-- name:"))
	if len(words) == 0 {
		words = []string{""}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sent == nil {
		s.sent = map[string]int{}
	}
	s.sent[words[0]]++
	return ctx
}

// TraceQueryEnd does nothing: a statement counts whatever comes of it.
func (s *Statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// Take returns how often each statement was sent since the last call.
func (s *Statements) Take() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	sent := s.sent
	s.sent = nil
	return sent
}
