-- +goose Up

CREATE TABLE ledger_transfer (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind   text        NOT NULL CHECK (kind IN ('deposit', 'commit', 'uncommit', 'release', 'mined', 'paid', 'foreign_spend', 'void', 'adopt')),
    ref    text        NOT NULL,               -- outpoint, instalment id or txid
    height integer,                            -- for what the chain did
    undoes bigint UNIQUE REFERENCES ledger_transfer,
    at     timestamptz NOT NULL
);
CREATE INDEX ledger_transfer_adopted ON ledger_transfer (ref) WHERE kind = 'adopt';
CREATE INDEX ledger_transfer_height ON ledger_transfer (height) WHERE height IS NOT NULL;
CREATE TRIGGER ledger_transfer_append_only BEFORE UPDATE OR DELETE ON ledger_transfer FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER ledger_transfer_no_truncate BEFORE TRUNCATE ON ledger_transfer FOR EACH STATEMENT EXECUTE FUNCTION append_only();

CREATE TABLE ledger_posting (
    transfer_id bigint NOT NULL REFERENCES ledger_transfer,
    account     text   NOT NULL CHECK (account IN ('outside', 'available', 'committed', 'in_flight', 'confirming', 'paid', 'fees', 'lost')),
    amount_sat  bigint NOT NULL CHECK (amount_sat <> 0),
    PRIMARY KEY (transfer_id, account)
);
CREATE INDEX ledger_posting_account ON ledger_posting (account) INCLUDE (amount_sat);
CREATE TRIGGER ledger_posting_append_only BEFORE UPDATE OR DELETE ON ledger_posting FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER ledger_posting_no_truncate BEFORE TRUNCATE ON ledger_posting FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- +goose StatementBegin
CREATE FUNCTION check_zero_sum() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT sum(amount_sat) FROM ledger_posting WHERE transfer_id = NEW.transfer_id) <> 0 THEN
        RAISE EXCEPTION 'transfer % does not sum to zero', NEW.transfer_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_zero_sum';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER ledger_zero_sum AFTER INSERT ON ledger_posting DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION check_zero_sum();

-- What a leaf says; null where it is no JSON.
-- +goose StatementBegin
CREATE FUNCTION leaf_json(leaf bytea) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN convert_from(leaf, 'UTF8')::jsonb;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- Merkle log: RFC 6962 hashes as golang.org/x/mod/sumdb/tlog numbers them.
CREATE TABLE audit_leaf (
    seq         bigint PRIMARY KEY CHECK (seq >= 0),
    at          timestamptz NOT NULL,
    actor       text        NOT NULL,
    action      text        NOT NULL,
    object_kind text        NOT NULL,
    object_id   text        NOT NULL,
    leaf        bytea       NOT NULL,           -- canonical JSON, what is hashed
    digest      text GENERATED ALWAYS AS (leaf_json(leaf) ->> 'digest') STORED,
    from_state  text GENERATED ALWAYS AS (leaf_json(leaf) ->> 'from') STORED,
    to_state    text GENERATED ALWAYS AS (leaf_json(leaf) ->> 'to') STORED,
    -- The bytes are those that package audit writes for the columns, so that no row tells a reader of the columns one thing
    -- and a verifier another, and none is unreadable.
    CONSTRAINT audit_leaf_spelling CHECK ((
        action ~ '^[a-z][a-z_]{0,31}(\.[a-z][a-z_]{0,31}){1,2}$'
        AND actor ~ '^(staff|operator):[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$|^system:[a-z][a-z-]{0,31}$'
        AND digest ~ '^([0-9a-f]{64})?$' AND from_state ~ '^[a-z_]{0,32}$' AND to_state ~ '^[a-z_]{0,32}$'
        AND object_kind ~ '^[a-z][a-z_]{0,31}$' AND object_id ~ '^[0-9A-Za-z:_-]{1,100}$'
        AND leaf = convert_to('{"action":"' || action || '","actor":"' || actor || '","at":"' || to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') ||
            '","digest":"' || digest || '","from":"' || from_state || '","object_id":"' || object_id || '","object_kind":"' || object_kind ||
            '","seq":' || seq || ',"to":"' || to_state || '"}', 'UTF8')
    ) IS TRUE)
);
CREATE INDEX audit_leaf_object ON audit_leaf (object_kind, object_id, seq);
CREATE TRIGGER audit_leaf_append_only BEFORE UPDATE OR DELETE ON audit_leaf FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER audit_leaf_no_truncate BEFORE TRUNCATE ON audit_leaf FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TABLE audit_hash (
    index bigint PRIMARY KEY CHECK (index >= 0),
    hash  bytea NOT NULL CHECK (length(hash) = 32)
);
CREATE TRIGGER audit_hash_append_only BEFORE UPDATE OR DELETE ON audit_hash FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER audit_hash_no_truncate BEFORE TRUNCATE ON audit_hash FOR EACH STATEMENT EXECUTE FUNCTION append_only();
-- Leaves of submissions, each written in the transaction of its submission. A leaf is appended under a lock that is held
-- until its transaction ends, so strangers would make everybody wait for their commits: whoever appends next takes these
-- before its own. Rows leave by being appended, and I15 names one that left in another way or stays.
CREATE TABLE audit_waiting (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL,
    actor       text        NOT NULL,
    action      text        NOT NULL,
    object_kind text        NOT NULL,
    object_id   uuid        NOT NULL,
    digest      bytea       NOT NULL,
    from_state  text        NOT NULL,
    to_state    text        NOT NULL,
    waits_since timestamptz NOT NULL DEFAULT now(),
    -- What could not become a leaf would stop everybody who has to append after it.
    CONSTRAINT audit_waiting_spelling CHECK (
        action = 'application.submitted' AND object_kind = 'application' AND from_state = '' AND to_state = 'submitted' AND length(digest) IN (0, 32)
        AND actor ~ '^operator:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    )
);
-- The key signs, the table does not: a row counts only where its note is signed by the log's key and of that size. A
-- row that was forged must not take the place of a genuine one, so several may have one size.
CREATE TABLE audit_checkpoint (
    id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    size bigint      NOT NULL CHECK (size > 0),
    note text        NOT NULL CHECK (octet_length(note) <= 2000), -- C2SP signed note
    at   timestamptz NOT NULL,
    UNIQUE (size, note)
);
CREATE TRIGGER audit_checkpoint_append_only BEFORE UPDATE OR DELETE ON audit_checkpoint FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER audit_checkpoint_no_truncate BEFORE TRUNCATE ON audit_checkpoint FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- +goose Down
DROP TABLE audit_checkpoint, audit_waiting, audit_hash, audit_leaf, ledger_posting, ledger_transfer;
DROP FUNCTION check_zero_sum, leaf_json;
