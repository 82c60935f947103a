package grant_test

import (
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/pgserver"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
)

// measured is how long each side of BenchmarkSubmit writes: pgbench prepares its statements
// on each of its connections first.
const measured = 6 * time.Second

// BenchmarkSubmit sends applications by 1 to 32 clients to a database that waits for its
// disk, and has pgbench send the same writes, prepared and in the same round trips, for
// as long just after. What Causeway does beside its writes (it validates, derives a
// receipt, seals) counts.
func BenchmarkSubmit(b *testing.B) {
	in, err := pgserver.Find(b.Context(), 0)
	if err != nil {
		b.Fatal(err)
	}
	pgbench := filepath.Join(in.BinDir, "pgbench")
	if _, err := os.Stat(pgbench); err != nil {
		b.Skip("pgbench is not installed with this PostgreSQL")
	}
	w := newWorldOn(b, pgtest.NewDurable(b).New(b))
	w.file(b, 1_000_000)
	script := filepath.Join(b.TempDir(), "submit.sql")
	noError(b, os.WriteFile(script, []byte(w.sameWrites(b)), 0o600))
	addresses := make([]string, 10_000) // enough for 50,000 applications
	operators := account(b, 2)
	for i := range addresses {
		addresses[i], err = operators.Address(0, uint32(i))
		noError(b, err)
	}
	var n atomic.Int64
	ready := proposal(b, 1)
	next := func() (string, grant.Proposal) {
		i := n.Add(1)
		p := ready
		p.Title = "Relay number " + strconv.FormatInt(i, 10)
		p.PayoutAddress = addresses[i/grant.MaxOpenOfPayee%int64(len(addresses))]
		return key(int(i)), p
	}
	for _, clients := range []int{1, 2, 4, 8, 16, 32} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			var ours, theirs float64
			for b.Loop() {
				ours += w.submitFor(b, clients, next)
				theirs += runPgbench(b, pgbench, w.base.AppURL, script, clients)
			}
			b.ReportMetric(ours/float64(b.N), "submitted/s")
			b.ReportMetric(theirs/float64(b.N), "pgbench/s")
			b.ReportMetric(ours/theirs, "ratio")
		})
	}
}

// submitFor has clients submit as long as is measured, and returns how many a second they did.
func (w *world) submitFor(b *testing.B, clients int, next func() (key string, p grant.Proposal)) float64 {
	b.Helper()
	var done atomic.Int64
	var wait sync.WaitGroup
	wall := clock.Real{}
	start := wall.Now()
	for range clients {
		wait.Go(func() {
			for wall.Now().Sub(start) < measured {
				k, p := next()
				if _, err := w.Submit(b.Context(), k, p); err != nil {
					b.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	wait.Wait()
	return float64(done.Load()) / wall.Now().Sub(start).Seconds()
}

var tps = regexp.MustCompile(`tps = ([0-9.]+) \(without initial connection time\)`)

func runPgbench(b *testing.B, program, url, script string, clients int) float64 {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), program, "-n", "-M", "prepared", "-f", script, "-c", strconv.Itoa(clients), "-j", "1",
		"-T", strconv.Itoa(int(measured.Seconds())), url)
	cmd.Env = append(os.Environ(), "PGOPTIONS=-c plan_cache_mode=force_generic_plan") // as Causeway's connections
	out, err := cmd.CombinedOutput()
	found := tps.FindSubmatch(out)
	if err != nil || found == nil {
		b.Fatalf("pgbench: %v\n%s", err, out)
	}
	rate, err := strconv.ParseFloat(string(found[1]), 64)
	noError(b, err)
	return rate
}

// sameWrites is a script for pgbench that writes what a submission writes, with the
// bytes of the one that there is and keys of its own.
func (w *world) sameWrites(b *testing.B) string {
	b.Helper()
	value := func(sql string) string {
		var v []byte
		noError(b, w.owner.Pool().QueryRow(b.Context(), sql).Scan(&v))
		return `'\x` + hex.EncodeToString(v) + `'`
	}
	kind := func() string {
		var v string
		noError(b, w.owner.Pool().QueryRow(b.Context(), "SELECT string_agg(kind, ',' ORDER BY kind) FROM endpoint_link").Scan(&v))
		return v
	}
	const id, hash = `md5(:r::bigint::text)::uuid`, `sha256(int8send(:r::bigint))`
	links := &strings.Builder{}
	for _, k := range strings.Split(kind(), ",") {
		fmt.Fprintf(links, "INSERT INTO endpoint_link (endpoint_id, kind, index, seen_at) VALUES (%s, '%s', %s, now()) ON CONFLICT (endpoint_id, kind, index) DO NOTHING;\n", id, k, hash)
	}
	return strings.NewReplacer(
		"{id}", id, "{hash}", hash, "{fund}", w.fund.ID.String(), "{links}", links.String(),
		"{key}", value("SELECT data_key FROM application"), "{body}", value("SELECT body FROM application_revision"),
		"{note}", value("SELECT note FROM decision"), "{spec}", value("SELECT spec FROM endpoint"),
	).Replace(`\set r random(1, 9000000000000000000)
BEGIN;
WITH used AS (
    INSERT INTO idempotency (scope, key_hash, body_sha256, object_id, created_at) VALUES ('submit', {hash}, {hash}, {id}, now())
    ON CONFLICT (scope, key_hash) DO NOTHING RETURNING 1
), locked AS MATERIALIZED (SELECT pg_advisory_xact_lock(7305813, (:r::bigint % 1000000000)::integer))
SELECT (SELECT count(*) FROM used) AS fresh, (SELECT count(*) FROM locked) AS locks;
SELECT count(*) FROM (SELECT FROM application a WHERE a.payee_index = {hash} AND a.state = ANY ('{submitted,in_review,needs_info,ready}') AND a.id <> {id} LIMIT 5) x;
\startpipeline
INSERT INTO application (id, fund_id, reference, designation, state, revision, version, protocols, region, language, amount_sat,
    receipt_hash, payee_index, title_words, data_key, key_id, submitted_at, changed_at)
VALUES ({id}, '{fund}', 'GR-' || :r::bigint, 'p ' || :r::bigint, 'submitted', 1, 1, '{socks5}', 'IR', 'en', 100000, {hash}, {hash}, ARRAY[:r::bigint, :r::bigint - 1, :r::bigint - 2], {key}, 'k', now(), now());
INSERT INTO application_revision (application_id, revision, body, body_sha256, amount_sat, created_at) VALUES ({id}, 1, {body}, {hash}, 100000, now());
INSERT INTO decision (id, application_id, revision, grant_id, digest, note, amount_sat, created_at) VALUES ({id}, {id}, 1, {id}, {hash}, {note}, 100000, now());
INSERT INTO application_print (application_id, text_hash, servers) VALUES ({id}, :r::bigint, 1)
    ON CONFLICT (application_id) DO UPDATE SET text_hash = excluded.text_hash, servers = excluded.servers;
INSERT INTO endpoint (id, application_id, label, position, protocol, spec, spec_index, checks_from, created_at) VALUES ({id}, {id}, 'EP-' || :r::bigint, 0, 'socks5', {spec}, {hash}, now(), now());
{links}WITH waiting AS (
    INSERT INTO audit_waiting (at, actor, action, object_kind, object_id, digest, from_state, to_state)
    VALUES (now(), 'operator:' || {id}, 'application.submitted', 'application', {id}, {hash}, '', 'submitted')
)
INSERT INTO event (object_kind, object_id, event, from_state, to_state, actor_kind, detail, at) VALUES ('application', {id}, 'application.submitted', NULL, 'submitted', 'operator', '{}', now());
\endpipeline
COMMIT;
`)
}
