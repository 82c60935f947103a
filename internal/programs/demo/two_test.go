package demo

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/btcdnode"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/loopback"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/proc"
)

// program builds causeway-demo and what it runs, and returns its path.
func program(t *testing.T, dir string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", dir+"/", "./cmd/causeway", "./cmd/causeway-signer", "./cmd/causeway-demo")
	cmd.Dir = "../../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	btcd, err := btcdnode.Tool(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(btcd, filepath.Join(dir, "btcd")); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "causeway-demo")
}

// openDir is a folder that PostgreSQL's own account may pass through.
func openDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir(); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestTwoDemosRunOnOneMachine runs two at once, with no other flags than README says,
// until the dashboards and all servers of the samples answer. A third that wants the
// folder or the port of one of them is told which flag helps, and disturbs neither.
func TestTwoDemosRunOnOneMachine(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	path := program(t, dir)
	type demo struct {
		dir  string
		port int
		seen chan error // that its servers are up, or how it ended
		cmd  *exec.Cmd
	}
	var demos [2]*demo
	for i := range demos {
		port, err := proc.Port(t.Context(), 0, "a dashboard")
		if err != nil {
			t.Fatal(err)
		}
		d := &demo{dir: filepath.Join(dir, strconv.Itoa(i), ".causeway"), port: port, seen: make(chan error, 1)}
		d.cmd = exec.CommandContext(t.Context(), path, "--dir", d.dir, "--port", strconv.Itoa(port))
		d.cmd.Cancel = func() error { return d.cmd.Process.Signal(syscall.SIGINT) } // it ends what it started
		stderr, err := d.cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := d.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.cmd.Wait() }) // after a failure: the test's context has told it to stop
		demos[i] = d
		go func() {
			var all []string
			for in := bufio.NewScanner(stderr); in.Scan(); {
				all = append(all, in.Text())
				if strings.Contains(in.Text(), "fund the treasury") {
					d.seen <- nil
				}
			}
			select {
			case d.seen <- fmt.Errorf("it ended: %s", strings.Join(all, "\n")):
			default:
			}
		}()
	}
	for i, d := range demos {
		if err := <-d.seen; err != nil {
			t.Fatalf("demo %d: %v", i, err)
		}
	}
	for _, test := range []struct{ dir, port, says string }{
		{demos[0].dir, "0", "A demo is running on " + demos[0].dir + " already. Stop it, or give this one a folder of its own with --dir."},
		{filepath.Join(dir, "third"), strconv.Itoa(demos[1].port), "choose another port with --port"},
		{filepath.Join(dir, "third"), "70000", "--port 70000 is not a port"},
	} {
		out, err := exec.CommandContext(t.Context(), path, "--dir", test.dir, "--port", test.port).CombinedOutput()
		if err == nil || !strings.Contains(string(out), test.says) {
			t.Errorf("--dir %s --port %s: %v, %s; want %q", test.dir, test.port, err, out, test.says)
		}
	}
	for i, d := range demos {
		if err := answers(t.Context(), d.port); err != nil {
			t.Errorf("demo %d: %v", i, err)
		}
		if err := d.cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Error(err)
		}
	}
	for i, d := range demos {
		if err := d.cmd.Wait(); err != nil {
			t.Errorf("demo %d, told to stop: %v", i, err)
		}
		if found, err := Reset(d.dir); err != nil || !found {
			t.Errorf("demo %d, forgotten: found %v, %v", i, found, err)
		}
	}
}

// answers returns an error unless a demo's dashboard says that it is ready.
func answers(ctx context.Context, port int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://localhost:%d/readyz", port), http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("/readyz says %s", resp.Status)
	}
	if closeErr := resp.Body.Close(); err == nil {
		err = closeErr
	}
	return err
}

// TestPlacesAreDrawnAndKept: no two draws are likely to meet, and what a demo drew it
// finds again.
func TestPlacesAreDrawnAndKept(t *testing.T) {
	t.Parallel()
	seen := map[places]bool{}
	for range 8 {
		p, err := drawPlaces(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := p.check(); err != nil {
			t.Errorf("drew %+v: %v", p, err)
		}
		seen[p] = true
		w := &World{cfg: Config{Dir: t.TempDir()}}
		want := state{Seeded: true, Receipt: "a receipt", Places: p}
		if err := w.saveState(want); err != nil {
			t.Fatal(err)
		}
		got, err := loadState(w.cfg.Dir)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-saved +loaded):\n%s", diff)
		}
	}
	if len(seen) != 8 {
		t.Errorf("8 draws gave %d places", len(seen))
	}
}

// TestADamagedStateIsNotUsed: the demo says so and changes nothing.
func TestADamagedStateIsNotUsed(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no JSON":            `{"seeded":`,
		"no places":          `{"seeded":true,"receipt":"x"}`,
		"the common network": `{"seeded":true,"places":{"world":0,"proxy_ports":[1,2,3,4,5]}}`,
		"no port":            `{"seeded":true,"places":{"world":20,"proxy_ports":[1,2,3,4,70000]}}`,
		"a missing port":     `{"seeded":true,"places":{"world":20,"proxy_ports":[1,2,3,4]}}`,
		"a port twice":       `{"seeded":true,"places":{"world":20,"proxy_ports":[1,2,3,4,4]}}`,
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, stateFile)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := loadState(dir)
		if !errs.Is(err, "data_dir_damaged") || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "--dir") {
			t.Errorf("%s: got %v", name, err)
		}
		if left, err := os.ReadFile(path); err != nil || string(left) != text {
			t.Errorf("%s: the file is now %q, %v", name, left, err)
		}
	}
	if loopback.World(0).Valid() {
		t.Error("127.0.0.0/16 is where everybody listens")
	}
}
