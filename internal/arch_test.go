package internal_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/causeway-fund/causeway/"

// mayImport is the import table: what each room may import of this module. A
// room is a folder with everything below it, unless a longer path has a row of
// its own; packages of one room may import one another. internal/README.md says
// what each room is for.
var mayImport = map[string][]string{
	"migrations": {"internal/errs"},
	"api":        {},
	"api/client": {},

	"internal/errs":        {},
	"internal/clock":       {},
	"internal/crash":       {},
	"internal/cores":       {},
	"internal/money":       {"internal/errs"},
	"internal/prose":       {"internal/errs"},
	"internal/secretfile":  {"internal/errs"},
	"internal/seal":        {"internal/errs", "internal/secretfile"},
	"internal/identity":    {"internal/errs", "internal/clock", "internal/prose"},
	"internal/audit":       {"internal/errs", "internal/clock", "internal/identity", "internal/secretfile"},
	"internal/ledger":      {"internal/errs", "internal/money"},
	"internal/decision":    {"internal/errs", "internal/money", "internal/wallet"},
	"internal/wallet":      {"internal/errs", "internal/cores"},
	"internal/txbuild":     {"internal/errs", "internal/cores", "internal/money", "internal/wallet"},
	"internal/probe":       {"internal/errs", "internal/clock"},
	"internal/probe/check": {"internal/probe", "internal/errs", "internal/clock"},
	"internal/probe/agent": {"internal/probe", "internal/probe/check", "internal/vantage", "internal/errs", "internal/clock"},
	"internal/vantage":     {"internal/errs", "internal/clock", "internal/probe"},
	"internal/uptime":      {"internal/errs"},
	"internal/blocklist":   {"internal/errs"},
	"internal/netplace":    {"internal/errs"},
	"internal/screen":      {"internal/money", "internal/prose"},
	"internal/endpoint": {
		"internal/errs", "internal/clock", "internal/identity", "internal/audit", "internal/seal", "internal/grant", "internal/probe",
		"internal/vantage", "internal/uptime", "internal/blocklist", "internal/netplace",
	},
	"internal/fee":         {"internal/errs", "internal/clock"},
	"internal/spv":         {"internal/errs"},
	"internal/books":       {"internal/errs", "internal/money", "internal/wallet"},
	"internal/certificate": {"internal/errs", "internal/money", "internal/decision", "internal/spv"},
	"internal/grant": {
		"internal/errs", "internal/clock", "internal/money", "internal/identity", "internal/audit",
		"internal/ledger", "internal/decision", "internal/seal", "internal/wallet", "internal/probe", "internal/netplace",
		"internal/prose", "internal/screen",
	},
	"internal/payout": {
		"internal/errs", "internal/clock", "internal/crash", "internal/money", "internal/identity", "internal/audit",
		"internal/ledger", "internal/decision", "internal/grant", "internal/wallet", "internal/txbuild", "internal/fee", "internal/spv",
		"internal/certificate", "internal/books",
		"internal/signer/signerrpc", // the types of the request, which its Signer interface speaks in
	},

	"internal/signer": {
		"internal/errs", "internal/clock", "internal/crash", "internal/cores", "internal/money", "internal/decision", "internal/wallet",
		"internal/spv", "internal/signer/signerrpc",
	},
	"internal/signer/signerrpc": {"internal/errs", "internal/spv"},

	"internal/postgres":        append([]string{"migrations", "internal/crash"}, domain...),
	"internal/postgres/pgtest": {"migrations", "internal/errs", "internal/devnet"},
	"internal/chain":           {"internal/errs", "internal/clock", "internal/payout", "internal/wallet", "internal/fee", "internal/chain/btcdrpc"},
	"internal/chain/btcdrpc":   {"internal/errs"},
	// Shares no code with what it audits.
	"internal/chainaudit":      {"internal/errs", "internal/clock", "internal/chain/btcdrpc", "internal/spv"},
	"internal/chain/chaintest": {"internal/errs", "internal/clock", "internal/chain", "internal/chain/btcdrpc", "internal/devnet", "internal/wallet"},
	"internal/jobs":            domain,
	"internal/devnet":          {"internal/errs", "internal/clock", "internal/chain/btcdrpc"},

	"internal/api":    append([]string{"api"}, domain...),
	"internal/web":    domain,
	"internal/server": {"api", "internal/api", "internal/web", "internal/errs", "internal/clock", "internal/identity"},

	"internal/cli": {"internal/errs", "internal/clock"},
	"internal/ctl": {
		"api/client", "internal/cli", "internal/errs", "internal/clock", "internal/money", "internal/prose", "internal/audit", "internal/decision", "internal/wallet",
		"internal/spv", "internal/certificate", "internal/books", "internal/chainaudit", "internal/chain/btcdrpc", "internal/probe", "internal/uptime",
	},
	"internal/app": {
		"api", "migrations", "internal/postgres", "internal/chain", "internal/chain/btcdrpc", "internal/jobs", "internal/devnet", "internal/api",
		"internal/web", "internal/server", "internal/signer/signerrpc", "internal/crash", "internal/grant",
		"internal/payout", "internal/errs", "internal/clock", "internal/money", "internal/identity", "internal/audit",
		"internal/ledger", "internal/decision", "internal/wallet", "internal/txbuild", "internal/seal", "internal/probe",
		"internal/fee", "internal/spv", "internal/books", "internal/certificate", "internal/chainaudit", "api/client", "internal/cli",
		"internal/probe/check", "internal/probe/agent", "internal/vantage", "internal/uptime", "internal/blocklist", "internal/netplace", "internal/endpoint",
	},

	// Not internal/chain: the journey checks the chain by a way of its own.
	"internal/demo": {
		"api/client", "migrations", "internal/app", "internal/cli", "internal/devnet", "internal/chain/btcdrpc", "internal/postgres",
		"internal/errs", "internal/clock", "internal/money", "internal/identity", "internal/decision", "internal/seal",
		"internal/wallet", "internal/grant", "internal/payout", "internal/probe", "internal/vantage", "internal/endpoint",
	},

	"cmd/causeway":        {"migrations", "internal/app", "internal/demo", "internal/devnet", "internal/cli", "internal/errs", "internal/clock", "internal/identity", "internal/endpoint"},
	"cmd/causewayctl":     {"internal/ctl", "internal/cli", "internal/errs"},
	"cmd/causeway-signer": {"internal/signer", "internal/errs", "internal/clock", "internal/wallet"},
}

// domain is what an adapter may see.
var domain = []string{
	"internal/errs", "internal/clock", "internal/money", "internal/prose", "internal/identity", "internal/audit", "internal/ledger",
	"internal/decision", "internal/seal", "internal/wallet", "internal/txbuild", "internal/probe", "internal/grant",
	"internal/payout", "internal/fee", "internal/spv", "internal/books", "internal/certificate",
	"internal/vantage", "internal/uptime", "internal/blocklist", "internal/netplace", "internal/endpoint", "internal/screen",
}

// forTests are packages that only tests may import.
var forTests = []string{"internal/postgres/pgtest", "internal/chain/chaintest", "internal/txbuild/txtest", "internal/probe/probetest", "internal/probe/dctest"}

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

// within reports whether path is room or lies below it.
func within(path, room string) bool {
	return path == room || strings.HasPrefix(path, room+"/")
}

// roomOf returns the row of mayImport that path belongs to, or "".
func roomOf(path string) string {
	room := ""
	for r := range mayImport {
		if within(path, r) && len(r) > len(room) {
			room = r
		}
	}
	return room
}

func TestImportsFollowTheTable(t *testing.T) {
	t.Parallel()
	for _, p := range goList(t, "./...") {
		path := strings.TrimPrefix(p.ImportPath, module)
		room := roomOf(path)
		if len(p.GoFiles) == 0 {
			continue
		}
		if room == "" {
			t.Errorf("%s has no row in the import table", path)
			continue
		}
		for _, imp := range p.Imports {
			imp, ours := strings.CutPrefix(imp, module)
			if !ours || roomOf(imp) == room {
				continue
			}
			if slices.Contains(forTests, imp) && !slices.Contains(forTests, path) {
				t.Errorf("%s imports %s, which is for tests", path, imp)
			}
			if !slices.ContainsFunc(mayImport[room], func(allowed string) bool { return roomOf(imp) == roomOf(allowed) }) {
				t.Errorf("%s imports %s, which the import table does not allow", path, imp)
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
	for _, p := range goList(t, "./internal/...") {
		path := strings.TrimPrefix(p.ImportPath, module)
		if !slices.Contains(domain, roomOf(path)) || slices.Contains(forTests, path) {
			continue
		}
		banned := foreign
		if pure := within(path, "internal/wallet") || within(path, "internal/txbuild"); pure {
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
		"github.com/pressly/goose", "github.com/prometheus", module + "internal/postgres", module + "internal/server",
		module + "internal/payout", module + "internal/grant", module + "internal/app",
	}
	for _, p := range goList(t, "-deps", "./internal/signer/...", "./cmd/causeway-signer/...") {
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
