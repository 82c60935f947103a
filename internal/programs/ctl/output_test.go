package ctl_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/api/client"
)

// TestOutput compares what each command that reads something writes with
// testdata/*.golden. UPDATE_GOLDEN=1 writes these files anew.
func TestOutput(t *testing.T) {
	t.Parallel()
	for name, args := range map[string]string{
		"fund":           "fund",
		"status":         "status",
		"status-json":    "status -o json",
		"queue":          "queue",
		"queue-json":     "queue -o json",
		"queue-csv":      "queue -o csv",
		"show":           "show " + id(1).String(),
		"show-json":      "show -o json " + id(1).String(),
		"grants":         "grants",
		"grants-one-csv": "grants -o csv " + id(51).String(),
		"treasury":       "treasury",
		"batch-list":     "batch list",
		"batch-show":     "batch show " + id(9).String(),
		"batch-show-csv": "batch show -o csv " + id(9).String(),
		"batch-dry-run":  "batch dry-run --feerate 5 --instalment " + id(21).String(),
		"batch-compose":  "batch compose --feerate 5 --payable",
		"coins":          "coins",
		"fee":            "fee",
		"signatures":     "batch signatures " + id(9).String(),
		"upkeep":         "upkeep split --outputs 4 --json",
		"endpoints":      "endpoints",
		"endpoints-show": "endpoints show " + label,
		"endpoints-json": "endpoints -o json",
		"endpoints-csv":  "endpoints -o csv",
		"control":        "endpoints control " + label,
		"fleet":          "fleet",
		"fleet-show":     "fleet show " + id(1).String(),
		"vantage-list":   "vantage list",
		"uptime-verify":  "uptime verify " + tempFile(t, string(sampleSnapshot())),
		"link":           "link " + tempFile(t, "tg://proxy?server=proxy.example.org&port=443&secret=dd00112233445566778899aabbccddeeff"),
		"help-endpoints": "endpoints --help",
		"help-control":   "endpoints control --help",
		"help-challenge": "challenge-serve --help",
		"help-link":      "link --help",
		"help-uptime":    "uptime verify --help",
		"help-results":   "uptime results --help",
		"help-vantage":   "vantage add --help",
		"charter-show":   "charter show " + charters + "simnet-1.charter",
		"charter-show-2": "charter show " + charters + "simnet-2.charter",
		"charter-diff":   "charter diff " + charters + "simnet-1.charter " + charters + "simnet-2.charter",
		"charter-json":   "charter diff -o json " + charters + "simnet-2.charter " + charters + "simnet-1.charter",
		"help-charter":   "charter sign --help",
		"help-charter-2": "charter verify --help",
		"help-approval":  "approval sign --help",
		"help-halt":      "halt --help",
		"help-resume":    "resume --help",
		"help-counts":    "verify approvals --help",
		"whoami":         "whoami",
		"claim":          "claim " + id(1).String(),
		"batch-list-csv": "batch list -o csv",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := newFund(t).run("", strings.Fields(args)...).want(t, 0).stdout
			path := filepath.Join("testdata", name+".golden")
			if os.Getenv("UPDATE_GOLDEN") != "" {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("causewayctl %s (-want +got):\n%s", args, diff)
			}
		})
	}
}

func TestTextCannotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	evil := "\x1b]0;owned\x07 \u009b31m \u202e txt.exe\r\nnew\x00 \u2028line"
	a := sampleApplication()
	a.Title, a.Narrative, a.Messages[0].Text, a.Endpoints[0].Host = evil, evil, evil, evil
	f.on("getApplication", a)

	out := f.run("no\n", "vote", "--verdict", "approve", id(1).String()).stderr + f.run("", "show", id(1).String()).stdout
	if i := strings.IndexFunc(out, func(r rune) bool {
		return r != '\n' && (r < 0x20 || (r >= 0x7f && r < 0xa0) || r == 0x202e || r == 0x2028)
	}); i >= 0 {
		t.Errorf("%q reaches the terminal in %q", out[i], out[max(0, i-20):i+20])
	}
	f.refuse("getApplication", 409, client.Problem{Type: "/problems/x", Title: evil, Status: 409})
	if out := f.run("", "show", id(1).String()).want(t, 4).stderr; strings.ContainsAny(out, "\x1b\x07\x00\r") {
		t.Errorf("a refusal reaches the terminal: %q", out)
	}
}

func TestPersianTextStaysWhole(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	a := sampleApplication()
	a.Narrative = "می\u200cخواهم کمک کنم"
	f.on("getApplication", a)
	if out := f.run("", "show", id(1).String()).stdout; !strings.Contains(out, a.Narrative) {
		t.Errorf("the narrative was changed:\n%s", out)
	}
}

func TestFlagsComplete(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"vote x --verdict ":         "decline",
		"decide x --outcome ":       "decline",
		"message x --to ":           "team",
		"queue --voted ":            "not_me",
		"queue --state ":            "ready",
		"batch watch --until":       "final",
		"payments export --format ": "beancount",
		"fund -o ":                  "csv",
		"endpoints control --kind ": "dns",
		"vantage add --place ":      "inside",
	} {
		words := append([]string{"__complete"}, strings.Fields(args)...)
		out := newFund(t).run("", append(words, "")...)
		if !strings.Contains(out.stdout, want+"\n") {
			t.Errorf("completion of %q lacks %s: %s", args, want, out.stdout)
		}
	}
}
