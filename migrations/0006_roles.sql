-- +goose Up

-- Roles belong to the whole cluster: each database has two of its own. Their names are written here with the
-- prefix causeway; migrate up puts the database's own in its place.
CREATE TABLE database_role (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    app     name NOT NULL CHECK (app ~ '^[a-z][a-z0-9_]{0,40}_app$'),
    worker  name NOT NULL CHECK (worker ~ '^[a-z][a-z0-9_]{0,40}_worker$')
);
INSERT INTO database_role (app, worker) VALUES ('causeway_app', 'causeway_worker');

-- +goose StatementBegin
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['causeway_app', 'causeway_worker'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END LOOP;
END $$;
-- +goose StatementEnd

-- Who may do nothing here does not get in.
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO causeway_app, causeway_worker', current_database());
END $$;
-- +goose StatementEnd

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO causeway_app, causeway_worker;

-- Both may read what both need, and append to the books.
GRANT SELECT ON meta, fund, state_edge, goose_db_version, database_role TO causeway_app, causeway_worker;
GRANT SELECT, INSERT ON event, ledger_transfer, ledger_posting, audit_leaf, audit_hash TO causeway_app, causeway_worker;
GRANT SELECT, DELETE ON audit_waiting TO causeway_app, causeway_worker;
GRANT INSERT ON audit_waiting TO causeway_app;
GRANT SELECT ON grants, instalment, batch, batch_item, approval, attempt, attempt_input, attempt_output, attempt_raw, prev_tx, attempt_event,
    reservation, lease, breaker, breaker_finding, breaker_consent, breaker_accepted, header, chain_tx, coin, audit_checkpoint TO causeway_app, causeway_worker;

-- app: people, applications, and what a treasurer may set in motion.
GRANT SELECT, INSERT, UPDATE, DELETE ON claim TO causeway_app;
GRANT SELECT, INSERT ON staff, staff_role, one_time_link, passkey, ceremony, session, api_token, application_revision, decision, vote,
    message, idempotency TO causeway_app;
GRANT UPDATE (name, disabled_at) ON staff TO causeway_app;
GRANT DELETE ON staff_role TO causeway_app;
GRANT UPDATE (used_at) ON one_time_link TO causeway_app;
GRANT UPDATE (record, last_used_at) ON passkey TO causeway_app;
GRANT DELETE, UPDATE (expires_at) ON ceremony TO causeway_app; -- UPDATE only to lock what is deleted
GRANT UPDATE (last_seen_at, revoked_at) ON session TO causeway_app;
GRANT UPDATE (last_used_at, revoked_at) ON api_token TO causeway_app;
GRANT SELECT, INSERT, UPDATE ON application TO causeway_app;
GRANT SELECT, INSERT, DELETE ON application_word TO causeway_app;
GRANT SELECT, INSERT ON unsealing TO causeway_app;
GRANT SELECT, INSERT, UPDATE (text_hash, servers) ON application_print TO causeway_app;
GRANT INSERT ON grants, instalment, batch, batch_item, approval, breaker_consent, breaker_accepted TO causeway_app;
GRANT UPDATE (state, changed_at) ON breaker TO causeway_app;
GRANT UPDATE (lapsed_at) ON breaker_accepted TO causeway_app;
GRANT UPDATE (released_at) ON reservation TO causeway_app;
GRANT UPDATE (state, version) ON grants TO causeway_app;
GRANT UPDATE (state, held_reason, version, changed_at) ON instalment TO causeway_app;
GRANT UPDATE (state, version, tries, last_error, last_code, changed_at) ON batch TO causeway_app;
GRANT UPDATE (released_at) ON batch_item TO causeway_app;
GRANT USAGE ON SEQUENCE batch_number TO causeway_app;

-- worker: the chain and the conductor. It reads nothing that an operator wrote.
GRANT SELECT ON unsealing TO causeway_worker; -- for invariant_breach
GRANT SELECT (id, name) ON staff TO causeway_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON header, chain_tx, coin TO causeway_worker;
GRANT INSERT ON attempt, attempt_input, attempt_output, attempt_raw, prev_tx, attempt_event, reservation, breaker, breaker_finding, audit_checkpoint TO causeway_worker;
GRANT UPDATE (state, findings, changed_at) ON breaker TO causeway_worker;
GRANT UPDATE (lapsed_at) ON breaker_accepted TO causeway_worker;
GRANT UPDATE (released_at) ON reservation TO causeway_worker;
GRANT UPDATE (released_at) ON batch_item TO causeway_worker;
GRANT UPDATE (state, version, changed_at) ON instalment TO causeway_worker;
GRANT UPDATE (state, version) ON grants TO causeway_worker;
GRANT UPDATE (state, version, anchor_txid, anchor_vout, tries, last_error, last_code, changed_at) ON batch TO causeway_worker;
GRANT UPDATE ON lease TO causeway_worker;

-- +goose Down
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM causeway_app, causeway_worker;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM causeway_app, causeway_worker;
REVOKE ALL ON SCHEMA public FROM causeway_app, causeway_worker;
DROP TABLE database_role;
