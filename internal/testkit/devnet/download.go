package devnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"

	"github.com/causeway-fund/causeway/internal/testkit/devnet/proc"
)

// download fetches a PostgreSQL into dir once and returns the folder of its
// programs. For a machine that has none installed.
func download(ctx context.Context, dir string) (string, error) {
	return downloadFrom(ctx, dir, embeddedpostgres.DefaultConfig())
}

func downloadFrom(ctx context.Context, dir string, conf embeddedpostgres.Config) (string, error) {
	bin := filepath.Join(dir, "pg", "bin")
	if _, err := os.Stat(filepath.Join(bin, "postgres")); err == nil {
		return bin, nil
	}
	port, err := proc.Port(ctx, 0, "PostgreSQL")
	if err != nil {
		return "", err
	}
	scratch := filepath.Join(dir, "scratch")
	pg := embeddedpostgres.NewDatabase(conf.
		Version(embeddedpostgres.V17).Port(uint32(port)). //nolint:gosec // a port
		CachePath(filepath.Join(dir, "cache")).BinariesPath(filepath.Join(dir, "pg")).
		RuntimePath(scratch).DataPath(filepath.Join(scratch, "data")).Logger(io.Discard))
	// The library unpacks only as a part of starting a server. Whether that
	// server came up does not matter (it cannot for root): pgserver runs its own.
	started := make(chan error, 1)
	go func() {
		err := pg.Start()
		if err == nil {
			err = pg.Stop()
		}
		started <- err
	}()
	select {
	case err = <-started:
	case <-ctx.Done():
		return "", ctx.Err() // the download has no way to be called off and ends with the process
	}
	if rmErr := os.RemoveAll(scratch); rmErr != nil {
		return "", rmErr
	}
	if _, statErr := os.Stat(filepath.Join(bin, "postgres")); statErr != nil {
		return "", fmt.Errorf("download PostgreSQL: %w", errors.Join(err, statErr))
	}
	return bin, nil
}
