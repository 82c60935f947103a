-- name: InsertStaff :exec
INSERT INTO staff (id, name, created_at, disabled_at) VALUES (@id, @name, @created_at, @disabled_at);

-- name: UpdateStaff :exec
UPDATE staff SET name = @name, disabled_at = @disabled_at WHERE id = @id;

-- name: DeleteOtherRoles :exec
DELETE FROM staff_role WHERE staff_id = @staff_id AND role <> ALL (@keep::text[]);

-- name: InsertRoles :exec
INSERT INTO staff_role (staff_id, role) SELECT @staff_id, unnest(@roles::text[]) ON CONFLICT DO NOTHING;

-- name: LockStaff :one
-- The lock alone: roles are read after it, or they could be from before the wait.
-- NO KEY: whoever merely refers to the person need not wait.
SELECT id FROM staff WHERE id = @id FOR NO KEY UPDATE;

-- name: GetStaff :one
SELECT sqlc.embed(s), ARRAY(SELECT r.role FROM staff_role r WHERE r.staff_id = s.id)::text[] AS roles
FROM staff s WHERE s.id = @id;

-- name: ListStaff :many
SELECT sqlc.embed(s), ARRAY(SELECT r.role FROM staff_role r WHERE r.staff_id = s.id)::text[] AS roles
FROM staff s ORDER BY s.created_at, s.id;

-- name: InsertLink :exec
INSERT INTO one_time_link (id, token_hash, purpose, staff_id, created_at, expires_at, used_at)
VALUES (@id, @token_hash, @purpose, @staff_id, @created_at, @expires_at, @used_at);

-- name: GetLink :one
SELECT sqlc.embed(l), sqlc.embed(s), ARRAY(SELECT r.role FROM staff_role r WHERE r.staff_id = s.id)::text[] AS roles
FROM one_time_link l JOIN staff s ON s.id = l.staff_id WHERE l.token_hash = @token_hash;

-- name: UseLink :execrows
UPDATE one_time_link SET used_at = @at::timestamptz
WHERE token_hash = @token_hash AND staff_id = @staff_id AND used_at IS NULL AND expires_at > @at::timestamptz;

-- name: EndLinks :exec
-- All links of a person that are still open: one was used, or the person was disabled.
UPDATE one_time_link SET used_at = @at::timestamptz WHERE staff_id = @staff_id AND used_at IS NULL;

-- name: EndSessions :exec
UPDATE session SET revoked_at = @at::timestamptz WHERE staff_id = @staff_id AND revoked_at IS NULL;

-- name: EndTokens :exec
UPDATE api_token SET revoked_at = @at::timestamptz WHERE staff_id = @staff_id AND revoked_at IS NULL;

-- name: InsertCeremony :exec
INSERT INTO ceremony (hash, kind, staff_id, state, expires_at) VALUES (@hash, @kind, @staff_id, @state, @expires_at);

-- name: TakeCeremony :one
DELETE FROM ceremony WHERE hash = @hash RETURNING *;

-- name: DeleteOldCeremonies :exec
-- A few at a time, past those that somebody else is deleting.
DELETE FROM ceremony WHERE hash IN (
    SELECT c.hash FROM ceremony c WHERE c.expires_at < @before ORDER BY c.expires_at LIMIT 100 FOR UPDATE SKIP LOCKED
);

-- name: InsertPasskey :exec
INSERT INTO passkey (credential_id, staff_id, label, record, created_at, last_used_at)
VALUES (@credential_id, @staff_id, @label, @record, @created_at, @last_used_at);

-- name: UpdatePasskey :execrows
UPDATE passkey SET record = @record, last_used_at = @last_used_at WHERE credential_id = @credential_id AND staff_id = @staff_id;

-- name: ListPasskeys :many
SELECT * FROM passkey WHERE staff_id = @staff_id ORDER BY created_at, credential_id;

-- name: GetPasskey :one
SELECT sqlc.embed(p), sqlc.embed(s), ARRAY(SELECT r.role FROM staff_role r WHERE r.staff_id = s.id)::text[] AS roles
FROM passkey p JOIN staff s ON s.id = p.staff_id WHERE p.credential_id = @credential_id;

-- name: InsertSession :exec
INSERT INTO session (id, token_hash, staff_id, method, created_at, last_seen_at, expires_at, revoked_at)
VALUES (@id, @token_hash, @staff_id, @method, @created_at, @last_seen_at, @expires_at, @revoked_at);

-- name: GetSession :one
SELECT sqlc.embed(x), sqlc.embed(s), ARRAY(SELECT r.role FROM staff_role r WHERE r.staff_id = s.id)::text[] AS roles
FROM session x JOIN staff s ON s.id = x.staff_id WHERE x.token_hash = @token_hash;

-- name: TouchSession :exec
UPDATE session SET last_seen_at = @at::timestamptz
WHERE id = @id AND last_seen_at < @at::timestamptz AND revoked_at IS NULL AND expires_at > @at::timestamptz;

-- name: ListSessions :many
SELECT * FROM session WHERE staff_id = @staff_id AND revoked_at IS NULL AND expires_at > @now::timestamptz
ORDER BY created_at DESC, id DESC;

-- name: RevokeSession :execrows
UPDATE session SET revoked_at = coalesce(revoked_at, @at::timestamptz) WHERE id = @id AND staff_id = @staff_id;

-- name: ReplaceSession :exec
UPDATE session SET revoked_at = @at::timestamptz WHERE token_hash = @token_hash AND staff_id = @staff_id AND revoked_at IS NULL;

-- name: InsertToken :exec
INSERT INTO api_token (id, token_hash, staff_id, name, scopes, created_at, expires_at, last_used_at, revoked_at)
VALUES (@id, @token_hash, @staff_id, @name, @scopes, @created_at, @expires_at, @last_used_at, @revoked_at);

-- name: GetToken :one
SELECT sqlc.embed(t), sqlc.embed(s), ARRAY(SELECT r.role FROM staff_role r WHERE r.staff_id = s.id)::text[] AS roles
FROM api_token t JOIN staff s ON s.id = t.staff_id WHERE t.token_hash = @token_hash;

-- name: TouchToken :exec
UPDATE api_token SET last_used_at = @at::timestamptz WHERE id = @id AND (last_used_at IS NULL OR last_used_at < @at::timestamptz);

-- name: ListTokens :many
SELECT * FROM api_token WHERE staff_id = @staff_id ORDER BY created_at DESC, id DESC;

-- name: RevokeToken :execrows
UPDATE api_token SET revoked_at = coalesce(revoked_at, @at::timestamptz) WHERE id = @id AND staff_id = @staff_id;
