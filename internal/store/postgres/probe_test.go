package postgres_test

import (
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
)

// TestADatabaseThatCannotStoreIsNoticed has servers that answer every question: one
// that only reads, and one that lets no file grow.
func TestADatabaseThatCannotStoreIsNoticed(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t)
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for name, setting := range map[string]string{
		"well":          "",
		"only reads":    "default_transaction_read_only = on",
		"no file grows": "temp_file_limit = '1MB'",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base := server.New(t)
			if setting != "" {
				if _, err := base.Pool(t).Exec(t.Context(), "ALTER DATABASE "+base.Name+" SET "+setting); err != nil {
					t.Fatal(err)
				}
			}
			for _, url := range []string{base.AppURL, base.WorkerURL} {
				d, err := postgres.Open(t.Context(), url)
				if err != nil {
					t.Fatal(err)
				}
				defer d.Close()
				if err := d.Ping(t.Context()); err != nil {
					t.Fatalf("ping: %v", err)
				}
				err = d.CanWrite(t.Context(), "test", at)
				if (err == nil) != (setting == "") || err != nil && errs.CodeOf(err) != "database_unwritable" {
					t.Errorf("got %v", err)
				}
			}
		})
	}
}
