package secretfile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/secretfile"
)

// TestOnlyTheOwnerAndSystemdsGroup: systemd hands a credential over as 0440, in a
// folder of the service's own; elsewhere that mode is a group that can read.
func TestOnlyTheOwnerAndSystemdsGroup(t *testing.T) {
	credentials, elsewhere := t.TempDir(), t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", credentials+"/")
	below := filepath.Join(credentials, "below")
	if err := os.Mkdir(below, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		dir  string
		mode os.FileMode
		good bool
	}{
		{credentials, 0o400, true},
		{credentials, 0o440, true},
		{credentials, 0o600, true},
		{credentials, 0o444, false},
		{credentials, 0o460, false},
		{credentials, 0o450, false},
		{credentials, 0o441, false},
		{elsewhere, 0o600, true},
		{elsewhere, 0o400, true},
		{elsewhere, 0o440, false},
		{elsewhere, 0o604, false},
		{below, 0o440, false},
	} {
		path := filepath.Join(test.dir, "key")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, test.mode); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		err = secretfile.Check("key file", path, info)
		if test.good != (err == nil) {
			t.Errorf("mode %04o in %s: %v", test.mode, test.dir, err)
		}
		want := fmt.Sprintf("The key file %s has mode %04o;", path, test.mode)
		if err != nil && (!errs.Is(err, "key_file_mode") || !strings.Contains(err.Error(), want)) {
			t.Errorf("got %v, want it to hold %q", err, want)
		}
	}
}

func TestAFolderIsNoKeyFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := secretfile.Check("key file", dir, info); !errs.Is(err, "key_file_mode") {
		t.Errorf("got %v, want key_file_mode", err)
	}
}
