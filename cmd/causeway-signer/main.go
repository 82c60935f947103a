package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/errs"
)

const envPrefix = "CAUSEWAY_SIGNER"

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
			"Every flag can also be set as " + envPrefix + "_NAME. Secrets are read from files only.",
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return cli.BindEnv(cmd.Flags(), envPrefix)
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return cli.UsageError{Err: err} })
	cmd.AddCommand(
		keygenCommand(),
		keyCommand(),
		initCommand(),
		runCommand(),
		acceptCommand(),
		pinCommand(),
		haltCommand(),
		journalCommand(),
		versionCommand(),
	)
	return cmd
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "causeway-signer", cli.Version())
			return err
		},
	}
}

func exitCode(err error) int {
	if errs.Is(err, CodeJournalDamaged) {
		return cli.ExitChecksFailed
	}
	return cli.Code(err)
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
