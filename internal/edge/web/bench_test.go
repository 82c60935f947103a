package web_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5" //nolint:depguard // a million rows come by COPY

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/edge/server"
	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/identity"
	"github.com/causeway-fund/causeway/internal/trust/seal"
)

// BenchmarkQueue reads the queue of a fund with a million applications through the
// real server, each page with the counts of all views beside it: searches, filters, one
// application. One client and eight at once; p50 and p95 are milliseconds of a request,
// measured at the client.
func BenchmarkQueue(b *testing.B) {
	const n = 1_000_000
	r := newRig(b)
	r.rates = server.Rates{Caller: 1_000_000, Reading: 1_000_000, ClientReading: 1_000_000}
	r.serve(r.endpoints)
	var clients []*browser
	for i := range 8 {
		clients = append(clients, r.hire(fmt.Sprintf("Ada %d", i), identity.RoleReviewer))
	}
	full := r.idOf(r.apply(0))
	start := clock.Real{}.Now()
	w := loadApplications(b, r, n)
	b.Logf("%d applications were loaded in %s", n, clock.Real{}.Now().Sub(start).Round(time.Second))

	random := rand.New(rand.NewPCG(1, 2))
	var mu sync.Mutex
	pick := func(list []string) string {
		mu.Lock()
		defer mu.Unlock()
		return list[random.IntN(len(list))]
	}
	deep := grant.Cursor{SubmittedAt: epoch.Add(-n / 2 * time.Second), ID: uuid.Max}.String()
	cases := []struct {
		name string
		path func() string
	}{
		{"open", func() string { return "/review" }},
		{"to-vote", func() string { return "/review?view=to_vote" }},
		{"mine", func() string { return "/review?view=mine" }},
		{"approved", func() string { return "/review?view=approved" }},
		{"all-half-way-down", func() string { return "/review?view=all&cursor=" + deep }},
		{"region-and-language", func() string { return "/review?view=all&region=CN&lang=ru" }},
		{"rare-protocol", func() string { return "/review?view=all&protocol=trojan" }},
		{"by-reference", func() string { return "/review?q=" + pick(w.references) }},
		{"by-designation", func() string { return "/review?q=" + url.QueryEscape(pick(w.designations)) }},
		{"by-rare-word", func() string { return "/review?view=all&q=" + pick(w.rare) }},
		{"by-two-words", func() string { return "/review?view=all&q=relay+" + pick(w.rare) }},
		{"by-common-word", func() string { return "/review?view=all&q=relay" }},
		{"by-common-words-never-together", func() string { return "/review?view=all&q=odd+even" }},
		{"one-application", func() string { return "/review/" + full }},
		{"beside-the-list", func() string { return "/review?id=" + full }},
	}
	for _, c := range cases {
		for _, k := range []int{1, 8} {
			b.Run(fmt.Sprintf("%s/clients=%d", c.name, k), func(b *testing.B) {
				var took []time.Duration
				for b.Loop() {
					took = append(took, together(b, clients[:k], 25, c.path)...)
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
				b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
			})
		}
	}
	for _, claimed := range []string{"free", "me"} {
		b.Run("counts/claimed="+claimed, func(b *testing.B) {
			by := identity.Actor{Kind: identity.KindStaff, StaffID: w.reviewer, Roles: []identity.Role{identity.RoleReviewer}}
			f := grant.Filter{Unclaimed: claimed == "free"}
			if claimed == "me" {
				f.ClaimedBy = &w.reviewer
			}
			for b.Loop() {
				_, err := r.grants.Queue(b.Context(), by, f, "")
				must(b, err)
				_, err = r.grants.Counts(b.Context(), by, f)
				must(b, err)
			}
		})
	}
}

// together has each client ask n times, and returns how long each answer took.
func together(b *testing.B, clients []*browser, n int, path func() string) []time.Duration {
	b.Helper()
	var mu sync.Mutex
	var took []time.Duration
	var wait sync.WaitGroup
	for _, c := range clients {
		wait.Go(func() {
			for range n {
				req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, c.base+path(), http.NoBody)
				if err != nil {
					b.Error(err)
					return
				}
				req.Header = c.header.Clone()
				start := clock.Real{}.Now()
				resp, err := c.client.Do(req)
				if err != nil {
					b.Error(err)
					return
				}
				_, err = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				mu.Lock()
				took = append(took, clock.Real{}.Now().Sub(start))
				mu.Unlock()
				if err != nil || resp.StatusCode != http.StatusOK {
					b.Errorf("%s: %d %v", req.URL, resp.StatusCode, err)
					return
				}
			}
		})
	}
	wait.Wait()
	return took
}

// loaded is what a benchmark asks for of the applications that were loaded.
type loaded struct {
	references, designations, rare []string
	reviewer                       uuid.UUID
}

// loadApplications writes n applications as the service writes them, a second apart,
// with bodies that open. Every title has the word relay, "odd" or "even", and a word
// that some two hundred titles have. Nine in ten are open; one reviewer has voted on a
// tenth and has claimed a few; twenty thousand have one address.
func loadApplications(b *testing.B, r *rig, n int) *loaded {
	b.Helper()
	key, err := r.keys.Derive("causeway/title-word")
	must(b, err)
	hash := func(word string) int64 {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(word))
		return int64(binary.BigEndian.Uint64(mac.Sum(nil)))
	}
	w := &loaded{}
	must(b, r.owner.Pool().QueryRow(b.Context(), "SELECT id FROM staff ORDER BY name LIMIT 1").Scan(&w.reviewer))
	random := rand.New(rand.NewPCG(3, 4))
	states := []string{"submitted", "submitted", "submitted", "submitted", "submitted", "submitted", "submitted", "needs_info", "approved", "in_review"}
	regions, languages := []string{"IR", "RU", "CN", "BY"}, []string{"fa", "ru", "zh", "ru"} // never CN in Russian
	narrative := strings.Repeat("Two servers for people behind a filter. ", 10)
	hashes := map[string]int64{}
	ids := make([]uuid.UUID, n)
	bodies := make([][]byte, n)
	row := func(i int) ([]any, error) {
		id, err := uuid.NewV7()
		if err != nil {
			return nil, err
		}
		rare, parity := fmt.Sprintf("word%d", random.IntN(n/200+1)), []string{"even", "odd"}[i%2]
		words := []int64{}
		for _, word := range []string{"relay", parity, rare, "for", "students"} {
			if _, ok := hashes[word]; !ok {
				hashes[word] = hash(word)
			}
			words = append(words, hashes[word])
		}
		body, err := json.Marshal(grant.Body{
			Salt: hex.EncodeToString(id[:]), Title: "Relay " + parity + " " + rare + " for students", Narrative: narrative, PayoutAddress: "bcrt1q",
			Endpoints: []claim.Endpoint{{Protocol: "socks5", Host: "192.0.2.7", Port: 1080}},
		})
		if err != nil {
			return nil, err
		}
		dataKey, wrapped, err := r.keys.NewDataKey(id.String())
		if err != nil {
			return nil, err
		}
		if bodies[i], err = dataKey.Seal(seal.AAD{Table: "application_revision", Column: "body", Row: id.String(), Version: 1}, body); err != nil {
			return nil, err
		}
		ids[i] = id
		reference, designation := fmt.Sprintf("GR-%08d", i), fmt.Sprintf("bench %s of", letters(i))
		if i%1000 == 7 {
			w.references, w.designations, w.rare = append(w.references, reference), append(w.designations, designation), append(w.rare, rare)
		}
		payee := sha256.Sum256([]byte(id.String()))
		if i >= n/2 && i < n/2+20_000 {
			payee = sha256.Sum256([]byte("one"))
		}
		protocol := "socks5"
		if i%100_000 == 99_999 {
			protocol = "trojan"
		}
		receipt := sha256.Sum256(append(id[:], 'r'))
		at := epoch.Add(-time.Duration(i+1) * time.Second)
		return []any{
			id, r.fund.ID, reference, designation, states[random.IntN(len(states))], 1, int64(1),
			[]string{protocol},
			regions[i%4], languages[i%4], int64(100_000),
			receipt[:], payee[:], words, wrapped.Bytes, wrapped.KEKID, at, at,
		}, nil
	}
	conn, err := r.owner.Pool().Acquire(b.Context())
	must(b, err)
	defer conn.Release()
	sql := func(text string, args ...any) {
		b.Helper()
		if _, err := conn.Exec(b.Context(), text, args...); err != nil {
			b.Fatalf("%s: %v", text, err)
		}
	}
	sql("SET session_replication_role = replica") // what triggers would do stands below
	sql("SET maintenance_work_mem = '512MB'")
	columns := []string{
		"id", "fund_id", "reference", "designation", "state", "revision", "version", "protocols", "region", "language", "amount_sat",
		"receipt_hash", "payee_index", "title_words", "data_key", "key_id", "submitted_at", "changed_at",
	}
	_, err = conn.CopyFrom(b.Context(), pgx.Identifier{"application"}, columns, pgx.CopyFromSlice(n, row))
	must(b, err)
	_, err = conn.CopyFrom(b.Context(), pgx.Identifier{"application_revision"},
		[]string{"application_id", "revision", "body", "body_sha256", "amount_sat", "created_at"},
		pgx.CopyFromSlice(n, func(i int) ([]any, error) {
			return []any{ids[i], 1, bodies[i], receiptOf(ids[i]), int64(100_000), epoch}, nil
		}))
	must(b, err)
	sql("INSERT INTO application_word SELECT word, submitted_at, id FROM application, unnest(title_words) word WHERE reference LIKE 'GR-0%' ON CONFLICT DO NOTHING")
	_, err = conn.CopyFrom(b.Context(), pgx.Identifier{"application_print"}, []string{"application_id", "text_hash", "servers"},
		pgx.CopyFromSlice(n, func(i int) ([]any, error) { return []any{ids[i], int64(random.Uint64()), 1}, nil }))
	must(b, err)
	sql(`INSERT INTO vote SELECT gen_random_uuid(), id, 1, sha256(''), $1, 'approve', NULL, 'login', NULL, now() FROM application WHERE state = 'in_review'`, w.reviewer)
	sql(`INSERT INTO claim SELECT id, $1, CASE WHEN reference LIKE '%77' THEN $2::timestamptz ELSE '2020-01-01' END FROM application
		WHERE state = 'in_review' LIMIT 20000`, w.reviewer, epoch.Add(24*time.Hour))
	sql("RESET session_replication_role")
	sql("VACUUM ANALYZE")
	return w
}

func receiptOf(id uuid.UUID) []byte {
	sum := sha256.Sum256(id[:])
	return sum[:]
}

// letters writes a number with letters alone.
func letters(n int) string {
	return strings.Map(func(c rune) rune { return c - '0' + 'a' }, fmt.Sprint(n))
}
