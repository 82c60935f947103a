package demo

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/errs"
)

// resettable is a folder as a demo leaves it, with a name of its own.
func resettable(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "second")
	for _, name := range []string{"postgres/data", "keys", "btcd"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"lock", stateFile, "causeway.log", "keys/seal.key"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestResetRemovesTheFolderOfADemo(t *testing.T) {
	t.Parallel()
	dir := resettable(t)
	if found, err := Reset(dir); err != nil || !found {
		t.Fatalf("found %v, %v", found, err)
	}
	if _, err := os.Lstat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
	if found, err := Reset(dir); err != nil || found {
		t.Errorf("a second time: found %v, %v", found, err)
	}
}

// TestResetRemovesNothingElse: a wrong --dir, a file of somebody's and a demo that runs.
func TestResetRemovesNothingElse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change     func(dir string) error
		code, says string
	}{
		"no demo's folder": {func(dir string) error { return os.Remove(filepath.Join(dir, "lock")) }, "data_dir_foreign", "is no folder of a demo"},
		"a letter in it": {
			func(dir string) error { return os.WriteFile(filepath.Join(dir, "letter.txt"), nil, 0o600) }, "data_dir_foreign", "holds letter.txt",
		},
		"PostgreSQL runs": {
			func(dir string) error {
				return os.WriteFile(filepath.Join(dir, "postgres", "data", "postmaster.pid"), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600)
			}, "already_running", "still runs",
		},
	} {
		dir := resettable(t)
		if err := tc.change(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := Reset(dir); !errs.Is(err, errs.Code(tc.code)) || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "keys", "seal.key")); err != nil {
			t.Errorf("%s: it removed something: %v", name, err)
		}
	}
	dir := resettable(t)
	lock, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Reset(dir); !errs.Is(err, "already_running") {
		t.Errorf("a demo runs: %v", err)
	}
	if err := lock.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "keys", "seal.key")); err != nil {
		t.Errorf("a demo runs: it removed something: %v", err)
	}
}
