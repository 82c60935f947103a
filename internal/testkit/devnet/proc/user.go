package proc

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/causeway-fund/causeway/internal/errs"
)

// Unprivileged returns the account to run a server as that refuses root: nil
// when this process is not root, else the first of names that exists.
// The error is Unavailable.
func Unprivileged(names ...string) (*User, error) {
	if os.Geteuid() != 0 {
		return nil, nil // no error and nobody to become is the ordinary case
	}
	for _, name := range names {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(account.Uid, 10, 32)
		if err != nil || uid == 0 {
			continue
		}
		gid, err := strconv.ParseUint(account.Gid, 10, 32)
		if err != nil {
			continue
		}
		return &User{Name: name, UID: uint32(uid), GID: uint32(gid)}, nil
	}
	return nil, errs.Newf(errs.Unavailable, CodeNoUnprivilegedUser,
		"PostgreSQL refuses to run as root and none of the accounts %q exists: run as an ordinary user.", names)
}

// CheckReach returns an Unavailable error that names the first folder on the
// way to dir (dir included) that u may not enter. A nil u reaches everything.
func CheckReach(u *User, dir string) error {
	if u == nil {
		return nil
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	for _, folder := range parents(dir) {
		info, err := os.Stat(folder)
		if err != nil {
			return errs.Wrap(err, errs.Unavailable, CodeDataDirUnreachable, "Cannot look at folder "+folder+".")
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok || mayEnter(u, stat.Uid, stat.Gid, info.Mode().Perm()) {
			continue
		}
		return errs.Newf(
			errs.Unavailable,
			CodeDataDirUnreachable,
			"Root starts PostgreSQL as user %s, who cannot enter %s (mode %04o): keep the data in a folder that everybody may enter, run as an ordinary user, or run `chmod o+x %s`.",
			u.Name,
			folder,
			info.Mode().Perm(),
			folder,
		)
	}
	return nil
}

func parents(dir string) []string {
	var all []string
	for {
		all = append([]string{dir}, all...)
		up := filepath.Dir(dir)
		if up == dir {
			return all
		}
		dir = up
	}
}

func mayEnter(u *User, uid, gid uint32, mode os.FileMode) bool {
	switch {
	case u.UID == uid:
		return mode&0o100 != 0
	case u.GID == gid:
		return mode&0o010 != 0
	default:
		return mode&0o001 != 0
	}
}
