-- +goose Up

-- Policy of the fund that the engine keeps to.
ALTER TABLE fund ADD COLUMN max_payees integer NOT NULL DEFAULT 200 CHECK (max_payees BETWEEN 1 AND 3000); -- of one batch
ALTER TABLE fund ADD COLUMN deadline_blocks integer NOT NULL DEFAULT 144 CHECK (deadline_blocks BETWEEN 1 AND 2016); -- by then a batch pays its highest feerate
ALTER TABLE fund ADD COLUMN ready_coins integer NOT NULL DEFAULT 8 CHECK (ready_coins BETWEEN 0 AND 20); -- coins that should be ready for a batch of their own
ALTER TABLE fund ADD COLUMN future_witness boolean NOT NULL DEFAULT false; -- pay to witness versions that have no meaning yet

-- What a certificate and a dead-proof are made of. Null for what was walked before.
ALTER TABLE header ADD COLUMN raw bytea CHECK (length(raw) = 80);
ALTER TABLE chain_tx ADD COLUMN position integer CHECK (position >= 0);
ALTER TABLE chain_tx ADD COLUMN branch bytea CHECK (length(branch) % 32 = 0); -- Merkle path, leaf side first

-- A batch pays people, or keeps the coins in order without paying anybody.
ALTER TABLE batch ADD COLUMN kind text NOT NULL DEFAULT 'payout' CHECK (kind IN ('payout', 'consolidate', 'split', 'child'));
ALTER TABLE batch ADD COLUMN outputs integer NOT NULL DEFAULT 1 CHECK (outputs BETWEEN 1 AND 20); -- change outputs of a split
ALTER TABLE batch ADD COLUMN deadline_blocks integer NOT NULL DEFAULT 144 CHECK (deadline_blocks BETWEEN 1 AND 2016);
ALTER TABLE batch ADD COLUMN wanted_feerate_sat_vb bigint CHECK (wanted_feerate_sat_vb BETWEEN 1 AND max_feerate_sat_vb); -- a treasurer asked for a bump
ALTER TABLE batch DROP CONSTRAINT batch_state_check;
ALTER TABLE batch ADD CONSTRAINT batch_state_check CHECK (state IN ('composed', 'approved', 'built', 'signing', 'signed', 'announced', 'mined', 'paid', 'final', 'cancelled', 'conflicted', 'voiding', 'voided'));
INSERT INTO state_edge VALUES
    ('batch', 'signing', 'voiding'),
    ('batch', 'signed', 'voiding'),
    ('batch', 'announced', 'voiding'),
    ('batch', 'voiding', 'mined'),
    ('batch', 'voiding', 'conflicted'),
    ('batch', 'voiding', 'voided'),
    ('batch', 'mined', 'voiding'),
    ('batch', 'paid', 'voiding'),
    ('batch', 'conflicted', 'voiding'),
    ('batch', 'conflicted', 'voided'),
    ('instalment', 'maybe_paid', 'payable'),
    ('instalment', 'maybe_paid', 'cancelled');

-- The coins that a treasurer chose for a batch; none: the engine chooses.
CREATE TABLE batch_coin (
    batch_id uuid   NOT NULL REFERENCES batch,
    txid     bytea  NOT NULL CHECK (length(txid) = 32),
    vout     bigint NOT NULL,
    PRIMARY KEY (batch_id, txid, vout)
);
CREATE TRIGGER batch_coin_append_only BEFORE UPDATE OR DELETE ON batch_coin FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER batch_coin_no_truncate BEFORE TRUNCATE ON batch_coin FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- A coin that no batch may use until somebody unlocks it.
CREATE TABLE coin_lock (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    txid        bytea       NOT NULL CHECK (length(txid) = 32),
    vout        bigint      NOT NULL,
    reason      text        NOT NULL CHECK (length(reason) BETWEEN 1 AND 200),
    locked_by   uuid        NOT NULL REFERENCES staff,
    locked_at   timestamptz NOT NULL,
    unlocked_by uuid REFERENCES staff,
    unlocked_at timestamptz,
    CHECK ((unlocked_by IS NULL) = (unlocked_at IS NULL))
);
CREATE UNIQUE INDEX coin_lock_live ON coin_lock (txid, vout) WHERE unlocked_at IS NULL;

-- The request to take a batch back after a signer was asked: a replacement that pays nobody. It changes nothing until a
-- second person has agreed; before that it can be withdrawn, and it lapses.
CREATE TABLE void (
    id                 uuid PRIMARY KEY,
    batch_id           uuid        NOT NULL REFERENCES batch,
    note               text        NOT NULL,               -- canonical void note
    digest             bytea       NOT NULL CHECK (length(digest) = 32),
    feerate_sat_vb     bigint      NOT NULL CHECK (feerate_sat_vb > 0),
    fee_sat            bigint      NOT NULL CHECK (fee_sat > 0), -- of what was built on trial when it was asked for
    reason             text        NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    asked_by           uuid        NOT NULL REFERENCES staff,
    asked_at           timestamptz NOT NULL,
    ended              text CHECK (ended IN ('withdrawn', 'lapsed')),
    ended_by           uuid REFERENCES staff,              -- who withdrew it
    ended_at           timestamptz,
    CHECK ((ended IS NULL) = (ended_at IS NULL)),
    CHECK ((ended = 'withdrawn') IS TRUE = (ended_by IS NOT NULL))
);
CREATE UNIQUE INDEX void_live ON void (batch_id) WHERE ended IS NULL;
CREATE INDEX void_batch ON void (batch_id);
CREATE TRIGGER void_append_only BEFORE DELETE ON void FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER void_no_truncate BEFORE TRUNCATE ON void FOR EACH STATEMENT EXECUTE FUNCTION append_only();
-- A second treasurer's yes; the void is signed only then.
CREATE TABLE void_approval (
    void_id  uuid        PRIMARY KEY REFERENCES void,
    digest   bytea       NOT NULL CHECK (length(digest) = 32),
    staff_id uuid        NOT NULL REFERENCES staff,
    at       timestamptz NOT NULL
);
-- A request ends once, and not after somebody has agreed to it; what has ended is agreed to by nobody.
-- +goose StatementBegin
CREATE FUNCTION check_void_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.ended IS NOT NULL OR NEW.ended IS NULL
        OR (NEW.id, NEW.batch_id, NEW.note, NEW.digest, NEW.feerate_sat_vb, NEW.fee_sat, NEW.reason, NEW.asked_by, NEW.asked_at)
            IS DISTINCT FROM (OLD.id, OLD.batch_id, OLD.note, OLD.digest, OLD.feerate_sat_vb, OLD.fee_sat, OLD.reason, OLD.asked_by, OLD.asked_at) THEN
        RAISE EXCEPTION 'void is append-only' USING ERRCODE = 'restrict_violation';
    END IF;
    IF EXISTS (SELECT FROM void_approval a WHERE a.void_id = NEW.id) THEN
        RAISE EXCEPTION 'void % was agreed to', NEW.id USING ERRCODE = 'check_violation', CONSTRAINT = 'void_end';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION check_void_approval() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM void v WHERE v.id = NEW.void_id AND v.ended IS NULL AND v.digest = NEW.digest) THEN
        RAISE EXCEPTION 'void % has ended or has another digest', NEW.void_id USING ERRCODE = 'check_violation', CONSTRAINT = 'void_end';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER void_end BEFORE UPDATE ON void FOR EACH ROW EXECUTE FUNCTION check_void_end();
CREATE TRIGGER void_approval_live BEFORE INSERT ON void_approval FOR EACH ROW EXECUTE FUNCTION check_void_approval();
CREATE TRIGGER void_approval_append_only BEFORE UPDATE OR DELETE ON void_approval FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER void_approval_no_truncate BEFORE TRUNCATE ON void_approval FOR EACH STATEMENT EXECUTE FUNCTION append_only();
-- The payments that are cancelled once the void is final; the others become payable again.
CREATE TABLE void_item (
    void_id       uuid NOT NULL REFERENCES void,
    instalment_id uuid NOT NULL REFERENCES instalment,
    PRIMARY KEY (void_id, instalment_id)
);
CREATE TRIGGER void_item_append_only BEFORE UPDATE OR DELETE ON void_item FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER void_item_no_truncate BEFORE TRUNCATE ON void_item FOR EACH STATEMENT EXECUTE FUNCTION append_only();

ALTER TABLE attempt ADD COLUMN kind text NOT NULL DEFAULT 'pay' CHECK (kind IN ('pay', 'void'));
ALTER TABLE attempt_event ADD COLUMN height integer; -- walked tip at the time
ALTER TABLE attempt_event DROP CONSTRAINT attempt_event_event_check;
ALTER TABLE attempt_event ADD CONSTRAINT attempt_event_event_check CHECK (event IN ('built', 'signing', 'signed', 'announced', 'mined', 'reorged', 'paid', 'final', 'conflicted', 'dead'));

-- Signatures that are not all there yet: of one signer of several, or brought back by hand.
CREATE TABLE attempt_signature (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    attempt_id uuid        NOT NULL REFERENCES attempt,
    psbt       bytea       NOT NULL,                       -- BIP174, the attempt's own with partial signatures, without previous transactions
    source     text        NOT NULL,                       -- fingerprints of the keys
    staff_id   uuid REFERENCES staff,                      -- who brought it; null for a signer
    at         timestamptz NOT NULL
);
CREATE INDEX attempt_signature_attempt ON attempt_signature (attempt_id, id);
CREATE TRIGGER attempt_signature_append_only BEFORE UPDATE OR DELETE ON attempt_signature FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER attempt_signature_no_truncate BEFORE TRUNCATE ON attempt_signature FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- Attempts that can never confirm: another transaction, in a block at or below a height, spends one of their
-- coins, or one of an attempt that they descend from.
-- +goose StatementBegin
CREATE FUNCTION dead_attempts(final_height integer) RETURNS TABLE (attempt_id uuid, killer bytea) LANGUAGE sql STABLE AS $$
    WITH RECURSIVE dead (attempt_id, txid, killer) AS (
        SELECT a.id, a.txid, t.txid
        FROM attempt a
        JOIN attempt_input i ON i.attempt_id = a.id
        JOIN coin c ON c.txid = i.txid AND c.vout = i.vout
        JOIN chain_tx t ON t.txid = c.spent_by
        WHERE t.height <= final_height AND t.txid <> a.txid
        UNION
        SELECT a.id, a.txid, d.killer
        FROM dead d
        JOIN attempt_input i ON i.txid = d.txid
        JOIN attempt a ON a.id = i.attempt_id AND a.txid <> d.killer
    )
    SELECT d.attempt_id, d.killer FROM dead d
$$;
-- +goose StatementEnd
CREATE FUNCTION dead_attempt_ids(final_height integer) RETURNS uuid[] LANGUAGE sql STABLE AS
    $$ SELECT coalesce(array_agg(d.attempt_id), '{}') FROM dead_attempts(final_height) d $$;
CREATE FUNCTION killer_of(attempt uuid, final_height integer) RETURNS bytea LANGUAGE sql STABLE AS
    $$ SELECT d.killer FROM dead_attempts(final_height) d WHERE d.attempt_id = attempt ORDER BY d.killer LIMIT 1 $$;

-- Rule R: what may be paid becomes payable again only when every transaction that could pay it is dead, as deep as
-- final, and none of them is in a block.
-- +goose StatementBegin
CREATE FUNCTION check_release() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'maybe_paid' AND NEW.state IN ('payable', 'cancelled') AND EXISTS (
        SELECT FROM attempt_output o
        JOIN attempt a ON a.id = o.attempt_id
        WHERE o.instalment_id = NEW.id
            AND EXISTS (SELECT FROM attempt_event e WHERE e.attempt_id = a.id AND e.event = 'signing')
            AND (EXISTS (SELECT FROM chain_tx t WHERE t.txid = a.txid)
                OR a.id <> ALL (dead_attempt_ids((SELECT max(height) FROM header) + 1 - (SELECT min(final_depth) FROM fund))))
    ) THEN
        RAISE EXCEPTION 'payment % may still be paid', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'instalment_rule_r';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER instalment_rule_r BEFORE UPDATE OF state ON instalment FOR EACH ROW EXECUTE FUNCTION check_release();

-- Every attempt spends all that the first one spends, and pays the same or nobody.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION check_anchor() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE first uuid;
BEGIN
    IF NOT EXISTS (
        SELECT FROM batch b JOIN attempt_input i ON i.txid = b.anchor_txid AND i.vout = b.anchor_vout
        WHERE b.id = NEW.batch_id AND i.attempt_id = NEW.id
    ) THEN
        RAISE EXCEPTION 'attempt % does not spend the anchor of its batch', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'attempt_anchor';
    END IF;
    SELECT id INTO first FROM attempt WHERE batch_id = NEW.batch_id ORDER BY no LIMIT 1;
    IF EXISTS (
        SELECT txid, vout FROM attempt_input WHERE attempt_id = first
        EXCEPT SELECT txid, vout FROM attempt_input WHERE attempt_id = NEW.id
    ) THEN
        RAISE EXCEPTION 'attempt % drops a coin of the first one', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'attempt_anchor';
    END IF;
    IF NEW.kind = 'pay' AND EXISTS (
        (SELECT instalment_id, decision, script, amount_sat FROM attempt_output WHERE attempt_id = first AND change_index IS NULL
         EXCEPT SELECT instalment_id, decision, script, amount_sat FROM attempt_output WHERE attempt_id = NEW.id)
        UNION ALL
        (SELECT instalment_id, decision, script, amount_sat FROM attempt_output WHERE attempt_id = NEW.id AND change_index IS NULL
         EXCEPT SELECT instalment_id, decision, script, amount_sat FROM attempt_output WHERE attempt_id = first)
    ) AND (SELECT kind FROM attempt WHERE id = first) = 'pay' THEN
        RAISE EXCEPTION 'attempt % does not pay what the first one pays', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'attempt_payments';
    END IF;
    IF NEW.kind = 'void' AND EXISTS (SELECT FROM attempt_output WHERE attempt_id = NEW.id AND change_index IS NULL) THEN
        RAISE EXCEPTION 'void % pays somebody', NEW.id USING ERRCODE = 'check_violation', CONSTRAINT = 'attempt_payments';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

ALTER TABLE ledger_transfer DROP CONSTRAINT ledger_transfer_kind_check;
ALTER TABLE ledger_transfer ADD CONSTRAINT ledger_transfer_kind_check CHECK (kind IN ('deposit', 'commit', 'uncommit', 'release', 'mined', 'paid', 'foreign_spend', 'void', 'adopt'));

-- What the worker last made of its node's feerates; the dashboard has no node.
CREATE TABLE fee_estimate (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    at      timestamptz NOT NULL,
    body    jsonb       NOT NULL
);

-- Trusted estimates for a patient payment, one an hour for four weeks: what coins
-- cost in the long run.
CREATE TABLE fee_history (
    hour         timestamptz PRIMARY KEY CHECK (hour = date_trunc('hour', hour, 'UTC')),
    rate_sat_kvb bigint      NOT NULL CHECK (rate_sat_kvb > 0)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON fee_history TO causeway_worker;
GRANT SELECT ON fee_history TO causeway_app;
GRANT SELECT ON batch_coin, coin_lock, void, void_approval, void_item, attempt_signature, fee_estimate TO causeway_app, causeway_worker;
GRANT INSERT ON batch_coin, coin_lock, void, void_approval, void_item, attempt_signature TO causeway_app;
GRANT UPDATE (unlocked_by, unlocked_at) ON coin_lock TO causeway_app;
GRANT UPDATE (ended, ended_by, ended_at) ON void TO causeway_app, causeway_worker;
GRANT UPDATE (wanted_feerate_sat_vb) ON batch TO causeway_app, causeway_worker;
GRANT INSERT ON attempt_signature TO causeway_worker;
GRANT INSERT, UPDATE ON fee_estimate TO causeway_worker;

-- What is off about a batch that may be paid: without a row it was sent and waits for a block, as every batch does.
CREATE VIEW batch_alarm WITH (security_invoker = true) AS
SELECT x.batch_id, x.alarm FROM (
    SELECT b.id AS batch_id, CASE
        WHEN b.state IN ('conflicted', 'voiding') THEN b.state
        WHEN b.last_code = 'not_relayed' THEN 'not_in_mempool'
        WHEN EXISTS (SELECT FROM attempt a JOIN attempt_event e ON e.attempt_id = a.id
            WHERE a.batch_id = b.id AND e.event = 'announced' AND e.height + b.deadline_blocks <= (SELECT max(height) FROM header)) THEN 'past_deadline'
    END AS alarm
    FROM batch b WHERE b.state IN ('announced', 'conflicted', 'voiding')
) x WHERE x.alarm IS NOT NULL;
GRANT SELECT ON batch_alarm TO causeway_app, causeway_worker;

-- +goose Down
-- +goose StatementBegin
DO $$ BEGIN
    RAISE EXCEPTION 'money may have moved under these rules: restore a dump instead';
END $$;
-- +goose StatementEnd
