-- name: StartPlan :exec
INSERT INTO check_plan (slot, after_id) VALUES (@slot, '00000000-0000-0000-0000-000000000000') ON CONFLICT (slot) DO NOTHING;

-- name: LockPlan :one
SELECT * FROM check_plan WHERE slot = @slot FOR UPDATE;

-- name: MovePlan :exec
UPDATE check_plan SET after_id = @after_id, planned = planned + @planned, done_at = sqlc.narg('done_at') WHERE slot = @slot;

-- name: ListPlanned :many
SELECT id, failed_slots, last_slot FROM endpoint
WHERE state = 'active' AND id > @after_id AND checks_from <= @slot ORDER BY id LIMIT @row_limit;

-- name: InsertOffer :execrows
INSERT INTO check_offer (id, endpoint_id, kind, proof, mode, place, slot, attempt, vantage_id, due, until)
VALUES (@id, @endpoint_id, @kind, @proof, @mode, @place, @slot, @attempt, @vantage_id, @due, @until)
ON CONFLICT (endpoint_id, kind, place, slot, attempt) DO NOTHING;

-- name: ListSlotAttempts :many
SELECT r.offer_id, r.endpoint_id, r.vantage_id, r.kind, r.mode, r.place, r.slot, r.attempt, r.started, r.verdict, r.stage, r.failed_at, r.class, r.sha256
FROM check_result r
WHERE r.endpoint_id = @endpoint_id AND r.slot = @slot AND r.place = @place AND r.kind = 'slot' ORDER BY r.attempt, r.started;

-- name: ListSlotOffers :many
SELECT vantage_id FROM check_offer WHERE endpoint_id = @endpoint_id AND kind = 'slot' AND slot = @slot AND place = @place ORDER BY attempt;

-- name: ExpireOffers :many
UPDATE check_offer SET done_at = @now::timestamptz WHERE id IN (
    SELECT o.id FROM check_offer o WHERE o.done_at IS NULL AND (
        (o.lease_id IS NULL AND o.until <= @now::timestamptz) OR least(o.until, o.lease_until) <= @report_before::timestamptz)
    ORDER BY o.until LIMIT @row_limit FOR UPDATE SKIP LOCKED)
RETURNING *;

-- name: ExpireRequests :execrows
UPDATE check_request SET done_at = @now::timestamptz WHERE done_at IS NULL AND until <= @report_before::timestamptz;

-- name: PruneOffers :execrows
DELETE FROM check_offer WHERE id IN (SELECT o.id FROM check_offer o WHERE o.done_at < @before::timestamptz AND o.until < @before::timestamptz LIMIT @row_limit);

-- name: PruneLeases :execrows
DELETE FROM check_lease l WHERE l.id IN (
    SELECT x.id FROM check_lease x WHERE x.at < @before AND NOT EXISTS (SELECT FROM check_offer o WHERE o.lease_id = x.id) LIMIT @row_limit);

-- name: PruneRequests :execrows
DELETE FROM check_request WHERE done_at IS NOT NULL AND asked_at < @before;

-- name: PrunePlans :execrows
DELETE FROM check_plan WHERE slot < @before;

-- name: PruneShown :execrows
DELETE FROM vantage_shown WHERE day < @before;

-- name: PruneCanaries :execrows
DELETE FROM vantage_canary WHERE hour < @before;

-- name: MakeResultDays :one
SELECT made::integer AS made, dropped::integer AS dropped FROM check_result_days(@from_day::date, @until_day::date, @before_day::date);

-- name: ListWithoutDay :many
SELECT e.id FROM endpoint e
WHERE e.checks_from < @day_end::timestamptz AND (e.retired_at IS NULL OR e.retired_at > @day_start::timestamptz)
    AND NOT EXISTS (SELECT FROM endpoint_day d WHERE d.endpoint_id = e.id AND d.place = @place AND d.day = @day)
ORDER BY e.id LIMIT @row_limit;

-- name: ListDayAttempts :many
SELECT r.endpoint_id, r.slot, r.attempt, r.verdict, r.sha256 FROM check_result r
WHERE r.endpoint_id = ANY (@endpoints::uuid[]) AND r.slot >= @day_start AND r.slot < @day_end AND r.place = @place AND r.kind = 'slot'
ORDER BY r.endpoint_id, r.slot, r.attempt;

-- name: ListDaysBefore :many
SELECT endpoint_id, marks FROM endpoint_day WHERE endpoint_id = ANY (@endpoints::uuid[]) AND place = @place AND day = @day ORDER BY endpoint_id;

-- name: PutDay :execrows
INSERT INTO endpoint_day (endpoint_id, place, day, slot_s, marks, evidence, attempts)
VALUES (@endpoint_id, @place, @day, @slot_s, @marks, @evidence, @attempts) ON CONFLICT (endpoint_id, place, day) DO NOTHING;

-- name: AnyAttemptInside :one
SELECT EXISTS (SELECT FROM check_result r WHERE r.slot >= @day_start AND r.slot < @day_end AND r.place = 'inside' AND r.kind = 'slot');

-- name: OldestDay :one
SELECT coalesce(min(slot), 'epoch')::timestamptz FROM check_plan WHERE done_at IS NOT NULL;

-- name: ProveAgain :many
UPDATE endpoint SET prove_again_at = @next_at::timestamptz WHERE id IN (
    SELECT e.id FROM endpoint e WHERE e.state = 'active' AND e.prove_again_at <= @now::timestamptz ORDER BY e.prove_again_at LIMIT @row_limit FOR UPDATE SKIP LOCKED)
RETURNING id, control;

-- name: ShredEndpoints :one
SELECT shred_endpoints(@before::timestamptz)::integer;

-- name: ListGates :many
SELECT i.id, i.grant_id, g.application_id, g.reference, i.period, i.state FROM instalment i
JOIN grants g ON g.id = i.grant_id
LEFT JOIN instalment_gate l ON l.instalment_id = i.id
WHERE ((i.state = 'payable' AND @gated::boolean) OR (i.state = 'held' AND i.held_reason LIKE 'uptime:%')) AND (l.looked_at IS NULL OR l.looked_at < @before)
ORDER BY l.looked_at NULLS FIRST, i.id LIMIT @row_limit;

-- name: ListGateEndpoints :many
SELECT e.id, e.application_id, e.label, e.position, e.protocol, e.state, e.generation, e.control, e.proven_at, e.prove_again_at, e.proven_until,
    e.failed_slots, e.rechecked_at, e.last_at, e.last_verdict, e.last_stage, e.last_class, e.checks_from, e.created_at, e.retired_at
FROM endpoint e WHERE e.application_id = @application_id AND e.state = 'active' ORDER BY e.position;

-- name: ListGateDays :many
SELECT d.* FROM endpoint_day d JOIN endpoint e ON e.id = d.endpoint_id
WHERE e.application_id = @application_id AND e.state = 'active' AND d.place = @place AND d.day >= @from_day ORDER BY e.position, d.day;

-- name: ListGateMaintenance :many
SELECT m.* FROM maintenance m JOIN endpoint e ON e.id = m.endpoint_id
WHERE e.application_id = @application_id AND e.state = 'active' AND m.to_at > @from_at ORDER BY e.position, m.from_at, m.id;

-- name: LookedAtGate :exec
INSERT INTO instalment_gate (instalment_id, looked_at) VALUES (@instalment_id, @looked_at)
ON CONFLICT (instalment_id) DO UPDATE SET looked_at = greatest(instalment_gate.looked_at, excluded.looked_at);

-- name: HoldInstalment :execrows
UPDATE instalment SET state = 'held', held_reason = @held_reason::text, version = version + 1, changed_at = @changed_at WHERE id = @id AND state = 'payable';

-- name: FreeInstalment :execrows
UPDATE instalment SET state = 'payable', held_reason = NULL, version = version + 1, changed_at = @changed_at
WHERE id = @id AND state = 'held' AND held_reason LIKE 'uptime:%';
