package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

const program = "package main\n\nvar release string\n\nfunc main() { println(release) }\n"

// module writes a throw-away module with the programs one and two, in a git work tree.
func module(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.test/m\n\ngo 1.26\n", "LICENSE": "free\n", "cmd/one/main.go": program, "cmd/two/main.go": program,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if said, err := exec.CommandContext(t.Context(), "git", "init", "-q", dir).CombinedOutput(); err != nil {
		t.Fatalf("git init: %v\n%s", err, said)
	}
	return dir
}

// TestTwoFoldersGiveTheSameProgram: without -trimpath the folder is in the program, and the
// comparison has to see it.
func TestTwoFoldersGiveTheSameProgram(t *testing.T) {
	t.Parallel()
	dir := module(t)
	// With one cache these few lines are built in each folder unless -trimpath makes them the same.
	for name, tc := range map[string]struct {
		flags  []string
		differ bool
	}{"reproducible": {reproducible, false}, "with folders": {[]string{"-buildvcs=false"}, true}} {
		var out bytes.Buffer
		b := build{dir: dir, goos: runtime.GOOS, goarch: runtime.GOARCH, flags: tc.flags, programs: []string{"one", "two"}}
		err := comparing(t.Context(), &out, b, "")
		if got := err != nil && strings.Contains(err.Error(), "differ: one, two"); got != tc.differ || (err != nil) != tc.differ {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestARelease(t *testing.T) {
	t.Parallel()
	dir := module(t)
	system := runtime.GOOS + "/" + runtime.GOARCH
	release := func(out string) (int, string) {
		var said bytes.Buffer
		code := run(t.Context(), []string{"-in", dir, "-out", out, "-version", "v1.2.3", "-for", system, "one", "two"}, io.Discard, &said)
		return code, said.String()
	}
	first, second := filepath.Join(t.TempDir(), "dist"), filepath.Join(t.TempDir(), "dist")
	for _, out := range []string{first, second} {
		if code, said := release(out); code != 0 {
			t.Fatal(said)
		}
	}
	name := "causeway_v1.2.3_" + runtime.GOOS + "_" + runtime.GOARCH
	var sums string
	for _, file := range []string{name + ".tar.gz", name + ".cdx.json"} {
		text := read(t, filepath.Join(first, file))
		if !bytes.Equal(text, read(t, filepath.Join(second, file))) {
			t.Errorf("two releases of one version differ in %s", file)
		}
		sums += fmt.Sprintf("%x  %s\n", sha256.Sum256(text), file)
	}
	if got := string(read(t, filepath.Join(first, "SHA256SUMS"))); got != sums {
		t.Errorf("SHA256SUMS\n%s\nwant\n%s", got, sums)
	}
	held := unpack(t, read(t, filepath.Join(first, name+".tar.gz")))
	if len(held) != 3 || string(held[name+"/LICENSE"]) != "free\n" {
		t.Errorf("the archive holds %d files", len(held))
	}
	path := filepath.Join(t.TempDir(), "one")
	if err := os.WriteFile(path, held[name+"/one"], 0o700); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.CommandContext(t.Context(), path).CombinedOutput(); err != nil || string(said) != "v1.2.3\n" {
		t.Errorf("the program says %q, %v", said, err)
	}
	if code, said := release(first); code != 1 || !strings.Contains(said, "holds something already") {
		t.Errorf("into a folder that holds a release: exit %d, %s", code, said)
	}
}

func TestTheSBOMNamesWhatIsLinked(t *testing.T) {
	t.Parallel()
	info := func(deps ...*debug.Module) *buildinfo.BuildInfo {
		return &buildinfo.BuildInfo{GoVersion: "go1.26.1", Deps: deps}
	}
	shared := &debug.Module{Path: "github.com/Some/Module/v2", Version: "v2.0.1+incompatible", Sum: "h1:abc="}
	text, err := listParts("v1.2.3", "linux/arm64", map[string]*buildinfo.BuildInfo{
		"one": info(shared, &debug.Module{Path: "example.test/old", Version: "v0.1.0", Replace: &debug.Module{Path: "example.test/new", Version: "v0.2.0"}}),
		"two": info(shared),
	})
	if err != nil {
		t.Fatal(err)
	}
	var list bom
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range list.Components {
		got = append(got, c.PURL)
		for _, p := range c.Properties {
			got = append(got, p.Name+" "+p.Value)
		}
	}
	want := []string{
		"pkg:golang/example.test/new@v0.2.0", "causeway:program one",
		"pkg:golang/github.com/some/module/v2@v2.0.1%2Bincompatible", "causeway:go_sum h1:abc=", "causeway:program one", "causeway:program two",
		"pkg:golang/stdlib@1.26.1", "causeway:program one", "causeway:program two",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if list.BOMFormat != "CycloneDX" || list.SpecVersion != "1.6" || list.Metadata.Component.Version != "v1.2.3" {
		t.Errorf("head: %+v", list)
	}
}

func TestAnArchiveHoldsNoTimeOrOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	for _, path := range []string{a, b} {
		if err := os.WriteFile(path, []byte(path[len(dir):]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var first, second bytes.Buffer
	if err := archive(&first, []file{{"a", a, 0o644}, {"b", b, 0o755}}); err != nil {
		t.Fatal(err)
	}
	long := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Chtimes(a, long, long); err != nil {
		t.Fatal(err)
	}
	if err := archive(&second, []file{{"b", b, 0o755}, {"a", a, 0o644}}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the order of files or their times are in the archive")
	}
}

func TestVersionsAndFlagsAreChecked(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{
		"v1.2.3": true, "v0.1.0-rc.1": true,
		"": false, "1.2.3": false, "v1.2": false, "v01.2.3": false, "v1.2.3 -X main.x=y": false, "v1.2.3-": false,
	} {
		if got := semver.MatchString(version); got != want {
			t.Errorf("%q is taken: %t, want %t", version, got, want)
		}
	}
	for _, tc := range []struct {
		args []string
		says string
	}{
		{[]string{"-version", "v1.2.3"}, "name the programs"},
		{[]string{"one"}, `version "" must be like`},
	} {
		var said bytes.Buffer
		if code := run(t.Context(), tc.args, io.Discard, &said); code != 1 || !strings.Contains(said.String(), tc.says) {
			t.Errorf("%v: exit %d, %s", tc.args, code, &said)
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func unpack(t *testing.T, packed []byte) map[string][]byte {
	t.Helper()
	plain, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	held := map[string][]byte{}
	for in := tar.NewReader(plain); ; {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			return held
		}
		if err != nil {
			t.Fatal(err)
		}
		if held[header.Name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
	}
}
