package internal_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestSuppressionsNameLintersThatRun: a //nolint for a linter that is off suppresses
// nothing, and its reader believes that somebody looks. nolintlint does not see it.
func TestSuppressionsNameLintersThatRun(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../.golangci.yml")
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Linters struct{ Enable []string }
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	directive := regexp.MustCompile(`//\s*nolint\b(?::([\w,-]+))?`)
	seen := 0
	handWritten(t, func(path string, text []byte) {
		if !strings.HasSuffix(path, ".go") || path == "internal/nolint_test.go" {
			return
		}
		for _, found := range directive.FindAllSubmatch(text, -1) {
			for name := range strings.SplitSeq(string(found[1]), ",") {
				seen++
				if !slices.Contains(config.Linters.Enable, name) {
					t.Errorf("%s: nolint:%s is for a linter that .golangci.yml does not enable", path, name)
				}
			}
		}
	})
	if seen < 100 {
		t.Errorf("only %d suppressions were found", seen)
	}
}
