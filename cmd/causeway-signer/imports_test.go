package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// goList returns the distinct lines that format gives for every package that the
// program is made of.
func goList(t *testing.T, format string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", format, ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	lines := strings.Fields(string(out))
	slices.Sort(lines)
	return slices.Compact(lines)
}

// The key's process is made of few modules, and each is named in the golden
// file. A new one is a decision, not an accident.
func TestModulesAreTheListedOnes(t *testing.T) {
	t.Parallel()
	const family = "github.com/btcsuite/"
	got := goList(t, `{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}`)
	golden, err := os.ReadFile("testdata/modules.golden")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Fields(string(golden)), got); diff != "" {
		t.Errorf("testdata/modules.golden (-listed +linked):\n%s", diff)
	}
	others := slices.DeleteFunc(got, func(m string) bool { return strings.HasPrefix(m, family) })
	if len(others) > 12 {
		t.Errorf("%d modules beside the btcd family, want 12 at most: %v", len(others), others)
	}
}

func TestNoDatabaseNoHTTPNoFramework(t *testing.T) {
	t.Parallel()
	packages := goList(t, `{{.ImportPath}}`)
	for _, forbidden := range []string{"net/http", "database/sql", "os/exec", "plugin", "github.com/jackc/", "github.com/labstack/", "github.com/fxamacker/", "github.com/btcsuite/btcd/rpcclient"} {
		for _, p := range packages {
			if p == forbidden || strings.HasSuffix(forbidden, "/") && strings.HasPrefix(p, forbidden) {
				t.Errorf("the signer links %s", p)
			}
		}
	}
	const own = "github.com/causeway-fund/causeway/internal/"
	allowed := []string{
		"cli", "clock", "cores", "crash", "errs", "bitcoin/money", "bitcoin/spv", "bitcoin/wallet", "trust/ack", "trust/approval", "trust/authority", "trust/charter", "trust/decision", "trust/halt", "trust/history",
		"trust/note", "trust/sshsig", "trust/webauthn",
		"signer/signer", "signer/signerrpc",
	}
	for _, p := range packages {
		if name, ok := strings.CutPrefix(p, own); ok && !slices.Contains(allowed, name) {
			t.Errorf("the signer links internal/%s", name)
		}
	}
}
