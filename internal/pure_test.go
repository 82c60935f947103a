package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// listed returns the words of a variable of the Makefile.
func listed(t *testing.T, name string) []string {
	t.Helper()
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^` + name + ` := ((?:.+\\\n)*.+)$`).FindSubmatch(makefile)
	if line == nil {
		t.Fatalf("the Makefile has no %s", name)
	}
	return strings.Fields(strings.ReplaceAll(string(line[1]), "\\\n", " "))
}

// TestPurePackagesStartNoGoroutine holds what lets CI test them without the race
// detector. A server of net/http would start goroutines for them.
func TestPurePackagesStartNoGoroutine(t *testing.T) {
	t.Parallel()
	for _, dir := range listed(t, "PURE") {
		if dir == "internal/signer/signer" || dir == "internal/payout/payout" || dir == "internal/cores" {
			t.Errorf("%s is tested without the race detector: nothing would look at what wallet and txbuild do on many cores", dir)
		}
		files, err := filepath.Glob(filepath.Join("..", dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Errorf("%s: %d files, %v", dir, len(files), err)
		}
		for _, path := range files {
			for _, at := range goroutines(t, path) {
				t.Errorf("%s starts a goroutine, so it is not pure", at)
			}
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
			if from, _ := n.X.(*ast.Ident); n.Sel.Name == "Go" || from != nil && from.Name == "httptest" && strings.HasPrefix(n.Sel.Name, "New") {
				found = append(found, set.Position(n.Pos()).String())
			}
		}
		return true
	})
	return found
}

// TestWhereGoroutinesMeetTheDetectorLooks: of a package that is tested without the race
// detector but for some tests, each test that starts a goroutine is among them, by itself, by
// way of the tests' own functions, or by calling a function of the package that starts one.
func TestWhereGoroutinesMeetTheDetectorLooks(t *testing.T) {
	t.Parallel()
	for _, word := range listed(t, "MET") {
		dir, pattern, _ := strings.Cut(word, "=")
		watched := regexp.MustCompile(pattern)
		starting := startOne(t, filepath.Join("..", dir))
		if len(starting) == 0 {
			t.Errorf("%s: nothing starts a goroutine; it belongs to PURE", dir)
		}
		looks := 0
		for _, fn := range testsOf(t, filepath.Join("..", dir)) {
			if watched.MatchString(fn) {
				looks++
			} else if starting[fn] {
				t.Errorf("%s.%s starts a goroutine and the race detector does not look at it: add it to MET in the Makefile", dir, fn)
			}
		}
		if looks == 0 {
			t.Errorf("%s: the race detector looks at no test", dir)
		}
	}
}

// TestStartOne: a test starts a goroutine by way of a function of the tests, and a method of
// the package, but not by a function that only has the name of one in another file's comment.
func TestStartOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"p.go":      "package p\nfunc (s *S) Serve() { go s.loop() }\nfunc outer(s *S) { s.Serve() }\nfunc (s *S) loop() {}\ntype S struct{}",
		"p_test.go": "package p\nfunc TestDirect() { go f() }\nfunc TestByHelper() { helper() }\nfunc helper() { second() }\nfunc second() { new(S).Serve() }\nfunc TestQuiet() { new(S).loop() }\nfunc f() {}",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := startOne(t, dir)
	for fn, want := range map[string]bool{"TestDirect": true, "TestByHelper": true, "TestQuiet": false, "helper": true} {
		if got[fn] != want {
			t.Errorf("%s starts a goroutine: %t, want %t", fn, got[fn], want)
		}
	}
}

// function is what one function of a package does.
type function struct {
	inTest bool
	starts bool
	names  map[string]bool // all that it mentions
	calls  map[string]bool // what of that it calls
}

// startOne returns the names of functions and methods in dir that start a goroutine: those of
// the tests by way of others too. Names stand for what they name; one that is shared is
// watched once too often.
func startOne(t *testing.T, dir string) map[string]bool {
	t.Helper()
	functions := functionsOf(t, dir)
	found := map[string]bool{}
	for changed := true; changed; {
		changed = false
		for name, fns := range functions {
			for _, fn := range fns {
				if !found[name] && (fn.starts || fn.inTest && fn.mentions(found, functions)) {
					found[name], changed = true, true
				}
			}
		}
	}
	return found
}

// mentions reports whether fn calls one of found, or names one of the tests to pass it on.
func (fn function) mentions(found map[string]bool, functions map[string][]function) bool {
	for name := range fn.names {
		if found[name] && (fn.calls[name] || functions[name][0].inTest) {
			return true
		}
	}
	return false
}

func testsOf(t *testing.T, dir string) []string {
	t.Helper()
	var tests []string
	for name, fns := range functionsOf(t, dir) {
		if strings.HasPrefix(name, "Test") && fns[0].inTest {
			tests = append(tests, name)
		}
	}
	return tests
}

func functionsOf(t *testing.T, dir string) map[string][]function {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	functions := map[string][]function{}
	for _, path := range files {
		if filepath.Base(path) == "signerhost_test.go" { // a program of its own behind a socket, in every test
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			if decl, ok := decl.(*ast.FuncDecl); ok && decl.Body != nil {
				fn := read(decl)
				fn.inTest = strings.HasSuffix(path, "_test.go")
				functions[decl.Name.Name] = append(functions[decl.Name.Name], fn)
			}
		}
	}
	return functions
}

func read(decl *ast.FuncDecl) function {
	fn := function{names: map[string]bool{}, calls: map[string]bool{}}
	ast.Inspect(decl.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			fn.starts = true
		case *ast.SelectorExpr:
			fn.starts = fn.starts || n.Sel.Name == "Go"
			fn.names[n.Sel.Name] = true
		case *ast.Ident:
			fn.names[n.Name] = true
		case *ast.CallExpr:
			switch called := n.Fun.(type) {
			case *ast.Ident:
				fn.calls[called.Name] = true
			case *ast.SelectorExpr:
				fn.calls[called.Sel.Name] = true
			}
		}
		return true
	})
	return fn
}
