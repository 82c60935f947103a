package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signer"
)

type initConfig struct {
	keyConfig
	journalPath, descriptor string
	workFactor              int
}

func initCommand() *cobra.Command {
	var cfg initConfig
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make the empty journal for a key, and print the treasury's descriptor",
		Long: "init makes the empty journal for the key that keygen made, and prints the treasury's\n" +
			"descriptor. For a key that is one of several it takes the descriptor of them all\n" +
			"(--descriptor), which it writes into the key file.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd.Flags(), "key-file", "network", "journal"); err != nil {
				return err
			}
			return initJournal(cmd, cfg)
		},
	}
	flags := cmd.Flags()
	cfg.register(flags, "the encrypted keys, which keygen made")
	flags.StringVar(&cfg.journalPath, "journal", "", "where to create the journal (must not exist or be empty)")
	flags.StringVar(
		&cfg.descriptor,
		"descriptor",
		"",
		"wsh(sortedmulti(...)) with checksum, for a key that keygen --kind wsh made",
	)
	registerWorkFactor(flags, &cfg.workFactor)
	return cmd
}

func initJournal(cmd *cobra.Command, cfg initConfig) error {
	if cfg.descriptor != "" {
		if err := adopt(cmd, cfg); err != nil {
			return err
		}
	}
	key, err := openKey(cmd, cfg.keyConfig)
	if err != nil {
		return err
	}
	if key.Descriptor() == nil {
		return errs.New(
			errs.Conflict,
			signer.CodeDescriptorMissing,
			"The key is one of several. Say which with the treasury's descriptor: init --descriptor.",
		)
	}
	if err := signer.CreateJournal(cfg.journalPath); err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "descriptor  %s\nfingerprint %s\n", key.Descriptor(), key.Fingerprint())
	return err
}

// adopt writes into the key file which treasury its key is one of.
func adopt(cmd *cobra.Command, cfg initConfig) error {
	params, err := wallet.Params(cfg.network)
	if err != nil {
		return err
	}
	if err := checkPrivate(cfg.keyPath); err != nil {
		return err
	}
	secret, err := passphrase(cfg.passphrasePath, false, os.Stdin, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	defer clear(secret)
	key, err := signer.AdoptDescriptor(cfg.keyPath, secret, cfg.descriptor, params, cfg.workFactor)
	if err != nil {
		return err
	}
	if k, n := key.Descriptor().Threshold(); 2*k <= n {
		_, err = fmt.Fprintf(
			cmd.ErrOrStderr(),
			"warning: %d of %d keys is not a majority: two groups of signers that never meet could pay the same decision\n",
			k,
			n,
		)
	}
	return err
}
