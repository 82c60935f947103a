package cli_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/spf13/pflag"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/errs"
)

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		want int
	}{
		"nothing":       {nil, cli.ExitOK},
		"plain":         {errors.New("x"), cli.ExitError},
		"usage":         {fmt.Errorf("run: %w", cli.UsageError{Err: errors.New("x")}), cli.ExitUsage},
		"cobra's own":   {errors.New(`unknown command "x" for "causeway"`), cli.ExitUsage},
		"not found":     {fmt.Errorf("get: %w", errs.New(errs.NotFound, "x", "x")), cli.ExitNotFound},
		"conflict":      {errs.New(errs.Conflict, "x", "x"), cli.ExitConflict},
		"checks failed": {cli.ErrChecksFailed, cli.ExitChecksFailed},
	} {
		if got := cli.Code(tc.err); got != tc.want {
			t.Errorf("%s: exit code %d, want %d", name, got, tc.want)
		}
	}
}

func TestFlagWinsOverEnvironment(t *testing.T) {
	t.Setenv("CAUSEWAY_LISTEN", "env:1")
	t.Setenv("CAUSEWAY_KEY_FILE", "env.key")
	flags := pflag.NewFlagSet("x", pflag.ContinueOnError)
	listen, key := flags.String("listen", "default:1", ""), flags.String("key-file", "", "")
	if err := flags.Parse([]string{"--listen", "flag:1"}); err != nil {
		t.Fatal(err)
	}
	if err := cli.BindEnv(flags, "CAUSEWAY"); err != nil {
		t.Fatal(err)
	}
	if *listen != "flag:1" || *key != "env.key" {
		t.Errorf("listen %q, key %q", *listen, *key)
	}
}

func TestCSVGuardsFormulas(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	rows := cli.Rows{Header: []string{"a", "b"}, Cells: [][]string{{"=1+1", "x,y"}}}
	if err := rows.Write(&out, cli.CSV); err != nil {
		t.Fatal(err)
	}
	if want := "a,b\n'=1+1,\"x,y\"\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
