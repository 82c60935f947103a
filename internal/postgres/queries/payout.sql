-- name: NextBatchNumber :one
SELECT nextval('batch_number')::bigint;

-- name: ListPayable :many
SELECT sqlc.embed(i), g.reference, g.designation FROM instalment i JOIN grants g ON g.id = i.grant_id
WHERE i.state = 'payable' AND g.state = 'active' ORDER BY i.created_at, i.id LIMIT 1000;

-- name: ListInstalmentsByID :many
SELECT sqlc.embed(i), g.reference, g.designation FROM instalment i JOIN grants g ON g.id = i.grant_id
WHERE i.id = ANY (@ids::uuid[]) ORDER BY i.id;

-- name: ListVotedOn :many
SELECT DISTINCT i.id FROM instalment i
JOIN decision d ON d.id = i.decision_id
JOIN vote v ON v.application_id = d.application_id
WHERE v.staff_id = @staff_id AND i.id = ANY (@ids::uuid[]) ORDER BY i.id;

-- name: InsertBatch :exec
INSERT INTO batch (id, fund_id, number, state, version, note, digest, feerate_sat_vb, max_feerate_sat_vb, max_fee_sat, seed, composed_by, created_at, changed_at)
VALUES (@id, @fund_id, @number, @state, @version, @note, @digest, @feerate_sat_vb, @max_feerate_sat_vb, @max_fee_sat, @seed, @composed_by, @created_at, @changed_at);

-- name: InsertBatchItem :exec
INSERT INTO batch_item (batch_id, position, instalment_id) VALUES (@batch_id, @position, @instalment_id);

-- name: MoveInstalments :many
UPDATE instalment SET state = @to_state, version = version + 1, changed_at = @changed_at
WHERE id = ANY (@ids::uuid[]) AND state = @from_state::text
RETURNING id, grant_id;

-- name: CompleteGrants :exec
UPDATE grants g SET state = 'completed', version = version + 1
WHERE g.id = ANY (@ids::uuid[]) AND g.state = 'active'
    AND NOT EXISTS (SELECT FROM instalment i WHERE i.grant_id = g.id AND i.state NOT IN ('final', 'cancelled'));

-- name: GetBatch :one
SELECT sqlc.embed(b), s.name AS composer FROM batch b JOIN staff s ON s.id = b.composed_by WHERE b.id = @id;

-- name: LockBatch :one
SELECT sqlc.embed(b), s.name AS composer FROM batch b JOIN staff s ON s.id = b.composed_by WHERE b.id = @id FOR UPDATE OF b;

-- name: ListBatches :many
SELECT sqlc.embed(b), s.name AS composer, count(i.id) AS payees, coalesce(sum(i.amount_sat), 0)::bigint AS total_sat
FROM batch b
JOIN staff s ON s.id = b.composed_by
LEFT JOIN batch_item bi ON bi.batch_id = b.id
LEFT JOIN instalment i ON i.id = bi.instalment_id
WHERE @before::bigint = 0 OR b.number < @before::bigint
GROUP BY b.id, s.name ORDER BY b.number DESC LIMIT @row_limit;

-- name: ListBatchItems :many
SELECT sqlc.embed(i), g.reference, g.designation FROM batch_item bi
JOIN instalment i ON i.id = bi.instalment_id
JOIN grants g ON g.id = i.grant_id
WHERE bi.batch_id = @batch_id ORDER BY bi.position;

-- name: UpdateBatch :execrows
UPDATE batch SET state = @state, version = version + 1, changed_at = @changed_at
WHERE id = @id AND version = @version;

-- name: SetBatchAnchor :exec
UPDATE batch SET anchor_txid = @anchor_txid, anchor_vout = @anchor_vout WHERE id = @id;

-- name: BumpBatchError :exec
UPDATE batch SET tries = CASE WHEN @message::text = '' THEN 0 ELSE tries + 1 END, last_error = nullif(@message::text, ''), changed_at = @changed_at WHERE id = @id;

-- name: ReleaseBatchItems :exec
UPDATE batch_item SET released_at = @released_at WHERE batch_id = @batch_id AND released_at IS NULL;

-- name: ReleaseReservations :exec
UPDATE reservation SET released_at = @released_at WHERE batch_id = @batch_id AND released_at IS NULL;

-- name: InsertReservation :exec
INSERT INTO reservation (txid, vout, batch_id) VALUES (@txid, @vout, @batch_id);

-- name: InsertApproval :exec
INSERT INTO approval (id, batch_id, digest, staff_id, auth_kind, auth_envelope, created_at)
VALUES (@id, @batch_id, @digest, @staff_id, @auth_kind, NULL, @created_at);

-- name: ListApprovals :many
SELECT sqlc.embed(a), s.name FROM approval a JOIN staff s ON s.id = a.staff_id WHERE a.batch_id = @batch_id ORDER BY a.created_at, a.id;

-- name: InsertAttempt :exec
INSERT INTO attempt (id, batch_id, no, psbt, txid, fee_sat, weight, epoch, created_at)
VALUES (@id, @batch_id, @no, @psbt, @txid, @fee_sat, @weight, @epoch, @created_at);

-- name: InsertAttemptInput :exec
INSERT INTO attempt_input (attempt_id, txid, vout, amount_sat) VALUES (@attempt_id, @txid, @vout, @amount_sat);

-- name: InsertAttemptOutput :exec
INSERT INTO attempt_output (attempt_id, vout, script, amount_sat, instalment_id, change_index)
VALUES (@attempt_id, @vout, @script, @amount_sat, @instalment_id, @change_index);

-- name: InsertAttemptRaw :exec
INSERT INTO attempt_raw (attempt_id, raw, created_at) VALUES (@attempt_id, @raw, @created_at);

-- name: InsertAttemptEvent :exec
INSERT INTO attempt_event (attempt_id, event, detail, at) VALUES (@attempt_id, @event, @detail, @at);

-- name: ListAttempts :many
SELECT sqlc.embed(a), r.raw, coalesce(ct.height, 0)::integer AS height FROM attempt a
LEFT JOIN attempt_raw r ON r.attempt_id = a.id
LEFT JOIN chain_tx ct ON ct.txid = a.txid
WHERE a.batch_id = @batch_id ORDER BY a.no;

-- name: ListAttemptInputs :many
SELECT * FROM attempt_input WHERE attempt_id = ANY (@ids::uuid[]) ORDER BY attempt_id, txid, vout;

-- name: ListAttemptOutputs :many
SELECT * FROM attempt_output WHERE attempt_id = ANY (@ids::uuid[]) ORDER BY attempt_id, vout;

-- name: ListAttemptEvents :many
SELECT * FROM attempt_event WHERE attempt_id = ANY (@ids::uuid[]) ORDER BY id;

-- name: ListDue :many
SELECT id FROM batch WHERE state IN ('approved', 'built', 'signing', 'signed', 'announced') ORDER BY number;

-- name: CheckLease :one
SELECT epoch FROM lease FOR SHARE;

-- name: TakeLease :one
UPDATE lease SET epoch = epoch + 1, since = @since RETURNING epoch;

-- name: ListOpenBreakers :many
SELECT sqlc.embed(b), coalesce(array_agg(s.name ORDER BY r.at) FILTER (WHERE s.name IS NOT NULL), '{}')::text[] AS reset_by
FROM breaker b
LEFT JOIN breaker_reset r ON r.breaker_id = b.id
LEFT JOIN staff s ON s.id = r.staff_id
GROUP BY b.id HAVING count(r.staff_id) < 2 ORDER BY b.id;

-- name: InsertBreaker :exec
INSERT INTO breaker (code, detail, tripped_at)
SELECT @code::text, @detail::text, @tripped_at::timestamptz
WHERE NOT EXISTS (SELECT FROM breaker b WHERE b.code = @code::text AND b.detail = @detail::text);

-- name: InsertBreakerReset :execrows
INSERT INTO breaker_reset (breaker_id, staff_id, at) VALUES (@breaker_id, @staff_id, @at) ON CONFLICT DO NOTHING;
