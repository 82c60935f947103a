package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/causeway-fund/causeway/internal/cli"
)

// run runs the program with args and returns its output and exit code.
func run(t *testing.T, args ...string) (output string, code int) {
	t.Helper()
	cmd := root()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err := cmd.ExecuteContext(t.Context())
	if err != nil {
		out.WriteString(err.Error())
	}
	return out.String(), cli.Code(err)
}

func TestProberFlags(t *testing.T) {
	for name, cmd := range map[string]*pflag.FlagSet{"prober": proberCommand().Flags(), "echo": echoCommand().Flags()} {
		cmd.VisitAll(func(f *pflag.Flag) {
			for _, word := range []string{"database", "btcd", "signer", "seal", "password", "token"} {
				if strings.Contains(f.Name, word) {
					t.Errorf("%s has the flag --%s", name, f.Name)
				}
			}
			if f.Usage == "" {
				t.Errorf("%s --%s has no help", name, f.Name)
			}
		})
	}
	if out, code := run(t, "prober"); code != cli.ExitUsage || !strings.Contains(out, "--api is missing") {
		t.Errorf("no flags: %d %s", code, out)
	}
	if out, code := run(t, "echo"); code != cli.ExitUsage || !strings.Contains(out, "--key-file is missing") {
		t.Errorf("echo without a key: %d %s", code, out)
	}
	state := t.TempDir() + "/state.json"
	t.Setenv("CAUSEWAY_STATE", state)
	t.Setenv("CAUSEWAY_API", "http://fund.example")
	if out, code := run(t, "prober"); code != cli.ExitNotFound || !strings.Contains(out, "prober_not_enrolled") {
		t.Errorf("twins of the environment: %d %s", code, out)
	}
	if out, code := run(t, "prober", "enrol", "--token-file", "/nowhere"); code != cli.ExitError || !strings.Contains(out, "token") {
		t.Errorf("no token: %d %s", code, out)
	}
	if out, code := run(t, "prober", "enrol", "--token-file", "prober_test.go"); code != cli.ExitError || !strings.Contains(out, "api_url_without_tls") {
		t.Errorf("enrol takes the flags of prober: %d %s", code, out)
	}
	if out, _ := run(t, "prober", "enrol", "--help"); !strings.Contains(out, "--api") || !strings.Contains(out, "--token-file") {
		t.Errorf("help: %s", out)
	}
}
