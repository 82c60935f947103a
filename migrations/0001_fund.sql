-- +goose Up

-- Binds this database to one chain. serve and worker refuse to start on another.
CREATE TABLE meta (
    one_row    boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    network    text        NOT NULL CHECK (network IN ('mainnet', 'testnet3', 'signet', 'simnet', 'regtest')),
    genesis    text        NOT NULL CHECK (length(genesis) = 64),
    created_at timestamptz NOT NULL
);

CREATE TABLE fund (
    id                 uuid PRIMARY KEY,
    name               text        NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    descriptor         text        NOT NULL,                                  -- treasury, BIP380 with checksum, public keys only
    birthday_height    integer     NOT NULL CHECK (birthday_height >= 0),     -- first block that can hold a deposit
    budget_sat         bigint      NOT NULL CHECK (budget_sat > 0),
    min_amount_sat     bigint      NOT NULL CHECK (min_amount_sat >= 1000),
    max_amount_sat     bigint      NOT NULL CHECK (max_amount_sat >= min_amount_sat),
    policy_version     bigint      NOT NULL CHECK (policy_version > 0),
    quorum             integer     NOT NULL CHECK (quorum >= 2),              -- distinct reviewers for the same digest
    max_feerate_sat_kvb bigint     NOT NULL CHECK (max_feerate_sat_kvb BETWEEN 1 AND 10000000),
    max_fee_sat        bigint      NOT NULL CHECK (max_fee_sat > 0),          -- for one batch
    pay_window_days    integer     NOT NULL CHECK (pay_window_days > 0),      -- pay_within_days of a decision
    paid_depth         integer     NOT NULL DEFAULT 6 CHECK (paid_depth >= 1),
    final_depth        integer     NOT NULL DEFAULT 100 CHECK (final_depth > paid_depth),
    created_at         timestamptz NOT NULL,
    max_payees         integer     NOT NULL DEFAULT 200 CHECK (max_payees BETWEEN 1 AND 3000),      -- of one batch
    deadline_blocks    integer     NOT NULL DEFAULT 144 CHECK (deadline_blocks BETWEEN 1 AND 2016), -- by then a batch pays its highest feerate
    ready_coins        integer     NOT NULL DEFAULT 8 CHECK (ready_coins BETWEEN 0 AND 20),         -- coins that should be ready for a batch of their own
    future_witness     boolean     NOT NULL DEFAULT false                                           -- pay to witness versions that have no meaning yet
);

-- +goose StatementBegin
CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
-- +goose StatementEnd

-- The legal edges of every state machine; a test holds them equal to the tables in the code.
CREATE TABLE state_edge (
    object_kind text NOT NULL,
    from_state  text NOT NULL,
    to_state    text NOT NULL,
    PRIMARY KEY (object_kind, from_state, to_state)
);

-- +goose StatementBegin
CREATE FUNCTION check_state_edge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state AND NOT EXISTS (
        SELECT FROM state_edge e WHERE e.object_kind = TG_ARGV[0] AND e.from_state = OLD.state AND e.to_state = NEW.state
    ) THEN
        RAISE EXCEPTION 'illegal edge of %: % to %', TG_ARGV[0], OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_ARGV[0] || '_state_edge';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- What happened to which object, for people and for replay of the state graph.
CREATE TABLE event (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    object_kind text        NOT NULL,
    object_id   uuid        NOT NULL,
    event       text        NOT NULL,
    from_state  text,                          -- null for a first state
    to_state    text,                          -- null where no state changed
    actor_kind  text        NOT NULL CHECK (actor_kind IN ('operator', 'staff', 'system')),
    actor_id    uuid,                          -- staff id; null for others
    detail      jsonb       NOT NULL DEFAULT '{}', -- no words of an operator
    at          timestamptz NOT NULL
);
CREATE INDEX event_object ON event (object_kind, object_id, id);
CREATE INDEX event_lapsed ON event (at) WHERE event = 'batch.lapsed';
CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE ON event FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER event_no_truncate BEFORE TRUNCATE ON event FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- +goose Down
DROP TABLE event, state_edge, fund, meta;
DROP FUNCTION check_state_edge, append_only;
