-- name: PutUnsealing :execrows
INSERT INTO unsealing (via, what, object_id, at) VALUES (@via, @what, @object_id, @at) ON CONFLICT (via, what, object_id) DO NOTHING;
