package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/trust/seal"
)

// TestKeysRotate: through the command, what was sealed before still opens, and what
// is sealed from now on needs the new file.
func TestKeysRotate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "seal.key")
	if out, code := run(t, "admin", "keys", "--fund-id", "0190b7a5-7b1c-7c2e-8f00-000000000001", "--key-file", path,
		"--audit-key-file", filepath.Join(dir, "audit.key"), "--audit-public-key-file", filepath.Join(dir, "audit.pub")); code != cli.ExitOK {
		t.Fatalf("keys: %d %s", code, out)
	}
	before, err := seal.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	place := seal.AAD{Table: "application", Column: "narrative", Row: "1"}
	key, old, err := before.NewDataKey("app-1")
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := key.Seal(place, []byte("what an operator wrote"))
	if err != nil {
		t.Fatal(err)
	}

	out, code := run(t, "admin", "keys", "rotate", "--key-file", path)
	if code != cli.ExitOK || !strings.Contains(out, "restart causeway serve") {
		t.Fatalf("rotate: %d %s", code, out)
	}

	after, err := seal.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if key, err = after.Open("app-1", old); err != nil {
		t.Fatal(err)
	}
	if text, err := key.Open(place, sealed); err != nil || string(text) != "what an operator wrote" {
		t.Errorf("the application from before opens as %q, %v", text, err)
	}
	_, fresh, err := after.NewDataKey("app-2")
	if err != nil || fresh.KEKID == old.KEKID || !strings.Contains(out, "new key "+fresh.KEKID) {
		t.Errorf("an application from now on is sealed under %s, %v; before %s; it said %s", fresh.KEKID, err, old.KEKID, out)
	}
	if _, err := before.Open("app-2", fresh); err == nil {
		t.Error("the former file opens what the new key sealed")
	}
}

func TestKeysRotateRefuses(t *testing.T) {
	t.Parallel()
	if out, code := run(t, "admin", "keys", "rotate"); code != cli.ExitUsage || !strings.Contains(out, "--key-file is missing") {
		t.Errorf("no flag: %d %s", code, out)
	}
	path := filepath.Join(t.TempDir(), "seal.key")
	if out, code := run(t, "admin", "keys", "rotate", "--key-file", path); code != cli.ExitError || !strings.Contains(out, path+" cannot be read. Nothing was changed.") {
		t.Errorf("no file: %d %s", code, out)
	}
	if err := os.WriteFile(path, []byte("causeway-keys/v1\nnot a key\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := run(t, "admin", "keys", "rotate", "--key-file", path); code != cli.ExitError || !strings.Contains(out, "is damaged") {
		t.Errorf("a damaged file: %d %s", code, out)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "causeway-keys/v1\nnot a key\n" {
		t.Errorf("the damaged file is now %q, %v", text, err)
	}
}
