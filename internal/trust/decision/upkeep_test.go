package decision_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

func exampleUpkeep() decision.UpkeepNote {
	return decision.UpkeepNote{
		Network: decision.NetworkOf(&chaincfg.SimNetParams), Batch: uuid.MustParse("0198c0de-0000-7000-8000-00000000000c"),
		Fund: exampleFund(), Number: 8, Until: exampleUntil(), Kind: decision.UpkeepSplit, Outputs: 4, MaxFeeRateSatKVB: 3_000, MaxFee: 9000,
		Coins: []wire.OutPoint{
			{Hash: chainhash.Hash{31: 0xaa}, Index: 10}, {Hash: chainhash.Hash{31: 0xaa}, Index: 2}, {Hash: chainhash.Hash{31: 0xbb}, Index: 0},
		},
	}
}

func exampleVoid() decision.VoidNote {
	return decision.VoidNote{
		Network: decision.NetworkOf(&chaincfg.SimNetParams), Batch: uuid.MustParse("0198c0de-0000-7000-8000-00000000000b"),
		Fund: exampleFund(), Number: 7, Note: decision.Digest{1, 2, 3}, Until: exampleUntil(), MaxFee: 30_000,
	}
}

func TestUpkeepText(t *testing.T) {
	t.Parallel()
	zeros := strings.Repeat("0", 62)
	want := `causeway/upkeep/v2
network simnet 683e86bd5c6d110d91b94b97137ba6bfe02dbbdb8e3dff722a669b5d69d77af6
fund 0198c0de-0000-7000-8000-0000000000ff
batch 0198c0de-0000-7000-8000-00000000000c
number 8
until 2026-12-03T10:00:00Z
kind split
outputs 4
max_feerate_sat_kvb 3000
max_fee_sat 9000
coins 3
coin aa` + zeros + `:10
coin aa` + zeros + `:2
coin bb` + zeros + `:0
`
	n := exampleUpkeep()
	n.Coins[0], n.Coins[2] = n.Coins[2], n.Coins[0]
	if diff := cmp.Diff(want, string(n.Encode())); diff != "" {
		t.Errorf("note text (-want +got):\n%s", diff)
	}
	if n.Digest() != exampleUpkeep().Digest() {
		t.Error("the order in memory changed the digest")
	}
	got, err := decision.ParseUpkeep([]byte(want))
	if diff := cmp.Diff(exampleUpkeep(), got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if !decision.IsUpkeep([]byte(want)) || decision.IsUpkeep(exampleBatch(1).Encode()) || decision.IsUpkeep(exampleVoid().Encode()) {
		t.Error("IsUpkeep does not tell the notes apart")
	}
}

func TestVoidText(t *testing.T) {
	t.Parallel()
	want := `causeway/void/v2
network simnet 683e86bd5c6d110d91b94b97137ba6bfe02dbbdb8e3dff722a669b5d69d77af6
fund 0198c0de-0000-7000-8000-0000000000ff
batch 0198c0de-0000-7000-8000-00000000000b
number 7
note_sha256 0102030000000000000000000000000000000000000000000000000000000000
until 2026-12-03T10:00:00Z
max_fee_sat 30000
`
	if diff := cmp.Diff(want, string(exampleVoid().Encode())); diff != "" {
		t.Errorf("note text (-want +got):\n%s", diff)
	}
	got, err := decision.ParseVoid([]byte(want))
	if diff := cmp.Diff(exampleVoid(), got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestUpkeepOutputsFitTheKind(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		kind    string
		outputs int
		ok      bool
	}{
		{decision.UpkeepConsolidate, 1, true},
		{decision.UpkeepConsolidate, 2, false},
		{decision.UpkeepChild, 1, true},
		{decision.UpkeepChild, 2, false},
		{decision.UpkeepSplit, 1, false},
		{decision.UpkeepSplit, 2, true},
		{decision.UpkeepSplit, 20, true},
		{decision.UpkeepSplit, 21, false},
		{decision.UpkeepConsolidate, 0, false},
		{"payout", 1, false},
		{"", 1, false},
	} {
		n := exampleUpkeep()
		n.Kind, n.Outputs = tc.kind, tc.outputs
		if tc.kind == decision.UpkeepChild {
			n.MaxFeeRateSatKVB = 0
		}
		if _, err := decision.ParseUpkeep(n.Encode()); (err == nil) != tc.ok || err != nil && !errs.Is(err, "bad_note") {
			t.Errorf("%s to %d outputs: got %v, want ok %v", tc.kind, tc.outputs, err, tc.ok)
		}
	}
}

func TestUpkeepRefuses(t *testing.T) {
	t.Parallel()
	text := string(exampleUpkeep().Encode())
	lines := strings.SplitAfter(text, "\n")
	none := exampleUpkeep()
	none.Coins = nil
	twice := exampleUpkeep()
	twice.Coins[1] = twice.Coins[0]
	for name, bad := range map[string]string{
		"coin twice":         string(twice.Encode()),
		"no coins":           string(none.Encode()),
		"coins swapped":      strings.Join(append(append(lines[:11:11], lines[12], lines[11]), lines[13:]...), ""),
		"wrong count":        strings.Replace(text, "coins 3", "coins 2", 1),
		"hardened number":    strings.Replace(text, "number 8", "number 2147483648", 1),
		"negative number":    strings.Replace(text, "number 8", "number -1", 1),
		"vout missing":       strings.Replace(text, ":10\n", "\n", 1),
		"vout spelled twice": strings.Replace(text, ":10\n", ":010\n", 1),
		"vout too large":     strings.Replace(text, ":10\n", ":4294967296\n", 1),
		"short txid":         strings.Replace(text, "coin aa00", "coin aa", 1),
		"upper case":         strings.Replace(text, "coin aa", "coin AA", 1),
		"no fee":             strings.Replace(text, "max_fee_sat 9000", "max_fee_sat 0", 1),
		"no last moment":     strings.Replace(text, "until 2026-12-03T10:00:00Z\n", "", 1),
		"no fund":            strings.Replace(text, "fund 0198c0de-0000-7000-8000-0000000000ff\n", "", 1),
		"no feerate":         strings.Replace(text, "max_feerate_sat_kvb 3000", "max_feerate_sat_kvb 0", 1),
		"any feerate":        strings.Replace(text, "max_feerate_sat_kvb 3000", "max_feerate_sat_kvb 10000001", 1),
		"child with a rate":  strings.Replace(strings.Replace(text, "kind split", "kind child", 1), "outputs 4", "outputs 1", 1),
		"fee above all":      strings.Replace(text, "max_fee_sat 9000", "max_fee_sat 2100000000000001", 1),
		"batch note":         string(exampleBatch(2).Encode()),
		"void note":          string(exampleVoid().Encode()),
		"tail":               text + "x 1\n",
		"too long":           text + strings.Repeat("x", decision.MaxUpkeepBytes),
	} {
		if _, err := decision.ParseUpkeep([]byte(bad)); bad == text || !errs.Is(err, "bad_note") {
			t.Errorf("%s: got %v, want bad_note", name, err)
		}
	}
}

func TestVoidRefuses(t *testing.T) {
	t.Parallel()
	text := string(exampleVoid().Encode())
	for name, bad := range map[string]string{
		"short digest": strings.Replace(text, "note_sha256 01", "note_sha256 ", 1),
		"upper case":   strings.Replace(strings.Replace(text, "note_sha256 01", "note_sha256 ab", 1), "256 ab", "256 AB", 1),
		"no fee":       strings.Replace(text, "max_fee_sat 30000", "max_fee_sat 0", 1),
		"a feerate":    strings.Replace(text, "max_fee_sat", "max_feerate_sat_kvb 90000\nmax_fee_sat", 1),
		"no moment":    strings.Replace(text, "until 2026-12-03T10:00:00Z\n", "", 1),
		"no fund":      strings.Replace(text, "fund 0198c0de-0000-7000-8000-0000000000ff\n", "", 1),
		"hardened":     strings.Replace(text, "number 7", "number 4000000000", 1),
		"line twice":   text + "max_fee_sat 30000\n",
		"cut":          text[:len(text)-1],
		"upkeep note":  string(exampleUpkeep().Encode()),
		"too long":     text + strings.Repeat("x", decision.MaxVoidBytes),
	} {
		if _, err := decision.ParseVoid([]byte(bad)); bad == text || !errs.Is(err, "bad_note") {
			t.Errorf("%s: got %v, want bad_note", name, err)
		}
	}
}

// A thousand coins, what one transaction may spend, fit into a note.
func TestUpkeepHoldsAThousandCoins(t *testing.T) {
	t.Parallel()
	n := exampleUpkeep()
	n.Coins = nil
	for i := range 1000 {
		n.Coins = append(n.Coins, wire.OutPoint{Hash: chainhash.Hash{byte(i), byte(i >> 8)}, Index: 4_000_000_000})
	}
	if _, err := decision.ParseUpkeep(n.Encode()); err != nil {
		t.Error(err)
	}
}

func TestEveryByteOfUpkeepAndVoidCounts(t *testing.T) {
	t.Parallel()
	upkeep, void := exampleUpkeep().Encode(), exampleVoid().Encode()
	rapid.Check(t, func(t *rapid.T) {
		xor := byte(rapid.IntRange(1, 255).Draw(t, "xor"))
		changed := bytes.Clone(upkeep)
		changed[rapid.IntRange(0, len(upkeep)-1).Draw(t, "upkeep at")] ^= xor
		if n, err := decision.ParseUpkeep(changed); err == nil && n.Digest() == exampleUpkeep().Digest() {
			t.Fatal("an upkeep note changed and its digest did not")
		}
		changed = bytes.Clone(void)
		changed[rapid.IntRange(0, len(void)-1).Draw(t, "void at")] ^= xor
		if n, err := decision.ParseVoid(changed); err == nil && n.Digest() == exampleVoid().Digest() {
			t.Fatal("a void note changed and its digest did not")
		}
	})
}

func FuzzParseUpkeep(f *testing.F) {
	f.Add(exampleUpkeep().Encode())
	f.Add([]byte("causeway/upkeep/v2\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := decision.ParseUpkeep(text)
		if err == nil && !bytes.Equal(n.Encode(), text) {
			t.Errorf("accepted %q and writes %q", text, n.Encode())
		}
	})
}

func FuzzParseVoid(f *testing.F) {
	f.Add(exampleVoid().Encode())
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := decision.ParseVoid(text)
		if err == nil && !bytes.Equal(n.Encode(), text) {
			t.Errorf("accepted %q and writes %q", text, n.Encode())
		}
	})
}
