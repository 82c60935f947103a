-- +goose Up

-- Who may move money, as trustees signed it. The server is a courier: it judges these rows anew whenever it reads them, and
-- signers judge them by themselves.
CREATE TABLE charter (
    seq         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest      bytea       NOT NULL UNIQUE,
    text        bytea       NOT NULL CHECK (octet_length(text) <= 65536 AND sha256(text) = digest), -- causeway/charter/v1
    taken_in_at timestamptz NOT NULL
);
CREATE TRIGGER charter_append_only BEFORE UPDATE OR DELETE ON charter FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER charter_no_truncate BEFORE TRUNCATE ON charter FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- The next charter, until trustees signed it or another one was taken in.
CREATE TABLE charter_draft (
    seq         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest      bytea       NOT NULL UNIQUE,
    text        bytea       NOT NULL CHECK (octet_length(text) <= 65536 AND sha256(text) = digest),
    proposed_by uuid        NOT NULL REFERENCES staff,
    proposed_at timestamptz NOT NULL
);

-- Signatures over drafts and over charters that were taken in. Those of a draft that went stay: they are worth nothing else.
CREATE TABLE charter_signature (
    digest  bytea       NOT NULL CHECK (length(digest) = 32), -- of the charter
    key     text        NOT NULL CHECK (key LIKE 'SHA256:%' AND length(key) <= 60),
    armored text        NOT NULL CHECK (octet_length(armored) <= 2048), -- SSHSIG
    at      timestamptz NOT NULL,
    PRIMARY KEY (digest, key)
);
CREATE TRIGGER charter_signature_append_only BEFORE UPDATE OR DELETE ON charter_signature FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER charter_signature_no_truncate BEFORE TRUNCATE ON charter_signature FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- +goose Down
DROP TABLE charter_signature, charter_draft, charter;
