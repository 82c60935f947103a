package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/trust/charter"
)

type initConfig struct {
	keyConfig
	journalPath, descriptor, charter string
	workFactor                       int
}

func initCommand() *cobra.Command {
	var cfg initConfig
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make the empty journal for a key, and print the treasury's descriptor",
		Long: "init makes the empty journal for the key that keygen made, and prints the treasury's\n" +
			"descriptor. For a key that is one of several it takes the descriptor of them all\n" +
			"(--descriptor), which it writes into the key file.\n\n" +
			"With --charter it shows the fund's charter, has the digits of its digest typed that the trustees\n" +
			"read out, and makes a journal that begins with it: from then on the signer signs what the charter\n" +
			"allows. The treasury's descriptor is that of the charter.",
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
	flags.StringVar(&cfg.charter, "charter", "", "file with the fund's charter")
	registerWorkFactor(flags, &cfg.workFactor)
	return cmd
}

func initJournal(cmd *cobra.Command, cfg initConfig) error {
	create := func() error { return signer.CreateJournal(cfg.journalPath) }
	if cfg.charter != "" {
		c, descriptor, err := agreed(cmd, cfg)
		if err != nil {
			return err
		}
		cfg.descriptor = descriptor
		create = func() error { return signer.BeginJournal(cfg.journalPath, c, clock.Real{}.Now()) }
	}
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
	if err := create(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "descriptor  %s\nfingerprint %s\n", key.Descriptor(), key.Fingerprint())
	return err
}

// agreed returns the charter that a person has compared, and the descriptor that the key has
// to adopt from it, if any.
func agreed(cmd *cobra.Command, cfg initConfig) (c charter.Charter, adopt string, err error) {
	if c, err = readCharter(cfg.charter); err != nil {
		return c, "", err
	}
	key, err := openKey(cmd, cfg.keyConfig)
	if err != nil {
		return c, "", err
	}
	if err := signer.CheckListed(key, c); err != nil {
		return c, "", err
	}
	descriptor, ok := descriptorIn(c, key)
	if own := key.Descriptor(); !ok || own != nil && own.String() != descriptor ||
		cfg.descriptor != "" && cfg.descriptor != descriptor {
		return c, "", errs.New(
			errs.Conflict,
			signer.CodeTreasuryNotInUse,
			"The charter's treasury is not the one of this key.",
		)
	}
	if key.Descriptor() == nil {
		adopt = descriptor
	}
	return c, adopt, confirm(cmd, c)
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
