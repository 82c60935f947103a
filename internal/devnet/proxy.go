package devnet

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"

	"github.com/things-go/go-socks5"

	"github.com/causeway-fund/causeway/internal/devnet/proc"
	"github.com/causeway-fund/causeway/internal/errs"
)

// ProxyCount is how many proxies a devnet has. The last asks for a password.
const ProxyCount = 3

// Proxy is a SOCKS5 server that reaches only this machine.
type Proxy struct {
	Addr string // host:port
	User string // empty when it asks for nothing
	Pass string

	server   *socks5.Server
	listener net.Listener
	wg       sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{} // nil once closed
}

func ensureSecret(path string) (string, error) {
	if b, err := os.ReadFile(path); err == nil {
		return strings.TrimSpace(string(b)), nil
	}
	secret := rand.Text()[:12]
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		return "", errs.Wrap(err, errs.Unavailable, "data_dir_unwritable", "Cannot write "+path+".")
	}
	return secret, nil
}

// URL is the proxy's address as an operator would hand it in.
func (p *Proxy) URL() string {
	u := url.URL{Scheme: "socks5", Host: p.Addr}
	if p.User != "" {
		u.User = url.UserPassword(p.User, p.Pass)
	}
	return u.String()
}

// listenProxy listens on port, or on one that is free now where port is 0: another
// program may take that first, so it is drawn again.
func listenProxy(ctx context.Context, want int) (net.Listener, error) {
	for tries := 0; ; tries++ {
		port, err := proc.Port(ctx, want, "a demo proxy")
		if err != nil {
			return nil, err
		}
		var lc net.ListenConfig
		l, err := lc.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return l, nil
		}
		if want != 0 || tries == 10 {
			return nil, errs.Wrap(err, errs.Unavailable, "port_taken", fmt.Sprintf("Port %d for a demo proxy is taken.", port))
		}
	}
}

// startProxy runs a proxy that asks for the password in passFile, which is made
// the first time so that applications name a proxy that works after a restart;
// without a passFile it asks for nothing.
func startProxy(ctx context.Context, port int, passFile string) (*Proxy, error) {
	l, err := listenProxy(ctx, port)
	if err != nil {
		return nil, err
	}
	p := &Proxy{Addr: l.Addr().String(), listener: l, conns: make(map[net.Conn]struct{})}
	options := []socks5.Option{
		socks5.WithRule(&socks5.PermitCommand{EnableConnect: true}),
		socks5.WithResolver(noNames{}),
		socks5.WithDial(dialLoopback),
		socks5.WithLogger(silent{}), // its lines hold client addresses
	}
	if passFile != "" {
		p.User = "operator"
		if p.Pass, err = ensureSecret(passFile); err != nil {
			return nil, errors.Join(err, l.Close())
		}
		options = append(options, socks5.WithCredential(socks5.StaticCredentials{p.User: p.Pass}))
	}
	p.server = socks5.NewServer(options...)
	p.wg.Go(p.serve)
	return p, nil
}

func (p *Proxy) serve() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		if !p.track(conn) {
			_ = conn.Close() // Close came first
			return
		}
		p.wg.Go(func() {
			defer p.forget(conn)
			_ = p.server.ServeConn(conn) // a client's fault; it has been told
		})
	}
}

func (p *Proxy) track(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conns == nil {
		return false
	}
	p.conns[conn] = struct{}{}
	return true
}

func (p *Proxy) forget(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
}

// Close ends the proxy and its connections and waits until they are gone. It may
// be called again.
func (p *Proxy) Close() error {
	p.mu.Lock()
	conns := p.conns
	p.conns = nil
	p.mu.Unlock()
	if conns == nil {
		return nil
	}
	err := p.listener.Close()
	for conn := range conns {
		_ = conn.Close() // its own goroutine may have closed it already
	}
	p.wg.Wait()
	return err
}

// dialLoopback keeps a demo proxy from becoming a way out of this machine.
func dialLoopback(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("%s is not on this machine", host)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, addr)
}

// noNames knows localhost and asks no name server.
type noNames struct{}

// Resolve implements socks5.NameResolver.
func (noNames) Resolve(ctx context.Context, name string) (context.Context, net.IP, error) {
	if name == "localhost" {
		return ctx, net.IPv4(127, 0, 0, 1), nil
	}
	return ctx, nil, fmt.Errorf("no address for %q", name)
}

type silent struct{}

// Errorf implements socks5.Logger.
func (silent) Errorf(string, ...any) {}
