package internal_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const maxLines = 500

// handWritten calls f with each text file of the project that a person wrote, by
// its path from the top.
func handWritten(t *testing.T, f func(path string, text []byte)) {
	t.Helper()
	skipDirs := []string{".git", ".causeway", "bin", "dist", "testdata", "vendor", "node_modules", "test-results"}
	generated := regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)
	extensions := []string{".go", ".templ", ".sql", ".sh", ".md", ".yml", ".yaml", ".css", ".js", ".json", ".service", ".socket", ".mod", ""}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(skipDirs, d.Name()):
			return fs.SkipDir
		case !d.Type().IsRegular() || !slices.Contains(extensions, filepath.Ext(path)):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if filepath.Ext(path) == ".go" && generated.Match(text) {
			return nil
		}
		f(strings.TrimPrefix(filepath.ToSlash(path), "../"), text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFilesStayShort(t *testing.T) {
	t.Parallel()
	code := []string{".go", ".templ", ".sql", ".sh"}
	handWritten(t, func(path string, text []byte) {
		if n := bytes.Count(text, []byte("\n")); n > maxLines && slices.Contains(code, filepath.Ext(path)) {
			t.Errorf("%s has %d lines; split it (at most %d)", path, n, maxLines)
		}
	})
}

// TestNoPathOfOneMachine finds paths that exist on their author's machine alone.
func TestNoPathOfOneMachine(t *testing.T) {
	t.Parallel()
	personal := regexp.MustCompile(`(?:^|[\s"'(=])/(?:home|Users|work)/[A-Za-z.]\S*`)
	handWritten(t, func(path string, text []byte) {
		if found := personal.Find(text); found != nil {
			t.Errorf("%s names %s", path, found)
		}
	})
}

func TestPackagesSayWhatTheyAreForAndWhatTheyHold(t *testing.T) {
	t.Parallel()
	vague := []string{"utils", "util", "common", "helpers", "helper", "models", "types", "misc", "base", "shared", "lib"}
	generatedOnly := []string{"internal/store/postgres/db"}
	for _, p := range goList(t, "./...") {
		path := strings.TrimPrefix(p.ImportPath, module)
		name := filepath.Base(path)
		if slices.Contains(vague, name) {
			t.Errorf("%s: a package is named for what it does, not %q", path, name)
		}
		if len(p.GoFiles) == 0 || slices.Contains(generatedOnly, path) || strings.HasPrefix(path, "cmd/") {
			continue
		}
		doc, err := os.ReadFile(filepath.Join(p.Dir, "doc.go"))
		if err != nil {
			t.Errorf("%s has no doc.go", path)
			continue
		}
		kind := "// Package "
		if bytes.HasSuffix(bytes.TrimSpace(doc), []byte("\npackage main")) {
			kind = "// Command "
		}
		if !bytes.HasPrefix(doc, []byte(kind)) || !bytes.Contains(doc, []byte("\n// Invariants:\n")) {
			t.Errorf("%s/doc.go lacks its paragraph or its list of invariants", path)
		}
	}
}

// TestCrashLabelsAreUnique: a label that stands in two places would kill a test
// run at a point other than the one it means.
func TestCrashLabelsAreUnique(t *testing.T) {
	t.Parallel()
	label := regexp.MustCompile(`\bcrash\.At\("([^"]+)"\)`)
	seen := map[string]string{}
	handWritten(t, func(path string, text []byte) {
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return
		}
		for _, m := range label.FindAllSubmatch(text, -1) {
			name := string(m[1])
			if first, dup := seen[name]; dup {
				t.Errorf("crash label %s stands in %s and in %s", name, first, path)
			}
			seen[name] = path
		}
	})
}

// TestEveryDependencyIsExplained compares go.mod with decisions/dependencies.md.
func TestEveryDependencyIsExplained(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("decisions/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct{ Require []struct{ Path string } }
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	for _, r := range mod.Require {
		if !bytes.Contains(text, []byte("| `"+r.Path+"` |")) {
			t.Errorf("decisions/dependencies.md has no line for %s", r.Path)
		}
	}
}
