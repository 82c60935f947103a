-- name: GetHead :one
SELECT height, hash, at FROM header ORDER BY height DESC LIMIT 1;

-- name: GetHeaderHash :one
SELECT hash FROM header WHERE height = @height;

-- name: InsertHeader :exec
INSERT INTO header (height, hash, prev, at, raw) VALUES (@height, @hash, @prev, @at, @raw);

-- name: InsertHeaders :exec
INSERT INTO header (height, hash, prev, at, raw)
SELECT unnest(@heights::integer[]), unnest(@hashes::bytea[]), unnest(@prevs::bytea[]), unnest(@ats::timestamptz[]), unnest(@raws::bytea[]);

-- name: DeleteHeader :execrows
DELETE FROM header WHERE height = @height AND hash = @hash;

-- name: InsertChainTx :exec
INSERT INTO chain_tx (txid, height, raw, position, branch) VALUES (@txid, @height, @raw, @position, @branch);

-- name: InsertCoin :exec
INSERT INTO coin (txid, vout, script, amount_sat, chain, index, height, coinbase)
VALUES (@txid, @vout, @script, @amount_sat, @chain, @index, @height, @coinbase);

-- name: SpendCoin :execrows
UPDATE coin SET spent_by = @spent_by WHERE txid = @txid AND vout = @vout AND spent_by IS NULL;

-- name: ListCoins :many
SELECT c.txid, c.vout, c.script, c.amount_sat, c.chain, c.index, c.height, c.coinbase, h.at, b.number AS reserved_by,
    coalesce(l.reason, '') AS lock_reason, coalesce(s.name, '') AS locked_by, l.locked_at
FROM coin c
JOIN header h ON h.height = c.height
LEFT JOIN coin_lock l ON l.txid = c.txid AND l.vout = c.vout AND l.unlocked_at IS NULL
LEFT JOIN staff s ON s.id = l.locked_by
LEFT JOIN reservation r ON r.txid = c.txid AND r.vout = c.vout AND r.released_at IS NULL
LEFT JOIN batch b ON b.id = r.batch_id
WHERE c.spent_by IS NULL ORDER BY c.amount_sat DESC, c.txid, c.vout;

-- name: ListCoinTxs :many
-- The transactions that made the unspent coins, each once however many it made.
SELECT t.txid, t.raw FROM chain_tx t WHERE EXISTS (SELECT FROM coin c WHERE c.txid = t.txid AND c.spent_by IS NULL) ORDER BY t.txid;

-- name: NextDepositIndex :one
SELECT coalesce(max(index) + 1, 0)::bigint FROM coin WHERE chain = 0;

-- name: LastBatchNumber :one
SELECT coalesce(max(number), 0)::bigint FROM batch;

-- name: ListFollowed :many
SELECT a.id AS attempt_id, a.batch_id, coalesce(ct.height, 0)::integer AS height
FROM attempt a
JOIN batch b ON b.id = a.batch_id
LEFT JOIN chain_tx ct ON ct.txid = a.txid
WHERE a.txid = ANY (@txids::bytea[])
    OR (ct.height IS NOT NULL AND b.state IN ('mined', 'paid', 'voiding'))
    OR EXISTS (SELECT FROM attempt_input i WHERE i.attempt_id = a.id AND i.txid = ANY (@spent_txids::bytea[]) AND b.state IN ('signing', 'signed', 'announced', 'voiding'))
ORDER BY b.number, a.no;

-- name: ListUnconflicted :many
SELECT a.id AS attempt_id, a.batch_id FROM attempt a JOIN batch b ON b.id = a.batch_id
WHERE b.state = 'conflicted' AND NOT EXISTS (
    SELECT FROM attempt_input i JOIN coin c ON c.txid = i.txid AND c.vout = i.vout WHERE i.attempt_id = a.id AND c.spent_by IS NOT NULL)
ORDER BY b.number, a.no;

-- name: ListTxidsAt :many
SELECT txid FROM chain_tx WHERE height = @height ORDER BY txid;

-- name: ListReleasable :many
SELECT b.id FROM batch b
WHERE b.state IN ('signing', 'signed', 'announced', 'voiding', 'conflicted') AND NOT EXISTS (
    SELECT FROM attempt a
    WHERE a.batch_id = b.id AND a.kind = 'pay'
        AND EXISTS (SELECT FROM attempt_event e WHERE e.attempt_id = a.id AND e.event = 'signing')
        AND a.id <> ALL (dead_attempt_ids(@final_height::integer)))
ORDER BY b.number;
