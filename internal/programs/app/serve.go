package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/edge/api"
	"github.com/causeway-fund/causeway/internal/edge/server"
	"github.com/causeway-fund/causeway/internal/edge/web"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/payout/treasurer"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
	"github.com/causeway-fund/causeway/internal/trust/once"
	"github.com/causeway-fund/causeway/internal/trust/registry"
	"github.com/causeway-fund/causeway/internal/trust/seal"
	"github.com/causeway-fund/causeway/migrations"
)

// ServeConfig says what `causeway serve` runs on.
type ServeConfig struct {
	DatabaseURLFile string // of the role app
	KeyFile         string // seals what operators write
	AuditPublicKey  string // file with the public key of the checkpoints
	Listen          string // host:port of API and dashboard
	AdminListen     string // host:port of /readyz and /metrics; empty: none
	OnionListen     string // host:port on loopback where Tor delivers an onion service; empty: none
	PublicURL       string // where browsers reach the dashboard
	Demo            bool   // one-time sign-in links work
	Checks          ChecksConfig
	Log             *slog.Logger

	Rates          Rates    // how often who may call
	TrustedProxies []string // addresses and networks whose X-Forwarded-For says who calls
}

// Rates are the limits of callers, in requests a second.
type Rates = server.Rates

// DefaultRates returns the limits of a small machine.
func DefaultRates() Rates { return server.DefaultRates() }

// shutdownTimeout is how long requests may take to finish.
const shutdownTimeout = 10 * time.Second

// Services are the use cases on one database.
type Services struct {
	DB       *postgres.DB
	Fund     fund.Fund
	Grants   *grant.Service
	Payouts  *treasurer.Service
	Identity *identity.Service
	Once     *once.Service
	Charters *registry.Service

	Endpoints *endpoint.Service

	checks *checks
}

// openServices opens the database of role causeway_app and the use cases on it.
func openServices(ctx context.Context, cfg ServeConfig) (*Services, error) {
	dbURL, err := readSecret("database URL", cfg.DatabaseURLFile)
	if err != nil {
		return nil, err
	}
	keys, err := seal.Load(cfg.KeyFile)
	if err != nil {
		return nil, err
	}
	db, err := openDatabase(ctx, dbURL)
	if err != nil {
		return nil, err
	}
	s, err := NewServices(ctx, db, keys, cfg, clock.Real{})
	if err != nil {
		db.Close()
		return nil, err
	}
	return s, nil
}

// openDatabase connects and refuses a schema of another version.
func openDatabase(ctx context.Context, dbURL string) (*postgres.DB, error) {
	db, err := postgres.Open(ctx, dbURL)
	if err != nil {
		return nil, err
	}
	if err := migrations.Check(ctx, db.Pool()); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// checkSchema tells a database that is down from one of another version.
func checkSchema(ctx context.Context, db *postgres.DB) error {
	if err := db.Ping(ctx); err != nil {
		return err
	}
	return migrations.Check(ctx, db.Pool())
}

// NewServices builds the use cases on an open database.
func NewServices(
	ctx context.Context,
	db *postgres.DB,
	keys *seal.Keyring,
	cfg ServeConfig,
	c clock.Clock,
) (*Services, error) {
	f, err := db.Fund(ctx)
	if err != nil {
		return nil, err
	}
	params, err := f.Params()
	if err != nil {
		return nil, err
	}
	if err := db.CheckNetwork(ctx, params.Name, params.GenesisHash.String()); err != nil {
		return nil, err
	}
	csrf, err := keys.Derive("causeway/form-token")
	if err != nil {
		return nil, fmt.Errorf("derive form-token key: %w", err)
	}
	s := &Services{DB: db, Fund: f}
	if s.Identity, err = identity.New(identity.Config{
		Store: postgres.IdentityStore{
			DB: db,
		},
		Clock:           c,
		PublicURL:       cfg.PublicURL,
		FundName:        f.Name,
		CSRFKey:         csrf,
		AllowLoginLinks: cfg.Demo,
	}); err != nil {
		return nil, err
	}
	servers, err := endpoint.NewRegister(keys, rand.Reader)
	if err != nil {
		return nil, err
	}
	applications := postgres.GrantStore{DB: db, Servers: servers}
	if s.Grants, err = grant.New(grant.Config{Store: applications, Keys: keys, Clock: c}); err != nil {
		return nil, err
	}
	if s.Payouts, err = treasurer.New(treasurer.Config{Store: postgres.PayoutStore{DB: db}, Clock: c}); err != nil {
		return nil, err
	}
	if s.Once, err = once.New(keys, postgres.OnceStore{DB: db}); err != nil {
		return nil, err
	}
	if s.Charters, err = newRegistry(db, f, c); err != nil {
		return nil, err
	}
	if s.checks, err = openChecks(ctx, cfg.Checks, cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))); err != nil {
		return nil, err
	}
	s.Endpoints, err = newEndpoints(db, keys, s.Grants, s.checks, c)
	return s, err
}

// Serve runs API and dashboard until ctx ends.
func Serve(ctx context.Context, cfg ServeConfig) error {
	s, err := openServices(ctx, cfg)
	if err != nil {
		return err
	}
	defer s.DB.Close()
	if cfg.OnionListen != "" && !onLoopback(cfg.OnionListen) {
		return errs.New(
			errs.Invalid,
			CodeOnionListen,
			"--onion-listen "+cfg.OnionListen+" is not on loopback. Only Tor may reach it: write one such as 127.0.0.1:8082.",
		)
	}
	registry := prometheus.NewRegistry()
	handler, err := newServer(s, cfg, registry) //nolint:contextcheck // each request brings its own context
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return listen(ctx, cfg.Listen, handler, cfg.Log) })
	g.Go(func() error { return s.checks.watch(ctx) })
	if cfg.OnionListen != "" {
		g.Go(func() error { return listenOnion(ctx, cfg.OnionListen, handler, cfg.Log) })
	}
	if cfg.AdminListen != "" {
		g.Go(func() error {
			return listen(
				ctx,
				cfg.AdminListen,
				server.NewAdmin(registry, serveChecks(s.DB, s.Fund), clock.Real{}),
				cfg.Log,
			)
		})
	}
	return g.Wait()
}

func newServer(s *Services, cfg ServeConfig, registry *prometheus.Registry) (http.Handler, error) {
	auditKey, err := readSecret("audit log's public key", cfg.AuditPublicKey)
	if err != nil {
		return nil, err
	}
	public, err := url.Parse(cfg.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("public URL: %w", err)
	}
	proxies := make([]netip.Prefix, len(cfg.TrustedProxies))
	for i, text := range cfg.TrustedProxies {
		if proxies[i], err = server.ParseTrustedProxy(text); err != nil {
			return nil, err
		}
	}
	rows := postgres.AuditStore{DB: s.DB}
	auditLog := audit.NewLog(rows, clock.Real{}, auditKey)
	handlers, err := api.NewHandlers(api.Config{
		Grants:    s.Grants,
		Payouts:   s.Payouts,
		AuditLog:  auditLog,
		AuditRows: rows,
		AuditKey:  auditKey,
		Origin:    audit.Origin(s.Fund.ID.String()),
		Tokens:    s.Identity,
		Charters:  s.Charters,
		Once:      s.Once,
		Clock:     clock.Real{},
		Endpoints: s.Endpoints,
	})
	if err != nil {
		return nil, err
	}
	secure := public.Scheme == "https"
	site, err := web.New(web.Config{
		Grants:        s.Grants,
		Payouts:       s.Payouts,
		Endpoints:     s.Endpoints,
		Identity:      s.Identity,
		Charters:      s.Charters,
		AuditLog:      auditLog,
		AuditRows:     rows,
		AuditKey:      auditKey,
		Clock:         clock.Real{},
		Chain:         postgres.PayoutStore{DB: s.DB},
		Demo:          cfg.Demo,
		PublicURL:     cfg.PublicURL,
		SecureCookies: secure,
		CookieName:    server.SessionCookie(secure),
	})
	if err != nil {
		return nil, err
	}
	var rules []server.Rule
	for _, r := range site.Routes() {
		rules = append(
			rules,
			server.Rule{
				Method:     r.Method,
				Path:       r.Path,
				Permission: r.Permission,
				Limit:      server.Limit(r.Limit.String()),
				MaxBody:    r.MaxBody(),
				Timeout:    r.Timeout(),
			},
		)
	}
	return server.New(server.Config{
		API:            handlers,
		Auth:           s.Identity,
		Receipts:       s.Grants,
		Clock:          clock.Real{},
		Log:            cfg.Log,
		Metrics:        registry,
		Checks:         serveChecks(s.DB, s.Fund),
		Rates:          cfg.Rates,
		TrustedProxies: proxies,
		SecureCookies:  secure,
		MountPages:     site.Mount,
		Pages:          rules,
		SignInPath:     "/sign-in",
		Look: server.Look{
			Styles: []string{site.File("app.css"), site.File("docs.css")},
			Icons:  site.File("icons.svg"),
			Icon:   site.File("icon.svg"),
		},
		ErrorPage: func(c echo.Context, v server.ErrorView) error {
			return site.ErrorPage(
				c,
				web.ErrorView{
					Status:    v.Status,
					Code:      v.Code,
					Message:   v.Message,
					Params:    v.Params,
					RequestID: v.RequestID,
				},
			)
		},
	})
}

func serveChecks(db *postgres.DB, f fund.Fund) []server.Check {
	return []server.Check{
		{Name: "database", Run: db.Ping},
		canWrite(db, "serve", clock.Real{}),
		{Name: "schema", Run: func(ctx context.Context) error { return checkSchema(ctx, db) }},
		{Name: "network", Run: func(ctx context.Context) error {
			params, err := f.Params()
			if err != nil {
				return err
			}
			return db.CheckNetwork(ctx, params.Name, params.GenesisHash.String())
		}},
	}
}

// probeEvery is how long the result of a check that writes is used again.
const probeEvery = 5 * time.Second

// canWrite tells a database that answers from one that can store anything.
func canWrite(db *postgres.DB, program string, c clock.Clock) server.Check {
	return server.Check{Name: "database writes", Every: probeEvery, Run: func(ctx context.Context) error {
		return db.CanWrite(ctx, program, c.Now().UTC())
	}}
}

// listen serves handler on address until ctx ends, then lets requests finish.
func listen(ctx context.Context, address string, handler http.Handler, log *slog.Logger) error {
	listener, err := open(ctx, address, log)
	if err != nil {
		return err
	}
	return run(ctx, listener, server.HTTPServer(handler))
}

// listenOnion is listen for what Tor forwards.
func listenOnion(ctx context.Context, address string, handler http.Handler, log *slog.Logger) error {
	listener, err := open(ctx, address, log)
	if err != nil {
		return err
	}
	return run(ctx, server.OnionListener(listener), server.OnionServer(handler))
}

// onLoopback reports whether nobody but this machine reaches address.
func onLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && ip.IsLoopback())
}

func open(ctx context.Context, address string, log *slog.Logger) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, errs.Wrap(
			err,
			errs.Unavailable,
			errs.CodePortTaken,
			"Cannot listen on "+address+": is another program using the port? Choose another with a flag, or stop that program.",
		)
	}
	log.InfoContext(ctx, "listening", slog.String("address", listener.Addr().String()))
	return listener, nil
}

func run(ctx context.Context, listener net.Listener, s *http.Server) error {
	done := make(chan error, 1)
	go func() { done <- s.Serve(listener) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := s.Shutdown(last); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop %s: %w", listener.Addr(), err)
	}
	return nil
}
