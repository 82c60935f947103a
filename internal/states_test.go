package internal_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/grant"
)

// TestStateDiagrams holds the diagrams in README.md equal to the tables of the
// state machines.
func TestStateDiagrams(t *testing.T) {
	t.Parallel()
	const begin, end = "<!-- states -->\n", "<!-- /states -->\n"
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(readme), begin)
	got, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatal("README.md has no place for the diagrams")
	}

	edges := grant.Edges()
	edges["batch"], edges["breaker"] = payout.Edges(), payout.BreakerEdges()
	var want strings.Builder
	for _, machine := range []string{"application", "grant", "instalment", "batch", "breaker"} {
		lines := make([]string, 0, len(edges[machine]))
		for _, e := range edges[machine] {
			lines = append(lines, fmt.Sprintf("    %s --> %s\n", e.From, e.To))
		}
		slices.Sort(lines)
		fmt.Fprintf(&want, "### %s\n\n```mermaid\nstateDiagram-v2\n%s```\n\n", machine, strings.Join(slices.Compact(lines), ""))
	}

	if os.Getenv("STATES_UPDATE") != "" {
		if err := os.WriteFile("README.md", []byte(before+begin+want.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want.String(), got); diff != "" {
		t.Errorf("README.md shows other edges than the code (-code +README):\n%s", diff)
	}
}
