package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
)

// asCommand makes this test binary the command that is run: its test prints where it was told
// to make its database, and fails if none can be made.
const asCommand = "CAUSEWAY_WITHPOSTGRES_COMMAND"

func TestItsTestsShareOneServer(t *testing.T) {
	t.Setenv(pgtest.EnvURL, "")
	t.Setenv(asCommand, "1")
	var out, errOut bytes.Buffer

	code := run(t.Context(), []string{"/bin/sh", "-c", `"$0" -test.run='^TestCommand$' && "$0" -test.run='^TestCommand$'`, os.Args[0]}, &out, &errOut)

	var told []string
	for line := range strings.Lines(out.String()) {
		if address, ok := strings.CutPrefix(line, "server "); ok {
			told = append(told, address)
		}
	}
	if code != 0 || len(told) != 2 || told[0] != told[1] || !strings.HasPrefix(told[0], "postgres://") {
		t.Errorf("exit %d, told of %d servers\n%s", code, len(told), &errOut)
	}
}

// TestCommand is the command of the test above; by itself it passes.
func TestCommand(t *testing.T) {
	t.Parallel()
	if os.Getenv(asCommand) == "" {
		return
	}
	if err := pgtest.New(t).Pool(t).Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stdout.WriteString("server " + os.Getenv(pgtest.EnvURL) + "\n"); err != nil {
		t.Error(err)
	}
}

func TestItEndsAsItsCommandDoes(t *testing.T) {
	t.Setenv(pgtest.EnvURL, "postgres://nobody@127.0.0.1:1/none") // it is not asked
	false7 := []string{"/bin/sh", "-c", "exit 7"}
	for _, tc := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"/bin/true"}, 0, ""},
		{false7, 7, ""},
		{[]string{"/bin/sh", "-c", "kill -9 $$"}, 1, "signal: killed"},
		{[]string{"/nowhere/command"}, 1, "no such file"},
		{nil, 2, "usage"},
	} {
		var out, errOut bytes.Buffer
		if code := run(t.Context(), tc.args, &out, &errOut); code != tc.code || !strings.Contains(errOut.String(), tc.says) {
			t.Errorf("%v: exit %d, want %d with %q\n%s", tc.args, code, tc.code, tc.says, &errOut)
		}
	}
}
