-- name: GetJournalMark :one
SELECT * FROM journal_mark WHERE fingerprint = @fingerprint;

-- name: SetJournalMark :exec
INSERT INTO journal_mark (fingerprint, seq, head, at) VALUES (@fingerprint, @seq, @head, @at)
ON CONFLICT (fingerprint) DO UPDATE SET seq = excluded.seq, head = excluded.head, at = excluded.at;

-- name: ListTxidsReleased :many
SELECT a.txid FROM attempt a
WHERE a.txid = ANY (@txids::bytea[]) AND EXISTS (SELECT FROM attempt_event e WHERE e.attempt_id = a.id AND e.event = 'signing')
ORDER BY a.txid;

-- name: AdvanceBatchNumber :exec
SELECT setval('batch_number', greatest(nextval('batch_number'), @at_least::bigint,
    (SELECT coalesce(max(number), 0) FROM batch), (SELECT coalesce(max(index), 0) FROM coin WHERE chain = 1)));

-- name: ListInstalmentsOwed :many
SELECT sqlc.embed(i), g.reference, g.designation FROM instalment i JOIN grants g ON g.id = i.grant_id
WHERE (i.digest, i.period) IN (SELECT unnest(@digests::bytea[]), unnest(@periods::integer[])) ORDER BY i.digest, i.period FOR UPDATE OF i;

-- name: ListRivals :many
-- Batches that hold a payment, a coin or the number of another one.
SELECT b.id FROM batch b
WHERE b.id <> @batch_id AND (
    (b.number = @number AND b.state <> 'cancelled')
    OR EXISTS (SELECT FROM batch_item i WHERE i.batch_id = b.id AND i.released_at IS NULL AND i.instalment_id = ANY (@instalments::uuid[]))
    OR EXISTS (SELECT FROM reservation r WHERE r.batch_id = b.id AND r.released_at IS NULL
        AND (r.txid, r.vout) IN (SELECT unnest(@txids::bytea[]), unnest(@vouts::bigint[]))))
ORDER BY b.number;

-- name: ListCoinsAt :many
SELECT c.txid, c.vout, c.script, c.amount_sat, c.chain, c.index, c.height FROM coin c
WHERE (c.txid, c.vout) IN (SELECT unnest(@txids::bytea[]), unnest(@vouts::bigint[])) ORDER BY c.txid, c.vout;

-- name: ListTxs :many
SELECT txid, raw FROM chain_tx WHERE txid = ANY (@txids::bytea[]) ORDER BY txid;

-- name: ListReservedBy :many
SELECT txid, vout FROM reservation WHERE batch_id = @batch_id AND released_at IS NULL ORDER BY txid, vout;

-- name: TakeBatchItemsBack :exec
UPDATE batch_item SET released_at = NULL WHERE batch_id = @batch_id;

-- name: ListFirstStaff :many
SELECT id FROM staff ORDER BY id LIMIT 2;

-- name: IsInChain :one
SELECT EXISTS (SELECT FROM chain_tx WHERE txid = @txid);

-- name: ListAdopted :many
-- Those of the transactions that were booked whole, as a journal names them.
SELECT DISTINCT ref FROM ledger_transfer WHERE kind = 'adopt' AND ref = ANY (@txids::text[]) ORDER BY ref;

-- name: ListUnjoined :many
SELECT u.batch_id, u.number, u.batch_state, u.txid, u.created_at, u.vout, u.decision, coalesce(u.period, 0)::integer AS period, u.script, u.amount_sat, coalesce(s.reason, '') AS separate
FROM unjoined_payment u LEFT JOIN unjoined_separate s ON s.txid = u.txid AND s.vout = u.vout ORDER BY u.number, u.vout;

-- name: JoinOutputs :execrows
UPDATE attempt_output o SET instalment_id = @instalment_id::uuid
FROM attempt a WHERE a.id = o.attempt_id AND a.batch_id = @batch_id AND o.decision = @decision AND o.period = @period::integer AND o.instalment_id IS NULL;

-- name: JoinBatchItem :exec
INSERT INTO batch_item (batch_id, position, instalment_id)
SELECT @batch_id, coalesce(max(position) + 1, 0), @instalment_id::uuid FROM batch_item WHERE batch_id = @batch_id;

-- name: SeparateUnjoined :execrows
INSERT INTO unjoined_separate (txid, vout, reason, staff_id, at) VALUES (@txid, @vout, @reason, @staff_id, @at) ON CONFLICT DO NOTHING;

-- name: LastJournalMark :one
SELECT coalesce(max(at), 'epoch')::timestamptz AS at FROM journal_mark;
