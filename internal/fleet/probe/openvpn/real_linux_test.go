//go:build realopenvpn

package openvpn_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/guard"
	"github.com/causeway-fund/causeway/internal/fleet/probe/openvpn"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// namespace is a network of its own, with loopback and the servers' tunnels:
// nothing of it reaches the machine's. A socket belongs to the network of the
// thread that makes it, so one thread lives there and makes all of them.
type namespace struct{ jobs chan func() }

func newNamespace(tb testing.TB) *namespace {
	tb.Helper()
	n := &namespace{jobs: make(chan func())}
	ready := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		err := syscall.Unshare(syscall.CLONE_NEWNET)
		if err == nil {
			err = exec.Command("ip", "link", "set", "lo", "up").Run()
		}
		ready <- err
		for f := range n.jobs {
			f()
		}
	}()
	if err := <-ready; err != nil {
		tb.Fatalf("a network namespace: %v", err)
	}
	tb.Cleanup(func() { close(n.jobs) })
	return n
}

// do runs f in the namespace.
func (n *namespace) do(f func()) {
	done := make(chan struct{})
	n.jobs <- func() {
		defer close(done)
		f()
	}
	<-done
}

// dialer is a guarded dialer whose sockets are in the namespace.
type dialer struct {
	*guard.Dialer
	n *namespace
}

func (d dialer) Dial(ctx context.Context, network string, to probe.Address, tr *probe.Trace) (c net.Conn, err error) {
	d.n.do(func() { c, err = d.Dialer.Dial(ctx, network, to, tr) })
	return c, err
}

// listen joins connections to port 443 of a server in its tunnel to target,
// which is outside.
func (n *namespace) listen(tb testing.TB, ip string, target probe.Address) probe.Address {
	tb.Helper()
	var ln net.Listener
	var err error
	n.do(func() { ln, err = (&net.ListenConfig{}).Listen(tb.Context(), "tcp", ip+":443") })
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				probetest.Join(tb.Context(), c, target.String())
			}()
		}
	}()
	a, err := probe.ParseAddress(ln.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

// daemon is a running openvpn.
type daemon struct {
	mu   sync.Mutex
	said bytes.Buffer
	more chan struct{}
}

func (d *daemon) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case d.more <- struct{}{}:
	default:
	}
	return d.said.Write(p)
}

// count returns how often the server said text.
func (d *daemon) count(text string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Count(d.said.String(), text)
}

// await waits until the server has said text n times.
func (d *daemon) await(tb testing.TB, text string, n int) {
	tb.Helper()
	deadline := time.After(probetest.Enough)
	for d.count(text) < n {
		select {
		case <-d.more:
		case <-deadline:
			tb.Fatalf("%q came %d times of %d", text, d.count(text), n)
		}
	}
}

// openvpn starts Debian's openvpn in the namespace until the test ends.
func (n *namespace) openvpn(tb testing.TB, config string) *daemon {
	tb.Helper()
	d := &daemon{more: make(chan struct{}, 1)}
	dir := tb.TempDir()
	const users = "#!/bin/sh\n[ \"$(cat \"$1\")\" = \"$(printf 'anna\\nhunter22')\" ]\n"
	for name, text := range map[string]string{"server.conf": config, "users.sh": users} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			tb.Fatal(err)
		}
	}
	path, err := exec.LookPath("openvpn")
	if err != nil {
		path = "/usr/sbin/openvpn"
	}
	cmd := exec.Command(path, "--config", "server.conf")
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, d, d
	n.do(func() { err = cmd.Start() })
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		kill.Stop()
		if tb.Failed() {
			tb.Logf("openvpn said:\n%s", d.said.String())
		}
	})
	d.await(tb, "Initialization Sequence Completed", 1)
	return d
}

// configOf returns a server's configuration: extra lines for a port and a subnet
// 10.98.subnet.0/24, with 12 addresses for clients.
func configOf(p openvpn.PKI, port, subnet int, extra string) string {
	return fmt.Sprintf(`local 127.0.0.1
port %d
dev tun
disable-dco
topology subnet
server 10.98.%d.0 255.255.255.240
dh none
duplicate-cn
keepalive 10 60
verb 4
%s
<ca>
%s</ca>
<cert>
%s</cert>
<key>
%s</key>
`, port, subnet, extra, p.CA, p.Server.Cert, p.Server.Key)
}
