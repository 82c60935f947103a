package chainaudit

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"

	"github.com/btcsuite/btcd/wire/v2"
	"golang.org/x/sync/errgroup"
)

// compareCoins asks the node about every coin. still is false when the node has
// other blocks by now than the scan.
func (a *auditor) compareCoins(ctx context.Context, s *scan, report *Report) (still bool, err error) {
	var best string
	if err := a.reader.ask(ctx, &best, "getbestblockhash"); err != nil || best != s.hash.String() {
		return false, err
	}
	ops := slices.SortedFunc(maps.Keys(s.coins), func(x, y wire.OutPoint) int {
		return compareOutputs(x.Hash.String(), x.Index, y.Hash.String(), y.Index)
	})
	wrong := make([]string, len(ops))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(prefetch)
	for i, op := range ops {
		g.Go(func() error {
			var got *struct {
				Value json.Number `json:"value"`
			}
			if err := a.reader.ask(gctx, &got, "gettxout", op.Hash.String(), op.Index, false); err != nil {
				return err
			}
			switch want := s.coins[op].sat; {
			case got == nil:
				wrong[i] = "is spent or unknown, as the node says"
			case satoshi(got.Value) != want:
				wrong[i] = fmt.Sprintf("is worth %s BTC, as the node says, and %d sat in its block", got.Value, want)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return false, err
	}
	if err := a.reader.ask(ctx, &best, "getbestblockhash"); err != nil || best != s.hash.String() {
		return false, err
	}
	for i, op := range ops {
		if wrong[i] != "" {
			vout := int(op.Index)
			report.alarm(
				Finding{Code: NodeDisagrees, TxID: op.Hash.String(), Vout: &vout, Sat: s.coins[op].sat},
				"Coin %s %s.",
				op,
				wrong[i],
			)
		}
	}
	return true, nil
}

// satoshi reads bitcoin as btcd writes them; -1 when that is no amount.
func satoshi(btc json.Number) int64 {
	r, ok := new(big.Rat).SetString(btc.String())
	if !ok {
		return -1
	}
	r.Mul(r, big.NewRat(100_000_000, 1))
	if !r.IsInt() || !r.Num().IsInt64() {
		return -1
	}
	return r.Num().Int64()
}

// mempool looks for transactions that wait to spend the coins and that no signer
// released.
func (a *auditor) mempool(ctx context.Context, s *scan, report *Report) error {
	type outpoint struct {
		TxID string `json:"txid"`
		Vout uint32 `json:"vout"`
	}
	ops := make([]outpoint, 0, len(s.coins))
	for op := range s.coins {
		ops = append(ops, outpoint{op.Hash.String(), op.Index})
	}
	if len(ops) == 0 {
		return nil
	}
	var spends []struct {
		outpoint
		Spender string `json:"spendingtxid"`
	}
	if err := a.reader.ask(ctx, &spends, "gettxspendingprevout", ops); err != nil {
		report.note(Finding{Code: MempoolNotRead}, "The node does not say what is in its mempool.")
		return ctx.Err()
	}
	foreign := map[string]outpoint{}
	for _, spent := range spends {
		if spent.Spender != "" {
			foreign[spent.Spender] = spent.outpoint
		}
	}
	// Read again: what waits now was journalled before it was sent.
	journals, err := a.journals(&Report{})
	if err != nil {
		return err
	}
	for _, j := range journals {
		for txid := range j.byTxID {
			delete(foreign, txid.String())
		}
	}
	for _, txid := range slices.Sorted(maps.Keys(foreign)) {
		coin := foreign[txid]
		report.alarm(
			Finding{Code: ForeignWaiting, TxID: txid},
			"Transaction %s waits in the node's mempool, spends coin %s:%d and is in no journal: a key is in other hands.",
			txid,
			coin.TxID,
			coin.Vout,
		)
	}
	return nil
}
