package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/causeway-fund/causeway/internal/errs"
)

// Exit codes of all programs.
const (
	ExitOK           = 0
	ExitError        = 1
	ExitUsage        = 2
	ExitNotFound     = 3
	ExitConflict     = 4
	ExitChecksFailed = 5
)

// ErrChecksFailed ends a command whose checks ran and found something wrong.
var ErrChecksFailed = errs.New(errs.Conflict, CodeChecksFailed, "Not every check passed.")

// UsageError marks an error as one of how the program was called.
type UsageError struct{ Err error }

func (u UsageError) Error() string { return u.Err.Error() }

// Unwrap returns the error inside.
func (u UsageError) Unwrap() error { return u.Err }

// Main runs root until it ends or a signal comes, writes an error as one line
// and returns the exit code.
func Main(root *cobra.Command) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root.SilenceUsage, root.SilenceErrors = true, true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return UsageError{err} })
	err := root.ExecuteContext(ctx)
	if err != nil && ctx.Err() == nil {
		WriteError(os.Stderr, root.Name(), err)
	}
	if err != nil && ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return ExitOK // told to stop, and stopped
	}
	return Code(err)
}

// Code returns the exit code for err.
func Code(err error) int {
	var usage UsageError
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &usage), isCobraUsage(err):
		return ExitUsage
	case errs.Is(err, ErrChecksFailed.Code):
		return ExitChecksFailed
	}
	switch errs.KindOf(err) {
	case errs.NotFound:
		return ExitNotFound
	case errs.Conflict:
		return ExitConflict
	case errs.Invalid,
		errs.Malformed,
		errs.Unauthenticated,
		errs.Forbidden,
		errs.TooLarge,
		errs.Precondition,
		errs.RateLimited,
		errs.Unavailable,
		errs.Internal:
	}
	return ExitError
}

// isCobraUsage recognises the errors that cobra itself makes of wrong arguments;
// it gives them no type.
func isCobraUsage(err error) bool {
	text := err.Error()
	for _, start := range []string{"unknown command", "accepts ", "requires at least", "requires at most", "required flag(s)", "invalid argument"} {
		if strings.HasPrefix(text, start) {
			return true
		}
	}
	return false
}

// WriteError writes err for a person: the message, then each field on a line.
func WriteError(w io.Writer, program string, err error) {
	var e *errs.Error
	if !errors.As(err, &e) {
		_, _ = fmt.Fprintf(w, "%s: %v\n", program, err)
		return
	}
	_, _ = fmt.Fprintf(w, "%s: %s\n", program, e.Message)
	for _, f := range e.Fields {
		_, _ = fmt.Fprintf(w, "  %s: %s\n", f.Field, f.Message)
	}
	if e.Kind == errs.Internal && e.Cause != nil {
		_, _ = fmt.Fprintf(w, "  cause: %v\n", e.Cause)
	}
}

// BindEnv sets every flag that was not given from its environment twin:
// --key-file is PREFIX_KEY_FILE.
func BindEnv(flags *pflag.FlagSet, prefix string) error {
	var problems []error
	flags.VisitAll(func(f *pflag.Flag) {
		name := prefix + "_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, ok := os.LookupEnv(name)
		if f.Changed || !ok {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			problems = append(problems, UsageError{fmt.Errorf("%s: %w", name, err)})
		}
	})
	return errors.Join(problems...)
}

// Need refuses to go on without the named flags.
func Need(flags *pflag.FlagSet, names ...string) error {
	for _, name := range names {
		if flags.Lookup(name).Value.String() == "" {
			return UsageError{fmt.Errorf("--%s is missing; see --help", name)}
		}
	}
	return nil
}

// release is the version of a release. The linker sets it (internal/tools/release).
var release string

// Version returns the version of a release, or else what the Go tool wrote into the program.
func Version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "unknown"
	}
	return info.Main.Version
}
