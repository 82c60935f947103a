-- +goose Up

CREATE TABLE batch (
    id                 uuid PRIMARY KEY,
    fund_id            uuid        NOT NULL REFERENCES fund,
    number             bigint      NOT NULL CHECK (number BETWEEN 0 AND 2147483647), -- also the index of its change script
    state              text        NOT NULL CHECK (state IN ('composed', 'approved', 'built', 'signing', 'signed', 'broadcast', 'mined', 'paid', 'final', 'cancelled', 'conflicted', 'voiding', 'voided')),
    version            bigint      NOT NULL CHECK (version > 0),
    note               text        NOT NULL,               -- canonical batch note
    digest             bytea       NOT NULL UNIQUE CHECK (length(digest) = 32),
    treasury           bigint      NOT NULL CHECK (treasury >= 0), -- number of the one that pays
    until              timestamptz NOT NULL,               -- a signer can be asked for the first time until then
    feerate_sat_kvb    bigint      NOT NULL CHECK (feerate_sat_kvb > 0),
    max_feerate_sat_kvb bigint     NOT NULL CHECK (max_feerate_sat_kvb >= feerate_sat_kvb),
    max_fee_sat        bigint      NOT NULL CHECK (max_fee_sat > 0),
    seed               bytea       NOT NULL CHECK (length(seed) = 32), -- output order and coin choice, the same for all attempts
    anchor_txid        bytea CHECK (length(anchor_txid) = 32),         -- the outpoint that every attempt spends
    anchor_vout        bigint,
    composed_by        uuid        NOT NULL REFERENCES staff,
    tries              integer     NOT NULL DEFAULT 0,     -- of the step that is due
    last_error         text,                               -- in plain words
    last_code          text,                               -- of that error
    created_at         timestamptz NOT NULL,
    changed_at         timestamptz NOT NULL,
    kind               text        NOT NULL DEFAULT 'payout' CHECK (kind IN ('payout', 'consolidate', 'split', 'child')), -- pays people, or keeps the coins in order
    outputs            integer     NOT NULL DEFAULT 1 CHECK (outputs BETWEEN 1 AND 20),                -- change outputs of a split
    deadline_blocks    integer     NOT NULL DEFAULT 144 CHECK (deadline_blocks BETWEEN 1 AND 2016),
    wanted_feerate_sat_kvb bigint  CHECK (wanted_feerate_sat_kvb BETWEEN 1 AND max_feerate_sat_kvb),     -- a treasurer asked for a bump
    CONSTRAINT batch_anchor_whole CHECK ((anchor_txid IS NULL) = (anchor_vout IS NULL)),
    CONSTRAINT batch_anchored CHECK (state IN ('composed', 'approved', 'cancelled') OR anchor_txid IS NOT NULL)
);
CREATE INDEX batch_state ON batch (state, number);
-- After a restore, numbers are drawn again that a signer has seen already: the batch that went to the signer keeps its
-- number, and the other one is cancelled.
CREATE UNIQUE INDEX batch_number_live ON batch (number) WHERE state <> 'cancelled';
CREATE INDEX batch_number_all ON batch (number);
CREATE SEQUENCE batch_number START 1;
CREATE TRIGGER batch_state_edge BEFORE UPDATE ON batch FOR EACH ROW EXECUTE FUNCTION check_state_edge('batch');

INSERT INTO state_edge VALUES
    ('batch', 'composed', 'approved'),
    ('batch', 'composed', 'cancelled'),
    ('batch', 'approved', 'built'),
    ('batch', 'approved', 'cancelled'),
    ('batch', 'built', 'signing'),
    ('batch', 'built', 'cancelled'),
    ('batch', 'signing', 'signed'),
    ('batch', 'signing', 'mined'),
    ('batch', 'signing', 'conflicted'),
    ('batch', 'signed', 'broadcast'),
    ('batch', 'signed', 'mined'),
    ('batch', 'signed', 'conflicted'),
    ('batch', 'broadcast', 'mined'),
    ('batch', 'broadcast', 'conflicted'),
    ('batch', 'mined', 'broadcast'),
    ('batch', 'mined', 'paid'),
    ('batch', 'paid', 'mined'),
    ('batch', 'paid', 'broadcast'),
    ('batch', 'paid', 'final'),
    ('batch', 'conflicted', 'broadcast'),
    ('batch', 'conflicted', 'mined'),
    ('batch', 'signing', 'voiding'),
    ('batch', 'signed', 'voiding'),
    ('batch', 'broadcast', 'voiding'),
    ('batch', 'voiding', 'mined'),
    ('batch', 'voiding', 'conflicted'),
    ('batch', 'voiding', 'voided'),
    ('batch', 'mined', 'voiding'),
    ('batch', 'paid', 'voiding'),
    ('batch', 'conflicted', 'voiding'),
    ('batch', 'conflicted', 'voided'),
    ('batch', 'cancelled', 'signing'),                     -- cancelled in a restored database, and gone to the signer before
    ('instalment', 'maybe_paid', 'payable'),
    ('instalment', 'maybe_paid', 'cancelled');

CREATE TABLE batch_item (
    batch_id      uuid    NOT NULL REFERENCES batch,
    position      integer NOT NULL,
    instalment_id uuid    NOT NULL REFERENCES instalment,
    released_at   timestamptz,                             -- set when the batch is cancelled before signing
    PRIMARY KEY (batch_id, position),
    UNIQUE (batch_id, instalment_id)
);
-- One live home for an instalment.
CREATE UNIQUE INDEX batch_item_live ON batch_item (instalment_id) WHERE released_at IS NULL;

CREATE TABLE approval (
    id            uuid PRIMARY KEY,
    batch_id      uuid        NOT NULL REFERENCES batch,
    digest        bytea       NOT NULL REFERENCES batch (digest),
    staff_id      uuid        NOT NULL REFERENCES staff,
    auth_kind     text        NOT NULL CHECK (auth_kind IN ('login', 'sshsig', 'webauthn')),
    auth_envelope jsonb,
    created_at    timestamptz NOT NULL,
    UNIQUE (batch_id, staff_id),
    CHECK ((auth_kind = 'login') = (auth_envelope IS NULL))
);
CREATE TRIGGER approval_append_only BEFORE UPDATE OR DELETE ON approval FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER approval_no_truncate BEFORE TRUNCATE ON approval FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- A transaction that a signer may have been asked for. Never changed, never deleted.
CREATE TABLE attempt (
    id         uuid PRIMARY KEY,
    batch_id   uuid        NOT NULL REFERENCES batch,
    no         integer     NOT NULL CHECK (no >= 0),
    psbt       bytea       NOT NULL,                       -- BIP174, unsigned, without previous transactions
    txid       bytea       NOT NULL UNIQUE CHECK (length(txid) = 32), -- known before signing: every input is segwit
    fee_sat    bigint      NOT NULL CHECK (fee_sat > 0),
    weight     bigint      NOT NULL CHECK (weight > 0),    -- of the signed transaction, upper bound
    epoch      bigint      NOT NULL,                       -- lease under which it was built
    created_at timestamptz NOT NULL,
    kind       text        NOT NULL DEFAULT 'pay' CHECK (kind IN ('pay', 'void')),
    UNIQUE (batch_id, no)
);
CREATE TRIGGER attempt_append_only BEFORE UPDATE OR DELETE ON attempt FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER attempt_no_truncate BEFORE TRUNCATE ON attempt FOR EACH STATEMENT EXECUTE FUNCTION append_only();

CREATE TABLE attempt_input (
    attempt_id uuid   NOT NULL REFERENCES attempt,
    txid       bytea  NOT NULL CHECK (length(txid) = 32),
    vout       bigint NOT NULL,
    amount_sat bigint NOT NULL CHECK (amount_sat > 0),
    PRIMARY KEY (attempt_id, txid, vout)
);
CREATE INDEX attempt_input_outpoint ON attempt_input (txid, vout);
CREATE TRIGGER attempt_input_append_only BEFORE UPDATE OR DELETE ON attempt_input FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER attempt_input_no_truncate BEFORE TRUNCATE ON attempt_input FOR EACH STATEMENT EXECUTE FUNCTION append_only();

CREATE TABLE attempt_output (
    attempt_id    uuid   NOT NULL REFERENCES attempt,
    vout          bigint NOT NULL,
    script        bytea  NOT NULL,
    amount_sat    bigint NOT NULL CHECK (amount_sat > 0),
    instalment_id uuid REFERENCES instalment,
    change_index  bigint,
    decision      bytea CHECK (length(decision) = 32),     -- digest of a decision note that was lost: a signer's journal names the payment
    period        integer CHECK (period BETWEEN 1 AND 36), -- of that decision
    PRIMARY KEY (attempt_id, vout),
    UNIQUE (attempt_id, instalment_id),
    UNIQUE (attempt_id, decision, period),
    CHECK ((decision IS NULL) = (period IS NULL)),
    CHECK ((change_index IS NULL) = (num_nonnulls(instalment_id, decision) > 0))
);
CREATE INDEX attempt_output_instalment ON attempt_output (instalment_id) WHERE instalment_id IS NOT NULL;
CREATE INDEX attempt_output_decision ON attempt_output (decision, period) WHERE decision IS NOT NULL;
CREATE TRIGGER attempt_output_append_only BEFORE DELETE ON attempt_output FOR EACH ROW EXECUTE FUNCTION append_only();
-- A payment whose approval was lost is joined, once, to one of the same amount and script that was approved again.
-- +goose StatementBegin
CREATE FUNCTION check_join() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.instalment_id IS NOT NULL OR OLD.decision IS NULL OR NEW.instalment_id IS NULL
        OR (NEW.attempt_id, NEW.vout, NEW.script, NEW.amount_sat, NEW.change_index, NEW.decision, NEW.period)
            IS DISTINCT FROM (OLD.attempt_id, OLD.vout, OLD.script, OLD.amount_sat, OLD.change_index, OLD.decision, OLD.period)
        OR NOT EXISTS (SELECT FROM instalment i WHERE i.id = NEW.instalment_id AND i.payee_script = OLD.script AND i.amount_sat = OLD.amount_sat)
    THEN
        RAISE EXCEPTION 'output % of attempt % cannot be joined to payment %', OLD.vout, OLD.attempt_id, NEW.instalment_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'attempt_output_join';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER attempt_output_join BEFORE UPDATE ON attempt_output FOR EACH ROW EXECUTE FUNCTION check_join();
CREATE TRIGGER attempt_output_no_truncate BEFORE TRUNCATE ON attempt_output FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- The transactions that attempts spend from, each once, without witnesses: strangers decide how large they are.
-- They stay when a reorg takes chain_tx away. Double SHA-256 of the bytes is the txid.
CREATE TABLE prev_tx (
    txid bytea PRIMARY KEY,
    raw  bytea NOT NULL,
    CHECK (txid = sha256(sha256(raw)))
);
CREATE TRIGGER prev_tx_append_only BEFORE UPDATE OR DELETE ON prev_tx FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER prev_tx_no_truncate BEFORE TRUNCATE ON prev_tx FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- The anchor rule: every attempt of a batch spends all that its first one spends, so the chain can hold at most one; and
-- pays the same or nobody.
-- +goose StatementBegin
CREATE FUNCTION check_anchor() RETURNS trigger LANGUAGE plpgsql AS $$
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
        (SELECT instalment_id, decision, period, script, amount_sat FROM attempt_output WHERE attempt_id = first AND change_index IS NULL
         EXCEPT SELECT instalment_id, decision, period, script, amount_sat FROM attempt_output WHERE attempt_id = NEW.id)
        UNION ALL
        (SELECT instalment_id, decision, period, script, amount_sat FROM attempt_output WHERE attempt_id = NEW.id AND change_index IS NULL
         EXCEPT SELECT instalment_id, decision, period, script, amount_sat FROM attempt_output WHERE attempt_id = first)
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
CREATE CONSTRAINT TRIGGER attempt_anchor AFTER INSERT ON attempt DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION check_anchor();

-- The signed bytes, stored before a node is told.
CREATE TABLE attempt_raw (
    attempt_id uuid PRIMARY KEY REFERENCES attempt,
    raw        bytea       NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE TRIGGER attempt_raw_append_only BEFORE UPDATE OR DELETE ON attempt_raw FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER attempt_raw_no_truncate BEFORE TRUNCATE ON attempt_raw FOR EACH STATEMENT EXECUTE FUNCTION append_only();

CREATE TABLE attempt_event (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    attempt_id uuid        NOT NULL REFERENCES attempt,
    event      text        NOT NULL CHECK (event IN ('built', 'signing', 'signed', 'broadcast', 'mined', 'reorged', 'paid', 'final', 'conflicted', 'dead')),
    detail     text        NOT NULL DEFAULT '',
    at         timestamptz NOT NULL,
    height     integer                                    -- synced tip at the time
);
CREATE INDEX attempt_event_attempt ON attempt_event (attempt_id, id);
CREATE TRIGGER attempt_event_append_only BEFORE UPDATE OR DELETE ON attempt_event FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER attempt_event_no_truncate BEFORE TRUNCATE ON attempt_event FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- A coin that a batch holds. Released only when the batch is cancelled before signing or final.
CREATE TABLE reservation (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    txid        bytea       NOT NULL CHECK (length(txid) = 32),
    vout        bigint      NOT NULL,
    batch_id    uuid        NOT NULL REFERENCES batch,
    released_at timestamptz
);
CREATE UNIQUE INDEX reservation_live ON reservation (txid, vout) WHERE released_at IS NULL;

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

-- One worker leads. The epoch grows with every new lease; every step of a payout checks it.
CREATE TABLE lease (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    epoch   bigint      NOT NULL,
    since   timestamptz NOT NULL
);
INSERT INTO lease (epoch, since) VALUES (0, 'epoch');

-- +goose Down
-- +goose StatementBegin
DO $$ BEGIN
    RAISE EXCEPTION 'money may have moved under these rules: restore a dump instead';
END $$;
-- +goose StatementEnd
