package audit_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/causeway-fund/causeway/internal/trust/audit"
)

// systemd hands the worker this key as 0440, in a folder of the worker's own.
func TestGroupMayReadACredentialAndNothingElse(t *testing.T) {
	credentials, elsewhere := t.TempDir(), t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", credentials)
	inside, outside := filepath.Join(credentials, "audit-key"), filepath.Join(elsewhere, "audit-key")
	for _, path := range []string{inside, outside} {
		if _, err := audit.GenerateKeyFile(path, audit.Origin("fund")); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o440); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := audit.LoadSigner(inside); err != nil {
		t.Errorf("credential with mode 0440: %v", err)
	}
	_, err := audit.LoadSigner(outside)
	wantCode(t, err, "key_file_mode")
}
