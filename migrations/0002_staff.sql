-- +goose Up

CREATE TABLE staff (
    id          uuid PRIMARY KEY,
    name        text        NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    created_at  timestamptz NOT NULL,
    disabled_at timestamptz                     -- cannot sign in; sessions, tokens and links have ended
);
-- The name of somebody who left is free for somebody new.
CREATE UNIQUE INDEX staff_name_key ON staff (name) WHERE disabled_at IS NULL;

CREATE TABLE staff_role (
    staff_id uuid NOT NULL REFERENCES staff,
    role     text NOT NULL CHECK (role IN ('reviewer', 'treasurer', 'admin', 'auditor')),
    PRIMARY KEY (staff_id, role)
);

-- A link that works once: to enrol a passkey, or (in a demo only) to sign in.
CREATE TABLE one_time_link (
    id         uuid PRIMARY KEY,
    token_hash bytea       NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    purpose    text        NOT NULL CHECK (purpose IN ('invite', 'login')),
    staff_id   uuid        NOT NULL REFERENCES staff,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz                      -- when it was used, or ended because another was
);
CREATE INDEX one_time_link_open ON one_time_link (staff_id) WHERE used_at IS NULL;

CREATE TABLE passkey (
    credential_id bytea PRIMARY KEY,
    staff_id      uuid        NOT NULL REFERENCES staff,
    label         text        NOT NULL,         -- what its owner calls it
    record        jsonb       NOT NULL,         -- public key, flags and counter
    created_at    timestamptz NOT NULL,
    last_used_at  timestamptz
);
CREATE INDEX passkey_staff ON passkey (staff_id);

-- A passkey ceremony that has begun; taken when it is answered.
CREATE TABLE ceremony (
    hash       bytea PRIMARY KEY CHECK (length(hash) = 32), -- of the id that the browser holds
    kind       text        NOT NULL CHECK (kind IN ('enrol', 'login')),
    staff_id   uuid REFERENCES staff,           -- null for a sign-in
    state      jsonb       NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX ceremony_expiry ON ceremony (expires_at);

CREATE TABLE session (
    id           uuid PRIMARY KEY,              -- names the session in lists; not the secret
    token_hash   bytea       NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    staff_id     uuid        NOT NULL REFERENCES staff,
    method       text        NOT NULL CHECK (method IN ('passkey', 'link')),
    created_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,          -- absolute limit
    revoked_at   timestamptz
);
CREATE INDEX session_staff ON session (staff_id);

CREATE TABLE api_token (
    id           uuid PRIMARY KEY,
    token_hash   bytea       NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    staff_id     uuid        NOT NULL REFERENCES staff,
    name         text        NOT NULL,          -- what its owner calls it
    scopes       text[]      NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at   timestamptz
);
CREATE INDEX api_token_staff ON api_token (staff_id);

-- +goose Down
DROP TABLE api_token, session, ceremony, passkey, one_time_link, staff_role, staff;
