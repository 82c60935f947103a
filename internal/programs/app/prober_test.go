package app

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/things-go/go-socks5"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/telegram"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/testkit/dctest"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// proberService enrols one prober, gives it one lease, and takes its reports.
type proberService struct {
	t       *testing.T
	key     ed25519.PrivateKey
	jobs    []vantage.Job
	centre  string
	reports chan vantage.Report

	mu     sync.Mutex
	id     uuid.UUID
	prober ed25519.PublicKey
	token  string
}

func (s *proberService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	keyOf := func(uuid.UUID) (ed25519.PublicKey, error) { return s.prober, nil }
	var out any
	var err error
	if r.URL.Path == "/v1/prober/enrol" {
		var e vantage.Enrolment
		if err = json.NewDecoder(r.Body).Decode(&e); err == nil && e.Token != s.token {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"code":"enrolment_unknown"}`)
			return
		}
		s.id, s.prober, s.token = uuid.New(), e.PublicKey, ""
		out = vantage.Welcome{Vantage: s.id, Name: "fi-1", ServiceKey: ed25519.PublicKey(s.key[ed25519.SeedSize:])}
	} else {
		var e vantage.Envelope
		if err = json.NewDecoder(r.Body).Decode(&e); err != nil {
			s.t.Error(err)
			return
		}
		switch r.URL.Path {
		case "/v1/prober/lease":
			now := clock.Real{}.Now()
			l := vantage.Lease{
				V: vantage.Version, ID: uuid.New(), Vantage: s.id, Issued: now, Expires: now.Add(time.Minute), Next: 1, Jobs: s.jobs,
				Telegram: vantage.Telegram{KeysPEM: dctest.KeysPEM(s.t), Centres: []vantage.Centre{{ID: dctest.ID, Addr: s.centre}}},
			}
			s.jobs = nil
			out, err = vantage.SignLease(s.key, l)
		case "/v1/prober/report":
			var report vantage.Report
			if report, err = vantage.OpenReport(e, keyOf); err == nil {
				s.reports <- report
			}
		}
	}
	if err != nil {
		s.t.Error(err)
	}
	_ = json.NewEncoder(w).Encode(out)
}

// TestTheProberReachesTheServiceAndWhatTheGuardAllows: every connection to the
// service goes through the hook, and the endpoint beside the allowed network is
// not dialled.
func TestTheProberReachesTheServiceAndWhatTheGuardAllows(t *testing.T) {
	t.Parallel()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	reached := make(chan struct{}, 10)
	allowed := probetest.Serve(t, func(net.Conn) { reached <- struct{}{} })
	denied := probetest.Listen(t, "127.0.0.2:0", func(net.Conn) { t.Error("an endpoint outside the allowed network was dialled") })
	now := clock.Real{}.Now()
	of := func(at probe.Address) vantage.Job {
		return vantage.Job{ID: uuid.New(), Kind: vantage.KindSlot, Mode: probe.Light, Spec: "socks5://" + at.String(), DC: dctest.ID, Due: now, Until: now.Add(time.Minute)}
	}
	s := &proberService{t: t, key: key, token: "once", centre: probetest.Closed(t).String(), reports: make(chan vantage.Report, 10), jobs: []vantage.Job{of(allowed), of(denied)}}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	var mu sync.Mutex
	dialled := map[string]bool{}
	cfg := ProberConfig{
		API: srv.URL, State: filepath.Join(t.TempDir(), "state.json"), Allow: []string{"127.0.0.1/32"}, Resolvers: DefaultResolvers(), Log: slog.New(slog.DiscardHandler),
		dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			mu.Lock()
			dialled[addr] = true
			mu.Unlock()
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		},
	}
	if err := Probe(t.Context(), cfg); !errs.Is(err, "prober_not_enrolled") {
		t.Errorf("before it has enrolled: %v", err)
	}
	if _, err := EnrolProber(t.Context(), cfg, "another"); !errs.Is(err, "enrolment_unknown") {
		t.Errorf("a wrong token: %v", err)
	}
	if name, err := EnrolProber(t.Context(), cfg, "once"); err != nil || name != "fi-1" {
		t.Fatalf("%q, %v", name, err)
	}
	if _, err := EnrolProber(t.Context(), cfg, "once"); !errs.Is(err, "prober_enrolled") {
		t.Errorf("a second time: %v", err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Probe(ctx, cfg) }()
	got := map[probe.Class]int{}
	for n := 0; n < 2; {
		for _, a := range (<-s.reports).Answers {
			got[a.Outcome.Class]++
			n++
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}

	if got[probe.ClassAddressDenied] != 1 || len(reached) != 1 || len(dialled) != 1 || !dialled[strings.TrimPrefix(srv.URL, "http://")] {
		t.Errorf("%v, %d connections to the endpoint; to the service: %v", got, len(reached), dialled)
	}
}

// TestChecksGoOutThroughTheExit: the endpoint and the data centre see the exit, and
// the service is not reached through it.
func TestChecksGoOutThroughTheExit(t *testing.T) {
	t.Parallel()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var through atomic.Int32
	exit := socks5.NewServer(socks5.WithDial(func(ctx context.Context, network, addr string) (net.Conn, error) {
		through.Add(1)
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}}
		return d.DialContext(ctx, network, addr)
	}))
	exitAt := probetest.Serve(t, func(c net.Conn) { _ = exit.ServeConn(c) })
	from := make(chan string, 10)
	endpoint := probetest.Serve(t, func(c net.Conn) {
		from <- c.RemoteAddr().String()
		probetest.AfterFirst("\x05\x00")(c)
	})
	now := clock.Real{}.Now()
	s := &proberService{t: t, key: key, token: "once", centre: probetest.Closed(t).String(), reports: make(chan vantage.Report, 10), jobs: []vantage.Job{
		{ID: uuid.New(), Kind: vantage.KindSlot, Mode: probe.Light, Spec: "socks5://" + endpoint.String(), DC: dctest.ID, Due: now, Until: now.Add(time.Minute)},
	}}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	cfg := ProberConfig{
		API: srv.URL, State: filepath.Join(t.TempDir(), "state.json"), Allow: []string{"127.0.0.0/8"}, Resolvers: DefaultResolvers(),
		Exit: "socks5://" + exitAt.String(), Log: slog.New(slog.DiscardHandler),
	}
	if _, err := EnrolProber(t.Context(), cfg, "once"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Probe(ctx, cfg) }()
	r := <-s.reports
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}

	probetest.Want(t, r.Answers[0].Outcome, "ok handshake")
	if got := <-from; !strings.HasPrefix(got, "127.0.0.9:") || through.Load() != 1 {
		t.Errorf("the endpoint saw %s; %d connections through the exit", got, through.Load())
	}
}

func TestProberSettingsThatCannotBe(t *testing.T) {
	t.Parallel()
	for code, change := range map[string]func(*ProberConfig){
		"api_url_without_tls":  func(c *ProberConfig) { c.API = "http://fund.example" },
		"api_proxy_malformed":  func(c *ProberConfig) { c.APIProxy = "ftp://h:1" },
		"network_malformed":    func(c *ProberConfig) { c.Allow = []string{"127.0.0.1"} },
		"resolver_malformed":   func(c *ProberConfig) { c.Resolvers = []string{"dns.example:53"} },
		"exit_malformed":       func(c *ProberConfig) { c.Exit = "127.0.0.1:1080" },
		"two_exits":            func(c *ProberConfig) { c.Exit, c.Tor = "socks5://127.0.0.1:1080", "127.0.0.1:9050" },
		"resolver_missing":     func(c *ProberConfig) { c.Tor, c.Resolvers = "127.0.0.1:9050", nil },
		"exit_login_malformed": func(c *ProberConfig) { c.Exit, c.ExitLoginFile = "socks5://127.0.0.1:1080", "/dev/null" },
		"":                     func(c *ProberConfig) { c.Tor = "127.0.0.1:9050" },
	} {
		cfg := ProberConfig{API: "https://fund.example", Resolvers: DefaultResolvers()}
		change(&cfg)
		_, err := cfg.client()
		w, err2 := cfg.way()
		if err == nil {
			err = err2
		}
		switch {
		case code != "" && !errs.Is(err, errs.Code(code)):
			t.Errorf("want %s, got %v", code, err)
		case code == "" && (err != nil || w.exit == nil || len(w.resolvers) != 2):
			t.Errorf("Tor: %v", err)
		}
	}
}

// TestTheProberLinksNoDatabaseAndNoNode: what a prober runs, it runs without the
// fund's secrets.
func TestTheProberLinksNoDatabaseAndNoNode(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "../../fleet/probe/agent").Output()
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range strings.FieldsSeq(string(out)) {
		for _, banned := range []string{"github.com/jackc", "github.com/btcsuite", "/internal/store/postgres", "/internal/bitcoin/chain", "/internal/signer/signer", "/internal/trust/seal", "/internal/review/grant"} {
			if strings.Contains(pkg, banned) || pkg == "database/sql" {
				t.Errorf("a prober links %s", pkg)
			}
		}
	}
}

func TestEchoServer(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "key")
	for _, tc := range [][2]string{{"short", "echo_key_short"}, {strings.Repeat("ab", 16) + "\n", "cannot_listen"}} {
		if err := os.WriteFile(key, []byte(tc[0]), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := ServeEcho(t.Context(), EchoConfig{Listen: "127.0.0.1:notaport", KeyFile: key, Log: slog.New(slog.DiscardHandler)}); !errs.Is(err, errs.Code(tc[1])) {
			t.Errorf("%q: %v", tc[0], err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := ServeEcho(ctx, EchoConfig{Listen: "127.0.0.1:0", KeyFile: key, Log: slog.New(slog.DiscardHandler)}); err != nil && !errs.Is(err, "cannot_listen") {
		t.Error(err)
	}
}

// TestTheTelegramFile: the file that is shipped holds Telegram's production key
// and its five data centres, over both families.
func TestTheTelegramFile(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../../deploy/telegram.json")
	if err != nil {
		t.Fatal(err)
	}
	tg, err := vantage.ParseTelegram(b)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := telegram.ParseKeys([]byte(tg.KeysPEM))
	if err != nil {
		t.Fatal(err)
	}
	if fp := keys.Fingerprints(); len(fp) != 1 || fp[0] != "d09d1d85de64fd85" {
		t.Errorf("keys %v", fp)
	}
	four, six := map[int]bool{}, map[int]bool{}
	for _, c := range tg.Centres {
		if strings.HasPrefix(c.Addr, "[") {
			six[c.ID] = true
		} else {
			four[c.ID] = true
		}
	}
	if len(four) != 5 || len(six) != 5 {
		t.Errorf("%d data centres over IPv4, %d over IPv6", len(four), len(six))
	}
}
