package identity

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/clock"
)

// Defaults for the zero values of Config.
const (
	DefaultIdle     = 15 * time.Minute
	DefaultAbsolute = 8 * time.Hour
	DefaultLinkLife = 48 * time.Hour
	DefaultCeremony = 5 * time.Minute
	MaxTokenLife    = 366 * 24 * time.Hour
	touchEvery      = 30 * time.Second // spares a write on every request
	minCSRFKeyBytes = 32
	maxNameLen      = 80
)

// Config is what a Service needs.
type Config struct {
	Store     Store
	Clock     clock.Clock
	PublicURL string // where browsers reach the dashboard, e.g. "https://fund.example" or "http://localhost:8080"; its host is the WebAuthn RP id
	FundName  string // shown by the browser's passkey prompt
	CSRFKey   []byte // at least 32 secret bytes that survive a restart

	Idle            time.Duration // a session ends after this long unused; default 15 min
	Absolute        time.Duration // and after this long in any case; default 8 h
	LinkLife        time.Duration // default 48 h
	AllowLoginLinks bool          // demo only: sign in by one-time link

	Random io.Reader // default crypto/rand
}

// Service signs people in and says who they are. Safe for concurrent use.
type Service struct {
	cfg      Config
	webauthn *webauthn.WebAuthn
}

// New checks cfg and returns a Service.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Clock == nil {
		return nil, errors.New("identity: store and clock are required")
	}
	if len(cfg.CSRFKey) < minCSRFKeyBytes {
		return nil, fmt.Errorf("identity: the form-token key has %d bytes, needs %d", len(cfg.CSRFKey), minCSRFKeyBytes)
	}
	public, err := url.Parse(cfg.PublicURL)
	if err != nil || public.Hostname() == "" || (public.Scheme != "https" && public.Scheme != "http") {
		return nil, fmt.Errorf("identity: public URL %q must be http(s)://host[:port]", cfg.PublicURL)
	}
	if err := protocol.ValidateRPID(public.Hostname()); err != nil {
		return nil, fmt.Errorf(
			"identity: passkeys need a host name in the public URL %q, such as localhost: %w",
			cfg.PublicURL,
			err,
		)
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	if cfg.FundName == "" {
		cfg.FundName = "Causeway"
	}
	cfg.Idle = orDefault(cfg.Idle, DefaultIdle)
	cfg.Absolute = orDefault(cfg.Absolute, DefaultAbsolute)
	cfg.LinkLife = orDefault(cfg.LinkLife, DefaultLinkLife)

	rp, err := webauthn.New(&webauthn.Config{
		RPID:                  public.Hostname(),
		RPDisplayName:         cfg.FundName,
		RPOrigins:             []string{public.Scheme + "://" + public.Host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			RequireResidentKey: protocol.ResidentKeyRequired(),
			ResidentKey:        protocol.ResidentKeyRequirementRequired,
			UserVerification:   protocol.VerificationRequired,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("identity: passkeys at %s: %w", cfg.PublicURL, err)
	}
	return &Service{cfg: cfg, webauthn: rp}, nil
}

func orDefault(d, fallback time.Duration) time.Duration {
	if d <= 0 {
		return fallback
	}
	return d
}

func (s *Service) now() time.Time { return s.cfg.Clock.Now() }

func (s *Service) newID() (uuid.UUID, error) { return uuid.NewV7FromReader(s.cfg.Random) }
