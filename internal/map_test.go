package internal_test

import (
	"fmt"
	"go/doc"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMap holds the table of packages in README.md equal to what go list and each doc.go
// say. MAP_UPDATE=1 writes it again.
func TestMap(t *testing.T) {
	t.Parallel()
	const begin, end = "<!-- packages -->\n", "<!-- /packages -->\n"
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(readme), begin)
	got, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatal("README.md has no place for the table of packages")
	}
	rows := map[string][]string{}
	for _, p := range packages(t) {
		path, _ := ours(p.ImportPath)
		if generated := path == "store/postgres/db"; generated {
			continue
		}
		uses := map[string]bool{}
		for _, imp := range p.Imports {
			if imp, ok := ours(imp); ok && groupOf(imp) != groupOf(path) {
				uses[groupOf(imp)] = true
			}
		}
		row := fmt.Sprintf("| `%s` | %s | %s |\n", path, synopsis(t, p.Dir), strings.Join(slices.Sorted(maps.Keys(uses)), " "))
		rows[groupOf(path)] = append(rows[groupOf(path)], row)
	}
	var want strings.Builder
	for _, group := range groupOrder {
		fmt.Fprintf(&want, "\n### %s\n\n| package | what it is for | uses, of other groups |\n|---|---|---|\n%s", group, strings.Join(rows[group], ""))
		delete(rows, group)
	}
	if len(rows) > 0 {
		t.Errorf("groups without a place in the map: %v", slices.Sorted(maps.Keys(rows)))
	}
	if os.Getenv("MAP_UPDATE") != "" {
		if err := os.WriteFile("README.md", []byte(before+begin+want.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want.String(), got); diff != "" {
		t.Errorf("README.md shows another table than the code (-code +README); MAP_UPDATE=1 writes it:\n%s", diff)
	}
}

// groupOrder is that of the map: each group after those it stands on.
var groupOrder = strings.Fields("ground bitcoin trust ledger fleet review payout signer auditor edge store programs testkit")

// synopsis is the first sentence of a package's doc.go, without its name.
func synopsis(t *testing.T, dir string) string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, "doc.go"), nil, parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		t.Fatal(err)
	}
	var empty doc.Package
	first := empty.Synopsis(file.Doc.Text())
	return strings.TrimPrefix(strings.TrimPrefix(first, "Package "+file.Name.Name+" "), "is ")
}

// TestGroupsHaveAPage: a group is a folder with a README.md of at most a screen that names
// each of its packages.
func TestGroupsHaveAPage(t *testing.T) {
	t.Parallel()
	for _, group := range groupOrder {
		if group == "ground" || group == "ledger" { // not folders of packages
			continue
		}
		text, err := os.ReadFile(filepath.Join(group, "README.md"))
		if err != nil {
			t.Errorf("group %s: %v", group, err)
			continue
		}
		if lines := strings.Count(string(text), "\n"); lines > 60 {
			t.Errorf("%s/README.md has %d lines, more than a screen", group, lines)
		}
		for _, p := range packages(t) {
			path, _ := ours(p.ImportPath)
			name, in := strings.CutPrefix(path, group+"/")
			if top, _, _ := strings.Cut(name, "/"); in && !strings.Contains(string(text), "`"+top) {
				t.Errorf("%s/README.md does not name %s", group, name)
			}
		}
	}
}
