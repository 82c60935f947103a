package wallet_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
)

// code returns a field error's code, or "".
func code(f *errs.Field) string {
	if f == nil {
		return ""
	}
	return string(f.Code)
}

func TestAddressVectors(t *testing.T) {
	t.Parallel()
	type vector struct{ Addr, Script, Reason string }
	for _, name := range []string{"bip0173.json", "bip0350.json"} {
		var file struct{ Valid, Invalid []vector }
		readJSON(t, name, &file)
		for _, v := range file.Valid {
			netName := "mainnet"
			if strings.HasPrefix(strings.ToLower(v.Addr), "tb1") {
				netName = "testnet3"
			}
			net, err := wallet.Params(netName)
			if err != nil {
				t.Fatal(err)
			}
			payee, bad := wallet.ParsePayee(v.Addr, net, nil)
			// We pay to version 0, and to version 1 with 32 bytes. BIP 350 made
			// BIP 173's spelling of later versions a checksum error.
			known := strings.HasPrefix(v.Script, "00") || (strings.HasPrefix(v.Script, "5120") && len(v.Script) == 68)
			switch {
			case !known && bad == nil:
				t.Errorf("%s: %s is payable", name, v.Addr)
			case !known && code(bad) != "unknown_witness_version" && code(bad) != "bad_checksum":
				t.Errorf("%s: %s: %v", name, v.Addr, bad)
			case known && (bad != nil || hex.EncodeToString(payee.Script) != v.Script):
				t.Errorf("%s: %s: script %x, %v; want %s", name, v.Addr, payee.Script, bad, v.Script)
			case known && payee.Address != strings.ToLower(v.Addr):
				t.Errorf("%s: canonical %s", v.Addr, payee.Address)
			}
		}
		for _, v := range file.Invalid {
			for _, netName := range []string{"mainnet", "testnet3"} {
				net, err := wallet.Params(netName)
				if err != nil {
					t.Fatal(err)
				}
				_, bad := wallet.ParsePayee(v.Addr, net, nil)
				if bad == nil || bad.Code == "wrong_network" {
					t.Errorf("%s: %s (%s) on %s: %v", name, v.Addr, v.Reason, netName, bad)
				}
				if v.Reason == "Mixed case" && code(bad) != "mixed_case" {
					t.Errorf("%s: code %q, want mixed_case", v.Addr, code(bad))
				}
			}
		}
	}
}

func TestParsePayee(t *testing.T) {
	t.Parallel()
	const segwit = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
	for _, tc := range []struct{ net, in, want, code, of string }{
		{"mainnet", segwit, segwit, "", ""},
		{"mainnet", "  " + segwit + "\n", segwit, "", ""},
		{"mainnet", "\u202a\u200f" + segwit + "\u202c\ufeff", segwit, "", ""},
		{"mainnet", strings.ToUpper(segwit), segwit, "", ""},
		{"mainnet", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "", ""},
		{"mainnet", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "", ""},
		{"signet", "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7", "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7", "", ""},
		{"regtest", "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", "", ""},

		{"testnet3", segwit, "", "wrong_network", "mainnet"},
		{"simnet", "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7", "", "wrong_network", "testnet3"},
		{"testnet3", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "", "wrong_network", "mainnet"},
		{"mainnet", "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", "", "wrong_network", "testnet3"},
		{"mainnet", "2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc", "", "wrong_network", "testnet3"},

		{"mainnet", "", "", "required", ""},
		{"mainnet", " \t", "", "required", ""},
		{"mainnet", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "", "bad_checksum", ""},
		{"mainnet", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3", "", "bad_checksum", ""},
		{"mainnet", "bc1qW508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "", "mixed_case", ""},
		{"mainnet", "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", "", "unknown_witness_version", ""},
		{"mainnet", "bc1pfeessrawgf", "", "unspendable", ""}, // pay to anchor
		{"mainnet", "\u200f\u200e", "", "required", ""},
		{"mainnet", strings.Repeat("1", 5000), "", "not_an_address", ""},
	} {
		t.Run(tc.net+"/"+tc.in[:min(len(tc.in), 30)], func(t *testing.T) {
			t.Parallel()
			net, err := wallet.Params(tc.net)
			if err != nil {
				t.Fatal(err)
			}
			got, bad := wallet.ParsePayee(tc.in, net, nil)
			if got.Address != tc.want || code(bad) != tc.code {
				t.Fatalf("got %q, %v; want %q, code %q", got.Address, bad, tc.want, tc.code)
			}
			if tc.of != "" && (bad.Params["network"] != tc.of || bad.Params["expected"] != tc.net) {
				t.Errorf("params %v, want network %s", bad.Params, tc.of)
			}
			if bad != nil && (bad.Field != wallet.PayeeField || bad.Message == "") {
				t.Errorf("incomplete field error %+v", bad)
			}
		})
	}
}

// No x coordinate of the curve equals 5 (mod p), so nobody can hold this key.
func TestOffCurveTaprootIsUnspendable(t *testing.T) {
	t.Parallel()
	script := append([]byte{0x51, 0x20}, make([]byte, 32)...)
	script[33] = 5
	addr := wallet.AddressOf(script, mainnet(t))
	if addr == "" {
		t.Fatal("the script has no address")
	}
	if _, bad := wallet.ParsePayee(addr, mainnet(t), nil); code(bad) != "unspendable" {
		t.Errorf("%s: %v", addr, bad)
	}
}

func TestTreasuryCannotBePaid(t *testing.T) {
	t.Parallel()
	d, err := wallet.ParseDescriptor("tr("+xpub+chain+")", mainnet(t))
	if err != nil {
		t.Fatal(err)
	}
	addr, err := d.Address(wallet.ChainDeposit, 3)
	if err != nil {
		t.Fatal(err)
	}
	x := wallet.NewIndex(d, 10)
	own := func(script []byte) bool { _, _, ok := x.Find(script); return ok }
	if _, bad := wallet.ParsePayee(addr, mainnet(t), own); code(bad) != "treasury_script" {
		t.Errorf("%s: %v", addr, bad)
	}
}

func TestDustLimit(t *testing.T) {
	t.Parallel()
	zeros := func(prefix string, n int, suffix string) string { return prefix + strings.Repeat("00", n) + suffix }
	for _, tc := range []struct {
		name, script string
		want         btcutil.Amount
	}{
		{"p2wpkh", zeros("0014", 20, ""), 294},
		{"p2wsh", zeros("0020", 32, ""), 330},
		{"p2tr", zeros("5120", 32, ""), 330},
		{"p2sh", zeros("a914", 20, "87"), 540},
		{"p2pkh", zeros("76a914", 20, "88ac"), 546},
		{"op_return", "6a0100", 0},
	} {
		script, err := hex.DecodeString(tc.script)
		if err != nil {
			t.Fatal(err)
		}
		if got := wallet.DustLimit(script); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, got, tc.want)
		}
	}
}

// Versions 2 to 16 pass where a fund's policy lets them, in the spelling of BIP
// 350 and in no other.
func TestFutureWitnessVersions(t *testing.T) {
	t.Parallel()
	allow := wallet.PayeeRules{AllowFutureWitness: true}
	type vector struct{ Addr, Script, Reason string }
	var file struct{ Valid, Invalid []vector }
	readJSON(t, "bip0350.json", &file)
	tested := 0
	for _, v := range file.Valid {
		script, err := hex.DecodeString(v.Script)
		if err != nil {
			t.Fatal(err)
		}
		if script[0] < 0x52 || script[0] > 0x60 {
			continue
		}
		tested++
		payee, bad := allow.Parse(v.Addr, mainnet(t), nil)
		if bad != nil || !bytes.Equal(payee.Script, script) || payee.Address != strings.ToLower(v.Addr) {
			t.Errorf("%s: %+v, %v", v.Addr, payee, bad)
		}
		if _, bad := wallet.ParsePayee(v.Addr, mainnet(t), nil); code(bad) != "unknown_witness_version" {
			t.Errorf("%s without leave: %v", v.Addr, bad)
		}
	}
	if tested < 2 {
		t.Errorf("%d vectors tested", tested)
	}
	for _, v := range file.Invalid {
		for _, name := range []string{"mainnet", "testnet3"} {
			net, err := wallet.Params(name)
			if err != nil {
				t.Fatal(err)
			}
			if payee, bad := allow.Parse(v.Addr, net, nil); bad == nil {
				t.Errorf("%s (%s): %+v", v.Addr, v.Reason, payee)
			}
		}
	}
	// Version 1 has its rules already.
	for _, s := range []string{"bc1pfeessrawgf", "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y"} {
		if _, bad := allow.Parse(s, mainnet(t), nil); bad == nil {
			t.Errorf("%s is payable", s)
		}
	}
	for version := byte(2); version <= 16; version++ {
		for _, n := range []int{2, 20, 32, 40} {
			script := append([]byte{0x50 + version, byte(n)}, bytes.Repeat([]byte{version}, n)...)
			payee, bad := allow.Parse(wallet.AddressOf(script, mainnet(t)), mainnet(t), nil)
			if bad != nil || !bytes.Equal(payee.Script, script) {
				t.Errorf("version %d, %d bytes: %+v, %v", version, n, payee, bad)
			}
			if got, want := wallet.DustLimit(script), btcutil.Amount(3*(8+1+2+n+67)); got != want {
				t.Errorf("version %d, %d bytes: dust %d, want %d", version, n, got, want)
			}
		}
	}
	for _, script := range []string{"5201aa", "5229" + strings.Repeat("aa", 41), "6102aaaa"} {
		raw, err := hex.DecodeString(script)
		if err != nil {
			t.Fatal(err)
		}
		if addr := wallet.AddressOf(raw, mainnet(t)); addr != "" {
			t.Errorf("%s has address %s", script, addr)
		}
	}
}

// Simnet's P2PKH addresses begin with S, and one in some thousands with "Sb1",
// like a segwit address of simnet.
func TestSimnetBase58IsNotTakenForBech32(t *testing.T) {
	t.Parallel()
	net, err := wallet.Params("simnet")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for i := uint32(0); found < 3 && i < 1_000_000; i++ {
		hash := make([]byte, 20)
		binary.BigEndian.PutUint32(hash, i*4_000)
		for _, version := range []byte{net.PubKeyHashAddrID, net.ScriptHashAddrID} {
			addr := base58.CheckEncode(hash, version)
			if !strings.EqualFold(addr[:3], "sb1") {
				continue
			}
			found++
			payee, bad := wallet.ParsePayee(addr, net, nil)
			if bad != nil || payee.Address != addr || !bytes.Contains(payee.Script, hash) {
				t.Fatalf("%s: %+v, %v", addr, payee, bad)
			}
			if _, bad := wallet.ParsePayee(addr, mainnet(t), nil); code(bad) != "wrong_network" {
				t.Errorf("%s on mainnet: %v", addr, bad)
			}
			last := byte('2')
			if addr[len(addr)-1] == last {
				last = '3'
			}
			if _, bad := wallet.ParsePayee(addr[:len(addr)-1]+string(last), net, nil); code(bad) != "bad_checksum" {
				t.Errorf("%s mistyped: %v", addr, bad)
			}
		}
	}
	if found < 3 {
		t.Errorf("%d addresses found, want 3", found)
	}
	// And bech32 in both cases is still told so.
	script := append([]byte{0, 20}, make([]byte, 20)...)
	addr := wallet.AddressOf(script, net)
	if _, bad := wallet.ParsePayee("S"+addr[1:], net, nil); code(bad) != "mixed_case" {
		t.Errorf("S%s: %v", addr[1:], bad)
	}
}

func FuzzParsePayee(f *testing.F) {
	for _, s := range []string{
		"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "BC1SW50QGDZ25J", "bc1gmk9yu", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
		"3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "bc1pfeessrawgf", "bc1", "sb1", "1", "\u200bbc1q", "bcrt1", "tb1q\xff",
	} {
		f.Add(s)
	}
	rules := wallet.PayeeRules{AllowFutureWitness: true}
	f.Fuzz(func(t *testing.T, s string) {
		for _, name := range []string{"mainnet", "testnet3", "simnet", "regtest"} {
			net, err := wallet.Params(name)
			if err != nil {
				t.Fatal(err)
			}
			payee, bad := rules.Parse(s, net, nil)
			if (bad == nil) != (len(payee.Script) > 0) {
				t.Fatalf("%q: %+v, %v", s, payee, bad)
			}
			if bad != nil {
				continue
			}
			again, bad := rules.Parse(payee.Address, net, nil)
			if bad != nil || again.Address != payee.Address || !bytes.Equal(again.Script, payee.Script) {
				t.Errorf("%q on %s: %q does not read back: %v", s, name, payee.Address, bad)
			}
		}
	})
}
