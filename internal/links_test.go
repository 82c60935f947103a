package internal_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// released are the programs that a fund installs. What each of them links of other
// people's modules stands in testdata/links, one a line, so that a new one is seen in
// review. `LINKS_UPDATE=1 go test ./internal -run TestReleasedProgramsLink` writes the
// files again.
var released = []string{"causeway", "causewayctl", "causeway-signer"}

// neverLinked are what a release must do without, by module or by package.
var neverLinked = []string{
	module + "internal/testkit", module + "internal/programs/demo",
	"github.com/fergusstrange/embedded-postgres", "github.com/things-go/go-socks5",
}

func TestReleasedProgramsLinkWhatIsListed(t *testing.T) {
	t.Parallel()
	for _, program := range released {
		packages, modules := linked(t, "./cmd/"+program)
		for _, path := range packages {
			for _, banned := range neverLinked {
				if within(path, banned) {
					t.Errorf("%s links %s", program, path)
				}
			}
		}
		file := filepath.Join("testdata", "links", program+".txt")
		got := strings.Join(modules, "\n") + "\n"
		if os.Getenv("LINKS_UPDATE") != "" {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s links other modules than %s lists; if that is meant, LINKS_UPDATE=1 writes it again (-listed +linked):\n%s", program, file, diff)
		}
	}
}

// TestDemoLinksWhatReleasesMustNot keeps neverLinked true to what it names: the demo
// does link each of them.
func TestDemoLinksWhatReleasesMustNot(t *testing.T) {
	t.Parallel()
	packages, _ := linked(t, "./cmd/causeway-demo")
	for _, banned := range neverLinked {
		if !slices.ContainsFunc(packages, func(path string) bool { return within(path, banned) }) {
			t.Errorf("causeway-demo does not link %s; has it another name now?", banned)
		}
	}
}

// linked returns the packages that a program is made of on Linux, and the modules of
// other people among them, sorted.
func linked(t *testing.T, program string) (packages, modules []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{.ImportPath}}{{with .Module}}{{if not .Main}} {{.Path}}{{end}}{{end}}", program)
	cmd.Dir, cmd.Env = "..", append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0", "GOFLAGS=-mod=readonly")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list -deps %s: %v\n%s", program, err, stderr.String())
	}
	for line := range strings.Lines(string(out)) {
		path, mod, foreign := strings.Cut(strings.TrimSpace(line), " ")
		packages = append(packages, path)
		if foreign && !slices.Contains(modules, mod) {
			modules = append(modules, mod)
		}
	}
	slices.Sort(modules)
	return packages, modules
}
