package app

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/edge/server"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
	"github.com/causeway-fund/causeway/internal/trust/identity"
	"github.com/causeway-fund/causeway/internal/trust/seal"
)

// front is `causeway serve` as it is put together, on loopback and a real database.
type front struct {
	t    testing.TB
	url  string
	fund fund.Fund
	*Services

	treasurer string // a token
	admin     identity.Actor
	payees    atomic.Uint32
}

func newFront(t testing.TB, change func(*ServeConfig)) *front {
	t.Helper()
	f := &front{t: t}
	base := pgtest.New(t)
	owner, err := postgres.Open(t.Context(), base.URL)
	f.must(err)
	t.Cleanup(owner.Close)
	db, err := postgres.Open(t.Context(), base.AppURL)
	f.must(err)
	t.Cleanup(db.Close)
	params, err := wallet.Params("regtest")
	f.must(err)
	f.must(owner.Bind(t.Context(), "regtest", params.GenesisHash.String()))
	f.must(owner.CreateFund(t.Context(), fund.Fund{
		ID: uuid.New(), Name: "Test fund", Network: "regtest", Descriptor: f.wallet(1).String(), Budget: 50_000_000,
		MinAmount: 10_000, MaxAmount: 5_000_000, PolicyVersion: 1, Quorum: 2, MaxFeeRateSatKVB: 100_000, MaxFee: 100_000,
		PayWindow: 90 * 24 * time.Hour, PaidDepth: 6, FinalDepth: 100, CreatedAt: time.Now(),
	}))
	dir := t.TempDir()
	sealPath, publicPath := filepath.Join(dir, "seal.key"), filepath.Join(dir, "audit.pub")
	f.must(CreateKeys(uuid.New(), sealPath, filepath.Join(dir, "audit.key"), publicPath))
	keys, err := seal.Load(sealPath)
	f.must(err)
	cfg := ServeConfig{
		AuditPublicKey: publicPath, PublicURL: "http://localhost", Demo: true, Log: slog.New(slog.DiscardHandler),
		Checks: ChecksConfig{TelegramFile: "../../../deploy/telegram.json"},
	}
	if change != nil {
		change(&cfg)
	}
	f.Services, err = NewServices(t.Context(), db, keys, cfg, clock.Real{})
	f.must(err)
	f.fund = f.Fund
	handler, err := newServer(f.Services, cfg, prometheus.NewRegistry())
	f.must(err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	f.must(err)
	s := server.HTTPServer(handler)
	done := make(chan error, 1)
	go func() { done <- s.Serve(listener) }()
	t.Cleanup(func() {
		_ = s.Close()
		<-done //nolint:errcheck // a failure shows in what follows
	})
	f.url = "http://" + listener.Addr().String()
	f.admin = f.hire("Ada", identity.RoleAdmin)
	f.treasurer = f.token(f.hire("Tove", identity.RoleTreasurer))
	return f
}

func (f *front) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *front) wallet(seed byte) *wallet.Descriptor {
	f.t.Helper()
	params, err := wallet.Params("regtest")
	f.must(err)
	sum := sha256.Sum256([]byte{seed})
	d, err := wallet.DescriptorFromSeed(sum[:], wallet.KindWPKH, params)
	f.must(err)
	return d
}

func (f *front) hire(name string, role identity.Role) identity.Actor {
	f.t.Helper()
	person, _, err := f.Identity.Invite(f.t.Context(), identity.System("admin-cli"), name, []identity.Role{role})
	f.must(err)
	link, err := f.Identity.LoginLink(f.t.Context(), identity.System("admin-cli"), person.ID)
	f.must(err)
	in, err := f.Identity.UseLoginLink(f.t.Context(), link, "")
	f.must(err)
	return in.Actor
}

func (f *front) token(by identity.Actor) string {
	f.t.Helper()
	_, secret, err := f.Identity.CreateToken(f.t.Context(), by, "test", identity.Scopes(by.Roles), time.Hour)
	f.must(err)
	return secret
}

func (f *front) application() string {
	f.t.Helper()
	to, err := f.wallet(2).Address(wallet.ChainDeposit, f.payees.Add(1))
	f.must(err)
	text, err := json.Marshal(map[string]any{
		"title": "A proxy for students", "narrative": "Two servers that students read the news through.", "region": "IR", "language": "en",
		"amount_sat": 200_000, "payout_address": to, "endpoints": []map[string]any{{"protocol": "socks5", "host": "192.0.2.7", "port": 1080}},
	})
	f.must(err)
	return string(text)
}

// call is one request.
type call struct {
	from                     string // the caller's address
	method, path, body, kind string
	header                   map[string]string
	want                     int
}

// client calls from one address.
func client(from string) *http.Client {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	return &http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 64},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (f *front) send(ctx context.Context, by *http.Client, c call) (int, string, error) {
	r, err := http.NewRequestWithContext(ctx, c.method, f.url+c.path, strings.NewReader(c.body))
	if err != nil {
		return 0, "", err
	}
	if c.body != "" {
		r.Header.Set("Content-Type", c.kind)
	}
	for k, v := range c.header {
		r.Header.Set(k, v)
	}
	reply, err := by.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(io.LimitReader(reply.Body, 64<<10))
	if reply.StatusCode == http.StatusTooManyRequests && reply.Header.Get("Retry-After") == "" {
		return 0, "", fmt.Errorf("%s %s: 429 without Retry-After", c.method, c.path)
	}
	return reply.StatusCode, string(text), err
}

// flood sends attack at a rate until ctx ends, and counts the answers.
func (f *front) flood(ctx context.Context, perSecond int, attack func(i int) call) func() map[int]int {
	const workers, tick = 32, 10 * time.Millisecond
	var next atomic.Int64
	var mu sync.Mutex
	answers := map[int]int{}
	work := make(chan int, perSecond)
	var all sync.WaitGroup
	by := client("127.0.0.66")
	for range workers {
		all.Go(func() {
			for i := range work {
				c := attack(i)
				from := by
				if c.from != "" {
					from = client(c.from)
				}
				status, _, err := f.send(ctx, from, c)
				mu.Lock()
				if err == nil {
					answers[status]++
				}
				mu.Unlock()
			}
		})
	}
	all.Go(func() {
		defer close(work)
		begin := time.Now()
		ticker := time.NewTicker(tick)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			for due := int64(time.Since(begin).Seconds() * float64(perSecond)); next.Load() < due; {
				select {
				case work <- int(next.Add(1)):
				case <-ctx.Done():
					return
				}
			}
		}
	})
	return func() map[int]int {
		all.Wait()
		by.CloseIdleConnections()
		return answers
	}
}

// TestStrangersStarveNobody makes each attack that shut people out before, at ten
// times its rate and from another address, while those whom it shut out go on.
func TestStrangersStarveNobody(t *testing.T) {
	t.Parallel()
	f := newFront(t, nil)
	anyID := uuid.NewString()
	treasurer := map[string]string{"Authorization": "Bearer " + f.treasurer, "If-Match": `"1"`}
	prober := f.enrol()
	receipts := make([]string, 5)
	for i := range receipts {
		receipts[i] = f.applied()
	}
	page := func(i int) string { return fmt.Sprintf("127.0.1.%d", 1+i) }
	const form, js = "application/x-www-form-urlencoded", "application/json"
	css := f.stylesheet()

	for _, tt := range []struct {
		name   string
		rate   int // ten times what was enough
		attack func(i int) call
		victim func(i int) call
	}{
		{
			"sign-in", 80, func(int) call { return call{method: "POST", path: "/sign-in/begin"} },
			func(i int) call { return call{from: page(i), method: "POST", path: "/sign-in/begin", want: 200} },
		},
		{
			"applying", 80, func(int) call {
				return call{method: "POST", path: "/v1/applications", body: "{}", kind: js, header: map[string]string{"Idempotency-Key": uuid.NewString()}}
			},
			func(i int) call {
				return call{from: page(i), method: "POST", path: "/v1/applications", body: f.application(), kind: js, header: map[string]string{"Idempotency-Key": uuid.NewString()}, want: 201}
			},
		},
		{
			"health", 80, func(int) call { return call{method: "GET", path: "/healthz"} },
			func(int) call { return call{method: "GET", path: "/healthz", want: 200} },
		},
		{
			"the treasurer's cancel", 700, func(int) call {
				return call{method: "POST", path: "/v1/batches/" + anyID + "/cancel", header: map[string]string{"If-Match": `"1"`}}
			},
			func(int) call {
				return call{method: "POST", path: "/v1/batches/" + anyID + "/cancel", header: treasurer, want: 404}
			},
		},
		{
			"probers", 280, func(i int) call { return call{method: "POST", path: "/v1/prober/lease", body: forged(i), kind: js} },
			func(int) call {
				return call{method: "POST", path: "/v1/prober/lease", body: prober.ask(), kind: js, want: 200}
			},
		},
		{"the public site", 500, func(i int) call {
			return call{method: "GET", path: []string{"/", "/apply", "/docs/api", "/nowhere"}[i%4]}
		}, func(i int) call { return call{from: page(i), method: "GET", path: []string{"/", css}[i%2], want: 200} }},
		{"payee lists", 1800, func(i int) call {
			return call{method: "POST", path: "/v1/payee-lists", body: "a,b\n", kind: "text/csv", header: map[string]string{"Authorization": "Bearer cw_" + fmt.Sprint(i)}}
		}, func(i int) call {
			if i%10 == 0 {
				return call{method: "POST", path: "/v1/payee-lists", body: "grant_id,amount_sat\n", kind: "text/csv", header: treasurer, want: 422}
			}
			return call{method: "POST", path: "/v1/batches/" + anyID + "/bump", body: `{"feerate_sat_kvb":7000}`, kind: js, header: treasurer, want: 404}
		}},
		{"receipts guessed", 500, func(i int) call {
			code := fmt.Sprintf("%026d", i)
			if i%2 == 0 {
				return call{method: "POST", path: "/status", body: "code=" + code, kind: form}
			}
			return call{method: "GET", path: "/v1/application", header: map[string]string{"Causeway-Receipt": code}}
		}, func(i int) call {
			code := receipts[i%len(receipts)]
			if i%2 == 0 {
				return call{from: page(i), method: "POST", path: "/status", body: "code=" + code, kind: form, want: 200}
			}
			return call{from: page(i), method: "GET", path: "/v1/application", header: map[string]string{"Causeway-Receipt": code}, want: 200}
		}},
		{"a token on the network of a flood", 1800, func(i int) call {
			return call{method: "GET", path: "/v1/batches", header: map[string]string{"Authorization": "Bearer cw_" + fmt.Sprint(i)}}
		}, func(int) call {
			return call{from: "127.0.0.66", method: "GET", path: "/v1/batches", header: treasurer, want: 200}
		}},
	} {
		f.attack(tt.name, tt.rate, tt.attack, tt.victim)
	}
}

// attack lets victims make 100 calls within two seconds or more while the flood is
// under way.
func (f *front) attack(name string, rate int, attack, victim func(i int) call) {
	f.t.Helper()
	const calls, every = 100, 20 * time.Millisecond
	ctx, stop := context.WithTimeout(f.t.Context(), 2*time.Minute)
	defer stop()
	wait := f.flood(ctx, rate, attack)
	staff := client("127.0.0.1")
	defer staff.CloseIdleConnections()
	through, slowest := 0, time.Duration(0)
	var wrong []string
	begin := time.Now()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for i := range calls {
		<-ticker.C
		c, by := victim(i), staff
		if c.from != "" {
			by = client(c.from)
		}
		sent := time.Now()
		status, text, err := f.send(ctx, by, c)
		slowest = max(slowest, time.Since(sent))
		if c.from != "" {
			by.CloseIdleConnections()
		}
		if status == c.want {
			through++
		} else if len(wrong) < 3 {
			wrong = append(wrong, fmt.Sprintf("%d %v %.200s", status, err, text))
		}
	}
	took := time.Since(begin)
	stop()
	answers := wait()
	sent := 0
	for _, n := range answers {
		sent += n
	}
	f.t.Logf("%s: %d of %d calls went through, the slowest in %s; %.0f requests a second against it: %v", name, through, calls, slowest.Round(time.Millisecond), float64(sent)/took.Seconds(), answers)
	if through < calls-1 {
		f.t.Errorf("%s: %d of %d calls went through:\n%s", name, through, calls, strings.Join(wrong, "\n"))
	}
	if sent == 0 {
		f.t.Errorf("%s: nothing was sent against it", name)
	}
}

// stylesheet returns the address of the dashboard's CSS.
func (f *front) stylesheet() string {
	f.t.Helper()
	_, text, err := f.send(f.t.Context(), &http.Client{}, call{method: "GET", path: "/sign-in"})
	f.must(err)
	_, rest, _ := strings.Cut(text, `<link rel="stylesheet" href="`)
	path, _, ok := strings.Cut(rest, `"`)
	if !ok {
		f.t.Fatalf("the page has no style sheet:\n%s", text)
	}
	return path
}

// applied hands an application in and returns its receipt.
func (f *front) applied() string {
	f.t.Helper()
	status, text, err := f.send(f.t.Context(), &http.Client{}, call{
		method: "POST", path: "/v1/applications", body: f.application(), kind: "application/json", header: map[string]string{"Idempotency-Key": uuid.NewString()},
	})
	f.must(err)
	var out struct {
		Code string `json:"receipt_code"`
	}
	if err := json.Unmarshal([]byte(text), &out); err != nil || status != http.StatusCreated {
		f.t.Fatalf("%d %s", status, text)
	}
	return out.Code
}

// asking is a prober that asks for work.
type asking struct {
	f       *front
	key     ed25519.PrivateKey
	vantage uuid.UUID
}

func (f *front) enrol() asking {
	f.t.Helper()
	_, token, err := f.Endpoints.AddVantage(f.t.Context(), f.admin, endpoint.NewVantage{Name: "fi-1", Place: vantage.Outside, Country: "FI", ASN: 64496})
	f.must(err)
	public, key, err := ed25519.GenerateKey(rand.Reader)
	f.must(err)
	w, err := f.Endpoints.Enrol(f.t.Context(), vantage.Enrolment{Token: token, PublicKey: public})
	f.must(err)
	return asking{f: f, key: key, vantage: w.Vantage}
}

func (a asking) ask() string {
	e, err := vantage.SignAsk(a.key, vantage.Ask{V: vantage.Version, Vantage: a.vantage, At: time.Now().UTC(), Max: 1, SW: "prober/test"})
	a.f.must(err)
	return envelope(a.f.t, e)
}

func envelope(t testing.TB, e vantage.Envelope) string {
	t.Helper()
	text, err := json.Marshal(e)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

// forged is a request in the form of a prober's that nobody enrolled signed.
func forged(i int) string {
	body, _ := json.Marshal(vantage.Ask{V: vantage.Version, Vantage: uuid.NewSHA1(uuid.Nil, fmt.Append(nil, i)), At: time.Now().UTC(), Max: 1, SW: "prober/test"})
	text, _ := json.Marshal(vantage.Envelope{Body: body, Signature: bytes.Repeat([]byte{1}, ed25519.SignatureSize)})
	return string(text)
}
