//go:build realservers

package check_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/check"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/testkit/dctest"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// output is what a server says, for the report of a failed test.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

// run starts a server that listens at addr until the test ends. In args and
// config, PORT is the port. config goes into a file, CONFIG in args.
func run(t *testing.T, config, name string, args ...string) probe.Address {
	t.Helper()
	addr := probetest.Free(t)
	fill := func(s string) string {
		return string(bytes.ReplaceAll([]byte(s), []byte("PORT"), []byte(strconv.Itoa(int(addr.Port)))))
	}
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte(fill(config)), 0o600); err != nil {
		t.Fatal(err)
	}
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath(filepath.Join("/usr/sbin", name))
	}
	if err != nil {
		t.Fatalf("%s is not installed", name)
	}
	for i := range args {
		if args[i] = fill(args[i]); args[i] == "CONFIG" {
			args[i] = file
		}
	}
	cmd := exec.Command(path, args...)
	log := &output{}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// A server with children of its own ends them when it is asked to.
		_ = cmd.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		kill.Stop()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, log.b.String())
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), probetest.Enough)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr.String()); err == nil {
			c.Close()
			return addr
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s does not listen", name)
		}
	}
}

const dante = `logoutput: stderr
internal: 127.0.0.1 port = PORT
external: 127.0.0.1
clientmethod: none
socksmethod: none
user.privileged: root
user.unprivileged: nobody
client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
socks %s { from: 127.0.0.0/8 to: 0.0.0.0/0 }
`

const tinyproxy = "Port PORT\nListen 127.0.0.1\nTimeout 60\nAllow 127.0.0.1\nBasicAuth tu tp\nConnectPort %d\n"

const trojan = `{"run_type": "server", "local_addr": "127.0.0.1", "local_port": PORT, "remote_addr": "127.0.0.1", "remote_port": %d,
"password": ["pw"], "log_level": 1, "ssl": {"cert": %q, "key": %q, "alpn": ["http/1.1"]}}`

const v2ray = `{"inbounds": [{"listen": "127.0.0.1", "port": PORT, "protocol": "vless",
"settings": {"clients": [{"id": %q}], "decryption": "none"}, "streamSettings": %s}], "outbounds": [{"protocol": "freedom"}]}`

// TestRealServers checks servers that people run, in Debian's versions.
func TestRealServers(t *testing.T) {
	t.Parallel()
	const id, other = "b831381d-6324-4d53-ad4f-8cda48b30811", "00000000-0000-4000-8000-000000000000"
	dc, closed := dctest.Serve(t), probetest.Closed(t)
	cert := probetest.NewCertificate(t, probetest.FarFuture(), "a.example")
	cfg := check.Config{Keys: dctest.Keys(t), Roots: cert.Roots}
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	for name, b := range map[string][]byte{certFile: cert.CertPEM, keyFile: cert.KeyPEM} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	open := run(t, fmt.Sprintf(dante, "pass"), "danted", "-f", "CONFIG")
	barred := run(t, fmt.Sprintf(dante, "block"), "danted", "-f", "CONFIG")
	micro := run(t, "", "microsocks", "-i", "127.0.0.1", "-p", "PORT")
	microUser := run(t, "", "microsocks", "-i", "127.0.0.1", "-p", "PORT", "-u", "mu", "-P", "mp")
	tiny := run(t, fmt.Sprintf(tinyproxy, dc.Port), "tinyproxy", "-d", "-c", "CONFIG")
	masked := run(t, fmt.Sprintf(trojan, probetest.Serve(t, probetest.Web).Port, certFile, keyFile), "trojan", "-c", "CONFIG")
	plain := run(t, fmt.Sprintf(v2ray, id, `{"network": "tcp"}`), "v2ray", "-config", "CONFIG")
	withTLS := fmt.Sprintf(`{"network": "tcp", "security": "tls", "tlsSettings": {"certificates": [{"certificateFile": %q, "keyFile": %q}]}}`, certFile, keyFile)
	inTLS := run(t, fmt.Sprintf(v2ray, id, withTLS), "v2ray", "-config", "CONFIG")

	const soon = 10 * probetest.Patience // of what is answered with silence
	type row struct {
		name, text string
		to         probe.Address
		timeout    time.Duration
		want       string
	}
	rows := []row{
		{"dante", "socks5://" + open.String(), dc, probetest.Enough, "ok target"},
		{"dante, a user given", "socks5://u:p@" + open.String(), dc, probetest.Enough, "auth auth_rejected"},
		{"dante, closed target", "socks5://" + open.String(), closed, probetest.Enough, "relay target_unreachable"},
		{"dante, rules", "socks5://" + barred.String(), dc, probetest.Enough, "relay relay_refused"},
		{"microsocks", "socks5://" + micro.String(), dc, probetest.Enough, "ok target"},
		{"microsocks, closed target", "socks5://" + micro.String(), closed, probetest.Enough, "relay target_unreachable"},
		{"microsocks with a user", "socks5://mu:mp@" + microUser.String(), dc, probetest.Enough, "ok target"},
		{"microsocks, wrong password", "socks5://mu:no@" + microUser.String(), dc, probetest.Enough, "auth auth_rejected"},
		{"microsocks, no user given", "socks5://" + microUser.String(), dc, probetest.Enough, "auth auth_required"},
		{"tinyproxy", "http://tu:tp@" + tiny.String(), dc, probetest.Enough, "ok target"},
		{"tinyproxy, wrong password", "http://tu:no@" + tiny.String(), dc, probetest.Enough, "auth auth_rejected"},
		{"tinyproxy, no user given", "http://" + tiny.String(), dc, probetest.Enough, "auth auth_required"},
		{"tinyproxy, another port", "http://tu:tp@" + tiny.String(), closed, probetest.Enough, "relay relay_refused"},
		{"trojan", "trojan://pw@" + masked.String() + "?sni=a.example", dc, probetest.Enough, "ok target"},
		{"trojan, wrong password", "trojan://no@" + masked.String() + "?sni=a.example", dc, probetest.Enough, "target target_invalid"},
		{"trojan, wrong name", "trojan://pw@" + masked.String() + "?sni=b.example", dc, probetest.Enough, "handshake protocol_mismatch"},
		{"v2ray", "vless://" + id + "@" + plain.String(), dc, probetest.Enough, "ok target"},
		{"v2ray, unknown id", "vless://" + other + "@" + plain.String(), dc, soon, "relay"},
		{"v2ray in TLS", "vless://" + id + "@" + inTLS.String() + "?security=tls&sni=a.example", dc, probetest.Enough, "ok target"},
		{"HTTP asked of dante", "http://" + open.String(), dc, soon, "handshake"},
		{"SOCKS asked of tinyproxy", "socks5://" + tiny.String(), dc, soon, "handshake"},
	}
	for _, method := range link.Methods() {
		addr := run(t, "", "ss-server", "-s", "127.0.0.1", "-p", "PORT", "-k", "sspass", "-m", method)
		rows = append(rows,
			row{"shadowsocks " + method, "ss://" + method + ":sspass@" + addr.String(), dc, probetest.Enough, "ok target"},
			row{"shadowsocks, wrong password, " + method, "ss://" + method + ":no@" + addr.String(), dc, soon, "relay timeout"},
		)
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			out := full(t, r.timeout, cfg, r.text, r.to)
			if r.want == string(out.FailedAt) && out.Class.Verdict(probe.Full) == probe.Down {
				return // in one of several ways
			}
			probetest.Want(t, out, r.want)
		})
	}
}
