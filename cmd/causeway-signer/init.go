package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signer"
)

type initConfig struct {
	keyPath, journalPath, passphrasePath, network, kind, descriptor string
	workFactor                                                      int
}

func initCommand() *cobra.Command {
	var cfg initConfig
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make a new key and an empty journal, and print the treasury's descriptor",
		Long: "init makes a new key and an empty journal, and prints the treasury's descriptor.\n\n" +
			"A treasury of several keys takes two steps. init --kind wsh makes this signer's key and\n" +
			"prints its public half. Put those of all signers into wsh(sortedmulti(k,...)), then call\n" +
			"init --descriptor with it at each signer, which writes it into the key file.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd.Flags(), "key-file", "network"); err != nil {
				return err
			}
			if cfg.descriptor != "" {
				return adopt(cmd, cfg)
			}
			if err := cli.Need(cmd.Flags(), "journal"); err != nil {
				return err
			}
			return makeKey(cmd, cfg)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(
		&cfg.keyPath,
		"key-file",
		"",
		"where to write the encrypted key (must not exist, save with --descriptor)",
	)
	flags.StringVar(&cfg.journalPath, "journal", "", "where to create the journal (must not exist or be empty)")
	flags.StringVar(
		&cfg.passphrasePath,
		"passphrase-file",
		"",
		"file with the passphrase; else the systemd credential, else the terminal",
	)
	flags.StringVar(&cfg.network, "network", "", "mainnet, testnet3, signet, simnet or regtest")
	flags.StringVar(
		&cfg.kind,
		"kind",
		string(wallet.KindWPKH),
		"wpkh (BIP84), tr (BIP86) or wsh (BIP48, one of several keys)",
	)
	flags.StringVar(
		&cfg.descriptor,
		"descriptor",
		"",
		"wsh(sortedmulti(...)) with checksum, for a key that init --kind wsh made",
	)
	flags.IntVar(
		&cfg.workFactor,
		"work-factor",
		signer.DefaultWorkFactor,
		"log2 of the scrypt cost of the passphrase; lower it in tests only",
	)
	return cmd
}

func makeKey(cmd *cobra.Command, cfg initConfig) error {
	params, err := wallet.Params(cfg.network)
	if err != nil {
		return err
	}
	if _, err := os.Stat(cfg.keyPath); !errors.Is(err, fs.ErrNotExist) {
		return errs.Wrap(
			err,
			errs.Conflict,
			signer.CodeKeyExists,
			"There is a key file at "+cfg.keyPath+" already. It was left as it is.",
		)
	}
	secret, err := passphrase(cfg.passphrasePath, true, os.Stdin, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	defer clear(secret)
	// The journal first: a key without its journal does not run.
	if err := signer.CreateJournal(cfg.journalPath); err != nil {
		return err
	}
	key, err := signer.CreateKeyFile(cfg.keyPath, secret, wallet.Kind(cfg.kind), params, cfg.workFactor, rand.Reader)
	if err != nil {
		return err
	}
	return printKey(cmd, key)
}

// adopt is the second step of a shared key.
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
	if err := printKey(cmd, key); err != nil {
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

// printKey prints what the other side needs: the descriptor, or the public half
// that becomes a part of one.
func printKey(cmd *cobra.Command, key *signer.Key) error {
	out := cmd.OutOrStdout()
	if d := key.Descriptor(); d != nil {
		_, err := fmt.Fprintf(out, "descriptor  %s\nfingerprint %s\n", d, key.Fingerprint())
		return err
	}
	_, err := fmt.Fprintf(out, "key         %s\nfingerprint %s\n", key.Expression(), key.Fingerprint())
	return err
}

func keyCommand() *cobra.Command {
	var cfg runConfig
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Print the public half of the key, for the descriptor of a treasury of several",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd.Flags(), "key-file", "network"); err != nil {
				return err
			}
			key, err := openKey(cmd, cfg)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), key.Expression())
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&cfg.keyPath, "key-file", "", "the encrypted key")
	flags.StringVar(
		&cfg.passphrasePath,
		"passphrase-file",
		"",
		"file with the passphrase; else the systemd credential, else the terminal",
	)
	flags.StringVar(&cfg.network, "network", "", "mainnet, testnet3, signet, simnet or regtest")
	return cmd
}
