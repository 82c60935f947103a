package ctl_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/payout/certificate"
)

// simnetCertificate is a certificate with six headers.
func simnetCertificate(t *testing.T) (text string, c certificate.Certificate) {
	t.Helper()
	b, err := os.ReadFile("../../payout/certificate/testdata/simnet.certificate.json")
	if err != nil {
		t.Fatal(err)
	}
	if c, err = certificate.Parse(b); err != nil {
		t.Fatal(err)
	}
	return string(b), c
}

func TestVerifyCertificate(t *testing.T) {
	t.Parallel()
	text, c := simnetCertificate(t)
	path := tempFile(t, text)

	out := run(t.Context(), "", "verify", path, "--block-hash", strings.ToUpper(c.BlockHash)).want(t, 0)
	for _, says := range []string{"150 000 sat (0.00150000 BTC)", c.TxID + ":1", c.Address, "GR-7K3FQ2", "the block that you found", "test network"} {
		if !strings.Contains(out.stdout, says) {
			t.Errorf("does not say %q:\n%s", says, out.stdout)
		}
	}
	if strings.Contains(out.stdout, "best chain of today") || strings.Contains(out.stdout, "NOT HOLD") {
		t.Errorf("with the block's hash compared:\n%s", out.stdout)
	}
	if alone := run(t.Context(), text, "verify", "-").want(t, 0).stdout; !strings.Contains(alone, "best chain of today") {
		t.Errorf("without the block's hash:\n%s", alone)
	}

	var list []struct {
		Output string
		Report certificate.Report
	}
	doc := run(t.Context(), text, "verify", "-", "--json").want(t, 0).stdout
	if err := json.Unmarshal([]byte(doc), &list); err != nil || len(list) != 1 || !list[0].Report.OK || list[0].Output != c.TxID+":1" {
		t.Errorf("error %v, %s", err, doc)
	}
	two := run(t.Context(), "", "verify", path, path, "-o", "csv").want(t, 1)
	if lines := strings.Count(two.stdout, "\n"); lines != 3 || !strings.Contains(two.stdout, ",DOES NOT HOLD,GR-7K3FQ2,150000,") {
		t.Errorf("%d lines of CSV:\n%s", lines, two.stdout)
	}
}

func TestVerifyCertificateFails(t *testing.T) {
	t.Parallel()
	text, c := simnetCertificate(t)
	path := tempFile(t, text)
	// forged is the certificate after change, with the checksum that fits.
	forged := func(change func(c *certificate.Certificate)) string {
		changed := c
		change(&changed)
		b, err := changed.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	other := strings.Repeat("0", 64)
	for name, tc := range map[string]struct {
		stdin string
		args  []string
		says  string
	}{
		"changed":            {strings.Replace(text, `"vout": 1`, `"vout": 2`, 1), []string{"-"}, "was changed after it was issued"},
		"no certificate":     {"{}", []string{"-"}, "is not of version"},
		"empty":              {"", []string{"-"}, "cannot be read"},
		"steers":             {forged(func(c *certificate.Certificate) { c.Reference = "\x1b[2J" }), []string{"-"}, "reference that is not printable"},
		"steers by address":  {forged(func(c *certificate.Certificate) { c.Address = "\x1b[2J" }), []string{"-"}, "but the certificate says \ufffd[2J"},
		"forged":             {forged(func(c *certificate.Certificate) { c.AmountSat++ }), []string{"-"}, "The note pays 150000 sat, but the certificate says 150001."},
		"another block":      {text, []string{"-", "--block-hash", other}, "You found block " + other},
		"few confirmations":  {text, []string{"-", "--min-confirmations", "7"}, "you asked for 7"},
		"one output, twice":  {"", []string{path, path}, "shows the same output"},
		"one good, one not":  {"{}", []string{path, "-"}, "1 of 2 certificates do not hold. The first is -"},
		"one not, then good": {"{}", []string{"-", path}, "1 of 2 certificates do not hold. The first is -"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := run(t.Context(), tc.stdin, append([]string{"verify"}, tc.args...)...).want(t, 1)
			if !strings.Contains(out.stderr, tc.says) || !strings.Contains(out.stdout, "DOES NOT HOLD") {
				t.Errorf("says %s\n%s", out.stderr, out.stdout)
			}
			if strings.Contains(out.stdout+out.stderr, "\x1b") {
				t.Error("the certificate steers the terminal")
			}
		})
	}
}

func TestVerifyCertificateUsage(t *testing.T) {
	t.Parallel()
	text, _ := simnetCertificate(t)
	path := tempFile(t, text)
	run(t.Context(), "", "verify").want(t, 2)
	run(t.Context(), "", "verify", path+".missing").want(t, 2)
	run(t.Context(), "", "verify", path, "--min-confirmations", "0").want(t, 2)
	run(t.Context(), "", "verify", path, "--block-hash", "abc").want(t, 2)
	run(t.Context(), "", "verify", path, path, "--block-hash", strings.Repeat("0", 64)).want(t, 2)
}
