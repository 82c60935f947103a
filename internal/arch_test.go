package internal_test

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/causeway-fund/causeway/"

// ground is what everything may stand on: packages that import one another at most.
var ground = strings.Fields("errs clock crash chance cli cores prose secretfile")

// groups is the rule of the layout: what the packages of a group may import of this module
// beside one another, by group or by package. README.md draws it.
var groups = map[string]string{
	"ground":   "",
	"bitcoin":  "ground",
	"trust":    "ground bitcoin",
	"fleet":    "ground bitcoin trust",
	"ledger":   "ground bitcoin",
	"review":   "ground bitcoin trust ledger fleet/claim",
	"payout":   "ground bitcoin trust ledger review signer/signerrpc",
	"signer":   "ground bitcoin trust/ack trust/approval trust/authority trust/charter trust/decision trust/halt trust/history trust/sshsig",
	"auditor":  "ground bitcoin/spv bitcoin/chain/btcdrpc",
	"edge":     "ground bitcoin trust ledger fleet review payout api",
	"store":    "ground bitcoin trust ledger fleet review payout migrations",
	"programs": "ground bitcoin trust ledger fleet review payout signer/signerrpc auditor edge store testkit api migrations",
	"testkit":  "ground bitcoin trust fleet/probe migrations",
}

// paying are the packages that move money, the ground of the others first.
const paying = "payout/payout payout/plan payout/treasurer payout/conductor payout/follower payout/recovery payout/breaker"

// never narrows that for single packages: what each must do without, and why.
var never = []struct{ pkg, without, why string }{
	{"edge/api", "edge/web edge/server", "adapters do not lean on each other"},
	{"edge/web", "edge/api edge/server", "adapters do not lean on each other"},
	{"payout/payout", "payout/plan payout/treasurer payout/conductor payout/follower payout/recovery payout/breaker", "types and rules stand below what is done with them"},
	{"payout/plan", "payout/treasurer payout/conductor payout/follower payout/recovery", "a plan is worked out from what it is given"},
	{"payout/treasurer", "payout/conductor payout/follower payout/recovery", "people and worker meet in the database alone"},
	{"payout/conductor", "payout/treasurer payout/follower payout/recovery", "only the chain, through the database, tells the conductor what happened"},
	{"payout/follower", "payout/treasurer payout/conductor payout/plan payout/recovery", "the follower learns from the chain, and builds nothing"},
	{"payout/recovery", "payout/treasurer payout/conductor payout/plan payout/follower", "what was signed is read from the journals, not worked out again"},
	{"payout/breaker", "payout/plan payout/treasurer payout/conductor payout/follower payout/recovery", "the books are held against the chain whoever wrote them"},
	{"payout/certificate", paying, "a payee checks a certificate without the service"},
	{"payout/books", paying, "a list of payments is read and written without the service"},
	{"programs/ctl", "edge store review programs/app " + paying, "it works on the public API alone"},
	{"programs/demo", "bitcoin/chain", "the journey looks at the chain in a way of its own"},
	{"programs/app", "testkit programs/demo", "a release holds nothing of the tests or the demo"},
	{"programs/ctl", "testkit programs/demo", "a release holds nothing of the tests or the demo"},
	{"programs/jobs", "testkit programs/demo", "a release holds nothing of the tests or the demo"},
}

// pkg is what go list says of a package.
type pkg struct {
	ImportPath string
	Dir        string
	Standard   bool
	GoFiles    []string
	Imports    []string
}

// goList returns the packages that go list finds for args, run at the top of the
// module.
func goList(t *testing.T, args ...string) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-e", "-json=ImportPath,Dir,Standard,GoFiles,Imports"}, args...)...)
	cmd.Dir = ".."
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v\n%s", args, err, stderr.String())
	}
	var pkgs []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

// within reports whether path is dir or lies below it.
func within(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// lists reports whether names, apart by spaces, holds the package of ours, what it lies
// below, or its group.
func lists(names, path string) bool {
	return slices.ContainsFunc(strings.Fields(names), func(name string) bool { return groupOf(path) == name || within(path, name) })
}

// ours returns an import path without the module and internal/; not ok for the path of
// somebody else.
func ours(importPath string) (string, bool) {
	path, ok := strings.CutPrefix(importPath, module)
	return strings.TrimPrefix(path, "internal/"), ok
}

// groupOf returns the group of a package of ours: ground, or the first part of its path.
func groupOf(path string) string {
	if slices.Contains(ground, path) {
		return "ground"
	}
	first, _, _ := strings.Cut(path, "/")
	return first
}

// packages are those below internal/ that have code, without tools.
func packages(t *testing.T) []pkg {
	t.Helper()
	return slices.DeleteFunc(goList(t, "./internal/..."), func(p pkg) bool {
		path, _ := ours(p.ImportPath)
		return len(p.GoFiles) == 0 || within(path, "tools")
	})
}

func TestImportsFollowTheGroups(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		path, _ := ours(p.ImportPath)
		rule, known := groups[groupOf(path)]
		if !known {
			t.Errorf("%s is in no group", path)
			continue
		}
		for _, imp := range p.Imports {
			imp, ok := ours(imp)
			if !ok || groupOf(imp) == groupOf(path) {
				continue
			}
			if !lists(rule, imp) {
				t.Errorf("%s imports %s, which group %s may not", path, imp, groupOf(path))
			}
		}
	}
}

func TestPackagesDoWithout(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range packages(t) {
		path, _ := ours(p.ImportPath)
		seen[path] = true
		for _, rule := range never {
			if !within(path, rule.pkg) {
				continue
			}
			for _, imp := range p.Imports {
				if imp, ok := ours(imp); ok && lists(rule.without, imp) {
					t.Errorf("%s imports %s: %s", path, imp, rule.why)
				}
			}
		}
	}
	for _, rule := range never {
		for _, path := range append(strings.Fields(rule.without), rule.pkg) {
			if !slices.ContainsFunc(slices.Collect(maps.Keys(seen)), func(p string) bool { return within(p, path) }) {
				t.Errorf("a rule names %s, which is no package", path)
			}
		}
	}
}

// TestDomainKnowsNoTransportOrStore holds what no lint rule on single files can
// say as plainly: who decides about money sees neither HTTP nor SQL.
func TestDomainKnowsNoTransportOrStore(t *testing.T) {
	t.Parallel()
	foreign := []string{"net/http", "database/sql", "github.com/labstack/echo", "github.com/jackc/pgx", "github.com/a-h/templ", "github.com/btcsuite/btcd/rpcclient"}
	system := []string{"os", "net", "os/exec", "io/fs"}
	const deciding = "ground trust ledger fleet review payout bitcoin/money bitcoin/wallet bitcoin/txbuild bitcoin/fee bitcoin/spv"
	const dials = "fleet/probe/agent fleet/probe/check" // a prober's own loop, and what it dials with
	for _, p := range packages(t) {
		path, _ := ours(p.ImportPath)
		if !lists(deciding, path) || lists(dials, path) {
			continue
		}
		banned := foreign
		if pure := within(path, "bitcoin/wallet") || within(path, "bitcoin/txbuild"); pure {
			banned = append(slices.Clone(foreign), system...)
		}
		for _, imp := range p.Imports {
			if slices.ContainsFunc(banned, func(b string) bool { return imp == b || (b != "net" && b != "os" && within(imp, b)) }) {
				t.Errorf("%s imports %s", path, imp)
			}
		}
	}
}

func TestNothingReachesTheSignerButItsOwn(t *testing.T) {
	t.Parallel()
	banned := []string{
		"net/http", "github.com/labstack/echo", "github.com/jackc", "github.com/lib/pq", "github.com/a-h/templ",
		"github.com/pressly/goose", "github.com/prometheus", module + "internal/store/postgres", module + "internal/edge/server",
		module + "internal/payout/payout", module + "internal/review/grant", module + "internal/programs/app",
	}
	for _, p := range goList(t, "-deps", "./internal/signer/signer/...", "./cmd/causeway-signer/...") {
		for _, b := range banned {
			if within(p.ImportPath, b) || p.ImportPath == "database/sql" {
				t.Errorf("the signer's import tree holds %s", p.ImportPath)
			}
		}
	}
}

// TestClientStandsAlone keeps the published Go client usable outside this module.
func TestClientStandsAlone(t *testing.T) {
	t.Parallel()
	for _, p := range goList(t, "-deps", "./api/client") {
		if strings.HasPrefix(p.ImportPath, module+"internal/") {
			t.Errorf("api/client needs %s", p.ImportPath)
		}
	}
}
