package pgserver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/proc"
)

// open is a folder that every account may enter and that outlives a restart of the
// machine.
const open = "/var/tmp"

// accounts are those that PostgreSQL may run as when root starts it.
var accounts = []string{"postgres", "nobody"}

// Place returns the folder for a server's data: dir itself, or, when PostgreSQL's
// account may not enter it (a checkout in /root, say), one of its own below /var/tmp
// that is named after dir, with a symbolic link to it at dir. The link is what finds
// the data again, also after the checkout has been moved. Errors are Unavailable.
func Place(dir string) (string, error) {
	user, err := proc.Unprivileged(accounts...)
	if err != nil {
		return "", err
	}
	return placeFor(user, dir, open)
}

func placeFor(user *proc.User, dir, open string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if target, err := os.Readlink(dir); err == nil {
		return target, checkPlace(dir, target, open)
	}
	if err := makeDir(dir); err != nil {
		return "", err
	}
	unreachable := proc.CheckReach(user, dir)
	if unreachable == nil {
		return dir, nil
	}
	// What is there already stays there: only an empty folder gives way to a link.
	if err := os.Remove(dir); err != nil {
		return "", unreachable
	}
	// Everybody may write to the folder above, so the name is one that nobody could
	// have taken before.
	target, err := os.MkdirTemp(open, nameOf(dir)+"-")
	if err != nil {
		return "", errs.Wrap(
			err,
			errs.Unavailable,
			errs.CodeDataDirUnwritable,
			"Cannot make a folder for PostgreSQL in "+open+".",
		)
	}
	//nolint:gosec // PostgreSQL's account passes through; what is inside has modes of its own
	if err := os.Chmod(
		target,
		0o711,
	); err != nil {
		return "", errors.Join(err, os.Remove(target))
	}
	if err := os.Symlink(target, dir); err != nil {
		return "", errors.Join(
			errs.Wrap(err, errs.Unavailable, errs.CodeDataDirUnwritable, "Cannot make the link "+dir+"."),
			os.Remove(target),
		)
	}
	return target, nil
}

// Remove removes a folder that Place gave: what a link at dir leads to as well, as long as
// it is one that Place made.
func Remove(dir string) error {
	if target, err := os.Readlink(dir); err == nil {
		switch err := checkPlace(dir, target, open); {
		case errs.Is(err, CodeDataDirGone): // the link alone is left
		case err != nil:
			return err
		default:
			if err := os.RemoveAll(target); err != nil {
				return fmt.Errorf("remove PostgreSQL's data: %w", err)
			}
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove PostgreSQL's data: %w", err)
	}
	return nil
}

// nameOf is readable, and short enough for a name.
func nameOf(dir string) string {
	name := strings.Trim(strings.ReplaceAll(dir, string(filepath.Separator), "-"), "-")
	return "causeway-" + name[max(0, len(name)-100):]
}

// checkPlace refuses where a link leads unless it is a folder of ours.
func checkPlace(link, target, open string) error {
	if filepath.Dir(target) != open || !strings.HasPrefix(filepath.Base(target), "causeway-") {
		return errs.Newf(
			errs.Unavailable,
			CodeDataDirForeign,
			"%s is a link to %s, which Causeway did not make. Nothing was changed: remove the link, then try again.",
			link,
			target,
		)
	}
	info, err := os.Lstat(target)
	if err != nil {
		return errs.Wrap(
			err,
			errs.Unavailable,
			CodeDataDirGone,
			"PostgreSQL's data in "+target+" is gone, where "+link+" leads. For the demo, run: make demo-reset",
		)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || int(stat.Uid) != os.Geteuid() || info.Mode().Perm()&0o022 != 0 {
		return errs.Newf(
			errs.Unavailable,
			CodeDataDirForeign,
			"%s is not a folder that belongs to you alone, so PostgreSQL's data is not used from there. Look at it, and remove it.",
			target,
		)
	}
	return nil
}

// TempDir makes a temporary folder for a server's data: in the usual place, or in
// /var/tmp when PostgreSQL's account may not enter that.
func TempDir(prefix string) (string, error) {
	user, err := proc.Unprivileged(accounts...)
	if err != nil {
		return "", err
	}
	base := os.TempDir()
	if proc.CheckReach(user, base) != nil {
		base = open
	}
	dir, err := os.MkdirTemp(base, prefix)
	if err != nil {
		return "", errs.Wrap(err, errs.Unavailable, errs.CodeNoTempDir, "Cannot make a temporary folder in "+base+".")
	}
	//nolint:gosec // PostgreSQL's account passes through; what is inside has modes of its own
	if err := os.Chmod(
		dir,
		0o711,
	); err != nil {
		return "", errors.Join(err, os.Remove(dir))
	}
	return dir, nil
}
