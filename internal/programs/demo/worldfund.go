package demo

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/programs/app"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/trust/seal"
	"github.com/causeway-fund/causeway/migrations"
)

// openDatabase makes and migrates the database, sets the fund up on the first
// start, and opens the services.
func (w *World) openDatabase(ctx context.Context) error {
	if err := postgres.CreateDatabase(ctx, w.Devnet.Postgres.URL("postgres"), "causeway"); err != nil {
		return err
	}
	owner := w.Devnet.Postgres.URL("causeway")
	if err := migrations.Up(ctx, owner, migrations.Options{}); err != nil {
		return err
	}
	if err := w.setUpFund(ctx, owner); err != nil {
		return err
	}
	for role, file := range map[string]string{"app": "app.url", "worker": "worker.url"} {
		if err := app.SetRolePassword(ctx, owner, role, w.path("keys", file)); err != nil {
			return err
		}
	}
	keys, err := seal.Load(w.path("keys", "seal.key"))
	if err != nil {
		return err
	}
	url, err := os.ReadFile(w.path("keys", "app.url"))
	if err != nil {
		return fmt.Errorf("read database URL: %w", err)
	}
	db, err := postgres.Open(ctx, strings.TrimSpace(string(url)))
	if err != nil {
		return err
	}
	w.Services, err = app.NewServices(ctx, db, keys, app.ServeConfig{PublicURL: w.URL, Demo: true}, w.Clock)
	return err
}

func (w *World) setUpFund(ctx context.Context, owner string) error {
	if _, err := os.Stat(w.path("keys", "audit.pub")); err == nil {
		return nil
	}
	descriptor, err := os.ReadFile(w.path("signer", "descriptor"))
	if err != nil {
		return fmt.Errorf("read descriptor: %w", err)
	}
	fund := app.DefaultFund("Causeway Demo Fund", network, string(descriptor))
	fund.Budget = 2_000_000_000
	// Nothing before now can be the treasury's, so the worker need not walk it.
	if err := w.Devnet.Node.RPC().Call(ctx, &fund.BirthdayHeight, "getblockcount"); err != nil {
		return err
	}
	fund, err = app.CreateFund(ctx, owner, fund)
	if err != nil {
		return err
	}
	if w.cfg.Checks {
		if err := setPolicy(ctx, owner); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(w.path("keys"), 0o700); err != nil {
		return fmt.Errorf("make keys folder: %w", err)
	}
	return app.CreateKeys(fund.ID, w.path("keys", "seal.key"), w.path("keys", "audit.key"), w.path("keys", "audit.pub"))
}

// Fund pays amounts to the treasury's next deposit addresses, confirms them
// deeply enough to be spent, and waits until the ledger has them.
func (w *World) Fund(ctx context.Context, amounts ...btcutil.Amount) error {
	params, err := w.Services.Fund.Params()
	if err != nil {
		return err
	}
	descriptor, err := wallet.ParseChecksummed(w.Services.Fund.Descriptor, params)
	if err != nil {
		return err
	}
	store := postgres.PayoutStore{DB: w.Services.DB}
	before, err := store.Holdings(ctx)
	if err != nil {
		return err
	}
	var outs []*wire.TxOut
	var sum btcutil.Amount
	for i, amount := range amounts {
		script, err := descriptor.Script(wallet.ChainDeposit, before.NextIndex+uint32(i))
		if err != nil {
			return err
		}
		outs = append(outs, wire.NewTxOut(int64(amount), script))
		sum += amount
	}
	if _, err := w.Devnet.Fund(ctx, outs...); err != nil {
		return err
	}
	if _, err := w.Devnet.Mine(ctx, depositDepth); err != nil {
		return err
	}
	return w.Until(ctx, "the treasury has its deposits", func(ctx context.Context) (bool, error) {
		h, err := store.Holdings(ctx)
		return err == nil && h.Balances["available"] >= before.Balances["available"]+sum, err
	})
}

const depositDepth = 6
