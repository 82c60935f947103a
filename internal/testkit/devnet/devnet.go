package devnet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"golang.org/x/sync/errgroup"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/btcdnode"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/datacentre"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/faucet"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/loopback"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/pgserver"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/proxies"
)

// readyHeight is from where on coins can be spent: segwit and taproot become
// active on simnet at block 300, and a coinbase matures after 100.
const readyHeight = 300

// ProxyCount is how many proxies a devnet has.
const ProxyCount = 5

// Config says where the world lives. A port of 0 takes any free one.
type Config struct {
	Dir          string         // made if missing
	World        loopback.World // where its servers are; 0 draws one
	Btcd         string         // the btcd program
	PostgresPort int
	NodeRPCPort  int
	NodePeerPort int
	ProxyPorts   [ProxyCount]int
	Blocked      []string      // hosts to which Devnet.Censor does not lead
	BlockEvery   time.Duration // how often Run mines; 0 means never
	Volatile     bool          // PostgreSQL gives up safety against a power cut for speed
	Log          *slog.Logger
}

// Devnet is a running world; safe for concurrent use.
type Devnet struct {
	World    loopback.World
	Postgres *pgserver.Server
	Node     *btcdnode.Node
	Centre   *datacentre.Centre
	Censor   *proxies.Proxy   // SOCKS5, the way out of a network that blocks Config.Blocked
	Proxies  []*proxies.Proxy // two open ones of SOCKS5, then one of each kind that asks who comes

	cfg    Config
	faucet *faucet.Faucet
	first  bool
}

// Start brings the world up, resuming what is in cfg.Dir, and returns when all of
// it answers. Errors are Unavailable with one line that says what to do; nothing
// is left running then.
func Start(ctx context.Context, cfg Config) (*Devnet, error) {
	if cfg.Log == nil {
		return nil, errors.New("devnet: no logger")
	}
	// PostgreSQL may run as another account and must pass through.
	if err := os.MkdirAll(cfg.Dir, 0o711); err != nil { //nolint:gosec // what is inside has modes of its own
		return nil, errs.Wrap(err, errs.Unavailable, errs.CodeDataDirUnwritable, "Cannot make folder "+cfg.Dir+".")
	}
	if cfg.World == 0 {
		cfg.World = loopback.DrawWorld()
	}
	d := &Devnet{World: cfg.World, cfg: cfg}
	var g errgroup.Group
	g.Go(func() error { return d.startPostgres(ctx) })
	g.Go(func() error { return d.startNode(ctx) })
	g.Go(func() error { return d.startProxies(ctx) })
	if err := g.Wait(); err != nil {
		// The caller may have been interrupted; what runs must end all the same.
		return nil, errors.Join(err, d.Stop(context.WithoutCancel(ctx)))
	}
	return d, nil
}

func (d *Devnet) startPostgres(ctx context.Context) (err error) {
	dir, err := pgserver.Place(filepath.Join(d.cfg.Dir, "postgres"))
	if err != nil {
		return err
	}
	d.Postgres, err = pgserver.Start(ctx, pgserver.Config{
		Dir: dir, Port: d.cfg.PostgresPort, Volatile: d.cfg.Volatile, Fetch: download,
	})
	return err
}

func (d *Devnet) startNode(ctx context.Context) error {
	dir := filepath.Join(d.cfg.Dir, "btcd")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return errs.Wrap(err, errs.Unavailable, errs.CodeDataDirUnwritable, "Cannot make folder "+dir+".")
	}
	key, err := faucet.LoadKey(filepath.Join(dir, "miner.key"))
	if err != nil {
		return err
	}
	d.Node, err = btcdnode.Start(ctx, btcdnode.Config{
		Bin: d.cfg.Btcd, Dir: dir, MiningAddress: key.Address(),
		RPCPort: d.cfg.NodeRPCPort, PeerPort: d.cfg.NodePeerPort,
	})
	if err != nil {
		return err
	}
	d.faucet = faucet.New(d.Node.RPC(), key)
	var height int
	if err := d.Node.RPC().Call(ctx, &height, "getblockcount"); err != nil {
		return err
	}
	d.first = height == 0
	if height >= readyHeight {
		return nil
	}
	_, err = d.Node.Generate(ctx, readyHeight-height)
	return err
}

// startProxies also runs the data centre that they lead to.
func (d *Devnet) startProxies(ctx context.Context) error {
	key, err := datacentre.LoadKey(filepath.Join(d.cfg.Dir, "datacentre.key"))
	if err != nil {
		return err
	}
	if d.Centre, err = datacentre.Start(ctx, d.World.Host(0, 1), key, clock.Real{}); err != nil {
		return err
	}
	if err := d.writeTelegram(datacentre.PublicPEM(key)); err != nil {
		return err
	}
	if d.Censor, err = proxies.Start(
		ctx,
		proxies.Spec{Kind: proxies.SOCKS5, Host: d.World.Host(0, 3), Blocked: d.cfg.Blocked},
	); err != nil {
		return err
	}
	dir := filepath.Join(d.cfg.Dir, "proxies")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return errs.Wrap(err, errs.Unavailable, errs.CodeDataDirUnwritable, "Cannot make folder "+dir+".")
	}
	for i, kind := range [ProxyCount]proxies.Kind{proxies.SOCKS5, proxies.SOCKS5, proxies.SOCKS5, proxies.HTTP, proxies.MTProto} {
		s := proxies.Spec{
			Kind:     kind,
			Host:     d.World.Host(byte(i+1), 10),
			Port:     d.cfg.ProxyPorts[i],
			Upstream: d.Centre.Addr,
		}
		if i >= 2 {
			s.Accounts = filepath.Join(dir, string(kind)+".accounts")
		}
		p, err := proxies.Start(ctx, s)
		if err != nil {
			return err
		}
		d.Proxies = append(d.Proxies, p)
	}
	return nil
}

// centres is how many numbers the one data centre answers to; Telegram has five.
const centres = 5

// TelegramFile is what the service hands to its probers: the data centre's key
// and address, as `causeway serve --telegram-file` reads it.
func (d *Devnet) TelegramFile() string { return filepath.Join(d.cfg.Dir, "telegram.json") }

func (d *Devnet) writeTelegram(keysPEM string) error {
	type centre struct {
		ID   int    `json:"id"`
		Addr string `json:"addr"`
	}
	var file struct {
		KeysPEM string   `json:"keys_pem"`
		Centres []centre `json:"centres"`
	}
	file.KeysPEM = keysPEM
	for i := range centres {
		file.Centres = append(file.Centres, centre{ID: i + 1, Addr: d.Centre.Addr})
	}
	text, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(d.TelegramFile(), append(text, '\n'), 0o600); err != nil {
		return errs.Wrap(err, errs.Unavailable, errs.CodeDataDirUnwritable, "Cannot write "+d.TelegramFile()+".")
	}
	return nil
}

// Fresh reports whether Start found no chain, so that the treasury has no coins.
func (d *Devnet) Fresh() bool { return d.first }

// Mine mines blocks with what the mempool holds and returns their hashes.
func (d *Devnet) Mine(ctx context.Context, blocks int) ([]chainhash.Hash, error) {
	return d.Node.Generate(ctx, blocks)
}

// Fund pays outputs from the miner's coins; they come first in the transaction
// and in this order. It confirms with the next block.
func (d *Devnet) Fund(ctx context.Context, outs ...*wire.TxOut) (*wire.MsgTx, error) {
	return d.faucet.Pay(ctx, outs...)
}

// Run mines a block every Config.BlockEvery until ctx ends or a part of the
// world dies, and returns ctx's error or an Unavailable one that names the part.
func (d *Devnet) Run(ctx context.Context) error {
	var due <-chan time.Time
	if d.cfg.BlockEvery > 0 {
		tick := time.NewTicker(d.cfg.BlockEvery)
		defer tick.Stop()
		due = tick.C
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-d.Postgres.Done():
			return died("PostgreSQL", filepath.Join(d.cfg.Dir, "postgres", "postgres.log"))
		case <-d.Node.Done():
			return died("btcd", filepath.Join(d.cfg.Dir, "btcd", "btcd.out"))
		case <-due:
			if _, err := d.Mine(ctx, 1); err != nil && ctx.Err() == nil {
				// Another block comes soon; a node that died is seen above.
				d.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "no block was mined", slog.Any("error", err))
			}
		}
	}
}

func died(who, log string) error {
	return errs.Newf(errs.Unavailable, CodePartDied, "%s has ended by itself; its log is %s.", who, log)
}

// Stop ends everything and waits until it is gone. It may be called again.
func (d *Devnet) Stop(ctx context.Context) error {
	var g errgroup.Group
	if d.Postgres != nil {
		g.Go(func() error { return d.Postgres.Stop(ctx) })
	}
	if d.Node != nil {
		g.Go(func() error { return d.Node.Stop(ctx) })
	}
	var all []error
	for _, p := range d.Proxies {
		all = append(all, p.Close())
	}
	if d.Censor != nil {
		all = append(all, d.Censor.Close())
	}
	if d.Centre != nil {
		all = append(all, d.Centre.Close())
	}
	if err := errors.Join(append(all, g.Wait())...); err != nil {
		return fmt.Errorf("stop the devnet: %w", err)
	}
	return nil
}
