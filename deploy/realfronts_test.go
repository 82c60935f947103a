//go:build realfronts

package deploy_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/testkit/devnet/proc"
)

// stranger is the address that clients of these tests come from, and marks are what
// they say about themselves and of what they ask for.
const stranger = "127.0.0.77"

var marks = []string{stranger, "StrangersBrowser", "strangers-page", "strangers-referrer", "strangers-words", "203.0.113.9"}

// frontEnd is a sample that was started, in a folder of its own.
type frontEnd struct {
	dir, url string
	client   *http.Client
}

// TestNginxSaysNothingAboutClients and TestCaddySaysNothingAboutClients run the two
// samples as Debian has these servers.
func TestNginxSaysNothingAboutClients(t *testing.T) {
	t.Parallel()
	up := newUpstream(t)
	f := newFrontEnd(t)
	plain, secure := freePort(t), freePort(t)
	chain, key := certificate(t, f.dir)
	sample := change(t, "nginx.conf", map[string]string{
		"listen 80 default_server": "listen 127.0.0.1:" + plain + " default_server", "listen [::]:80 default_server;": "",
		"listen 443 ssl": "listen 127.0.0.1:" + secure + " ssl", "listen [::]:443 ssl http2 default_server;": "",
		"/etc/letsencrypt/live/grants.example.org/fullchain.pem": chain, "/etc/letsencrypt/live/grants.example.org/privkey.pem": key,
		"http://127.0.0.1:8080": up.server.URL,
	})
	// The main file is as a distribution ships it: it logs all that a site does not turn off.
	main := "daemon off;\nmaster_process off;\npid " + f.dir + "/nginx.pid;\nerror_log " + f.dir + "/error.log info;\nevents {}\nhttp {\n" +
		"access_log " + f.dir + "/access.log;\n"
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		main += kind + "_temp_path " + f.dir + "/" + kind + ";\n"
	}
	conf := filepath.Join(f.dir, "nginx.conf")
	write(t, conf, main+sample+"}\n")
	program := find(t, "nginx")
	if out, err := exec.CommandContext(t.Context(), program, "-t", "-c", conf, "-p", f.dir).CombinedOutput(); err != nil {
		t.Fatalf("nginx -t: %v\n%s", err, out)
	}
	f.start(t, program, []string{"-c", conf, "-p", f.dir, "-e", f.dir + "/error.log"})
	f.url = "https://127.0.0.1:" + secure

	f.visit(t, up)

	if status, _ := f.get(t, "http://127.0.0.1:"+plain+"/strangers-page"); status != http.StatusMovedPermanently {
		t.Errorf("plain HTTP answers %d, want a redirect", status)
	}
	f.holdsNothing(t)
}

func TestCaddySaysNothingAboutClients(t *testing.T) {
	t.Parallel()
	up := newUpstream(t)
	f := newFrontEnd(t)
	port := freePort(t)
	conf := filepath.Join(f.dir, "Caddyfile")
	write(t, conf, change(t, "Caddyfile", map[string]string{
		"{\n\tlog {": "{\n\tadmin off\n\tdebug\n\tlog {", "grants.example.org {": "http://127.0.0.1:" + port + " {",
		"127.0.0.1:8080": strings.TrimPrefix(up.server.URL, "http://"),
	}))
	f.start(t, find(t, "caddy"), []string{"run", "--config", conf, "--adapter", "caddyfile"})
	f.url = "http://127.0.0.1:" + port

	f.visit(t, up)

	f.holdsNothing(t)
}

// visit sends a good request, and then everything that makes a server complain.
func (f *frontEnd) visit(t *testing.T, up *upstream) {
	t.Helper()
	waitFor(t, "the front end to answer", func() bool {
		status, _ := f.get(t, f.url+"/strangers-page?q=strangers-words")
		return status == http.StatusOK
	})
	up.mu.Lock()
	header := up.last.Clone()
	up.mu.Unlock()
	if got := header.Values("X-Forwarded-For"); len(got) != 1 || got[0] != stranger {
		t.Errorf("X-Forwarded-For is %q, want %s alone: the server believes the rightmost", got, stranger)
	}
	for name, values := range header {
		text := strings.Join(values, " ")
		if name != "X-Forwarded-For" && (strings.Contains(text, stranger) || strings.Contains(text, "203.0.113.9")) {
			t.Errorf("the server is also told %s: %s", name, text)
		}
	}
	body := strings.Repeat("strangers-words ", 1<<14)
	if status, _ := f.do(t, http.MethodPost, f.url+"/apply/strangers-page", body); status != http.StatusOK {
		t.Errorf("a long form answers %d", status)
	}
	if got := up.length(); got != len(body) {
		t.Errorf("of %d bytes that were sent, %d arrived", len(body), got)
	}
	f.raw(t, "GET /strangers-page HTTP/1.1\r\nHost: x\r\nBad Header strangers-words\r\n\r\n")
	f.raw(t, "strangers-words\r\n\r\n")
	// The server falls silent in the middle, and then is not there at all.
	if status, _ := f.get(t, f.url+"/break/strangers-page"); status == http.StatusOK {
		t.Error("an answer that broke off looks whole")
	}
	up.server.CloseClientConnections()
	up.server.Close()
	if status, _ := f.get(t, f.url+"/strangers-page"); status != http.StatusBadGateway {
		t.Errorf("without a server it answers %d, want 502", status)
	}
}

// holdsNothing looks for the client in every file that was written, and in what the
// program said.
func (f *frontEnd) holdsNothing(t *testing.T) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(f.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for _, mark := range marks {
			if bytes.Contains(text, []byte(mark)) {
				t.Errorf("%s holds %q:\n%s", filepath.Base(path), mark, text)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 2 {
		t.Errorf("only %d files were looked at", files)
	}
}

// upstream stands for causeway serve.
type upstream struct {
	server *httptest.Server
	mu     sync.Mutex
	last   http.Header
	bytes  int
}

func (u *upstream) length() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.bytes
}

func newUpstream(t *testing.T) *upstream {
	t.Helper()
	u := &upstream{}
	u.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			t.Errorf("read what was sent: %v", err)
		}
		u.mu.Lock()
		u.last, u.bytes = r.Header.Clone(), int(n)
		u.mu.Unlock()
		if strings.HasPrefix(r.URL.Path, "/break") {
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(u.server.Close)
	return u
}

func newFrontEnd(t *testing.T) *frontEnd {
	t.Helper()
	from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(stranger)}}
	transport := &http.Transport{DialContext: from.DialContext, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(transport.CloseIdleConnections)
	return &frontEnd{dir: t.TempDir(), client: &http.Client{
		Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (f *frontEnd) start(t *testing.T, program string, args []string) {
	t.Helper()
	out, err := os.Create(filepath.Join(f.dir, "said"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := proc.Start(proc.Spec{
		Path: program, Args: args, Dir: f.dir, Output: out,
		Env: []string{"HOME=" + f.dir, "XDG_CONFIG_HOME=" + f.dir, "XDG_DATA_HOME=" + f.dir},
	})
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Kill(); err != nil {
			t.Error(err)
		}
	})
}

func (f *frontEnd) get(t *testing.T, address string) (status int, body string) {
	t.Helper()
	return f.do(t, http.MethodGet, address, "")
}

// do is a request that says all that a client may say about itself; status 0 when
// there is no answer.
func (f *frontEnd) do(t *testing.T, method, address, body string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"User-Agent": "StrangersBrowser", "Referer": "https://strangers-referrer/",
		"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9", "Forwarded": "for=203.0.113.9",
	} {
		request.Header.Set(name, value)
	}
	response, err := f.client.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(text)
}

// raw sends bytes that are no request, and waits until the other side has had enough.
func (f *frontEnd) raw(t *testing.T, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	transport, ok := f.client.Transport.(*http.Transport)
	if !ok {
		t.Fatalf("the client dials by %T", f.client.Transport)
	}
	scheme, address, _ := strings.Cut(f.url, "://")
	conn, err := transport.DialContext(ctx, "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if scheme == "https" {
		conn = tls.Client(conn, transport.TLSClientConfig)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, conn); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("the front end keeps what is no request: %v", err)
	}
}

func change(t *testing.T, path string, changes map[string]string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	result := string(text)
	for old, fresh := range changes {
		if !strings.Contains(result, old) {
			t.Fatalf("%s has no %q", path, old)
		}
		result = strings.ReplaceAll(result, old, fresh)
	}
	return result
}

// certificate writes that of a test server, which is good for 127.0.0.1.
func certificate(t *testing.T, dir string) (chain, key string) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	secret, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	chain, key = filepath.Join(dir, "chain.pem"), filepath.Join(dir, "key.pem")
	write(t, chain, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	return chain, key
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	port, err := proc.Port(t.Context(), 0, "a front end")
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(port)
}

// find looks where Debian keeps servers too, which is in root's PATH alone.
func find(t *testing.T, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	return "/usr/sbin/" + name
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
