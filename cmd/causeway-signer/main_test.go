package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/trust/sshsig"
)

// call runs the program with args and returns what it prints.
func call(t *testing.T, args ...string) (stdout string, err error) {
	t.Helper()
	var out, talk bytes.Buffer
	cmd := root()
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&talk)
	err = cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// folder has a passphrase; path names a file in it.
func folder(t *testing.T) (path func(string) string) {
	t.Helper()
	dir := t.TempDir()
	path = func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(path("pass"), []byte("a long passphrase\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func keyArgs(path func(string) string, more ...string) []string {
	return append([]string{
		"keygen", "--network", "simnet", "--key-file", path("key"), "--passphrase-file", path("pass"), "--work-factor", "10",
	}, more...)
}

func initArgs(path func(string) string, more ...string) []string {
	return append([]string{
		"init", "--network", "simnet", "--key-file", path("key"), "--journal", path("journal"),
		"--passphrase-file", path("pass"), "--work-factor", "10",
	}, more...)
}

// install makes a key and a journal.
func install(t *testing.T, path func(string) string, kind string) (keygen, initialised string) {
	t.Helper()
	keygen, err := call(t, keyArgs(path, "--kind", kind)...)
	if err != nil {
		t.Fatal(err)
	}
	initialised, err = call(t, initArgs(path)...)
	if err != nil {
		t.Fatal(err)
	}
	return keygen, initialised
}

func runArgs(path func(string) string, more ...string) []string {
	return append([]string{
		"run", "--network", "simnet", "--key-file", path("key"), "--journal", path("journal"),
		"--passphrase-file", path("pass"), "--socket", path("s"),
	}, more...)
}

func TestKeygenAndInitPrintTheDescriptorAndNeverOverwrite(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{"wpkh": "/84h/115h/0h]", "tr": "/86h/115h/0h]"} {
		path := folder(t)
		made, out := install(t, path, kind)
		if !strings.Contains(out, "descriptor  "+kind+"([") || !strings.Contains(out, want) || !strings.Contains(out, "#") {
			t.Errorf("printed %q", out)
		}
		if descriptor, _, _ := strings.Cut(out, "\n"); !strings.HasPrefix(made, descriptor+"\n") {
			t.Errorf("keygen printed %q, init %q", made, out)
		}
		if _, err := call(t, keyArgs(path)...); !errs.Is(err, "key_exists") {
			t.Errorf("again: got %v, want key_exists", err)
		}
		if out, err := call(t, "journal", "verify", "--journal", path("journal")); err != nil || !strings.HasPrefix(out, "ok: 0 records") {
			t.Errorf("journal verify: %q, %v", out, err)
		}
		if out, err := call(t, "journal", "show", "--journal", path("journal")); err != nil || out != "" {
			t.Errorf("journal show: %q, %v", out, err)
		}
	}
}

// keygen prints a charter's line as the charter has it, apart from the name.
func TestKeygenPrintsTheLineOfACharter(t *testing.T) {
	t.Parallel()
	path := folder(t)
	made, _ := install(t, path, "wpkh")
	field := func(name string) string {
		found := regexp.MustCompile(`(?m)^` + name + ` +(.+)$`).FindStringSubmatch(made)
		if found == nil {
			t.Fatalf("no %s in %q", name, made)
		}
		return found[1]
	}
	acks, err := sshsig.ParseKey(field("ack-key"))
	if err != nil {
		t.Fatal(err)
	}
	line := "signer NAME " + field("fingerprint") + " " + acks.String()
	if field("charter") != line {
		t.Errorf("printed %q, want %q", field("charter"), line)
	}
	again, err := call(t, "key", "--network", "simnet", "--key-file", path("key"), "--passphrase-file", path("pass"))
	if err != nil || again != made {
		t.Errorf("key printed %q (%v), keygen %q", again, err, made)
	}
}

// Three signers make a 2-of-3 treasury.
func TestASharedKeyTakesTwoSteps(t *testing.T) {
	t.Parallel()
	var expressions []string
	paths := []func(string) string{folder(t), folder(t), folder(t)}
	for _, path := range paths {
		out, err := call(t, keyArgs(path, "--kind", "wsh")...)
		if err != nil {
			t.Fatal(err)
		}
		made, _, _ := strings.Cut(strings.TrimPrefix(out, "key         "), "\n")
		if !strings.Contains(made, "/48h/115h/0h/2h]") || !strings.HasSuffix(made, "/<0;1>/*") {
			t.Errorf("keygen printed %q", out)
		}
		if _, err := call(t, initArgs(path)...); !errs.Is(err, "descriptor_missing") {
			t.Errorf("init without descriptor: got %v, want descriptor_missing", err)
		}
		if err := signer.CreateJournal(path("journal")); err != nil {
			t.Fatal(err)
		}
		if _, err := call(t, runArgs(path)...); !errs.Is(err, "descriptor_missing") {
			t.Errorf("run without descriptor: got %v, want descriptor_missing", err)
		}
		expressions = append(expressions, made)
	}
	shared, err := wallet.MultisigDescriptor(2, expressions, &chaincfg.SimNetParams)
	if err != nil {
		t.Fatal(err)
	}
	adopt := func(path func(string) string, descriptor string) (string, error) {
		return call(t, initArgs(path, "--descriptor", descriptor)...)
	}
	stranger := folder(t)
	if _, err := call(t, keyArgs(stranger, "--kind", "wsh")...); err != nil {
		t.Fatal(err)
	}
	if _, err := adopt(stranger, shared.String()); !errs.Is(err, "wrong_key") {
		t.Errorf("somebody else's descriptor: got %v, want wrong_key", err)
	}
	if _, err := adopt(paths[0], strings.TrimSuffix(shared.String(), "z")+"q"); !errs.Is(err, "bad_checksum") {
		t.Errorf("damaged descriptor: got %v, want bad_checksum", err)
	}
	for _, path := range paths {
		out, err := adopt(path, shared.String())
		if err != nil || !strings.Contains(out, shared.String()) {
			t.Errorf("printed %q (%v)", out, err)
		}
		if _, err := adopt(path, shared.String()); !errs.Is(err, "key_complete") {
			t.Errorf("again: got %v, want key_complete", err)
		}
		if info, err := os.Stat(path("key")); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v (%v), want 0600", info.Mode(), err)
		}
	}
	single := folder(t)
	if _, err := call(t, keyArgs(single)...); err != nil {
		t.Fatal(err)
	}
	if _, err := adopt(single, shared.String()); !errs.Is(err, "unknown_kind") {
		t.Errorf("a single key: got %v, want unknown_kind", err)
	}
}

func TestTwoKeysDiffer(t *testing.T) {
	t.Parallel()
	first, err := call(t, keyArgs(folder(t))...)
	if err != nil {
		t.Fatal(err)
	}
	second, err := call(t, keyArgs(folder(t))...)
	if err != nil || first == second {
		t.Errorf("two keys are the same: %q (%v)", first, err)
	}
}

func TestRefusesToStart(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		code   string
		damage func(t *testing.T, path func(string) string)
		more   []string
	}{
		"without journal":      {"no_journal", func(t *testing.T, path func(string) string) { t.Helper(); remove(t, path("journal")) }, nil},
		"on a damaged journal": {"journal_damaged", func(t *testing.T, path func(string) string) { t.Helper(); write(t, path("journal"), "x\n", 0o600) }, nil},
		"wrong passphrase": {"wrong_passphrase", func(t *testing.T, path func(string) string) {
			t.Helper()
			write(t, path("pass"), "another passphrase", 0o600)
		}, nil},
		"short passphrase": {"bad_passphrase", func(t *testing.T, path func(string) string) { t.Helper(); write(t, path("pass"), "short", 0o600) }, nil},
		"two lines": {"bad_passphrase", func(t *testing.T, path func(string) string) {
			t.Helper()
			write(t, path("pass"), "a long passphrase\nx\n", 0o600)
		}, nil},
		"passphrase exposed": {"secret_exposed", func(t *testing.T, path func(string) string) { t.Helper(); chmod(t, path("pass")) }, nil},
		"key exposed":        {"secret_exposed", func(t *testing.T, path func(string) string) { t.Helper(); chmod(t, path("key")) }, nil},
		"another network":    {"wrong_network", nil, []string{"--network", "mainnet"}},
		"unknown network":    {"unknown_network", nil, []string{"--network", "moon"}},
		"cap of nothing":     {"bad_policy", nil, []string{"--max-fee-sat", "0"}},
		"too many inputs":    {"bad_policy", nil, []string{"--max-inputs", "1001"}},
		"too many outputs":   {"bad_policy", nil, []string{"--max-outputs", "3101"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := folder(t)
			install(t, path, "wpkh")
			if tc.damage != nil {
				tc.damage(t, path)
			}
			_, err := call(t, runArgs(path, tc.more...)...)
			if !errs.Is(err, errs.Code(tc.code)) {
				t.Errorf("got %v, want %s", err, tc.code)
			}
			if text := message(err); text == "" || strings.Contains(text, "\n") {
				t.Errorf("message %q is not one line", text)
			}
		})
	}
}

func TestUsageErrors(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"no flags":     {"run"},
		"init nothing": {"init"},
		"keygen":       {"keygen"},
		"halt whom":    {"halt"},
		"no journal":   {"journal", "verify"},
		"unknown flag": {"run", "--nonsense"},
	} {
		if _, err := call(t, args...); exitCode(err) != cli.ExitUsage {
			t.Errorf("%s: %v has exit code %d, want %d", name, err, exitCode(err), cli.ExitUsage)
		}
	}
	if got := exitCode(errs.New(errs.Conflict, "journal_damaged", "")); got != cli.ExitChecksFailed {
		t.Errorf("damaged journal: exit code %d, want %d", got, cli.ExitChecksFailed)
	}
}

func TestFlagsComeFromTheEnvironmentUnlessGiven(t *testing.T) {
	t.Setenv("CAUSEWAY_SIGNER_NETWORK", "mainnet")
	t.Setenv("CAUSEWAY_SIGNER_MAX_FEE_SAT", "77")
	cmd := runCommand()
	if err := cmd.ParseFlags([]string{"--network", "simnet"}); err != nil {
		t.Fatal(err)
	}
	if err := cli.BindEnv(cmd.Flags(), envPrefix); err != nil {
		t.Fatal(err)
	}
	for flag, want := range map[string]string{"network": "simnet", "max-fee-sat": "77", "max-fee-permille": "50", "max-feerate": "200", "min-feerate": "0.1"} {
		if got := cmd.Flags().Lookup(flag).Value.String(); got != want {
			t.Errorf("--%s is %q, want %q", flag, got, want)
		}
	}
	t.Setenv("CAUSEWAY_SIGNER_MAX_FEE_SAT", "many")
	if err := cli.BindEnv(runCommand().Flags(), envPrefix); exitCode(err) != cli.ExitUsage {
		t.Errorf("got %v, want a usage error", err)
	}
}

func TestPassphraseFromTheSystemdCredential(t *testing.T) {
	path := folder(t)
	remove(t, path("pass"))
	write(t, path(credentialName), "from a credential", 0o400)
	t.Setenv("CREDENTIALS_DIRECTORY", filepath.Dir(path("x")))
	got, err := passphrase("", false, os.Stdin, &bytes.Buffer{})
	if err != nil || string(got) != "from a credential" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	if out, err := call(t, "version"); err != nil || !strings.HasPrefix(out, "causeway-signer ") {
		t.Errorf("%q, %v", out, err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func chmod(t *testing.T, path string) {
	t.Helper()
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
}
