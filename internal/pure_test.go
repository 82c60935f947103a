package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPurePackagesStartNoGoroutine holds what lets CI test them without the race
// detector.
func TestPurePackagesStartNoGoroutine(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^PURE := (.+)$`).FindSubmatch(makefile)
	if line == nil {
		t.Fatal("the Makefile names no pure packages")
	}
	for dir := range strings.FieldsSeq(string(line[1])) {
		if dir == "signer/signer" || dir == "payout/payout" || dir == "cores" {
			t.Errorf("%s is tested without the race detector: nothing would look at what wallet and txbuild do on many cores", dir)
		}
		files := 0
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") {
				return err
			}
			files++
			for _, at := range goroutines(t, path) {
				t.Errorf("%s starts a goroutine, so it is not pure", at)
			}
			return nil
		})
		if err != nil || files == 0 {
			t.Errorf("%s: %d files, %v", dir, files, err)
		}
	}
}

// goroutines returns where the file at path starts one, by a go statement or by
// the Go method of a group.
func goroutines(t *testing.T, path string) []string {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = append(found, set.Position(n.Pos()).String())
		case *ast.SelectorExpr:
			if n.Sel.Name == "Go" {
				found = append(found, set.Position(n.Pos()).String())
			}
		}
		return true
	})
	return found
}

// TestWhereGoroutinesMeetTheDetectorLooks: of a package that is tested without the race
// detector but for some tests, each test that starts a goroutine is among them.
func TestWhereGoroutinesMeetTheDetectorLooks(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	met := regexp.MustCompile(`(?m)^MET := ((?:.+\\\n)*.+)$`).FindSubmatch(makefile)
	if met == nil {
		t.Fatal("the Makefile does not say what the detector looks at")
	}
	for word := range strings.FieldsSeq(strings.ReplaceAll(string(met[1]), "\\\n", " ")) {
		dir, pattern, _ := strings.Cut(word, "=")
		watched := regexp.MustCompile(pattern)
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for _, path := range files {
			if filepath.Base(path) == "signerhost_test.go" { // a program of its own behind a socket, in every test
				continue
			}
			for _, fn := range startsOne(t, path) {
				seen++
				if strings.HasPrefix(fn, "Test") && !watched.MatchString(fn) {
					t.Errorf("%s starts a goroutine and the race detector does not look at it: add it to MET in the Makefile", fn)
				}
			}
		}
		if seen == 0 {
			t.Errorf("%s: no test starts a goroutine; it belongs to PURE", dir)
		}
	}
}

// startsOne returns the functions of a file that start a goroutine.
func startsOne(t *testing.T, path string) []string {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, decl := range file.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && starts(fn) {
			found = append(found, fn.Name.Name)
		}
	}
	return found
}

func starts(fn *ast.FuncDecl) bool {
	found := false
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = true
		case *ast.SelectorExpr:
			found = found || n.Sel.Name == "Go"
		}
		return !found
	})
	return found
}
