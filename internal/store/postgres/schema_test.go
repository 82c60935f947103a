package postgres_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/review/screen"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// books are the tables that nobody changes, each with a statement that makes a
// row of it once foreign keys and triggers sleep.
var books = map[string]string{
	"event":                "(object_kind, object_id, event, actor_kind, at) VALUES ('batch', gen_random_uuid(), 'x', 'system', now())",
	"application_revision": "VALUES (gen_random_uuid(), 1, '', sha256(''), 1, now())",
	"dropped_key":          "VALUES ('x', now())",
	"decision":             "VALUES (gen_random_uuid(), gen_random_uuid(), 1, gen_random_uuid(), sha256(''), '', 1, now())",
	"vote":                 "VALUES (gen_random_uuid(), gen_random_uuid(), 1, sha256(''), gen_random_uuid(), 'approve', NULL, 'login', NULL, now())",
	"unsealing":            "VALUES (gen_random_uuid(), 'titles', gen_random_uuid(), now())",
	"unjoined_separate":    "VALUES (sha256(''), 0, '', gen_random_uuid(), now())",
	"message":              "VALUES (gen_random_uuid(), gen_random_uuid(), 'operator', 'operator', NULL, '', now())",
	"approval":             "VALUES (gen_random_uuid(), gen_random_uuid(), sha256(''), gen_random_uuid(), 'login', NULL, now())",
	"attempt":              "VALUES (gen_random_uuid(), gen_random_uuid(), 0, '', sha256(''), 1, 1, 1, now())",
	"attempt_input":        "VALUES (gen_random_uuid(), sha256(''), 0, 1)",
	"prev_tx":              "VALUES (sha256(sha256('x')), 'x')",
	"attempt_raw":          "VALUES (gen_random_uuid(), '', now())",
	"attempt_event":        "(attempt_id, event, at) VALUES (gen_random_uuid(), 'built', now())",
	"charter":              "(digest, text, taken_in_at) VALUES (sha256('x'), 'x', now())",
	"charter_signature":    "VALUES (sha256('x'), 'SHA256:x', '', now())",
	"breaker_finding":      "VALUES (1, 1, '', '', NULL, now())",
	"breaker_consent":      "VALUES (1, 1, gen_random_uuid(), now())",
	"ledger_transfer":      "(kind, ref, at) VALUES ('deposit', '', now())",
	"ledger_posting":       "VALUES (1, 'outside', 1)",
	"batch_coin":           "VALUES (gen_random_uuid(), sha256(''), 0)",
	"void_approval":        "VALUES (gen_random_uuid(), sha256(''), gen_random_uuid(), now())",
	"void_item":            "VALUES (gen_random_uuid(), gen_random_uuid())",
	"attempt_signature":    "(attempt_id, psbt, source, at) VALUES (gen_random_uuid(), '', '', now())",
	"audit_leaf": `SELECT 0, 'epoch', 'system:x', 'a.b', 'a', 'a', convert_to('{"action":"a.b","actor":"system:x","at":"1970-01-01T00:00:00Z","digest":"","from":"",' ||
		'"object_id":"a","object_kind":"a","seq":0,"to":""}', 'UTF8')`,
	"audit_hash":       "VALUES (0, sha256(''))",
	"audit_checkpoint": "(size, note, at) VALUES (1, '', now())",
	"maintenance":      "VALUES (gen_random_uuid(), gen_random_uuid(), now(), now() + interval '1 h', now())",
	"vantage_report":   "VALUES (gen_random_uuid(), 1, sha256(''), sha256(''), gen_random_uuid(), now())",
	"check_result": "VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'slot', 'full', 'outside', now(), 1, now(), 'up', '', '', '', '{}', '', " +
		"false, sha256(''))",
	"endpoint_day":    "VALUES (gen_random_uuid(), 'outside', current_date, 86400, 'u', sha256(''), 1)",
	"endpoint_proof":  "VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'dns', false, '', gen_random_uuid(), now(), NULL, NULL)",
	"uptime_snapshot": "VALUES (gen_random_uuid(), gen_random_uuid(), NULL, '', sha256(''), now())",
}

func TestBooksAreAppendOnlyForEverybody(t *testing.T) {
	t.Parallel()
	base := pgtest.New(t)
	owner, app, worker := open(t, base.URL), open(t, base.AppURL), open(t, base.WorkerURL)
	exec(t, owner, "SELECT check_result_days(current_date, current_date + 2, current_date)")
	err := owner.Tx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL session_replication_role = replica"); err != nil {
			return err
		}
		for table, row := range books {
			if _, err := tx.Exec(ctx, "INSERT INTO "+table+" "+row); err != nil {
				return errors.Join(errors.New(table), err)
			}
		}
		_, err := tx.Exec(ctx, "INSERT INTO attempt_output VALUES (gen_random_uuid(), 0, '', 1, NULL, 0)")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	const byTrigger, byGrant = "23001", "42501"
	for table := range books {
		var column string
		err := owner.Pool().QueryRow(t.Context(), `SELECT attname FROM pg_attribute
			WHERE attrelid = $1::regclass AND attnum > 0 AND attidentity = '' ORDER BY attnum LIMIT 1`, table).Scan(&column)
		if err != nil {
			t.Fatal(err)
		}
		for _, sql := range []string{"UPDATE " + table + " SET " + column + " = " + column, "DELETE FROM " + table} {
			refused(t, owner, sql, byTrigger)
			refused(t, app, sql, byGrant)
			refused(t, worker, sql, byGrant)
		}
		refused(t, owner, "TRUNCATE "+table+" CASCADE", byTrigger)
		refused(t, app, "TRUNCATE "+table, byGrant)
		refused(t, worker, "TRUNCATE "+table, byGrant)
	}
	// An output changes in one way alone: a payment whose approval was lost is joined.
	const byJoin = "23514"
	for _, sql := range []string{"UPDATE attempt_output SET attempt_id = attempt_id", "UPDATE attempt_output SET amount_sat = 2"} {
		refused(t, owner, sql, byJoin)
		refused(t, app, sql, byGrant)
		refused(t, worker, sql, byGrant)
	}
	refused(t, app, "UPDATE attempt_output SET instalment_id = gen_random_uuid()", byJoin)
	refused(t, owner, "DELETE FROM attempt_output", byTrigger)
	refused(t, owner, "TRUNCATE attempt_output CASCADE", byTrigger)
}

// refused runs sql as d's role and wants this SQLSTATE.
func refused(t *testing.T, d *postgres.DB, sql, state string) {
	t.Helper()
	_, err := d.Pool().Exec(t.Context(), sql)
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != state {
		t.Errorf("%s as %s: got %v, want SQLSTATE %s", sql, d.Pool().Config().ConnConfig.User, err, state)
	}
}

// TestEveryBookIsInTheList compares the list above with the triggers.
func TestEveryBookIsInTheList(t *testing.T) {
	t.Parallel()
	owner := open(t, pgtest.New(t).URL)
	got := texts(t, owner, `SELECT tgrelid::regclass::text FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid
		WHERE p.proname = 'append_only' AND g.tgenabled = 'O' AND g.tgtype::int & 27 = 27 ORDER BY 1`) // row, before, delete, update
	want := make([]string, 0, len(books))
	for table := range books {
		want = append(want, table)
	}
	slices.Sort(want)

	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// texts returns the one column of text that sql gives.
func texts(t *testing.T, d *postgres.DB, sql string, args ...any) []string {
	t.Helper()
	rows, err := d.Pool().Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestPrivilegesAreExactlyThese compares what each role may do with a list that
// people read: a line is a role, what it may do, and to what.
func TestPrivilegesAreExactlyThese(t *testing.T) {
	t.Parallel()
	owner := open(t, pgtest.New(t).URL)
	got := strings.Join(texts(t, owner, `
		SELECT concat_ws(' ', role, string_agg(privilege, ',' ORDER BY privilege), object) FROM (
			SELECT r.rolname AS role, p.privilege_type AS privilege, c.relname AS object
			FROM pg_class c, aclexplode(c.relacl) p JOIN pg_roles r ON r.oid = p.grantee
			WHERE c.relnamespace = ANY (ARRAY['public', 'river']::regnamespace[])
			UNION ALL
			SELECT r.rolname, p.privilege_type, 'function ' || f.proname
			FROM pg_proc f, aclexplode(f.proacl) p JOIN pg_roles r ON r.oid = p.grantee
			WHERE f.pronamespace = 'public'::regnamespace
			UNION ALL
			SELECT r.rolname, p.privilege_type || '(' || a.attname || ')', c.relname
			FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid, aclexplode(a.attacl) p JOIN pg_roles r ON r.oid = p.grantee
			WHERE c.relnamespace = 'public'::regnamespace
			UNION ALL
			SELECT r.rolname, p.privilege_type, 'schema ' || n.nspname
			FROM pg_namespace n, aclexplode(n.nspacl) p JOIN pg_roles r ON r.oid = p.grantee
			WHERE n.nspname IN ('public', 'river')
		) x WHERE role IN ('causeway_app', 'causeway_worker') GROUP BY role, object ORDER BY role, object`), "\n") + "\n"

	golden := filepath.Join("testdata", "privileges.txt")
	if os.Getenv("GOLDEN_UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("testdata/privileges.txt against the schema:\n%s\nthe schema says:\n%s", diff, got)
	}
}

// TestNobodyElseHasRights finds what PUBLIC may do.
func TestNobodyElseHasRights(t *testing.T) {
	t.Parallel()
	owner := open(t, pgtest.New(t).URL)
	got := texts(t, owner, `SELECT c.relname::text FROM pg_class c, aclexplode(c.relacl) p WHERE p.grantee = 0 AND c.relnamespace = ANY (ARRAY['public', 'river']::regnamespace[])
		UNION ALL SELECT f.proname::text FROM pg_proc f WHERE f.pronamespace = 'public'::regnamespace AND f.prosecdef AND has_function_privilege('public', f.oid, 'EXECUTE')
		UNION ALL SELECT n.nspname::text FROM pg_namespace n, aclexplode(n.nspacl) p WHERE p.grantee = 0 AND n.nspname IN ('public', 'river')`)

	if len(got) > 0 {
		t.Errorf("everybody has rights to %v", got)
	}
}

func TestLegalEdgesAreThoseOfTheCode(t *testing.T) {
	t.Parallel()
	app := open(t, pgtest.New(t).AppURL)
	want := []string{}
	edges := grant.Edges()
	edges["batch"], edges["breaker"] = payout.Edges(), payout.BreakerEdges()
	for kind, list := range edges {
		for _, e := range list {
			want = append(want, kind+": "+e.From+" to "+e.To)
		}
	}
	slices.Sort(want)

	got := texts(t, app, "SELECT object_kind || ': ' || from_state || ' to ' || to_state FROM state_edge")
	slices.Sort(got)

	if diff := cmp.Diff(slices.Compact(want), got); diff != "" {
		t.Errorf("code against state_edge:\n%s", diff)
	}
}

// TestChecksListWhatTheCodeLists compares each CHECK (column IN (...)) with the
// values of a type.
func TestChecksListWhatTheCodeLists(t *testing.T) {
	t.Parallel()
	owner := open(t, pgtest.New(t).URL)
	quoted := regexp.MustCompile(`'([^']*)'::text`)
	tests := map[string][]string{
		"application_state_check":      plain(grant.States()),
		"grants_state_check":           plain([]grant.GrantState{grant.GrantActive, grant.GrantCompleted, grant.GrantTerminated}),
		"instalment_state_check":       plain(grant.InstalmentStates()),
		"batch_state_check":            plain(payout.States()),
		"breaker_state_check":          plain(payout.BreakerStates()),
		"breaker_code_check":           plain(payout.BreakerCodes()),
		"vote_verdict_check":           plain([]grant.Verdict{grant.VerdictApprove, grant.VerdictDecline}),
		"message_audience_check":       plain([]grant.Audience{grant.ToOperator, grant.ToTeam}),
		"ledger_posting_account_check": plain(ledger.Accounts()),
		"ledger_transfer_kind_check": plain([]ledger.Kind{
			ledger.KindDeposit, ledger.KindCommit, ledger.KindUncommit, ledger.KindRelease, ledger.KindMined, ledger.KindPaid, ledger.KindForeignSpend, ledger.KindVoid, ledger.KindAdopt,
		}),
		"staff_role_role_check":       plain(identity.Roles()),
		"one_time_link_purpose_check": plain([]identity.LinkPurpose{identity.LinkInvite, identity.LinkLogin}),
		"ceremony_kind_check":         plain([]identity.CeremonyKind{identity.CeremonyEnrol, identity.CeremonyLogin}),
		"session_method_check":        plain([]identity.Method{identity.MethodPasskey, identity.MethodLink}),
		"endpoint_protocol_check":     plain(probe.Protocols()),
		"endpoint_state_check":        plain([]endpoint.State{endpoint.Active, endpoint.Retired}),
		"endpoint_control_check":      plain([]control.Kind{control.KindCredential, control.KindPort, control.KindDNS}),
		"endpoint_last_verdict_check": plain([]probe.Verdict{probe.Up, probe.Down, probe.Unknown}),
		"endpoint_link_kind_check": plain([]endpoint.LinkKind{
			endpoint.LinkSpec, endpoint.LinkListenIP, endpoint.LinkListenNet, endpoint.LinkExitIP, endpoint.LinkExitNet, endpoint.LinkExitASN,
			endpoint.LinkServerKey, endpoint.LinkSecret, endpoint.LinkReplay,
		}),
		"endpoint_proof_kind_check":    plain([]control.Kind{control.KindCredential, control.KindPort, control.KindDNS}),
		"endpoint_day_place_check":     plain(vantage.Places()),
		"check_policy_pay_place_check": plain(vantage.Places()),
		"vantage_place_check":          plain(vantage.Places()),
		"check_offer_kind_check":       plain([]vantage.Kind{vantage.KindSlot, vantage.KindRecheck, vantage.KindControl}),
		"check_offer_proof_check":      plain([]control.Kind{control.KindCredential, control.KindPort, control.KindDNS}),
		"check_offer_mode_check":       plain([]probe.Mode{probe.Full, probe.Light}),
		"check_offer_place_check":      plain(vantage.Places()),
		"check_result_kind_check":      plain([]vantage.Kind{vantage.KindSlot, vantage.KindRecheck, vantage.KindControl}),
		"check_result_mode_check":      plain([]probe.Mode{probe.Full, probe.Light}),
		"check_result_place_check":     plain(vantage.Places()),
		"check_result_verdict_check":   plain([]probe.Verdict{probe.Up, probe.Down, probe.Unknown}),
		"check_result_stage_check":     plain(append(probe.Stages(), "")),
		"check_result_failed_at_check": plain(append(probe.Stages(), "")),
		"check_result_class_check":     plain(append(probe.Classes(), probe.ClassNone)),
		"event_actor_kind_check":       plain([]identity.ActorKind{identity.KindOperator, identity.KindStaff, identity.KindSystem}),
	}
	for name, want := range tests {
		var definition string
		err := owner.Pool().QueryRow(t.Context(), "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1", name).Scan(&definition)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := []string{}
		for _, m := range quoted.FindAllStringSubmatch(definition, -1) {
			got = append(got, m[1])
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("code against %s:\n%s", name, diff)
		}
	}
}

// TestEveryKindOfLinkIsJudged compares what servers can share in the database with
// what the automatic checks know.
func TestEveryKindOfLinkIsJudged(t *testing.T) {
	t.Parallel()
	owner := open(t, pgtest.New(t).URL)
	var kinds []string
	err := owner.Pool().QueryRow(t.Context(), `SELECT array_agg(m[1] ORDER BY m[1]) FROM pg_constraint c, regexp_matches(pg_get_constraintdef(c.oid), '''([a-z_]+)''::text', 'g') m
		WHERE c.conname = 'endpoint_link_kind_check'`).Scan(&kinds)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plain(screen.Shared()), kinds); diff != "" {
		t.Errorf("package screen against the database:\n%s", diff)
	}
}

// plain returns named strings as plain ones, sorted.
func plain[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	slices.Sort(out)
	return out
}
