package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os/signal"
	"syscall"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signer"
)

type runConfig struct {
	keyConfig
	journalPath, socket, socketGroup, fund string
	policy                                 signer.Policy
	maxFeeSat, minDifficulty               int64
}

func runCommand() *cobra.Command {
	cfg := runConfig{policy: signer.DefaultPolicy()}
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Answer requests on the socket until told to stop",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd.Flags(), "key-file", "journal", "socket", "network"); err != nil {
				return err
			}
			id, err := fundID(cfg.fund)
			if err != nil {
				return err
			}
			cfg.policy.MaxFee = btcutil.Amount(cfg.maxFeeSat)
			if cfg.minDifficulty != 0 {
				cfg.policy.MaxTarget = signer.TargetOf(cfg.minDifficulty)
			}
			return run(cmd, cfg, id)
		},
	}
	flags := cmd.Flags()
	cfg.register(flags, "the encrypted keys")
	flags.StringVar(&cfg.journalPath, "journal", "", "the journal")
	flags.StringVar(&cfg.socket, "socket", "", "where to listen (Unix socket, mode 0660)")
	flags.StringVar(&cfg.socketGroup, "socket-group", "", "group that owns the socket; the worker must be in it")
	flags.StringVar(&cfg.fund, "fund", "", "refuse notes of another fund than this; empty takes those of any")
	flags.Var(
		(*money.FeeRateFlag)(&cfg.policy.MaxFeeRateSatKVB),
		"max-feerate",
		"refuse a feerate above this, in sat/vB with up to three decimals",
	)
	flags.Var(
		(*money.FeeRateFlag)(&cfg.policy.MinFeeRateSatKVB),
		"min-feerate",
		"refuse a feerate below this, in sat/vB with up to three decimals: the lowest that the fund's node relays (its "+
			"--minrelaytxfee)",
	)
	flags.Int64Var(&cfg.maxFeeSat, "max-fee-sat", int64(cfg.policy.MaxFee), "refuse a fee above this, in sat")
	flags.Int64Var(
		&cfg.policy.MaxFeePermille,
		"max-fee-permille",
		cfg.policy.MaxFeePermille,
		"refuse a fee above this per mille of the payments, or of the inputs when nobody is paid (2000 sat are "+
			"always allowed)",
	)
	flags.IntVar(
		&cfg.policy.MaxInputs,
		"max-inputs",
		cfg.policy.MaxInputs,
		"refuse a transaction with more inputs than this",
	)
	flags.IntVar(
		&cfg.policy.MaxOutputs,
		"max-outputs",
		cfg.policy.MaxOutputs,
		"refuse a transaction with more outputs than this, change included",
	)
	flags.IntVar(
		&cfg.policy.FinalDepth,
		"final-depth",
		cfg.policy.FinalDepth,
		"confirmations that a proof needs before a payment is made again; fewer are allowed on simnet and regtest only",
	)
	flags.Int64Var(
		&cfg.minDifficulty,
		"min-difficulty",
		0,
		"lowest difficulty of a block header in such a proof; 0 for the network's default",
	)
	return cmd
}

// fundID reads --fund; uuid.Nil is any fund.
func fundID(text string) (uuid.UUID, error) {
	if text == "" {
		return uuid.Nil, nil
	}
	id, err := uuid.Parse(text)
	if err != nil || id.String() != text || id == uuid.Nil {
		return uuid.Nil, cli.UsageError{
			Err: errors.New("--fund is not the ID of a fund, in small letters and with hyphens"),
		}
	}
	return id, nil
}

func run(cmd *cobra.Command, cfg runConfig, fund uuid.UUID) (err error) {
	if err := harden(); err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), nil))
	key, err := openKey(cmd, cfg.keyConfig)
	if err != nil {
		return err
	}
	journal, err := signer.OpenJournal(cfg.journalPath)
	if err != nil {
		return explainJournal(err, cfg.journalPath)
	}
	defer func() { err = errors.Join(err, journal.Close()) }()
	if journal.Repaired > 0 {
		log.LogAttrs(
			cmd.Context(),
			slog.LevelWarn,
			"removed an incomplete journal line; it was never released",
			slog.Int64("bytes", journal.Repaired),
		)
	}
	s, err := signer.New(
		signer.Config{
			Key:     key,
			Journal: journal,
			Policy:  cfg.policy,
			Fund:    fund,
			Clock:   clock.Real{},
			Log:     log,
			Program: cli.Version(),
		},
	)
	if err != nil {
		return err
	}
	listener, err := signer.Listen(cmd.Context(), cfg.socket, cfg.socketGroup)
	if err != nil {
		return err
	}
	host, err := signer.ListenHost(cmd.Context(), cfg.socket)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	info := s.Info()
	log.LogAttrs(
		cmd.Context(),
		slog.LevelInfo,
		"listening",
		slog.String("socket", cfg.socket),
		slog.String("network", info.Network),
		slog.String("fingerprint", info.Fingerprint),
		slog.Int64("journal_records", info.JournalRecords),
	)
	ctx, cancel := context.WithCancel(cmd.Context())
	hosted := make(chan error, 1)
	go func() { hosted <- s.ServeHost(ctx, host) }()
	err = s.Serve(ctx, listener)
	cancel()
	return errors.Join(err, <-hosted)
}

// harden keeps the key out of core dumps, and turns a file size limit into an
// error of one write, like a full disk.
func harden() error {
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return fmt.Errorf("forbid core dumps: %w", err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	return nil
}

func explainJournal(err error, path string) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errs.Newf(
			errs.NotFound,
			errs.CodeNoJournal,
			"There is no journal at %s. A signer without its journal could pay twice: restore the journal. Only init creates "+
				"a new one.",
			path,
		)
	case errors.Is(err, signer.ErrCorrupt):
		return errs.Wrap(
			err,
			errs.Conflict,
			CodeJournalDamaged,
			"The journal at "+path+" failed verification. Nothing was changed; restore it from its copy.",
		)
	}
	return err
}
