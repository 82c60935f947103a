package internal_test

import (
	"slices"
	"strings"
	"testing"
)

// TestWhatServesCannotDialEndpoints holds the promise that the host of API and
// dashboard never connects to a server that somebody claims: nothing that it runs
// links a protocol, a guarded dialer or a tunnel. The program is one, so the rule
// is about packages; internal/app gives the dialling ones to `causeway prober` alone.
func TestWhatServesCannotDialEndpoints(t *testing.T) {
	t.Parallel()
	may := []string{
		"internal/probe", "internal/probe/link", "internal/probe/advice", "internal/probe/control", "internal/probe/echo", "internal/probe/oneshot", "internal/probe/telegram",
	}
	for _, p := range goList(t, "-deps", "./internal/endpoint", "./internal/api", "./internal/web", "./internal/server", "./internal/postgres", "./internal/jobs") {
		path, ours := strings.CutPrefix(p.ImportPath, module)
		if ours && within(path, "internal/probe") && !slices.Contains(may, path) || within(p.ImportPath, "golang.zx2c4.com/wireguard") || within(p.ImportPath, "gvisor.dev/gvisor") {
			t.Errorf("what serves links %s", p.ImportPath)
		}
	}
}
