package grant

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
	"github.com/causeway-fund/causeway/internal/trust/seal"
)

// DefaultClaim is how long a claim lasts without a renewal.
const DefaultClaim = 30 * time.Minute

// Config is what a Service needs.
type Config struct {
	Store  Store
	Keys   *seal.Keyring
	Clock  clock.Clock
	Random io.Reader     // default crypto/rand
	Claim  time.Duration // default DefaultClaim
}

// Service holds the use cases of applications and grants. Safe for concurrent use.
type Service struct {
	cfg      Config
	pepper   []byte
	wordKey  []byte // of the words of titles
	printKey []byte // of screen.Fingerprint
	counted  counted

	mu       sync.Mutex
	fund     fund.Fund // as it was read at fundAt; zero before
	fundAt   time.Time
	treasury map[string]*wallet.Index // by descriptor: deriving scripts takes a moment
}

// New checks cfg and returns a Service.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Keys == nil || cfg.Clock == nil {
		return nil, errors.New("grant: store, keys and clock are required")
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	if cfg.Claim <= 0 {
		cfg.Claim = DefaultClaim
	}
	pepper, err := cfg.Keys.Derive("causeway/receipt")
	if err != nil {
		return nil, fmt.Errorf("derive receipt key: %w", err)
	}
	wordKey, err := cfg.Keys.Derive("causeway/title-word")
	if err != nil {
		return nil, fmt.Errorf("derive key of words: %w", err)
	}
	printKey, err := cfg.Keys.Derive("causeway/application/fingerprint")
	if err != nil {
		return nil, fmt.Errorf("derive fingerprint key: %w", err)
	}
	return &Service{
		cfg:      cfg,
		pepper:   pepper,
		wordKey:  wordKey,
		printKey: printKey,
		treasury: map[string]*wallet.Index{},
	}, nil
}

func (s *Service) now() time.Time { return s.cfg.Clock.Now().UTC().Truncate(time.Microsecond) }

func (s *Service) newID() (uuid.UUID, error) { return uuid.NewV7FromReader(s.cfg.Random) }

func (s *Service) isTreasury(f fund.Fund) (func([]byte) bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	index := s.treasury[f.Descriptor]
	if index == nil {
		var err error
		if _, index, err = f.Treasury(); err != nil {
			return nil, fmt.Errorf("read the fund's descriptor: %w", err)
		}
		s.treasury[f.Descriptor] = index
	}
	return func(script []byte) bool {
		_, _, own := index.Find(script)
		return own
	}, nil
}

// Columns that hold sealed bytes; the names are part of what the bytes are
// bound to.
func bodyAAD(application uuid.UUID, revision int) seal.AAD {
	return seal.AAD{Table: "application_revision", Column: "body", Row: application.String(), Version: int64(revision)}
}

func noteAAD(decisionID uuid.UUID) seal.AAD {
	return seal.AAD{Table: "decision", Column: "note", Row: decisionID.String()}
}

func voteNoteAAD(vote uuid.UUID) seal.AAD {
	return seal.AAD{Table: "vote", Column: "note", Row: vote.String()}
}

func messageAAD(message uuid.UUID) seal.AAD {
	return seal.AAD{Table: "message", Column: "body", Row: message.String()}
}

func (s *Service) dataKey(a Application) (*seal.DataKey, error) {
	return s.cfg.Keys.Open(a.ID.String(), a.DataKey)
}

// openBody returns what the operator wrote, and the digest of its bytes.
func (s *Service) openBody(a Application, sealed []byte) (b Body, digest [sha256.Size]byte, err error) {
	key, err := s.dataKey(a)
	if err != nil {
		return Body{}, digest, err
	}
	text, err := key.Open(bodyAAD(a.ID, a.Revision), sealed)
	if err != nil {
		return Body{}, digest, err
	}
	if err := json.Unmarshal(text, &b); err != nil {
		return Body{}, digest, fmt.Errorf("decode application %s: %w", a.ID, err)
	}
	return b, sha256.Sum256(text), nil
}

func (s *Service) salt() (string, error) {
	b := make([]byte, 16)
	if _, err := io.ReadFull(s.cfg.Random, b); err != nil {
		return "", fmt.Errorf("draw salt: %w", err)
	}
	return hex.EncodeToString(b), nil
}

func entry(by identity.Actor, action string, a Application, from State, at time.Time) audit.Entry {
	e := audit.Entry{Actor: by, Action: action, ObjectKind: "application", ObjectID: a.ID.String(), At: at}
	if a.State != from {
		e.From, e.To = string(from), string(a.State)
	}
	return e
}

func stale(have int64) error {
	err := errs.New(
		errs.Conflict,
		CodeStaleVersion,
		"Somebody else changed this in the meantime. Your change was not saved: look at the new state, then decide again.",
	)
	err.Params = map[string]string{"current_version": strconv.FormatInt(have, 10)}
	return err
}

func itoa(n int) string { return strconv.Itoa(n) }
