package payout_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/conductor"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/treasurer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/store/postgres"
)

// TestParallelImportsOfSignatures has more people bring signatures at once than the
// server has connections.
func TestParallelImportsOfSignatures(t *testing.T) {
	t.Parallel()
	const connections = 4
	r, _ := newSharedRig(t, 0, coin)
	b := r.approved(1)
	for range 3 {
		r.step()
	}
	raw, _ := r.export(b)
	signed := [][]byte{r.signElsewhere(raw, 22), r.signElsewhere(raw, 23)}
	db, err := postgres.OpenPool(t.Context(), r.base.AppURL, connections)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	service, err := treasurer.New(treasurer.Config{Store: postgres.PayoutStore{DB: db}, Clock: r.clock})
	if err != nil {
		t.Fatal(err)
	}
	for round, people := range []int{16, 64} {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // a pool that is stuck on itself never ends
		results := make([]error, people)
		var all sync.WaitGroup
		for i := range people {
			all.Go(func() { _, results[i] = service.ImportPSBT(ctx, r.treasurer, b.ID, signed[round]) })
		}
		all.Wait()
		cancel()
		taken := 0
		for _, err := range results {
			switch code := codeOf(err); {
			case err == nil:
				taken++
			case code != "nothing_signed" && code != "wrong_state":
				t.Errorf("%d at once: %v", people, err)
			}
		}
		if taken != 1 {
			t.Errorf("%d at once: the signature was taken %d times", people, taken)
		}
	}
	r.step()
	r.wantState(b.ID, payout.Broadcast)
}

// TestOneLineOfLogForACause has several batches fail for the same reason, then for
// another, then go on.
func TestOneLineOfLogForACause(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin, coin, coin)
	var out bytes.Buffer
	signer := &moody{Signer: r.signer.client(), err: errs.New(errs.Unavailable, "signer_down", "The signer does not answer.")}
	c, err := conductor.New(conductor.Config{
		Store: r.store, Signers: []conductor.Signer{signer}, Broadcaster: broadcaster{r.chain}, Clock: r.clock, Epoch: r.epoch, Log: slog.New(slog.NewJSONHandler(&out, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	lines := func(minutes int) []string {
		t.Helper()
		out.Reset()
		for range minutes {
			r.clock.Advance(time.Minute)
			if err := c.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		var all []string
		for line := range strings.Lines(out.String()) {
			var x struct {
				Msg, Cause      string
				Batches, Before int
			}
			if err := json.Unmarshal([]byte(line), &x); err != nil {
				t.Fatal(err)
			}
			text, _ := json.Marshal([]any{x.Msg, x.Cause, x.Batches, x.Before})
			all = append(all, string(text))
		}
		return all
	}
	want := func(got []string, lines ...string) {
		t.Helper()
		if strings.Join(got, "\n") != strings.Join(lines, "\n") {
			t.Errorf("the log has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(lines, "\n"))
		}
	}
	var batches []payout.Batch
	for range 3 {
		batches = append(batches, r.approved(1))
	}
	want(lines(20), `["batches are stuck","signer_down",3,0]`)
	batches = append(batches, r.approved(1))
	want(lines(5), `["batches are stuck","signer_down",4,3]`)
	cancelled := r.record(batches[3].ID).Batch
	if _, err := r.service.Cancel(t.Context(), r.treasurer, cancelled.ID, cancelled.Version); err != nil {
		t.Fatal(err)
	}
	want(lines(5), `["batches are stuck","signer_down",3,4]`)
	signer.err = errs.New(errs.Unavailable, "signer_full", "The signer's disk is full.")
	want(lines(5), `["batches are stuck","signer_full",3,0]`, `["batches advance again","signer_down",0,3]`)
	signer.err = nil
	want(lines(5), `["batches advance again","signer_full",0,3]`)
	for _, b := range batches[:3] {
		r.wantState(b.ID, payout.Broadcast)
	}
}

// moody is a signer that answers with an error while it has one.
type moody struct {
	conductor.Signer
	err error
}

func (m *moody) Info(ctx context.Context) (signerrpc.Info, error) {
	if m.err != nil {
		return signerrpc.Info{}, m.err
	}
	return m.Signer.Info(ctx)
}
