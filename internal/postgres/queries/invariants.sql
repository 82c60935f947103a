-- name: ListBreaches :many
SELECT invariant, what::text AS what FROM invariant_breach ORDER BY invariant, what LIMIT @row_limit;
