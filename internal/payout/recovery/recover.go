package recovery

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// JournalSource is a signer whose journal can be read.
type JournalSource interface {
	Info(ctx context.Context) (signerrpc.Info, error)
	Journal(ctx context.Context, after int64) ([]signerrpc.JournalEntry, error)
}

// JournalMark is how far a signer's journal has been held against the database.
type JournalMark struct {
	Fingerprint string
	Seq         int64    // 0: nothing was read
	Head        [32]byte // SHA-256 of line Seq
}

// Store is what recovery needs of the database.
type Store interface {
	// Fund returns the fund. NotFound "no_fund" before one is set up.
	Fund(ctx context.Context) (fund.Fund, error)

	// Unjoined lists the payments that only a signer's journal knows, by batch.
	Unjoined(ctx context.Context) ([]payout.UnjoinedPayment, error)

	// Trip opens the breaker of the finding's code. It does nothing when that has the finding
	// already, nor when two people have accepted it.
	Trip(ctx context.Context, epoch int64, f payout.Finding) error

	// AttemptByTxID returns the attempt of a txid. NotFound "attempt_not_found".
	AttemptByTxID(ctx context.Context, txid chainhash.Hash) (payout.Attempt, error)

	// Mark returns how far the journal of a key was read; Seq 0 for never.
	Mark(ctx context.Context, fingerprint string) (JournalMark, error)

	// SetMark stores it.
	SetMark(ctx context.Context, epoch int64, m JournalMark, now time.Time) error

	// ReleasedTxids returns which of the txids are attempts that went to a signer, or
	// were booked whole.
	ReleasedTxids(ctx context.Context, txids []chainhash.Hash) (map[chainhash.Hash]bool, error)

	// AdvanceNumber lets the next batch number be above atLeast, above every batch
	// and above every change index of the walked chain.
	AdvanceNumber(ctx context.Context, epoch int64, atLeast uint32) error

	// MarkedAt is when a recovery was last finished; the epoch for never.
	MarkedAt(ctx context.Context) (time.Time, error)

	// Rebuild loads under lock what a lost transaction is about, calls fn and writes
	// what the verbs added, in one transaction.
	Rebuild(ctx context.Context, epoch int64, about About, now time.Time, fn func(*Rebuild) error) error
}

// About names what a lost transaction touches.
type About struct {
	TxID   chainhash.Hash
	Batch  uuid.UUID
	Number uint32
	Owed   []decision.Instalment
	Inputs []wire.OutPoint
}

// Rebuild is the batch of a lost transaction under its row lock, with all that bringing it back
// depends on. Its verbs and those of its rivals say what is written.
type Rebuild struct {
	*payout.Locked // of an unknown batch: the payments alone

	Known    bool                           // the batch is in the database
	Rivals   []*payout.Locked               // other batches with its number, its payments or its coins; without attempts
	Coins    map[wire.OutPoint]txbuild.Coin // of the inputs, as far as they are walked
	Reserved []wire.OutPoint                // by this batch
	InChain  bool                           // the transaction was walked already, as somebody else's
	Staff    []uuid.UUID                    // up to two
}

// Config is what a Recovery needs.
type Config struct {
	Store    Store
	Journals []JournalSource // none: there is nothing to read
	Clock    clock.Clock
	Log      *slog.Logger
	Epoch    int64
}

// Recovery holds the signers' journals against the database at the start of a
// lease, and rebuilds what the database has lost, as it has after an older dump was
// restored: no block is connected and no step is made before. It is for the
// goroutine of the follower and the conductor.
//
// What a journal line does not say is the worth of the coins; they are known once
// the chain was walked to them. So lines wait, and are tried before every block that
// touches the treasury: a lost transaction is an attempt again before its block is
// connected, and never mistaken for a foreign spend.
type Recovery struct {
	cfg     Config
	by      identity.Actor
	fund    fund.Fund
	wallet  *wallet.Descriptor
	read    bool
	done    bool
	lost    []lostLine
	failed  []string                // what cannot be rebuilt, and why
	named   map[chainhash.Hash]bool // transactions of those lines
	top     uint32                  // highest batch number of any line read
	marks   []JournalMark
	waiting string // why the first of lost waits
}

// New checks cfg and returns a Recovery.
func New(cfg Config) (*Recovery, error) {
	if cfg.Store == nil || cfg.Clock == nil || cfg.Log == nil || cfg.Epoch <= 0 {
		return nil, errors.New("payout: recovery needs store, clock, log and a lease")
	}
	return &Recovery{cfg: cfg, by: identity.System("worker"), named: map[chainhash.Hash]bool{}}, nil
}

func (r *Recovery) now() time.Time { return r.cfg.Clock.Now().UTC().Truncate(time.Microsecond) }

// Lost is how many transactions are still to be rebuilt.
func (r *Recovery) Lost() int { return len(r.lost) }

// Top is the highest batch number, and so change index, that a journal names.
func (r *Recovery) Top() uint32 { return r.top }

// Standing is nil when nothing is missing, and else says that the database is being
// rebuilt: Unavailable "recovering".
func (r *Recovery) Standing() error {
	if len(r.lost) == 0 {
		return nil
	}
	e := errs.Newf(
		errs.Unavailable,
		CodeRecovering,
		"The database was restored from an older dump and is rebuilding from the signer's journal: %d transactions are "+
			"missing. The worker waits until all are accounted for.",
		len(r.lost),
	)
	if r.waiting != "" {
		e.Message += " The first waits: " + r.waiting
	}
	return e
}

// Read reads the new lines of every journal once. It fails when too few journals
// can be read to be sure that no transaction is missed.
func (r *Recovery) Read(ctx context.Context) error {
	if r.read {
		return nil
	}
	var err error
	if r.fund, err = r.cfg.Store.Fund(ctx); err != nil {
		return err
	}
	if r.wallet, err = payout.TreasuryOf(r.fund); err != nil {
		return err
	}
	r.lost, r.marks, r.top = nil, nil, 0
	unread := 0
	var down error
	for _, j := range r.cfg.Journals {
		err := r.readJournal(ctx, j)
		if errs.KindOf(err) == errs.Unavailable {
			unread, down = unread+1, err
			continue
		}
		var bad *lostError
		if errors.As(err, &bad) {
			r.fail(ctx, "%s", bad.why)
			continue
		}
		if err != nil {
			return err
		}
	}
	// A transaction takes k signatures. Where every key has a signer here, one of
	// them may be away for each signature beyond the first.
	spare := 0
	if k, n := r.wallet.Threshold(); n == len(r.cfg.Journals) {
		spare = k - 1
	}
	if unread > spare {
		return down
	}
	// A line of several journals is one transaction. Attempts of a batch come back
	// in their order.
	slices.SortStableFunc(r.lost, func(a, b lostLine) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.Attempt, b.Attempt), cmp.Compare(a.TxID, b.TxID))
	})
	r.lost = slices.CompactFunc(r.lost, func(a, b lostLine) bool { return a.TxID == b.TxID })
	if len(r.lost) > 0 {
		r.cfg.Log.WarnContext(
			ctx,
			"the database is older than the signer's journal",
			slog.Int("lost_transactions", len(r.lost)),
		)
		if err := r.cfg.Store.AdvanceNumber(ctx, r.cfg.Epoch, r.top); err != nil {
			return err
		}
	}
	r.read = true
	return r.rebuild(ctx, nil)
}

// readJournal reads the lines of one journal that are new to this database.
func (r *Recovery) readJournal(ctx context.Context, j JournalSource) error {
	info, err := j.Info(ctx)
	if err != nil {
		return err
	}
	mark, err := r.cfg.Store.Mark(ctx, info.Fingerprint)
	if err != nil {
		return err
	}
	mark.Fingerprint = info.Fingerprint
	if info.JournalRecords < mark.Seq {
		return &lostError{
			fmt.Sprintf(
				"The journal of signer %s has %d lines and had %d before. It was replaced by an older journal: this signer must "+
					"not sign.",
				info.Fingerprint,
				info.JournalRecords,
				mark.Seq,
			),
		}
	}
	for {
		page, err := j.Journal(ctx, mark.Seq)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			r.marks = append(r.marks, mark)
			return nil
		}
		if mark, err = r.readPage(ctx, mark, page); err != nil {
			return err
		}
	}
}

func (r *Recovery) readPage(ctx context.Context, mark JournalMark, page []signerrpc.JournalEntry) (JournalMark, error) {
	lines := make([]lostLine, 0, len(page))
	txids := make([]chainhash.Hash, 0, len(page))
	treasury := sha256.Sum256([]byte(r.fund.Descriptor))
	for _, e := range page {
		line, err := parseLine(e.Line)
		if err == nil && (line.Prev != hex.EncodeToString(mark.Head[:]) ||
			!line.isAct() && line.Treasury != hex.EncodeToString(treasury[:])) {
			err = errors.New("does not follow the lines read before, or belongs to another treasury")
		}
		if err != nil {
			return mark, &lostError{
				fmt.Sprintf("Line %d of the journal of signer %s %v.", e.Seq, mark.Fingerprint, err),
			}
		}
		mark.Seq, mark.Head = e.Seq, sha256.Sum256([]byte(e.Line))
		if line.isAct() {
			continue
		}
		lines, txids = append(lines, line), append(txids, line.txid)
		r.top = max(r.top, line.Number)
	}
	known, err := r.cfg.Store.ReleasedTxids(ctx, txids)
	if err != nil {
		return mark, err
	}
	for _, line := range lines {
		if !known[line.txid] {
			r.lost = append(r.lost, line)
		}
	}
	return mark, nil
}

// fail keeps what cannot be rebuilt for the breaker at the end. The chain is followed
// on: what a journal names is known to be ours.
func (r *Recovery) fail(ctx context.Context, format string, args ...any) {
	detail := fmt.Sprintf(format, args...)
	r.cfg.Log.ErrorContext(ctx, "recovery failed", slog.String("reason", detail))
	r.failed = append(r.failed, detail)
}

func (r *Recovery) failLine(ctx context.Context, l lostLine, why string) {
	r.named[l.txid] = true
	r.fail(ctx, "Transaction %s of batch %d: %s", l.TxID, l.Number, why)
}

// Before rebuilds what can be rebuilt with the treasury's transactions of the next
// block, which is not connected yet. The follower calls it.
func (r *Recovery) Before(ctx context.Context, txs []payout.OwnTx) error {
	spends := slices.ContainsFunc(txs, func(t payout.OwnTx) bool { return len(t.Spends) > 0 })
	if !r.read {
		if !spends {
			return nil
		}
		// Whose transaction this is only the journals can say.
		if err := r.Read(ctx); err != nil {
			return err
		}
	}
	if len(txs) > 0 && len(r.lost) > 0 {
		if err := r.rebuild(ctx, txs); err != nil {
			return err
		}
	}
	for i := range txs {
		txid := txs[i].Tx.TxHash()
		if at := slices.IndexFunc(r.lost, func(l lostLine) bool { return l.txid == txid }); at >= 0 {
			r.failLine(ctx, r.lost[at], "it is in a block, and its batch waits for "+r.waiting)
			r.lost = slices.Delete(r.lost, at, at+1)
		}
		txs[i].InJournal = r.named[txid]
	}
	return nil
}

// Finish rebuilds what is left once the tip is reached. It returns nil when all is
// accounted for, and Unavailable "recovering" before.
func (r *Recovery) Finish(ctx context.Context) error {
	if r.done {
		return nil
	}
	if err := r.Read(ctx); err != nil {
		return err
	}
	if err := r.rebuild(ctx, nil); err != nil {
		return err
	}
	if len(r.lost) > 0 {
		return r.Standing()
	}
	if err := r.conclude(ctx); err != nil {
		return err
	}
	if err := r.cfg.Store.AdvanceNumber(ctx, r.cfg.Epoch, r.top); err != nil {
		return err
	}
	if len(r.failed) == 0 { // what failed is tried again under the next lease
		for _, m := range r.marks {
			if err := r.cfg.Store.SetMark(ctx, r.cfg.Epoch, m, r.now()); err != nil {
				return err
			}
		}
	}
	r.done = true
	return nil
}

// maxNamed is how many payments a breaker names; the pages of the batches have all.
const maxNamed = 100

// conclude opens one breaker when something could not be joined. A worker that died
// after it opens the same one again, which changes nothing.
func (r *Recovery) conclude(ctx context.Context) error {
	since, err := r.cfg.Store.MarkedAt(ctx)
	if err != nil {
		return err
	}
	unjoined, err := r.cfg.Store.Unjoined(ctx)
	if err != nil {
		return err
	}
	unjoined = slices.DeleteFunc(unjoined, func(p payout.UnjoinedPayment) bool { return !p.FoundAt.After(since) })
	var text strings.Builder
	if len(unjoined) > 0 {
		text.WriteString(unjoinedText(unjoined))
	}
	if len(r.failed) > 0 {
		if text.Len() > 0 {
			text.WriteByte(' ')
		}
		text.WriteString(
			"What a signer's journal names and could not be rebuilt; what of it is in a block is booked " +
				"as paid: " + strings.Join(
				r.failed,
				" ",
			),
		)
	}
	if text.Len() == 0 {
		return nil
	}
	r.cfg.Log.ErrorContext(
		ctx,
		"some payments in the journals match nothing in the database",
		slog.Int("payments", len(unjoined)),
		slog.Int("lines", len(r.failed)),
	)
	// The same findings have the same subject, which is short, however many they are.
	subject := sha256.Sum256([]byte(text.String()))
	return r.cfg.Store.Trip(
		ctx,
		r.cfg.Epoch,
		payout.Finding{
			Code:    payout.RecoveryFailed,
			Subject: hex.EncodeToString(subject[:]),
			Detail:  text.String(),
			At:      r.now(),
		},
	)
}

// rebuild tries every lost line until none gets any further.
func (r *Recovery) rebuild(ctx context.Context, txs []payout.OwnTx) error {
	for again := true; again && len(r.lost) > 0; {
		again = false
		var left []lostLine
		r.waiting = ""
		for i, l := range r.lost {
			err := r.rebuildOne(ctx, l, txs)
			var why *waitError
			var never *lostError
			switch {
			case err == nil:
				again = true
				continue
			case errors.As(err, &why):
				left = append(left, l)
				r.waiting = cmp.Or(r.waiting, why.what)
				continue
			case errors.As(err, &never):
				r.failLine(ctx, l, never.why)
				continue
			}
			r.lost = append(left, r.lost[i:]...)
			return err
		}
		r.lost = left
	}
	return nil
}
