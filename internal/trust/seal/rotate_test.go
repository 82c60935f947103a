package seal_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/causeway-fund/causeway/internal/trust/seal"
)

// TestRotationsAtOnceLoseNoKey: a key under which something may be sealed already is
// in the file for good.
func TestRotationsAtOnceLoseNoKey(t *testing.T) {
	t.Parallel()
	path := newKeyFile(t)
	ids := make([]string, 8)
	errors := make([]error, len(ids))
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() { ids[i], errors[i] = seal.RotateKeyFile(path) })
	}
	wg.Wait()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range ids {
		if errors[i] != nil || !strings.Contains(string(text), " "+id+" ") {
			t.Errorf("rotation %d: key %q, %v", i, id, errors[i])
		}
	}
	if n := strings.Count(string(text), "\nactive "); n != 1 {
		t.Errorf("%d keys are active", n)
	}
}

// TestARotatedFileStaysWhatItWas: its mode, and the link that leads to it. Nothing is
// left beside it.
func TestARotatedFileStaysWhatItWas(t *testing.T) {
	t.Parallel()
	path := newKeyFile(t)
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.RotateKeyFile(link); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode() != 0o400 {
		t.Errorf("the file is now %v, %v", info.Mode(), err)
	}
	if to, err := os.Readlink(link); err != nil || to != path {
		t.Errorf("the link is now %q, %v", to, err)
	}
	if beside, err := os.ReadDir(filepath.Dir(path)); err != nil || len(beside) != 1 {
		t.Errorf("the folder holds %v, %v", beside, err)
	}
}

// TestAFullKeyFileIsNotRotated: one that Load would read in part is never written.
func TestAFullKeyFileIsNotRotated(t *testing.T) {
	t.Parallel()
	path := newKeyFile(t)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, pepper, _ := strings.Cut(string(text), "\npepper ")
	key := strings.Fields(pepper)[0]
	full := string(text)
	for i := 0; len(full)+len(key)+23 <= 64<<10; i++ {
		full += "kek " + strings.Repeat("0", 12) + string(rune('a'+i/676)) + string(rune('a'+i/26%26)) + string(rune('a'+i%26)) + "0 " + key + "\n"
	}
	if err := os.WriteFile(path, []byte(full), 0o600); err != nil {
		t.Fatal(err)
	}
	load(t, path)
	_, err = seal.RotateKeyFile(path)
	wantCode(t, err, "key_file_full")
	if left, err := os.ReadFile(path); err != nil || string(left) != full {
		t.Errorf("the file was changed, %v", err)
	}
}
