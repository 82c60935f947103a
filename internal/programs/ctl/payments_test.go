package ctl_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/api/client"
)

func TestExportWritesWhatTheServerSent(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	text := "amount_sat\r\n'=1+1\r\n"
	f.answers["exportPayments"] = func(sent) answer { return answer{raw: []byte(text), kind: "text/csv"} }
	out := f.run("", "payments", "export", "--from", "2026-11-01", "--until", "2026-12-01T01:00:00+01:00").want(t, 0)
	if out.stdout != text {
		t.Errorf("got %q", out.stdout)
	}
	want := map[string][]string{"format": {"csv"}, "unit": {"sat"}, "from": {"2026-11-01T00:00:00Z"}, "until": {"2026-12-01T01:00:00+01:00"}}
	if diff := cmp.Diff(want, f.sentTo("exportPayments")[0].query); diff != "" {
		t.Error(diff)
	}
	path := filepath.Join(t.TempDir(), "payments.csv")
	f.run("", "payments", "export", "--file", path).want(t, 0)
	if got, err := os.ReadFile(path); err != nil || string(got) != text {
		t.Errorf("the file has %q, %v", got, err)
	}
	for _, args := range []string{"--format xls", "--unit eur", "--from yesterday", "--until 2026-13-01", "--file " + path} {
		f.run("", append([]string{"payments", "export"}, strings.Fields(args)...)...).want(t, 2)
	}
}

func TestCertificateIsReadBeforeItIsWritten(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	text, err := os.ReadFile("../../payout/certificate/testdata/simnet.certificate.json")
	if err != nil {
		t.Fatal(err)
	}
	f.answers["getCertificate"] = func(sent) answer { return answer{raw: text, kind: "application/json"} }
	if out := f.run("", "payments", "certificate", id(21).String()).want(t, 0); out.stdout != string(text) {
		t.Error("the certificate was changed")
	}
	path := filepath.Join(t.TempDir(), "certificate.json")
	f.run("", "payments", "certificate", "--file", path, id(21).String()).want(t, 0)
	f.run("", "verify", "--min-confirmations", "1", path).want(t, 0)

	damaged := strings.Replace(string(text), `"vout": `, `"vout": 1`, 1)
	f.answers["getCertificate"] = func(sent) answer { return answer{raw: []byte(damaged), kind: "application/json"} }
	f.run("", "payments", "certificate", id(21).String()).want(t, 5)
}

func TestPayeesCheckTellsOfEveryLine(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	file := tempFile(t, "reference,address,amount_sat\nCW-7QK2,a,1500000\nCW-0000,a,1\n")
	out := f.run("", "payees", "check", file).want(t, 5)
	for _, want := range []string{"2     CW-7QK2    1500000", id(21).String(), "3     CW-0000", "reference: No grant has this reference."} {
		if !strings.Contains(out.stdout, want) {
			t.Errorf("%q is not told in:\n%s", want, out.stdout)
		}
	}
	if got := string(f.sentTo("checkPayeeList")[0].body); !strings.HasPrefix(got, "reference,address") {
		t.Errorf("sent %q", got)
	}
	f.run("reference", "payees", "check", "-").want(t, 5)
	f.run("", "payees", "check", "/nowhere.csv").want(t, 2)
	f.run("", "payees", "check", tempFile(t, strings.Repeat("x", 4<<20+1))).want(t, 1)
}

func TestComposeTakesAListOnlyWhenEveryRowMatches(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	file := tempFile(t, "reference,address,amount_sat\n")
	out := f.run("", "batch", "compose", "--payees", file).want(t, 5)
	if len(f.sentTo("composeBatch")) != 0 || !strings.Contains(out.stderr, "CW-0000") {
		t.Errorf("told %s", out.stderr)
	}
	list := sampleList()
	list.Ok, list.Rows = true, list.Rows[:1]
	f.on("checkPayeeList", list)
	f.run("", "batch", "compose", "--payees", file, "--coin", coinName, "--deadline-blocks", "12").want(t, 0)
	got := decode[client.Order](t, f.sentTo("composeBatch")[0].body)
	deadline, coins := int32(12), []string{coinName}
	if diff := cmp.Diff(client.Order{InstalmentIds: []uuid.UUID{id(21)}, DeadlineBlocks: &deadline, Coins: &coins}, got); diff != "" {
		t.Error(diff)
	}
}
