-- +goose Up

-- The request to take a batch back after a signer was asked: a replacement that pays nobody. It changes nothing until a
-- second person has agreed; before that it can be withdrawn, and it lapses.
CREATE TABLE void (
    id                 uuid PRIMARY KEY,
    batch_id           uuid        NOT NULL REFERENCES batch,
    note               text        NOT NULL,               -- canonical void note
    digest             bytea       NOT NULL CHECK (length(digest) = 32),
    feerate_sat_kvb    bigint      NOT NULL CHECK (feerate_sat_kvb > 0),
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
        OR (NEW.id, NEW.batch_id, NEW.note, NEW.digest, NEW.feerate_sat_kvb, NEW.fee_sat, NEW.reason, NEW.asked_by, NEW.asked_at)
            IS DISTINCT FROM (OLD.id, OLD.batch_id, OLD.note, OLD.digest, OLD.feerate_sat_kvb, OLD.fee_sat, OLD.reason, OLD.asked_by, OLD.asked_at) THEN
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

-- How far each signer's journal has been held against this database. It goes back with the database when an older
-- dump is restored, which is how the worker notices.
CREATE TABLE journal_mark (
    fingerprint text PRIMARY KEY CHECK (length(fingerprint) = 8), -- of the signer's key
    seq         bigint      NOT NULL CHECK (seq >= 0),
    head        bytea       NOT NULL CHECK (length(head) = 32),   -- SHA-256 of line seq; zeros for none
    at          timestamptz NOT NULL
);

-- +goose Down
-- +goose StatementBegin
DO $$ BEGIN
    RAISE EXCEPTION 'money may have moved under these rules: restore a dump instead';
END $$;
-- +goose StatementEnd
