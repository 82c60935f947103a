package chainaudit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"

	"github.com/causeway-fund/causeway/internal/errs"
)

const (
	// DefaultGap is how many scripts beyond the last one seen are looked for.
	DefaultGap = 100
	// DefaultFinal is the depth in blocks from which on a spend is taken as
	// irrevocable.
	DefaultFinal = 100

	maxGap = 100_000
	// rounds bounds how often the reader follows a node that goes on or changes
	// its branch while it is read.
	rounds = 5
)

// Journal is where a signer's journal is read, more than once: what the chain
// holds was journalled before, so the journal is read after the chain.
type Journal struct {
	Name string
	Open func() (io.ReadCloser, error)
}

// JournalFile is a signer's journal, or a copy of it, at path.
func JournalFile(path string) Journal {
	return Journal{Name: path, Open: func() (io.ReadCloser, error) { return os.Open(path) }}
}

// Config says what to audit. Descriptor, Node and at least one journal are
// required.
type Config struct {
	Descriptor string // public, with its BIP380 checksum
	Birthday   int32  // the first block that can hold a deposit
	Journals   []Journal
	Node       Node
	Gap        uint32                  // 0 means DefaultGap
	Final      int32                   // confirmations; 0 means DefaultFinal
	Logs       []AuditLog              // of the fund; none: who approved is not checked
	AcceptLost []uint32                // numbers of batches whose approval was lost with a restored database, as the reader knows
	Progress   func(height, tip int32) // after each block; may be nil
}

// Run reads the chain and the journals. The error is of an audit that could not
// be made: errs.Invalid (bad_descriptor, bad_birthday, bad_window, no_journal,
// unknown_network), errs.Unavailable (node_unavailable, bad_node, node_unsteady,
// journal_unreadable, log_unreadable) or ctx's. What the audit found is in the report.
func Run(ctx context.Context, cfg Config) (Report, error) {
	if cfg.Gap == 0 {
		cfg.Gap = DefaultGap
	}
	if cfg.Final == 0 {
		cfg.Final = DefaultFinal
	}
	if cfg.Progress == nil {
		cfg.Progress = func(int32, int32) {}
	}
	switch {
	case len(cfg.Journals) == 0:
		return Report{}, errs.New(errs.Invalid, errs.CodeNoJournal, "Name at least one signer's journal.")
	case cfg.Gap > maxGap || cfg.Final < 1:
		return Report{}, errs.New(
			errs.Invalid,
			CodeBadWindow,
			"The gap limit or the final depth is out of range.",
		)
	}
	a := &auditor{cfg: cfg, reader: reader{cfg.Node}}
	report, err := a.run(ctx)
	if ctx.Err() != nil {
		return Report{}, fmt.Errorf("chain audit: %w", ctx.Err())
	}
	return report, err
}

// auditor is one run.
type auditor struct {
	cfg      Config
	reader   reader
	net      *chaincfg.Params
	treasury *treasury
}

func (a *auditor) run(ctx context.Context) (Report, error) {
	if err := a.meet(ctx); err != nil {
		return Report{}, err
	}
	for range rounds {
		s, err := a.begin(ctx)
		if err != nil {
			return Report{}, err
		}
		report, err := a.audit(ctx, s)
		if !errors.Is(err, errMoved) {
			return report, err
		}
	}
	return Report{}, errs.New(
		errs.Unavailable,
		CodeNodeUnsteady,
		"The node kept switching branches. Nothing was judged; try again later.",
	)
}

// meet learns the node's network and reads the descriptor for it.
func (a *auditor) meet(ctx context.Context) error {
	genesis, err := a.reader.hashAt(ctx, 0)
	if err != nil {
		return err
	}
	for _, net := range []*chaincfg.Params{
		&chaincfg.MainNetParams, &chaincfg.TestNet3Params, &chaincfg.TestNet4Params, &chaincfg.SigNetParams,
		&chaincfg.SimNetParams, &chaincfg.RegressionNetParams,
	} {
		if *net.GenesisHash == genesis {
			a.net = net
		}
	}
	if a.net == nil {
		return errs.Newf(
			errs.Invalid,
			errs.CodeUnknownNetwork,
			"The node's chain begins with block %s, which belongs to no known network.",
			genesis,
		)
	}
	a.treasury, err = parseDescriptor(a.cfg.Descriptor, a.net)
	return err
}

// begin prepares a scan from the birthday on.
func (a *auditor) begin(ctx context.Context) (*scan, error) {
	var tip int32
	if err := a.reader.ask(ctx, &tip, "getblockcount"); err != nil {
		return nil, err
	}
	if a.cfg.Birthday < 0 || a.cfg.Birthday > tip {
		return nil, errs.Newf(
			errs.Invalid,
			CodeBadBirthday,
			"The birthday is block %d; the node has blocks 0 to %d.",
			a.cfg.Birthday,
			tip,
		)
	}
	w, err := newWindow(a.treasury, a.cfg.Gap)
	if err != nil {
		return nil, err
	}
	journals, err := a.journals(&Report{})
	if err != nil {
		return nil, err
	}
	named := map[chainhash.Hash]bool{}
	for _, j := range journals {
		for _, r := range j.records {
			named[r.txid] = true
			if err := w.watch(place{change, r.number}); err != nil {
				return nil, err
			}
		}
	}
	from := max(a.cfg.Birthday, 1) - 1
	hash, err := a.reader.hashAt(ctx, from)
	if err != nil {
		return nil, err
	}
	return newScan(w, named, from, hash), nil
}

// audit follows the node until it stands still, and judges.
func (a *auditor) audit(ctx context.Context, s *scan) (Report, error) {
	acts, err := a.logs()
	if err != nil {
		return Report{}, err
	}
	for round := 1; ; round++ {
		report := a.blank()
		var tip int32
		if err := a.reader.ask(ctx, &tip, "getblockcount"); err != nil {
			return Report{}, err
		}
		if err := s.run(ctx, a.reader, func(height int32) { a.cfg.Progress(height, max(tip, height)) }); err != nil {
			return Report{}, err
		}
		journals, err := a.journals(&report)
		if err != nil {
			return Report{}, err
		}
		(&judge{scan: s, journals: journals, net: a.net, final: a.cfg.Final, report: &report, acts: acts, acceptLost: a.cfg.AcceptLost}).run()
		report.Height, report.Block, report.BlockTime = s.height, s.hash.String(), s.header.Timestamp.Unix()
		still, err := a.compareCoins(ctx, s, &report)
		if err != nil {
			return Report{}, err
		}
		if !still && round < rounds {
			continue
		}
		if !still {
			report.note(
				Finding{Code: NodeWentOn},
				"Blocks came faster than the node's own coins could be compared; everything else was judged at block %d.",
				s.height,
			)
		}
		return report, a.mempool(ctx, s, &report)
	}
}

// blank has no null lists in JSON.
func (a *auditor) blank() Report {
	return Report{
		Network: a.net.Name, Descriptor: a.treasury.text, Birthday: a.cfg.Birthday,
		Journals: []JournalRead{}, Deposits: []Deposit{}, Transactions: []Transaction{}, Payments: []Payment{},
		Coins: []Coin{}, Waiting: []Waiting{}, Alarms: []Finding{}, Notes: []Finding{},
	}
}

func (a *auditor) journals(report *Report) ([]*journal, error) {
	all := make([]*journal, 0, len(a.cfg.Journals))
	for _, source := range a.cfg.Journals {
		j, err := open(source, report)
		if err != nil {
			return nil, errs.Wrap(
				err,
				errs.Unavailable,
				CodeJournalUnreadable,
				fmt.Sprintf("Journal %s cannot be read: %v. Nothing was judged.", source.Name, err),
			)
		}
		all = append(all, j)
	}
	return all, nil
}

func open(source Journal, report *Report) (j *journal, err error) {
	text, err := source.Open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, text.Close()) }()
	return readJournal(source.Name, text, report)
}
