package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/causeway-fund/causeway/internal/errs"
)

const envPrefix = "CAUSEWAY_SIGNER_"

// Exit codes.
const (
	exitError       = 1
	exitUsage       = 2
	exitCheckFailed = 5
)

func main() { os.Exit(execute()) }

func execute() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := root().ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintf(os.Stderr, "causeway-signer: %s\n", message(err))
	return exitCode(err)
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "causeway-signer",
		Short: "Hold the treasury's key and sign what its rules allow",
		Long: "causeway-signer holds the treasury's key, checks every transaction against the notes\n" +
			"that people approved and against its own journal, and only then signs it.\n\n" +
			"Every flag can be given as " + envPrefix + "NAME too. Secrets are read from files only.",
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return flagsFromEnv(cmd.Flags(), os.LookupEnv)
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	cmd.AddCommand(initCommand(), keyCommand(), runCommand(), journalCommand(), versionCommand())
	return cmd
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "causeway-signer", version())
			return err
		},
	}
}

// version returns what the Go tool wrote into the program.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "unknown"
	}
	return info.Main.Version
}

// flagsFromEnv sets every flag that was not given from its environment twin:
// --max-fee-sat is CAUSEWAY_SIGNER_MAX_FEE_SAT.
func flagsFromEnv(flags *pflag.FlagSet, lookup func(string) (string, bool)) error {
	var problems []error
	flags.VisitAll(func(f *pflag.Flag) {
		name := envPrefix + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, ok := lookup(name)
		if f.Changed || !ok {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			problems = append(problems, usageError{fmt.Errorf("%s: %w", name, err)})
		}
	})
	return errors.Join(problems...)
}

// need refuses to go on without the named flags.
func need(flags *pflag.FlagSet, names ...string) error {
	for _, name := range names {
		if flags.Lookup(name).Value.String() == "" {
			return usageError{fmt.Errorf("--%s is missing; see --help", name)}
		}
	}
	return nil
}

type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func exitCode(err error) int {
	var usage usageError
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case errs.Is(err, "journal_damaged"):
		return exitCheckFailed
	}
	return exitError
}

// message prefers the words meant for people and keeps the cause, which on a
// signer's own console is no secret.
func message(err error) string {
	var e *errs.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	if e.Cause != nil {
		return fmt.Sprintf("%s (%v)", e.Message, e.Cause)
	}
	return e.Message
}
