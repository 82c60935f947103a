package signer_test

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The table of internal/signer/refusals.md has each code that a signer refuses with, in order,
// with the meaning that the code states and with what to do.
func TestTheTableHasEveryCode(t *testing.T) {
	t.Parallel()
	declared := regexp.MustCompile(`// Code\w+: (.*)\n\s*Code\w+ +errs\.Code = "(\w+)"`)
	want := map[string]string{}
	for _, from := range []string{"../signer", "../signerrpc", "../../trust/authority"} {
		for _, found := range declared.FindAllStringSubmatch(readText(t, filepath.Join(from, "codes.go")), -1) {
			want[found[2]] = found[1]
		}
	}
	got := map[string]string{}
	var order []string
	row := regexp.MustCompile("(?m)^\\| `(\\w+)` \\| ([^|]+) \\| ([^|]{5,}) \\|$")
	_, table, _ := strings.Cut(readText(t, "../refusals.md"), "| code |")
	for _, found := range row.FindAllStringSubmatch(table, -1) {
		got[found[1]] = found[2]
		order = append(order, found[1])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("internal/signer/refusals.md (-code +table):\n%s", diff)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(got)), order); diff != "" {
		t.Errorf("the rows are not in order (-want +got):\n%s", diff)
	}
}
