package pgserver

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/proc"
)

// stranger is an account that no folder of these tests belongs to.
var stranger = &proc.User{Name: "stranger", UID: 54321, GID: 54321}

// rooms makes a checkout that its parent shuts away, as /root does, and a folder that
// everybody may enter.
func rooms(t *testing.T) (checkout, everybodys string) {
	t.Helper()
	top := t.TempDir()
	for dir := top; len(dir) >= len(os.TempDir()); dir = filepath.Dir(dir) {
		if dir != filepath.Clean(os.TempDir()) {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	checkout, everybodys = filepath.Join(top, "root", "causeway"), filepath.Join(top, "open")
	for dir, mode := range map[string]os.FileMode{filepath.Dir(checkout): 0o700, everybodys: 0o777} {
		if err := os.Mkdir(dir, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
	}
	return checkout, everybodys
}

// TestPlaceOfACheckoutThatIsShutAway: the data goes where PostgreSQL's account may
// enter, the link finds it again, and another checkout has another place.
func TestPlaceOfACheckoutThatIsShutAway(t *testing.T) {
	t.Parallel()
	checkout, everybodys := rooms(t)
	dir := filepath.Join(checkout, ".causeway", "postgres")

	first, err := placeFor(stranger, dir, everybodys)
	if err != nil {
		t.Fatal(err)
	}

	if err := proc.CheckReach(stranger, first); err != nil {
		t.Error(err)
	}
	if filepath.Dir(first) != everybodys || !strings.Contains(first, "root-causeway") {
		t.Errorf("the place is %s, want one in %s that names the checkout", first, everybodys)
	}
	if link, err := os.Readlink(dir); err != nil || link != first {
		t.Errorf("the link leads to %q (%v), want %s", link, err, first)
	}
	if err := os.WriteFile(filepath.Join(first, "password"), []byte("p"), 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := placeFor(stranger, dir, everybodys)
	if err != nil || again != first {
		t.Errorf("the second time it is %s, %v, want %s", again, err, first)
	}
	moved := filepath.Join(filepath.Dir(checkout), "moved")
	if err := os.Rename(checkout, moved); err != nil {
		t.Fatal(err)
	}
	after, err := placeFor(stranger, filepath.Join(moved, ".causeway", "postgres"), everybodys)
	if err != nil || after != first {
		t.Errorf("after a move it is %s, %v, want %s", after, err, first)
	}
	if other, err := placeFor(stranger, dir, everybodys); err != nil || other == first {
		t.Errorf("a new checkout at the old path has the data of the moved one, %s (%v)", other, err)
	}
}

func TestPlaceIsTheFolderItselfWhereItMayBeEntered(t *testing.T) {
	t.Parallel()
	_, everybodys := rooms(t)
	dir := filepath.Join(everybodys, "causeway", "postgres")
	for _, user := range []*proc.User{nil, stranger} {
		if got, err := placeFor(user, dir, everybodys); err != nil || got != dir {
			t.Errorf("for %v it is %s, %v, want %s", user, got, err, dir)
		}
	}
}

// TestPlaceTrustsNoFolderOfOthers: everybody may write to /var/tmp, so what a link
// leads to may have been taken by somebody who wants to read or choose the data.
func TestPlaceTrustsNoFolderOfOthers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		instead func(target, everybodys string) error
		code    string
	}{
		"nothing":            {func(string, string) error { return nil }, "data_dir_gone"},
		"a file":             {func(target, _ string) error { return os.WriteFile(target, nil, 0o600) }, "data_dir_foreign"},
		"another link":       {func(target, everybodys string) error { return os.Symlink(everybodys, target) }, "data_dir_foreign"},
		"writable by others": {func(target, _ string) error { return errors.Join(os.Mkdir(target, 0o700), os.Chmod(target, 0o777)) }, "data_dir_foreign"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkout, everybodys := rooms(t)
			dir := filepath.Join(checkout, "postgres")
			target, err := placeFor(stranger, dir, everybodys)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(os.Remove(target), test.instead(target, everybodys)); err != nil {
				t.Fatal(err)
			}

			if got, err := placeFor(stranger, dir, everybodys); !errs.Is(err, errs.Code(test.code)) {
				t.Errorf("got %s, %v, want %s", got, err, test.code)
			}
		})
	}
}

func TestPlaceLeavesDataWhereItIs(t *testing.T) {
	t.Parallel()
	checkout, everybodys := rooms(t)
	dir := filepath.Join(checkout, "postgres")
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got, err := placeFor(stranger, dir, everybodys); !errs.Is(err, "data_dir_unreachable") {
		t.Errorf("got %s, %v, want data_dir_unreachable", got, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc", dir); err != nil {
		t.Fatal(err)
	}
	if got, err := placeFor(stranger, dir, everybodys); !errs.Is(err, "data_dir_foreign") {
		t.Errorf("a link to /etc: got %s, %v, want data_dir_foreign", got, err)
	}
}

func TestNameOfAFolderIsReadableAndShort(t *testing.T) {
	t.Parallel()
	long := "/" + strings.Repeat("a/", 200)
	for dir, want := range map[string]string{"/root/a/.causeway/postgres": "causeway-root-a-.causeway-postgres", "/": "causeway-", long: "causeway-" + strings.Repeat("-a", 50)} {
		if got := nameOf(dir); got != want {
			t.Errorf("%s is called %s, want %s", dir, got, want)
		}
	}
}
