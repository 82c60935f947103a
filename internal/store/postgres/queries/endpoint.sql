-- name: GetCheckPolicy :one
SELECT * FROM check_policy;

-- name: SetCheckPolicy :exec
UPDATE check_policy SET slot_s = @slot_s, full_permille = @full_permille, confirmations = @confirmations, backoff_after = @backoff_after,
    backoff_every_s = @backoff_every_s, min_coverage_permille = @min_coverage_permille, min_uptime_permille = @min_uptime_permille, pay_place = @pay_place,
    require_control = @require_control, maintenance_notice_s = @maintenance_notice_s, maintenance_max_s = @maintenance_max_s, keep_raw_days = @keep_raw_days;

-- name: InsertEndpoint :exec
INSERT INTO endpoint (id, application_id, label, position, protocol, spec, spec_index, checks_from, created_at)
VALUES (@id, @application_id, @label, @position, @protocol, @spec, @spec_index, @checks_from, @created_at);

-- name: PutEndpointLink :exec
INSERT INTO endpoint_link (endpoint_id, kind, index, seen_at) VALUES (@endpoint_id, @kind, @index, @seen_at)
ON CONFLICT (endpoint_id, kind, index) DO UPDATE SET seen_at = greatest(endpoint_link.seen_at, excluded.seen_at);

-- name: RetireEndpoints :exec
UPDATE endpoint SET state = 'retired', retired_at = @retired_at::timestamptz
WHERE application_id = @application_id AND id = ANY (@ids::uuid[]) AND state = 'active';

-- name: ListLiveEndpoints :many
SELECT id, label, position, spec_index, proven_at, proven_until
FROM endpoint WHERE application_id = @application_id AND state = 'active' ORDER BY position;

-- name: ListOpenedOf :many
SELECT sqlc.embed(e), a.data_key, a.key_id, a.reference, a.designation,
    EXISTS (SELECT FROM check_request r WHERE r.endpoint_id = e.id AND r.done_at IS NULL)::boolean AS pending
FROM endpoint e JOIN application a ON a.id = e.application_id
WHERE e.application_id = @application_id AND e.state = 'active' ORDER BY e.position;

-- name: ListTwins :many
SELECT sqlc.embed(e), a.data_key, a.key_id, a.reference, a.designation
FROM endpoint e JOIN application a ON a.id = e.application_id
WHERE e.state = 'active' AND e.protocol = 'mtproto' AND e.id IN (
    SELECT other.endpoint_id FROM endpoint mine
    JOIN endpoint_link own ON own.endpoint_id = mine.id AND own.kind = 'secret'
    JOIN endpoint_link other ON other.kind = own.kind AND other.index = own.index
    JOIN endpoint o ON o.id = other.endpoint_id AND o.application_id <> mine.application_id
    WHERE mine.id = @id)
ORDER BY e.id LIMIT 10;

-- name: GetOpened :one
SELECT sqlc.embed(e), a.data_key, a.key_id, a.reference, a.designation,
    EXISTS (SELECT FROM check_request r WHERE r.endpoint_id = e.id AND r.done_at IS NULL)::boolean AS pending
FROM endpoint e JOIN application a ON a.id = e.application_id
WHERE e.id = @id;

-- name: LockEndpoint :one
SELECT id FROM endpoint WHERE id = @id FOR UPDATE;

-- name: UpdateEndpoint :exec
UPDATE endpoint SET state = @state, generation = @generation, control = @control, proven_at = @proven_at, prove_again_at = @prove_again_at,
    proven_until = @proven_until, failed_slots = @failed_slots, rechecked_at = @rechecked_at, retired_at = @retired_at
WHERE id = @id;

-- name: AskedOf :one
SELECT
    (SELECT count(*) FROM check_request r WHERE r.endpoint_id = e.id AND r.asked_at > @since::timestamptz)::bigint AS of_endpoint,
    (SELECT count(*) FROM check_request r JOIN endpoint o ON o.id = r.endpoint_id
     WHERE o.application_id = e.application_id AND r.asked_at > @since::timestamptz)::bigint AS of_application,
    (SELECT count(DISTINCT r.id) FROM endpoint_link mine
     JOIN endpoint_link other ON other.kind = mine.kind AND other.index = mine.index
     JOIN check_request r ON r.endpoint_id = other.endpoint_id
     WHERE mine.endpoint_id = e.id AND mine.kind = 'listen_net' AND r.asked_at > @since::timestamptz)::bigint AS of_network,
    (SELECT coalesce(extract(epoch FROM sum(m.to_at - m.from_at)), 0) FROM maintenance m
     WHERE m.endpoint_id = e.id AND m.to_at > @month_ago::timestamptz)::double precision AS declared_s
FROM endpoint e WHERE e.id = @id;

-- name: InsertCheckRequest :exec
INSERT INTO check_request (id, endpoint_id, asked_at, until) VALUES (@id, @endpoint_id, @asked_at, @until);

-- name: InsertMaintenance :exec
INSERT INTO maintenance (id, endpoint_id, from_at, to_at, declared_at) VALUES (@id, @endpoint_id, @from_at, @to_at, @declared_at);

-- name: ListMaintenance :many
SELECT * FROM maintenance WHERE endpoint_id = @endpoint_id AND to_at > @from_at AND from_at < @to_at ORDER BY from_at, id;

-- name: ListCheckAttempts :many
SELECT sqlc.embed(r), v.name FROM check_result r JOIN vantage v ON v.id = r.vantage_id
WHERE r.endpoint_id = @endpoint_id AND r.started >= @from_at AND r.started < @to_at AND r.slot >= @from_slot AND r.slot < @to_slot
ORDER BY r.started DESC, r.attempt DESC LIMIT @row_limit;

-- name: ListUnopened :many
-- What the attempts came to, without their records.
SELECT r.vantage_id, r.kind, r.place, r.slot, r.attempt, r.started, r.verdict, r.class FROM check_result r
WHERE r.endpoint_id = @endpoint_id AND r.started >= @from_at AND r.started < @to_at AND r.slot >= @from_slot AND r.slot < @to_slot
ORDER BY r.started DESC, r.attempt DESC LIMIT @row_limit;

-- name: GetExitAttempt :one
SELECT sqlc.embed(r), v.name FROM check_result r JOIN vantage v ON v.id = r.vantage_id
WHERE r.endpoint_id = @endpoint_id AND r.exit_known AND r.started >= @from_at AND r.started < @to_at AND r.slot >= @from_slot AND r.slot < @to_slot
ORDER BY r.started DESC, r.attempt DESC LIMIT 1;

-- name: ListDays :many
SELECT * FROM endpoint_day WHERE endpoint_id = @endpoint_id AND place = @place AND day >= @from_day AND day < @to_day ORDER BY day;

-- name: ListProofs :many
SELECT * FROM endpoint_proof WHERE endpoint_id = @endpoint_id ORDER BY at DESC, id DESC LIMIT 100;

-- name: ListHits :many
SELECT h.* FROM endpoint_hit h JOIN endpoint e ON e.id = h.endpoint_id
WHERE e.application_id = @application_id AND e.state = 'active' ORDER BY e.position, h.what, h.list, h.id;

-- name: ListLinkages :many
SELECT mine.kind, mine.endpoint_id, count(DISTINCT o.application_id)::bigint AS applications
FROM endpoint e
JOIN endpoint_link mine ON mine.endpoint_id = e.id
JOIN endpoint_link other ON other.kind = mine.kind AND other.index = mine.index
JOIN endpoint o ON o.id = other.endpoint_id AND o.application_id <> e.application_id
WHERE e.application_id = @application_id AND e.state = 'active'
GROUP BY mine.kind, mine.endpoint_id, e.position ORDER BY e.position, mine.kind;

-- name: FleetRows :many
SELECT e.protocol, a.region, coalesce(v.name, '')::text AS vantage,
    count(*) FILTER (WHERE e.last_verdict = 'up') AS up, count(*) FILTER (WHERE e.last_verdict = 'down') AS down,
    count(*) FILTER (WHERE e.last_verdict = 'unknown') AS unknown, count(*) FILTER (WHERE e.last_verdict IS NULL) AS unchecked,
    count(*) FILTER (WHERE e.proven_until > @now::timestamptz) AS proven, coalesce(min(e.last_at), 'epoch')::timestamptz AS oldest
FROM endpoint e JOIN application a ON a.id = e.application_id LEFT JOIN vantage v ON v.id = e.last_vantage
WHERE e.state = 'active'
GROUP BY e.protocol, a.region, v.name ORDER BY e.protocol, a.region, v.name;

-- name: FleetWaiting :one
SELECT count(*) AS waiting, coalesce(min(due), 'epoch')::timestamptz AS oldest FROM check_offer WHERE lease_id IS NULL AND done_at IS NULL AND due <= @now AND until > @now;

-- name: InsertVantage :exec
INSERT INTO vantage (id, name, place, country, asn, token_hash, prev, created_at)
VALUES (@id, @name, @place, @country, @asn, @token_hash, @prev, @created_at);

-- name: ListVantages :many
SELECT v.id, v.name, v.place, v.country, v.asn, v.public_key, v.seq, v.prev, v.asked_at, v.seen_at, v.sw, v.created_at, v.disabled_at,
    coalesce(c.good, 0)::bigint AS good, coalesce(c.bad, 0)::bigint AS bad
FROM vantage v
LEFT JOIN LATERAL (SELECT sum(k.good) AS good, sum(k.bad) AS bad FROM vantage_canary k WHERE k.vantage_id = v.id AND k.hour > @since::timestamptz) c ON true
ORDER BY v.name;

-- name: GetVantage :one
SELECT v.id, v.name, v.place, v.country, v.asn, v.public_key, v.seq, v.prev, v.asked_at, v.seen_at, v.sw, v.created_at, v.disabled_at,
    coalesce(c.good, 0)::bigint AS good, coalesce(c.bad, 0)::bigint AS bad
FROM vantage v
LEFT JOIN LATERAL (SELECT sum(k.good) AS good, sum(k.bad) AS bad FROM vantage_canary k WHERE k.vantage_id = v.id AND k.hour > @since::timestamptz) c ON true
WHERE v.id = @id;

-- name: EnrolVantage :one
UPDATE vantage SET token_hash = NULL, public_key = @public_key, seen_at = @now::timestamptz
WHERE token_hash = @token_hash AND disabled_at IS NULL RETURNING id;

-- name: DisableVantage :execrows
UPDATE vantage SET disabled_at = @now::timestamptz, token_hash = NULL WHERE id = @id AND disabled_at IS NULL;

-- name: LockVantage :one
SELECT seq, prev, asked_at, shown_day, shown, disabled_at FROM vantage WHERE id = @id FOR UPDATE;

-- name: VantageAsked :exec
UPDATE vantage SET asked_at = @asked_at::timestamptz, seen_at = @now::timestamptz, sw = @sw, shown_day = @day::date, shown = @shown WHERE id = @id;

-- name: VantageReported :exec
UPDATE vantage SET seq = @seq, prev = @prev, seen_at = @now::timestamptz, sw = @sw WHERE id = @id;

-- name: InsertLease :exec
INSERT INTO check_lease (id, vantage_id, at) VALUES (@id, @vantage_id, @at);

-- name: FindLease :one
SELECT id FROM check_lease WHERE id = @id AND vantage_id = @vantage_id;

-- name: PickOffers :many
SELECT o.id, o.endpoint_id, (s.endpoint_id IS NOT NULL)::boolean AS shown
FROM check_offer o
JOIN endpoint e ON e.id = o.endpoint_id AND e.state = 'active'
LEFT JOIN vantage_shown s ON s.vantage_id = o.vantage_id AND s.day = @day AND s.endpoint_id = o.endpoint_id
WHERE o.vantage_id = @vantage_id AND o.lease_id IS NULL AND o.done_at IS NULL AND o.due <= @now AND o.until > @now
    AND (s.endpoint_id IS NOT NULL OR @may_show_more::boolean)
ORDER BY o.due LIMIT @row_limit FOR UPDATE OF o SKIP LOCKED;

-- name: GiveOffers :exec
UPDATE check_offer SET lease_id = @lease_id::uuid, lease_until = @lease_until::timestamptz WHERE id = ANY (@ids::uuid[]);

-- name: ShowEndpoints :exec
INSERT INTO vantage_shown (vantage_id, day, endpoint_id) SELECT @vantage_id, @day, unnest(@endpoints::uuid[]) ON CONFLICT DO NOTHING;

-- name: ListTaken :many
SELECT sqlc.embed(o), sqlc.embed(e), a.data_key, a.key_id, a.reference, a.designation
FROM check_offer o JOIN endpoint e ON e.id = o.endpoint_id JOIN application a ON a.id = e.application_id
WHERE o.lease_id = @lease_id::uuid AND o.vantage_id = @vantage_id ORDER BY o.due, o.id;

-- name: InsertReport :exec
INSERT INTO vantage_report (vantage_id, seq, prev, sha256, lease_id, at) VALUES (@vantage_id, @seq, @prev, @sha256, @lease_id, @at);

-- name: FinishOffers :many
UPDATE check_offer SET done_at = @now::timestamptz
WHERE id = ANY (@ids::uuid[]) AND vantage_id = @vantage_id AND lease_id = @lease_id::uuid AND done_at IS NULL RETURNING id;

-- name: FinishRequests :exec
UPDATE check_request SET done_at = @now::timestamptz WHERE id = ANY (@ids::uuid[]) AND done_at IS NULL;

-- name: InsertResults :copyfrom
INSERT INTO check_result (offer_id, endpoint_id, vantage_id, kind, mode, place, slot, attempt, started, verdict, stage, failed_at, class, ms, record, exit_known, sha256)
VALUES (@offer_id, @endpoint_id, @vantage_id, @kind, @mode, @place, @slot, @attempt, @started, @verdict, @stage, @failed_at, @class, @ms, @record, @exit_known, @sha256);

-- name: LockEndpoints :exec
SELECT FROM endpoint WHERE id = ANY (@ids::uuid[]) ORDER BY id FOR UPDATE;

-- name: SetLatest :exec
UPDATE endpoint SET
    last_verdict = CASE WHEN last_at IS NULL OR last_at < @at::timestamptz THEN @verdict::text ELSE last_verdict END,
    last_stage = CASE WHEN last_at IS NULL OR last_at < @at::timestamptz THEN @stage::text ELSE last_stage END,
    last_class = CASE WHEN last_at IS NULL OR last_at < @at::timestamptz THEN @class::text ELSE last_class END,
    last_vantage = CASE WHEN last_at IS NULL OR last_at < @at::timestamptz THEN @vantage_id::uuid ELSE last_vantage END,
    failed_slots = CASE @outcome::text WHEN 'up' THEN 0 WHEN 'down' THEN failed_slots + 1 ELSE failed_slots END,
    last_slot = greatest(last_slot, sqlc.narg('slot')::timestamptz),
    last_at = greatest(last_at, @at::timestamptz)
WHERE id = @id;

-- name: CountCanary :exec
INSERT INTO vantage_canary (vantage_id, hour, good, bad) VALUES (@vantage_id, date_trunc('hour', @now::timestamptz, 'UTC'), @good, @bad)
ON CONFLICT (vantage_id, hour) DO UPDATE SET good = vantage_canary.good + excluded.good, bad = vantage_canary.bad + excluded.bad;

-- name: InsertProof :exec
INSERT INTO endpoint_proof (id, endpoint_id, offer_id, kind, held, why, vantage_id, at, again_at, valid_until)
VALUES (@id, @endpoint_id, @offer_id, @kind, @held, @why, @vantage_id, @at, @again_at, @valid_until);

-- name: ProveEndpoint :exec
UPDATE endpoint SET control = @kind::text, proven_at = @at::timestamptz, prove_again_at = @again_at::timestamptz, proven_until = @valid_until::timestamptz
WHERE id = @id AND state = 'active';

-- name: ClearHits :exec
DELETE FROM endpoint_hit WHERE endpoint_id = @endpoint_id AND what = @what AND list = @list;

-- name: InsertHit :exec
INSERT INTO endpoint_hit (endpoint_id, what, list, version, order_no, permille, found_at)
VALUES (@endpoint_id, @what, @list, @version, @order_no, @permille, @found_at);

-- name: InsertSnapshot :exec
INSERT INTO uptime_snapshot (id, application_id, instalment_id, text, sha256, created_at)
VALUES (@id, @application_id, @instalment_id, @text, @sha256, @created_at);

-- name: GetSnapshot :one
SELECT * FROM uptime_snapshot WHERE id = @id;

-- name: GetLatestSnapshot :one
SELECT * FROM uptime_snapshot WHERE instalment_id = @instalment_id::uuid ORDER BY created_at DESC, id DESC LIMIT 1;

-- name: ListCheckBreaches :many
SELECT invariant::text AS invariant, what::text AS what FROM check_breach LIMIT @row_limit;
