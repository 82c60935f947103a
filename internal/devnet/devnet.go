package devnet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"golang.org/x/sync/errgroup"

	"github.com/causeway-fund/causeway/internal/devnet/btcdnode"
	"github.com/causeway-fund/causeway/internal/devnet/faucet"
	"github.com/causeway-fund/causeway/internal/devnet/pgserver"
	"github.com/causeway-fund/causeway/internal/errs"
)

// readyHeight is from where on coins can be spent: segwit and taproot become
// active on simnet at block 300, and a coinbase matures after 100.
const readyHeight = 300

// Config says where the world lives. A port of 0 takes any free one.
type Config struct {
	Dir          string // made if missing
	Btcd         string // the btcd program
	PostgresPort int
	NodeRPCPort  int
	NodePeerPort int
	ProxyPorts   [ProxyCount]int
	BlockEvery   time.Duration // how often Run mines; 0 means never
	Volatile     bool          // PostgreSQL gives up safety against a power cut for speed
	Log          *slog.Logger
}

// Devnet is a running world; safe for concurrent use.
type Devnet struct {
	Postgres *pgserver.Server
	Node     *btcdnode.Node
	Proxies  []*Proxy

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
		return nil, errs.Wrap(err, errs.Unavailable, "data_dir_unwritable", "Cannot make folder "+cfg.Dir+".")
	}
	d := &Devnet{cfg: cfg}
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
	d.Postgres, err = pgserver.Start(ctx, pgserver.Config{
		Dir: filepath.Join(d.cfg.Dir, "postgres"), Port: d.cfg.PostgresPort, Volatile: d.cfg.Volatile, Fetch: download,
	})
	return err
}

func (d *Devnet) startNode(ctx context.Context) error {
	dir := filepath.Join(d.cfg.Dir, "btcd")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return errs.Wrap(err, errs.Unavailable, "data_dir_unwritable", "Cannot make folder "+dir+".")
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

func (d *Devnet) startProxies(ctx context.Context) error {
	for i, port := range d.cfg.ProxyPorts {
		passFile := ""
		if i == ProxyCount-1 {
			passFile = filepath.Join(d.cfg.Dir, "proxy.pass")
		}
		p, err := startProxy(ctx, port, passFile)
		if err != nil {
			return err
		}
		d.Proxies = append(d.Proxies, p)
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
	return errs.Newf(errs.Unavailable, "part_died", "%s has ended by itself; its log is %s.", who, log)
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
	if err := errors.Join(append(all, g.Wait())...); err != nil {
		return fmt.Errorf("stop the devnet: %w", err)
	}
	return nil
}
