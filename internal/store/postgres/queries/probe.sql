-- name: LimitMemory :exec
SELECT set_config('work_mem', '64kB', true);

-- name: Spill :one
-- Sorts more than LimitMemory leaves room for, so that 2 MB go to the disk.
SELECT count(*) FROM (SELECT repeat(md5(g::text), 8) AS line FROM generate_series(1, 8000) AS g ORDER BY line OFFSET 0) AS sorted;

-- name: ProbeWrite :exec
INSERT INTO write_probe (program, at) VALUES (@program, @at) ON CONFLICT (program) DO UPDATE SET at = excluded.at;
