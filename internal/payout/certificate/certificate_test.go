package certificate_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/certificate"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	want := build(t, payment(t))

	got, err := certificate.Parse(encode(t, want))
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if bytes.Contains(got.Inclusion.Tx, []byte("signature")) {
		t.Error("the certificate carries the witness")
	}
}

// TestGolden holds the form of the document: what was issued must stay readable.
// GOLDEN_UPDATE=1 writes it again.
func TestGolden(t *testing.T) {
	t.Parallel()
	const path = "testdata/simnet.certificate.json"
	text := encode(t, build(t, payment(t)))
	if os.Getenv("GOLDEN_UPDATE") != "" {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseRefusesEveryOtherSpelling(t *testing.T) {
	t.Parallel()
	c := build(t, payment(t))
	text := string(encode(t, c))
	with := func(change func(c *certificate.Certificate)) string {
		changed := c
		change(&changed)
		return string(encode(t, changed))
	}
	for name, bad := range map[string]string{
		"empty":             "",
		"a list":            "[]",
		"no last line feed": strings.TrimSuffix(text, "\n"),
		"something after":   text + "{}",
		"another field":     strings.Replace(text, "{", "{\n  \"note\": 1,", 1),
		"field twice":       strings.Replace(text, `  "vout": 1,`, "  \"vout\": 1,\n  \"vout\": 1,", 1),
		"capital field":     strings.Replace(text, `"vout"`, `"Vout"`, 1),
		"no white space":    strings.ReplaceAll(text, "\n", ""),
		"carriage returns":  strings.ReplaceAll(text, "\n", "\r\n"),
		"byte order mark":   "\ufeff" + text,
		"escaped letter":    strings.Replace(text, "simnet", `\u0073imnet`, 1),
		"no checksum":       strings.Replace(text, c.SHA256, "", 1),
		"too long":          text + strings.Repeat(" ", certificate.MaxBytes),
		"another version":   with(func(c *certificate.Certificate) { c.Version = "causeway/certificate/v1" }),
		"short digest":      with(func(c *certificate.Certificate) { c.BatchDigest = "07" }),
		"another zone":      with(func(c *certificate.Certificate) { c.IssuedAt = "2026-11-30T12:00:00+00:00" }),
		"no time":           with(func(c *certificate.Certificate) { c.IssuedAt = "yesterday" }),
		"negative height":   with(func(c *certificate.Certificate) { c.Height = -1 }),
		"long reference":    with(func(c *certificate.Certificate) { c.Reference = strings.Repeat("x", 65) }),
		"reference steers":  with(func(c *certificate.Certificate) { c.Reference = "GR-\x1b[2J" }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if bad == text {
				t.Fatal("the case changes nothing")
			}
			if _, err := certificate.Parse([]byte(bad)); !errs.Is(err, "bad_certificate") {
				t.Errorf("got %v, want bad_certificate", err)
			}
		})
	}
}

// TestEveryByteCounts changes each byte in turn.
func TestEveryByteCounts(t *testing.T) {
	t.Parallel()
	text := encode(t, build(t, payment(t)))
	for i := range text {
		for _, flip := range []byte{0x01, 0x20, 0x80} {
			changed := bytes.Clone(text)
			changed[i] ^= flip
			if _, err := certificate.Parse(changed); !errs.Is(err, "bad_certificate") {
				t.Fatalf("byte %d, %q, changed: got %v, want bad_certificate", i, text[i], err)
			}
		}
	}
}

func TestBuildRefusesWhatDoesNotHold(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(p *certificate.Parts){
		"another period":  func(p *certificate.Parts) { p.Period = 2 },
		"no period":       func(p *certificate.Parts) { p.Period = 0 },
		"another output":  func(p *certificate.Parts) { p.Vout = 0 },
		"another amount":  func(p *certificate.Parts) { p.Vout = 2 },
		"no such output":  func(p *certificate.Parts) { p.Vout = 3 },
		"another payee":   func(p *certificate.Parts) { p.Note.Payees[0].Script = p.Note.Payees[0].Script[1:] },
		"another network": func(p *certificate.Parts) { p.Note.Network.Name = "mainnet" },
		"unknown network": func(p *certificate.Parts) { p.Note.Network.Name = "nonet" },
		"no transaction":  func(p *certificate.Parts) { p.Inclusion.Tx = nil },
		"no header":       func(p *certificate.Parts) { p.Inclusion.Headers = nil },
		"position":        func(p *certificate.Parts) { p.Inclusion.Position = 0 },
	} {
		p := payment(t)
		change(&p)
		if _, err := certificate.Build(p, certificate.Options{}); !errs.Is(err, "certificate_refused") {
			t.Errorf("%s: got %v, want certificate_refused", name, err)
		}
	}
	p := payment(t)
	p.Reference = "ünicode"
	if _, err := certificate.Build(p, certificate.Options{}); !errs.Is(err, "bad_certificate") {
		t.Errorf("reference: got %v, want bad_certificate", err)
	}
	if _, err := certificate.Build(payment(t), certificate.Options{MinConfirmations: 7}); !errs.Is(err, "certificate_refused") {
		t.Errorf("too few confirmations: got %v, want certificate_refused", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(encode(f, build(f, payment(f))))
	f.Add([]byte(`{"version":"causeway/certificate/v2"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := certificate.Parse(text)
		if err != nil {
			return
		}
		if again := encode(t, c); !bytes.Equal(again, text) {
			t.Errorf("accepted %q and writes %q", text, again)
		}
		c.Verify(certificate.Options{})
	})
}

// FuzzVerify writes the checksum for whoever changes a certificate.
func FuzzVerify(f *testing.F) {
	good := build(f, payment(f))
	f.Add(good.DecisionNote, good.DecisionDigest, good.TxID, good.Vout, good.AmountSat, good.Script, good.Address, good.BlockHash)
	f.Fuzz(func(t *testing.T, note, digest, txid string, vout uint32, sat int64, script, address, block string) {
		c := good
		c.DecisionNote, c.DecisionDigest, c.TxID, c.Vout, c.AmountSat = note, digest, txid, vout, sat
		c.Script, c.Address, c.BlockHash = script, address, block
		r := c.Verify(certificate.Options{})
		if (r.Err() == nil) != r.OK {
			t.Fatalf("report %v and error %v", r.OK, r.Err())
		}
		// The note may differ in what no output shows: its ids, times and limits.
		c.DecisionNote, c.DecisionDigest = good.DecisionNote, good.DecisionDigest
		if diff := cmp.Diff(good, c); r.OK && diff != "" {
			t.Fatalf("accepted (-good +changed):\n%s", diff)
		}
	})
}
