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

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO causeway_app, causeway_worker;

-- Both may read what both need, and append to the books.
GRANT SELECT ON meta, fund, state_edge, goose_db_version, database_role TO causeway_app, causeway_worker;
GRANT SELECT, INSERT ON event, ledger_transfer, ledger_posting, audit_leaf, audit_hash TO causeway_app, causeway_worker;
GRANT SELECT, DELETE ON audit_waiting TO causeway_app, causeway_worker;
GRANT INSERT ON audit_waiting TO causeway_app;
GRANT SELECT ON grants, instalment, batch, batch_item, approval, attempt, attempt_input, attempt_output, attempt_raw, prev_tx, attempt_event,
    reservation, lease, breaker, breaker_finding, breaker_consent, breaker_accepted, header, chain_tx, coin, audit_checkpoint TO causeway_app, causeway_worker;
GRANT SELECT ON batch_coin, coin_lock, void, void_approval, void_item, attempt_signature, fee_estimate TO causeway_app, causeway_worker;
GRANT UPDATE (ended, ended_by, ended_at) ON void TO causeway_app, causeway_worker;
GRANT UPDATE (wanted_feerate_sat_kvb) ON batch TO causeway_app, causeway_worker;
GRANT SELECT ON batch_alarm TO causeway_app, causeway_worker;
GRANT SELECT ON unjoined_payment, unjoined_separate TO causeway_app, causeway_worker;
GRANT SELECT ON released_attempt, dead_attempt, paid_by_two_attempts, approved_batch, lost_approval, invariant_breach,
    invariant_i01_exactly_once, invariant_i01_spends_mapped, invariant_i02_exact, invariant_i03_approvals, invariant_i03_votes, invariant_i04_anchor, invariant_i04_spends_anchor,
    invariant_i04_reserved, invariant_i05_replacement, invariant_i06_fee, invariant_i07_transactions, invariant_i07_transfers,
    invariant_i07_coins, invariant_i07_payments, invariant_i08_budget, invariant_i09_window, invariant_i10_edges, invariant_i10_history,
    invariant_i10_together, invariant_i10_rule_r, invariant_i11_write_ahead, invariant_i12_view, invariant_i13_reorg, invariant_i15_audit,
    invariant_i15_history, invariant_i15_leaves, invariant_i15_unsealed
    TO causeway_app, causeway_worker;
GRANT SELECT ON worker_status TO causeway_app, causeway_worker;
GRANT SELECT, INSERT, UPDATE ON write_probe TO causeway_app, causeway_worker;

-- app: people, applications, and what a treasurer may set in motion.
GRANT SELECT, INSERT, UPDATE, DELETE ON claim TO causeway_app;
GRANT SELECT, INSERT ON staff, staff_role, one_time_link, passkey, ceremony, session, api_token, application_revision, decision, vote,
    message, idempotency TO causeway_app;
GRANT SELECT, INSERT ON charter, charter_draft, charter_signature TO causeway_app;
GRANT SELECT ON charter, charter_signature TO causeway_worker;
GRANT DELETE ON charter_draft TO causeway_app;
GRANT UPDATE (name, disabled_at) ON staff TO causeway_app;
GRANT DELETE ON staff_role TO causeway_app;
GRANT UPDATE (used_at) ON one_time_link TO causeway_app;
GRANT UPDATE (record, last_used_at) ON passkey TO causeway_app;
GRANT DELETE, UPDATE (expires_at) ON ceremony TO causeway_app; -- UPDATE only to lock what is deleted
GRANT UPDATE (last_seen_at, revoked_at) ON session TO causeway_app;
GRANT UPDATE (last_used_at, revoked_at) ON api_token TO causeway_app;
GRANT SELECT, INSERT, UPDATE ON application TO causeway_app;
GRANT SELECT ON dropped_key TO causeway_app;
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
GRANT SELECT ON fee_history TO causeway_app;
GRANT INSERT ON batch_coin, coin_lock, void, void_approval, void_item, attempt_signature TO causeway_app;
GRANT UPDATE (unlocked_by, unlocked_at) ON coin_lock TO causeway_app;
GRANT INSERT ON unjoined_separate TO causeway_app;
GRANT UPDATE (instalment_id) ON attempt_output TO causeway_app;

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
GRANT SELECT, INSERT, UPDATE, DELETE ON fee_history TO causeway_worker;
GRANT INSERT ON attempt_signature TO causeway_worker;
GRANT INSERT, UPDATE ON fee_estimate TO causeway_worker;
GRANT SELECT, INSERT, UPDATE ON journal_mark TO causeway_worker;
GRANT INSERT ON batch, batch_item, batch_coin, void, void_approval TO causeway_worker;
GRANT SELECT, USAGE, UPDATE ON SEQUENCE batch_number TO causeway_worker;
GRANT SELECT (id, application_id, revision, grant_id, digest, amount_sat, created_at) ON decision TO causeway_worker;
GRANT SELECT (id, application_id, revision, digest, staff_id, verdict, auth_kind, created_at) ON vote TO causeway_worker;
GRANT INSERT, UPDATE ON worker_status TO causeway_worker;

-- app: claims, probers and what they report.
GRANT SELECT ON check_policy, endpoint, endpoint_link, endpoint_hit, maintenance, vantage, vantage_report, vantage_canary, vantage_shown, check_lease,
    check_offer, check_request, check_result, endpoint_day, endpoint_proof, uptime_snapshot, instalment_gate, check_breach TO causeway_app;
GRANT INSERT ON endpoint, endpoint_link, endpoint_hit, maintenance, vantage, vantage_report, vantage_canary, vantage_shown, check_lease, check_request,
    check_result, endpoint_proof, uptime_snapshot TO causeway_app;
GRANT UPDATE (state, generation, control, proven_at, prove_again_at, proven_until, failed_slots, rechecked_at, last_at, last_verdict, last_stage, last_class,
    last_vantage, last_slot, retired_at) ON endpoint TO causeway_app;
GRANT UPDATE (seen_at) ON endpoint_link TO causeway_app;
GRANT DELETE ON endpoint_hit TO causeway_app;
GRANT UPDATE (token_hash, public_key, seq, prev, asked_at, seen_at, sw, shown_day, shown, disabled_at) ON vantage TO causeway_app;
GRANT UPDATE (good, bad) ON vantage_canary TO causeway_app;
GRANT UPDATE (lease_id, lease_until, done_at) ON check_offer TO causeway_app;
GRANT UPDATE (done_at) ON check_request TO causeway_app;

-- worker: the schedule. It reads no spec, no record and no token.
GRANT SELECT ON check_policy, maintenance, vantage_report, vantage_canary, check_offer, check_request, check_plan, endpoint_day, endpoint_proof,
    uptime_snapshot, instalment_gate, check_breach TO causeway_worker;
GRANT SELECT (id, application_id, label, position, protocol, state, generation, control, proven_at, prove_again_at, proven_until, failed_slots, rechecked_at,
    last_at, last_verdict, last_stage, last_class, last_vantage, last_slot, checks_from, created_at, retired_at) ON endpoint TO causeway_worker;
GRANT SELECT (id, name, place, country, asn, public_key, seq, prev, asked_at, seen_at, sw, created_at, disabled_at) ON vantage TO causeway_worker;
GRANT SELECT (offer_id, endpoint_id, vantage_id, kind, mode, place, slot, attempt, started, verdict, stage, failed_at, class, sha256) ON check_result TO causeway_worker;
GRANT SELECT (id, at) ON check_lease TO causeway_worker;
GRANT SELECT (day) ON vantage_shown TO causeway_worker;
GRANT SELECT (hour) ON vantage_canary TO causeway_worker;
GRANT INSERT ON check_offer, check_plan, endpoint_day, uptime_snapshot, instalment_gate TO causeway_worker;
GRANT UPDATE (done_at) ON check_offer, check_request TO causeway_worker;
GRANT UPDATE (after_id, planned, done_at) ON check_plan TO causeway_worker;
GRANT UPDATE (looked_at) ON instalment_gate TO causeway_worker;
GRANT UPDATE (prove_again_at) ON endpoint TO causeway_worker;
GRANT UPDATE (held_reason) ON instalment TO causeway_worker;
GRANT DELETE ON check_offer, check_lease, check_request, check_plan, vantage_shown, vantage_canary TO causeway_worker;
GRANT EXECUTE ON FUNCTION check_result_days, shred_endpoints TO causeway_worker;

-- +goose Down
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM causeway_app, causeway_worker;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM causeway_app, causeway_worker;
REVOKE ALL ON SCHEMA public FROM causeway_app, causeway_worker;
DROP TABLE database_role;
