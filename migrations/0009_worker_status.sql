-- +goose Up

-- Where the leading worker stands, for the dashboard, which has no node.
CREATE TABLE worker_status (
    one_row       boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    walked_height integer     NOT NULL,
    target_height integer     NOT NULL,           -- the node's tip
    trouble       text        NOT NULL DEFAULT '', -- what the last round could not do, in plain words
    at            timestamptz NOT NULL
);
GRANT SELECT ON worker_status TO causeway_app, causeway_worker;
GRANT INSERT, UPDATE ON worker_status TO causeway_worker;

-- What /readyz writes to know that the database can be written to.
CREATE TABLE write_probe (
    program text PRIMARY KEY,
    at      timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON write_probe TO causeway_app, causeway_worker;

-- +goose Down
DROP TABLE write_probe, worker_status;
