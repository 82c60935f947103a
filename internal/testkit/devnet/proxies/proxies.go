package proxies

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/things-go/go-socks5"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/loopback"
)

// patience is how long a client may take to say what it wants.
const patience = 15 * time.Second

// Kind is what a proxy speaks.
type Kind string

// The kinds.
const (
	SOCKS5  Kind = "socks5"
	HTTP    Kind = "http"
	MTProto Kind = "mtproto"
)

// Spec says what to run.
type Spec struct {
	Kind     Kind
	Host     string // of this machine
	Port     int    // 0 takes any free one
	Accounts string // file of who may use it; "": everybody may, but for MTProto
	Upstream string // MTProto: the data centre's address

	// Blocked are hosts to which SOCKS5 and HTTP do not lead, as in a network that
	// blocks them.
	Blocked []string
}

// Proxy is a running proxy.
type Proxy struct {
	*loopback.Server

	Kind Kind
	User string // of the first account; empty when it asks for nothing
	Pass string // or the secret, 32 hex digits

	accounts *accounts // nil when everybody may
	upstream string
	dial     func(from net.Addr, addr string) (net.Conn, error)
}

// Start runs a proxy. The file of accounts is made the first time, with one
// account, so that what applications name is there again after a restart.
func Start(ctx context.Context, s Spec) (*Proxy, error) {
	p := &Proxy{Kind: s.Kind, upstream: s.Upstream, dial: func(from net.Addr, addr string) (net.Conn, error) {
		if host, _, err := net.SplitHostPort(addr); err != nil || slices.Contains(s.Blocked, host) {
			return nil, errors.Join(err, syscall.ECONNREFUSED)
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		return loopback.Dial(ctx, from, addr)
	}}
	if s.Accounts != "" {
		p.accounts = &accounts{path: s.Accounts}
		first := "operator:" + strings.ToLower(rand.Text()[:12])
		if s.Kind == MTProto {
			var b [16]byte
			_, _ = rand.Read(b[:]) // never fails
			first = hex.EncodeToString(b[:])
		}
		if err := p.accounts.ensure(first); err != nil {
			return nil, err
		}
		if err := p.owner(); err != nil {
			return nil, err
		}
	}
	answer := p.serveMTProto
	switch s.Kind {
	case HTTP:
		answer = p.serveHTTP
	case SOCKS5:
		server := socks5.NewServer(p.socks()...)
		answer = func(c net.Conn) { _ = server.ServeConn(c) } // a client's fault; it has been told
	case MTProto:
		if p.accounts == nil {
			return nil, errors.New("an MTProto proxy needs a file of secrets")
		}
	}
	var err error
	p.Server, err = loopback.Listen(ctx, s.Host, s.Port, "a demo proxy", answer)
	return p, err
}

// owner reads the first account.
func (p *Proxy) owner() error {
	lines := p.accounts.lines()
	if len(lines) == 0 {
		return fmt.Errorf("%s names nobody", p.accounts.path)
	}
	if p.Kind == MTProto {
		p.Pass = lines[0]
		return nil
	}
	p.User, p.Pass, _ = strings.Cut(lines[0], ":")
	return nil
}

// Accounts is the file of who may use the proxy; empty when everybody may.
func (p *Proxy) Accounts() string {
	if p.accounts == nil {
		return ""
	}
	return p.accounts.path
}

// Allow lets one more user in: a name and password, or for MTProto a secret of
// 32 hex digits alone.
func (p *Proxy) Allow(user, password string) error {
	switch {
	case p.accounts == nil:
		return fmt.Errorf("%s asks for nothing", p.Addr)
	case p.Kind == MTProto:
		return p.accounts.add(password)
	}
	return p.accounts.add(user + ":" + password)
}

// URL is the proxy as an operator would hand it in.
func (p *Proxy) URL() string { return p.URLFor(p.User, p.Pass) }

// URLFor is the proxy with another account.
func (p *Proxy) URLFor(user, password string) string {
	host, _, _ := net.SplitHostPort(p.Addr)
	return p.URLAt(host, user, password)
}

// URLAt is the proxy at another host, see Also.
func (p *Proxy) URLAt(host, user, password string) string {
	_, port, _ := net.SplitHostPort(p.Addr)
	if p.Kind == MTProto {
		return "tg://proxy?server=" + host + "&port=" + port + "&secret=ee" + password + hex.EncodeToString(
			[]byte(maskedBy),
		)
	}
	u := url.URL{Scheme: string(p.Kind), Host: net.JoinHostPort(host, port)}
	if user != "" {
		u.User = url.UserPassword(user, password)
	}
	return u.String()
}

// socks are the options of a SOCKS5 server.
func (p *Proxy) socks() []socks5.Option {
	options := []socks5.Option{
		socks5.WithRule(&socks5.PermitCommand{EnableConnect: true}),
		socks5.WithResolver(noNames{}),
		socks5.WithDialAndRequest(func(_ context.Context, _, addr string, r *socks5.Request) (net.Conn, error) {
			return p.dial(r.LocalAddr, addr)
		}),
		socks5.WithLogger(silent{}), // its lines hold client addresses
	}
	if p.accounts != nil {
		options = append(options, socks5.WithCredential(p.accounts))
	}
	return options
}

// noNames knows localhost and asks no name server.
type noNames struct{}

func (noNames) Resolve(ctx context.Context, name string) (context.Context, net.IP, error) {
	if name == "localhost" {
		return ctx, net.IPv4(127, 0, 0, 1), nil
	}
	return ctx, nil, fmt.Errorf("no address for %q", name)
}

type silent struct{}

func (silent) Errorf(string, ...any) {}

// serveHTTP answers one CONNECT (RFC 9110, section 9.3.6).
func (p *Proxy) serveHTTP(c net.Conn) {
	if c.SetDeadline((clock.Real{}).Now().Add(patience)) != nil {
		return
	}
	in := bufio.NewReaderSize(c, 4<<10)
	req, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	refuse := func(status string) {
		_, _ = io.WriteString(c, "HTTP/1.1 "+status+"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	}
	if p.accounts != nil {
		user, password, _ := basic(req)
		if !p.accounts.Valid(user, password, "") {
			refuse("407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"demo\"")
			return
		}
	}
	if req.Method != http.MethodConnect {
		refuse("405 Method Not Allowed\r\nAllow: CONNECT")
		return
	}
	up, err := p.dial(c.LocalAddr(), req.Host)
	if err != nil {
		refuse("502 Bad Gateway")
		return
	}
	if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n"); err != nil || c.SetDeadline(time.Time{}) != nil {
		_ = up.Close()
		return
	}
	loopback.Join(buffered{c, in}, up)
}

// basic reads Proxy-Authorization, which has the form of Authorization.
func basic(req *http.Request) (user, password string, ok bool) {
	as := http.Request{Header: http.Header{"Authorization": req.Header["Proxy-Authorization"]}}
	return as.BasicAuth()
}

// buffered is a connection of which something was read already.
type buffered struct {
	net.Conn
	in *bufio.Reader
}

func (b buffered) Read(p []byte) (int, error) { return b.in.Read(p) }
