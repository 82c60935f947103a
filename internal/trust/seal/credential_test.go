package seal_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/seal"
)

// Newer systemd hands a credential over as 0440, in a folder of the service's own.
func TestGroupMayReadACredentialAndNothingElse(t *testing.T) {
	credentials, elsewhere := t.TempDir(), t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", credentials)
	inside, outside := filepath.Join(credentials, "key"), filepath.Join(elsewhere, "key")
	for _, path := range []string{inside, outside} {
		if err := seal.GenerateKeyFile(path); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o440); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := seal.Load(inside); err != nil {
		t.Errorf("credential with mode 0440: %v", err)
	}
	if _, err := seal.Load(outside); !errs.Is(err, "key_file_mode") {
		t.Errorf("other file with mode 0440: got %v, want key_file_mode", err)
	}
	if err := os.Chmod(inside, 0o444); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.Load(inside); !errs.Is(err, "key_file_mode") {
		t.Errorf("credential with mode 0444: got %v, want key_file_mode", err)
	}
}
