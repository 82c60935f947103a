package postgres

import (
	"context"

	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/store/postgres/db"
)

// readDead returns the batches of which nothing can be paid any more, when what
// stopped them is at or below height.
func readDead(ctx context.Context, q *db.Queries, height int32) ([]payout.Followed, error) {
	ids, err := q.ListReleasable(ctx, height)
	if err != nil {
		return nil, err
	}
	var dead []payout.Followed
	locked := followedBatches{}
	for _, r := range ids {
		f, err := locked.read(ctx, q, r.ID, r.NewestID)
		if err != nil {
			return nil, err
		}
		if f.Items, err = readItems(ctx, q, r.ID); err != nil {
			return nil, err
		}
		dead = append(dead, f)
	}
	return dead, nil
}

// readFreed is called once the header is gone, and with it what spent the coins.
func readFreed(ctx context.Context, q *db.Queries) ([]payout.Followed, error) {
	rows, err := q.ListUnconflicted(ctx)
	if err != nil {
		return nil, err
	}
	var freed []payout.Followed
	locked := followedBatches{}
	for _, r := range rows {
		f, err := locked.read(ctx, q, r.BatchID, r.AttemptID)
		if err != nil {
			return nil, err
		}
		if n := len(freed); n > 0 && freed[n-1].Batch.ID == f.Batch.ID {
			freed = freed[:n-1]
		}
		freed = append(freed, f)
	}
	return freed, nil
}

func standingTransfers(ctx context.Context, q *db.Queries, height int32) ([]ledger.Transfer, error) {
	rows, err := q.StandingTransfersAt(ctx, height)
	if err != nil {
		return nil, err
	}
	var list []ledger.Transfer
	for _, r := range rows {
		if len(list) == 0 || list[len(list)-1].ID != r.ID {
			list = append(list, ledger.Transfer{ID: r.ID, Kind: ledger.Kind(r.Kind), Ref: r.Ref, Height: r.Height})
		}
		last := &list[len(list)-1]
		last.Postings = append(
			last.Postings,
			ledger.Posting{Account: ledger.Account(r.Account), Amount: btcutil.Amount(r.AmountSat)},
		)
	}
	return list, nil
}
