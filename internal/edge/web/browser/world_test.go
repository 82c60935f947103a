package browser_test

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/causeway-fund/causeway/internal/edge/web/i18n"
	"github.com/causeway-fund/causeway/internal/programs/demo"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/btcdnode"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// house is the world that all tests of this package share, with one browser.
type house struct {
	*demo.World
	people  map[string]demo.Person
	browser context.Context //nolint:containedctx // chromedp keeps the browser in one
	words   *i18n.Localizer
}

// TestDashboard is the parent of every test here: PostgreSQL, btcd, the programs
// and Chromium start once.
func TestDashboard(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *house)
	}{
		{"journey", testJourney},
		{"passkey", testPasskey},
		{"keyboard", testKeyboard},
		{"policy", testPolicy},
		{"pages", testPages},
		{"docs", testDocs},
		{"no script", testNoScript},
		{"live", testLive},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			// One test that panics must not end the process, and with it all others.
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("panic: %v\n%s", p, debug.Stack())
				}
			}()
			test.run(t, h)
		})
	}
}

func open(t *testing.T) *house {
	t.Helper()
	ctx := t.Context()
	chromium := chromium(t)
	text, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	dir := reachable(t)
	w, err := demo.Start(ctx, demo.Config{Dir: filepath.Join(dir, "world"), Programs: programs(t, dir), Volatile: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Stop(context.WithoutCancel(ctx)); err != nil {
			t.Errorf("stop the world: %v", err)
		}
	})
	people, err := w.Staff(ctx)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{World: w, people: map[string]demo.Person{}, words: text.Pick("en")}
	for _, p := range people {
		h.people[p.Name] = p
	}
	if err := w.Fund(ctx, 60_000_000, 45_000_000, 9_870_006); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Seed(ctx, people); err != nil {
		t.Fatal(err)
	}
	if err := w.SeedBatches(ctx, h.people["Lin"].Actor); err != nil {
		t.Fatal(err)
	}
	h.browser = browse(t, chromium)
	return h
}

// chromium finds the browser. Without one these tests prove nothing, so they fail.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("CHROME_BIN"), "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("there is no Chromium: install it (Debian: apt-get install chromium) or set CHROME_BIN")
	return ""
}

// browse starts Chromium with nothing that talks to anybody but the pages.
func browse(t *testing.T, path string) context.Context {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-domain-reliability", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE localhost"))
	ctx, cancel := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), opts...)
	t.Cleanup(cancel)
	ctx, cancelTab := chromedp.NewContext(ctx)
	t.Cleanup(cancelTab)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return ctx
}

// reachable makes a folder that PostgreSQL's own account can pass.
func reachable(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir(); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// programs builds what the world runs and returns its folder.
func programs(t *testing.T, dir string) string {
	t.Helper()
	btcd, err := btcdnode.Tool(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "bin") + string(filepath.Separator)
	const module = "github.com/causeway-fund/causeway"
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, module+"/cmd/causeway", module+"/cmd/causeway-signer").CombinedOutput(); err != nil {
		t.Fatalf("build the programs: %v\n%s", err, out)
	}
	if err := os.Symlink(btcd, bin+"btcd"); err != nil {
		t.Fatal(err)
	}
	return bin
}

// link makes a fresh one-time sign-in link for a member of the demo's staff.
func (h *house) link(t *testing.T, name string) string {
	t.Helper()
	token, err := h.Services.Identity.LoginLink(t.Context(), identity.System("demo"), h.people[name].Actor.StaffID)
	if err != nil {
		t.Fatal(err)
	}
	return "/link/" + token
}

// until waits for cond, and fails the test when it does not come.
func (h *house) until(t *testing.T, what string, cond func(context.Context) (bool, error)) {
	t.Helper()
	if err := h.Until(t.Context(), what, cond); err != nil {
		t.Fatal(err)
	}
}
