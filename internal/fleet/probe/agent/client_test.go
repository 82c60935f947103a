package agent_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/probe/agent"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

func TestTheServiceIsSpokenToInTLSOrHere(t *testing.T) {
	t.Parallel()
	for url, ok := range map[string]bool{
		"https://fund.example": true, "https://fund.example:8443/": true, "http://127.0.0.1:8080": true, "http://[::1]:8080": true, "http://localhost:8080": true,
		"http://fund.example": false, "http://192.0.2.1": false, "ftp://fund.example": false, "https://": false, "https://u:p@fund.example": false,
		"https://fund.example/?a=b": false, "": false, "http://localhost.fund.example": false,
	} {
		if _, err := agent.NewClient(url, http.DefaultTransport); (err == nil) != ok {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestAnswersOfTheService(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status int
		body   string
		want   string // kind and code
	}{
		"a problem":             {409, `{"type":"/problems/report_repeated","code":"report_repeated"}`, "conflict report_repeated"},
		"a problem by its type": {404, `{"type":"/problems/lease_unknown"}`, "not_found lease_unknown"},
		"a proxy in between":    {404, "<html>", "unavailable api_status"},
		"a portal":              {302, "", "unavailable api_status"},
		"a code of its own":     {409, `{"code":"a b"}`, "unavailable api_status"},
		"no answer to read":     {200, "<html>", "unavailable api_answer_malformed"},
		"a busy gateway":        {503, `{"code":"part_down"}`, "unavailable part_down"},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/v1/prober/lease" || r.Method != http.MethodPost {
				t.Errorf("%s %s", r.Method, r.URL.Path)
			}
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(tc.status)
			_, _ = w.Write([]byte(tc.body))
		}))
		t.Cleanup(srv.Close)
		c, err := agent.NewClient(srv.URL, &http.Transport{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Lease(t.Context(), vantage.Envelope{})
		if got := string(errs.KindOf(err)) + " " + string(errs.CodeOf(err)); got != tc.want {
			t.Errorf("%s: %s (%v)", name, got, err)
		}
		if got := c.Addrs(); len(got) != 1 || got[0] != netip.AddrFrom4([4]byte{127, 0, 0, 1}) {
			t.Errorf("%s: the service was met at %v", name, got)
		}
	}
}

func TestAStateIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	s := newService(t, probetest.Closed(t))
	path := filepath.Join(t.TempDir(), "prober.json")
	f, err := agent.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Load(); !errs.Is(err, "prober_not_enrolled") {
		t.Errorf("no file: %v", err)
	}
	want := s.state()
	want.Seq, want.Pending = 9, &vantage.Envelope{Body: []byte("b"), Signature: []byte("s")}
	for range 2 {
		if err := f.Save(want); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := f.Load(); err != nil || !cmp.Equal(got, want) {
		t.Errorf("%v %s", err, cmp.Diff(want, got))
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, err := agent.Open(path); !errs.Is(err, "prober_running") {
		t.Errorf("a second prober: %v", err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 2 {
		t.Errorf("%d files, %v", len(left), err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if f, err = agent.Open(path); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if _, err := agent.ParseState([]byte(strings.Repeat("x", 10))); !errs.Is(err, "prober_state_malformed") {
		t.Error(err)
	}
	if _, err := agent.Enrolled(vantage.Welcome{}, newKey(t)); !errs.Is(err, "welcome_malformed") {
		t.Error(err)
	}
}

func FuzzParseState(f *testing.F) {
	f.Add([]byte(`{"v":1,"vantage":"7d444840-9dc0-11d1-b245-5ffdce74fad2","name":"fi-1","key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","service_key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","seq":1,"prev":"0000000000000000000000000000000000000000000000000000000000000000"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := agent.ParseState(b); err == nil && s.Validate() != nil {
			t.Error("what was read is not valid")
		}
	})
}
