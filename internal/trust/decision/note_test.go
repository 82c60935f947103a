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
		Network:       decision.NetworkOf(&chaincfg.MainNetParams),
		Fund:          exampleFund(),
		Decision:      uuid.MustParse("0198c0de-0000-7000-8000-000000000001"),
		Grant:         uuid.MustParse("0198c0dd-0000-7000-8000-0000000000aa"),
		Application:   decision.Digest{1, 2, 3},
		Currency:      decision.CurrencySat,
		Amount:        1_000_000,
		SatLeast:      1_000_000,
		SatMost:       1_000_000,
		Periods:       1,
		FirstDue:      time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC),
		Every:         decision.Once,
		PayWithinDays: 30,
		Payees:        []decision.Payee{{Script: []byte(exampleScript), Address: exampleAddress}},
	}
}

func exampleFund() uuid.UUID { return uuid.MustParse("0198c0de-0000-7000-8000-0000000000ff") }

// stipend is example in euro, for three months.
func stipend() decision.Note {
	n := example()
	n.Currency, n.Amount, n.SatLeast, n.SatMost = "EUR", 50_000, 600_000, 900_000
	n.Periods, n.Every = 3, decision.EveryMonth
	return n
}

func TestNoteText(t *testing.T) {
	t.Parallel()
	want := `causeway/decision/v2
network mainnet 000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f
fund 0198c0de-0000-7000-8000-0000000000ff
decision 0198c0de-0000-7000-8000-000000000001
grant 0198c0dd-0000-7000-8000-0000000000aa
application 0102030000000000000000000000000000000000000000000000000000000000
currency sat
amount 1000000
sat 1000000 1000000
periods 1
first_due 2026-11-26 every none
pay_within_days 30
replaces none
payee 0 0014751e76e8199196d454941c45d1b3a323f1433bd6 bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4
address_proof none
`
	if diff := cmp.Diff(want, string(example().Encode())); diff != "" {
		t.Errorf("note text (-want +got):\n%s", diff)
	}
	want = `causeway/decision/v2
network mainnet 000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f
fund 0198c0de-0000-7000-8000-0000000000ff
decision 0198c0de-0000-7000-8000-000000000001
grant 0198c0dd-0000-7000-8000-0000000000aa
application 0102030000000000000000000000000000000000000000000000000000000000
currency EUR
amount 50000
sat 600000 900000
periods 3
first_due 2026-11-26 every month
pay_within_days 30
replaces 0700000000000000000000000000000000000000000000000000000000000000 4
payee 1 0014751e76e8199196d454941c45d1b3a323f1433bd6 bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4
payee 2 0014751e76e8199196d454941c45d1b3a323f1433bd6 bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4
payee 3 0014751e76e8199196d454941c45d1b3a323f1433bd6 bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4
address_proof bip322 0800000000000000000000000000000000000000000000000000000000000000
`
	full := fullNote()
	if diff := cmp.Diff(want, string(full.Encode())); diff != "" {
		t.Errorf("note text (-want +got):\n%s", diff)
	}
	if got, err := decision.Parse([]byte(want)); err != nil || !cmp.Equal(got, full) {
		t.Errorf("%v (-want +got):\n%s", err, cmp.Diff(full, got))
	}
}

// fullNote has something in every line.
func fullNote() decision.Note {
	n := stipend()
	n.Replaces = decision.Replaced{Note: decision.Digest{7}, Period: 4}
	n.Payees = []decision.Payee{n.Payees[0], n.Payees[0], n.Payees[0]}
	n.Proof = decision.AddressProof{Kind: decision.ProofBIP322, Digest: decision.Digest{8}}
	return n
}

func TestTheLongestNoteFits(t *testing.T) {
	t.Parallel()
	n := fullNote()
	n.Network.Name, n.Currency, n.Amount = "testnet3", "IRR", 1<<63-1
	n.Periods, n.SatLeast, n.SatMost = decision.MaxPeriods, 1, 58_333_333_333_333
	n.Payees = nil
	for range decision.MaxPeriods {
		// P2TR: the longest script that people are paid at, with the longest prefix of a network.
		n.Payees = append(n.Payees, decision.Payee{Script: make([]byte, 34), Address: "bcrt1" + strings.Repeat("q", 59)})
	}
	text := n.Encode()
	if _, err := decision.Parse(text); err != nil {
		t.Errorf("%d bytes: %v", len(text), err)
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
		"empty":                "",
		"no last line feed":    strings.TrimSuffix(text, "\n"),
		"two last feeds":       text + "\n",
		"carriage returns":     strings.ReplaceAll(text, "\n", "\r\n"),
		"another header":       strings.Replace(text, "decision/v2", "batch/v2", 1),
		"another version":      strings.Replace(text, "decision/v2", "decision/v1", 1),
		"leading zero":         strings.Replace(text, "amount 1000000", "amount 01000000", 1),
		"plus sign":            strings.Replace(text, "amount 1000000", "amount +1000000", 1),
		"negative":             strings.ReplaceAll(text, "1000000", "-1000000"),
		"zero":                 strings.ReplaceAll(text, "1000000", "0"),
		"too much":             strings.ReplaceAll(text, "1000000", "2100000000000001"),
		"more than is owed":    strings.Replace(text, "sat 1000000 1000000", "sat 1000000 1000001", 1),
		"less than is owed":    strings.Replace(text, "sat 1000000 1000000", "sat 999999 1000000", 1),
		"three bounds":         strings.Replace(text, "sat 1000000 1000000", "sat 1000000 1000000 1", 1),
		"one bound":            strings.Replace(text, "sat 1000000 1000000", "sat 1000000", 1),
		"no currency":          strings.Replace(text, "currency sat", "currency XXX", 1),
		"gold":                 strings.Replace(text, "currency sat", "currency XAU", 1),
		"unknown currency":     strings.Replace(text, "currency sat", "currency QQQ", 1),
		"small letters":        strings.Replace(text, "currency sat", "currency usd", 1),
		"large satoshi":        strings.Replace(text, "currency sat", "currency SAT", 1),
		"no period":            strings.Replace(text, "periods 1", "periods 0", 1),
		"too many periods":     strings.Replace(strings.Replace(text, "periods 1", "periods 37", 1), "every none", "every week", 1),
		"two periods at once":  strings.Replace(text, "periods 1", "periods 2", 1),
		"one period a month":   strings.Replace(text, "every none", "every month", 1),
		"every day":            strings.Replace(text, "every none", "every day", 1),
		"no rhythm":            strings.Replace(text, " every none", "", 1),
		"no such day":          strings.Replace(text, "2026-11-26", "2026-11-31", 1),
		"a day and an hour":    strings.Replace(text, "2026-11-26", "2026-11-26T00:00:00Z", 1),
		"never":                strings.Replace(text, "pay_within_days 30", "pay_within_days 0", 1),
		"for ever":             strings.Replace(text, "pay_within_days 30", "pay_within_days 3651", 1),
		"replaces nothing":     strings.Replace(text, "replaces none", "replaces none 1", 1),
		"replaces period 0":    strings.Replace(text, "replaces none", "replaces "+strings.Repeat("0", 64)+" 0", 1),
		"replaces period 37":   strings.Replace(text, "replaces none", "replaces "+strings.Repeat("0", 64)+" 37", 1),
		"no payee":             strings.Replace(text, "payee 0 ", "nobody 0 ", 1),
		"payee 1 for all":      strings.Replace(text, "payee 0 ", "payee 1 ", 1),
		"payee without script": strings.Replace(text, "payee 0 0014751e76e8199196d454941c45d1b3a323f1433bd6", "payee 0 ", 1),
		"two payees":           strings.Replace(text, "payee 0 ", "payee 1 0014 x\npayee 2 ", 1),
		"an unknown proof":     strings.Replace(text, "address_proof none", "address_proof ecdsa "+strings.Repeat("0", 64), 1),
		"a proof of nothing":   strings.Replace(text, "address_proof none", "address_proof legacy", 1),
		"another fund":         strings.Replace(text, "fund 0198c0de", "fund 0198C0DE", 1),
		"upper-case hex":       strings.Replace(text, "751e76e8", "751E76E8", 1),
		"upper-case uuid":      strings.Replace(text, "0198c0de", "0198C0DE", 1),
		"line twice":           strings.Replace(text, "periods 1\n", "periods 1\nperiods 1\n", 1),
		"lines swapped":        strings.Replace(text, "replaces none\n", "", 1) + "replaces none\n",
		"double space":         strings.Replace(text, "periods 1", "periods  1", 1),
		"short digest":         strings.Replace(text, "01020300", "010203", 1),
		"too long":             text + strings.Repeat("x", decision.MaxNoteBytes),
		"not ASCII":            strings.Replace(text, "bc1q", "bс1q", 1),
		"a feerate":            strings.Replace(text, "replaces", "max_feerate_sat_kvb 60000\nreplaces", 1),
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
	otherScript.Payees[0].Script = append([]byte{0x00, 0x14}, bytes.Repeat([]byte{7}, 20)...)
	otherGenesis := example()
	otherGenesis.Network.Genesis = strings.Repeat("0", 64)
	testAddress := example()
	testAddress.Payees[0].Address = "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"
	capitals := example()
	capitals.Payees[0].Address = strings.ToUpper(exampleAddress)
	third := fullNote()
	third.Payees[2].Address = "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"
	for name, n := range map[string]decision.Note{
		"script": otherScript, "genesis": otherGenesis, "address of another network": testAddress,
		"address in capitals": capitals, "third of three payees": third,
	} {
		if err := n.Check(&chaincfg.MainNetParams); !errs.Is(err, "bad_note") {
			t.Errorf("%s: got %v, want bad_note", name, err)
		}
	}
	if err := example().Check(&chaincfg.SimNetParams); !errs.Is(err, "bad_note") {
		t.Errorf("mainnet note on simnet: got %v, want bad_note", err)
	}
}

func exampleUntil() time.Time { return time.Date(2026, 12, 3, 10, 0, 0, 0, time.UTC) }

func exampleBatch(payments int) decision.BatchNote {
	n := decision.BatchNote{
		Network: decision.NetworkOf(&chaincfg.SimNetParams), Batch: uuid.MustParse("0198c0de-0000-7000-8000-00000000000b"),
		Fund: exampleFund(), Number: 7, Treasury: 2, Until: exampleUntil(), MaxFeeRateSatKVB: 60_000, MaxFee: 20_000,
	}
	for i := range payments {
		n.Payments = append(n.Payments, decision.Payment{
			Decision: decision.Digest{byte(i/2 + 1)}, Period: i%2 + 1, Script: []byte(exampleScript), Amount: btcutil.Amount(1000 * (i + 1)),
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
	twice.Payments[1].Period = twice.Payments[0].Period
	lines := strings.SplitAfter(text, "\n")
	swapped := strings.Join(append(append(lines[:10:10], lines[11], lines[10]), lines[12:]...), "")
	rated := exampleBatch(1)
	rated.Rates = []decision.Rate{{Currency: "EUR", PerBTC: 5_000_000}, {Currency: "USD", PerBTC: 6_000_000}}
	rates := string(rated.Encode())
	if _, err := decision.ParseBatch([]byte(rates)); err != nil || !strings.Contains(rates, "\nrate EUR 5000000 0000") {
		t.Fatalf("%v in %s", err, rates)
	}
	for name, bad := range map[string]string{
		"period twice":      string(twice.Encode()),
		"period 0":          strings.Replace(text, " 1 0014", " 0 0014", 1),
		"period 37":         strings.Replace(text, " 2 0014", " 37 0014", 1),
		"period missing":    strings.Replace(text, " 1 0014", " 0014", 1),
		"rate of satoshi":   strings.Replace(rates, "rate EUR", "rate sat", 1),
		"rates swapped":     strings.NewReplacer("rate EUR", "rate USD", "rate USD", "rate EUR").Replace(rates),
		"rate twice":        strings.Replace(rates, "rate EUR", "rate USD", 1),
		"rate zero":         strings.Replace(rates, "EUR 5000000", "EUR 0", 1),
		"negative rate":     strings.Replace(rates, "EUR 5000000", "EUR -5000000", 1),
		"rate at the end":   text + "rate EUR 5000000 " + strings.Repeat("0", 64) + "\n",
		"rate unquoted":     strings.Replace(rates, "EUR 5000000 "+strings.Repeat("0", 64), "EUR 5000000", 1),
		"another zone":      strings.Replace(text, "2026-12-03T10:00:00Z", "2026-12-03T10:00:00+00:00", 1),
		"part of a second":  strings.Replace(text, "2026-12-03T10:00:00Z", "2026-12-03T10:00:00.5Z", 1),
		"no last moment":    strings.Replace(text, "until 2026-12-03T10:00:00Z\n", "", 1),
		"negative treasury": strings.Replace(text, "treasury 2", "treasury -2", 1),
		"lines swapped":     swapped,
		"wrong count":       strings.Replace(text, "payments 2", "payments 3", 1),
		"hardened number":   strings.Replace(text, "number 7", "number 2147483648", 1),
		"amount missing":    strings.Replace(text, " 1000\n", "\n", 1),
		"zero amount":       strings.Replace(text, " 1000\n", " 0\n", 1),
		"more than exists":  strings.Replace(text, " 1000\n", " 2100000000000000\n", 1),
		"decision note":     string(example().Encode()),
	} {
		if _, err := decision.ParseBatch([]byte(bad)); !errs.Is(err, "bad_note") {
			t.Errorf("%s: got %v, want bad_note", name, err)
		}
	}
}

func TestEveryByteCounts(t *testing.T) {
	t.Parallel()
	text := fullNote().Encode()
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		changed := bytes.Clone(text)
		changed[i] ^= byte(rapid.IntRange(1, 255).Draw(t, "xor"))
		n, err := decision.Parse(changed)
		if err == nil && n.Digest() == fullNote().Digest() {
			t.Fatalf("byte %d changed and the digest did not", i)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(example().Encode())
	f.Add(fullNote().Encode())
	f.Add([]byte("causeway/decision/v2\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := decision.Parse(text)
		if err == nil && !bytes.Equal(n.Encode(), text) {
			t.Errorf("accepted %q and writes %q", text, n.Encode())
		}
		if err != nil {
			return
		}
		for period := 1; period <= n.Periods; period++ { // must not panic, whatever is said
			n.Payee(period)
			if !n.Due(period).Before(n.Until(period)) || period > 1 && !n.Due(period-1).Before(n.Due(period)) {
				t.Errorf("period %d of %q is due %s, until %s", period, text, n.Due(period), n.Until(period))
			}
			for _, rate := range []int64{-1, 0, 1, 1 << 62} {
				if sat, err := n.Sat(period, rate); err == nil && (sat < n.SatLeast || sat > n.SatMost) {
					t.Errorf("period %d of %q pays %d", period, text, sat)
				}
			}
		}
	})
}

func FuzzParseBatch(f *testing.F) {
	f.Add(exampleBatch(0).Encode())
	f.Add(exampleBatch(3).Encode())
	rated := exampleBatch(1)
	rated.Rates = []decision.Rate{{Currency: "IRR", PerBTC: 1 << 60}}
	f.Add(rated.Encode())
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := decision.ParseBatch(text)
		if err == nil && !bytes.Equal(n.Encode(), text) {
			t.Errorf("accepted %q and writes %q", text, n.Encode())
		}
	})
}
