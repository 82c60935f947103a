-- name: NextBatchNumber :one
SELECT nextval('batch_number')::bigint;

-- name: ListPayable :many
SELECT sqlc.embed(i), g.reference, g.designation FROM instalment i JOIN grants g ON g.id = i.grant_id
WHERE i.state = 'payable' AND g.state = 'active' AND (
    -- Where uptime or proofs decide, a payment waits for their first look at it.
    EXISTS (SELECT FROM check_policy p WHERE p.min_uptime_permille = 0 AND NOT p.require_control)
    OR EXISTS (SELECT FROM instalment_gate looked WHERE looked.instalment_id = i.id))
ORDER BY i.due_at, i.created_at, i.id LIMIT 10000;

-- name: CountNotLookedAt :one
SELECT count(*) FROM unnest(@ids::uuid[]) AS id
WHERE EXISTS (SELECT FROM check_policy p WHERE p.min_uptime_permille > 0 OR p.require_control)
    AND NOT EXISTS (SELECT FROM instalment_gate looked WHERE looked.instalment_id = id);

-- name: ListInstalmentsByID :many
SELECT sqlc.embed(i), g.reference, g.designation FROM instalment i JOIN grants g ON g.id = i.grant_id
WHERE i.id = ANY (@ids::uuid[]) ORDER BY i.id;

-- name: ListVotedOn :many
SELECT DISTINCT i.id FROM instalment i
JOIN decision d ON d.id = i.decision_id
JOIN vote v ON v.application_id = d.application_id
WHERE v.staff_id = @staff_id AND i.id = ANY (@ids::uuid[]) ORDER BY i.id;

-- name: InsertBatch :exec
INSERT INTO batch (id, fund_id, kind, number, state, version, note, digest, treasury, until, feerate_sat_kvb, max_feerate_sat_kvb, max_fee_sat, outputs, deadline_blocks, seed, composed_by, created_at, changed_at)
VALUES (@id, @fund_id, @kind, @number, @state, @version, @note, @digest, @treasury, @until, @feerate_sat_kvb, @max_feerate_sat_kvb, @max_fee_sat, @outputs, @deadline_blocks, @seed, @composed_by, @created_at, @changed_at);

-- name: InsertBatchItems :exec
INSERT INTO batch_item (batch_id, position, instalment_id)
SELECT @batch_id, i.no - 1, i.id FROM unnest(@ids::uuid[]) WITH ORDINALITY AS i (id, no);

-- name: InsertBatchCoin :exec
INSERT INTO batch_coin (batch_id, txid, vout) VALUES (@batch_id, @txid, @vout);

-- name: ListBatchCoins :many
SELECT * FROM batch_coin WHERE batch_id = @batch_id ORDER BY txid, vout;

-- name: MoveInstalments :many
UPDATE instalment SET state = @to_state, version = version + 1, changed_at = @changed_at
WHERE id = ANY (@ids::uuid[]) AND state = @from_state::text
RETURNING id, grant_id;

-- name: CompleteGrants :exec
UPDATE grants g SET state = 'completed', version = version + 1
WHERE g.id = ANY (@ids::uuid[]) AND g.state = 'active'
    AND NOT EXISTS (SELECT FROM instalment i WHERE i.grant_id = g.id AND i.state NOT IN ('final', 'cancelled'));

-- name: GetBatch :one
SELECT sqlc.embed(b), s.name AS composer, coalesce(x.alarm, '')::text AS alarm FROM batch b JOIN staff s ON s.id = b.composed_by
LEFT JOIN batch_alarm x ON x.batch_id = b.id
WHERE b.id = @id;

-- name: LockBatch :one
SELECT sqlc.embed(b), s.name AS composer FROM batch b JOIN staff s ON s.id = b.composed_by WHERE b.id = @id FOR UPDATE OF b;

-- name: ListBatches :many
-- The payments of those that are listed are counted, and of no other. The current attempt is the one in a block, else the
-- newest (payout.Record.Current); attempt_no is below zero when there is none.
SELECT sqlc.embed(b), s.name AS composer, p.payees, p.total_sat,
    coalesce((SELECT x.alarm FROM batch_alarm x WHERE x.batch_id = b.id), '')::text AS alarm,
    coalesce(c.no, -1)::integer AS attempt_no, coalesce(c.txid, '')::bytea AS txid,
    coalesce(c.fee_sat, 0)::bigint AS fee_sat, coalesce(c.weight, 0)::bigint AS weight,
    coalesce(c.height, 0)::integer AS height, coalesce((SELECT max(h.height) FROM header h), 0)::integer AS tip
FROM batch b
JOIN staff s ON s.id = b.composed_by
CROSS JOIN LATERAL (
    SELECT count(*) AS payees, coalesce(sum(i.amount_sat), 0)::bigint AS total_sat
    FROM batch_item bi JOIN instalment i ON i.id = bi.instalment_id WHERE bi.batch_id = b.id
) p
LEFT JOIN LATERAL (
    SELECT a.no, a.txid, a.fee_sat, a.weight, ct.height FROM attempt a LEFT JOIN chain_tx ct ON ct.txid = a.txid
    WHERE a.batch_id = b.id
    ORDER BY (coalesce(ct.height, 0) > 0) DESC, CASE WHEN coalesce(ct.height, 0) > 0 THEN a.no ELSE -a.no END LIMIT 1
) c ON true
WHERE b.number < @before::bigint AND (@state::text = '' OR b.state = @state::text)
ORDER BY b.number DESC LIMIT @row_limit;

-- name: CountPaid :one
SELECT count(*) FROM instalment WHERE state IN ('paid', 'final');

-- name: ListBatchItems :many
SELECT sqlc.embed(i), g.reference, g.designation FROM batch_item bi
JOIN instalment i ON i.id = bi.instalment_id
JOIN grants g ON g.id = i.grant_id
WHERE bi.batch_id = @batch_id ORDER BY bi.position;

-- name: UpdateBatch :execrows
UPDATE batch SET state = @state, wanted_feerate_sat_kvb = sqlc.narg(wanted_feerate_sat_kvb), version = version + 1, changed_at = @changed_at
WHERE id = @id AND version = @version;

-- name: SetBatchAnchor :exec
UPDATE batch SET anchor_txid = @anchor_txid, anchor_vout = @anchor_vout WHERE id = @id;

-- name: BumpBatchError :exec
UPDATE batch SET tries = CASE WHEN @message::text = '' THEN 0 ELSE tries + 1 END, last_error = nullif(@message::text, ''), last_code = nullif(@code::text, ''), changed_at = @changed_at WHERE id = @id;

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
INSERT INTO attempt (id, batch_id, no, kind, psbt, txid, fee_sat, weight, epoch, created_at)
VALUES (@id, @batch_id, @no, @kind, @psbt, @txid, @fee_sat, @weight, @epoch, @created_at);

-- name: InsertPrevTxs :exec
INSERT INTO prev_tx (txid, raw) SELECT sha256(sha256(r)), r FROM unnest(@raws::bytea[]) r ON CONFLICT (txid) DO NOTHING;

-- name: ListPrevTxs :many
SELECT txid, raw FROM prev_tx WHERE txid IN (SELECT i.txid FROM attempt_input i WHERE i.attempt_id = ANY (@ids::uuid[])) ORDER BY txid;

-- name: InsertAttemptInputs :exec
INSERT INTO attempt_input (attempt_id, txid, vout, amount_sat)
SELECT @attempt_id, unnest(@txids::bytea[]), unnest(@vouts::bigint[]), unnest(@amounts_sat::bigint[]);

-- name: InsertAttemptOutputs :exec
INSERT INTO attempt_output (attempt_id, vout, script, amount_sat, instalment_id, change_index, decision, period)
SELECT @attempt_id, o.vout, o.script, o.amount_sat, nullif(o.instalment_id, '00000000-0000-0000-0000-000000000000'), nullif(o.change_index, -1), nullif(o.decision, ''), nullif(o.period, 0)
FROM (SELECT unnest(@vouts::bigint[]) AS vout, unnest(@scripts::bytea[]) AS script, unnest(@amounts_sat::bigint[]) AS amount_sat,
    unnest(@instalment_ids::uuid[]) AS instalment_id, unnest(@change_indexes::bigint[]) AS change_index, unnest(@decisions::bytea[]) AS decision, unnest(@periods::integer[]) AS period) o;

-- name: InsertAttemptSignature :exec
INSERT INTO attempt_signature (attempt_id, psbt, source, staff_id, at) VALUES (@attempt_id, @psbt, @source, @staff_id, @at);

-- name: ListAttemptSignatures :many
SELECT sqlc.embed(a), coalesce(s.name, '') AS name FROM attempt_signature a LEFT JOIN staff s ON s.id = a.staff_id
WHERE a.attempt_id = ANY (@ids::uuid[]) ORDER BY a.id;

-- name: InsertVoid :exec
INSERT INTO void (id, batch_id, note, digest, feerate_sat_kvb, fee_sat, reason, asked_by, asked_at)
VALUES (@id, @batch_id, @note, @digest, @feerate_sat_kvb, @fee_sat, @reason, @asked_by, @asked_at);

-- name: EndVoid :execrows
UPDATE void SET ended = @ended, ended_by = @ended_by, ended_at = @ended_at WHERE id = @id AND ended IS NULL;

-- name: InsertVoidItem :exec
INSERT INTO void_item (void_id, instalment_id) VALUES (@void_id, @instalment_id);

-- name: InsertVoidApproval :exec
INSERT INTO void_approval (void_id, digest, staff_id, at) VALUES (@void_id, @digest, @staff_id, @at);

-- name: GetVoid :one
SELECT sqlc.embed(v), s.name AS asker, a.staff_id AS approver_id, a.at AS approved_at, coalesce(p.name, '') AS approver,
    ARRAY(SELECT i.instalment_id FROM void_item i WHERE i.void_id = v.id ORDER BY 1)::uuid[] AS cancel_ids
FROM void v JOIN staff s ON s.id = v.asked_by
LEFT JOIN void_approval a ON a.void_id = v.id
LEFT JOIN staff p ON p.id = a.staff_id
WHERE v.batch_id = @batch_id AND v.ended IS NULL;

-- name: ListLapsedVoids :many
SELECT v.batch_id FROM void v
WHERE v.ended IS NULL AND v.asked_at <= @asked_at AND NOT EXISTS (SELECT FROM void_approval a WHERE a.void_id = v.id)
ORDER BY v.asked_at, v.id;

-- name: GetAttemptBatch :one
SELECT batch_id FROM attempt WHERE txid = @txid;

-- name: InsertCoinLock :exec
INSERT INTO coin_lock (txid, vout, reason, locked_by, locked_at) VALUES (@txid, @vout, @reason, @locked_by, @locked_at);

-- name: Unlock :execrows
UPDATE coin_lock SET unlocked_by = @unlocked_by, unlocked_at = @unlocked_at WHERE txid = @txid AND vout = @vout AND unlocked_at IS NULL;

-- name: GetCoinUse :one
SELECT EXISTS (SELECT FROM coin c WHERE c.txid = @txid AND c.vout = @vout AND c.spent_by IS NULL) AS unspent,
    EXISTS (SELECT FROM coin_lock l WHERE l.txid = @txid AND l.vout = @vout AND l.unlocked_at IS NULL) AS locked,
    EXISTS (SELECT FROM reservation r WHERE r.txid = @txid AND r.vout = @vout AND r.released_at IS NULL) AS reserved;

-- name: GetEstimate :one
SELECT body FROM fee_estimate;

-- name: SetEstimate :exec
INSERT INTO fee_estimate (at, body) VALUES (@at, @body) ON CONFLICT (one_row) DO UPDATE SET at = excluded.at, body = excluded.body;

-- name: KeepEstimate :exec
INSERT INTO fee_history (hour, feerate_sat_kvb) VALUES (date_trunc('hour', @at::timestamptz, 'UTC'), @feerate_sat_kvb)
ON CONFLICT (hour) DO UPDATE SET feerate_sat_kvb = excluded.feerate_sat_kvb;

-- name: ForgetEstimates :exec
DELETE FROM fee_history WHERE hour < @before::timestamptz;

-- name: LongRunRate :one
SELECT count(*) AS hours, coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY feerate_sat_kvb), 0)::bigint AS median_sat_kvb FROM fee_history;

-- name: GetWorkerStatus :one
SELECT walked_height, target_height, trouble, at FROM worker_status;

-- name: SetWorkerStatus :exec
INSERT INTO worker_status (walked_height, target_height, trouble, at) VALUES (@walked_height, @target_height, @trouble, @at)
ON CONFLICT (one_row) DO UPDATE SET walked_height = excluded.walked_height, target_height = excluded.target_height, trouble = excluded.trouble, at = excluded.at;

-- name: CountUnbuilt :one
SELECT count(*) FROM batch WHERE state = 'approved';

-- name: ListStuck :many
SELECT id, number, kind, state, coalesce(last_error, '') AS last_error, coalesce(last_code, '') AS last_code, tries FROM batch
WHERE (state IN ('approved', 'built', 'signing', 'signed', 'broadcast', 'voiding') AND tries >= 3)
    OR EXISTS (SELECT FROM batch_alarm x WHERE x.batch_id = batch.id)
ORDER BY number;

-- name: InsertAttemptRaw :exec
INSERT INTO attempt_raw (attempt_id, raw, created_at) VALUES (@attempt_id, @raw, @created_at);

-- name: InsertAttemptEvent :exec
INSERT INTO attempt_event (attempt_id, event, detail, height, at) VALUES (@attempt_id, @event, @detail, (SELECT max(height) FROM header), @at);

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

-- name: ListForgotten :many
SELECT id FROM batch WHERE (state = 'composed' AND created_at <= @composed_at)
    OR (state IN ('composed', 'approved', 'built') AND until < @now::timestamptz) ORDER BY number LIMIT 1000;

-- name: ListLapsed :many
SELECT b.id, b.number, s.name AS composer, e.at, (SELECT count(*) FROM batch_item i WHERE i.batch_id = b.id) AS payees
FROM event e JOIN batch b ON b.id = e.object_id JOIN staff s ON s.id = b.composed_by
WHERE e.object_kind = 'batch' AND e.event = 'batch.lapsed' AND e.at >= @since ORDER BY e.id DESC LIMIT 50;

-- name: ListDue :many
SELECT id FROM batch WHERE state IN ('approved', 'built', 'signing', 'signed', 'broadcast', 'voiding') ORDER BY number;

-- name: WakeWorker :exec
SELECT pg_notify('causeway_due', '');

-- name: CheckLease :one
SELECT epoch FROM lease FOR SHARE;

-- name: TakeLease :one
UPDATE lease SET epoch = epoch + 1, since = @since RETURNING epoch;

-- name: ListOpenBreakers :many
SELECT * FROM breaker WHERE state <> 'reset' ORDER BY id;

-- name: LockBreaker :one
SELECT * FROM breaker WHERE id = @id FOR UPDATE;

-- name: LockOpenBreaker :one
SELECT * FROM breaker WHERE code = @code AND state <> 'reset' FOR UPDATE;

-- name: ListBreakerFindings :many
SELECT * FROM breaker_finding WHERE breaker_id = ANY (@ids::bigint[]) ORDER BY breaker_id, no;

-- name: ListBreakerConsents :many
SELECT c.breaker_id, c.staff_id, s.name, c.at FROM breaker_consent c
JOIN breaker b ON b.id = c.breaker_id AND b.findings = c.findings
JOIN staff s ON s.id = c.staff_id
WHERE c.breaker_id = ANY (@ids::bigint[]) ORDER BY c.breaker_id, c.at, s.name;

-- name: InsertBreaker :one
INSERT INTO breaker (code, tripped_at, changed_at) VALUES (@code, @at, @at)
ON CONFLICT (code) WHERE state <> 'reset' DO NOTHING RETURNING id;

-- name: InsertBreakerFinding :exec
INSERT INTO breaker_finding (breaker_id, no, subject, detail, amount_sat, at) VALUES (@breaker_id, @no, @subject, @detail, sqlc.narg(amount_sat), @at);

-- name: AddToBreaker :exec
UPDATE breaker SET findings = @findings, state = 'open', changed_at = @changed_at WHERE id = @id;

-- name: UpdateBreaker :exec
UPDATE breaker SET state = @state, changed_at = @changed_at WHERE id = @id;

-- name: InsertBreakerConsent :exec
INSERT INTO breaker_consent (breaker_id, findings, staff_id, at) VALUES (@breaker_id, @findings, @staff_id, @at);

-- name: CountAccepted :one
SELECT count(*) FROM breaker_accepted a
JOIN breaker_finding f ON f.breaker_id = a.breaker_id AND f.no = a.no
JOIN breaker b ON b.id = a.breaker_id
WHERE a.lapsed_at IS NULL AND b.code = @code AND f.subject = @subject AND f.amount_sat IS NOT DISTINCT FROM sqlc.narg(amount_sat);

-- name: AcceptFindings :exec
-- Of each subject the newest finding: that is how it stands.
INSERT INTO breaker_accepted (breaker_id, no, at)
SELECT f.breaker_id, max(f.no), @at::timestamptz FROM breaker_finding f WHERE f.breaker_id = @breaker_id GROUP BY f.breaker_id, f.subject;

-- name: LapseSubjectsOf :exec
-- What was accepted before about the subjects of this breaker.
UPDATE breaker_accepted a SET lapsed_at = @at::timestamptz
FROM breaker_finding f, breaker b, breaker this, breaker_finding g
WHERE f.breaker_id = a.breaker_id AND f.no = a.no AND b.id = a.breaker_id AND a.lapsed_at IS NULL
    AND this.id = @breaker_id AND this.code = b.code AND g.breaker_id = this.id AND g.subject = f.subject;

-- name: LapseAccepted :execrows
UPDATE breaker_accepted a SET lapsed_at = @at::timestamptz
FROM breaker_finding f, breaker b
WHERE f.breaker_id = a.breaker_id AND f.no = a.no AND b.id = a.breaker_id AND a.lapsed_at IS NULL
    AND b.code = @code AND f.subject <> ALL (@still::text[]);

-- name: GetAcceptedDifference :one
SELECT f.amount_sat, a.at, ARRAY(SELECT s.name FROM breaker_consent c JOIN staff s ON s.id = c.staff_id
    WHERE c.breaker_id = b.id AND c.findings = b.findings ORDER BY c.at, s.name)::text[] AS names
FROM breaker_accepted a
JOIN breaker_finding f ON f.breaker_id = a.breaker_id AND f.no = a.no
JOIN breaker b ON b.id = a.breaker_id
WHERE a.lapsed_at IS NULL AND b.code = 'ledger_mismatch' AND f.amount_sat IS NOT NULL
ORDER BY a.at DESC LIMIT 1;

-- name: GetProof :one
SELECT sqlc.embed(i), g.reference, g.designation, a.txid, o.vout, ct.height, ct.raw, ct.position, ct.branch, h.hash, b.number, b.digest AS batch_digest
FROM instalment i
JOIN grants g ON g.id = i.grant_id
JOIN attempt_output o ON o.instalment_id = i.id
JOIN attempt a ON a.id = o.attempt_id
JOIN batch b ON b.id = a.batch_id
JOIN chain_tx ct ON ct.txid = a.txid
JOIN header h ON h.height = ct.height
WHERE i.id = @id;

-- name: ListHeadersFrom :many
SELECT raw FROM header WHERE height >= @height ORDER BY height LIMIT @row_limit;

-- name: ListDead :many
SELECT a.txid AS dead_txid, t.txid AS killer_txid, t.raw, t.position, t.branch, t.height
FROM attempt a
JOIN chain_tx t ON t.txid = killer_of(a.id, @final_height::integer)
WHERE a.batch_id <> @batch_id AND a.id = ANY (dead_attempt_ids(@final_height::integer))
    AND EXISTS (SELECT FROM attempt_event e WHERE e.attempt_id = a.id AND e.event = 'signing')
    AND (EXISTS (SELECT FROM attempt_output o JOIN batch_item bi ON bi.instalment_id = o.instalment_id
            WHERE o.attempt_id = a.id AND bi.batch_id = @batch_id)
        OR EXISTS (SELECT FROM attempt_input i JOIN attempt_input j ON j.txid = i.txid AND j.vout = i.vout JOIN attempt own ON own.id = j.attempt_id
            WHERE i.attempt_id = a.id AND own.batch_id = @batch_id))
ORDER BY a.txid;

-- name: ListPayments :many
SELECT sqlc.embed(i), g.reference, g.designation, a.id AS attempt_id, a.txid, a.fee_sat, o.vout, ct.height, h.hash, h.at AS block_at, b.number
FROM instalment i
JOIN grants g ON g.id = i.grant_id
JOIN attempt_output o ON o.instalment_id = i.id
JOIN attempt a ON a.id = o.attempt_id
JOIN batch b ON b.id = a.batch_id
JOIN chain_tx ct ON ct.txid = a.txid
JOIN header h ON h.height = ct.height
WHERE h.at >= @from_at AND h.at < @until_at
ORDER BY ct.height, b.number, o.vout;
