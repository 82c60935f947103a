package secretfile

import (
	"io/fs"
	"os"
	"path/filepath"

	"github.com/causeway-fund/causeway/internal/errs"
)

// Check returns an Unavailable error "key_file_mode" unless info is that of a regular
// file to which nobody but its owner has any right. what names the file in the error,
// as in "key file". The file at path may be a credential of systemd.
func Check(what, path string, info fs.FileInfo) error {
	if info.Mode().IsRegular() && info.Mode().Perm()&othersRights(path) == 0 {
		return nil
	}
	return errs.Newf(
		errs.Unavailable,
		CodeKeyFileMode,
		"The %s %s has mode %04o; only its owner may have any right to it (chmod 600).",
		what,
		path,
		info.Mode().Perm(),
	)
}

// othersRights returns the mode bits that nobody but a file's owner may have.
func othersRights(path string) fs.FileMode {
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	if dir != "" && filepath.Dir(path) == filepath.Clean(dir) {
		return 0o037
	}
	return 0o077
}
