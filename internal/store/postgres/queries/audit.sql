-- name: GetMeta :one
SELECT network, genesis FROM meta;

-- name: InsertMeta :execrows
INSERT INTO meta (network, genesis, created_at) VALUES (@network, @genesis, now()) ON CONFLICT DO NOTHING;

-- name: LockAudit :exec
-- Ends with the transaction. Taken after every row lock and after the ledger's lock.
SELECT pg_advisory_xact_lock(7305812, 2);

-- name: AuditSize :one
SELECT coalesce(max(seq) + 1, 0)::bigint FROM audit_leaf;

-- name: AuditEnd :one
SELECT coalesce((SELECT max(seq) + 1 FROM audit_leaf), 0)::bigint AS size, EXISTS (SELECT FROM audit_waiting) AS waiting;

-- name: QueueAudit :exec
-- AppendAudit but for the leaf, which waits.
WITH waiting AS (
    INSERT INTO audit_waiting (at, actor, action, object_kind, object_id, digest, from_state, to_state)
    VALUES (@at, @actor, @action, @object_kind, @object_id, @digest, @from_state, @to_state)
)
INSERT INTO event (object_kind, object_id, event, from_state, to_state, actor_kind, actor_id, detail, at)
VALUES (@object_kind, @object_id, @action, nullif(@from_state::text, ''), nullif(@to_state::text, ''), @actor_kind, sqlc.narg('actor_staff')::uuid, @detail, @at);

-- name: TakeWaiting :many
-- The caller holds the log's lock, so nobody else takes the same ones.
WITH taken AS (
    DELETE FROM audit_waiting WHERE id IN (SELECT w.id FROM audit_waiting w ORDER BY w.id LIMIT @up_to::bigint) RETURNING *
)
SELECT at, actor, action, object_kind, object_id, digest, from_state, to_state FROM taken ORDER BY id;

-- name: AppendWaiting :exec
-- The leaves and hashes of what was waiting; their history was written with them.
WITH leaf AS (
    INSERT INTO audit_leaf (seq, at, actor, action, object_kind, object_id, leaf)
    SELECT unnest(@seqs::bigint[]), unnest(@ats::timestamptz[]), unnest(@actors::text[]), unnest(@actions::text[]),
        unnest(@object_kinds::text[]), unnest(@object_ids::text[]), unnest(@leaves::bytea[])
)
INSERT INTO audit_hash (index, hash) SELECT unnest(@indexes::bigint[]), unnest(@hashes::bytea[]);

-- name: AppendAudit :exec
-- A leaf, the hashes that it completes, and the row of its object's history, unless the object is no UUID. One statement,
-- because the log's lock is held meanwhile.
WITH leaf AS (
    INSERT INTO audit_leaf (seq, at, actor, action, object_kind, object_id, leaf)
    VALUES (@seq, @at, @actor, @action, @object_kind, @object_id, @leaf)
), hashes AS (
    INSERT INTO audit_hash (index, hash) SELECT unnest(@indexes::bigint[]), unnest(@hashes::bytea[])
)
INSERT INTO event (object_kind, object_id, event, from_state, to_state, actor_kind, actor_id, detail, at)
SELECT @object_kind, sqlc.narg('object')::uuid, @action, @from_state, @to_state, @actor_kind::text, sqlc.narg('actor_staff')::uuid, @detail::jsonb, @at
WHERE sqlc.narg('object')::uuid IS NOT NULL;

-- name: ListAuditHashes :many
SELECT index, hash FROM audit_hash WHERE index = ANY (@indexes::bigint[]) ORDER BY index;

-- name: ListAuditLeaves :many
SELECT leaf FROM audit_leaf WHERE seq >= @first ORDER BY seq LIMIT @up_to::bigint;

-- name: ListCheckpoints :many
SELECT size, note, at FROM audit_checkpoint ORDER BY size, id;

-- name: ListNewestCheckpoints :many
SELECT size, note, at FROM audit_checkpoint ORDER BY size DESC, id DESC LIMIT @row_limit::bigint OFFSET @skip::bigint;

-- name: InsertCheckpoint :exec
INSERT INTO audit_checkpoint (size, note, at) VALUES (@size, @note, @at) ON CONFLICT (size, note) DO NOTHING;
