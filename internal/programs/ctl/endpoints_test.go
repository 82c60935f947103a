package ctl_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/programs/ctl"
)

const socksLink = "socks5://ann:hunter2@proxy.example.org:1080"

func TestLinkIsReadWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	out := f.run(socksLink+"\n", "link", "-").want(t, 0)
	if !strings.Contains(out.stdout, "proxy.example.org:1080") || strings.Contains(out.stdout+out.stderr, "hunter2") {
		t.Errorf("%+v", out)
	}
	if len(f.calls) != 0 {
		t.Error("something was sent")
	}
	f.run(socksLink, "link", "--api", "-").want(t, 0)
	if got := decode[client.LinkText](t, f.sentTo("readLink")[0].body).Text; got != socksLink {
		t.Errorf("sent %q", got)
	}
	// The same is understood here and there: the fund's answer is held against the document.
	f.on("readLink", decode[client.Understood](t, []byte(f.run(socksLink, "link", "-o", "json", "-").want(t, 0).stdout)))
	f.run(socksLink, "link", "--api", "-").want(t, 0)

	if out := f.run("socks5://198.51.100.7:1080", "link", "-").want(t, 0); strings.Contains(out.stdout, "dns") {
		t.Errorf("an address has no record: %s", out.stdout)
	}

	refused := f.run("[Interface]\nPrivateKey = x\nPostUp = \u202erm -rf /\n", "link", "-").want(t, 1)
	if !strings.Contains(refused.stderr, "\n  line 3: ") || strings.Contains(refused.stderr, "\u202e") {
		t.Errorf("stderr: %s", refused.stderr)
	}
	f.run("", "link", "/does/not/exist").want(t, 2)
}

func TestApplyWithLinksAndFiles(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	args := []string{
		"apply", "--title", "Two proxies", "--narrative-file", tempFile(t, narrative), "--region", "IR", "--amount-sat", "1500000", "--payout-address", address1,
		"--link", "socks5://proxy.example.org:1080", "--endpoint-file", tempFile(t, socksLink+"\n"),
	}
	f.run("", args...).want(t, 0)
	f.run("", append(args, "--dry-run")...).want(t, 0)
	sent := f.sentTo("submitApplication")
	first, second := "socks5://proxy.example.org:1080", socksLink
	if diff := cmp.Diff([]client.Endpoint{{Link: &first}, {Link: &second}}, decode[client.NewApplication](t, sent[0].body).Endpoints); diff != "" || len(sent) != 1 {
		t.Errorf("%d were sent: %s", len(sent), diff)
	}
	out := f.run("", append(args, "--link", socksLink)...).want(t, 2)
	if strings.Contains(out.stderr, "hunter2") || !strings.Contains(out.stderr, "--endpoint-file") {
		t.Errorf("stderr: %s", out.stderr)
	}
	out = f.run("", append(args, "--dry-run", "--endpoint-file", tempFile(t, "[Interface]\nPostUp = x"), "--endpoint-file", tempFile(t, "trojan://pw@a.example:443"))...).want(t, 1)
	for _, want := range []string{"endpoints[2].link, line 2: ", "endpoints[3].link, protocol: must be one of [socks5 mtproto]"} {
		if !strings.Contains(out.stderr, want) {
			t.Errorf("%q is not in %s", want, out.stderr)
		}
	}
}

func TestOperatorAsksForChecksAndProofs(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	f.run("", "endpoints", "recheck", label).want(t, 0)
	f.run("", "endpoints", "control", label, "--check").want(t, 0)
	f.run("", "endpoints", "control", label, "--check", "--kind", "dns").want(t, 0)
	f.run("rotate\n", "endpoints", "rotate", label).want(t, 0)
	f.run("no\n", "endpoints", "rotate", label).want(t, 1)
	f.run("", "endpoints", "maintenance", label, "--from", "2026-12-01T03:00:00+01:00", "--to", "2026-12-01T02:30:00Z").want(t, 0)

	var kinds []string
	for _, s := range f.sentTo("proveControl") {
		kinds = append(kinds, string(decode[client.NewProof](t, s.body).Kind))
	}
	if diff := cmp.Diff([]string{"credential", "dns"}, kinds); diff != "" {
		t.Error(diff)
	}
	if n := len(f.sentTo("rotateControl")); n != 1 {
		t.Errorf("%d rotations", n)
	}
	got := decode[client.NewMaintenance](t, f.sentTo("declareMaintenance")[0].body)
	if from := time.Date(2026, 12, 1, 2, 0, 0, 0, time.UTC); !got.From.Equal(from) || !got.To.Equal(from.Add(30*time.Minute)) {
		t.Errorf("declared %+v", got)
	}
	f.run("", "endpoints", "show", strings.ToLower(label)).want(t, 0)
	f.run("", "endpoints", "show", "EP-0").want(t, 3)
	for _, args := range []string{"control EP-1 --kind dns", "control EP-1 --check --kind file", "maintenance EP-1 --from 2026-12-01", "maintenance EP-1", "rechek EP-1"} {
		f.run("", append([]string{"endpoints"}, strings.Fields(args)...)...).want(t, 2)
	}
}

func TestStaffWatchTheFleet(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	session, path := tempFile(t, sessionValue), filepath.Join(t.TempDir(), "token")
	f.run("", "fleet", "recheck", id(71).String()).want(t, 0)
	f.run("", "fleet", "show", "--unseal", id(1).String()).want(t, 0)
	f.run("", "vantage", "add", "--name", "fi-1").want(t, 2) // no session
	f.run("", "--session-file", session, "vantage", "add", "--name", "fi-1", "--country", "FI", "--asn", "64500", "--token-out", path).want(t, 0)
	f.run("", "--session-file", session, "vantage", "add", "--name", "fi-1", "--place", "moon").want(t, 2)
	f.run("no\n", "--session-file", session, "vantage", "disable", id(72).String()).want(t, 1)
	if n := len(f.sentTo("disableVantage")); n != 0 {
		t.Errorf("%d probers were disabled unasked", n)
	}
	f.run("disable\n", "--session-file", session, "vantage", "disable", id(72).String()).want(t, 0)

	if got := f.sentTo("listEndpoints")[0].query["unseal"]; len(got) != 1 || got[0] != "true" {
		t.Errorf("unseal %v", got)
	}
	asn, country := int64(64500), "FI"
	if diff := cmp.Diff(client.NewVantage{Name: "fi-1", Place: client.PlaceOutside, Country: &country, Asn: &asn}, decode[client.NewVantage](t, f.sentTo("addVantage")[0].body)); diff != "" {
		t.Error(diff)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "enrolment-token\n" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestUptimeIsTakenOutAndComputedAgain(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	text := sampleSnapshot()
	for _, operation := range []string{"getOwnUptime", "getUptime"} {
		f.answers[operation] = func(sent) answer { return answer{raw: text, kind: "application/json"} }
	}
	path := filepath.Join(t.TempDir(), "uptime.json")
	if out := f.run("", "uptime", "get", label).want(t, 0); out.stdout != string(text) {
		t.Errorf("the bytes changed: %s", out.stdout)
	}
	f.run("", "uptime", "get", "--application", id(1).String(), "--file", path).want(t, 0)
	results := tempFile(t, resultLines(sampleResults()))
	out := run(t.Context(), "", "uptime", "verify", path, "--results", results).want(t, 0)
	if !strings.Contains(out.stderr, "1 of 2 days") {
		t.Errorf("stderr: %s", out.stderr)
	}
	f.run("", "uptime", "get").want(t, 2)
	f.run("", "uptime", "get", label, "--application", id(1).String()).want(t, 2)
	f.run("", "uptime", "get", "--application", "x").want(t, 2)

	text = bytes.Replace(text, []byte(`"up": 9`), []byte(`"up": 8`), 1)
	if out := f.run("", "uptime", "get", label).want(t, 5); out.stdout != "" {
		t.Errorf("stdout: %s", out.stdout)
	}
}

func TestResultsBehindAnUptimeAreTakenOut(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	text := resultLines(sampleResults())
	for _, operation := range []string{"getOwnResults", "getResults"} {
		f.answers[operation] = func(sent) answer { return answer{raw: []byte(text), kind: "text/plain; charset=utf-8"} }
	}
	get := func(code int, args ...string) outcome {
		return f.run("", append([]string{"uptime", "results"}, args...)...).want(t, code)
	}
	path := filepath.Join(t.TempDir(), "results")
	get(0, strings.ToLower(label), "--day", "2026-11-22", "--file", path)
	if out := run(t.Context(), "", "uptime", "verify", tempFile(t, string(sampleSnapshot())), "--results", path).want(t, 0); !strings.Contains(out.stderr, "1 of 2 days") {
		t.Errorf("stderr: %s", out.stderr)
	}
	if out := get(0, label, "--application", id(1).String(), "--day", "2026-11-22"); out.stdout != text {
		t.Errorf("the bytes changed: %s", out.stdout)
	}
	if q := url.Values(f.sentTo("getResults")[0].query); q.Get("day") != "2026-11-22" || q.Get("label") != label {
		t.Errorf("asked for %v", q)
	}
	for _, args := range []string{label, label + " --day 22.11.2026", "--day 2026-11-22", label + " --application x --day 2026-11-22", label + " --application= --day 2026-11-22"} {
		get(2, strings.Fields(args)...)
	}
	get(5, label, "--day", "2026-11-21") // of another day
	get(5, "EP-1", "--day", "2026-11-22")
	text = "<html>"
	if out := get(5, label, "--day", "2026-11-22"); out.stdout != "" {
		t.Errorf("stdout: %s", out.stdout)
	}
	f.refuse("getOwnResults", 404, client.Problem{Type: "/problems/results_gone", Title: "They are gone.", Status: 404})
	get(3, label, "--day", "2026-11-22")
}

func TestUptimeThatDoesNotFollow(t *testing.T) {
	t.Parallel()
	good, lines := string(sampleSnapshot()), resultLines(sampleResults())
	first, _, _ := strings.Cut(lines, "\n")
	for name, tc := range map[string]struct{ text, results, says string }{
		"a figure":           {strings.Replace(good, `"permille": 9`, `"permille": 8`, 1), "", "the figures of " + label},
		"a mark":             {strings.Replace(good, "uuuuuuud", "uuuuuuuu", 1), "", "the figures of " + label},
		"the decision":       {strings.Replace(good, `"decision": "hold_coverage"`, `"decision": "pay"`, 1), "", "the decision"},
		"another spelling":   {good + " ", "", "canonical form"},
		"a result is gone":   {good, strings.TrimPrefix(lines, first+"\n"), "2026-11-22"},
		"a result is new":    {good, lines + first + "\n", "2026-11-22"},
		"a record changed":   {good, strings.Replace(lines, `"sha256":"00`, `"sha256":"01`, 1), "2026-11-22"},
		"a verdict changed":  {good, strings.Replace(lines, `"verdict":"up"`, `"verdict":"down"`, 1), "00:00:00Z"},
		"a failure is less":  {good, strings.ReplaceAll(lines, `"verdict":"down"`, `"verdict":"unknown"`), "01:45:00Z"},
		"an unknown word":    {good, `{"slots":1}`, "Result 1"},
		"a short sum":        {good, `{"endpoint":"EP-1","slot":"2026-11-22T00:00:00Z","attempt":1,"verdict":"up","sha256":"00"}`, "Result 1"},
		"a result of no sum": {good, strings.Replace(lines, `"sha256":"00`, `"sha256":"0`, 1), "Result 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := []string{"uptime", "verify", tempFile(t, tc.text)}
			if tc.results != "" {
				args = append(args, "--results", tempFile(t, tc.results))
			}
			if out := run(t.Context(), "", args...).want(t, 1); !strings.Contains(out.stderr, tc.says) {
				t.Errorf("stderr: %s", out.stderr)
			}
		})
	}
}

func TestChallengeIsAnsweredForItsTime(t *testing.T) {
	t.Parallel()
	const token = "abcdefghijklmnopqrstuvwxyz234567"
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	for _, args := range [][]string{
		{"--listen", "127.0.0.1:0", "--token", token}, {"--listen", "127.0.0.1:0", "--token", token, "--udp"},
	} {
		out := run(t.Context(), "", append([]string{"challenge-serve", "--for", "20ms"}, args...)...).want(t, 0)
		if !strings.Contains(out.stderr, "Answering the challenge on 127.0.0.1:") {
			t.Errorf("stderr: %s", out.stderr)
		}
	}
	for _, args := range [][]string{
		{"--listen", "127.0.0.1:0"}, {"--token", token}, {"--listen", "127.0.0.1:0", "--token", token, "--for", "61m"},
	} {
		run(t.Context(), "", append([]string{"challenge-serve"}, args...)...).want(t, 2)
	}
	run(t.Context(), "", "challenge-serve", "--listen", "127.0.0.1:0", "--token", "short").want(t, 1)
	if out := run(t.Context(), "", "challenge-serve", "--listen", taken.Addr().String(), "--token", token).want(t, 1); !strings.Contains(out.stderr, "Stop your server first") {
		t.Errorf("stderr: %s", out.stderr)
	}
}

func TestChallengeIsAnswered(t *testing.T) {
	t.Parallel()
	const token = "abcdefghijklmnopqrstuvwxyz234567"
	ctx, stop := context.WithCancel(t.Context())
	fake := clock.NewFake(at)
	root := ctl.Root(ctl.Config{Clock: fake, Progress: cli.Silent(fake)})
	root.SetArgs([]string{"challenge-serve", "--listen", "127.0.0.1:0", "--token", token})
	said, errOut := io.Pipe()
	root.SetErr(errOut)
	ended := make(chan error, 1)
	go func() {
		ended <- root.ExecuteContext(ctx)
		errOut.Close()
	}()
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address, _, _ := strings.Cut(strings.TrimPrefix(line, "Answering the challenge on "), " ")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+control.Path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := new(http.Client).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != control.Body(token) {
		t.Errorf("answered %q, %v", body, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("told to stop, it ended with %v", err)
	}
}
