package app

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/agent"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/probe/egress"
	"github.com/causeway-fund/causeway/internal/fleet/probe/guard"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

// ProberConfig says what `causeway prober` runs on. It names no database and no
// node.
type ProberConfig struct {
	API           string   // the service's URL
	APIProxy      string   // socks5://host:port or http://host:port on the way to the service; "": none
	State         string   // file with the prober's key and its place in the chain
	Exit          string   // socks5://ip:port through which checks go out; "": from here
	ExitLoginFile string   // user:password of the exit; "": it asks for none
	Tor           string   // ip:port of Tor's SOCKS port, in place of Exit
	Resolvers     []string // ip:port; all for DNS proofs, the first one for names where there is an exit
	Anchors       []string // host:port that must answer for our network to count as working; none: Telegram
	Allow         []string // networks that are dialled though they are not public: for tests and the demo
	Workers       int      // checks at once; 0: a default
	Log           *slog.Logger

	// dial opens the connections to the service; nil is the ordinary way.
	dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// DefaultResolvers returns two public resolvers that answer over TCP too.
func DefaultResolvers() []string { return []string{"9.9.9.9:53", "1.1.1.1:53"} }

// Probe runs a prober that has enrolled until ctx ends.
func Probe(ctx context.Context, cfg ProberConfig) error {
	file, err := agent.Open(cfg.State)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // what it holds was synced
	state, err := file.Load()
	if err != nil {
		return err
	}
	client, err := cfg.client()
	if err != nil {
		return err
	}
	way, err := cfg.way()
	if err != nil {
		return err
	}
	anchors, err := addresses(CodeAnchorMalformed, cfg.Anchors)
	if err != nil {
		return err
	}
	workers, err := workersWithin(cfg.Workers)
	if err != nil {
		return err
	}
	a, err := agent.New(agent.Config{
		API: client, Journal: file, State: state, Clock: clock.Real{}, Rand: rand.Reader, Log: cfg.Log,
		Dialer: way.dialer, Anchors: anchors, Resolvers: way.resolvers, Workers: workers, SW: "prober/" + cli.Version(),
	})
	if err != nil {
		return err
	}
	cfg.Log.InfoContext(
		ctx,
		"probing",
		slog.String("vantage", state.Name),
		slog.Int("workers", workers),
		slog.Bool("exit", way.exit != nil),
	)
	return a.Run(ctx)
}

// EnrolProber spends token, which works once, and writes the state file. The key
// is made here and its private half stays here.
func EnrolProber(ctx context.Context, cfg ProberConfig, token string) (name string, err error) {
	file, err := agent.Open(cfg.State)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // what it holds was synced
	if _, err := file.Load(); !errs.Is(err, agent.CodeProberNotEnrolled) {
		return "", errs.Wrap(
			err,
			errs.Conflict,
			CodeProberEnrolled,
			"There is a state file at "+cfg.State+" already. The token was not used. To enrol anew, move that file away first.",
		)
	}
	client, err := cfg.client()
	if err != nil {
		return "", err
	}
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", fmt.Errorf("make the prober's key: %w", err)
	}
	e := vantage.Enrolment{Token: token, PublicKey: public}
	if err := e.Validate(); err != nil {
		return "", errs.Wrap(
			err,
			errs.Invalid,
			CodeEnrolmentTokenMalformed,
			"This is not an enrolment token. Copy it from the fleet page, where it is shown once.",
		)
	}
	welcome, err := client.Enrol(ctx, e)
	if err != nil {
		return "", err
	}
	state, err := agent.Enrolled(welcome, key)
	if err != nil {
		return "", err
	}
	return welcome.Name, file.Save(state)
}

// client calls the service.
func (cfg ProberConfig) client() (*agent.Client, error) {
	t := &http.Transport{
		DialContext:         cfg.dial,
		ForceAttemptHTTP2:   true,
		MaxIdleConns:        2,
		IdleConnTimeout:     time.Minute,
		TLSHandshakeTimeout: 10 * time.Second,
	}
	if cfg.APIProxy != "" {
		u, err := url.Parse(cfg.APIProxy)
		if err != nil || u.Host == "" || u.Scheme != "socks5" && u.Scheme != "http" {
			return nil, errs.New(
				errs.Invalid,
				CodeAPIProxyMalformed,
				"The proxy on the way to the service has the form socks5://host:port or http://host:port.",
			)
		}
		t.Proxy = http.ProxyURL(u)
	}
	return agent.NewClient(cfg.API, t)
}

// way is how checks go out.
type way struct {
	allow     []netip.Prefix
	exit      guard.Exit // nil: from here
	resolver  guard.Resolver
	resolvers []control.Resolver
}

func (cfg ProberConfig) way() (*way, error) {
	w := &way{resolver: &net.Resolver{}}
	for _, s := range cfg.Allow {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, errs.Newf(errs.Invalid, CodeNetworkMalformed, "%q is not a network such as 127.0.0.0/8.", s)
		}
		w.allow = append(w.allow, p.Masked())
	}
	exit, err := cfg.exit()
	if err != nil {
		return nil, err
	}
	for i, s := range cfg.Resolvers {
		server, err := netip.ParseAddrPort(s)
		if err != nil {
			return nil, errs.Newf(errs.Invalid, CodeResolverMalformed, "%q is not the ip:port of a resolver.", s)
		}
		if exit == nil {
			w.resolvers = append(w.resolvers, resolverAt(server))
			continue
		}
		r := egress.NewResolver(exit, server)
		w.resolvers = append(w.resolvers, r)
		if i == 0 {
			w.resolver = r
		}
	}
	if exit != nil {
		if len(cfg.Resolvers) == 0 {
			return nil, errs.New(
				errs.Invalid,
				CodeResolverMissing,
				"With an exit, name at least one resolver: looking names up from here would reveal what is checked.",
			)
		}
		w.exit = exit
	}
	return w, nil
}

// exit returns a nil *Proxy where checks go out from here.
func (cfg ProberConfig) exit() (*egress.Proxy, error) {
	c := egress.Config{Clock: clock.Real{}, Rand: rand.Reader}
	at, isolate := cfg.Tor, true
	switch {
	case cfg.Exit == "" && cfg.Tor == "":
		return nil, nil // as said
	case cfg.Exit != "" && cfg.Tor != "":
		return nil, errs.New(errs.Invalid, CodeTwoExits, "Checks go out through --exit or through --tor, not both.")
	case cfg.Exit != "":
		rest, ok := strings.CutPrefix(cfg.Exit, "socks5://")
		if !ok {
			return nil, errs.New(
				errs.Invalid,
				CodeExitMalformed,
				"The exit has the form socks5://ip:port; a user and a password go into a file.",
			)
		}
		at, isolate = rest, false
	}
	var err error
	if c.Addr, err = netip.ParseAddrPort(at); err != nil {
		return nil, errs.New(
			errs.Invalid,
			CodeExitMalformed,
			"The exit is given by its address and port, such as 127.0.0.1:9050; a name would be looked up from here.",
		)
	}
	c.Isolate = isolate
	if cfg.ExitLoginFile != "" && !isolate {
		login, err := readSecret("exit's user and password", cfg.ExitLoginFile)
		if err != nil {
			return nil, err
		}
		var ok bool
		if c.User, c.Password, ok = strings.Cut(login, ":"); !ok {
			return nil, errs.New(
				errs.Invalid,
				CodeExitLoginMalformed,
				"The file with the exit's login holds user:password.",
			)
		}
	}
	return egress.New(c)
}

// resolverAt asks one server and no other, in this process.
func resolverAt(server netip.AddrPort) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server.String())
	}}
}

// dialer returns the guard. The service's own addresses are denied, unless the
// exceptions of a test or the demo cover them: all is on one machine then.
func (w *way) dialer(own []netip.Addr) (probe.Dialer, error) {
	var deny []netip.Prefix
	for _, a := range own {
		if !within(a, w.allow) {
			deny = append(deny, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	return guard.New(guard.Config{Resolver: w.resolver, Allow: w.allow, Deny: deny, Exit: w.exit})
}

func within(a netip.Addr, networks []netip.Prefix) bool {
	for _, p := range networks {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func addresses(malformed errs.Code, list []string) ([]probe.Address, error) {
	out := make([]probe.Address, len(list))
	for i, s := range list {
		var err error
		if out[i], err = probe.ParseAddress(s); err != nil {
			return nil, errs.Newf(errs.Invalid, malformed, "%q is not host:port.", s)
		}
	}
	return out, nil
}

// A check holds a few descriptors; some are for everything else.
const (
	filesPerCheck = 4
	filesForRest  = 64
)

// workersWithin returns how many checks the limit on open files carries, at most
// want. Go has raised the soft limit to the hard one.
func workersWithin(want int) (int, error) {
	if want <= 0 {
		want = agent.DefaultWorkers
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("read the limit on open files: %w", err)
	}
	most := (min(limit.Cur, 1<<20) - min(limit.Cur, filesForRest)) / filesPerCheck
	if most == 0 {
		return 0, errs.New(
			errs.Unavailable,
			CodeTooFewFiles,
			"The limit on open files is too low for a single check. Raise it (ulimit -n, LimitNOFILE=).",
		)
	}
	return min(want, int(most)), nil
}

// ReadToken reads a one-time token, one line, from r.
func ReadToken(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, 1<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", errs.Wrap(err, errs.Unavailable, CodeSecretUnreadable, "The token cannot be read.")
	}
	return strings.TrimSpace(line), nil
}
