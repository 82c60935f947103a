-- What the automatic checks of an application rest on. Each statement reads a bounded number of rows, whatever others send.

-- name: PutPrint :exec
INSERT INTO application_print (application_id, text_hash, servers) VALUES (@application_id, @text_hash, @servers)
ON CONFLICT (application_id) DO UPDATE SET text_hash = excluded.text_hash, servers = excluded.servers;

-- name: GetPrint :one
SELECT text_hash, servers FROM application_print WHERE application_id = @application_id;

-- name: ScreenServers :one
SELECT count(*) FILTER (WHERE last_verdict = 'up')::integer AS up, count(*) FILTER (WHERE last_verdict = 'down')::integer AS down,
    count(*) FILTER (WHERE last_verdict = 'unknown')::integer AS unknown, count(*) FILTER (WHERE last_verdict IS NULL)::integer AS unchecked,
    count(*) FILTER (WHERE proven_until > @now::timestamptz)::integer AS proven
FROM endpoint WHERE application_id = @application_id AND state = 'active';

-- name: ScreenPayee :many
SELECT o.id, o.reference, o.live FROM (
    SELECT a.id, a.reference, a.state NOT IN ('declined', 'withdrawn') AS live FROM application a
    WHERE a.payee_index = @payee_index AND a.fund_id = @fund_id AND a.id <> @id LIMIT @row_limit
) o ORDER BY o.live DESC, o.id DESC;

-- name: ScreenText :many
-- Candidates share a byte with the fingerprint; of each byte the newest row_limit are looked at, and the most that are closest are kept.
SELECT a.id, a.reference, (a.state NOT IN ('declined', 'withdrawn'))::boolean AS live, bit_count((t.text_hash # @text_hash::bigint)::bit(64))::integer AS bits
FROM application_print t JOIN application a ON a.id = t.application_id
WHERE a.id <> @id AND a.fund_id = @fund_id AND t.application_id = ANY (
    ARRAY(SELECT n.application_id FROM (SELECT p.application_id, p.text_hash FROM application_print p
        WHERE (p.text_hash & 255) = (@text_hash::bigint & 255) ORDER BY p.application_id DESC LIMIT @row_limit) n
        WHERE bit_count((n.text_hash # @text_hash::bigint)::bit(64)) <= @far::integer ORDER BY bit_count((n.text_hash # @text_hash::bigint)::bit(64)) LIMIT @most) ||
    ARRAY(SELECT n.application_id FROM (SELECT p.application_id, p.text_hash FROM application_print p
        WHERE ((p.text_hash >> 8) & 255) = ((@text_hash::bigint >> 8) & 255) ORDER BY p.application_id DESC LIMIT @row_limit) n
        WHERE bit_count((n.text_hash # @text_hash::bigint)::bit(64)) <= @far::integer ORDER BY bit_count((n.text_hash # @text_hash::bigint)::bit(64)) LIMIT @most) ||
    ARRAY(SELECT n.application_id FROM (SELECT p.application_id, p.text_hash FROM application_print p
        WHERE ((p.text_hash >> 16) & 255) = ((@text_hash::bigint >> 16) & 255) ORDER BY p.application_id DESC LIMIT @row_limit) n
        WHERE bit_count((n.text_hash # @text_hash::bigint)::bit(64)) <= @far::integer ORDER BY bit_count((n.text_hash # @text_hash::bigint)::bit(64)) LIMIT @most) ||
    ARRAY(SELECT n.application_id FROM (SELECT p.application_id, p.text_hash FROM application_print p
        WHERE ((p.text_hash >> 24) & 255) = ((@text_hash::bigint >> 24) & 255) ORDER BY p.application_id DESC LIMIT @row_limit) n
        WHERE bit_count((n.text_hash # @text_hash::bigint)::bit(64)) <= @far::integer ORDER BY bit_count((n.text_hash # @text_hash::bigint)::bit(64)) LIMIT @most) ||
    ARRAY(SELECT n.application_id FROM (SELECT p.application_id, p.text_hash FROM application_print p
        WHERE ((p.text_hash >> 32) & 255) = ((@text_hash::bigint >> 32) & 255) ORDER BY p.application_id DESC LIMIT @row_limit) n
        WHERE bit_count((n.text_hash # @text_hash::bigint)::bit(64)) <= @far::integer ORDER BY bit_count((n.text_hash # @text_hash::bigint)::bit(64)) LIMIT @most) ||
    ARRAY(SELECT n.application_id FROM (SELECT p.application_id, p.text_hash FROM application_print p
        WHERE ((p.text_hash >> 40) & 255) = ((@text_hash::bigint >> 40) & 255) ORDER BY p.application_id DESC LIMIT @row_limit) n
        WHERE bit_count((n.text_hash # @text_hash::bigint)::bit(64)) <= @far::integer ORDER BY bit_count((n.text_hash # @text_hash::bigint)::bit(64)) LIMIT @most) ||
    ARRAY(SELECT n.application_id FROM (SELECT p.application_id, p.text_hash FROM application_print p
        WHERE ((p.text_hash >> 48) & 255) = ((@text_hash::bigint >> 48) & 255) ORDER BY p.application_id DESC LIMIT @row_limit) n
        WHERE bit_count((n.text_hash # @text_hash::bigint)::bit(64)) <= @far::integer ORDER BY bit_count((n.text_hash # @text_hash::bigint)::bit(64)) LIMIT @most) ||
    ARRAY(SELECT n.application_id FROM (SELECT p.application_id, p.text_hash FROM application_print p
        WHERE ((p.text_hash >> 56) & 255) = ((@text_hash::bigint >> 56) & 255) ORDER BY p.application_id DESC LIMIT @row_limit) n
        WHERE bit_count((n.text_hash # @text_hash::bigint)::bit(64)) <= @far::integer ORDER BY bit_count((n.text_hash # @text_hash::bigint)::bit(64)) LIMIT @most))
ORDER BY 3 DESC, 4, a.id DESC LIMIT @most;

-- name: ScreenTraits :one
SELECT count(*)::integer FROM endpoint e JOIN endpoint_link l ON l.endpoint_id = e.id WHERE e.application_id = @application_id;

-- name: ScreenLinks :many
SELECT s.kind, s.id, s.reference, s.live FROM (
    SELECT DISTINCT mine.kind, x.id, x.reference, x.live
    FROM endpoint e
    JOIN endpoint_link mine ON mine.endpoint_id = e.id
    CROSS JOIN LATERAL (
        SELECT a.id, a.reference, a.state NOT IN ('declined', 'withdrawn') AS live
        FROM endpoint_link other
        JOIN endpoint o ON o.id = other.endpoint_id
        JOIN application a ON a.id = o.application_id
        WHERE other.kind = mine.kind AND other.index = mine.index AND o.application_id <> e.application_id AND a.fund_id = @fund_id
        LIMIT @row_limit
    ) x
    WHERE e.application_id = @application_id
) s ORDER BY s.kind, s.live DESC, s.id DESC;

-- name: ScreenBurst :one
SELECT (SELECT count(*) FROM (
        SELECT FROM application a WHERE a.fund_id = @fund_id AND a.submitted_at >= @from_at::timestamptz AND a.submitted_at <= @until_at::timestamptz AND a.id <> @id
        LIMIT @most) n)::integer AS others,
    b.n::integer AS before, coalesce(b.since, @from_at::timestamptz)::timestamptz AS since
FROM (
    SELECT count(*) AS n, min(x.submitted_at) AS since FROM (
        SELECT a.submitted_at FROM application a WHERE a.fund_id = @fund_id AND a.submitted_at < @from_at::timestamptz ORDER BY a.submitted_at DESC LIMIT @usual_of
    ) x
) b;

-- name: ScreenMedian :one
SELECT count(*)::integer AS grants, coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY n.amount_sat), 0)::bigint AS median_sat FROM (
    SELECT g.amount_sat FROM grants g
    WHERE g.fund_id = @fund_id AND g.state <> 'terminated' AND g.application_id <> @id ORDER BY g.created_at DESC, g.id DESC LIMIT @row_limit
) n;
