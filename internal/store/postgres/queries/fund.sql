-- name: GetFund :one
SELECT f.*, m.network, m.genesis FROM fund f, meta m ORDER BY f.created_at LIMIT 1;

-- name: InsertFund :exec
INSERT INTO fund (id, name, descriptor, birthday_height, budget_sat, min_amount_sat, max_amount_sat, policy_version, quorum,
    max_feerate_sat_kvb, max_fee_sat, pay_window_days, paid_depth, final_depth, max_payees, deadline_blocks, ready_coins, future_witness, created_at)
VALUES (@id, @name, @descriptor, @birthday_height, @budget_sat, @min_amount_sat, @max_amount_sat, @policy_version, @quorum,
    @max_feerate_sat_kvb, @max_fee_sat, @pay_window_days, @paid_depth, @final_depth, @max_payees, @deadline_blocks, @ready_coins, @future_witness, @created_at);

-- name: SetReadyCoins :execrows
UPDATE fund SET ready_coins = @ready_coins WHERE ready_coins <> @ready_coins;

-- name: InsertTransfer :one
INSERT INTO ledger_transfer (kind, ref, height, undoes, at) VALUES (@kind, @ref, @height, @undoes, @at) RETURNING id;

-- name: InsertPosting :exec
INSERT INTO ledger_posting (transfer_id, account, amount_sat) VALUES (@transfer_id, @account, @amount_sat);

-- name: Balances :many
SELECT account, sum(amount_sat)::bigint AS amount_sat FROM ledger_posting GROUP BY account ORDER BY account;

-- name: LockLedger :exec
SELECT pg_advisory_xact_lock(7305812, 1);

-- name: StandingTransfersAt :many
SELECT t.id, t.kind, t.ref, t.height, p.account, p.amount_sat
FROM ledger_transfer t JOIN ledger_posting p ON p.transfer_id = t.id
WHERE t.height = @height::integer AND t.undoes IS NULL
    AND NOT EXISTS (SELECT FROM ledger_transfer u WHERE u.undoes = t.id)
ORDER BY t.id, p.account;
