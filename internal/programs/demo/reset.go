package demo

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/pgserver"
)

// ours are the names that a demo makes in its folder, the lock last: as long as it stands,
// a reset that was cut off can be run again.
var ours = []string{
	"blocklists",
	"btcd",
	"canaries.json",
	"causeway.log",
	"datacentre.key",
	"keys",
	"postgres",
	"probers",
	"proxies",
	"run",
	"signer",
	"telegram.json",
	stateFile,
	"lock",
}

// Reset removes a demo's data from dir, and dir itself. Conflict "data_dir_foreign" when
// dir is no folder of a demo or holds anything else, Unavailable "already_running" while a
// demo or its PostgreSQL runs; nothing is removed then. It reports false where there is no
// such folder.
func Reset(dir string) (found bool, err error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, errs.Wrap(
			err,
			errs.Unavailable,
			errs.CodeDataDirUnwritable,
			"Cannot read folder "+dir+". Nothing was removed.",
		)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
		if !slices.Contains(ours, e.Name()) {
			return false, errs.Newf(
				errs.Conflict,
				pgserver.CodeDataDirForeign,
				"%s holds %s, which no demo made. Nothing was removed: choose a demo's folder with --dir.",
				dir,
				e.Name(),
			)
		}
	}
	if !slices.Contains(names, "lock") {
		return false, errs.Newf(
			errs.Conflict,
			pgserver.CodeDataDirForeign,
			"%s is no folder of a demo. Nothing was removed: choose one with --dir.",
			dir,
		)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	// A demo that was killed may have left its PostgreSQL behind.
	if pid, runs := serverRuns(filepath.Join(dir, "postgres", "data", "postmaster.pid")); runs {
		return false, errs.Newf(
			errs.Unavailable,
			errs.CodeAlreadyRunning,
			"PostgreSQL of the demo in %s still runs (process %d). Nothing was removed: stop it first.",
			dir,
			pid,
		)
	}
	if err := pgserver.Remove(filepath.Join(dir, "postgres")); err != nil {
		return false, err
	}
	for _, name := range ours {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return false, fmt.Errorf("remove the demo's data: %w", err)
		}
	}
	if err := os.Remove(dir); err != nil {
		return false, fmt.Errorf("remove the demo's folder: %w", err)
	}
	return true, nil
}

// serverRuns reports whether the process that a PostgreSQL wrote down at path lives.
func serverRuns(path string) (pid int, runs bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err = strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 0 {
		return 0, false
	}
	err = syscall.Kill(pid, 0)
	return pid, err == nil || errors.Is(err, syscall.EPERM)
}
