-- +goose Up

-- What is off about a batch that may be paid: without a row it was sent and waits for a block, as every batch does.
CREATE VIEW batch_alarm WITH (security_invoker = true) AS
SELECT x.batch_id, x.alarm FROM (
    SELECT b.id AS batch_id, CASE
        WHEN b.state IN ('conflicted', 'voiding') THEN b.state
        WHEN b.last_code = 'not_relayed' THEN 'not_in_mempool'
        WHEN EXISTS (SELECT FROM attempt a JOIN attempt_event e ON e.attempt_id = a.id
            WHERE a.batch_id = b.id AND e.event = 'broadcast' AND e.height + b.deadline_blocks <= (SELECT max(height) FROM header)) THEN 'past_deadline'
    END AS alarm
    FROM batch b WHERE b.state IN ('broadcast', 'conflicted', 'voiding')
) x WHERE x.alarm IS NOT NULL;

-- A txid as people write it: its bytes the other way round.
CREATE FUNCTION txid_text(txid bytea) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT string_agg(encode(substr(txid, i, 1), 'hex'), '' ORDER BY i DESC) FROM generate_series(1, length(txid)) i $$;

-- A line of a note, from behind its name; null when there is none.
CREATE FUNCTION note_line(note text, name text) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT nullif(split_part(split_part(note, E'\n' || name || ' ', 2), E'\n', 1), '') $$;
-- When a period of a decision note is due: the same day of a later month or its last, or so many weeks later. Computed from
-- the text alone; null for one that no program wrote.
CREATE FUNCTION note_due(note text, period integer) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN line ~ '^[1-9]\d{3}-\d{2}-\d{2} every (month|week|none)$' THEN
        ((left(line, 4) || '-01-01')::timestamp
            + make_interval(months => substr(line, 6, 2)::integer - 1)
            + make_interval(days => substr(line, 9, 2)::integer - 1)
            + CASE substr(line, 18) WHEN 'month' THEN make_interval(months => period - 1)
                WHEN 'week' THEN make_interval(weeks => period - 1) ELSE make_interval() END) AT TIME ZONE 'UTC' END
    FROM (SELECT note_line(note, 'first_due') AS line) x
$$;
CREATE FUNCTION note_until(note text, period integer) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT (note_due(note, period) AT TIME ZONE 'UTC' + make_interval(days => line::integer)) AT TIME ZONE 'UTC'
    FROM (SELECT note_line(note, 'pay_within_days') AS line) x WHERE line ~ '^\d{1,4}$'
$$;
-- Times of notes: RFC 3339 in UTC, whole seconds.
CREATE FUNCTION note_time(at timestamptz) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') $$;

-- The invariants. Each view has a row for every breach, in words; the nightly job and the tests read the same views.

-- A signer may have been asked for it.
CREATE VIEW released_attempt WITH (security_invoker = true) AS
SELECT a.id, a.batch_id, a.no, a.kind, a.txid, a.fee_sat, a.weight, e.at AS asked_at, e.detail
FROM attempt a
JOIN LATERAL (SELECT x.at, x.detail FROM attempt_event x WHERE x.attempt_id = a.id AND x.event = 'signing' ORDER BY x.id LIMIT 1) e ON true;

-- An attempt that can never confirm, as deep as final (rule R).
CREATE VIEW dead_attempt WITH (security_invoker = true) AS
SELECT a.id AS attempt_id FROM attempt a
WHERE a.id IN (SELECT unnest(dead_attempt_ids((SELECT max(height) FROM header) + 1 - (SELECT min(final_depth) FROM fund))));

CREATE VIEW invariant_i01_exactly_once WITH (security_invoker = true) AS
SELECT 'payment ' || o.instalment_id || ' stands ' || count(*) || ' times in the best chain' AS what
FROM attempt a
JOIN attempt_output o ON o.attempt_id = a.id
JOIN chain_tx c ON c.txid = a.txid
WHERE o.instalment_id IS NOT NULL
GROUP BY o.instalment_id HAVING count(*) > 1
UNION ALL
SELECT 'period ' || o.period || ' of decision note ' || encode(o.decision, 'hex') || ' stands ' || count(*) || ' times in the best chain'
FROM attempt a
JOIN attempt_output o ON o.attempt_id = a.id
JOIN chain_tx c ON c.txid = a.txid
WHERE o.decision IS NOT NULL
GROUP BY o.decision, o.period HAVING count(*) > 1;

CREATE VIEW invariant_i01_spends_mapped WITH (security_invoker = true) AS
SELECT DISTINCT 'transaction ' || encode(c.spent_by, 'hex') || ' (bytes as hashed) spends the treasury, is no attempt and is not booked as a loss' AS what
FROM coin c
WHERE c.spent_by IS NOT NULL
    AND NOT EXISTS (SELECT FROM attempt a WHERE a.txid = c.spent_by)
    AND NOT EXISTS (SELECT FROM breaker b JOIN breaker_finding f ON f.breaker_id = b.id WHERE b.code = 'foreign_spend' AND f.subject = txid_text(c.spent_by))
    AND NOT EXISTS (SELECT FROM breaker b WHERE b.code = 'recovery_failed');

CREATE VIEW invariant_i02_exact WITH (security_invoker = true) AS
SELECT 'output ' || o.vout || ' of attempt ' || o.attempt_id || ' is not what was approved for payment ' || i.id AS what
FROM attempt_output o
JOIN instalment i ON i.id = o.instalment_id
WHERE o.script <> i.payee_script OR o.amount_sat <> i.amount_sat;

CREATE VIEW paid_by_two_attempts WITH (security_invoker = true) AS
SELECT x.attempt_id AS one, y.attempt_id AS two, 'payment ' || x.instalment_id AS paid
FROM attempt_output x JOIN attempt_output y ON y.instalment_id = x.instalment_id AND x.attempt_id < y.attempt_id
UNION ALL
SELECT x.attempt_id, y.attempt_id, 'period ' || x.period || ' of decision note ' || encode(x.decision, 'hex')
FROM attempt_output x JOIN attempt_output y ON y.decision = x.decision AND y.period = x.period AND x.attempt_id < y.attempt_id;

CREATE VIEW invariant_i04_anchor WITH (security_invoker = true) AS
SELECT 'attempts ' || p.one || ' and ' || p.two || ' can both confirm and both pay ' || p.paid AS what
FROM paid_by_two_attempts p
JOIN released_attempt rx ON rx.id = p.one
JOIN released_attempt ry ON ry.id = p.two
WHERE NOT EXISTS (SELECT FROM attempt_input i JOIN attempt_input j ON j.txid = i.txid AND j.vout = i.vout WHERE i.attempt_id = p.one AND j.attempt_id = p.two)
    AND NOT EXISTS (SELECT FROM dead_attempt d WHERE d.attempt_id IN (p.one, p.two));

CREATE VIEW invariant_i04_spends_anchor WITH (security_invoker = true) AS
SELECT 'attempt ' || a.id || ' does not spend the anchor of batch ' || b.number AS what
FROM attempt a
JOIN batch b ON b.id = a.batch_id
WHERE NOT EXISTS (SELECT FROM attempt_input i WHERE i.attempt_id = a.id AND i.txid = b.anchor_txid AND i.vout = b.anchor_vout);

CREATE VIEW invariant_i04_reserved WITH (security_invoker = true) AS
SELECT DISTINCT 'coin ' || encode(i.txid, 'hex') || ':' || i.vout || ' of batch ' || b.number || ' (' || b.state || ') is ' ||
    CASE WHEN r.id IS NULL THEN 'not reserved' ELSE 'still reserved' END AS what
FROM batch b
JOIN attempt a ON a.batch_id = b.id
JOIN attempt_input i ON i.attempt_id = a.id
LEFT JOIN reservation r ON r.batch_id = b.id AND r.txid = i.txid AND r.vout = i.vout AND r.released_at IS NULL
WHERE (b.state NOT IN ('cancelled', 'final', 'voided')) <> (r.id IS NOT NULL);

CREATE VIEW invariant_i05_replacement WITH (security_invoker = true) AS
SELECT 'attempt ' || n.no || ' of batch ' || b.number || ' pays others than attempt ' || f.no AS what
FROM batch b
JOIN attempt f ON f.batch_id = b.id AND f.kind = 'pay'
JOIN attempt n ON n.batch_id = b.id AND n.kind = 'pay' AND n.no > f.no
WHERE (SELECT array_agg((o.instalment_id, o.decision, o.period, o.script, o.amount_sat)::text ORDER BY o.instalment_id, o.decision, o.period) FROM attempt_output o WHERE o.attempt_id = n.id AND o.change_index IS NULL)
    IS DISTINCT FROM (SELECT array_agg((o.instalment_id, o.decision, o.period, o.script, o.amount_sat)::text ORDER BY o.instalment_id, o.decision, o.period) FROM attempt_output o WHERE o.attempt_id = f.id AND o.change_index IS NULL)
UNION ALL
SELECT 'attempt ' || n.no || ' of batch ' || b.number || ' is a void and pays somebody'
FROM batch b
JOIN attempt n ON n.batch_id = b.id AND n.kind = 'void'
WHERE EXISTS (SELECT FROM attempt_output o WHERE o.attempt_id = n.id AND o.change_index IS NULL)
UNION ALL
SELECT DISTINCT 'attempt ' || n.no || ' of batch ' || b.number || ' drops a coin of attempt ' || f.no
FROM batch b
JOIN released_attempt f ON f.batch_id = b.id
JOIN attempt n ON n.batch_id = b.id AND n.no > f.no
WHERE f.no = (SELECT min(x.no) FROM attempt x WHERE x.batch_id = b.id)
    AND EXISTS (SELECT i.txid, i.vout FROM attempt_input i WHERE i.attempt_id = f.id EXCEPT SELECT i.txid, i.vout FROM attempt_input i WHERE i.attempt_id = n.id)
UNION ALL
SELECT 'attempt ' || n.no || ' of batch ' || b.number || ' pays no more than attempt ' || f.no
FROM batch b
JOIN released_attempt f ON f.batch_id = b.id
JOIN released_attempt n ON n.batch_id = b.id AND n.no > f.no
WHERE n.fee_sat <= f.fee_sat;

CREATE VIEW invariant_i06_fee WITH (security_invoker = true) AS
SELECT 'attempt ' || a.no || ' of batch ' || b.number || ' pays ' || a.fee_sat || ' sat for weight ' || a.weight || ', outside of what was approved' AS what
FROM attempt a
JOIN batch b ON b.id = a.batch_id
CROSS JOIN LATERAL (SELECT (a.weight + 3) / 4 AS vsize) s
WHERE a.fee_sat > b.max_fee_sat
    -- A void out-pays many outputs with one, and a child pays for its parent. What a batch
    -- that was rebuilt from a signer's journal, without its approvals, began with is lost.
    OR (a.kind = 'pay' AND b.kind <> 'child' AND (a.fee_sat > (b.max_feerate_sat_kvb * s.vsize + 999) / 1000
        OR (a.fee_sat < (b.feerate_sat_kvb * s.vsize + 999) / 1000 AND EXISTS (SELECT FROM approval p WHERE p.batch_id = b.id))));

CREATE VIEW invariant_i07_transactions WITH (security_invoker = true) AS
SELECT 'attempt ' || a.id || ' does not add up' AS what
FROM attempt a
WHERE (SELECT coalesce(sum(i.amount_sat), 0) FROM attempt_input i WHERE i.attempt_id = a.id)
    <> (SELECT coalesce(sum(o.amount_sat), 0) FROM attempt_output o WHERE o.attempt_id = a.id) + a.fee_sat;

CREATE VIEW invariant_i07_transfers WITH (security_invoker = true) AS
SELECT 'transfer ' || p.transfer_id || ' sums to ' || sum(p.amount_sat) AS what
FROM ledger_posting p GROUP BY p.transfer_id HAVING sum(p.amount_sat) <> 0;

CREATE VIEW invariant_i07_coins WITH (security_invoker = true) AS
SELECT 'the coins hold ' || c.sat || ' sat and the ledger ' || l.sat AS what
FROM (SELECT coalesce(sum(amount_sat), 0) AS sat FROM coin WHERE spent_by IS NULL) c,
    (SELECT coalesce(sum(amount_sat), 0) AS sat FROM ledger_posting WHERE account IN ('available', 'committed', 'in_flight')) l
WHERE c.sat <> l.sat;

-- Payments that a signer's journal names and that are no instalment here; every paying attempt of a batch pays the same.
CREATE VIEW unjoined_payment WITH (security_invoker = true) AS
SELECT b.id AS batch_id, b.number, b.state AS batch_state, a.id AS attempt_id, a.no, a.txid, a.created_at, o.vout, o.decision, o.period, o.script, o.amount_sat
FROM attempt_output o
JOIN attempt a ON a.id = o.attempt_id
JOIN batch b ON b.id = a.batch_id
WHERE o.decision IS NOT NULL AND o.instalment_id IS NULL
    AND a.no = (SELECT min(f.no) FROM attempt f WHERE f.batch_id = b.id AND f.kind = 'pay');
-- A treasurer's word that one of them has nothing to do with a payment to the same address that was approved later.
CREATE TABLE unjoined_separate (
    txid     bytea       NOT NULL CHECK (length(txid) = 32),
    vout     bigint      NOT NULL,
    reason   text        NOT NULL,
    staff_id uuid        NOT NULL REFERENCES staff,
    at       timestamptz NOT NULL,
    PRIMARY KEY (txid, vout)
);
CREATE TRIGGER unjoined_separate_append_only BEFORE UPDATE OR DELETE ON unjoined_separate FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER unjoined_separate_no_truncate BEFORE TRUNCATE ON unjoined_separate FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- The transfer "adopt" books a whole transaction that a journal names: it has no batch, and so no payment to compare it with.
CREATE VIEW invariant_i07_payments WITH (security_invoker = true) AS
SELECT x.account || ' holds ' || l.sat || ' sat and its payments are ' || i.sat + u.sat AS what
FROM (VALUES ('committed', '{payable,held,allocated}'::text[], '{}'::text[]),
        ('in_flight', '{maybe_paid}', '{signing,signed,broadcast,conflicted,voiding}'), ('confirming', '{mined}', '{mined}'), ('paid', '{paid,final}', '{paid,final}')) x (account, states, batch_states),
    LATERAL (SELECT coalesce(sum(p.amount_sat), 0) AS sat FROM ledger_posting p JOIN ledger_transfer t ON t.id = p.transfer_id
        WHERE p.account = x.account AND NOT (t.kind = 'adopt' AND p.account = 'paid')) l,
    LATERAL (SELECT coalesce(sum(p.amount_sat), 0) AS sat FROM instalment p WHERE p.state = ANY (x.states)) i,
    LATERAL (SELECT coalesce(sum(p.amount_sat), 0) AS sat FROM unjoined_payment p WHERE p.batch_state = ANY (x.batch_states)) u
WHERE l.sat <> i.sat + u.sat;

CREATE VIEW invariant_i08_budget WITH (security_invoker = true) AS
SELECT 'grant ' || g.reference || ' of ' || g.amount_sat || ' sat has payments of ' || sum(i.amount_sat) AS what
FROM grants g
JOIN instalment i ON i.grant_id = g.id AND i.state <> 'cancelled'
GROUP BY g.id HAVING sum(i.amount_sat) > g.amount_sat
UNION ALL
SELECT 'grants of ' || sum(g.amount_sat) || ' sat are above the budget of ' || f.budget_sat
FROM grants g
JOIN fund f ON f.id = g.fund_id
WHERE g.state <> 'terminated'
GROUP BY f.id HAVING sum(g.amount_sat) > f.budget_sat
UNION ALL
SELECT 'account ' || p.account || ' holds ' || sum(p.amount_sat) || ' sat'
FROM ledger_posting p WHERE p.account NOT IN ('outside', 'available')
GROUP BY p.account HAVING sum(p.amount_sat) < 0;

CREATE VIEW invariant_i09_window WITH (security_invoker = true) AS
SELECT 'attempt ' || r.id || ' went to the signer at ' || r.asked_at || ', outside of the window of payment ' || i.id AS what
FROM released_attempt r
JOIN attempt_output o ON o.attempt_id = r.id
JOIN instalment i ON i.id = o.instalment_id
WHERE r.detail NOT LIKE 'found in block%'
    AND o.decision IS NULL -- it was approved again after it had been paid
    -- What may confirm any day is replaced whatever the date.
    AND NOT EXISTS (SELECT FROM released_attempt f WHERE f.batch_id = r.batch_id AND f.no < r.no)
    -- What is no time is outside.
    AND (r.asked_at BETWEEN note_due(i.note, i.period) AND note_until(i.note, i.period)) IS NOT TRUE
UNION ALL
SELECT 'attempt ' || r.id || ' went to the signer at ' || r.asked_at || ', after the last moment of batch ' || b.number
FROM released_attempt r
JOIN batch b ON b.id = r.batch_id
WHERE r.detail NOT LIKE 'found in block%'
    AND NOT EXISTS (SELECT FROM released_attempt f WHERE f.batch_id = r.batch_id AND f.no < r.no)
    -- Times of RFC 3339 in UTC sort as text.
    AND (note_time(r.asked_at) COLLATE "C" <= note_line(b.note, 'until')) IS NOT TRUE;

CREATE VIEW invariant_i10_edges WITH (security_invoker = true) AS
SELECT e.object_kind || ' ' || e.object_id || ' went from ' || e.from_state || ' to ' || e.to_state AS what
FROM event e
WHERE e.from_state <> e.to_state
    AND NOT EXISTS (SELECT FROM state_edge s WHERE s.object_kind = e.object_kind AND s.from_state = e.from_state AND s.to_state = e.to_state);

CREATE VIEW invariant_i10_history WITH (security_invoker = true) AS
SELECT 'batch ' || b.number || ' is ' || b.state || ' and its history ends at ' || coalesce(h.to_state, 'nothing') AS what
FROM batch b
LEFT JOIN LATERAL (SELECT e.to_state FROM event e WHERE e.object_kind = 'batch' AND e.object_id = b.id AND e.to_state IS NOT NULL ORDER BY e.id DESC LIMIT 1) h ON true
WHERE h.to_state IS DISTINCT FROM b.state;

CREATE VIEW invariant_i10_together WITH (security_invoker = true) AS
SELECT 'payment ' || i.id || ' is ' || i.state || ' and its batch ' || b.number || ' is ' || b.state AS what
FROM batch b
JOIN batch_item bi ON bi.batch_id = b.id AND bi.released_at IS NULL
JOIN instalment i ON i.id = bi.instalment_id
WHERE b.state = 'cancelled' OR i.state <> CASE WHEN b.state IN ('composed', 'approved', 'built') THEN 'allocated'
    WHEN b.state IN ('signing', 'signed', 'broadcast', 'conflicted', 'voiding') THEN 'maybe_paid' ELSE b.state END
UNION ALL
SELECT 'payment ' || i.id || ' is ' || i.state || ' and in no batch'
FROM instalment i
WHERE i.state NOT IN ('payable', 'held', 'cancelled')
    AND NOT EXISTS (SELECT FROM batch_item bi WHERE bi.instalment_id = i.id AND bi.released_at IS NULL);

CREATE VIEW invariant_i10_rule_r WITH (security_invoker = true) AS
SELECT 'payment ' || i.id || ' is ' || i.state || ' and attempt ' || r.id || ' may still pay it' AS what
FROM instalment i
JOIN attempt_output o ON o.instalment_id = i.id
JOIN released_attempt r ON r.id = o.attempt_id
WHERE i.state IN ('payable', 'held', 'allocated', 'cancelled')
    AND NOT EXISTS (SELECT FROM dead_attempt d WHERE d.attempt_id = r.id);

CREATE VIEW invariant_i11_write_ahead WITH (security_invoker = true) AS
SELECT 'attempt ' || e.attempt_id || ' was ' || e.event || ' before that was stored' AS what
FROM attempt_event e
WHERE (e.event = 'broadcast' AND NOT EXISTS (SELECT FROM attempt_raw r WHERE r.attempt_id = e.attempt_id))
    OR (e.event = 'signed' AND NOT EXISTS (SELECT FROM attempt_event s WHERE s.attempt_id = e.attempt_id AND s.event = 'signing' AND s.id < e.id))
    OR (e.event = 'signing' AND NOT EXISTS (SELECT FROM attempt_event s WHERE s.attempt_id = e.attempt_id AND s.event = 'built' AND s.id < e.id));

CREATE VIEW invariant_i12_view WITH (security_invoker = true) AS
SELECT 'block ' || h.height || ' does not follow on the one below' AS what
FROM header h
LEFT JOIN header below ON below.height = h.height - 1
WHERE h.height > (SELECT min(height) FROM header) AND h.prev IS DISTINCT FROM below.hash;

CREATE VIEW invariant_i13_reorg WITH (security_invoker = true) AS
SELECT 'payment ' || i.id || ' is ' || i.state || ' and stands ' || coalesce(c.depth, 0) || ' deep in the best chain' AS what
FROM instalment i
CROSS JOIN fund f
LEFT JOIN LATERAL (
    SELECT (SELECT max(height) FROM header) - max(t.height) + 1 AS depth
    FROM attempt_output o JOIN attempt a ON a.id = o.attempt_id JOIN chain_tx t ON t.txid = a.txid
    WHERE o.instalment_id = i.id) c ON true
-- What was final stays so while a reorg has taken a few blocks above it.
WHERE (i.state IN ('mined', 'paid', 'final') OR c.depth IS NOT NULL)
    AND NOT (i.state = 'final' AND coalesce(c.depth, 0) >= f.paid_depth)
    AND i.state IS DISTINCT FROM CASE WHEN c.depth >= f.final_depth THEN 'final' WHEN c.depth >= f.paid_depth THEN 'paid' WHEN c.depth >= 1 THEN 'mined' END;

-- Batches that nothing may happen to without a treasurer's yes.
CREATE VIEW approved_batch WITH (security_invoker = true) AS
SELECT b.id, b.number, b.state, b.digest,
    -- A restored database has lost who agreed to what its signers' journals gave back.
    EXISTS (SELECT FROM audit_leaf l WHERE l.object_kind = 'batch' AND l.object_id = b.id::text AND l.action = 'batch.recovered') AS recovered,
    EXISTS (SELECT FROM approval p WHERE p.batch_id = b.id AND p.digest = b.digest) AS approved,
    EXISTS (SELECT FROM released_attempt r WHERE r.batch_id = b.id AND r.kind = 'void') AS taken_back,
    EXISTS (SELECT FROM void v JOIN void_approval p ON p.void_id = v.id AND p.digest = v.digest
        WHERE v.batch_id = b.id AND p.staff_id <> v.asked_by) AS void_approved
FROM batch b
WHERE b.state NOT IN ('composed', 'cancelled') OR EXISTS (SELECT FROM released_attempt r WHERE r.batch_id = b.id);

-- No breach, and nothing that may pass in silence: what is told of them is the signer's journal alone.
CREATE VIEW lost_approval WITH (security_invoker = true) AS
SELECT 'batch ' || b.number || ' was rebuilt from a signer''s journal, and who approved ' ||
    CASE WHEN b.approved THEN 'taking it back' ELSE 'it' END || ' was lost with the restored database' AS what
FROM approved_batch b
WHERE b.recovered AND NOT (b.approved AND (b.void_approved OR NOT b.taken_back));

CREATE VIEW invariant_i03_votes WITH (security_invoker = true) AS
SELECT 'payment ' || i.id || ' has ' || v.approve || ' votes for it and ' || v.decline || ' against it, and needs ' || f.quorum AS what
FROM instalment i
JOIN grants g ON g.id = i.grant_id
JOIN fund f ON f.id = g.fund_id
CROSS JOIN LATERAL (
    SELECT count(DISTINCT x.staff_id) FILTER (WHERE x.verdict = 'approve') AS approve, count(DISTINCT x.staff_id) FILTER (WHERE x.verdict = 'decline') AS decline
    FROM vote x WHERE x.digest = i.digest AND x.application_id = g.application_id) v
WHERE v.approve < f.quorum OR v.approve <= v.decline
UNION ALL
SELECT 'payment ' || i.id || ' is not what its decision says'
FROM instalment i
LEFT JOIN grants g ON g.id = i.grant_id
LEFT JOIN decision d ON d.id = i.decision_id
WHERE (d.digest = i.digest AND d.grant_id = i.grant_id AND d.amount_sat = i.amount_sat AND d.application_id = g.application_id
    AND i.digest = sha256(convert_to(i.note, 'UTF8'))
    AND i.due_at = note_due(i.note, i.period) AND i.until_at = note_until(i.note, i.period)
    AND i.period <= (substring(note_line(i.note, 'periods') FROM '^\d{1,4}$'))::integer
    AND coalesce(note_line(i.note, 'payee 0'), note_line(i.note, 'payee ' || i.period)) = encode(i.payee_script, 'hex') || ' ' || i.payee_address
    AND note_line(i.note, 'sat') = i.amount_sat || ' ' || i.amount_sat) IS NOT TRUE;

CREATE VIEW invariant_i03_approvals WITH (security_invoker = true) AS
SELECT 'batch ' || b.number || ' is ' || b.state || ' and nobody approved it' AS what
FROM approved_batch b
WHERE NOT b.approved AND NOT b.recovered
UNION ALL
SELECT 'batch ' || b.number || ' was taken back and no second person agreed to it'
FROM approved_batch b
WHERE b.taken_back AND NOT b.void_approved AND NOT b.recovered
UNION ALL
SELECT 'approval ' || p.id || ' of batch ' || b.number || ' is for another digest'
FROM approval p
JOIN batch b ON b.id = p.batch_id
WHERE p.digest <> b.digest
UNION ALL
SELECT 'batch ' || b.number || ' has another digest than its note'
FROM batch b
WHERE b.digest <> sha256(convert_to(b.note, 'UTF8'))
UNION ALL
SELECT 'batch ' || b.number || ' has another last moment or treasury than its note'
FROM batch b
WHERE note_line(b.note, 'until') IS DISTINCT FROM note_time(b.until)
    OR (b.kind = 'payout' AND note_line(b.note, 'treasury') IS DISTINCT FROM b.treasury::text)
UNION ALL
SELECT 'taking back batch ' || b.number || ' has another digest than its note, or another one was agreed to'
FROM void v
JOIN batch b ON b.id = v.batch_id
LEFT JOIN void_approval p ON p.void_id = v.id
WHERE v.digest <> sha256(convert_to(v.note, 'UTF8')) OR p.digest <> v.digest
UNION ALL
SELECT DISTINCT 'staff ' || p.staff_id || ' approved batch ' || b.number || ' and voted on payment ' || i.id || ' in it'
FROM approval p
JOIN batch b ON b.id = p.batch_id
JOIN batch_item bi ON bi.batch_id = b.id
JOIN instalment i ON i.id = bi.instalment_id
JOIN grants g ON g.id = i.grant_id
JOIN vote v ON v.application_id = g.application_id AND v.staff_id = p.staff_id;

-- What people did, as the tables have it and as the log has it.
CREATE VIEW invariant_i15_leaves WITH (security_invoker = true) AS
SELECT CASE WHEN l.seq IS NULL THEN said.what || ' by ' || said.actor || ', and no leaf says so'
    ELSE 'leaf ' || l.seq || ' says ' || l.action || ' of ' || l.object_kind || ' ' || l.object_id || ' by ' || l.actor || ', and the tables do not' END AS what
FROM (
    SELECT 'application.voted_' || v.verdict AS action, v.application_id::text AS object_id, 'staff:' || v.staff_id AS actor, encode(v.digest, 'hex') AS digest,
        'application ' || v.application_id || ' has the vote ' || v.verdict AS what
    FROM vote v
    UNION ALL
    SELECT 'batch.approved', p.batch_id::text, 'staff:' || p.staff_id, encode(p.digest, 'hex'), 'batch ' || p.batch_id || ' has an approval'
    FROM approval p
    UNION ALL
    SELECT 'batch.void_approved', v.batch_id::text, 'staff:' || p.staff_id, encode(p.digest, 'hex'), 'batch ' || v.batch_id || ' has a yes to taking it back'
    FROM void_approval p
    JOIN void v ON v.id = p.void_id
) said
FULL JOIN (SELECT * FROM audit_leaf WHERE action IN ('application.voted_approve', 'application.voted_decline', 'batch.approved', 'batch.void_approved')) l
    ON l.action = said.action AND l.object_id = said.object_id AND l.actor = said.actor AND l.digest = said.digest
WHERE said.what IS NULL
    -- A void that a journal gave back has an approval that nobody gave here; one that was given later has its leaf.
    OR (l.seq IS NULL AND NOT (said.action = 'batch.void_approved'
        AND EXISTS (SELECT FROM audit_leaf r WHERE r.object_kind = 'batch' AND r.object_id = said.object_id AND r.action = 'batch.recovered')))
UNION ALL
SELECT CASE WHEN l.seq IS NULL THEN 'payment ' || i.id || ' stands there, and no leaf approves its application'
    ELSE 'leaf ' || l.seq || ' approves application ' || l.object_id || ', and no payment stands for it' END
FROM (SELECT x.id, g.application_id::text AS application_id, encode(x.digest, 'hex') AS digest FROM instalment x JOIN grants g ON g.id = x.grant_id) i
FULL JOIN (SELECT * FROM audit_leaf WHERE action = 'application.approved') l ON l.object_id = i.application_id AND l.digest = i.digest
WHERE i.id IS NULL OR l.seq IS NULL
UNION ALL
SELECT CASE WHEN l.seq IS NULL THEN 'payment ' || i.id || ' stands there, and no leaf says who made it'
    ELSE 'leaf ' || l.seq || ' makes payment ' || l.object_id || ', which does not stand there' END
FROM (SELECT x.id, encode(x.digest, 'hex') AS digest FROM instalment x) i
FULL JOIN (SELECT * FROM audit_leaf WHERE action = 'instalment.created') l ON l.object_id = i.id::text AND l.digest = i.digest
WHERE i.id IS NULL OR l.seq IS NULL;

CREATE VIEW invariant_i15_history WITH (security_invoker = true) AS
SELECT 'change ' || e.n || ' of ' || e.object_kind || ' ' || e.object_id || ' is ' || e.event || ' by ' || e.actor ||
    ' in its history, and leaf ' || l.seq || ' says ' || l.action || ' by ' || l.actor AS what
FROM (
    SELECT x.object_kind, x.object_id::text AS object_id, x.event, coalesce(x.from_state, '') AS from_state, coalesce(x.to_state, '') AS to_state,
        x.actor_kind || coalesce(':' || x.actor_id, '') AS actor, row_number() OVER (PARTITION BY x.object_kind, x.object_id ORDER BY x.id) AS n
    FROM event x
) e
JOIN (SELECT x.*, row_number() OVER (PARTITION BY x.object_kind, x.object_id ORDER BY x.seq) AS n FROM audit_leaf x) l
    ON l.object_kind = e.object_kind AND l.object_id = e.object_id AND l.n = e.n
WHERE e.event <> l.action OR e.from_state <> l.from_state OR e.to_state <> l.to_state
    -- History knows the staff by their id, and of others only what they are.
    OR e.actor <> CASE WHEN l.actor LIKE 'staff:%' THEN l.actor ELSE split_part(l.actor, ':', 1) END;

CREATE VIEW invariant_i15_audit WITH (security_invoker = true) AS
SELECT 'the audit log has ' || count(*) || ' leaves and ends at ' || max(l.seq) AS what
FROM audit_leaf l HAVING count(*) <> max(l.seq) + 1
UNION ALL
-- A Merkle tree of n leaves has 2n hashes less one for each bit that is set in n.
SELECT 'the audit log has ' || l.n || ' leaves and ' || h.n || ' hashes'
FROM (SELECT count(*) AS n FROM audit_leaf) l, (SELECT count(*) AS n FROM audit_hash) h
WHERE h.n <> 2 * l.n - length(replace((l.n::bit(63))::text, '0', ''))
UNION ALL
SELECT 'leaf ' || l.seq || ' is not what its hash was made of'
FROM audit_leaf l
-- Where the hash of leaf n is stored: behind 2n hashes less one for each bit that is set in n.
JOIN audit_hash h ON h.index = 2 * l.seq - length(replace((l.seq::bit(63))::text, '0', ''))
WHERE h.hash <> sha256('\x00'::bytea || l.leaf)
UNION ALL
SELECT coalesce(e.object_kind, l.object_kind) || ' ' || coalesce(e.object_id, l.object_id) || ' has ' || coalesce(e.n, 0) || ' changes and ' || coalesce(l.n, 0) || ' leaves'
FROM (SELECT object_kind, object_id::text AS object_id, count(*) AS n FROM event GROUP BY 1, 2) e
FULL JOIN (
    SELECT object_kind, object_id, count(*) AS n FROM (
        SELECT object_kind, object_id FROM audit_leaf UNION ALL SELECT object_kind, object_id::text FROM audit_waiting
    ) x WHERE object_id ~ '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' GROUP BY 1, 2
) l ON l.object_kind = e.object_kind AND l.object_id = e.object_id
WHERE e.n IS DISTINCT FROM l.n
UNION ALL
SELECT w.object_kind || ' ' || w.object_id || ' has waited for its leaf in the audit log since ' || to_char(w.waits_since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC'
FROM audit_waiting w WHERE w.waits_since < now() - interval '1 hour';

-- I15: nothing sealed is opened without a leaf, and once a session or token leaves one.
CREATE VIEW invariant_i15_unsealed WITH (security_invoker = true) AS
SELECT u.what || ' of ' || u.object_id || ' was opened by ' || u.n || ' sessions and tokens and has ' || l.n || ' leaves' AS what
FROM (SELECT what, object_id, count(*) AS n FROM unsealing GROUP BY 1, 2) u
CROSS JOIN LATERAL (
    SELECT count(*) AS n FROM audit_leaf a WHERE a.object_kind = CASE u.what WHEN 'titles' THEN 'fund' ELSE 'application' END AND a.object_id = u.object_id::text
        AND a.action = CASE u.what WHEN 'titles' THEN 'fund.titles_unsealed' WHEN 'endpoints' THEN 'application.endpoints_unsealed' ELSE 'application.unsealed' END
) l
WHERE l.n <> u.n;

CREATE VIEW invariant_breach WITH (security_invoker = true) AS
SELECT 'i01_exactly_once'::text AS invariant, what FROM invariant_i01_exactly_once
UNION ALL SELECT 'i01_spends_mapped', what FROM invariant_i01_spends_mapped
UNION ALL SELECT 'i02_exact', what FROM invariant_i02_exact
UNION ALL SELECT 'i03_approvals', what FROM invariant_i03_approvals
UNION ALL SELECT 'i03_votes', what FROM invariant_i03_votes
UNION ALL SELECT 'i04_anchor', what FROM invariant_i04_anchor
UNION ALL SELECT 'i04_spends_anchor', what FROM invariant_i04_spends_anchor
UNION ALL SELECT 'i04_reserved', what FROM invariant_i04_reserved
UNION ALL SELECT 'i05_replacement', what FROM invariant_i05_replacement
UNION ALL SELECT 'i06_fee', what FROM invariant_i06_fee
UNION ALL SELECT 'i07_transactions', what FROM invariant_i07_transactions
UNION ALL SELECT 'i07_transfers', what FROM invariant_i07_transfers
UNION ALL SELECT 'i07_coins', what FROM invariant_i07_coins
UNION ALL SELECT 'i07_payments', what FROM invariant_i07_payments
UNION ALL SELECT 'i08_budget', what FROM invariant_i08_budget
UNION ALL SELECT 'i09_window', what FROM invariant_i09_window
UNION ALL SELECT 'i10_edges', what FROM invariant_i10_edges
UNION ALL SELECT 'i10_history', what FROM invariant_i10_history
UNION ALL SELECT 'i10_together', what FROM invariant_i10_together
UNION ALL SELECT 'i10_rule_r', what FROM invariant_i10_rule_r
UNION ALL SELECT 'i11_write_ahead', what FROM invariant_i11_write_ahead
UNION ALL SELECT 'i12_view', what FROM invariant_i12_view
UNION ALL SELECT 'i13_reorg', what FROM invariant_i13_reorg
UNION ALL SELECT 'i15_audit', what FROM invariant_i15_audit
UNION ALL SELECT 'i15_history', what FROM invariant_i15_history
UNION ALL SELECT 'i15_leaves', what FROM invariant_i15_leaves
UNION ALL SELECT 'i15_unsealed', what FROM invariant_i15_unsealed;

-- +goose Down
-- +goose StatementBegin
DO $$ BEGIN
    RAISE EXCEPTION 'money may have moved under these rules: restore a dump instead';
END $$;
-- +goose StatementEnd
