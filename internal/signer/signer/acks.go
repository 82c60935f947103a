package signer

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/trust/ack"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// Ack returns what this signer knows, signed; nil for a key without one for acks.
func (s *Signer) Ack() *signerrpc.Ack {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg.Key.acks == nil {
		return nil
	}
	a := ack.Ack{
		Network:  decision.NetworkOf(s.cfg.Key.Params()),
		Signer:   s.cfg.Key.Fingerprint(),
		HostHalt: s.hostHalt,
		Line:     s.cfg.Journal.Count(),
		Head:     decision.Digest(s.cfg.Journal.Head()),
		At:       s.cfg.Clock.Now().UTC().Truncate(time.Second),
	}
	if s.state != nil {
		_, a.Fund = s.state.Fund()
		newest, _ := s.state.Newest()
		a.Version, a.Charter = newest.Version, newest.Digest()
		for _, h := range s.state.InForce() {
			a.Halts = append(a.Halts, h.ID)
		}
	}
	text, signature := a.Sign(s.cfg.Key.acks)
	return &signerrpc.Ack{Text: string(text), Signature: string(signature)}
}

// meet looks at an ack that was handed back. One of this signer, of a line that its journal
// does not have, shows that somebody put an older copy of the journal back: whoever was
// paid since then could be paid again, so nothing is signed until a person has restored
// the journal and started the signer again.
func (s *Signer) meet(ctx context.Context, given signerrpc.Ack) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, ok := s.cfg.Key.AckKey()
	if !ok {
		return nil
	}
	a, err := ack.Open([]byte(given.Text), []byte(given.Signature), key)
	if err != nil {
		return nil // who speaks in another's name tells nothing about this journal
	}
	if a.Line <= s.cfg.Journal.Count() {
		head, err := s.cfg.Journal.hashAt(a.Line)
		if err != nil {
			return err
		}
		if head == Hash(a.Head) {
			return nil
		}
	}
	if !s.rolledBack {
		s.cfg.Log.LogAttrs(
			ctx,
			slog.LevelError,
			"the journal was put back: an ack of this signer names a line that it lacks",
			slog.Int64("acked_line", a.Line),
			slog.Int64("journal_lines", s.cfg.Journal.Count()),
		)
	}
	s.rolledBack = true
	return nil
}

// checkJournalWhole refuses once an ack has shown that lines of the journal are missing.
func (s *Signer) checkJournalWhole() error {
	if !s.rolledBack {
		return nil
	}
	return refuse(
		signerrpc.CodeJournalRolledBack,
		"The journal lacks lines that this signer has written. Restore the newest copy and start the signer again.",
	)
}

// HostHalt stops everything but voids, or lifts that. It is for the person on the signer's
// host: no caller of the worker's socket reaches it.
func (s *Signer) HostHalt(on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if on == s.hostHalt {
		return s.cfg.Journal.Settle()
	}
	t, err := s.times()
	if err != nil {
		return err
	}
	return s.take(&HostHaltAct{Head: Head{Time: t.Begins.Unix()}, On: on})
}

// take journals an act and lets it count.
func (s *Signer) take(a Act) error {
	before := s.cfg.Journal.Count()
	err := s.cfg.Journal.Take(a)
	if s.cfg.Journal.Count() > before {
		if err := s.addAct(a); err != nil {
			return fmt.Errorf("count what was journalled: %w", err)
		}
	}
	if err != nil {
		return errs.Wrap(err, errs.Unavailable, signerrpc.CodeJournalUnwritable,
			"The signer cannot write its journal.")
	}
	return nil
}
