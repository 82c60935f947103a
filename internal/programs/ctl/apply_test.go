package ctl_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/api/client"
)

const narrative = "It helps many people."

// applyArgs are flags of a whole application; more overrides them.
func applyArgs(t *testing.T, more ...string) []string {
	t.Helper()
	return append([]string{
		"apply", "--title", "Two proxies", "--narrative-file", tempFile(t, narrative), "--region", "IR", "--language", "fa",
		"--amount-sat", "۱٬۵۰۰٬۰۰۰", "--payout-address", address1, "--endpoint", "socks5://ann@a.example:1080", "--endpoint", "mtproto://[2001:db8::1]:443",
	}, more...)
}

func wantApplication() client.NewApplication {
	user := "ann"
	return client.NewApplication{
		Title: "Two proxies", Narrative: narrative, Region: "IR", Language: "fa", AmountSat: 1_500_000, PayoutAddress: address1,
		Endpoints: []client.Endpoint{{Protocol: "socks5", Host: "a.example", Port: 1080, Username: &user}, {Protocol: "mtproto", Host: "2001:db8::1", Port: 443}},
	}
}

func TestApplyFromFlagsAndFromFile(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	// A dry run writes the file that --file reads.
	file := f.run("", applyArgs(t, "--dry-run")...).want(t, 0).stdout
	if n := len(f.sentTo("submitApplication")); n != 0 {
		t.Fatalf("a dry run sent %d applications", n)
	}
	f.run("", applyArgs(t)...).want(t, 0)
	f.run(file, "apply", "--file", "-").want(t, 0)
	f.run("", "revise", "--file", tempFile(t, file)).want(t, 0)

	for _, call := range append(f.sentTo("submitApplication"), f.sentTo("reviseApplication")...) {
		if diff := cmp.Diff(wantApplication(), decode[client.NewApplication](t, call.body)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", call.operation, diff)
		}
	}
}

func TestLostReplyIsAskedForAgain(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	receive := f.answers["submitApplication"]
	f.answers["submitApplication"] = func(s sent) answer {
		a := receive(s)
		a.lose = len(f.sentTo("submitApplication")) <= 3 // as often as the client tries by itself
		return a
	}

	lost := f.run("", applyArgs(t)...).want(t, 1)
	key := regexp.MustCompile(`Idempotency key: (\S+)\n`).FindStringSubmatch(lost.stderr)
	if key == nil || !strings.Contains(lost.stderr, "may or may not") {
		t.Fatalf("stderr: %s", lost.stderr)
	}
	again := f.run("", applyArgs(t, "--idempotency-key", key[1])...).want(t, 0)

	calls := f.sentTo("submitApplication")
	if len(calls) != 4 {
		t.Errorf("%d calls were made", len(calls))
	}
	for _, call := range calls {
		if call.header.Get("Idempotency-Key") != key[1] || !bytes.Equal(call.body, calls[0].body) {
			t.Errorf("the calls differ: %+v", calls)
		}
	}
	if !strings.Contains(again.stdout, receiptValue) || strings.Contains(again.stderr, "Idempotency key") {
		t.Errorf("%+v", again)
	}
}

// TestALostAnswerNamesTheKey does it for a command that pays fees.
func TestALostAnswerNamesTheKey(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	receive := f.answers["composeUpkeep"]
	f.answers["composeUpkeep"] = func(s sent) answer {
		a := receive(s)
		a.lose = len(f.sentTo("composeUpkeep")) <= 3
		return a
	}
	split := []string{"upkeep", "split", "--outputs", "3", "--feerate", "2"}
	lost := f.run("", split...).want(t, 1)
	key := regexp.MustCompile(`--idempotency-key (\w{52}):`).FindStringSubmatch(lost.stderr)
	if key == nil {
		t.Fatalf("stderr: %s", lost.stderr)
	}
	f.run("", append(split, "--idempotency-key", key[1])...).want(t, 0)
	keys := map[string]bool{}
	for _, call := range f.sentTo("composeUpkeep") {
		keys[call.header.Get("Idempotency-Key")] = true
	}
	if len(keys) != 1 || !keys[key[1]] {
		t.Errorf("the keys were %v, want %s alone", keys, key[1])
	}
	// A refusal is an answer: nothing is to be repeated.
	f.refuse("composeUpkeep", http.StatusConflict, client.Problem{Type: "/problems/coin_taken", Title: "Conflict", Status: 409})
	if refused := f.run("", split...).want(t, 4); strings.Contains(refused.stderr, "idempotency-key") {
		t.Errorf("stderr: %s", refused.stderr)
	}
}

func TestReceiptIsWrittenWhereOnlyItsOwnerReads(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	path := filepath.Join(t.TempDir(), "receipt")
	f.run("", applyArgs(t, "--receipt-out", path)...).want(t, 0)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != receiptValue+"\n" {
		t.Errorf("%q, %v", text, err)
	}
	f.run("", applyArgs(t, "--receipt-out", path)...).want(t, 2)
	if n := len(f.sentTo("submitApplication")); n != 1 {
		t.Errorf("%d applications were sent", n)
	}

	f.refuse("submitApplication", 422, client.Problem{Type: "/problems/invalid_fields", Title: "Invalid", Status: 422})
	gone := filepath.Join(t.TempDir(), "receipt")
	f.run("", applyArgs(t, "--receipt-out", gone)...).want(t, 1)
	if _, err := os.Stat(gone); !os.IsNotExist(err) {
		t.Errorf("a refused application left %s: %v", gone, err)
	}
}

func TestDryRunFindsWhatTheFundWouldRefuse(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	out := f.run("", applyArgs(t, "--dry-run", "--amount-sat", "1", "--payout-address", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", "--endpoint", "gopher://a.example:70")...).want(t, 1)
	for _, want := range []string{"payout_address: ", "amount_sat: must be between 10000 and 5000000", "endpoints[2].protocol: "} {
		if !strings.Contains(out.stderr, want) {
			t.Errorf("%q is not in %s", want, out.stderr)
		}
	}
}

func TestApplicationThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args []string
		code int
	}{
		"unknown name":       {[]string{"apply", "--file", tempFile(t, `{"titel":"x"}`)}, 1},
		"two objects":        {[]string{"apply", "--file", tempFile(t, `{}{}`)}, 1},
		"no JSON":            {[]string{"apply", "--file", tempFile(t, `title: x`)}, 1},
		"no file":            {[]string{"apply", "--file", "/does/not/exist"}, 2},
		"file and flags":     {[]string{"apply", "--file", tempFile(t, `{}`), "--title", "x"}, 2},
		"nothing":            {[]string{"apply"}, 2},
		"half a satoshi":     {applyArgs(t, "--amount-sat", "1.5"), 1},
		"password":           {applyArgs(t, "--endpoint", "socks5://ann:secret@a.example:1080"), 2},
		"no port":            {applyArgs(t, "--endpoint", "socks5://a.example"), 2},
		"port 0":             {applyArgs(t, "--endpoint", "socks5://a.example:0"), 2},
		"a path":             {applyArgs(t, "--endpoint", "socks5://a.example:1080/x"), 2},
		"too long":           {[]string{"apply", "--file", tempFile(t, strings.Repeat(" ", 256<<10+1))}, 1},
		"unknown flag":       {[]string{"apply", "--titel", "x"}, 2},
		"an argument":        {[]string{"apply", "now"}, 2},
		"unknown subcommand": {[]string{"batch", "pay"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFund(t)
			out := f.run("", tc.args...).want(t, tc.code)
			if n := len(f.sentTo("submitApplication")); n != 0 {
				t.Errorf("%d applications were sent", n)
			}
			if strings.Contains(out.stderr, "secret@") {
				t.Errorf("the secret is repeated: %s", out.stderr)
			}
		})
	}
}
