package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree is a module with a rule, a test of it, and a list of mutants.
func tree(t *testing.T, mutants string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":                             "module example.org/x\n\ngo 1.24\n",
		"rule/rule.go":                       "package rule\n\nfunc Allowed(n int) bool {\n\tif n > 3 {\n\t\treturn false\n\t}\n\treturn n >= 0\n}\n",
		"rule/rule_test.go":                  "package rule\n\nimport \"testing\"\n\nfunc TestMost(t *testing.T) {\n\tif Allowed(4) || !Allowed(3) {\n\t\tt.Error(\"most\")\n\t}\n}\n",
		"internal/tools/mutate/mutants.yaml": mutants,
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestMutants(t *testing.T) {
	t.Parallel()
	const head = "- name: the rule\n  file: rule/rule.go\n  test: TestMost\n"
	for name, test := range map[string]struct{ mutant, want string }{
		"caught":           {head + "  old: n > 3\n  new: n > 9\n", ""},
		"missed":           {head + "  old: n >= 0\n  new: n >= -9\n", "no test notices"},
		"gone":             {head + "  old: n > 4\n  new: n > 9\n", "stands 0 times"},
		"does not compile": {head + "  old: n > 3\n  new: n > x\n", "does not compile"},
		"no such test":     {strings.Replace(head, "TestMost", "TestLeast", 1) + "  old: n > 3\n  new: n > 9\n", "no test notices"},
		"none":             {"[]", "no mutant has such a name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			err := run(t.Context(), &out, tree(t, test.mutant), "")
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q\n%s", err, test.want, out.String())
			}
		})
	}
}
