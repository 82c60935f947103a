package decision_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// The P2WPKH example of BIP173 on mainnet.
const (
	exampleAddress = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
	exampleScript  = "\x00\x14\x75\x1e\x76\xe8\x19\x91\x96\xd4\x54\x94\x1c\x45\xd1\xb3\xa3\x23\xf1\x43\x3b\xd6"
)

func example() decision.Note {
	return decision.Note{
		Network:           decision.NetworkOf(&chaincfg.MainNetParams),
		Decision:          uuid.MustParse("0198c0de-0000-7000-8000-000000000001"),
		Grant:             uuid.MustParse("0198c0dd-0000-7000-8000-0000000000aa"),
		PayeeScript:       []byte(exampleScript),
		PayeeAddress:      exampleAddress,
		Amount:            1_000_000,
		MaxFeeRateSatKVB:  60_000,
		NotBefore:         time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC),
		NotAfter:          time.Date(2026, 12, 26, 0, 0, 0, 0, time.UTC),
		ApplicationSHA256: [32]byte{1, 2, 3},
	}
}

func TestNoteText(t *testing.T) {
	t.Parallel()
	want := `causeway/decision/v1
network mainnet 000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f
decision 0198c0de-0000-7000-8000-000000000001
grant 0198c0dd-0000-7000-8000-0000000000aa
kind payment
payee_script 0014751e76e8199196d454941c45d1b3a323f1433bd6
payee_address bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4
amount_sat 1000000
max_feerate_sat_kvb 60000
not_before 2026-11-26T00:00:00Z
not_after 2026-12-26T00:00:00Z
application_sha256 0102030000000000000000000000000000000000000000000000000000000000
address_proof none
roster 0
`
	if diff := cmp.Diff(want, string(example().Encode())); diff != "" {
		t.Errorf("note text (-want +got):\n%s", diff)
	}
	if len(example().Encode()) > decision.MaxNoteBytes {
		t.Error("a plain note is longer than the limit")
	}
}

func TestNoteRoundTrip(t *testing.T) {
	t.Parallel()
	got, err := decision.Parse(example().Encode())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(example(), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := got.Check(&chaincfg.MainNetParams); err != nil {
		t.Errorf("Check: %v", err)
	}
}

func TestNoteRefusesEveryOtherSpelling(t *testing.T) {
	t.Parallel()
	text := string(example().Encode())
	for name, bad := range map[string]string{
		"empty":              "",
		"no last line feed":  strings.TrimSuffix(text, "\n"),
		"two last feeds":     text + "\n",
		"carriage returns":   strings.ReplaceAll(text, "\n", "\r\n"),
		"another header":     strings.Replace(text, "decision/v1", "batch/v1", 1),
		"leading zero":       strings.Replace(text, "amount_sat 1000000", "amount_sat 01000000", 1),
		"plus sign":          strings.Replace(text, "amount_sat 1000000", "amount_sat +1000000", 1),
		"negative":           strings.Replace(text, "amount_sat 1000000", "amount_sat -1000000", 1),
		"zero":               strings.Replace(text, "amount_sat 1000000", "amount_sat 0", 1),
		"too much":           strings.Replace(text, "amount_sat 1000000", "amount_sat 2100000000000001", 1),
		"upper-case hex":     strings.Replace(text, "751e76e8", "751E76E8", 1),
		"upper-case uuid":    strings.Replace(text, "0198c0de", "0198C0DE", 1),
		"another zone":       strings.Replace(text, "2026-11-26T00:00:00Z", "2026-11-26T00:00:00+00:00", 1),
		"fraction of second": strings.Replace(text, "2026-11-26T00:00:00Z", "2026-11-26T00:00:00.5Z", 1),
		"window reversed":    strings.Replace(text, "2026-11-26", "2027-11-26", 1),
		"line twice":         strings.Replace(text, "roster 0\n", "roster 0\nroster 0\n", 1),
		"lines swapped":      strings.Replace(text, "kind payment\n", "", 1) + "kind payment\n",
		"another kind":       strings.Replace(text, "kind payment", "kind refund", 1),
		"double space":       strings.Replace(text, "roster 0", "roster  0", 1),
		"short digest":       strings.Replace(text, "01020300", "010203", 1),
		"too long":           text + strings.Repeat("x", decision.MaxNoteBytes),
		"not ASCII":          strings.Replace(text, "bc1q", "bс1q", 1),
		"no feerate":         strings.Replace(text, "max_feerate_sat_kvb 60000", "max_feerate_sat_kvb 0", 1),
		"any feerate":        strings.Replace(text, "max_feerate_sat_kvb 60000", "max_feerate_sat_kvb 10000001", 1),
		"a feerate in vB":    strings.Replace(text, "max_feerate_sat_kvb 60000", "max_feerate_sat_"+"vb 60", 1),
		"a part of a unit":   strings.Replace(text, "max_feerate_sat_kvb 60000", "max_feerate_sat_kvb 60000.5", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if bad == text {
				t.Fatal("the case changes nothing")
			}
			if _, err := decision.Parse([]byte(bad)); !errs.Is(err, "bad_note") {
				t.Errorf("got %v, want bad_note", err)
			}
		})
	}
}

func TestCheckHoldsAddressAndNetwork(t *testing.T) {
	t.Parallel()
	otherScript := example()
	otherScript.PayeeScript = append([]byte{0x00, 0x14}, bytes.Repeat([]byte{7}, 20)...)
	otherGenesis := example()
	otherGenesis.Network.Genesis = strings.Repeat("0", 64)
	testAddress := example()
	testAddress.PayeeAddress = "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"
	for name, n := range map[string]decision.Note{"script": otherScript, "genesis": otherGenesis, "address of another network": testAddress} {
		if err := n.Check(&chaincfg.MainNetParams); !errs.Is(err, "bad_note") {
			t.Errorf("%s: got %v, want bad_note", name, err)
		}
	}
	if err := example().Check(&chaincfg.SimNetParams); !errs.Is(err, "bad_note") {
		t.Errorf("mainnet note on simnet: got %v, want bad_note", err)
	}
}

func exampleBatch(payments int) decision.BatchNote {
	n := decision.BatchNote{
		Network: decision.NetworkOf(&chaincfg.SimNetParams), Batch: uuid.MustParse("0198c0de-0000-7000-8000-00000000000b"),
		Number: 7, Policy: 1, MaxFeeRateSatKVB: 60_000, MaxFee: 20_000,
	}
	for i := range payments {
		n.Payments = append(n.Payments, decision.Payment{
			Decision: decision.Digest{byte(i + 1)}, Script: []byte(exampleScript), Amount: btcutil.Amount(1000 * (i + 1)),
		})
	}
	return n
}

func TestBatchRoundTripAndOrder(t *testing.T) {
	t.Parallel()
	want := exampleBatch(5)
	shuffled := want
	shuffled.Payments = []decision.Payment{want.Payments[3], want.Payments[0], want.Payments[4], want.Payments[2], want.Payments[1]}
	if want.Digest() != shuffled.Digest() {
		t.Error("the order in memory changed the digest")
	}
	got, err := decision.ParseBatch(shuffled.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.Total() != 15_000 {
		t.Errorf("Total = %d, want 15000", got.Total())
	}
}

func TestBatchRefuses(t *testing.T) {
	t.Parallel()
	text := string(exampleBatch(2).Encode())
	twice := exampleBatch(2)
	twice.Payments[1].Decision = twice.Payments[0].Decision
	lines := strings.SplitAfter(text, "\n")
	swapped := strings.Join(append(append(lines[:8:8], lines[9], lines[8]), lines[10:]...), "")
	for name, bad := range map[string]string{
		"decision twice":   string(twice.Encode()),
		"lines swapped":    swapped,
		"wrong count":      strings.Replace(text, "payments 2", "payments 3", 1),
		"hardened number":  strings.Replace(text, "number 7", "number 2147483648", 1),
		"amount missing":   strings.Replace(text, " 1000\n", "\n", 1),
		"zero amount":      strings.Replace(text, " 1000\n", " 0\n", 1),
		"more than exists": strings.Replace(text, " 1000\n", " 2100000000000000\n", 1),
		"decision note":    string(example().Encode()),
	} {
		if _, err := decision.ParseBatch([]byte(bad)); !errs.Is(err, "bad_note") {
			t.Errorf("%s: got %v, want bad_note", name, err)
		}
	}
}

func TestEveryByteCounts(t *testing.T) {
	t.Parallel()
	text := example().Encode()
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		changed := bytes.Clone(text)
		changed[i] ^= byte(rapid.IntRange(1, 255).Draw(t, "xor"))
		n, err := decision.Parse(changed)
		if err == nil && n.Digest() == example().Digest() {
			t.Fatalf("byte %d changed and the digest did not", i)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(example().Encode())
	f.Add([]byte("causeway/decision/v1\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := decision.Parse(text)
		if err == nil && !bytes.Equal(n.Encode(), text) {
			t.Errorf("accepted %q and writes %q", text, n.Encode())
		}
	})
}

func FuzzParseBatch(f *testing.F) {
	f.Add(exampleBatch(0).Encode())
	f.Add(exampleBatch(3).Encode())
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := decision.ParseBatch(text)
		if err == nil && !bytes.Equal(n.Encode(), text) {
			t.Errorf("accepted %q and writes %q", text, n.Encode())
		}
	})
}
