-- +goose Up

CREATE TABLE batch (
    id                 uuid PRIMARY KEY,
    fund_id            uuid        NOT NULL REFERENCES fund,
    number             bigint      NOT NULL UNIQUE CHECK (number BETWEEN 0 AND 2147483647), -- also the index of its change script
    state              text        NOT NULL CHECK (state IN ('composed', 'approved', 'built', 'signing', 'signed', 'announced', 'mined', 'paid', 'final', 'cancelled', 'conflicted')),
    version            bigint      NOT NULL CHECK (version > 0),
    note               text        NOT NULL,               -- canonical batch note
    digest             bytea       NOT NULL UNIQUE CHECK (length(digest) = 32),
    feerate_sat_vb     bigint      NOT NULL CHECK (feerate_sat_vb > 0),
    max_feerate_sat_vb bigint      NOT NULL CHECK (max_feerate_sat_vb >= feerate_sat_vb),
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
    CHECK ((anchor_txid IS NULL) = (anchor_vout IS NULL)),
    CHECK (state IN ('composed', 'approved', 'cancelled') OR anchor_txid IS NOT NULL)
);
CREATE INDEX batch_state ON batch (state, number);
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
    ('batch', 'signed', 'announced'),
    ('batch', 'signed', 'mined'),
    ('batch', 'signed', 'conflicted'),
    ('batch', 'announced', 'mined'),
    ('batch', 'announced', 'conflicted'),
    ('batch', 'mined', 'announced'),
    ('batch', 'mined', 'paid'),
    ('batch', 'paid', 'mined'),
    ('batch', 'paid', 'announced'),
    ('batch', 'paid', 'final'),
    ('batch', 'conflicted', 'announced'),
    ('batch', 'conflicted', 'mined');

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
    decision      bytea CHECK (length(decision) = 32),     -- of a decision note that was lost: a signer's journal names the payment
    PRIMARY KEY (attempt_id, vout),
    UNIQUE (attempt_id, instalment_id),
    UNIQUE (attempt_id, decision),
    CHECK ((change_index IS NULL) = (num_nonnulls(instalment_id, decision) > 0))
);
CREATE INDEX attempt_output_decision ON attempt_output (decision) WHERE decision IS NOT NULL;
CREATE TRIGGER attempt_output_append_only BEFORE DELETE ON attempt_output FOR EACH ROW EXECUTE FUNCTION append_only();
-- A payment whose approval was lost is joined, once, to one of the same amount and script that was approved again.
-- +goose StatementBegin
CREATE FUNCTION check_join() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.instalment_id IS NOT NULL OR OLD.decision IS NULL OR NEW.instalment_id IS NULL
        OR (NEW.attempt_id, NEW.vout, NEW.script, NEW.amount_sat, NEW.change_index, NEW.decision)
            IS DISTINCT FROM (OLD.attempt_id, OLD.vout, OLD.script, OLD.amount_sat, OLD.change_index, OLD.decision)
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

-- The anchor rule: every attempt of a batch spends the batch's anchor, so the chain can hold at most one.
-- +goose StatementBegin
CREATE FUNCTION check_anchor() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM batch b JOIN attempt_input i ON i.txid = b.anchor_txid AND i.vout = b.anchor_vout
        WHERE b.id = NEW.batch_id AND i.attempt_id = NEW.id
    ) THEN
        RAISE EXCEPTION 'attempt % does not spend the anchor of its batch', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'attempt_anchor';
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
    event      text        NOT NULL CHECK (event IN ('built', 'signing', 'signed', 'announced', 'mined', 'reorged', 'paid', 'final', 'conflicted')),
    detail     text        NOT NULL DEFAULT '',
    at         timestamptz NOT NULL
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

-- One worker leads. The epoch grows with every new lease; every step of a payout checks it.
CREATE TABLE lease (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    epoch   bigint      NOT NULL,
    since   timestamptz NOT NULL
);
INSERT INTO lease (epoch, since) VALUES (0, 'epoch');

-- A surprise that stops all signing until two people have looked at it. One of a code is open at a time: what is found
-- while it is open is added to it, and voids the consent of who had not seen it.
CREATE TABLE breaker (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code       text        NOT NULL CHECK (code IN ('foreign_spend', 'deep_reorg', 'unexpected_payment', 'ledger_mismatch', 'invariant', 'recovery_failed', 'audit_broken')),
    state      text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'half_reset', 'reset')),
    findings   integer     NOT NULL DEFAULT 1 CHECK (findings > 0), -- how many there are
    tripped_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX breaker_open ON breaker (code) WHERE state <> 'reset';
INSERT INTO state_edge VALUES
    ('breaker', 'open', 'half_reset'),
    ('breaker', 'half_reset', 'open'),
    ('breaker', 'half_reset', 'reset');
CREATE TRIGGER breaker_state_edge BEFORE UPDATE ON breaker FOR EACH ROW EXECUTE FUNCTION check_state_edge('breaker');
CREATE TRIGGER breaker_no_delete BEFORE DELETE ON breaker FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER breaker_no_truncate BEFORE TRUNCATE ON breaker FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- What tripped it.
CREATE TABLE breaker_finding (
    breaker_id bigint      NOT NULL REFERENCES breaker,
    no         integer     NOT NULL CHECK (no > 0),
    subject    text        NOT NULL,                       -- a txid, a block, a breach, a line of a journal; empty: the books as a whole
    detail     text        NOT NULL,                       -- in plain words, with the figures
    amount_sat bigint,
    at         timestamptz NOT NULL,
    PRIMARY KEY (breaker_id, no)
);
CREATE INDEX breaker_finding_subject ON breaker_finding (subject);
CREATE TRIGGER breaker_finding_append_only BEFORE UPDATE OR DELETE ON breaker_finding FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER breaker_finding_no_truncate BEFORE TRUNCATE ON breaker_finding FOR EACH STATEMENT EXECUTE FUNCTION append_only();
ALTER TABLE breaker ADD CONSTRAINT breaker_has_findings FOREIGN KEY (id, findings) REFERENCES breaker_finding (breaker_id, no) DEFERRABLE INITIALLY DEFERRED;

-- A person's word that this many findings are understood.
CREATE TABLE breaker_consent (
    breaker_id bigint      NOT NULL,
    findings   integer     NOT NULL,
    staff_id   uuid        NOT NULL REFERENCES staff,
    at         timestamptz NOT NULL,
    PRIMARY KEY (breaker_id, findings, staff_id),
    FOREIGN KEY (breaker_id, findings) REFERENCES breaker_finding (breaker_id, no)
);
CREATE TRIGGER breaker_consent_append_only BEFORE UPDATE OR DELETE ON breaker_consent FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER breaker_consent_no_truncate BEFORE TRUNCATE ON breaker_consent FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- A finding that two people accepted as it stands: it does not trip again until it has lapsed.
CREATE TABLE breaker_accepted (
    breaker_id bigint      NOT NULL,
    no         integer     NOT NULL,
    at         timestamptz NOT NULL,
    lapsed_at  timestamptz,
    PRIMARY KEY (breaker_id, no),
    FOREIGN KEY (breaker_id, no) REFERENCES breaker_finding
);

-- Two different people reset a breaker, after the last of its findings; then it never changes again.
-- +goose StatementBegin
CREATE FUNCTION check_breaker() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE people bigint;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'open' OR NEW.findings <> 1 THEN
            RAISE EXCEPTION 'a breaker begins open' USING ERRCODE = 'check_violation', CONSTRAINT = 'breaker_begins';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.state = 'reset' OR (NEW.id, NEW.code, NEW.tripped_at) <> (OLD.id, OLD.code, OLD.tripped_at) OR NEW.findings < OLD.findings THEN
        RAISE EXCEPTION 'breaker % keeps what it is', OLD.id USING ERRCODE = 'check_violation', CONSTRAINT = 'breaker_stays';
    END IF;
    SELECT count(DISTINCT c.staff_id) INTO people FROM breaker_consent c WHERE c.breaker_id = NEW.id AND c.findings = NEW.findings;
    IF people < (CASE NEW.state WHEN 'open' THEN 0 WHEN 'half_reset' THEN 1 ELSE 2 END) THEN
        RAISE EXCEPTION 'breaker % has the consent of % people, and needs more', NEW.id, people USING ERRCODE = 'check_violation', CONSTRAINT = 'breaker_two_people';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER breaker_rules BEFORE INSERT OR UPDATE ON breaker FOR EACH ROW EXECUTE FUNCTION check_breaker();

-- +goose Down
ALTER TABLE breaker DROP CONSTRAINT breaker_has_findings;
DROP TABLE breaker_accepted, breaker_consent, breaker_finding, breaker, lease, reservation, attempt_event, attempt_raw, prev_tx, attempt_output, attempt_input, attempt, approval, batch_item, batch;
DROP SEQUENCE batch_number;
DROP FUNCTION check_anchor, check_breaker, check_join;
