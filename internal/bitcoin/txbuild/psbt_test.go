package txbuild_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
)

func TestParsePSBTRefuses(t *testing.T) {
	t.Parallel()
	_, plan, _ := approved(t, wallet.KindTR)
	raw, err := txbuild.EncodePSBT(plan.PSBT)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{
		"empty": nil, "cut": raw[:len(raw)-2], "trailing": append(bytes.Clone(raw), 0), "too long": make([]byte, txbuild.MaxPSBTBytes+1),
	} {
		if _, err := txbuild.ParsePSBT(bad); !errs.Is(err, "bad_psbt") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A PSBT comes as a file, as text from a wallet, or as text that a mail program
// wrapped.
func TestParsePSBTForms(t *testing.T) {
	t.Parallel()
	_, plan, _ := approved(t, wallet.KindWSH)
	raw, err := txbuild.EncodePSBT(plan.PSBT)
	if err != nil {
		t.Fatal(err)
	}
	b64, text := base64.StdEncoding.EncodeToString(raw), hex.EncodeToString(raw)
	wrapped := strings.Join(slices.Collect(chunks(b64, 76)), "\r\n  ")
	for name, form := range map[string]string{
		"binary": string(raw), "base64": b64, "base64 with an end of line": b64 + "\n", "wrapped base64": "\n" + wrapped,
		"hex": text, "hex in capitals": strings.ToUpper(text),
	} {
		packet, err := txbuild.ParsePSBT([]byte(form))
		if err != nil || packet.UnsignedTx.TxHash() != plan.TxID {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, form := range map[string]string{
		"base64 cut": b64[:len(b64)-4], "base64 with text": b64 + "\nSent from my phone", "hex cut": text[:len(text)-1],
		"hex of something": "00ff", "words": "not a PSBT", "spaces": "  \n", "much text": strings.Repeat("A", 17<<20),
	} {
		if _, err := txbuild.ParsePSBT([]byte(form)); !errs.Is(err, "bad_psbt") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func chunks(s string, n int) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for len(s) > n {
			if !yield(s[:n]) {
				return
			}
			s = s[n:]
		}
		yield(s)
	}
}

// The parser below us reads version 0 and takes fields of version 2 for unknown
// ones; two readers of one file must not see two transactions in it.
func TestParsePSBTRefusesVersion2(t *testing.T) {
	t.Parallel()
	unknown := func(key byte, value ...byte) []*psbt.Unknown {
		return []*psbt.Unknown{{Key: []byte{key}, Value: value}}
	}
	for name, tc := range map[string]struct {
		add func(p *psbt.Packet)
		ok  bool
	}{
		"version 0 stated":    {func(p *psbt.Packet) { p.Unknowns = unknown(0xfb, 0, 0, 0, 0) }, true},
		"version 2":           {func(p *psbt.Packet) { p.Unknowns = unknown(0xfb, 2, 0, 0, 0) }, false},
		"version of one byte": {func(p *psbt.Packet) { p.Unknowns = unknown(0xfb, 0) }, false},
		"tx version":          {func(p *psbt.Packet) { p.Unknowns = unknown(0x02, 2, 0, 0, 0) }, false},
		"fallback lock time":  {func(p *psbt.Packet) { p.Unknowns = unknown(0x03, 2, 0, 0, 0) }, false},
		"modifiable":          {func(p *psbt.Packet) { p.Unknowns = unknown(0x06, 1) }, false},
		"previous txid":       {func(p *psbt.Packet) { p.Inputs[0].Unknowns = unknown(0x0e, make([]byte, 32)...) }, false},
		"required height":     {func(p *psbt.Packet) { p.Inputs[1].Unknowns = unknown(0x12, 1, 0, 0, 0) }, false},
		"output amount":       {func(p *psbt.Packet) { p.Outputs[0].Unknowns = unknown(0x03, make([]byte, 8)...) }, false},
		"output script":       {func(p *psbt.Packet) { p.Outputs[1].Unknowns = unknown(0x04, 0x51) }, false},
		"proprietary":         {func(p *psbt.Packet) { p.Inputs[0].Unknowns = unknown(0xfc, 1) }, true},
		"a field twice": {func(p *psbt.Packet) {
			p.Inputs[0].Unknowns = append(unknown(0xfc, 1), unknown(0xfc, 2)...)
		}, false},
	} {
		_, plan, _ := approved(t, wallet.KindTR)
		tc.add(plan.PSBT)
		raw, err := txbuild.EncodePSBT(plan.PSBT)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := txbuild.ParsePSBT(raw); (err == nil) != tc.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A value with bytes behind what it holds could hide anything.
func TestParsePSBTRefusesBytesLeftOver(t *testing.T) {
	t.Parallel()
	_, plan, _ := approved(t, wallet.KindTR)
	raw, err := txbuild.EncodePSBT(plan.PSBT)
	if err != nil {
		t.Fatal(err)
	}
	var utxo bytes.Buffer
	if err := wire.WriteTxOut(&utxo, 0, 0, plan.PSBT.Inputs[0].WitnessUtxo); err != nil {
		t.Fatal(err)
	}
	size := byte(utxo.Len())
	field := append([]byte{1, 1, size}, utxo.Bytes()...)
	longer := append(append([]byte{1, 1, size + 1}, utxo.Bytes()...), 0)
	if bytes.Count(raw, field) != 1 {
		t.Fatal("the field was not found")
	}
	if _, err := txbuild.ParsePSBT(bytes.Replace(raw, field, longer, 1)); !errs.Is(err, "bad_psbt") {
		t.Errorf("got %v", err)
	}
}

// BIP 174: the valid ones are read in both spellings, the invalid ones refused.
func TestBIP174Vectors(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/psbt-bip0174.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct{ Section, Case, Hex, B64 string }
	if err := json.Unmarshal(raw, &vectors); err != nil {
		t.Fatal(err)
	}
	tested := map[bool]int{}
	for _, v := range vectors {
		valid := strings.Contains(v.Section, "are valid")
		if !valid && !strings.Contains(v.Section, "are invalid") {
			continue
		}
		tested[valid]++
		for _, form := range []string{v.Hex, v.B64} {
			if _, err := txbuild.ParsePSBT([]byte(form)); form == "" || (err == nil) != valid {
				t.Errorf("%s: %s: %v", v.Section, v.Case, err)
			}
		}
	}
	if tested[true] != 10 || tested[false] != 20 {
		t.Errorf("%v vectors tested, want 10 valid and 20 invalid ones", tested)
	}
}

func FuzzPSBT(f *testing.F) {
	for _, kind := range allKinds() {
		_, plan, _ := approved(f, kind)
		raw, err := txbuild.EncodePSBT(plan.PSBT)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
		f.Add(raw[:len(raw)/2])
		f.Add([]byte(base64.StdEncoding.EncodeToString(raw)))
		f.Add([]byte(hex.EncodeToString(raw)))
	}
	f.Add([]byte("psbt\xff"))
	_, own, want := approved(f, wallet.KindWSH)
	f.Fuzz(func(t *testing.T, raw []byte) {
		packet, err := txbuild.ParsePSBT(raw)
		if err != nil {
			if errs.KindOf(err) != errs.Malformed {
				t.Errorf("%v is not Malformed", err)
			}
			return
		}
		again, err := txbuild.EncodePSBT(packet)
		if err != nil {
			t.Fatalf("cannot be written: %v", err)
		}
		if back, err := txbuild.ParsePSBT(again); err == nil && len(txbuild.Diff(packet, back)) > 0 {
			t.Errorf("reads back with differences: %v", txbuild.Diff(packet, back))
		}
		if merged, err := txbuild.Merge(own.PSBT, packet); err == nil && merged.UnsignedTx.TxHash() != own.TxID {
			t.Error("merged into another transaction")
		}
		summary, describeErr := txbuild.Describe(packet, want.Descriptor)
		verifyErr := txbuild.Verify(packet, want)
		if verifyErr == nil && (describeErr != nil || summary.Fee <= 0 || summary.Fee > want.MaxFee) {
			t.Errorf("verified, and described as %+v, %v", summary, describeErr)
		}
		if _, _, err := txbuild.ExtractSigned(packet, want.Descriptor); err == nil && describeErr != nil {
			t.Errorf("extracted, and not described: %v", describeErr)
		}
	})
}
