package endpoint

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/blocklist"
	"github.com/causeway-fund/causeway/internal/fleet/netplace"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
	"github.com/causeway-fund/causeway/internal/trust/seal"
)

// Receipts opens receipt codes.
type Receipts interface {
	// ApplicationOf returns which application a code belongs to. NotFound "receipt_unknown".
	ApplicationOf(ctx context.Context, code string) (uuid.UUID, error)
}

// Canary is a configuration whose answer is known.
type Canary struct {
	Spec   string // what link.Parse reads
	Answer string // up, down
}

// Config is what a Service needs.
type Config struct {
	Store    Store
	Receipts Receipts
	Keys     *seal.Keyring
	Clock    clock.Clock
	Random   io.Reader // default crypto/rand

	Telegram func() vantage.Telegram // what checks ask for; without centres nothing is leased
	Canaries func() []Canary         // nil for none

	Blocklist *blocklist.Holder // nil for no lists
	Places    *netplace.Places  // nil for no files
	EchoURL   string            // "" for no echo server
	EchoKey   []byte            // of that server
}

// Service holds the use cases of endpoints. Safe for concurrent use.
type Service struct {
	cfg      Config
	indexKey []byte             // of link.Digest
	control  []byte             // secret of control.Derive and control.Token
	jobKey   []byte             // names jobs and nonces
	signing  ed25519.PrivateKey // of leases

	twinOneIn int
}

// New checks cfg and returns a Service.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Receipts == nil || cfg.Keys == nil || cfg.Clock == nil || cfg.Telegram == nil {
		return nil, errors.New("endpoint: store, receipts, keys, clock and Telegram's addresses are required")
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	if cfg.Canaries == nil {
		cfg.Canaries = func() []Canary { return nil }
	}
	if cfg.Blocklist == nil {
		cfg.Blocklist = &blocklist.Holder{}
	}
	if cfg.Places == nil {
		cfg.Places = &netplace.Places{}
	}
	s := &Service{cfg: cfg, twinOneIn: twinOneIn}
	var seed []byte
	for label, key := range map[string]*[]byte{
		indexLabel: &s.indexKey, "causeway/endpoint/credential": &s.control,
		"causeway/vantage/job": &s.jobKey, "causeway/vantage/lease": &seed,
	} {
		var err error
		if *key, err = cfg.Keys.Derive(label); err != nil {
			return nil, fmt.Errorf("endpoint: %w", err)
		}
	}
	s.signing = ed25519.NewKeyFromSeed(seed)
	return s, nil
}

// PublicKey returns the Ed25519 key that leases are signed with.
func (s *Service) PublicKey() ed25519.PublicKey {
	return ed25519.PublicKey(s.signing[ed25519.SeedSize:])
}

func (s *Service) now() time.Time { return s.cfg.Clock.Now().UTC().Truncate(time.Microsecond) }

func (s *Service) newID() (uuid.UUID, error) { return uuid.NewV7FromReader(s.cfg.Random) }

func recordAAD(offer uuid.UUID) seal.AAD {
	return seal.AAD{Table: "check_result", Column: "record", Row: offer.String()}
}

func (s *Service) dataKey(e Opened) (*seal.DataKey, error) {
	return s.cfg.Keys.Open(e.ApplicationID.String(), e.DataKey)
}

// text returns what describes e, and what it means. NotFound "purged" once its
// application was erased; Internal "endpoint_outdated" for a text that was taken
// by a version which understood more.
func (s *Service) text(e Opened) (string, link.Spec, error) {
	key, err := s.dataKey(e)
	if err != nil {
		return "", nil, err
	}
	text, err := key.Open(SpecAAD(e.ID), e.Spec)
	if err != nil {
		return "", nil, fmt.Errorf("open endpoint %s: %w", e.ID, err)
	}
	spec, err := link.Parse(string(text))
	if err != nil {
		return "", nil, errs.New(
			errs.Internal,
			CodeEndpointOutdated,
			"This version does not understand the configuration of "+e.Label+". It is not checked; its operator has to send it again.",
		)
	}
	return string(text), spec, nil
}

// unusable reports an endpoint of which no job can be made, which must not keep
// others from being checked.
func unusable(err error) bool {
	return errs.Is(err, errs.CodePurged) || errs.Is(err, CodeEndpointOutdated)
}

func entry(by identity.Actor, action, kind string, id uuid.UUID, at time.Time) audit.Entry {
	return audit.Entry{Actor: by, Action: action, ObjectKind: kind, ObjectID: id.String(), At: at}
}

// Proven reports whether control of e is proven at now.
func (e Endpoint) Proven(now time.Time) bool {
	return e.ProvenAt != nil && e.ProvenUntil != nil && now.Before(*e.ProvenUntil)
}

func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte("causeway/vantage/enrolment/v1\x00" + token))
	return sum[:]
}
