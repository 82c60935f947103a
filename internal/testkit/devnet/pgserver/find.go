package pgserver

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/causeway-fund/causeway/internal/errs"
)

// MinVersion is the oldest PostgreSQL major version that the schema is tested on.
const MinVersion = 15

// Install is one PostgreSQL on this machine.
type Install struct {
	BinDir string // holds postgres and initdb
	Major  int    // e.g. 17
}

// Find returns the PostgreSQL to use: one of version major, or, when major is 0,
// the first of MinVersion or newer. It looks in PATH, in `pg_config --bindir`,
// and where Debian, Red Hat and Homebrew put servers, newest first. Not finding
// one is an Unavailable error "postgres_missing" that says how to install it.
func Find(ctx context.Context, major int) (Install, error) {
	var seen []string
	for _, dir := range candidates(ctx) {
		in, err := inspect(ctx, dir)
		if err != nil {
			continue
		}
		if in.Major == major || major == 0 && in.Major >= MinVersion {
			return in, nil
		}
		seen = append(seen, strconv.Itoa(in.Major))
	}
	return Install{}, missing(major, seen)
}

func missing(major int, seen []string) error {
	want := fmt.Sprintf("PostgreSQL %d or newer", MinVersion)
	if major != 0 {
		want = fmt.Sprintf("PostgreSQL %d, which made the existing data,", major)
	}
	found := ""
	if len(seen) > 0 {
		found = " (found version " + strings.Join(seen, ", ") + ")"
	}
	how := "run `apt-get install postgresql` or your system's equivalent"
	if runtime.GOOS == "darwin" {
		how = "run `brew install postgresql@17`"
	}
	return errs.Newf(errs.Unavailable, CodePostgresMissing, "%s is not installed%s: %s.", want, found, how)
}

// candidates lists folders that may hold a server, best first.
func candidates(ctx context.Context) []string {
	var dirs []string
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(path))
		}
	}
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",
		"/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql@*/bin",
		"/usr/local/opt/postgresql@*/bin",
	} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			continue // only a bad pattern errs
		}
		slices.SortFunc(found, func(a, b string) int { return cmp.Compare(digits(b), digits(a)) })
		dirs = append(dirs, found...)
	}
	return dirs
}

var number = regexp.MustCompile(`\d+`)

// digits returns the first number in s, or 0.
func digits(s string) int {
	n, err := strconv.Atoi(number.FindString(s))
	if err != nil {
		return 0
	}
	return n
}

// inspect reports what is installed in dir; both programs must be there, since
// client-only packages have neither.
func inspect(ctx context.Context, dir string) (Install, error) {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return Install{}, err
	}
	//nolint:gosec // a folder from candidates
	out, err := exec.CommandContext(
		ctx,
		filepath.Join(dir, "postgres"),
		"--version",
	).Output()
	if err != nil {
		return Install{}, err
	}
	major := digits(string(out))
	if major == 0 {
		return Install{}, fmt.Errorf("no version in %q", out)
	}
	return Install{BinDir: dir, Major: major}, nil
}
