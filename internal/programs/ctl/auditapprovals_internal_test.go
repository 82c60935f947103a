package ctl

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/causeway-fund/causeway/internal/auditor/chainaudit"
	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// accounts are reports that people read, by the name of their golden file.
func accounts() map[string]chainaudit.Report {
	base := chainaudit.Report{
		Network: "signet", Birthday: 100, Height: 222, Block: "00000000000000000000000000000000000000000000000000000000000000aa", BlockTime: 1_800_000_000,
		DepositsSat: 1_000_000, PaidSat: 600_000, FeesSat: 9_000, UnspentSat: 391_000,
		Deposits: make([]chainaudit.Deposit, 2), Payments: make([]chainaudit.Payment, 12), Coins: make([]chainaudit.Coin, 3),
		Transactions: []chainaudit.Transaction{{Kind: chainaudit.KindPay}, {Kind: chainaudit.KindPay}, {Kind: chainaudit.KindVoid}},
		Journals:     []chainaudit.JournalRead{{Name: "signer-a.journal", Lines: 3, Head: "ab"}},
	}
	good, bad, lost := base, base, base
	logs := []chainaudit.LogRead{{Name: "causeway-audit.json", Rows: 480}}
	good.Approvals = &chainaudit.Approvals{Logs: logs, Payments: 12, Approved: 12, Others: 1, OthersApproved: 1}
	bad.Approvals = &chainaudit.Approvals{Logs: logs, Payments: 12, Approved: 11}
	bad.Alarms = []chainaudit.Finding{{
		Code: chainaudit.ApprovalMissing, Text: "Decision 0198c0de-0000-7000-8000-000000000001 was released by ab, and no application.approved leaf of the audit log names its digest.",
	}}
	lost.Approvals = &chainaudit.Approvals{Logs: logs, Payments: 12, Approved: 10, Accepted: 1}
	return map[string]chainaudit.Report{"audit-chain-unchecked": base, "audit-chain-approved": good, "audit-chain-missing": bad, "audit-chain-accepted": lost}
}

func TestAuditChainSaysWhoApproved(t *testing.T) {
	t.Parallel()
	for name, report := range accounts() {
		var out bytes.Buffer
		if err := (page{value: report, parts: chainParts(report)}).write(&out, cli.Table); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name+".golden")
		if os.Getenv("UPDATE_GOLDEN") != "" {
			if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), out.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// export makes a signed log of n rows, the last of them behind the checkpoint, with a
// forged checkpoint beside the real one.
func export(t *testing.T, n int64) (bundle audit.Bundle, key string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	key, err := audit.GenerateKeyFile(path, audit.Origin("demo"))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := audit.LoadSigner(path)
	if err != nil {
		t.Fatal(err)
	}
	bundle = audit.Bundle{Format: audit.BundleFormat, Checkpoints: []string{"x"}}
	for seq := range n {
		if seq == n-1 {
			root, err := tlog.TreeHash(seq, audit.HashList(bundle.Hashes))
			if err != nil {
				t.Fatal(err)
			}
			signed, err := signer.Sign(seq, root)
			if err != nil {
				t.Fatal(err)
			}
			bundle.Checkpoints = append(bundle.Checkpoints, signed)
		}
		row, err := audit.Append(seq, audit.Entry{
			Actor: identity.System("worker"), Action: "batch.built", ObjectKind: "batch", ObjectID: uuid.NewString(), To: "built", At: time.Unix(1_800_000_000, 0),
		}, audit.HashList(bundle.Hashes))
		if err != nil {
			t.Fatal(err)
		}
		bundle.Leaves, bundle.Hashes = append(bundle.Leaves, string(row.Leaf)), append(bundle.Hashes, row.Hashes...)
	}
	return bundle, key
}

func textOf(t *testing.T, b audit.Bundle) string {
	t.Helper()
	text, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestAuditChainReadsTheLog gives it the log as a file and from the fund, and logs
// that do not hold.
func TestAuditChainReadsTheLog(t *testing.T) {
	t.Parallel()
	r := newAuditRig(t)
	b, key := export(t, 5)
	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, keyFile := file("log", textOf(t, b)), file("key", key+"\n")
	fund := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path != "/v1/audit/bundle" || req.Header.Get("Authorization") == "" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, textOf(t, b))
	}))
	t.Cleanup(fund.Close)
	run := func(args ...string) (out, talk string, err error) {
		a := &app{cfg: Config{Clock: clock.Real{}}, format: string(cli.Table), server: fund.URL, tokenFile: file("token", "cw_x"), timeout: time.Minute}
		root := &cobra.Command{Use: "causewayctl", SilenceErrors: true, SilenceUsage: true}
		root.AddCommand(a.auditChainCommand())
		var stdout, stderr bytes.Buffer
		root.SetOut(&stdout)
		root.SetErr(&stderr)
		root.SetIn(strings.NewReader(textOf(t, b)))
		root.SetArgs(slices.Concat([]string{"chain"}, r.flags, args))
		err = root.ExecuteContext(t.Context())
		return stdout.String(), stderr.String(), err
	}

	for name, args := range map[string][]string{
		good: {"--bundle", good, "--key", key}, fund.URL: {"--api", "--key-file", keyFile}, "standard input": {"--bundle", "-", "--key", key},
	} {
		out, talk, err := run(args...)
		if err != nil || !strings.Contains(out, "0 of 0 payments have an application.approved and a batch.approved leaf") || !strings.Contains(out, name+", 4 rows") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
		if !strings.Contains(talk, "checkpoint 1") || !strings.Contains(talk, "last 1 rows") {
			t.Errorf("%v: %s", args, talk)
		}
	}
	if out, _, err := run(); err != nil || !strings.Contains(out, "not checked (no audit bundle given)") {
		t.Errorf("without a log: %v\n%s", err, out)
	}

	altered := b
	altered.Leaves = slices.Clone(b.Leaves)
	altered.Leaves[2] = strings.Replace(b.Leaves[2], "worker", "walker", 1)
	for name, tc := range map[string]struct {
		args []string
		code int
		says string
	}{
		"altered":         {[]string{"--bundle", file("altered", textOf(t, altered)), "--key", key}, cli.ExitError, "row 2 is altered"},
		"one of two":      {[]string{"--bundle", good, "--bundle", file("altered", textOf(t, altered)), "--key", key}, cli.ExitError, "row 2 is altered"},
		"no bundle":       {[]string{"--bundle", file("none", "{}"), "--key", key}, cli.ExitError, "not an audit bundle"},
		"another key":     {[]string{"--bundle", good, "--key", func() string { _, k := export(t, 2); return k }()}, cli.ExitError, "not signed by the given key"},
		"no key":          {[]string{"--bundle", good}, cli.ExitUsage, "--key-file"},
		"two keys":        {[]string{"--bundle", good, "--key", key, "--key-file", keyFile}, cli.ExitUsage, "--key-file"},
		"key alone":       {[]string{"--key", key}, cli.ExitUsage, "--bundle"},
		"acceptance only": {[]string{"--accept-lost", "1"}, cli.ExitUsage, "--bundle"},
		"not there":       {[]string{"--bundle", "/nowhere/log", "--key", key}, cli.ExitUsage, "--bundle"},
	} {
		out, _, err := run(tc.args...)
		if cli.Code(err) != tc.code || !strings.Contains(err.Error(), tc.says) || strings.Contains(out, "accounted for") {
			t.Errorf("%s: exit %d: %v\n%s", name, cli.Code(err), err, out)
		}
	}
}
