package btcdnode_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/btcdnode"
)

func config(t *testing.T) btcdnode.Config {
	t.Helper()
	bin, err := btcdnode.Tool(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return btcdnode.Config{Bin: bin, Dir: filepath.Join(t.TempDir(), "btcd")}
}

func TestSecretsAreInPrivateFilesOnly(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	node, err := btcdnode.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Kill(); err != nil {
			t.Error(err)
		}
	})
	pass, err := os.ReadFile(node.PassFile())
	if err != nil {
		t.Fatal(err)
	}

	for _, name := range []string{"rpc.pass", "btcd.conf", "rpc.key"} {
		info, err := os.Stat(filepath.Join(cfg.Dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v, want mode 0600", name, info.Mode(), err)
		}
	}
	shown, cmdErr := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", node.PID()))
	env, envErr := os.ReadFile(fmt.Sprintf("/proc/%d/environ", node.PID()))
	if err := errors.Join(cmdErr, envErr); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(shown)+string(env), strings.TrimSpace(string(pass))) {
		t.Error("every user of this machine can read the password")
	}
}

func TestWhatKeepsItFromStartingIsOneLine(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*btcdnode.Config)
		code   string
		says   string
	}{
		"no program":  {func(c *btcdnode.Config) { c.Bin = "/nowhere/btcd" }, "btcd_missing", "run `make build`"},
		"bad address": {func(c *btcdnode.Config) { c.MiningAddress = "nobody" }, "btcd_start", "mining address 'nobody' failed to decode"},
		"bad flag":    {func(c *btcdnode.Config) { c.ExtraArgs = []string{"--mainframe"} }, "btcd_start", "unknown flag"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(t)
			tt.change(&cfg)

			_, err := btcdnode.Start(t.Context(), cfg)

			if !errs.Is(err, errs.Code(tt.code)) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %s with %q", err, tt.code, tt.says)
			}
		})
	}
}
