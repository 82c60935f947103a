-- name: GetReplay :one
SELECT i.body_sha256, a.id AS application_id, a.reference, r.body_sha256 AS first_sha256
FROM idempotency i
JOIN application a ON a.id = i.object_ids[1]
JOIN application_revision r ON r.application_id = a.id AND r.revision = 1
WHERE i.scope = @scope AND i.key_hash = @key_hash;

-- name: InsertApplication :exec
INSERT INTO application (id, fund_id, reference, designation, state, revision, version, protocols, region, language, amount_sat,
    receipt_hash, payee_index, title_words, data_key, key_id, submitted_at, changed_at)
VALUES (@id, @fund_id, @reference, @designation, @state, @revision, @version, @protocols, @region, @language, @amount_sat,
    @receipt_hash, @payee_index, @title_words, @data_key, @key_id, @submitted_at, @changed_at);

-- name: UseKey :exec
INSERT INTO idempotency (scope, key_hash, body_sha256, object_ids, created_at) VALUES (@scope, @key_hash, @body_sha256, @object_ids, @created_at);

-- name: GetMade :one
SELECT body_sha256, object_ids FROM idempotency WHERE scope = @scope AND key_hash = @key_hash;

-- name: CheckOpenOfPayee :exec
-- Takes a lock that ends with the transaction, before the audit log's.
SELECT check_open_of_payee(@payee_index::bytea, @self::uuid, @states::text[], @most::bigint);

-- name: InsertRevision :exec
INSERT INTO application_revision (application_id, revision, body, body_sha256, amount_sat, created_at)
VALUES (@application_id, @revision, @body, @body_sha256, @amount_sat, @created_at);

-- name: InsertDecision :exec
INSERT INTO decision (id, application_id, revision, grant_id, digest, note, amount_sat, created_at)
VALUES (@id, @application_id, @revision, @grant_id, @digest, @note, @amount_sat, @created_at);

-- name: GetApplication :one
SELECT * FROM application WHERE id = @id;

-- name: GetApplicationByReceipt :one
SELECT * FROM application WHERE receipt_hash = @receipt_hash;

-- name: ReceiptKnown :one
SELECT EXISTS (SELECT FROM application WHERE receipt_hash = @receipt_hash);

-- name: LockApplication :one
SELECT * FROM application WHERE id = @id FOR UPDATE;

-- name: UpdateApplication :execrows
UPDATE application SET state = @state, revision = @revision, version = version + 1, protocols = @protocols, region = @region,
    language = @language, amount_sat = @amount_sat, payee_index = @payee_index, title_words = @title_words,
    changed_at = @changed_at
WHERE id = @id AND version = @version;

-- name: GetRevision :one
SELECT * FROM application_revision WHERE application_id = @application_id AND revision = @revision;

-- name: GetDecision :one
SELECT * FROM decision WHERE application_id = @application_id AND revision = @revision;

-- name: GetClaim :one
SELECT c.staff_id, s.name, c.expires_at FROM claim c JOIN staff s ON s.id = c.staff_id
WHERE c.application_id = @application_id AND c.expires_at > @now;

-- name: PutClaim :exec
INSERT INTO claim (application_id, staff_id, expires_at) VALUES (@application_id, @staff_id, @expires_at)
ON CONFLICT (application_id) DO UPDATE SET staff_id = excluded.staff_id, expires_at = excluded.expires_at;

-- name: DeleteClaim :exec
DELETE FROM claim WHERE application_id = @application_id;

-- name: ListVotes :many
SELECT sqlc.embed(v), s.name FROM vote v JOIN staff s ON s.id = v.staff_id
WHERE v.application_id = @application_id AND v.revision = @revision ORDER BY v.created_at, v.id;

-- name: InsertVote :exec
INSERT INTO vote (id, application_id, revision, digest, staff_id, verdict, note, auth_kind, auth_envelope, created_at)
VALUES (@id, @application_id, @revision, @digest, @staff_id, @verdict, @note, @auth_kind, NULL, @created_at);

-- name: ListMessages :many
SELECT sqlc.embed(m), coalesce(s.name, '') AS name FROM message m LEFT JOIN staff s ON s.id = m.staff_id
WHERE m.application_id = @application_id ORDER BY m.created_at, m.id;

-- name: CountUnanswered :one
-- What the operator wrote after the newest word of the team to them.
SELECT count(*) FROM message m
WHERE m.application_id = @application_id AND m.author_kind = 'operator' AND NOT EXISTS (
    SELECT FROM message s
    WHERE s.application_id = m.application_id AND s.author_kind = 'staff' AND s.audience = 'operator' AND (s.created_at, s.id) > (m.created_at, m.id));

-- name: InsertMessage :exec
INSERT INTO message (id, application_id, audience, author_kind, staff_id, body, created_at)
VALUES (@id, @application_id, @audience, @author_kind, @staff_id, @body, @created_at);

-- name: ListHistory :many
SELECT e.event, coalesce(e.from_state, '') AS from_state, coalesce(e.to_state, '') AS to_state, e.actor_kind,
    coalesce(s.name, '') AS name, e.detail, e.at
FROM event e LEFT JOIN staff s ON s.id = e.actor_id
WHERE e.object_kind = @object_kind AND e.object_id = @object_id ORDER BY e.id;

-- The queue is read in steps, each with a plan that no parameter can spoil: one of the next five walks an index in the
-- queue's order, a stretch at a time; QueueFits says which of a stretch fit; QueueLines reads what is shown.

-- name: QueueOfStates :many
SELECT x.id, x.submitted_at FROM unnest(@states::text[]) AS s (state)
CROSS JOIN LATERAL (
    SELECT a.id, a.submitted_at FROM application a
    WHERE a.state = s.state AND (a.submitted_at, a.id) < (@before_at::timestamptz, @before_id::uuid)
    ORDER BY a.submitted_at DESC, a.id DESC LIMIT @look::bigint
) x
ORDER BY x.submitted_at DESC, x.id DESC LIMIT @look::bigint;

-- name: QueueOfRegion :many
SELECT x.id, x.submitted_at FROM unnest(@states::text[]) AS s (state)
CROSS JOIN LATERAL (
    SELECT a.id, a.submitted_at FROM application a
    WHERE a.region = @region AND a.state = s.state AND (a.submitted_at, a.id) < (@before_at::timestamptz, @before_id::uuid)
    ORDER BY a.submitted_at DESC, a.id DESC LIMIT @look::bigint
) x
ORDER BY x.submitted_at DESC, x.id DESC LIMIT @look::bigint;

-- name: QueueOfLanguage :many
SELECT x.id, x.submitted_at FROM unnest(@states::text[]) AS s (state)
CROSS JOIN LATERAL (
    SELECT a.id, a.submitted_at FROM application a
    WHERE a.language = @language AND a.state = s.state AND (a.submitted_at, a.id) < (@before_at::timestamptz, @before_id::uuid)
    ORDER BY a.submitted_at DESC, a.id DESC LIMIT @look::bigint
) x
ORDER BY x.submitted_at DESC, x.id DESC LIMIT @look::bigint;

-- name: QueueOfWord :many
SELECT w.application_id AS id, w.submitted_at FROM application_word w
WHERE w.word = @word AND (w.submitted_at, w.application_id) < (@before_at::timestamptz, @before_id::uuid)
ORDER BY w.submitted_at DESC, w.application_id DESC LIMIT @look::bigint;

-- name: QueueOfClaims :many
-- A claim ends by itself, so one person has few. An array and no join: claims that are over stay, and would count in the plan.
SELECT a.id, a.submitted_at FROM application a
WHERE a.id = ANY (ARRAY(SELECT c.application_id FROM claim c WHERE c.staff_id = @staff_id AND c.expires_at > @now
        ORDER BY c.expires_at DESC LIMIT 1000))
    AND (a.submitted_at, a.id) < (@before_at::timestamptz, @before_id::uuid)
ORDER BY a.submitted_at DESC, a.id DESC LIMIT @look::bigint;

-- name: QueueNamed :many
-- By the whole reference or designation.
SELECT a.id, a.submitted_at FROM application a WHERE a.reference = @reference
UNION
SELECT a.id, a.submitted_at FROM application a WHERE a.designation = @designation
ORDER BY submitted_at DESC, id DESC;

-- name: RarestWord :one
-- The word of which the fewest applications are known, counted to 1000.
SELECT x.word::bigint AS word, (SELECT count(*) FROM (SELECT FROM application_word w WHERE w.word = x.word LIMIT 1000) y) AS known
FROM unnest(@words::bigint[]) AS x (word)
ORDER BY known, word LIMIT 1;

-- name: QueueFits :many
-- Subqueries of one row, where EXISTS or a join could be hashed and read every vote or claim; one that is not asked for is not run.
SELECT a.id FROM application a
WHERE a.id = ANY (@ids::uuid[]) AND a.state = ANY (@states::text[])
    AND (@protocol::text = '' OR a.protocols @> ARRAY[@protocol::text])
    AND (@region::text = '' OR a.region = @region::text)
    AND (@language::text = '' OR a.language = @language::text)
    AND a.title_words @> @words::bigint[]
    AND (NOT @voted::boolean
        OR (SELECT v.id FROM vote v WHERE v.application_id = a.id AND v.revision = a.revision AND v.staff_id = @voter::uuid LIMIT 1) IS NOT NULL)
    AND (NOT @not_voted::boolean
        OR (SELECT v.id FROM vote v WHERE v.application_id = a.id AND v.revision = a.revision AND v.staff_id = @voter::uuid LIMIT 1) IS NULL)
    AND (sqlc.narg('claimed_by')::uuid IS NULL OR sqlc.narg('claimed_by')::uuid =
        (SELECT c.staff_id FROM claim c WHERE c.application_id = a.id AND c.expires_at > @now::timestamptz LIMIT 1))
    AND (NOT @unclaimed::boolean
        OR (SELECT c.staff_id FROM claim c WHERE c.application_id = a.id AND c.expires_at > @now::timestamptz LIMIT 1) IS NULL);

-- name: QueueLines :many
SELECT sqlc.embed(a), r.body, coalesce(t.approve, 0)::bigint AS approve, coalesce(t.decline, 0)::bigint AS decline,
    coalesce(mine.verdict, '')::text AS my_verdict, c.staff_id AS claim_staff, coalesce(cs.name, '')::text AS claim_name, c.expires_at AS claim_until,
    (SELECT count(*) FROM (SELECT FROM application o WHERE o.payee_index = a.payee_index AND o.id <> a.id
        ORDER BY o.state, o.id LIMIT 100) x)::bigint AS same_payee
FROM application a
JOIN application_revision r ON r.application_id = a.id AND r.revision = a.revision
LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE v.verdict = 'approve') AS approve, count(*) FILTER (WHERE v.verdict = 'decline') AS decline
    FROM vote v WHERE v.application_id = a.id AND v.revision = a.revision
) t ON true
LEFT JOIN vote mine ON mine.application_id = a.id AND mine.revision = a.revision AND mine.staff_id = @asker::uuid
LEFT JOIN claim c ON c.application_id = a.id AND c.expires_at > @now::timestamptz
LEFT JOIN staff cs ON cs.id = c.staff_id
WHERE a.id = ANY (@ids::uuid[])
ORDER BY a.submitted_at DESC, a.id DESC;

-- name: CountApplications :many
-- Each state up to a bound, which keeps this as cheap with a million applications as with ten. The order is that of an index:
-- without it a table is read whole for a state that few are in.
SELECT s.state::text AS state, (
    SELECT count(*) FROM (SELECT FROM application a WHERE a.state = s.state ORDER BY a.submitted_at DESC, a.id DESC LIMIT @up_to::bigint) x
) AS count
FROM unnest(@states::text[]) AS s (state);

-- name: SumGrants :one
SELECT coalesce(sum(amount_sat), 0)::bigint FROM grants WHERE state <> 'terminated';

-- name: InsertGrant :exec
INSERT INTO grants (id, application_id, fund_id, reference, designation, state, amount_sat, version, created_at)
VALUES (@id, @application_id, @fund_id, @reference, @designation, @state, @amount_sat, @version, @created_at);

-- name: InsertInstalment :exec
INSERT INTO instalment (id, grant_id, period, decision_id, digest, note, payee_script, payee_address, amount_sat, due_at, until_at, state, version, created_at, changed_at)
VALUES (@id, @grant_id, @period, @decision_id, @digest, @note, @payee_script, @payee_address, @amount_sat, @due_at, @until_at, @state, @version, @created_at, @changed_at);

-- name: GetGrant :one
SELECT * FROM grants WHERE id = @id;

-- name: GetGrantOfApplication :one
SELECT * FROM grants WHERE application_id = @application_id;

-- name: ListGrants :many
SELECT * FROM grants
WHERE (created_at, id) < (@before_at::timestamptz, @before_id::uuid)
ORDER BY created_at DESC, id DESC LIMIT @row_limit;

-- name: ListInstalments :many
SELECT sqlc.embed(i), coalesce(b.number, 0)::bigint AS batch_number, coalesce(b.state, '')::text AS batch_state,
    EXISTS (SELECT FROM batch_alarm y WHERE y.batch_id = b.id) AS alarmed, x.txid, coalesce(x.vout, 0)::bigint AS vout, coalesce(x.height, 0)::integer AS height,
    coalesce((SELECT max(h.height) FROM header h), 0)::integer AS tip
FROM instalment i
LEFT JOIN batch_item bi ON bi.instalment_id = i.id AND bi.released_at IS NULL
LEFT JOIN batch b ON b.id = bi.batch_id
LEFT JOIN LATERAL (
    SELECT a.txid, o.vout, ct.height FROM attempt a
    JOIN attempt_output o ON o.attempt_id = a.id AND o.instalment_id = i.id
    LEFT JOIN chain_tx ct ON ct.txid = a.txid
    WHERE a.batch_id = b.id
    ORDER BY ct.height NULLS LAST, a.no DESC LIMIT 1
) x ON true
WHERE i.grant_id = ANY (@grant_ids::uuid[])
ORDER BY i.grant_id, i.due_at, i.period, i.id;
