-- +goose Up

CREATE TABLE application (
    id           uuid PRIMARY KEY,
    fund_id      uuid        NOT NULL REFERENCES fund,
    reference    text        NOT NULL UNIQUE,          -- public locator, e.g. GR-7K3FQ2; opens nothing
    designation  text        NOT NULL,                 -- three words that stand for the operator before reviewers
    state        text        NOT NULL CHECK (state IN ('submitted', 'in_review', 'needs_info', 'ready', 'approved', 'declined', 'withdrawn')),
    revision     integer     NOT NULL CHECK (revision > 0),
    version      bigint      NOT NULL CHECK (version > 0), -- grows with every change; the ETag
    protocols    text[]      NOT NULL,
    region       text        NOT NULL,
    language     text        NOT NULL,
    amount_sat   bigint      NOT NULL CHECK (amount_sat > 0), -- asked for in the current revision
    receipt_hash bytea UNIQUE,                         -- HMAC of the receipt code; the code itself is nowhere
    payee_index  bytea       NOT NULL,                 -- HMAC of the payee script: finds an address used before, tells nobody which
    title_words  bigint[]    NOT NULL DEFAULT '{}',    -- keyed hashes of the title's words, by which it is found; the title is sealed
    data_key     bytea,                                -- wrapped by the key file; null once purged
    key_id       text        NOT NULL,
    submitted_at timestamptz NOT NULL,
    changed_at   timestamptz NOT NULL,
    CONSTRAINT application_purged CHECK (data_key IS NOT NULL OR title_words = '{}')
);

-- Keys that were taken out of the key file. A program that still runs with an old copy of it must not seal a data key
-- that no restart would open.
CREATE TABLE dropped_key (
    key_id     text PRIMARY KEY CHECK (key_id ~ '^[0-9a-z-]{1,40}$'),
    dropped_at timestamptz NOT NULL
);
CREATE TRIGGER dropped_key_append_only BEFORE UPDATE OR DELETE ON dropped_key FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER dropped_key_no_truncate BEFORE TRUNCATE ON dropped_key FOR EACH STATEMENT EXECUTE FUNCTION append_only();
-- +goose StatementBegin
CREATE FUNCTION check_key_dropped() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM dropped_key d WHERE d.key_id = NEW.key_id) THEN
        RAISE EXCEPTION 'key % was dropped', NEW.key_id USING ERRCODE = 'check_violation', CONSTRAINT = 'application_key_dropped';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER application_key_dropped BEFORE INSERT OR UPDATE OF data_key, key_id ON application FOR EACH ROW
    WHEN (NEW.data_key IS NOT NULL) EXECUTE FUNCTION check_key_dropped();

CREATE UNIQUE INDEX application_designation_key ON application (designation, fund_id);
-- The queue is walked state by state, so each of these gives its rows in the queue's order.
CREATE INDEX application_state ON application (state, submitted_at DESC, id DESC);
CREATE INDEX application_region ON application (region, state, submitted_at DESC, id DESC);
CREATE INDEX application_language ON application (language, state, submitted_at DESC, id DESC);
CREATE INDEX application_submitted ON application (fund_id, submitted_at);
CREATE INDEX application_payee ON application (payee_index, state, id);
CREATE TRIGGER application_state_edge BEFORE UPDATE ON application FOR EACH ROW EXECUTE FUNCTION check_state_edge('application');

INSERT INTO state_edge VALUES
    ('application', 'submitted', 'in_review'),
    ('application', 'submitted', 'needs_info'),
    ('application', 'submitted', 'withdrawn'),
    ('application', 'in_review', 'needs_info'),
    ('application', 'in_review', 'ready'),
    ('application', 'in_review', 'withdrawn'),
    ('application', 'needs_info', 'in_review'),
    ('application', 'needs_info', 'ready'),
    ('application', 'needs_info', 'withdrawn'),
    ('application', 'ready', 'in_review'),
    ('application', 'ready', 'needs_info'),
    ('application', 'ready', 'approved'),
    ('application', 'ready', 'declined'),
    ('application', 'ready', 'withdrawn');

-- The words of title_words in the queue's order, so that a word that half of all titles have costs no more than a rare one.
-- Kept by a trigger, so it needs no foreign key.
CREATE TABLE application_word (
    word           bigint      NOT NULL,
    submitted_at   timestamptz NOT NULL,
    application_id uuid        NOT NULL,
    PRIMARY KEY (word, submitted_at, application_id)
);
-- Holds the undecided applications with one address to a bound. Those who apply with it at once are counted one after the
-- other: each statement of the function sees what was committed before it, and the lock ends with the transaction.
-- +goose StatementBegin
CREATE FUNCTION check_open_of_payee(payee bytea, self uuid, open_states text[], most bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7305813, ('x' || encode(substr(payee, 1, 4), 'hex'))::bit(32)::integer);
    IF (SELECT count(*) FROM (
        SELECT FROM application a WHERE a.payee_index = payee AND a.state = ANY (open_states) AND a.id <> self LIMIT most
    ) x) >= most THEN
        RAISE EXCEPTION 'as many undecided applications have this address as may' USING ERRCODE = 'check_violation', CONSTRAINT = 'application_open_of_payee';
    END IF;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION keep_application_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM application_word
        WHERE word = ANY (OLD.title_words) AND submitted_at = OLD.submitted_at AND application_id = OLD.id;
    END IF;
    INSERT INTO application_word (word, submitted_at, application_id)
    SELECT DISTINCT x.word, NEW.submitted_at, NEW.id FROM unnest(NEW.title_words) AS x (word);
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- With the key that seals the title its words go: what was purged is found by none.
-- +goose StatementBegin
CREATE FUNCTION purge_application_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.title_words := '{}';
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER application_words_purged BEFORE UPDATE ON application FOR EACH ROW
    WHEN (NEW.data_key IS NULL AND NEW.title_words <> '{}') EXECUTE FUNCTION purge_application_words();
CREATE TRIGGER application_words_new AFTER INSERT ON application FOR EACH ROW EXECUTE FUNCTION keep_application_words();
CREATE TRIGGER application_words_changed AFTER UPDATE ON application FOR EACH ROW
    WHEN (OLD.title_words IS DISTINCT FROM NEW.title_words OR OLD.submitted_at IS DISTINCT FROM NEW.submitted_at)
    EXECUTE FUNCTION keep_application_words();

-- What the operator wrote, sealed under the application's data key.
CREATE TABLE application_revision (
    application_id uuid        NOT NULL REFERENCES application,
    revision       integer     NOT NULL CHECK (revision > 0),
    body           bytea       NOT NULL,               -- sealed JSON
    body_sha256    bytea       NOT NULL CHECK (length(body_sha256) = 32), -- of the digest of the salted plaintext, which the sealed note holds
    amount_sat     bigint      NOT NULL CHECK (amount_sat > 0),
    created_at     timestamptz NOT NULL,
    PRIMARY KEY (application_id, revision)
);
CREATE TRIGGER application_revision_append_only BEFORE UPDATE OR DELETE ON application_revision FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER application_revision_no_truncate BEFORE TRUNCATE ON application_revision FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- What automatic checks compare of an application's current revision.
CREATE TABLE application_print (
    application_id uuid PRIMARY KEY REFERENCES application,
    text_hash      bigint  NOT NULL,                   -- keyed simhash of the statement: without the key it tells which are alike, and no word
    servers        integer NOT NULL CHECK (servers >= 0) -- that the application names
);
-- A byte of the simhash each: two that differ in fewer than eight bits share one. Ids grow with time, so that a flood
-- costs only as much as the newest rows of each byte.
CREATE INDEX application_print_0 ON application_print (((text_hash) & 255), application_id DESC) INCLUDE (text_hash);
CREATE INDEX application_print_1 ON application_print (((text_hash >> 8) & 255), application_id DESC) INCLUDE (text_hash);
CREATE INDEX application_print_2 ON application_print (((text_hash >> 16) & 255), application_id DESC) INCLUDE (text_hash);
CREATE INDEX application_print_3 ON application_print (((text_hash >> 24) & 255), application_id DESC) INCLUDE (text_hash);
CREATE INDEX application_print_4 ON application_print (((text_hash >> 32) & 255), application_id DESC) INCLUDE (text_hash);
CREATE INDEX application_print_5 ON application_print (((text_hash >> 40) & 255), application_id DESC) INCLUDE (text_hash);
CREATE INDEX application_print_6 ON application_print (((text_hash >> 48) & 255), application_id DESC) INCLUDE (text_hash);
CREATE INDEX application_print_7 ON application_print (((text_hash >> 56) & 255), application_id DESC) INCLUDE (text_hash);

-- The note that a revision asks people to approve. Sealed: who was not approved leaves no address behind.
CREATE TABLE decision (
    id             uuid PRIMARY KEY,
    application_id uuid        NOT NULL,
    revision       integer     NOT NULL,
    grant_id       uuid        NOT NULL UNIQUE,        -- the grant's id, chosen before the grant exists
    digest         bytea       NOT NULL UNIQUE CHECK (length(digest) = 32),
    note           bytea       NOT NULL,               -- sealed text
    amount_sat     bigint      NOT NULL CHECK (amount_sat > 0), -- of one period
    created_at     timestamptz NOT NULL,
    UNIQUE (application_id, revision),
    FOREIGN KEY (application_id, revision) REFERENCES application_revision
);
CREATE TRIGGER decision_append_only BEFORE UPDATE OR DELETE ON decision FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER decision_no_truncate BEFORE TRUNCATE ON decision FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- A lease on a queue item.
CREATE TABLE claim (
    application_id uuid PRIMARY KEY REFERENCES application,
    staff_id       uuid        NOT NULL REFERENCES staff,
    expires_at     timestamptz NOT NULL
);
CREATE INDEX claim_staff ON claim (staff_id, expires_at);

CREATE TABLE vote (
    id             uuid PRIMARY KEY,
    application_id uuid        NOT NULL REFERENCES application,
    revision       integer     NOT NULL,
    digest         bytea       NOT NULL REFERENCES decision (digest),
    staff_id       uuid        NOT NULL REFERENCES staff,
    verdict        text        NOT NULL CHECK (verdict IN ('approve', 'decline')),
    note           bytea,                              -- for colleagues, sealed
    auth_kind      text        NOT NULL CHECK (auth_kind IN ('login', 'sshsig', 'webauthn')),
    auth_envelope  jsonb,                              -- the signature over digest; null for a login
    created_at     timestamptz NOT NULL,
    UNIQUE (application_id, revision, staff_id),
    CHECK ((auth_kind = 'login') = (auth_envelope IS NULL))
);
CREATE TRIGGER vote_append_only BEFORE UPDATE OR DELETE ON vote FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER vote_no_truncate BEFORE TRUNCATE ON vote FOR EACH STATEMENT EXECUTE FUNCTION append_only();

CREATE TABLE message (
    id             uuid PRIMARY KEY,
    application_id uuid        NOT NULL REFERENCES application,
    audience       text        NOT NULL CHECK (audience IN ('operator', 'team')),
    author_kind    text        NOT NULL CHECK (author_kind IN ('operator', 'staff')),
    staff_id       uuid REFERENCES staff,
    body           bytea       NOT NULL,               -- sealed
    created_at     timestamptz NOT NULL,
    CHECK ((author_kind = 'staff') = (staff_id IS NOT NULL)),
    CHECK (author_kind = 'staff' OR audience = 'operator')
);
CREATE INDEX message_application ON message (application_id, created_at);
CREATE TRIGGER message_append_only BEFORE UPDATE OR DELETE ON message FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER message_no_truncate BEFORE TRUNCATE ON message FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- Who opened what is sealed: a row, and a leaf of the audit log, once a session or token. It has to be there before anything
-- is opened.
CREATE TABLE unsealing (
    via       uuid        NOT NULL,                    -- session or API token
    what      text        NOT NULL CHECK (what IN ('application', 'endpoints', 'titles')),
    object_id uuid        NOT NULL,                    -- application; for titles the fund
    at        timestamptz NOT NULL,
    PRIMARY KEY (via, what, object_id)
);
CREATE TRIGGER unsealing_append_only BEFORE UPDATE OR DELETE ON unsealing FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER unsealing_no_truncate BEFORE TRUNCATE ON unsealing FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- A request that made something, written in the transaction that made it. The same key with
-- another body is refused.
CREATE TABLE idempotency (
    scope       text        NOT NULL,                  -- operation
    key_hash    bytea       NOT NULL CHECK (length(key_hash) = 32), -- keyed; of the caller's key and, save for an application, of the caller
    body_sha256 bytea       NOT NULL CHECK (length(body_sha256) = 32), -- keyed: tells nothing about the body
    object_ids  uuid[]      NOT NULL CHECK (cardinality(object_ids) > 0), -- what it made, or made it in
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (scope, key_hash)
);

-- "grants" because GRANT is a word of SQL.
CREATE TABLE grants (
    id             uuid PRIMARY KEY,
    application_id uuid        NOT NULL UNIQUE REFERENCES application,
    fund_id        uuid        NOT NULL REFERENCES fund,
    reference      text        NOT NULL UNIQUE,
    designation    text        NOT NULL,
    state          text        NOT NULL CHECK (state IN ('active', 'completed', 'terminated')),
    amount_sat     bigint      NOT NULL CHECK (amount_sat > 0),
    version        bigint      NOT NULL CHECK (version > 0),
    created_at     timestamptz NOT NULL
);
CREATE INDEX grants_granted ON grants (amount_sat) WHERE state <> 'terminated'; -- what is granted is summed before each decision
CREATE INDEX grants_newest ON grants (created_at DESC, id DESC);
CREATE TRIGGER grants_state_edge BEFORE UPDATE ON grants FOR EACH ROW EXECUTE FUNCTION check_state_edge('grant');

-- One payment that is owed: one period of one decision, whose note was approved by people and is what a signer is shown.
CREATE TABLE instalment (
    id            uuid PRIMARY KEY,
    grant_id      uuid        NOT NULL REFERENCES grants,
    period        integer     NOT NULL CHECK (period BETWEEN 1 AND 36), -- of the decision
    decision_id   uuid        NOT NULL REFERENCES decision,
    digest        bytea       NOT NULL CHECK (length(digest) = 32),
    note          text        NOT NULL,
    payee_script  bytea       NOT NULL,
    payee_address text        NOT NULL,
    amount_sat    bigint      NOT NULL CHECK (amount_sat > 0),
    due_at        timestamptz NOT NULL,                -- it may be paid from then on
    until_at      timestamptz NOT NULL CHECK (until_at > due_at), -- and be released for the first time until then
    state         text        NOT NULL CHECK (state IN ('payable', 'held', 'allocated', 'maybe_paid', 'mined', 'paid', 'final', 'cancelled')),
    held_reason   text,
    version       bigint      NOT NULL CHECK (version > 0),
    created_at    timestamptz NOT NULL,
    changed_at    timestamptz NOT NULL,
    UNIQUE (decision_id, period),
    UNIQUE (digest, period)
);
CREATE INDEX instalment_grant ON instalment (grant_id, due_at);
CREATE INDEX instalment_state ON instalment (state, due_at);
CREATE TRIGGER instalment_state_edge BEFORE UPDATE ON instalment FOR EACH ROW EXECUTE FUNCTION check_state_edge('instalment');

INSERT INTO state_edge VALUES
    ('grant', 'active', 'completed'),
    ('grant', 'completed', 'active'),
    ('grant', 'active', 'terminated'),
    ('instalment', 'payable', 'held'),
    ('instalment', 'held', 'payable'),
    ('instalment', 'payable', 'allocated'),
    ('instalment', 'payable', 'cancelled'),
    ('instalment', 'held', 'cancelled'),
    ('instalment', 'allocated', 'payable'),
    ('instalment', 'allocated', 'maybe_paid'),
    ('instalment', 'maybe_paid', 'mined'),
    ('instalment', 'mined', 'maybe_paid'),
    ('instalment', 'mined', 'paid'),
    ('instalment', 'paid', 'mined'),
    ('instalment', 'paid', 'maybe_paid'),
    ('instalment', 'paid', 'final');

-- +goose Down
DROP TABLE instalment, grants, idempotency, unsealing, message, vote, claim, decision, application_print, application_revision, application_word, application, dropped_key;
DROP FUNCTION check_key_dropped, keep_application_words, purge_application_words, check_open_of_payee;
