package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/blocklist"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/netplace"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/probe/telegram"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/programs/jobs"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/trust/seal"
)

// ChecksConfig names the files that checks of endpoints are made with. Each may be
// left out; without Telegram's, probers get no work.
type ChecksConfig struct {
	TelegramFile string   // vantage.Telegram as JSON
	CanaryFile   string   // JSON list of {"spec", "answer"}: servers whose answer is known
	BlocklistDir string   // folder of lists, see package blocklist
	PlaceFiles   []string // .mmdb files with networks and countries
	EchoURL      string   // of `causeway echo`; empty: no exit addresses
	EchoKeyFile  string   // the key that it signs with
}

// reloadEvery is how soon a changed file is noticed.
const reloadEvery = 30 * time.Second

// checks holds what the files say. Telegram's addresses, canaries and lists are
// read again when they change; a file that cannot be read keeps what was there.
type checks struct {
	cfg      ChecksConfig
	log      *slog.Logger
	telegram atomic.Pointer[vantage.Telegram]
	canaries atomic.Pointer[[]endpoint.Canary]
	lists    blocklist.Holder
	places   *netplace.Places
	echoKey  []byte
	read     map[string]time.Time // when the file was changed that was read last
}

func openChecks(ctx context.Context, cfg ChecksConfig, log *slog.Logger) (*checks, error) {
	c := &checks{cfg: cfg, log: log, read: map[string]time.Time{}}
	c.telegram.Store(&vantage.Telegram{})
	c.canaries.Store(&[]endpoint.Canary{})
	var files [][]byte
	for _, path := range cfg.PlaceFiles {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, errs.Wrap(
				err,
				errs.Unavailable,
				CodePlacesUnreadable,
				"Cannot read the file of networks and countries at "+path+".",
			)
		}
		files = append(files, b)
	}
	var err error
	if c.places, err = netplace.Open(files...); err != nil {
		return nil, err
	}
	if cfg.EchoURL != "" {
		if c.echoKey, err = readEchoKey(cfg.EchoKeyFile); err != nil {
			return nil, err
		}
	}
	return c, c.reload(ctx)
}

// watch reloads until ctx ends.
func (c *checks) watch(ctx context.Context) error {
	for pause(ctx, reloadEvery) {
		if err := c.reload(ctx); err != nil {
			c.log.WarnContext(
				ctx,
				"reloading the files that checks need failed; keeping the old ones",
				slog.Any("error", err),
			)
		}
	}
	return nil
}

// reload reads what has changed.
func (c *checks) reload(ctx context.Context) error {
	return errors.Join(
		reread(c, c.cfg.TelegramFile, parseTelegram, &c.telegram),
		reread(c, c.cfg.CanaryFile, parseCanaries, &c.canaries),
		c.reloadLists(ctx),
	)
}

// reread puts what the file at path says into place, if the file has changed.
func reread[T any](c *checks, path string, parse func([]byte) (T, error), place *atomic.Pointer[T]) error {
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	if err == nil && info.ModTime().Equal(c.read[path]) {
		return nil
	}
	var b []byte
	if err == nil {
		b, err = os.ReadFile(path)
	}
	if err != nil {
		return errs.Wrap(err, errs.Unavailable, CodeChecksUnreadable, "Cannot read "+path+".")
	}
	value, err := parse(b)
	if err != nil {
		return errs.Wrap(err, errs.Unavailable, CodeChecksMalformed, "The file "+path+" cannot be used: "+err.Error())
	}
	place.Store(&value)
	c.read[path] = info.ModTime()
	return nil
}

func (c *checks) reloadLists(ctx context.Context) error {
	if c.cfg.BlocklistDir == "" {
		return nil
	}
	before := c.lists.Set()
	set, report, err := blocklist.Load(ctx, os.DirFS(c.cfg.BlocklistDir), before)
	if err != nil {
		return err
	}
	c.lists.Swap(set)
	for _, l := range report.Lists {
		if l.Unchanged {
			continue
		}
		attrs := []any{
			slog.String("list", l.Name),
			slog.String("version", l.Version),
			slog.Int("rows", l.Rows),
			slog.Int("bad_rows", l.Bad),
		}
		if l.Err != nil {
			c.log.WarnContext(
				ctx,
				"reading a blocklist failed; keeping the previous one",
				append(attrs, slog.Any("error", l.Err))...)
			continue
		}
		c.log.InfoContext(ctx, "blocklist read", attrs...)
		for _, p := range l.Problems {
			c.log.WarnContext(
				ctx,
				"blocklist row skipped",
				slog.String("file", p.File),
				slog.Int("line", p.Line),
				slog.String("why", p.Why),
			)
		}
	}
	return nil
}

// strict decodes b, which holds one value and no unknown names.
func strict(b []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more behind its end")
	}
	return nil
}

func parseTelegram(b []byte) (vantage.Telegram, error) {
	t, err := vantage.ParseTelegram(b)
	if err == nil {
		_, err = telegram.ParseKeys([]byte(t.KeysPEM))
	}
	return t, err
}

func parseCanaries(b []byte) ([]endpoint.Canary, error) {
	var list []struct{ Spec, Answer string }
	if err := strict(b, &list); err != nil {
		return nil, err
	}
	var out []endpoint.Canary
	for i, e := range list {
		if _, err := link.Parse(e.Spec); err != nil {
			return nil, fmt.Errorf("canary %d: %w", i+1, err)
		}
		if e.Answer != "up" && e.Answer != "down" {
			return nil, fmt.Errorf("canary %d: the answer is %q and not up or down", i+1, e.Answer)
		}
		out = append(out, endpoint.Canary{Spec: e.Spec, Answer: e.Answer})
	}
	return out, nil
}

// newEndpoints builds the use cases of endpoints on an open database.
func newEndpoints(
	db *postgres.DB,
	keys *seal.Keyring,
	grants *grant.Service,
	c *checks,
	at clock.Clock,
) (*endpoint.Service, error) {
	enqueue, err := jobs.Enqueuer()
	if err != nil {
		return nil, err
	}
	return endpoint.New(endpoint.Config{
		Store:     postgres.EndpointStore{DB: db, Clock: at, Enqueue: enqueue},
		Receipts:  grants,
		Keys:      keys,
		Clock:     at,
		Telegram:  func() vantage.Telegram { return *c.telegram.Load() },
		Canaries:  func() []endpoint.Canary { return *c.canaries.Load() },
		Blocklist: &c.lists,
		Places:    c.places,
		EchoURL:   c.cfg.EchoURL,
		EchoKey:   c.echoKey,
	})
}
