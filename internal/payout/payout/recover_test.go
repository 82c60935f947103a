package payout_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/conductor"
	"github.com/causeway-fund/causeway/internal/payout/follower"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/recovery"
	"github.com/causeway-fund/causeway/internal/payout/treasurer"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
)

// restorable is a rig whose database can be dumped and put back.
type restorable struct {
	*rig
	app, worker *postgres.DB
	recovery    *recovery.Recovery
	dumps       int
}

func newRestorable(t *testing.T, deposits ...btcutil.Amount) *restorable {
	t.Helper()
	r := &restorable{rig: newRig(t, deposits...)}
	original := r.owner
	t.Cleanup(func() { r.owner = original }) // before the rig looks at it for the last time
	r.use(r.base)
	return r
}

// use makes the services work on a database.
func (r *restorable) use(db *pgtest.DB) {
	r.t.Helper()
	r.owner, r.app, r.worker = r.open(db.URL), r.open(db.AppURL), r.open(db.WorkerURL)
	r.base = db
	var err error
	if r.service, err = treasurer.New(treasurer.Config{Store: postgres.PayoutStore{DB: r.app}, Clock: r.clock}); err != nil {
		r.t.Fatal(err)
	}
	r.store = bookkeeper{workerStore: postgres.PayoutStore{DB: r.worker}, r: r.rig}
	r.lead()
}

// dump copies the database as it is now.
func (r *restorable) dump() *pgtest.DB {
	r.t.Helper()
	maintenance := withPath(r.t, r.base.URL, "postgres")
	server, err := postgres.Open(r.t.Context(), maintenance)
	if err != nil {
		r.t.Fatal(err)
	}
	r.dumps++
	name := fmt.Sprintf("%s_d%d", r.base.Name, r.dumps)
	for _, sql := range []string{
		"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '" + r.base.Name + "'",
		"CREATE DATABASE " + name + " TEMPLATE " + r.base.Name + " STRATEGY = FILE_COPY",
	} {
		if _, err := server.Pool().Exec(r.t.Context(), sql); err != nil {
			r.t.Fatal(err)
		}
	}
	for _, db := range []*postgres.DB{r.owner, r.app, r.worker} {
		db.Pool().Reset()
	}
	r.t.Cleanup(func() {
		if _, err := server.Pool().Exec(r.background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			r.t.Error(err)
		}
		server.Close()
	})
	return &pgtest.DB{Name: name, URL: withPath(r.t, r.base.URL, name), AppURL: withPath(r.t, r.base.AppURL, name), WorkerURL: withPath(r.t, r.base.WorkerURL, name)}
}

func withPath(t testing.TB, address, path string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + path
	return u.String()
}

// restore puts a dump in the database's place and starts a worker on it.
func (r *restorable) restore(dump *pgtest.DB) {
	r.t.Helper()
	r.use(dump)
	r.start(r.signer.client())
}

// start is the start of a worker that holds the journals against its database.
func (r *restorable) start(journals ...recovery.JournalSource) {
	r.t.Helper()
	log := slog.New(slog.DiscardHandler)
	var err error
	r.recovery, err = recovery.New(recovery.Config{Store: postgres.PayoutStore{DB: r.worker}, Journals: journals, Clock: r.clock, Log: log, Epoch: r.epoch})
	if err != nil {
		r.t.Fatal(err)
	}
	r.follower, err = follower.New(follower.Config{Store: r.store, Chain: r.chain, Clock: r.clock, Log: log, Epoch: r.epoch, Recovery: r.recovery})
	if err != nil {
		r.t.Fatal(err)
	}
}

// recover is what the worker does before its first step.
func (r *restorable) recover() error {
	r.t.Helper()
	if err := r.recovery.Read(r.t.Context()); err != nil {
		return err
	}
	r.mustSync()
	return r.recovery.Finish(r.t.Context())
}

// released lists what the signer ever released.
func (r *restorable) released() []string {
	r.t.Helper()
	journal, err := signer.ReadJournal(r.signer.journal)
	if err != nil {
		r.t.Fatal(err)
	}
	var txids []string
	for _, rec := range journal.Records() {
		txids = append(txids, rec.TxID)
	}
	return txids
}

// allFinal works on until every payment is final, and wants that nothing was signed
// beside what had been, and that no breaker opened.
func (r *restorable) allFinal(before []string) {
	r.t.Helper()
	r.step()
	const unpaid = "SELECT count(*) FROM instalment WHERE state <> 'final'"
	for range 3 * finalDepth {
		r.mine(1)
		if r.number(unpaid) == 0 {
			break
		}
	}
	if n := r.number(unpaid); n != 0 {
		r.t.Errorf("%d payments are not final: %v", n, r.texts("SELECT number || ' ' || state || ' ' || coalesce(last_error, '') FROM batch WHERE state <> 'final'"))
	}
	if diff := cmp.Diff(before, r.released()); diff != "" {
		r.t.Errorf("released before and after the restore:\n%s", diff)
	}
	if open := r.texts("SELECT b.code || ': ' || f.detail FROM breaker b JOIN breaker_finding f ON f.breaker_id = b.id"); len(open) != 0 {
		r.t.Errorf("breakers: %v", open)
	}
	checkInvariants(r.t, r.rig)
}

// mute is a signer that tells who it is and does not answer otherwise.
type mute struct{ conductor.Signer }

func (mute) Sign(context.Context, signerrpc.Request) (signerrpc.Response, error) {
	return signerrpc.Response{}, errs.New(errs.Unavailable, "signer_down", "Down.")
}

// stages lead a batch of two payments to each stand in which a dump may be taken.
var stages = []struct {
	name  string
	state payout.State
	lead  func(r *restorable, ids []uuid.UUID) payout.Batch
}{
	{"composed", payout.Composed, func(r *restorable, ids []uuid.UUID) payout.Batch { return r.compose(ids) }},
	{"approved", payout.Approved, func(r *restorable, ids []uuid.UUID) payout.Batch { return r.approve(r.compose(ids)) }},
	{"built", payout.Built, func(r *restorable, ids []uuid.UUID) payout.Batch {
		r.signer.stop()
		b := r.approve(r.compose(ids))
		r.step()
		r.signer.start(policy())
		return b
	}},
	{"signing", payout.Signing, func(r *restorable, ids []uuid.UUID) payout.Batch {
		b := r.approve(r.compose(ids))
		if err := r.conductorWith(mute{r.signer.client()}, broadcaster{r.chain}).Step(r.t.Context()); err != nil {
			r.t.Fatal(err)
		}
		return b
	}},
	{"signed", payout.Signed, func(r *restorable, ids []uuid.UUID) payout.Batch {
		b := r.approve(r.compose(ids))
		ctx, cancel := context.WithCancel(r.t.Context())
		_ = r.conductorWith(r.signer.client(), cutOff{cancel}).Step(ctx)
		return b
	}},
	{"broadcast", payout.Broadcast, func(r *restorable, ids []uuid.UUID) payout.Batch {
		b := r.approve(r.compose(ids))
		r.step()
		return b
	}},
	{"bumped", payout.Broadcast, func(r *restorable, ids []uuid.UUID) payout.Batch {
		b := r.approve(r.compose(ids))
		r.step()
		r.bump(b, 12_000)
		return b
	}},
	{"mined", payout.Mined, func(r *restorable, ids []uuid.UUID) payout.Batch {
		b := r.approve(r.compose(ids))
		r.step()
		r.mine(1)
		return b
	}},
}

// cutOff dies when it is asked to broadcast.
type cutOff struct{ die func() }

func (c cutOff) Broadcast(context.Context, []byte, int64) (string, error) {
	c.die()
	return "", errs.New(errs.Unavailable, "down", "Down.")
}

func (r *restorable) bump(b payout.Batch, rate int64) {
	r.t.Helper()
	if _, err := r.service.Bump(r.t.Context(), r.treasurer, b.ID, r.record(b.ID).Batch.Version, rate); err != nil {
		r.t.Fatal(err)
	}
	r.step()
}

// TestAnOlderDumpIsRebuilt takes a dump at each stand of a batch, works on, with a
// bump and a further batch that spends what came of it, and puts the dump back: the
// same payments are made by the same transactions.
func TestAnOlderDumpIsRebuilt(t *testing.T) {
	t.Parallel()
	for i, stage := range stages {
		mined := i%2 == 0
		t.Run(fmt.Sprintf("%s, mined since %t", stage.name, mined), func(t *testing.T) {
			t.Parallel()
			r := newRestorable(t, coin, coin)
			first, later := r.owe(2, owed), r.owe(2, owed)
			b := stage.lead(r, first)
			r.wantState(b.ID, stage.state)
			dump := r.dump()

			if stage.state == payout.Composed {
				r.approve(b)
			}
			r.step()
			if r.record(b.ID).Batch.State == payout.Broadcast {
				r.bump(b, 20_000)
			}
			further := order(later)
			if mined { // the further batch spends a coin that the dump does not know
				r.deposit(coin + 1)
				r.mine(6)
				at := slices.IndexFunc(r.treasury().Coins, func(c payout.Coin) bool { return c.Amount == coin+1 })
				further.Coins = []wire.OutPoint{r.treasury().Coins[at].OutPoint}
			}
			c, err := r.service.Compose(t.Context(), r.treasurer, further)
			if err != nil {
				t.Fatal(err)
			}
			r.approve(c)
			r.step()
			r.wantState(c.ID, payout.Broadcast)
			if mined {
				r.mine(2)
			}
			before := r.released()

			r.restore(dump)
			if err := r.recovery.Read(t.Context()); err != nil || r.recovery.Top() != c.Number {
				t.Fatalf("read: %v; the journal's highest number is %d, want %d", err, r.recovery.Top(), c.Number)
			}
			if lost := r.recovery.Lost(); (lost > 0) != mined {
				t.Errorf("%d transactions wait for the chain", lost)
			}
			if err := r.recover(); err != nil {
				t.Fatal(err)
			}
			checkInvariants(t, r.rig)
			for _, id := range []uuid.UUID{b.ID, c.ID} {
				if rec := r.record(id); rec.Batch.State.BeforeSigning() {
					t.Errorf("batch %d is %s after the restore", rec.Batch.Number, rec.Batch.State)
				}
			}
			if next := r.number("SELECT nextval('batch_number')"); next <= int64(c.Number) {
				t.Errorf("the next batch number is %d, want one above %d", next, c.Number)
			}
			r.allFinal(before)
		})
	}
}

// TestAVoidAndWhatFollowedIsRebuilt loses a void, its end, and a second batch that
// pays the same again: the second one waits until the first is known to be dead.
func TestAVoidAndWhatFollowedIsRebuilt(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"composed", "broadcast", "asked", "voiding"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			r := newRestorable(t, coin, coin)
			ids := r.owe(2, owed)
			var dump *pgtest.DB
			take := func(when string) {
				if when == at {
					dump = r.dump()
				}
			}
			b := r.compose(ids)
			take("composed")
			r.approve(b)
			r.step()
			take("broadcast")
			asked, err := r.service.AskVoid(t.Context(), r.treasurer, b.ID, r.record(b.ID).Batch.Version, payout.VoidOrder{Reason: "asked to"})
			if err != nil {
				t.Fatal(err)
			}
			take("asked")
			if _, err := r.service.ApproveVoid(t.Context(), r.second, b.ID, asked.Version, r.record(b.ID).Void.Digest); err != nil {
				t.Fatal(err)
			}
			take("voiding")
			r.step()
			r.mine(finalDepth)
			r.wantState(b.ID, payout.Voided)
			again := r.approve(r.compose(ids[:1]))
			r.step()
			r.mine(1)
			r.wantState(again.ID, payout.Mined)
			rest := r.approve(r.compose(ids[1:]))
			r.step()
			r.wantState(rest.ID, payout.Broadcast)
			before := r.released()

			r.restore(dump)
			if err := r.recover(); err != nil {
				t.Fatal(err)
			}
			checkInvariants(t, r.rig)
			r.wantState(b.ID, payout.Voided)
			r.wantState(again.ID, payout.Mined)
			r.wantState(rest.ID, payout.Signing)
			r.allFinal(before)
		})
	}
}

// TestWhatWasDoneAfterARestoreGivesWay cancels the restored batch and composes its
// payments anew, with the number of a batch that the signer has seen, before the
// worker comes up.
func TestWhatWasDoneAfterARestoreGivesWay(t *testing.T) {
	t.Parallel()
	r := newRestorable(t, coin, coin)
	ids, later := r.owe(2, owed), r.owe(1, owed)
	b := r.approve(r.compose(ids))
	dump := r.dump()
	r.step()
	c := r.approve(r.compose(later))
	r.step()
	r.mine(1)
	before := r.released()

	r.use(dump)
	if _, err := r.service.Cancel(t.Context(), r.treasurer, b.ID, r.record(b.ID).Batch.Version); err != nil {
		t.Fatal(err)
	}
	rival := r.approve(r.compose(append(slices.Clone(ids), later...)))
	if rival.Number != c.Number {
		t.Fatalf("the rival has number %d, want %d", rival.Number, c.Number)
	}
	r.start(r.signer.client())
	if err := r.recover(); err != nil {
		t.Fatal(err)
	}
	r.wantState(b.ID, payout.Mined)
	r.wantState(c.ID, payout.Mined)
	if got := r.record(rival.ID).Batch.State; got != payout.Cancelled {
		t.Errorf("the rival is %s, want cancelled", got)
	}
	r.allFinal(before)
}

// TestWhatCannotBeRebuiltStopsSigning restores a dump that is older than a payment.
func TestWhatCannotBeRebuiltStopsSigning(t *testing.T) {
	t.Parallel()
	r := newRestorable(t, coin, coin)
	known := r.owe(1, owed)
	dump := r.dump()
	b := r.approve(r.compose(r.owe(1, owed)))
	r.step()
	digest := r.record(b.ID).Items[0].Digest

	r.restore(dump)
	if err := r.recover(); err != nil {
		t.Fatal(err)
	}
	open := r.texts("SELECT b.code || ' ' || f.detail FROM breaker b JOIN breaker_finding f ON f.breaker_id = b.id")
	if len(open) != 1 || !strings.HasPrefix(open[0], "recovery_failed ") || !strings.Contains(open[0], digest.String()) {
		t.Errorf("breakers %v, want recovery_failed that names decision note %s", open, digest)
	}
	other := r.approve(r.compose(known))
	r.step()
	r.wantState(other.ID, payout.Approved)
}

// TestNothingIsFollowedBeforeTheJournalIsRead has the signer down at the start: a
// block that spends the treasury is not judged without its journal.
func TestNothingIsFollowedBeforeTheJournalIsRead(t *testing.T) {
	t.Parallel()
	r := newRestorable(t, coin, coin)
	ids := r.owe(1, owed)
	dump := r.dump()
	b := r.approve(r.compose(ids))
	r.step()
	r.mine(1)
	before := r.released()
	r.signer.stop()

	r.restore(dump)
	if _, err := r.follower.Sync(t.Context()); codeOf(err) != "signer_down" {
		t.Errorf("sync: %v, want signer_down", err)
	}
	if err := r.recovery.Finish(t.Context()); codeOf(err) != "signer_down" {
		t.Errorf("finish: %v, want signer_down", err)
	}
	r.signer.start(policy())
	if err := r.recover(); err != nil {
		t.Fatal(err)
	}
	r.wantState(b.ID, payout.Mined)
	r.allFinal(before)
}

// TestAJournalIsReadOnce reads only new lines under the next lease, and notices an
// older journal.
func TestAJournalIsReadOnce(t *testing.T) {
	t.Parallel()
	r := newRestorable(t, coin, coin)
	r.broadcast(1)
	r.start(r.signer.client())
	if err := r.recover(); err != nil {
		t.Fatal(err)
	}
	journal := &counting{JournalSource: r.signer.client()}
	r.start(journal)
	if err := r.recover(); err != nil {
		t.Fatal(err)
	}
	if journal.lines != 0 {
		t.Errorf("%d lines were read again", journal.lines)
	}
	journal.shorter = true
	r.start(journal)
	if err := r.recover(); err != nil {
		t.Fatal(err)
	}
	if open := r.texts("SELECT code FROM breaker"); !cmp.Equal(open, []string{"recovery_failed"}) {
		t.Errorf("breakers %v, want recovery_failed", open)
	}
}

// counting counts lines, and can pretend to have lost one.
type counting struct {
	recovery.JournalSource
	lines   int
	shorter bool
}

func (c *counting) Info(ctx context.Context) (signerrpc.Info, error) {
	info, err := c.JournalSource.Info(ctx)
	if c.shorter {
		info.JournalRecords--
	}
	return info, err
}

func (c *counting) Journal(ctx context.Context, after int64) ([]signerrpc.JournalEntry, error) {
	page, err := c.JournalSource.Journal(ctx, after)
	c.lines += len(page)
	return page, err
}
