-- +goose Up

-- The best chain as the worker has walked it. A reorg deletes from the top.
CREATE TABLE header (
    height integer PRIMARY KEY,
    hash   bytea       NOT NULL UNIQUE CHECK (length(hash) = 32),
    prev   bytea       NOT NULL CHECK (length(prev) = 32),
    at     timestamptz NOT NULL,
    raw    bytea CHECK (length(raw) = 80)      -- what proofs are made of
);

-- Transactions of the best chain that pay or spend the treasury.
CREATE TABLE chain_tx (
    txid     bytea PRIMARY KEY CHECK (length(txid) = 32),
    height   integer NOT NULL REFERENCES header ON DELETE CASCADE,
    raw      bytea   NOT NULL,
    position integer CHECK (position >= 0),
    branch   bytea CHECK (length(branch) % 32 = 0) -- Merkle path, leaf side first
);
CREATE INDEX chain_tx_height ON chain_tx (height); -- a block that leaves the best chain takes its rows with it

-- Outputs of the best chain that the treasury's descriptor controls.
CREATE TABLE coin (
    txid         bytea   NOT NULL REFERENCES chain_tx ON DELETE CASCADE,
    vout         bigint  NOT NULL,
    script       bytea   NOT NULL,
    amount_sat   bigint  NOT NULL CHECK (amount_sat > 0),
    chain        integer NOT NULL CHECK (chain IN (0, 1)), -- 0 deposits, 1 change
    index        bigint  NOT NULL,
    height       integer NOT NULL,
    coinbase     boolean NOT NULL,
    spent_by     bytea REFERENCES chain_tx ON DELETE SET NULL (spent_by),
    PRIMARY KEY (txid, vout)
);
CREATE INDEX coin_unspent ON coin (height) WHERE spent_by IS NULL;
CREATE INDEX coin_script ON coin (chain, index);

-- What the worker last made of its node's feerates; the dashboard has no node.
CREATE TABLE fee_estimate (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    at      timestamptz NOT NULL,
    body    jsonb       NOT NULL
);

-- Trusted estimates for a patient payment, one an hour for four weeks: what coins
-- cost in the long run.
CREATE TABLE fee_history (
    hour            timestamptz PRIMARY KEY CHECK (hour = date_trunc('hour', hour, 'UTC')),
    feerate_sat_kvb bigint      NOT NULL CHECK (feerate_sat_kvb > 0)
);

-- Where the leading worker stands, for the dashboard, which has no node.
CREATE TABLE worker_status (
    one_row       boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    walked_height integer     NOT NULL,
    target_height integer     NOT NULL,           -- the node's tip
    trouble       text        NOT NULL DEFAULT '', -- what the last round could not do, in plain words
    at            timestamptz NOT NULL
);

-- What /readyz writes to know that the database can be written to.
CREATE TABLE write_probe (
    program text PRIMARY KEY,
    at      timestamptz NOT NULL
);

-- +goose Down
DROP TABLE write_probe, worker_status, fee_history, fee_estimate, coin, chain_tx, header;
