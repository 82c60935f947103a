package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/causeway-fund/causeway/internal/signer/signer"

	"golang.org/x/term"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/errs"
)

const (
	// credentialName is the systemd credential (LoadCredential=) with the
	// passphrase.
	credentialName = "causeway-signer-passphrase"

	minPassphrase, maxPassphrase = 12, 1024
)

// passphrase reads the passphrase from path, or from the systemd credential, or
// from the terminal, which it asks twice when confirm is set.
func passphrase(path string, confirm bool, in *os.File, out io.Writer) ([]byte, error) {
	if path == "" {
		if dir := os.Getenv("CREDENTIALS_DIRECTORY"); dir != "" {
			path = filepath.Join(dir, credentialName)
		}
	}
	if path != "" {
		return passphraseFromFile(path)
	}
	if !term.IsTerminal(int(in.Fd())) {
		return nil, cli.UsageError{
			Err: errors.New(
				"there is no terminal to ask for the passphrase; use --passphrase-file or the systemd credential " + credentialName,
			),
		}
	}
	first, err := ask(in, out, "Passphrase: ")
	if err != nil || !confirm {
		return first, err
	}
	second, err := ask(in, out, "Repeat it: ")
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(first, second) {
		return nil, errs.New(
			errs.Invalid,
			signer.CodeBadPassphrase,
			"The passphrases do not match. Nothing was written.",
		)
	}
	return first, checkPassphrase(first)
}

func passphraseFromFile(path string) ([]byte, error) {
	if err := checkPrivate(path); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read passphrase: %w", err)
	}
	text = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	return text, checkPassphrase(text)
}

func checkPassphrase(text []byte) error {
	if len(text) < minPassphrase || len(text) > maxPassphrase || bytes.ContainsAny(text, "\r\n") {
		return errs.Newf(
			errs.Invalid,
			signer.CodeBadPassphrase,
			"The passphrase must be one line of %d to %d bytes.",
			minPassphrase,
			maxPassphrase,
		)
	}
	return nil
}

// checkPrivate refuses a secret that every user of the machine can read.
func checkPrivate(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("look at secret file: %w", err)
	}
	if info.Mode().Perm()&0o007 != 0 {
		return errs.Newf(
			errs.Invalid,
			errs.CodeSecretExposed,
			"Every user can read %s. Make it private: chmod 600 %s",
			path,
			path,
		)
	}
	return nil
}

func ask(in *os.File, out io.Writer, prompt string) ([]byte, error) {
	if _, err := fmt.Fprint(out, prompt); err != nil {
		return nil, fmt.Errorf("ask for the passphrase: %w", err)
	}
	text, err := term.ReadPassword(int(in.Fd()))
	if err != nil {
		return nil, fmt.Errorf("read passphrase: %w", err)
	}
	_, err = fmt.Fprintln(out)
	return text, err
}
