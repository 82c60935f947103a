package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signer"
)

// keyConfig is what every command that opens the key asks for.
type keyConfig struct{ keyPath, passphrasePath, network string }

func (cfg *keyConfig) register(flags *pflag.FlagSet, keyUsage string) {
	flags.StringVar(&cfg.keyPath, "key-file", "", keyUsage)
	flags.StringVar(
		&cfg.passphrasePath,
		"passphrase-file",
		"",
		"file with the passphrase; else the systemd credential, else the terminal",
	)
	flags.StringVar(&cfg.network, "network", "", "mainnet, testnet3, signet, simnet or regtest")
}

func registerWorkFactor(flags *pflag.FlagSet, factor *int) {
	flags.IntVar(
		factor,
		"work-factor",
		signer.DefaultWorkFactor,
		"log2 of the scrypt cost of the passphrase; lower it in tests only",
	)
}

func keygenCommand() *cobra.Command {
	var cfg keyConfig
	var kind string
	var workFactor int
	cmd := &cobra.Command{
		Use:   "keygen",
		Short: "Make the key file and print what the fund needs of it",
		Long: "keygen makes this signer's two keys, one of the treasury and one for what the signer says of\n" +
			"itself, and prints their public halves.\n\n" +
			"For a treasury of several keys (--kind wsh) put the lines \"key\" of all signers into\n" +
			"wsh(sortedmulti(k,...)). Then call init at each signer, which makes its journal.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd.Flags(), "key-file", "network"); err != nil {
				return err
			}
			return keygen(cmd, cfg, wallet.Kind(kind), workFactor)
		},
	}
	cfg.register(cmd.Flags(), "where to write the encrypted keys (must not exist)")
	cmd.Flags().StringVar(
		&kind,
		"kind",
		string(wallet.KindWPKH),
		"wpkh (BIP84), tr (BIP86) or wsh (BIP48, one of several keys)",
	)
	registerWorkFactor(cmd.Flags(), &workFactor)
	return cmd
}

func keygen(cmd *cobra.Command, cfg keyConfig, kind wallet.Kind, workFactor int) error {
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
	key, err := signer.CreateKeyFile(cfg.keyPath, secret, kind, params, workFactor, rand.Reader)
	if err != nil {
		return err
	}
	return printKey(cmd, key)
}

func keyCommand() *cobra.Command {
	var cfg keyConfig
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Print again what keygen printed",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd.Flags(), "key-file", "network"); err != nil {
				return err
			}
			key, err := openKey(cmd, cfg)
			if err != nil {
				return err
			}
			return printKey(cmd, key)
		},
	}
	cfg.register(cmd.Flags(), "the encrypted keys")
	return cmd
}

// printKey prints what the other side needs: the descriptor or the part of one, and the line
// of a charter, whose name people choose.
func printKey(cmd *cobra.Command, key *signer.Key) error {
	out := cmd.OutOrStdout()
	if d := key.Descriptor(); d != nil {
		if _, err := fmt.Fprintf(out, "descriptor  %s\n", d); err != nil {
			return err
		}
	}
	acks, _ := key.AckKey()
	_, err := fmt.Fprintf(out, "key         %s\nfingerprint %s\nack-key     %s\ncharter     signer NAME %s %s\n",
		key.Expression(), key.Fingerprint(), acks, key.Fingerprint(), acks)
	return err
}

func openKey(cmd *cobra.Command, cfg keyConfig) (*signer.Key, error) {
	params, err := wallet.Params(cfg.network)
	if err != nil {
		return nil, err
	}
	if err := checkPrivate(cfg.keyPath); err != nil {
		return nil, err
	}
	secret, err := passphrase(cfg.passphrasePath, false, os.Stdin, cmd.ErrOrStderr())
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	return signer.OpenKeyFile(cfg.keyPath, secret, params)
}
