package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/errs"
)

// TestFilesOfChecksAreReadAgain changes the files that checks are made with: what
// cannot be read stops a start, and keeps what was there afterwards.
func TestFilesOfChecksAreReadAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	changes := 0
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(file(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		changes++ // a clock may be too coarse to tell two writes apart
		at := time.Unix(1_800_000_000+int64(changes), 0)
		if err := os.Chtimes(file(name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	good, err := os.ReadFile("../../../deploy/telegram.json")
	if err != nil {
		t.Fatal(err)
	}
	write("telegram.json", string(good))
	write("canaries.json", `[{"spec": "socks5://192.0.2.1:1080", "answer": "up"}]`)
	cfg := ChecksConfig{TelegramFile: file("telegram.json"), CanaryFile: file("canaries.json")}
	log := slog.New(slog.DiscardHandler)
	for name, bad := range map[string]string{
		"telegram.json": `{"keys_pem": "", "centres": []}`,
		"canaries.json": `[{"spec": "socks5://192.0.2.1:1080", "answer": "perhaps"}]`,
	} {
		before, err := os.ReadFile(file(name))
		if err != nil {
			t.Fatal(err)
		}
		write(name, bad)
		if _, err := openChecks(t.Context(), cfg, log); !errs.Is(err, "checks_malformed") {
			t.Errorf("%s: started with %v", name, err)
		}
		write(name, string(before))
	}

	c, err := openChecks(t.Context(), cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	centres := len(c.telegram.Load().Centres)
	if centres == 0 || len(*c.canaries.Load()) != 1 {
		t.Fatalf("%d centres, %d canaries", centres, len(*c.canaries.Load()))
	}
	write("telegram.json", "{")
	write("canaries.json", "[]")
	if err := c.reload(t.Context()); !errs.Is(err, "checks_malformed") {
		t.Errorf("reload: %v", err)
	}
	if len(c.telegram.Load().Centres) != centres || len(*c.canaries.Load()) != 0 {
		t.Error("what cannot be read was not kept, or what can be read was not taken")
	}
	if err := os.Remove(file("telegram.json")); err != nil {
		t.Fatal(err)
	}
	if err := c.reload(t.Context()); !errs.Is(err, "checks_unreadable") || len(c.telegram.Load().Centres) != centres {
		t.Errorf("a file that is gone: %v", err)
	}
}
