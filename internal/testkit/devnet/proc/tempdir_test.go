package proc_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/causeway-fund/causeway/internal/testkit/devnet/proc"
)

func TestTempDirRemovesTheFormerAndNothingElse(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	record := filepath.Join(base, "record")
	first, err := proc.TempDir(base, "mine-", record)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(first, "socket"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	second, err := proc.TempDir(base, "mine-", record)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(first); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", first, err)
	}
	precious := filepath.Join(base, "precious")
	if err := os.Mkdir(precious, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{precious, "mine-relative", ""} {
		if err := os.WriteFile(record, []byte(path), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := proc.TempDir(base, "mine-", record); err != nil {
			t.Error(err)
		}
	}
	for _, path := range []string{precious, second} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}
