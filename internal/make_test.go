package internal_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	makeTarget = regexp.MustCompile(`(?m)^([a-z-]+):`)
	makeCall   = regexp.MustCompile("`make ([a-z-]+)")
)

// TestMakeKnowsWhatPagesName: every call of make in a document is a target, and every script of
// internal/tools is run by one, or by another script. A target that was lost in a merge is
// missed by nobody until somebody needs it.
func TestMakeKnowsWhatPagesName(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	targets := map[string]bool{}
	for _, m := range makeTarget.FindAllStringSubmatch(string(text), -1) {
		targets[m[1]] = true
	}
	called := 0
	err = filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && d.Name() != ".." || d.Name() == "node_modules" || d.Name() == "bin" || d.Name() == "dist"):
			return filepath.SkipDir
		case d.IsDir() || !slices.Contains([]string{".md", ".go"}, filepath.Ext(path)):
			return nil
		}
		page, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range makeCall.FindAllStringSubmatch(string(page), -1) {
			called++
			if !targets[m[1]] {
				t.Errorf("%s names `make %s`, which is not in the Makefile", path, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if called < 10 {
		t.Errorf("only %d calls of make were found", called)
	}

	scripts, err := filepath.Glob("tools/*.sh")
	if err != nil {
		t.Fatal(err)
	}
	callers := string(text)
	for _, script := range scripts {
		body, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		callers += strings.ReplaceAll(string(body), filepath.Base(script), "")
	}
	for _, script := range scripts {
		if !strings.Contains(callers, filepath.Base(script)) {
			t.Errorf("nothing runs internal/%s", script)
		}
	}
}
