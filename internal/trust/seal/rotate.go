package seal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/causeway-fund/causeway/internal/errs"
)

// RotateKeyFile adds a KEK to the file, makes it the active one and returns its id.
// The pepper and the older KEKs stay, so that what is stored still opens. The file is
// replaced in one step and keeps its owner and mode; when an error is returned it is
// as it was, unless the error says that only the folder could not be synced.
//
// Programs that run keep the KEKs that they have read. Errors are those of Load, and
// Unavailable "key_file_full", "key_file_owner" and "key_file_unwritable".
func RotateKeyFile(path string) (kekID string, err error) {
	err = editKeyFile(path, func(ring *Keyring) error {
		if err := ring.addKEK(); err != nil {
			return err
		}
		kekID = ring.active
		return nil
	})
	if err != nil {
		return "", err
	}
	return kekID, nil
}

// DropOlderKeys takes every KEK but the active one out of the file and returns their ids.
// It asks drop first, which makes sure that nothing is wrapped under them, now or later;
// when drop returns an error the file stays as it is. Without older KEKs it does nothing.
// Other errors are those of RotateKeyFile.
func DropOlderKeys(path string, drop func(kekIDs []string) error) (dropped []string, err error) {
	err = editKeyFile(path, func(ring *Keyring) error {
		for _, id := range ring.order {
			if id != ring.active {
				dropped = append(dropped, id)
				delete(ring.keks, id)
			}
		}
		ring.order = []string{ring.active}
		if len(dropped) == 0 {
			return errUnchanged
		}
		return drop(dropped)
	})
	switch {
	case errors.Is(err, errUnchanged):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return dropped, nil
}

// errUnchanged ends an edit that found nothing to do.
var errUnchanged = errors.New("nothing to do")

// editKeyFile replaces the file with what edit makes of it, unless edit fails. Of two
// edits at once the later one waits, and reads what the earlier one wrote.
func editKeyFile(path string, edit func(*Keyring) error) error {
	// A link stays a link, and the file behind it is replaced.
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return errs.Wrap(
			err,
			errs.Unavailable,
			errs.CodeKeyFileMissing,
			"The key file "+path+" cannot be read. Nothing was changed.",
		)
	}
	path = target
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return unwritable(path, err)
	}
	defer func() { _ = dir.Close() }() // which lets go of the lock
	// Of two rotations at once, the later must not write over the earlier one's key,
	// under which something may be sealed already.
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock the folder of the key file: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return unwritable(path, err)
	}
	ring, err := Load(path)
	if err != nil {
		return err
	}
	if err := edit(ring); err != nil {
		return err
	}
	content := ring.encode()
	if len(content) > maxKeyFileSize { // Load would not read it whole
		return errs.Newf(
			errs.Unavailable,
			CodeKeyFileFull,
			"The key file %s holds %d keys, and one more would make it longer than %d bytes. Nothing was changed.",
			path,
			len(ring.order)-1,
			maxKeyFileSize,
		)
	}
	if err := replace(path, info, content); err != nil {
		return err
	}
	if err := dir.Sync(); err != nil && !errors.Is(err, fs.ErrInvalid) {
		return fmt.Errorf("the new key file is in place, but its folder could not be synced: %w", err)
	}
	return nil
}

// replace writes content aside and renames it to path, with the owner and mode that
// info says.
func replace(path string, info fs.FileInfo, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".keys-*") // created with mode 0600
	if err != nil {
		return unwritable(path, err)
	}
	discard := func(err error) error { return errors.Join(err, os.Remove(f.Name())) }
	if stat, ok := info.Sys().(*syscall.Stat_t); ok &&
		(int(stat.Uid) != os.Geteuid() || int(stat.Gid) != os.Getegid()) {
		if err := f.Chown(int(stat.Uid), int(stat.Gid)); err != nil {
			return discard(errors.Join(errs.Wrap(
				err,
				errs.Unavailable,
				CodeKeyFileOwner,
				"The key file "+path+" belongs to another account, which could not read a new one. Nothing was changed: run this as that account or as root.",
			), f.Close()))
		}
	}
	if err := f.Chmod(info.Mode().Perm()); err != nil {
		return discard(errors.Join(unwritable(path, err), f.Close()))
	}
	if err := writeAndSync(f, content); err != nil {
		return discard(unwritable(path, err))
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return discard(unwritable(path, err))
	}
	return nil
}

func unwritable(path string, err error) error {
	return errs.Wrap(
		err,
		errs.Unavailable,
		CodeKeyFileUnwritable,
		"Cannot replace the key file "+path+". Nothing was changed.",
	)
}
