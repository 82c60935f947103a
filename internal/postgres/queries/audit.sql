-- name: GetMeta :one
SELECT network, genesis FROM meta;

-- name: InsertMeta :execrows
INSERT INTO meta (network, genesis, created_at) VALUES (@network, @genesis, now()) ON CONFLICT DO NOTHING;

-- name: LockAudit :exec
-- Ends with the transaction. Taken after every row lock and after the ledger's lock.
SELECT pg_advisory_xact_lock(7305812, 2);

-- name: AuditSize :one
SELECT coalesce(max(seq) + 1, 0)::bigint FROM audit_leaf;

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
