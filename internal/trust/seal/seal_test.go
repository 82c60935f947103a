package seal_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/seal"
)

var place = seal.AAD{Table: "application_revision", Column: "body", Row: "0198c0de", Version: 1}

func newKeyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	if err := seal.GenerateKeyFile(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, path string) *seal.Keyring {
	t.Helper()
	ring, err := seal.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func newDataKey(t *testing.T, ring *seal.Keyring, owner string) (*seal.DataKey, seal.Wrapped) {
	t.Helper()
	key, wrapped, err := ring.NewDataKey(owner)
	if err != nil {
		t.Fatal(err)
	}
	return key, wrapped
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if !errs.Is(err, errs.Code(code)) {
		t.Errorf("got error %v, want code %s", err, code)
	}
}

func TestSealedTextOpensAfterARestart(t *testing.T) {
	t.Parallel()
	path := newKeyFile(t)
	key, wrapped := newDataKey(t, load(t, path), "app-1")

	rapid.Check(t, func(r *rapid.T) {
		text := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(r, "text")
		sealed, err := key.Seal(place, text)
		if err != nil {
			r.Fatal(err)
		}
		again, err := load(t, path).Open("app-1", wrapped)
		if err != nil {
			r.Fatal(err)
		}
		got, err := again.Open(place, sealed)
		if err != nil || !bytes.Equal(got, text) {
			r.Fatalf("got %q, %v, want %q", got, err, text)
		}
	})
}

func TestSealedTextMovedElsewhereDoesNotOpen(t *testing.T) {
	t.Parallel()
	key, _ := newDataKey(t, load(t, newKeyFile(t)), "app-1")
	sealed, err := key.Seal(place, []byte("telegram @mira"))
	if err != nil {
		t.Fatal(err)
	}

	for name, other := range map[string]seal.AAD{
		"table":           {Table: "message", Column: place.Column, Row: place.Row, Version: place.Version},
		"column":          {Table: place.Table, Column: "contact", Row: place.Row, Version: place.Version},
		"row":             {Table: place.Table, Column: place.Column, Row: "0198c0df", Version: place.Version},
		"version":         {Table: place.Table, Column: place.Column, Row: place.Row, Version: 2},
		"shifted borders": {Table: place.Table + "b", Column: "ody", Row: place.Row, Version: place.Version},
	} {
		_, err := key.Open(other, sealed)
		if !errs.Is(err, "unsealing_failed") {
			t.Errorf("moved to another %s: %v", name, err)
		}
	}
}

func TestAnyFlippedBitIsNoticed(t *testing.T) {
	t.Parallel()
	ring := load(t, newKeyFile(t))
	key, wrapped := newDataKey(t, ring, "app-1")
	sealed, err := key.Seal(place, []byte("telegram @mira"))
	if err != nil {
		t.Fatal(err)
	}

	for bit := range 8 * len(sealed) {
		bad := slices.Clone(sealed)
		bad[bit/8] ^= 1 << (bit % 8)
		if _, err := key.Open(place, bad); err == nil {
			t.Fatalf("sealed bit %d", bit)
		}
	}
	for n := range len(sealed) {
		if _, err := key.Open(place, sealed[:n]); err == nil {
			t.Fatalf("sealed bytes cut to %d", n)
		}
	}
	for bit := range 8 * len(wrapped.Bytes) {
		bad := seal.Wrapped{KEKID: wrapped.KEKID, Bytes: slices.Clone(wrapped.Bytes)}
		bad.Bytes[bit/8] ^= 1 << (bit % 8)
		if _, err := ring.Open("app-1", bad); err == nil {
			t.Fatalf("wrapped bit %d", bit)
		}
	}
}

func TestDataKeyOfAnotherDoesNotOpen(t *testing.T) {
	t.Parallel()
	ring := load(t, newKeyFile(t))
	_, mine := newDataKey(t, ring, "app-1")
	theirs, _ := newDataKey(t, ring, "app-2")
	sealed, err := theirs.Seal(place, []byte("text"))
	if err != nil {
		t.Fatal(err)
	}

	_, err = ring.Open("app-2", mine)
	wantCode(t, err, "unsealing_failed")
	key, err := ring.Open("app-1", mine)
	if err != nil {
		t.Fatal(err)
	}
	_, err = key.Open(place, sealed)
	wantCode(t, err, "unsealing_failed")
	_, err = load(t, newKeyFile(t)).Open("app-1", mine)
	wantCode(t, err, "unsealing_failed")
}

func TestDestroyedKeyIsPurged(t *testing.T) {
	t.Parallel()
	ring := load(t, newKeyFile(t))
	_, err := ring.Open("app-1", seal.Wrapped{})
	wantCode(t, err, "purged")
	_, _, err = ring.Rewrap("app-1", seal.Wrapped{KEKID: ring.ActiveKEK()})
	wantCode(t, err, "purged")
}

func TestSealedTextTellsNothing(t *testing.T) {
	t.Parallel()
	key, _ := newDataKey(t, load(t, newKeyFile(t)), "app-1")
	lengths := map[int]bool{}
	for n := range 64 {
		text := bytes.Repeat([]byte("x"), n)
		one, err := key.Seal(place, text)
		if err != nil {
			t.Fatal(err)
		}
		two, err := key.Seal(place, text)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(one, two) || n > 3 && bytes.Contains(one, text) {
			t.Fatalf("length %d: equal texts show", n)
		}
		lengths[len(one)] = true
	}
	if len(lengths) != 1 {
		t.Errorf("texts of 0 to 63 bytes have %d lengths when sealed, want 1", len(lengths))
	}
}

func TestRotationKeepsOldTextAndMovesDataKeys(t *testing.T) {
	t.Parallel()
	path := newKeyFile(t)
	before := load(t, path)
	key, wrapped := newDataKey(t, before, "app-1")
	sealed, err := key.Seal(place, []byte("text"))
	if err != nil {
		t.Fatal(err)
	}
	index, err := before.BlindIndex("payee/2026", "0014ab")
	if err != nil {
		t.Fatal(err)
	}

	id, err := seal.RotateKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	after := load(t, path)
	if after.ActiveKEK() != id {
		t.Errorf("the active key is %s, and %s was returned", after.ActiveKEK(), id)
	}
	if after.ActiveKEK() == before.ActiveKEK() {
		t.Fatal("the active key is the old one")
	}
	if _, err := after.Open("app-1", wrapped); err != nil {
		t.Errorf("not yet rewrapped: %v", err)
	}
	fresh, changed, err := after.Rewrap("app-1", wrapped)
	if err != nil || !changed || fresh.KEKID != after.ActiveKEK() {
		t.Fatalf("rewrap: %+v, %t, %v", fresh.KEKID, changed, err)
	}
	if _, changed, err := after.Rewrap("app-1", fresh); changed || err != nil {
		t.Errorf("a second rewrap: changed %t, %v", changed, err)
	}
	again, err := after.Open("app-1", fresh)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.Open(place, sealed); err != nil || string(got) != "text" {
		t.Errorf("got %q, %v", got, err)
	}
	_, err = before.Open("app-1", fresh)
	wantCode(t, err, "unsealing_failed")
	_, err = after.Open("app-1", seal.Wrapped{KEKID: before.ActiveKEK(), Bytes: fresh.Bytes})
	wantCode(t, err, "unsealing_failed")
	if same, err := after.BlindIndex("payee/2026", "0014ab"); err != nil || !bytes.Equal(same, index) {
		t.Errorf("rotation changed the blind index: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode after rotation: %v, %v", info.Mode(), err)
	}
}

func TestDerivedKeysAndIndexesAreApart(t *testing.T) {
	t.Parallel()
	ring, other := load(t, newKeyFile(t)), load(t, newKeyFile(t))
	var all []string
	add := func(b []byte, err error) {
		t.Helper()
		if err != nil || len(b) != 32 {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
		all = append(all, hex.EncodeToString(b))
	}
	for _, k := range []*seal.Keyring{ring, other} {
		add(k.Derive("a"))
		add(k.Derive("b"))
		add(k.BlindIndex("a", "x"))
		add(k.BlindIndex("a", "y"))
		add(k.BlindIndex("b", "x"))
	}
	slices.Sort(all)
	if n := len(slices.Compact(all)); n != 10 {
		t.Errorf("%d different keys and indexes, want 10", n)
	}
}

func TestKeyFileOpenToOthersIsRefused(t *testing.T) {
	t.Parallel()
	for _, mode := range []os.FileMode{0o640, 0o604, 0o660, 0o601, 0o777} {
		path := newKeyFile(t)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := seal.Load(path)
		if !errs.Is(err, "key_file_mode") {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	path := newKeyFile(t)
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	load(t, path)
	_, err := seal.Load(t.TempDir())
	wantCode(t, err, "key_file_mode")
}

func TestKeyFileMissingOrThereAlready(t *testing.T) {
	t.Parallel()
	_, err := seal.Load(filepath.Join(t.TempDir(), "keys"))
	wantCode(t, err, "key_file_missing")
	path := newKeyFile(t)
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := seal.GenerateKeyFile(path); err == nil {
		t.Error("keys were overwritten")
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the file changed: %v", err)
	}
}

const someKey = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

func TestDamagedKeyFileIsRefused(t *testing.T) {
	t.Parallel()
	const head = "causeway-keys/v1\n"
	pepper, active := "pepper "+someKey+"\n", "active a "+someKey+"\n"
	tests := map[string]string{
		"empty":           "",
		"other header":    "keys\n" + pepper + active,
		"no pepper":       head + active,
		"no active key":   head + pepper + "kek a " + someKey + "\n",
		"two peppers":     head + pepper + pepper + active,
		"two active keys": head + pepper + active + "active b " + someKey + "\n",
		"id twice":        head + pepper + active + "kek a " + someKey + "\n",
		"short key":       head + pepper + "active a AAAA\n",
		"no base64":       head + pepper + "active a " + strings.Repeat("!", 44) + "\n",
		"bad id":          head + pepper + "active A/ " + someKey + "\n",
		"unknown word":    head + pepper + active + "salt x " + someKey + "\n",
		"one long line":   head + strings.Repeat("x", 1<<17),
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "keys")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := seal.Load(path)
			wantCode(t, err, "key_file_malformed")
			if strings.Contains(fmt.Sprint(err), someKey) {
				t.Errorf("the error shows a key: %v", err)
			}
		})
	}
}

func TestKeysDoNotPrint(t *testing.T) {
	t.Parallel()
	path := newKeyFile(t)
	ring := load(t, path)
	key, _ := newDataKey(t, ring, "app-1")

	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb+verb, ring, key); got != "[key][key]" {
			t.Errorf("%s prints %s", verb, got)
		}
	}
	if got := ring.LogValue().String() + key.LogValue().String(); got != "[key][key]" {
		t.Errorf("logged as %s", got)
	}
}

func FuzzOpen(f *testing.F) {
	path := filepath.Join(f.TempDir(), "keys")
	if err := seal.GenerateKeyFile(path); err != nil {
		f.Fatal(err)
	}
	ring, err := seal.Load(path)
	if err != nil {
		f.Fatal(err)
	}
	key, wrapped, err := ring.NewDataKey("app-1")
	if err != nil {
		f.Fatal(err)
	}
	sealed, err := key.Seal(place, []byte("text"))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{nil, {1}, sealed, wrapped.Bytes, sealed[:41]} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := key.Open(place, b); err == nil && !bytes.Equal(b, sealed) {
			t.Fatal("forged")
		}
		if _, err := ring.Open("app-1", seal.Wrapped{KEKID: wrapped.KEKID, Bytes: b}); err == nil && !bytes.Equal(b, wrapped.Bytes) {
			t.Fatal("forged data key")
		}
	})
}
