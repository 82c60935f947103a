package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// underLock are the types that stores give to functions which they call inside a transaction: a
// row under lock with all that the function depends on.
var underLock = []string{"payout.Locked", "payout.Join", "payout.BreakerWork", "payout.ChainWork", "recovery.Rebuild", "grant.Work"}

// TestWhatRunsUnderALockReachesNoStore: a function that is given a locked row has no context, neither
// its own nor one from around it, and names no store. Every method of a store takes a context, so it
// can call none: each caller holds one connection at most, and they cannot all wait for a second.
func TestWhatRunsUnderALockReachesNoStore(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for _, dir := range []string{"payout", "review"} {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			contexts := contextsIn(file)
			ast.Inspect(file, func(n ast.Node) bool {
				var kind *ast.FuncType
				var body *ast.BlockStmt
				switch f := n.(type) {
				case *ast.FuncLit:
					kind, body = f.Type, f.Body
				case *ast.FuncDecl:
					kind, body = f.Type, f.Body
				default:
					return true
				}
				locked := lockedOf(file.Name.Name, kind)
				if locked == "" || body == nil {
					return true
				}
				seen[locked]++
				for _, field := range kind.Params.List {
					if typeName(file.Name.Name, field.Type) == "context.Context" {
						t.Errorf("%s: a function takes a %s and a context", set.Position(field.Pos()), locked)
					}
				}
				ast.Inspect(body, func(n ast.Node) bool {
					switch x := n.(type) {
					case *ast.Ident:
						if slices.Contains(contexts, x.Name) {
							t.Errorf("%s: what runs on a %s uses the context %s", set.Position(x.Pos()), locked, x.Name)
						}
					case *ast.SelectorExpr:
						if x.Sel.Name == "Store" || typeName("", x.X) == "context" {
							t.Errorf("%s: what runs on a %s uses %s", set.Position(x.Pos()), locked, x.Sel.Name)
						}
					}
					return true
				})
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range underLock {
		if seen[name] == 0 {
			t.Errorf("no function takes a %s", name)
		}
	}
}

// contextsIn returns the names of all parameters of a file that are contexts.
func contextsIn(file *ast.File) []string {
	names := []string{"ctx"}
	ast.Inspect(file, func(n ast.Node) bool {
		f, ok := n.(*ast.FuncType)
		if !ok {
			return true
		}
		for _, field := range f.Params.List {
			if typeName("", field.Type) != "context.Context" {
				continue
			}
			for _, name := range field.Names {
				names = append(names, name.Name)
			}
		}
		return true
	})
	return names
}

// lockedOf returns which of underLock a function takes a pointer to.
func lockedOf(pkg string, f *ast.FuncType) string {
	for _, field := range f.Params.List {
		star, ok := field.Type.(*ast.StarExpr)
		if !ok {
			continue
		}
		if name := typeName(pkg, star.X); slices.Contains(underLock, name) {
			return name
		}
	}
	return ""
}

// typeName spells a type with its package; pkg is that of the file.
func typeName(pkg string, e ast.Expr) string {
	switch x := e.(type) {
	case *ast.Ident:
		if pkg == "" {
			return x.Name
		}
		return pkg + "." + x.Name
	case *ast.SelectorExpr:
		return typeName("", x.X) + "." + x.Sel.Name
	}
	return ""
}

// TestAPlanIsWorkedOutFromWhatItIsGiven: the packages payout and plan take no context, so no method of a
// store, a node or a signer can be called there; and they do not look at the clock, the disk or the dice.
func TestAPlanIsWorkedOutFromWhatItIsGiven(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"payout/plan", "payout/payout"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		looked := 0
		for _, path := range files {
			if !strings.HasSuffix(path, "_test.go") {
				looked++
				reaches(t, path)
			}
		}
		if looked == 0 {
			t.Errorf("package %s has no files", dir)
		}
	}
}

func reaches(t *testing.T, path string) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range file.Imports {
		if slices.Contains([]string{`"context"`, `"database/sql"`, `"net"`, `"net/http"`, `"os"`, `"crypto/rand"`, `"math/rand/v2"`}, spec.Path.Value) {
			t.Errorf("%s: a plan reaches %s", set.Position(spec.Pos()), spec.Path.Value)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if x, ok := n.(*ast.SelectorExpr); ok && typeName("", x.X)+"."+x.Sel.Name == "time.Now" {
			t.Errorf("%s: a plan looks at the clock", set.Position(x.Pos()))
		}
		return true
	})
}
