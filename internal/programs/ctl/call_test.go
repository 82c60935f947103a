package ctl_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/api/client"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	detail, request := "The words of the fund.", "req-1"
	for status, code := range map[int]int{400: 1, 401: 1, 403: 1, 404: 3, 409: 4, 413: 1, 422: 1, 428: 1, 429: 1, 500: 1, 503: 1} {
		f := newFund(t)
		f.refuse("getTreasury", status, client.Problem{
			Type: "/problems/x", Title: http.StatusText(status), Status: int32(status), Detail: &detail, Instance: &request,
			Errors: &[]client.FieldError{{Field: "amount_sat", Code: "too_large", Message: "is too large"}},
		})
		out := f.run("", "treasury").want(t, code)
		if !strings.HasPrefix(out.stderr, "causewayctl: The words of the fund.") || !strings.Contains(out.stderr, "\n  amount_sat: is too large\n") {
			t.Errorf("%d: %s", status, out.stderr)
		}
		if strings.Contains(out.stderr, request) != (status >= 500) {
			t.Errorf("%d: request id in %s", status, out.stderr)
		}
	}
}

func TestServerThatIsNoFund(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	for _, operation := range []string{"getFund", "submitApplication", "getBatch", "getAuditBundle"} {
		f.answers[operation] = func(sent) answer { return answer{plain: "<h1>Hotel Wi-Fi</h1>"} }
	}
	for _, args := range [][]string{{"fund"}, applyArgs(t), {"batch", "show", id(9).String()}, {"audit", "export"}} {
		if out := f.run("", args...).want(t, 1); out.stdout != "" || !strings.Contains(out.stderr, "does not come from a Causeway fund") {
			t.Errorf("%v: %+v", args[0], out)
		}
	}
	out := run(t.Context(), "", "--server", "http://127.0.0.1:1", "fund").want(t, 1)
	if !strings.Contains(out.stderr, "Nothing was changed.") {
		t.Errorf("stderr: %s", out.stderr)
	}
}

func TestSecretsStayWhereTheyBelong(t *testing.T) {
	t.Parallel()
	open := tempFile(t, tokenValue)
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	private := tempFile(t, tokenValue)
	for name, tc := range map[string]struct {
		args []string
		code int
		says string
	}{
		"everybody can read it":   {[]string{"--token-file", open, "whoami"}, 1, "chmod 600"},
		"two lines":               {[]string{"--token-file", tempFile(t, "a\nb"), "whoami"}, 1, "one line"},
		"empty":                   {[]string{"--token-file", tempFile(t, "\n"), "whoami"}, 1, "one line"},
		"no file":                 {[]string{"--token-file", "/does/not/exist", "whoami"}, 2, "--token-file"},
		"no token":                {[]string{"whoami"}, 2, "profile page"},
		"no receipt":              {[]string{"status"}, 2, "--receipt-file"},
		"a token makes no tokens": {[]string{"--token-file", private, "token", "list"}, 2, "--session-file"},
		"token in the clear":      {[]string{"--token-file", private, "--server", "http://fund.example", "whoami"}, 2, "https://"},
		"application, same":       {applyArgs(t, "--server", "http://192.0.2.1"), 2, "https://"},
		"password in the address": {[]string{"--server", "https://ann:secret@fund.example", "fund"}, 2, "--server"},
		"no address":              {[]string{"--server", "fund.example", "fund"}, 2, "--server"},
		"no proxy":                {[]string{"--proxy", "9050", "fund"}, 2, "--proxy"},
		"no format":               {[]string{"-o", "yaml", "fund"}, 2, "csv"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if out := run(t.Context(), "", tc.args...).want(t, tc.code); !strings.Contains(out.stderr, tc.says) {
				t.Errorf("stderr: %s", out.stderr)
			}
		})
	}
}

// TestEveryCommandShowsItsOwnSecretOnly runs the commands that other tests do
// not; the fund complains of a secret that an operation should not get.
func TestEveryCommandShowsItsOwnSecretOnly(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	for _, args := range []string{
		"release " + id(1).String(), "withdraw --yes", "treasury breakers", "batch cancel --yes " + id(9).String(),
		"grants --all", "fund -o json", "version",
	} {
		f.run("", strings.Fields(args)...).want(t, 0)
	}
}

func TestABreakerIsResetByASession(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	session := tempFile(t, sessionValue)
	f.run("yes\n", "--session-file", session, "treasury", "reset", "1").want(t, 1)
	f.run("2\n", "--session-file", session, "treasury", "reset", "2").want(t, 3) // there is none
	f.run("", "--session-file", session, "treasury", "reset", "first").want(t, 2)
	if n := len(f.sentTo("resetBreaker")); n != 0 {
		t.Fatalf("%d consents were sent unasked", n)
	}
	out := f.run("1\n", "--session-file", session, "treasury", "reset", "1").want(t, 0)
	if !strings.Contains(out.stderr, "A coin was spent by somebody else.") {
		t.Errorf("it does not say what was found: %s", out.stderr)
	}
	sent := f.sentTo("resetBreaker")
	if len(sent) != 1 || sent[0].header.Get("If-Match") != `"1"` || sent[0].header.Get("Cookie") != "causeway_session="+sessionValue {
		t.Errorf("sent %+v", sent)
	}
}

func TestReceiptIsAskedFor(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	out := run(t.Context(), receiptValue+"\nwithdraw\n", "--server", f.url, "withdraw").want(t, 0)
	calls := f.sentTo("withdrawApplication")
	if len(calls) != 1 || calls[0].header.Get("Causeway-Receipt") != receiptValue {
		t.Errorf("calls %+v", calls)
	}
	if !strings.HasPrefix(out.stderr, "Receipt code: ") || strings.Contains(out.stdout, receiptValue) {
		t.Errorf("%+v", out)
	}
	// The text may follow the code on standard input.
	run(t.Context(), receiptValue+"\nHello.\n", "--server", f.url, "reply", "--text-file", "-").want(t, 0)
	if got := decode[client.NewOwnMessage](t, f.sentTo("addOwnMessage")[0].body).Text; got != "Hello." {
		t.Errorf("sent %q", got)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	session, path := tempFile(t, sessionValue), filepath.Join(t.TempDir(), "token")
	f.run("", "--session-file", session, "token", "create", "--name", "laptop", "--scope", "application.read", "--expires-in", "48h", "--token-out", path).want(t, 0)
	f.run("", "--session-file", session, "token", "list").want(t, 0)
	f.run("", "--session-file", session, "token", "revoke", id(61).String()).want(t, 0)

	got := f.sentTo("createToken")[0]
	if want := at.Add(48 * 3600e9); !decode[client.NewToken](t, got.body).ExpiresAt.Equal(want) {
		t.Errorf("sent %s, want %s", got.body, want)
	}
	if cookie := got.header.Get("Cookie"); cookie != "causeway_session="+sessionValue {
		t.Errorf("cookie %q", cookie)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "cw_new\n" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestFlagsHaveEnvironmentTwins(t *testing.T) {
	f := newFund(t)
	t.Setenv("CAUSEWAYCTL_SERVER", f.url)
	t.Setenv("CAUSEWAYCTL_TOKEN_FILE", tempFile(t, tokenValue))
	t.Setenv("CAUSEWAYCTL_OUTPUT", "csv")
	t.Setenv("CAUSEWAYCTL_STATE", "ready")
	if out := run(t.Context(), "", "queue").want(t, 0); !strings.HasPrefix(out.stdout, "ID,REFERENCE,") {
		t.Errorf("stdout: %s", out.stdout)
	}
	if got := f.sentTo("listApplications")[0].query["state"]; len(got) != 1 || got[0] != "ready" {
		t.Errorf("asked for states %v", got)
	}
}
