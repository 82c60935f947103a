package ctl

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/auditor/chainaudit"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/testkit/chaintest"
)

// auditRig is a treasury on a node of its own, with its files.
type auditRig struct {
	node    *chaintest.Node
	journal string
	flags   []string
}

func newAuditRig(t *testing.T) *auditRig {
	t.Helper()
	d, err := wallet.DescriptorFromSeed(bytes.Repeat([]byte{7}, 32), wallet.KindWPKH, &chaincfg.SimNetParams)
	if err != nil {
		t.Fatal(err)
	}
	script, err := d.Script(0, 3)
	if err != nil {
		t.Fatal(err)
	}
	r := &auditRig{node: chaintest.New(t), journal: filepath.Join(t.TempDir(), "a.journal")}
	r.node.Send(script, 123_456)
	r.node.Mine(1)
	descriptor := filepath.Join(t.TempDir(), "treasury.txt")
	for path, text := range map[string]string{r.journal: "", descriptor: d.String() + "\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h := r.node.Handle()
	r.flags = []string{
		"--descriptor-file", descriptor, "--birthday", "290", "--journal", r.journal,
		"--node", h.Host(), "--node-user", h.User(), "--node-pass-file", h.PassFile(), "--node-cert", h.CertFile(),
	}
	return r
}

// run runs the command alone, as Root would hang it in.
func (r *auditRig) run(ctx context.Context, c clock.Clock, args ...string) (out, talk string, err error) {
	a := &app{cfg: Config{Clock: c}, format: string(cli.Table)}
	root := &cobra.Command{Use: "causewayctl", SilenceErrors: true, SilenceUsage: true}
	root.PersistentFlags().StringVarP(&a.format, "output", "o", string(cli.Table), "")
	root.AddCommand(a.auditChainCommand())
	var stdout, stderr bytes.Buffer
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	root.SetArgs(append([]string{"chain"}, args...))
	err = root.ExecuteContext(ctx)
	return stdout.String(), stderr.String(), err
}

// rushing is a clock on which every look at it takes a minute.
type rushing struct {
	clock.Real
	at time.Time
}

func (r *rushing) Now() time.Time {
	r.at = r.at.Add(time.Minute)
	return r.at
}

func TestAuditChain(t *testing.T) {
	t.Parallel()
	r := newAuditRig(t)

	out, talk, err := r.run(t.Context(), &rushing{}, r.flags...)
	if cli.Code(err) != cli.ExitOK || !strings.Contains(out, "every satoshi is accounted for") || !strings.Contains(out, "123456 sat in 1 coin") {
		t.Errorf("exit %d (%v):\n%s", cli.Code(err), err, out)
	}
	if !strings.Contains(talk, "Block 301 of 301.") {
		t.Errorf("no progress:\n%s", talk)
	}
	out, talk, err = r.run(t.Context(), clock.Real{}, append(r.flags, "--json")...)
	var doc struct {
		OK       bool  `json:"ok"`
		Deposits int64 `json:"deposits_sat"`
		Alarms   []chainaudit.Finding
	}
	if jsonErr := json.Unmarshal([]byte(out), &doc); jsonErr != nil || err != nil || !doc.OK || doc.Deposits != 123_456 || talk != "" {
		t.Errorf("%v %v %q:\n%s", err, jsonErr, talk, out)
	}

	if err := os.WriteFile(r.journal, []byte("no record \x1b[2J\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _, err = r.run(t.Context(), clock.Real{}, r.flags...)
	if cli.Code(err) != cli.ExitError || !strings.Contains(out, chainaudit.JournalDamaged) || !strings.Contains(out, "NOT accounted for: 1 alarm") {
		t.Errorf("exit %d (%v):\n%s", cli.Code(err), err, out)
	}
	out, _, err = r.run(t.Context(), clock.Real{}, append(r.flags, "-o", "json")...)
	if cli.Code(err) != cli.ExitError || json.Unmarshal([]byte(out), &doc) != nil || doc.OK || len(doc.Alarms) != 1 {
		t.Errorf("exit %d (%v):\n%s", cli.Code(err), err, out)
	}

	// Being stopped is no success: nothing was accounted for.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err = r.run(ctx, clock.Real{}, r.flags...); cli.Code(err) != cli.ExitError || strings.Contains(err.Error(), "context") {
		t.Errorf("exit %d: %v", cli.Code(err), err)
	}
}

func TestAuditChainUsage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	journal, pass := file("journal", "", 0o600), file("pass", "secret", 0o600)
	good := map[string]string{
		"descriptor": "wpkh()#", "birthday": "1", "journal": journal, "node": "127.0.0.1:1",
		"node-user": "u", "node-pass-file": pass, "node-cert": file("cert", "none", 0o600),
	}
	for name, tc := range map[string]struct {
		flag, value string // "-" leaves the flag out
		code        int
		says        string
	}{
		"no node":           {"node", "-", cli.ExitUsage, "--node"},
		"no user":           {"node-user", "-", cli.ExitUsage, "--node-user"},
		"no password":       {"node-pass-file", "-", cli.ExitUsage, "--node-pass-file"},
		"open password":     {"node-pass-file", file("open", "secret", 0o604), cli.ExitError, "chmod 600"},
		"no certificate":    {"node-cert", "-", cli.ExitUsage, "--node-cert"},
		"certificate gone":  {"node-cert", dir + "/gone", cli.ExitUsage, "--node-cert"},
		"certificate none":  {"birthday", "2", cli.ExitUsage, "no certificate"},
		"no birthday":       {"birthday", "-", cli.ExitUsage, "--birthday"},
		"no journal":        {"journal", "-", cli.ExitUsage, "--journal"},
		"no descriptor":     {"descriptor", "-", cli.ExitUsage, "--descriptor"},
		"two descriptors":   {"descriptor-file", journal, cli.ExitUsage, "--descriptor"},
		"descriptor's file": {"descriptor-file", dir + "/gone", cli.ExitUsage, "--descriptor"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := []string{}
			for _, flag := range slices.Sorted(maps.Keys(good)) {
				if flag != tc.flag {
					args = append(args, "--"+flag, good[flag])
				}
			}
			if tc.value != "-" {
				args = append(args, "--"+tc.flag, tc.value)
			}
			_, _, err := (&auditRig{}).run(t.Context(), clock.Real{}, args...)
			if cli.Code(err) != tc.code || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("exit %d: %v", cli.Code(err), err)
			}
		})
	}
}
