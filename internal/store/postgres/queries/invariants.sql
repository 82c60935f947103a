-- name: ListBreaches :many
SELECT invariant, what::text AS what FROM invariant_breach ORDER BY invariant, what LIMIT @row_limit;

-- name: ListLostApprovals :many
SELECT what::text AS what FROM lost_approval ORDER BY what LIMIT @row_limit;
