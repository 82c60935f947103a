//go:build realservers

package control_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

const dante = `logoutput: stderr
internal: 127.0.0.1 port = %d
external: 127.0.0.1
clientmethod: none
socksmethod: none
user.privileged: root
user.unprivileged: nobody
client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 command: connect bind bindreply }
`

// TestStrangersServeAFileThroughDante is the forgery against a proxy that people
// run.
func TestStrangersServeAFileThroughDante(t *testing.T) {
	t.Parallel()
	addr := probetest.Free(t)
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, fmt.Appendf(nil, dante, addr.Port), 0o600); err != nil {
		t.Fatal(err)
	}
	path, err := exec.LookPath("danted")
	if err != nil {
		path = "/usr/sbin/danted"
	}
	cmd := exec.Command(path, "-f", file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// It has children, which it ends when it is asked to.
		_ = cmd.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		kill.Stop()
	})
	ctx, cancel := context.WithTimeout(t.Context(), probetest.Enough)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr.String()); err == nil {
			c.Close()
			break
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("danted does not listen")
		}
	}

	forge(t, addr)
}
