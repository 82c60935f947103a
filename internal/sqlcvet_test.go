//go:build sqlcvet

package internal_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
)

// TestEveryQueryPreparesOnTheMigratedSchema runs "sqlc vet", which sends each
// query to PostgreSQL to be prepared: sqlc alone accepts columns that do not exist.
// It stands behind a build tag because it builds sqlc.
func TestEveryQueryPreparesOnTheMigratedSchema(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	cmd := exec.CommandContext(t.Context(), "go", "tool", "-modfile=internal/tools/go.mod", "sqlc", "vet")
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "CAUSEWAY_SQLC_DATABASE_URL="+db.URL)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("sqlc vet: %v\n%s", err, out)
	}
}
