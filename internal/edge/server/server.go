package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/edge/api"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// MaxBodyBytes is the largest body that is read, but for routes whose rule says
// otherwise.
const MaxBodyBytes = 256 << 10

// Time limits of a connection. A long poll waits 30 seconds at most.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 32 << 10
)

// requestTimeout is how long a request may take. Streams, long polls and downloads
// have a line of their own in the policy table; nothing outlasts writeTimeout.
const requestTimeout = 30 * time.Second

// Authenticator says who shows a secret. An unknown or dead one is
// errs.Unauthenticated.
type Authenticator interface {
	Authenticate(ctx context.Context, session string) (identity.Actor, identity.Session, error)
	AuthenticateToken(ctx context.Context, token string) (identity.Actor, error)
	CheckFormToken(session identity.Session, token string) error
}

var _ Authenticator = (*identity.Service)(nil)

// Receipts says whether a receipt code is somebody's, with one indexed read.
// NotFound for one that is nobody's.
type Receipts interface {
	KnowsReceipt(ctx context.Context, receipt identity.Receipt) error
}

// Check is one line of /readyz. Run returns nil, or an error whose errs message
// says in one line what is wrong.
type Check struct {
	Name  string
	Run   func(ctx context.Context) error
	Every time.Duration // its result is used again this long; 0: as long as an answer of /readyz
}

// Config is what a Server is made of. API, Auth, Receipts, Clock, Log and Metrics
// are required.
type Config struct {
	API      api.StrictServerInterface
	Auth     Authenticator
	Receipts Receipts
	Clock    clock.Clock
	Log      *slog.Logger
	Metrics  prometheus.Registerer
	Checks   []Check
	Timeout  time.Duration // of a request whose rule has none; 0: 30 s

	Rates          Rates          // how often who may call
	TrustedProxies []netip.Prefix // whose X-Forwarded-For says who calls

	SecureCookies bool // served over https
	CookieName    string

	MountPages func(*echo.Echo)                           // registers the routes of the dashboard; nil: none
	Pages      []Rule                                     // their lines of the policy table
	ErrorPage  func(c echo.Context, view ErrorView) error // nil: plain text
	SignInPath string                                     // where a page sends who is not signed in; "": the error page
	Look       Look                                       // files of the dashboard, for the API documentation
}

// Server is the HTTP edge of `causeway serve`.
type Server struct {
	cfg     Config
	echo    *echo.Echo
	rules   map[routeKey]*Rule
	routed  map[routeKey]bool
	limits  *limits
	origins *origins
	metrics *metrics
	ready   *readiness
	docs    docs
}

// New builds the edge. It fails when a route has no line in the policy table or
// a line has no route.
func New(cfg Config) (*Server, error) {
	if cfg.API == nil || cfg.Auth == nil || cfg.Receipts == nil || cfg.Clock == nil || cfg.Log == nil ||
		cfg.Metrics == nil {
		return nil, errors.New("server: API, Auth, Receipts, Clock, Log and Metrics are required")
	}
	if cfg.CookieName == "" {
		cfg.CookieName = SessionCookie(cfg.SecureCookies)
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = requestTimeout
	}
	rates, err := cfg.Rates.withDefaults()
	if err != nil {
		return nil, err
	}
	limits := newLimits(rates, cfg.Clock)
	m, err := newMetrics(cfg.Metrics, limits)
	if err != nil {
		return nil, fmt.Errorf("server: register metrics: %w", err)
	}
	docs, err := newDocs(cfg.Look)
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	s := &Server{
		cfg: cfg, echo: echo.New(), metrics: m, docs: docs, ready: &readiness{checks: cfg.Checks, clock: cfg.Clock},
		limits: limits, origins: &origins{trusted: cfg.TrustedProxies, log: cfg.Log},
	}
	s.mount()
	if err := s.bindPolicy(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Server) mount() {
	e := s.echo
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(io.Discard)
	e.StdLogger = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	e.Binder = strictBinder{}
	e.HTTPErrorHandler = s.handleError
	e.Use(
		s.observe,
		s.deadline,
		s.recoverPanic,
		s.securityHeaders,
		s.boundBody,
		s.admit,
		s.limitBody,
		s.refuseCrossOrigin,
		s.authorize,
	)

	api.RegisterHandlers(e, api.NewStrictHandler(s.cfg.API, nil))
	e.GET("/v1/openapi.yaml", s.getDocument)
	e.GET(docsPath, s.getDocs)
	e.GET("/livez", s.getLive)
	e.GET("/readyz", s.getReady)
	e.GET("/healthz", s.getHealth)
	if s.cfg.MountPages != nil {
		s.cfg.MountPages(e)
	}
}

// Rules returns the whole policy table of this server.
func (s *Server) Rules() []Rule {
	rules := append(apiRules(), serverRules()...)
	return append(rules, s.cfg.Pages...)
}

// bindPolicy joins the table with the registered routes, both ways.
func (s *Server) bindPolicy() error {
	known := make(map[identity.Permission]bool)
	for _, p := range append(identity.Permissions(), SignedIn) {
		known[p] = true
	}
	s.rules = make(map[routeKey]*Rule)
	for _, r := range s.Rules() {
		key := routeKey{r.Method, r.Path}
		if s.rules[key] != nil {
			return fmt.Errorf("server: two rules for %s %s", r.Method, r.Path)
		}
		if !known[r.Permission] {
			return fmt.Errorf("server: %s %s needs %q, which no policy knows", r.Method, r.Path, r.Permission)
		}
		if r.Timeout >= writeTimeout {
			return fmt.Errorf(
				"server: %s %s may take %s, and an answer is cut off after %s",
				r.Method,
				r.Path,
				r.Timeout,
				writeTimeout,
			)
		}
		if !r.Limit.known() ||
			(r.Limit == LimitFree && (r.Permission != identity.PermPublic || r.Method != http.MethodGet)) {
			return fmt.Errorf("server: %s %s cannot have the limit %q", r.Method, r.Path, r.Limit)
		}
		s.rules[key] = &r
	}
	s.routed = make(map[routeKey]bool)
	for _, route := range s.echo.Routes() {
		key := routeKey{route.Method, route.Path}
		s.routed[key] = true
		if s.rules[key] == nil {
			return fmt.Errorf("server: the route %s %s has no rule", route.Method, route.Path)
		}
	}
	for key := range s.rules {
		if !s.routed[key] {
			return fmt.Errorf("server: the rule for %s %s has no route", key.method, key.path)
		}
	}
	return nil
}

// Echo returns the instance, for tests that look at its routes.
func (s *Server) Echo() *echo.Echo { return s.echo }

// ServeHTTP serves one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }

// HTTPServer returns a server for handler with the time limits of this edge. It
// logs nothing by itself: net/http would write peer addresses.
func HTTPServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
}

// SessionCookie returns the name of the session cookie. The __Host- prefix
// binds a cookie to https and to this host, so it cannot be used on http, as
// on a loopback demo or an onion site.
func SessionCookie(secure bool) string {
	if secure {
		return "__Host-causeway_session"
	}
	return "causeway_session"
}
