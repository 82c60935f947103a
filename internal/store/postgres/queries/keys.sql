-- name: CountByKey :many
SELECT key_id, count(*) AS applications FROM application WHERE data_key IS NOT NULL GROUP BY key_id ORDER BY key_id;

-- name: ListUnderOlderKeys :many
-- In the order of ids, after one: a row that cannot be opened is passed once and not read for ever.
SELECT id, data_key, key_id FROM application
WHERE id > @after AND data_key IS NOT NULL AND key_id <> @active ORDER BY id LIMIT @most;

-- name: Rewrap :execrows
-- Only where the data key is still what was read: one that was purged in the meantime stays purged.
UPDATE application a SET data_key = x.fresh, key_id = @active
FROM (SELECT unnest(@ids::uuid[]) AS id, unnest(@was::bytea[]) AS was, unnest(@fresh::bytea[]) AS fresh) x
WHERE a.id = x.id AND a.data_key = x.was;

-- name: DropKey :execrows
INSERT INTO dropped_key (key_id, dropped_at) VALUES (@key_id, @at) ON CONFLICT DO NOTHING;
