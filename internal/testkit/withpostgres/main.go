package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprintln(stderr, "usage: withpostgres COMMAND [ARGUMENT...]")
		return 2
	}
	env := os.Environ()
	if os.Getenv(pgtest.EnvURL) == "" {
		address, err := pgtest.Start(ctx)
		if err != nil {
			fmt.Fprintf(stderr, "withpostgres: start PostgreSQL: %v\n", err)
			return 1
		}
		env = append(env, pgtest.EnvURL+"="+address)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // the caller's own
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, os.Stdin, stdout, stderr
	// A terminal's Ctrl-C reaches the command too; it is given the time to end its own children.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	var ended *exec.ExitError
	switch err := cmd.Run(); {
	case err == nil:
		return 0
	case errors.As(err, &ended) && ended.ExitCode() > 0:
		return ended.ExitCode()
	default:
		fmt.Fprintf(stderr, "withpostgres: %s: %v\n", args[0], err)
		return 1
	}
}
