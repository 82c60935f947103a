package web

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/labstack/echo/v4"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/edge/web/i18n"
	"github.com/causeway-fund/causeway/internal/edge/web/static"
	"github.com/causeway-fund/causeway/internal/review/fund"
)

// Config is what a Site is made of. The services and Clock are required.
type Config struct {
	Grants    Grants
	Payouts   Payouts
	Identity  Identity
	Charters  Charters
	AuditLog  AuditLog
	AuditRows AuditRows
	AuditKey  string    // public key of the checkpoints
	Endpoints Endpoints // nil: servers are claimed and not checked
	Chain     Chain     // nil: pages hear of a block only when something comes of it
	Clock     clock.Clock

	PublicURL     string // where browsers reach the dashboard; "": as the request says
	Demo          bool   // one-time sign-in links work
	SecureCookies bool   // served over https
	CookieName    string // of the session
}

// Site is the dashboard. Safe for concurrent use.
type Site struct {
	cfg    Config
	text   *i18n.Catalogue
	assets *static.Assets
	routes []Route

	fund atomic.Pointer[fund.Fund] // as last read, for pages that come when nothing can be read

	totals  atomic.Pointer[totals] // as last summed
	summing sync.Mutex

	live streams
}

// New checks cfg and returns the dashboard.
func New(cfg Config) (*Site, error) {
	if cfg.Grants == nil || cfg.Payouts == nil || cfg.Identity == nil ||
		cfg.Charters == nil || cfg.AuditLog == nil || cfg.AuditRows == nil ||
		cfg.Clock == nil {
		return nil, errors.New("web: a service is missing")
	}
	if cfg.CookieName == "" {
		return nil, errors.New("web: the session cookie needs a name")
	}
	text, err := i18n.Load()
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	assets, err := static.Load()
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	s := &Site{cfg: cfg, text: text, assets: assets}
	s.live.pulse = s.pulse
	s.routes = s.table()
	return s, nil
}

// File returns the address of a file that comes with the dashboard, such as "app.css".
func (s *Site) File(name string) string { return s.assets.URL(name) }

// Routes returns the table of routes, for the policy of the server.
func (s *Site) Routes() []Route { return append([]Route(nil), s.routes...) }

// Mount registers the routes.
func (s *Site) Mount(e *echo.Echo) {
	for _, r := range s.routes {
		e.Add(r.Method, r.Path, r.handle)
	}
}
