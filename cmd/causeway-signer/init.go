package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer"
	"github.com/causeway-fund/causeway/internal/wallet"
)

func initCommand() *cobra.Command {
	var keyPath, journalPath, passphrasePath, network, kind string
	var workFactor int
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make a new key and an empty journal, and print the treasury's descriptor",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := need(cmd.Flags(), "key-file", "journal", "network"); err != nil {
				return err
			}
			params, err := wallet.Params(network)
			if err != nil {
				return err
			}
			if _, err := os.Stat(keyPath); !errors.Is(err, fs.ErrNotExist) {
				return errs.Wrap(err, errs.Conflict, "key_exists", "There is a key file at "+keyPath+" already. It was left as it is.")
			}
			secret, err := passphrase(passphrasePath, true, os.Stdin, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			defer clear(secret)
			// The journal first: a key without its journal does not run.
			if err := signer.CreateJournal(journalPath); err != nil {
				return err
			}
			key, err := signer.CreateKeyFile(keyPath, secret, wallet.Kind(kind), params, workFactor, rand.Reader)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "descriptor  %s\nfingerprint %s\n", key.Descriptor(), key.Fingerprint())
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&keyPath, "key-file", "", "where to write the encrypted key (must not exist)")
	flags.StringVar(&journalPath, "journal", "", "where to create the journal (must not exist or be empty)")
	flags.StringVar(&passphrasePath, "passphrase-file", "", "file with the passphrase; else the systemd credential, else the terminal")
	flags.StringVar(&network, "network", "", "mainnet, testnet3, signet, simnet or regtest")
	flags.StringVar(&kind, "kind", string(wallet.KindWPKH), "wpkh (BIP84) or tr (BIP86)")
	flags.IntVar(&workFactor, "work-factor", signer.DefaultWorkFactor, "log2 of the scrypt cost of the passphrase; lower only for tests")
	return cmd
}
