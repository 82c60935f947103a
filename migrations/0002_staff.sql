-- +goose Up

CREATE TABLE staff (
    id          uuid PRIMARY KEY,
    name        text        NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 64),
    handle      bytea       NOT NULL UNIQUE,    -- random WebAuthn user handle; tells nothing about the person
    created_at  timestamptz NOT NULL,
    disabled_at timestamptz
);

CREATE TABLE staff_role (
    staff_id uuid NOT NULL REFERENCES staff,
    role     text NOT NULL CHECK (role IN ('reviewer', 'treasurer', 'admin', 'auditor')),
    PRIMARY KEY (staff_id, role)
);

-- A link that works once: to enrol a passkey, or (in demo mode only) to sign in.
CREATE TABLE one_time_link (
    token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    staff_id   uuid        NOT NULL REFERENCES staff,
    purpose    text        NOT NULL CHECK (purpose IN ('enrol', 'login')),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    created_at timestamptz NOT NULL
);

CREATE TABLE passkey (
    credential_id bytea PRIMARY KEY,
    staff_id      uuid        NOT NULL REFERENCES staff,
    name          text        NOT NULL,
    credential    jsonb       NOT NULL,         -- public key, flags and counter
    created_at    timestamptz NOT NULL,
    last_used_at  timestamptz
);

-- A WebAuthn ceremony under way.
CREATE TABLE ceremony (
    id         bytea PRIMARY KEY CHECK (length(id) = 32), -- hash of the id that the browser holds
    staff_id   uuid REFERENCES staff,           -- null for a sign-in
    data       jsonb       NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE TABLE session (
    token_hash   bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    id           uuid        NOT NULL UNIQUE,   -- names the session in lists
    staff_id     uuid        NOT NULL REFERENCES staff,
    created_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL
);
CREATE INDEX session_staff ON session (staff_id);

CREATE TABLE api_token (
    id           uuid PRIMARY KEY,
    token_hash   bytea       NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    staff_id     uuid        NOT NULL REFERENCES staff,
    name         text        NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    scopes       text[]      NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at   timestamptz
);
CREATE INDEX api_token_staff ON api_token (staff_id);

-- +goose Down
DROP TABLE api_token, session, ceremony, passkey, one_time_link, staff_role, staff;
