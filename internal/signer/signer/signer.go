package signer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/crash"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/trust/authority"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// Config is what a Signer works with. Everything but Fund is required.
type Config struct {
	Key     *Key
	Journal *Journal
	Policy  Policy
	Fund    uuid.UUID // whose notes it takes; uuid.Nil: of any fund
	Clock   clock.Clock
	Log     *slog.Logger
	Program string // version, for Info
}

// Signer answers one request at a time.
type Signer struct {
	cfg      Config
	policy   Policy
	treasury Hash

	mu      sync.Mutex // guards what follows and the journal
	keys    *wallet.Signer
	history *history

	state      *authority.State         // nil while the journal has no charter
	takenIn    map[decision.Digest]bool // resumes, histories and decisions that were
	newest     time.Time                // of the headers that were shown
	hostHalt   bool                     // its own host halted it
	rolledBack bool                     // an ack showed that the journal lacks lines

	probedAt time.Time // when the journal's disk was last tested
	probed   error     // what came of it
}

// New returns a Signer. It refuses caps that make no sense (bad_policy), a shared
// key without its descriptor (descriptor_missing) and a journal that was written
// for another treasury (wrong_journal).
func New(cfg Config) (*Signer, error) {
	if cfg.Key.Descriptor() == nil {
		return nil, errs.New(
			errs.Conflict,
			CodeDescriptorMissing,
			"The key is one of several, but the key file does not name the others. Add the treasury's descriptor: init "+
				"--descriptor.",
		)
	}
	policy, err := cfg.Policy.on(cfg.Key.Params())
	if err != nil {
		return nil, err
	}
	keys, err := wallet.NewSigner(cfg.Key.account, cfg.Key.Descriptor())
	if err != nil {
		return nil, err
	}
	s := &Signer{cfg: cfg, policy: policy, keys: keys, treasury: sha256.Sum256([]byte(cfg.Key.Descriptor().String()))}
	for _, r := range cfg.Journal.Records() {
		if r.Treasury != s.treasury {
			return nil, errs.Newf(
				errs.Conflict,
				CodeWrongJournal,
				"Line %d of the journal is for another treasury than this key.",
				r.Seq,
			)
		}
	}
	s.history, s.takenIn = newHistory(nil), map[decision.Digest]bool{}
	return s, s.replay()
}

// probeEvery is how long the result of a test of the journal's disk is used again.
const probeEvery = 5 * time.Second

// journalTrouble tests every few seconds whether the journal could take a line.
func (s *Signer) journalTrouble() bool {
	if now := s.cfg.Clock.Now(); s.probedAt.IsZero() || now.Sub(s.probedAt) >= probeEvery || now.Before(s.probedAt) {
		err := s.cfg.Journal.Probe()
		if err != nil && s.probed == nil {
			//nolint:forbidigo // the probe outlives one caller
			s.cfg.Log.LogAttrs(
				context.Background(),
				slog.LevelError,
				"the journal cannot be written",
				slog.String("error", err.Error()),
			)
		}
		s.probedAt, s.probed = now, err
	}
	return s.probed != nil
}

// Info says what this signer is and where its journal stands.
func (s *Signer) Info() signerrpc.Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	network := decision.NetworkOf(s.cfg.Key.Params())
	return signerrpc.Info{
		Program:          s.cfg.Program,
		Network:          network.Name,
		Genesis:          network.Genesis,
		Descriptor:       s.cfg.Key.Descriptor().String(),
		Fingerprint:      s.cfg.Key.Fingerprint(),
		JournalRecords:   s.cfg.Journal.Count(),
		JournalHead:      s.cfg.Journal.Head().String(),
		MinFeeRateSatKVB: s.policy.MinFeeRateSatKVB,
		MaxFeeRateSatKVB: s.policy.MaxFeeRateSatKVB,
		MaxFeeSat:        int64(s.policy.MaxFee),
		MaxFeePermille:   s.policy.MaxFeePermille,
		MaxInputs: int64(
			s.policy.MaxInputs,
		),
		MaxOutputs:     int64(s.policy.MaxOutputs),
		FinalDepth:     int64(s.policy.FinalDepth),
		JournalTrouble: s.journalTrouble(),
		RolledBack:     s.rolledBack,
	}
}

// journalPage bounds the lines of one answer, so that it fits into a line of the
// wire with every quotation mark escaped.
const journalPage = signerrpc.MaxLine / 4

// Journal returns the lines of the journal after number after, some of them; none
// when there are no more.
func (s *Signer) Journal(after int64) (signerrpc.JournalPage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	page := signerrpc.JournalPage{Entries: []signerrpc.JournalEntry{}}
	lines, err := s.cfg.Journal.Lines(after, journalPage)
	if err != nil {
		return signerrpc.JournalPage{}, err
	}
	for i, line := range lines {
		page.Entries = append(
			page.Entries,
			signerrpc.JournalEntry{Seq: max(after, 0) + int64(i) + 1, Line: string(line)},
		)
	}
	return page, nil
}

// Sign checks req, journals it and returns its signatures. Refusals are
// errs.Conflict with the rule's code. Unavailable (journal_unwritable) and
// Internal mean that nothing was released and that the same request may be made
// again.
func (s *Signer) Sign(ctx context.Context, req signerrpc.Request) (signerrpc.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()

	v, err := s.judge(req)
	if err != nil {
		return signerrpc.Response{}, err
	}
	p, record, known := v.proposal, v.record, v.known
	crash.At("S2")

	signed, err := s.sign(p)
	if err != nil {
		return signerrpc.Response{}, err
	}
	if err := s.journal(record, known); err != nil {
		return signerrpc.Response{}, errs.Wrap(err, errs.Unavailable, signerrpc.CodeJournalUnwritable,
			"The signer cannot write its journal, so it signs nothing.")
	}
	crash.At("S5")

	s.cfg.Log.LogAttrs(ctx, slog.LevelInfo, "signatures released", slog.String("batch", record.Batch),
		slog.Int64("attempt", record.Attempt), slog.String("txid", record.TxID), slog.Bool("again", known))
	return signerrpc.Response{PSBT: signed, TxID: p.txid}, nil
}

// Check says whether Sign would sign req now, and journals nothing. Its refusals are those of
// Sign.
func (s *Signer) Check(req signerrpc.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.judge(req)
	return err
}

// verdict is a request that may be signed.
type verdict struct {
	proposal *proposal
	record   Record
	known    bool // the transaction is in the journal
}

// judge holds a request against every rule.
func (s *Signer) judge(req signerrpc.Request) (verdict, error) {
	p, err := parseRequest(req)
	if err != nil {
		return verdict{}, err
	}
	for _, rule := range []func() error{
		s.checkJournalWhole,
		func() error { return s.checkHalted(p) },
		func() error { return s.seeHeaders(req.Headers) },
	} {
		if err := rule(); err != nil {
			return verdict{}, err
		}
	}
	t, err := s.times()
	if err != nil {
		return verdict{}, err
	}
	r := rules{
		params:     s.cfg.Key.Params(),
		descriptor: s.cfg.Key.Descriptor(),
		policy:     s.policy,
		fund:       s.cfg.Fund,
		now:        t.Begins,
	}
	if s.state != nil {
		_, r.fund = s.state.Fund()
	}
	if s.history.byTxID[p.txid] != nil {
		// It was within the limits when it was signed.
		r.policy.MaxInputs, r.policy.MaxOutputs = signerrpc.MaxInputs, signerrpc.MaxOutputs
	}
	if err := r.check(p); err != nil {
		return verdict{}, err
	}
	encoded, err := json.Marshal(req)
	if err != nil {
		return verdict{}, fmt.Errorf("encode request: %w", err)
	}
	v := verdict{proposal: p, record: p.record(t.Begins, s.treasury, sha256.Sum256(encoded))}
	e := newEntry(v.record)
	if v.known, err = s.history.known(e); err != nil || v.known {
		return v, err
	}
	if v.record.Dead, err = s.checkNew(s.underCharters(r, t), p, e, req.Dead); err != nil {
		return verdict{}, err
	}
	return v, asRefused(s.checkCharters(p, req.Approvals, t))
}

// checkNew runs the rules that a transaction in the journal is not held to any
// more, since its signatures may be in the world. It returns the proofs that the
// verdict relies on.
func (s *Signer) checkNew(r rules, p *proposal, e *entry, proofs []signerrpc.DeadProof) ([]Dead, error) {
	if err := r.checkFee(p); err != nil {
		return nil, err
	}
	if s.state == nil { // with a charter, package authority asks for both, by either end of time
		if err := s.history.checkUntil(p, r.now); err != nil {
			return nil, err
		}
		if err := s.history.checkWindow(p, r.now); err != nil {
			return nil, err
		}
	}
	facts, err := r.facts(p, e, proofs, s.history)
	if err != nil {
		return nil, err
	}
	return s.history.check(e, facts)
}

func (s *Signer) journal(record Record, known bool) error {
	if known {
		return s.cfg.Journal.Settle()
	}
	before := len(s.cfg.Journal.Records())
	_, err := s.cfg.Journal.Append(record)
	// A line that is on the disk counts, even if its checkpoint is not yet.
	for _, r := range s.cfg.Journal.Records()[before:] {
		if err := s.addRecord(r); err != nil {
			return err
		}
	}
	return err
}

// now returns the time. A clock behind the journal's last line is wrong, and what depends on
// time would be judged by it.
func (s *Signer) now() (time.Time, error) {
	now := s.cfg.Clock.Now()
	if last := time.Unix(s.cfg.Journal.last, 0); now.Before(last) {
		return time.Time{}, errs.Newf(errs.Unavailable, CodeClockBack,
			"The signer's clock says %s, but its journal has a line of %s. Set the clock of its host.",
			now.UTC().Format(time.RFC3339), last.UTC().Format(time.RFC3339))
	}
	return now, nil
}

func hexFingerprint(f [4]byte) string { return hex.EncodeToString(f[:]) }
