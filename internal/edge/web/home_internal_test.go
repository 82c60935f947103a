package web

import (
	"context"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// slowSums takes as long to sum as its test wants.
type slowSums struct {
	Payouts
	begun  chan struct{}
	answer chan int64
}

func (s slowSums) Sums(context.Context, identity.Actor) (payout.Sums, error) {
	s.begun <- struct{}{}
	return payout.Sums{Payments: <-s.answer}, nil
}

// TestNobodyWaitsWhileTheSumsAreReadAgain reads them for one visitor, slowly, and has
// another one come meanwhile.
func TestNobodyWaitsWhileTheSumsAreReadAgain(t *testing.T) {
	t.Parallel()
	now := clock.NewFake(time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC))
	slow := slowSums{begun: make(chan struct{}), answer: make(chan int64)}
	s := &Site{cfg: Config{Payouts: slow, Clock: now}}
	visitor := func() <-chan int64 {
		seen := make(chan int64, 1)
		go func() {
			got, err := s.sums(t.Context())
			if err != nil {
				t.Error(err)
			}
			seen <- got.payments
		}()
		return seen
	}

	first := visitor()
	<-slow.begun
	slow.answer <- 7
	if n := <-first; n != 7 {
		t.Errorf("the first visitor sees %d payments, want 7", n)
	}
	now.Advance(totalsLife - time.Second)
	if n := <-visitor(); n != 7 {
		t.Errorf("within a minute a visitor sees %d payments, want 7", n)
	}
	now.Advance(time.Second)
	second := visitor()
	<-slow.begun
	if n := <-visitor(); n != 7 {
		t.Errorf("while they are read again a visitor sees %d payments, want 7", n)
	}
	slow.answer <- 8
	if n := <-second; n != 8 {
		t.Errorf("who had them read again sees %d payments, want 8", n)
	}
	if n := <-visitor(); n != 8 {
		t.Errorf("after that a visitor sees %d payments, want 8", n)
	}
}
