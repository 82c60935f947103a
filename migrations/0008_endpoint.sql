-- +goose Up

-- How endpoints are checked and what that decides.
CREATE TABLE check_policy (
    one_row               boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    slot_s                integer NOT NULL DEFAULT 900 CHECK (slot_s BETWEEN 60 AND 86400 AND 86400 % slot_s = 0),
    full_permille         integer NOT NULL DEFAULT 250 CHECK (full_permille BETWEEN 0 AND 1000),
    confirmations         integer NOT NULL DEFAULT 2 CHECK (confirmations BETWEEN 0 AND 5),     -- after a failure
    backoff_after         integer NOT NULL DEFAULT 8 CHECK (backoff_after > 0),                 -- failed slots in a row
    backoff_every_s       integer NOT NULL DEFAULT 3600 CHECK (backoff_every_s >= slot_s AND 86400 % backoff_every_s = 0 AND backoff_every_s % slot_s = 0),
    min_coverage_permille integer NOT NULL DEFAULT 800 CHECK (min_coverage_permille BETWEEN 0 AND 1000),
    min_uptime_permille   integer NOT NULL DEFAULT 0 CHECK (min_uptime_permille BETWEEN 0 AND 1000), -- 0: no gate
    pay_place             text    NOT NULL DEFAULT 'outside' CHECK (pay_place IN ('outside', 'inside')),
    require_control       boolean NOT NULL DEFAULT false,
    maintenance_notice_s  integer NOT NULL DEFAULT 86400 CHECK (maintenance_notice_s >= 0),
    maintenance_max_s     integer NOT NULL DEFAULT 28800 CHECK (maintenance_max_s >= 0),        -- in 30 days
    keep_raw_days         integer NOT NULL DEFAULT 35 CHECK (keep_raw_days BETWEEN 31 AND 400)  -- a payment's window is 30
);
INSERT INTO check_policy DEFAULT VALUES;

-- A server that an application claims. Nothing in clear says where it is.
CREATE TABLE endpoint (
    id             uuid PRIMARY KEY,
    application_id uuid        NOT NULL REFERENCES application,
    label          text        NOT NULL UNIQUE,            -- public locator, e.g. EP-7K3FQ2X9; opens nothing
    position       integer     NOT NULL CHECK (position >= 0),
    protocol       text        NOT NULL CHECK (protocol IN ('socks5', 'http_connect', 'mtproto', 'shadowsocks', 'trojan', 'vless', 'wireguard', 'openvpn')),
    spec           bytea,                                  -- sealed; null once it is shredded
    spec_index     bytea       NOT NULL,                   -- HMAC of what was understood
    state          text        NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'retired')),
    generation     integer     NOT NULL DEFAULT 1 CHECK (generation > 0),
    control        text CHECK (control IN ('credential', 'port', 'dns')),
    proven_at      timestamptz,
    prove_again_at timestamptz,
    proven_until   timestamptz,
    failed_slots   integer     NOT NULL DEFAULT 0 CHECK (failed_slots >= 0), -- in a row, outside
    rechecked_at   timestamptz,
    last_at        timestamptz,                            -- of the latest attempt that counted
    last_verdict   text CHECK (last_verdict IN ('up', 'down', 'unknown')),
    last_stage     text        NOT NULL DEFAULT '',
    last_class     text        NOT NULL DEFAULT '',
    last_vantage   uuid,
    last_slot      timestamptz,                            -- the latest one with an attempt, outside
    checks_from    timestamptz NOT NULL,                   -- no check before: it must not be seen to follow a submission
    created_at     timestamptz NOT NULL,
    retired_at     timestamptz,
    CHECK ((state = 'retired') = (retired_at IS NOT NULL)),
    CHECK (state = 'retired' OR spec IS NOT NULL),
    CHECK ((control IS NULL) = (proven_at IS NULL) AND (control IS NULL) = (proven_until IS NULL))
) WITH (fillfactor = 70); -- every check updates its row in place
CREATE UNIQUE INDEX endpoint_position ON endpoint (application_id, position) WHERE state = 'active';
CREATE INDEX endpoint_application ON endpoint (application_id);
CREATE INDEX endpoint_active ON endpoint (id) WHERE state = 'active';
CREATE INDEX endpoint_prove ON endpoint (prove_again_at) WHERE state = 'active' AND prove_again_at IS NOT NULL;
CREATE INDEX endpoint_shred ON endpoint (retired_at) WHERE spec IS NOT NULL AND state = 'retired';
-- +goose StatementBegin
CREATE FUNCTION check_retired() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'endpoint % was retired and does not come back', OLD.label
        USING ERRCODE = 'check_violation', CONSTRAINT = 'endpoint_retired';
END $$;
-- +goose StatementEnd
CREATE TRIGGER endpoint_retired BEFORE UPDATE OF state ON endpoint FOR EACH ROW
    WHEN (OLD.state = 'retired' AND NEW.state <> 'retired') EXECUTE FUNCTION check_retired();

-- Keyed hashes of what endpoints can have in common.
CREATE TABLE endpoint_link (
    endpoint_id uuid        NOT NULL REFERENCES endpoint,
    kind        text        NOT NULL CHECK (kind IN ('spec', 'listen_ip', 'listen_net', 'exit_ip', 'exit_net', 'exit_asn', 'server_key', 'secret', 'replay')),
    index       bytea       NOT NULL,
    seen_at     timestamptz NOT NULL,
    PRIMARY KEY (endpoint_id, kind, index)
);
CREATE INDEX endpoint_link_index ON endpoint_link (kind, index);

-- Entries of blocklists that cover an endpoint.
CREATE TABLE endpoint_hit (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    endpoint_id uuid        NOT NULL REFERENCES endpoint,
    what        text        NOT NULL CHECK (what IN ('listen', 'exit', 'host', 'net')),
    list        text        NOT NULL,
    version     text        NOT NULL,
    order_no    text        NOT NULL,                      -- the order's number, where the list has one
    permille    integer     NOT NULL CHECK (permille BETWEEN 0 AND 1000),
    found_at    timestamptz NOT NULL
);
CREATE INDEX endpoint_hit_endpoint ON endpoint_hit (endpoint_id, what, list);

-- Declared breaks.
CREATE TABLE maintenance (
    id          uuid PRIMARY KEY,
    endpoint_id uuid        NOT NULL REFERENCES endpoint,
    from_at     timestamptz NOT NULL,
    to_at       timestamptz NOT NULL CHECK (to_at > from_at),
    declared_at timestamptz NOT NULL
);
CREATE INDEX maintenance_endpoint ON maintenance (endpoint_id, from_at);

-- Enrolled probers.
CREATE TABLE vantage (
    id          uuid PRIMARY KEY,
    name        text        NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 40),
    place       text        NOT NULL CHECK (place IN ('outside', 'inside')),
    country     text        NOT NULL,
    asn         bigint      NOT NULL CHECK (asn BETWEEN 0 AND 4294967295),
    token_hash  bytea UNIQUE,                              -- of the enrolment token; null once it was used
    public_key  bytea UNIQUE CHECK (length(public_key) = 32),
    seq         bigint      NOT NULL DEFAULT 0 CHECK (seq >= 0),
    prev        bytea       NOT NULL CHECK (length(prev) = 32), -- SHA-256 of report seq; zeros for none
    asked_at    timestamptz,                               -- by the prober's clock
    seen_at     timestamptz,                               -- by ours
    sw          text        NOT NULL DEFAULT '',
    shown_day   date,
    shown       integer     NOT NULL DEFAULT 0,            -- distinct endpoints that it was given on shown_day
    created_at  timestamptz NOT NULL,
    disabled_at timestamptz
);

-- The chain of a prober's reports.
CREATE TABLE vantage_report (
    vantage_id uuid        NOT NULL REFERENCES vantage,
    seq        bigint      NOT NULL CHECK (seq > 0),
    prev       bytea       NOT NULL CHECK (length(prev) = 32),
    sha256     bytea       NOT NULL UNIQUE CHECK (length(sha256) = 32),
    lease_id   uuid        NOT NULL,
    at         timestamptz NOT NULL,
    PRIMARY KEY (vantage_id, seq)
);
-- +goose StatementBegin
CREATE FUNCTION check_report_chain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.seq = 1 AND NEW.prev <> decode(repeat('00', 32), 'hex'))
        OR (NEW.seq > 1 AND NOT EXISTS (SELECT FROM vantage_report r WHERE r.vantage_id = NEW.vantage_id AND r.seq = NEW.seq - 1 AND r.sha256 = NEW.prev)) THEN
        RAISE EXCEPTION 'report % of vantage % does not follow on the one before', NEW.seq, NEW.vantage_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'vantage_report_chain';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER vantage_report_chain BEFORE INSERT ON vantage_report FOR EACH ROW EXECUTE FUNCTION check_report_chain();

-- Answers to canaries, by the hour.
CREATE TABLE vantage_canary (
    vantage_id uuid        NOT NULL REFERENCES vantage,
    hour       timestamptz NOT NULL,
    good       integer     NOT NULL DEFAULT 0,
    bad        integer     NOT NULL DEFAULT 0,
    PRIMARY KEY (vantage_id, hour)
);

-- The endpoints that a prober was given on a day: how many it can get to know is bounded.
CREATE TABLE vantage_shown (
    vantage_id  uuid NOT NULL REFERENCES vantage,
    day         date NOT NULL,
    endpoint_id uuid NOT NULL REFERENCES endpoint,
    PRIMARY KEY (vantage_id, day, endpoint_id)
);
CREATE INDEX vantage_shown_day ON vantage_shown (day);

CREATE TABLE check_lease (
    id         uuid PRIMARY KEY,
    vantage_id uuid        NOT NULL REFERENCES vantage,
    at         timestamptz NOT NULL
);
CREATE INDEX check_lease_at ON check_lease (at);

-- Checks that wait for their prober.
CREATE TABLE check_offer (
    id          uuid PRIMARY KEY,
    endpoint_id uuid        NOT NULL REFERENCES endpoint,
    kind        text        NOT NULL CHECK (kind IN ('slot', 'recheck', 'control')),
    proof       text CHECK (proof IN ('credential', 'port', 'dns')),
    mode        text        NOT NULL CHECK (mode IN ('full', 'light')),
    place       text        NOT NULL CHECK (place IN ('outside', 'inside')),
    slot        timestamptz NOT NULL,                      -- its start; for other kinds the moment it was asked for
    attempt     integer     NOT NULL CHECK (attempt > 0),
    vantage_id  uuid        NOT NULL REFERENCES vantage,
    due         timestamptz NOT NULL,
    until       timestamptz NOT NULL CHECK (until > due),
    lease_id    uuid REFERENCES check_lease,
    lease_until timestamptz,
    done_at     timestamptz,                               -- answered, or its time is over
    UNIQUE (endpoint_id, kind, place, slot, attempt),
    CHECK ((kind = 'control') = (proof IS NOT NULL)),
    CHECK ((lease_id IS NULL) = (lease_until IS NULL))
);
CREATE INDEX check_offer_waiting ON check_offer (vantage_id, due) WHERE lease_id IS NULL AND done_at IS NULL;
CREATE INDEX check_offer_lease ON check_offer (lease_id) WHERE lease_id IS NOT NULL;
CREATE INDEX check_offer_open ON check_offer (until) WHERE done_at IS NULL;
CREATE INDEX check_offer_done ON check_offer (done_at) WHERE done_at IS NOT NULL;

-- What people asked for: rechecks and proofs. It bounds how often they may ask.
CREATE TABLE check_request (
    id          uuid PRIMARY KEY,                          -- of the offer that comes of it
    endpoint_id uuid        NOT NULL REFERENCES endpoint,
    asked_at    timestamptz NOT NULL,
    until       timestamptz NOT NULL,
    done_at     timestamptz
);
CREATE INDEX check_request_endpoint ON check_request (endpoint_id, asked_at);
CREATE INDEX check_request_open ON check_request (until) WHERE done_at IS NULL;

-- How far the planning of a slot has come.
CREATE TABLE check_plan (
    slot     timestamptz PRIMARY KEY,
    after_id uuid        NOT NULL,                         -- endpoints up to this one are planned
    planned  integer     NOT NULL DEFAULT 0,
    done_at  timestamptz
);

-- What came of the checks: a table for each day of the slot (UTC), dropped as a whole. It has no foreign keys, because
-- dropping a day would lock the tables they point at.
CREATE TABLE check_result (
    offer_id    uuid        NOT NULL,
    endpoint_id uuid        NOT NULL,
    vantage_id  uuid        NOT NULL,
    kind        text        NOT NULL CHECK (kind IN ('slot', 'recheck', 'control')),
    mode        text        NOT NULL CHECK (mode IN ('full', 'light')),
    place       text        NOT NULL CHECK (place IN ('outside', 'inside')),
    slot        timestamptz NOT NULL,
    attempt     integer     NOT NULL CHECK (attempt > 0),
    started     timestamptz NOT NULL,
    verdict     text        NOT NULL CHECK (verdict IN ('up', 'down', 'unknown')),
    stage       text        NOT NULL CHECK (stage IN ('', 'parse', 'guard', 'dns', 'tcp', 'handshake', 'auth', 'relay', 'target')), -- last passed
    failed_at   text        NOT NULL CHECK (failed_at IN ('', 'parse', 'guard', 'dns', 'tcp', 'handshake', 'auth', 'relay', 'target')),
    class       text        NOT NULL CHECK (class IN ('', 'config_invalid', 'address_denied', 'port_denied', 'dns_nxdomain', 'dns_error', 'refused', 'reset', 'eof',
        'timeout', 'unreachable', 'protocol_mismatch', 'auth_required', 'auth_rejected', 'relay_refused', 'target_unreachable', 'target_invalid', 'cookie_reply',
        'rate_limited', 'local_resources', 'control_failed', 'canceled')),
    ms          jsonb       NOT NULL,
    record      bytea       NOT NULL,                      -- sealed
    exit_known  boolean     NOT NULL,                      -- the record says where traffic comes out
    sha256      bytea       NOT NULL CHECK (length(sha256) = 32), -- of the record in clear
    PRIMARY KEY (offer_id, slot)                           -- an offer has one slot, so one result
) PARTITION BY RANGE (slot);
CREATE INDEX check_result_endpoint ON check_result (endpoint_id, slot, attempt);

-- Makes the tables of the days [from_day, until_day) and drops those before before_day, but none that the policy keeps.
-- It runs with the owner's rights, so that the worker needs no rights to make or drop tables.
-- +goose StatementBegin
CREATE FUNCTION check_result_days(from_day date, until_day date, before_day date, OUT made integer, OUT dropped integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' SET lock_timeout = '5s' AS $$
DECLARE
    one  date;
    name text;
BEGIN
    IF until_day - from_day > 62 THEN
        RAISE EXCEPTION 'at most 62 days at once';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('check_result_days', 0)); -- two workers make one table once
    made := 0;
    dropped := 0;
    FOR one IN SELECT d::date FROM generate_series(from_day, until_day - 1, interval '1 day') d LOOP
        name := 'check_result_' || to_char(one, 'YYYYMMDD');
        CONTINUE WHEN to_regclass('public.' || name) IS NOT NULL;
        EXECUTE format('CREATE TABLE public.%I PARTITION OF public.check_result FOR VALUES FROM (%L) TO (%L)', name, one::timestamptz, (one + 1)::timestamptz);
        made := made + 1;
    END LOOP;
    before_day := least(before_day, now()::date - (SELECT keep_raw_days FROM public.check_policy));
    FOR name IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'public.check_result'::regclass AND c.relname < 'check_result_' || to_char(before_day, 'YYYYMMDD')
    LOOP
        EXECUTE format('DROP TABLE public.%I', name);
        dropped := dropped + 1;
    END LOOP;
END $$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION check_result_days FROM PUBLIC;

-- Removes what describes endpoints that were retired before; the worker cannot write any other spec.
-- +goose StatementBegin
CREATE FUNCTION shred_endpoints(before timestamptz) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    WITH gone AS (
        UPDATE public.endpoint e SET spec = NULL WHERE e.state = 'retired' AND e.spec IS NOT NULL AND e.retired_at < before RETURNING e.id
    )
    SELECT count(*)::integer FROM gone
$$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION shred_endpoints FROM PUBLIC;

-- A day (UTC) of an endpoint, one letter a slot.
CREATE TABLE endpoint_day (
    endpoint_id uuid    NOT NULL REFERENCES endpoint,
    place       text    NOT NULL CHECK (place IN ('outside', 'inside')),
    day         date    NOT NULL,
    slot_s      integer NOT NULL CHECK (slot_s > 0),
    marks       text    NOT NULL CHECK (marks ~ '^[udb?m-]+$'),
    evidence    bytea   NOT NULL CHECK (length(evidence) = 32), -- SHA-256 over the day's records, in order
    attempts    integer NOT NULL CHECK (attempts >= 0),
    PRIMARY KEY (endpoint_id, place, day),
    CONSTRAINT endpoint_day_whole CHECK (length(marks) * slot_s = 86400)
);

-- Tries to prove control.
CREATE TABLE endpoint_proof (
    id          uuid PRIMARY KEY,
    endpoint_id uuid        NOT NULL REFERENCES endpoint,
    offer_id    uuid        NOT NULL UNIQUE,
    kind        text        NOT NULL CHECK (kind IN ('credential', 'port', 'dns')),
    held        boolean     NOT NULL,
    why         text        NOT NULL,
    vantage_id  uuid        NOT NULL REFERENCES vantage,
    at          timestamptz NOT NULL,
    again_at    timestamptz,
    valid_until timestamptz,
    CHECK (held = (valid_until IS NOT NULL) AND held = (again_at IS NOT NULL))
);
CREATE INDEX endpoint_proof_endpoint ON endpoint_proof (endpoint_id, at DESC);

-- What a payment was decided by: it can be computed again from the text.
CREATE TABLE uptime_snapshot (
    id             uuid PRIMARY KEY,
    application_id uuid        NOT NULL REFERENCES application,
    instalment_id  uuid REFERENCES instalment,
    text           bytea       NOT NULL,
    sha256         bytea       NOT NULL CHECK (sha256 = sha256(text)),
    created_at     timestamptz NOT NULL
);
CREATE INDEX uptime_snapshot_instalment ON uptime_snapshot (instalment_id, created_at DESC);

-- When an instalment's gate was last looked at.
CREATE TABLE instalment_gate (
    instalment_id uuid PRIMARY KEY REFERENCES instalment,
    looked_at     timestamptz NOT NULL
);

CREATE TRIGGER maintenance_append_only BEFORE UPDATE OR DELETE ON maintenance FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER maintenance_no_truncate BEFORE TRUNCATE ON maintenance FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER vantage_report_append_only BEFORE UPDATE OR DELETE ON vantage_report FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER vantage_report_no_truncate BEFORE TRUNCATE ON vantage_report FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER check_result_append_only BEFORE UPDATE OR DELETE ON check_result FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER check_result_no_truncate BEFORE TRUNCATE ON check_result FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER endpoint_day_append_only BEFORE UPDATE OR DELETE ON endpoint_day FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER endpoint_day_no_truncate BEFORE TRUNCATE ON endpoint_day FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER endpoint_proof_append_only BEFORE UPDATE OR DELETE ON endpoint_proof FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER endpoint_proof_no_truncate BEFORE TRUNCATE ON endpoint_proof FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER uptime_snapshot_append_only BEFORE UPDATE OR DELETE ON uptime_snapshot FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER uptime_snapshot_no_truncate BEFORE TRUNCATE ON uptime_snapshot FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- What must never be, in words; a row for every breach. These stop no payment by themselves.
CREATE VIEW check_breach WITH (security_invoker = true) AS
SELECT 'c01_one_result'::text AS invariant, 'slot ' || r.slot || ' of endpoint ' || r.endpoint_id || ' has attempt ' || r.attempt || ' ' || count(*) || ' times' AS what
FROM check_result r WHERE r.kind = 'slot' GROUP BY r.endpoint_id, r.place, r.slot, r.attempt HAVING count(*) > 1
UNION ALL
SELECT 'c02_proven', 'endpoint ' || e.label || ' counts as proven and no proof says so'
FROM endpoint e WHERE e.control IS NOT NULL
    AND NOT EXISTS (SELECT FROM endpoint_proof p WHERE p.endpoint_id = e.id AND p.held AND p.kind = e.control AND p.at = e.proven_at AND p.valid_until = e.proven_until)
UNION ALL
SELECT 'c03_chain', 'vantage ' || v.name || ' is at report ' || v.seq || ' and the chain ends at ' || coalesce(c.seq, 0)
FROM vantage v
LEFT JOIN LATERAL (SELECT r.seq, r.sha256 FROM vantage_report r WHERE r.vantage_id = v.id ORDER BY r.seq DESC LIMIT 1) c ON true
WHERE v.seq <> coalesce(c.seq, 0) OR (c.seq IS NOT NULL AND v.prev <> c.sha256)
UNION ALL
SELECT 'c04_gate', 'payment ' || i.id || ' is held by a gate and no snapshot says why'
FROM instalment i WHERE i.state = 'held' AND i.held_reason LIKE 'uptime:%'
    AND NOT EXISTS (SELECT FROM uptime_snapshot s WHERE s.instalment_id = i.id);

-- +goose Down
-- +goose StatementBegin
DO $$ BEGIN
    RAISE EXCEPTION 'results of checks would be lost: restore a dump instead';
END $$;
-- +goose StatementEnd
