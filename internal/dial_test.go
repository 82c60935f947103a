package internal_test

import (
	"slices"
	"strings"
	"testing"
)

// TestWhatServesCannotDialEndpoints holds the promise that the host of API and
// dashboard never connects to a server that somebody claims: nothing that it runs
// links a protocol, a guarded dialer or a tunnel. The program is one, so the rule
// is about packages; internal/programs/app gives the dialling ones to `causeway prober` alone.
func TestWhatServesCannotDialEndpoints(t *testing.T) {
	t.Parallel()
	may := []string{
		"internal/fleet/probe", "internal/fleet/probe/link", "internal/fleet/probe/advice", "internal/fleet/probe/control", "internal/fleet/probe/echo", "internal/fleet/probe/oneshot", "internal/fleet/probe/telegram",
	}
	for _, p := range goList(t, "-deps", "./internal/fleet/endpoint", "./internal/edge/api", "./internal/edge/web", "./internal/edge/server", "./internal/store/postgres", "./internal/programs/jobs") {
		path, ours := strings.CutPrefix(p.ImportPath, module)
		if ours && within(path, "internal/fleet/probe") && !slices.Contains(may, path) || within(p.ImportPath, "golang.zx2c4.com/wireguard") || within(p.ImportPath, "gvisor.dev/gvisor") {
			t.Errorf("what serves links %s", p.ImportPath)
		}
	}
}
