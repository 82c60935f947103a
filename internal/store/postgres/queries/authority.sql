-- name: LockCharters :exec
SELECT pg_advisory_xact_lock(7305812, 3);

-- name: ListCharters :many
SELECT digest, text, taken_in_at FROM charter ORDER BY seq;

-- name: ListCharterDrafts :many
SELECT d.digest, d.text, d.proposed_by, s.name, d.proposed_at FROM charter_draft d JOIN staff s ON s.id = d.proposed_by ORDER BY d.seq;

-- name: ListCharterSignatures :many
SELECT s.digest, s.key, s.armored, s.at FROM charter_signature s
WHERE EXISTS (SELECT FROM charter c WHERE c.digest = s.digest) OR EXISTS (SELECT FROM charter_draft d WHERE d.digest = s.digest)
ORDER BY s.digest, s.at, s.key;

-- name: InsertCharter :exec
INSERT INTO charter (digest, text, taken_in_at) VALUES (@digest, @text, @taken_in_at);

-- name: InsertCharterDraft :exec
INSERT INTO charter_draft (digest, text, proposed_by, proposed_at) VALUES (@digest, @text, @proposed_by, @proposed_at);

-- name: InsertCharterSignature :exec
INSERT INTO charter_signature (digest, key, armored, at) VALUES (@digest, @key, @armored, @at);

-- name: DropCharterDrafts :exec
DELETE FROM charter_draft WHERE digest = ANY (@digests::bytea[]);
