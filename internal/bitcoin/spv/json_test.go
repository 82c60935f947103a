package spv_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/bitcoin/spv"
	"github.com/causeway-fund/causeway/internal/errs"
)

func TestJSONRoundTrip(t *testing.T) {
	t.Parallel()
	want := prove(t, testBlock(6), 2, 2)
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got spv.Inclusion
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := json.Marshal(spv.Inclusion{Headers: make([]byte, 79)}); err == nil {
		t.Error("79 bytes were written as a header")
	}
}

func TestJSONIsRefused(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(prove(t, testBlock(3), 1, 1))
	if err != nil {
		t.Fatal(err)
	}
	good := string(text)
	branch := prove(t, testBlock(3), 1, 1).Branch[0].String()
	for name, bad := range map[string]string{
		"another field":    strings.Replace(good, "{", `{"height":1,`, 1),
		"capital in a tx":  strings.Replace(good, "ff", "FF", 1),
		"capital in hash":  strings.Replace(good, branch, strings.ToUpper(branch), 1),
		"short hash":       strings.Replace(good, branch, branch[2:], 1),
		"not hexadecimal":  strings.Replace(good, `"tx":"0`, `"tx":"x`, 1),
		"short header":     strings.Replace(good, `"headers":["04`, `"headers":["`, 1),
		"negative":         strings.Replace(good, `"position":1`, `"position":-1`, 1),
		"position too big": strings.Replace(good, `"position":1`, `"position":4294967296`, 1),
		"a list":           "[]",
		"long branch":      strings.Replace(good, branch, branch+strings.Repeat(`","`+branch, 16), 1),
	} {
		var p spv.Inclusion
		if bad == good {
			t.Fatalf("%s: the case changes nothing", name)
		}
		if err := json.Unmarshal([]byte(bad), &p); !errs.Is(err, "bad_proof") {
			t.Errorf("%s: got %v, want bad_proof", name, err)
		}
	}
	var p spv.Inclusion
	if err := p.UnmarshalJSON([]byte(good + "{}")); !errs.Is(err, "bad_proof") {
		t.Errorf("two documents: got %v, want bad_proof", err)
	}
}

func FuzzJSON(f *testing.F) {
	text, err := os.ReadFile("testdata/block170.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"tx":"00","position":0,"branch":[],"headers":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var p, again spv.Inclusion
		if json.Unmarshal(text, &p) != nil {
			return
		}
		out, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out, &again); err != nil || !bytes.Equal(p.Tx, again.Tx) || !bytes.Equal(p.Headers, again.Headers) {
			t.Fatalf("read %+v, wrote %s, read again %+v: %v", p, out, again, err)
		}
	})
}

// FuzzVerify also runs on the easiest network, so that work is not what stops
// the fuzzer.
func FuzzVerify(f *testing.F) {
	for _, p := range []spv.Inclusion{firstPayment(f), prove(f, testBlock(1), 0, 0), prove(f, testBlock(7), 6, 1)} {
		var branch []byte
		for _, h := range p.Branch {
			branch = append(branch, h[:]...)
		}
		f.Add(p.Tx, p.Position, branch, p.Headers)
	}
	f.Fuzz(func(t *testing.T, tx []byte, position uint32, branch, headers []byte) {
		p := spv.Inclusion{Tx: tx, Position: position, Headers: headers}
		for ; len(branch) >= chainhash.HashSize; branch = branch[chainhash.HashSize:] {
			p.Branch = append(p.Branch, chainhash.Hash(branch[:chainhash.HashSize]))
		}
		got, block, err := p.Verify(simnet, 1, nil)
		if err != nil {
			return
		}
		root := chainhash.Hash(headers[36:68])
		if block != chainhash.DoubleHashH(headers[:80]) || spv.Root(got.TxHash(), position, p.Branch) != root {
			t.Fatalf("accepted %x at %d", tx, position)
		}
	})
}
