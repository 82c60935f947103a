package certificate_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/bitcoin/spv"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/certificate"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

func checks(r certificate.Report) (held, failed []string) {
	for _, line := range r.Lines {
		if line.OK {
			held = append(held, line.Check)
		} else {
			failed = append(failed, line.Check)
		}
	}
	return held, failed
}

func TestReportSaysWhatHolds(t *testing.T) {
	t.Parallel()
	c := build(t, payment(t))

	r := c.Verify(certificate.Options{MinConfirmations: 6, BlockHash: strings.ToUpper(c.BlockHash)})

	want := []string{"note", "network", "claim", "proof", "transaction", "block", "output", "confirmations", "best_chain"}
	if held, failed := checks(r); !r.OK || len(failed) > 0 || !slices.Equal(held, want) {
		t.Errorf("held %v, failed %v", held, failed)
	}
	for _, line := range r.Lines {
		if !strings.HasSuffix(line.Text, ".") {
			t.Errorf("%s: %q is no sentence", line.Check, line.Text)
		}
	}
	if alone := c.Verify(certificate.Options{}); len(alone.NotProven) != len(r.NotProven)+1 || !strings.Contains(alone.NotProven[0], "best chain") {
		t.Errorf("without a block hash to compare, not proven is %q", alone.NotProven)
	}
	if last := r.NotProven[len(r.NotProven)-1]; !strings.Contains(last, "test network") {
		t.Errorf("on simnet the last line is %q", last)
	}
}

func TestTheChainOf2009NeedsALowerBar(t *testing.T) {
	t.Parallel()
	p := earlyPayment(t)
	if _, err := certificate.Build(p, certificate.Options{}); !errs.Is(err, "certificate_refused") || !strings.Contains(err.Error(), "less work") {
		t.Errorf("headers of difficulty 1 on mainnet: got %v", err)
	}
	c, err := certificate.Build(p, certificate.Options{MinConfirmations: 10, MaxTarget: chaincfg.MainNetParams.PowLimit})
	if err != nil {
		t.Fatal(err)
	}
	if c.TxID != "6f7cf9580f1c2dfb3c4d5d043cdbb128c640e3f20161245aa7372e9666168516" ||
		c.BlockHash != "00000000d14f2e97678951ad004d6699babd27e07ca722c46b30dc24c67eed7a" {
		t.Errorf("transaction %s in block %s", c.TxID, c.BlockHash)
	}
	r := c.Verify(certificate.Options{MaxTarget: chaincfg.MainNetParams.PowLimit})
	if !r.OK || strings.Contains(strings.Join(r.NotProven, " "), "test network") {
		t.Errorf("%+v", r)
	}
}

// TestEachLineGuardsItsField changes one field at a time, as a forger would who
// also writes the checksum, and names the line that finds it.
func TestEachLineGuardsItsField(t *testing.T) {
	t.Parallel()
	good := build(t, payment(t))
	zeros := strings.Repeat("0", 64)
	for name, c := range map[string]struct {
		change func(c *certificate.Certificate)
		failed []string
	}{
		"network unknown": {func(c *certificate.Certificate) { c.Network = "nonet" }, []string{"network"}},
		"network another": {func(c *certificate.Certificate) { c.Network = "regtest" }, []string{"network"}},
		"note not read":   {func(c *certificate.Certificate) { c.DecisionNote += "\n" }, []string{"note"}},
		"note changed": {func(c *certificate.Certificate) {
			c.DecisionNote = strings.ReplaceAll(c.DecisionNote, "150000", "150001")
		}, []string{"note", "claim", "output"}},
		"note of another chain": {func(c *certificate.Certificate) {
			c.DecisionNote = strings.Replace(c.DecisionNote, chaincfg.SimNetParams.GenesisHash.String(), zeros, 1)
		}, []string{"note", "network"}},
		"digest":        {func(c *certificate.Certificate) { c.DecisionDigest = zeros }, []string{"note"}},
		"period":        {func(c *certificate.Certificate) { c.Period = 2 }, []string{"claim"}},
		"no period":     {func(c *certificate.Certificate) { c.Period = 0 }, []string{"claim"}},
		"amount":        {func(c *certificate.Certificate) { c.AmountSat++ }, []string{"claim"}},
		"script":        {func(c *certificate.Certificate) { c.Script = "51" }, []string{"claim"}},
		"address":       {func(c *certificate.Certificate) { c.Address = strings.ToUpper(c.Address) }, []string{"claim"}},
		"transaction":   {func(c *certificate.Certificate) { c.TxID = zeros }, []string{"transaction"}},
		"output":        {func(c *certificate.Certificate) { c.Vout = 0 }, []string{"output"}},
		"sum of output": {func(c *certificate.Certificate) { c.Vout = 2 }, []string{"output"}},
		"no output":     {func(c *certificate.Certificate) { c.Vout = 1 << 31 }, []string{"output"}},
		"block":         {func(c *certificate.Certificate) { c.BlockHash = zeros }, []string{"block"}},
		"position":      {func(c *certificate.Certificate) { c.Inclusion.Position = 3 }, []string{"proof"}},
		"no headers":    {func(c *certificate.Certificate) { c.Inclusion.Headers = nil }, []string{"proof"}},
		"few headers":   {func(c *certificate.Certificate) { c.Inclusion.Headers = c.Inclusion.Headers[:2*spv.HeaderSize] }, []string{"confirmations"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forged := good
			c.change(&forged)

			r := forged.Verify(certificate.Options{MinConfirmations: 3})

			if _, failed := checks(r); r.OK || !slices.Equal(failed, c.failed) {
				t.Errorf("failed %v, want %v", failed, c.failed)
			}
			if !errs.Is(r.Err(), "certificate_refused") {
				t.Errorf("error %v, want certificate_refused", r.Err())
			}
		})
	}
	if r := good.Verify(certificate.Options{BlockHash: zeros}); r.OK {
		t.Error("another block of the chain was accepted")
	}
}

// TestForgedBytesAreFound changes every byte of the fields that prove something,
// with the checksum written anew.
func TestForgedBytesAreFound(t *testing.T) {
	t.Parallel()
	good := build(t, payment(t))
	refused := func(name string, at int, forged certificate.Certificate) {
		t.Helper()
		if forged.Verify(certificate.Options{MinConfirmations: 1}).OK {
			t.Errorf("byte %d of %s changed and all lines hold", at, name)
		}
	}
	for name, field := range map[string]func(c *certificate.Certificate) *string{
		"network":         func(c *certificate.Certificate) *string { return &c.Network },
		"decision_note":   func(c *certificate.Certificate) *string { return &c.DecisionNote },
		"decision_digest": func(c *certificate.Certificate) *string { return &c.DecisionDigest },
		"txid":            func(c *certificate.Certificate) *string { return &c.TxID },
		"script":          func(c *certificate.Certificate) *string { return &c.Script },
		"address":         func(c *certificate.Certificate) *string { return &c.Address },
		"block_hash":      func(c *certificate.Certificate) *string { return &c.BlockHash },
	} {
		for at := range *field(&good) {
			forged := good
			text := []byte(*field(&good))
			text[at] ^= 1
			*field(&forged) = string(text)
			refused(name, at, forged)
		}
	}
	for at := range good.Inclusion.Tx {
		forged := good
		forged.Inclusion.Tx = bytes.Clone(good.Inclusion.Tx)
		forged.Inclusion.Tx[at] ^= 1
		refused("tx", at, forged)
	}
	for at := range good.Inclusion.Branch[0] {
		forged := good
		forged.Inclusion.Branch = slices.Clone(good.Inclusion.Branch)
		forged.Inclusion.Branch[1][at] ^= 1
		refused("branch", at, forged)
	}
	// The last header has nothing on top that names it: on simnet every second
	// one that is made up has enough work, and then it is as good as the real one.
	for at := range good.Inclusion.Headers[:5*spv.HeaderSize] {
		forged := good
		forged.Inclusion.Headers = bytes.Clone(good.Inclusion.Headers)
		forged.Inclusion.Headers[at] ^= 1
		refused("headers", at, forged)
	}
}

func TestTheWordOfTheFundIsNamedAsSuch(t *testing.T) {
	t.Parallel()
	c := build(t, payment(t))
	other := c
	other.Height, other.Reference, other.IssuedAt = 1, "", "2020-01-01T00:00:00Z"
	want, got := c.Verify(certificate.Options{}), other.Verify(certificate.Options{})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the report depends on what cannot be proven:\n%s", diff)
	}
	if !strings.Contains(strings.Join(got.NotProven, " "), "height, the reference, the digest of the batch and the time of issue are the fund's word") {
		t.Errorf("not said in %q", got.NotProven)
	}
}

// A certificate names its period, and is worth nothing for another one with a payee of its own.
func TestAPeriodHasItsPayee(t *testing.T) {
	t.Parallel()
	p := payment(t)
	p.Note.Periods, p.Note.Every, p.Period = 2, decision.EveryMonth, 2
	c := build(t, p)
	if r := c.Verify(certificate.Options{}); !r.OK || !strings.Contains(r.Lines[2].Text, "in period 2 of 2") {
		t.Errorf("%+v", r)
	}
	elsewhere := decision.Payee{Script: []byte{0, 20, 19: 1}, Address: "sb1elsewhere"}
	p.Note.Payees = []decision.Payee{elsewhere, p.Note.Payees[0]}
	c.DecisionNote, c.DecisionDigest = string(p.Note.Encode()), p.Note.Digest().String()
	c.Period = 1
	if _, failed := checks(c.Verify(certificate.Options{})); !slices.Contains(failed, "claim") || !slices.Contains(failed, "output") {
		t.Errorf("period 1, which pays somebody else: %v failed", failed)
	}
}

// In another currency any amount between the bounds of the note may have been paid, and the
// certificate says which one was.
func TestABoundedAmount(t *testing.T) {
	t.Parallel()
	p := payment(t)
	p.Note.Currency, p.Note.Amount, p.Note.SatLeast, p.Note.SatMost = "EUR", 10_000, 140_000, 160_000
	good := build(t, p)
	if r := good.Verify(certificate.Options{}); !r.OK || !strings.Contains(r.Lines[2].Text, "10000 minor units of EUR, worth 140000 to 160000 sat") {
		t.Errorf("%+v", r)
	}
	for name, tc := range map[string]struct {
		change func(*certificate.Certificate)
		failed []string
	}{
		"another amount within": {func(c *certificate.Certificate) { c.AmountSat++ }, []string{"output"}},
		"another one outside":   {func(c *certificate.Certificate) { c.AmountSat = 160_001 }, []string{"claim", "output"}},
		"an output within":      {func(c *certificate.Certificate) { c.Vout = 2 }, []string{"output"}},
	} {
		c := good
		tc.change(&c)
		if _, failed := checks(c.Verify(certificate.Options{})); !slices.Equal(failed, tc.failed) {
			t.Errorf("%s: %v failed, want %v", name, failed, tc.failed)
		}
	}
	p.Note.SatMost = 149_999
	if _, err := certificate.Build(p, certificate.Options{}); !errs.Is(err, "certificate_refused") {
		t.Errorf("more than the most: got %v", err)
	}
}
