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
-- What a block may change, found without a lock: the attempts that are in it; those that are deep enough for the next
-- state of their batch; and the first attempt of a batch that waits, when the block spends a coin of it. All other
-- batches, such as the many that are in a block and not deep enough yet, are left alone.
SELECT a.id AS attempt_id, a.batch_id, coalesce(ct.height, 0)::integer AS height
FROM attempt a
JOIN batch b ON b.id = a.batch_id
LEFT JOIN chain_tx ct ON ct.txid = a.txid
WHERE a.id IN (
    SELECT own.id FROM attempt own WHERE own.txid = ANY (@txids::bytea[])
    UNION ALL
    SELECT deep.id FROM batch w
    JOIN attempt deep ON deep.batch_id = w.id
    JOIN chain_tx t ON t.txid = deep.txid
    WHERE (w.state = 'mined' AND t.height <= @paid_height::integer) OR (w.state = 'paid' AND t.height <= @final_height::integer)
    UNION ALL
    SELECT first.id FROM (SELECT unnest(@spent_txids::bytea[]) AS txid, unnest(@spent_vouts::bigint[]) AS vout) spent
    JOIN attempt_input i ON i.txid = spent.txid AND i.vout = spent.vout
    JOIN attempt first ON first.id = i.attempt_id AND first.no = 0
    JOIN batch w ON w.id = first.batch_id AND w.state IN ('signing', 'signed', 'broadcast', 'voiding')
    WHERE NOT EXISTS (SELECT FROM chain_tx t WHERE t.txid = first.txid))
ORDER BY b.number, a.no;

-- name: ListUncovered :many
-- What a block takes with it when it leaves the best chain: the attempts that are in it, and those that are called paid
-- because it lies on top of them.
SELECT a.id AS attempt_id, a.batch_id, ct.height
FROM chain_tx ct
JOIN attempt a ON a.txid = ct.txid
JOIN batch b ON b.id = a.batch_id
WHERE ct.height = @height OR (ct.height = @paid_height::integer AND b.state = 'paid')
ORDER BY b.number, a.no;

-- name: ListUnconflicted :many
SELECT a.id AS attempt_id, a.batch_id FROM attempt a JOIN batch b ON b.id = a.batch_id
WHERE b.state = 'conflicted' AND NOT EXISTS (
    SELECT FROM attempt_input i JOIN coin c ON c.txid = i.txid AND c.vout = i.vout WHERE i.attempt_id = a.id AND c.spent_by IS NOT NULL)
ORDER BY b.number, a.no;

-- name: ListReleasable :many
SELECT b.id, newest.id AS newest_id FROM batch b
JOIN LATERAL (SELECT n.id FROM attempt n WHERE n.batch_id = b.id ORDER BY n.no DESC LIMIT 1) newest ON true
WHERE b.state IN ('signing', 'signed', 'broadcast', 'voiding', 'conflicted') AND NOT EXISTS (
    SELECT FROM attempt a
    WHERE a.batch_id = b.id AND a.kind = 'pay'
        AND EXISTS (SELECT FROM attempt_event e WHERE e.attempt_id = a.id AND e.event = 'signing')
        AND a.id NOT IN (SELECT d.attempt_id FROM dead_attempts(@final_height::integer) d))
ORDER BY b.number;
