package wallet_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
)

const (
	xpub  = "xpub6ERApfZwUNrhLCkDtcHTcxd75RbzS1ed54G1LkBUHQVHQKqhMkhgbmJbZRkrgZw4koxb5JaHWkY4ALHY2grBGRjaDMzQLcgJvLJuZZvRcEL"
	xprv  = "xprvA1RpRA33e1JQ7ifknakTFpgNXPmW2YvmhqLQYMmrj4xJXXWYpDPS3xz7iAxn8L39njGVyuoseXzU6rcxFLJ8HFsTjSyQbLYnMpCqE2VbFWc"
	chain = "/<0;1>/*"
)

// vectorFile is the shape of the descriptor vectors.
type vectorFile struct {
	Valid, Invalid []struct {
		Note, Desc string
		Scripts    []string
	}
}

func readJSON(t testing.TB, name string, into any) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

func mainnet(t testing.TB) *chaincfg.Params {
	t.Helper()
	net, err := wallet.Params("mainnet")
	if err != nil {
		t.Fatal(err)
	}
	return net
}

func TestParams(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"mainnet", "testnet3", "signet", "simnet", "regtest"} {
		if net, err := wallet.Params(name); err != nil || net.Name != name {
			t.Errorf("Params(%q) = %v, %v", name, net, err)
		}
	}
	if _, err := wallet.Params("main"); !errs.Is(err, "unknown_network") {
		t.Errorf("Params(main) = %v", err)
	}
}

// The vectors pay to one chain; a treasury needs two. Each is therefore read
// with its last fixed step made the first of two.
func TestBIP382RangedVector(t *testing.T) {
	t.Parallel()
	var file vectorFile
	readJSON(t, "descriptors-bip0382.json", &file)
	tested := 0
	for _, v := range file.Valid {
		if !strings.HasPrefix(v.Desc, "wpkh([") || !strings.HasSuffix(v.Desc, "/1/2/*)") {
			continue
		}
		tested++
		d, err := wallet.ParseDescriptor(strings.Replace(v.Desc, "/1/2/*", "/1/<2;3>/*", 1), mainnet(t))
		if err != nil {
			t.Fatalf("%s: %v", v.Desc, err)
		}
		for i, want := range v.Scripts {
			script, err := d.Script(wallet.ChainDeposit, uint32(i))
			if err != nil || hex.EncodeToString(script) != want {
				t.Errorf("script %d of %s = %x, %v; want %s", i, v.Desc, script, err, want)
			}
		}
	}
	if tested != 1 {
		t.Fatalf("%d vectors tested, want 1", tested)
	}
}

// What the standards call invalid is refused here too.
func TestInvalidDescriptorVectors(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"descriptors-bip0380.json", "descriptors-bip0382.json", "descriptors-bip0383.json", "descriptors-bip0386.json", "descriptors-bip0389.json"} {
		var file vectorFile
		readJSON(t, name, &file)
		for _, v := range file.Invalid {
			// BIP 380 lists bare key expressions: each is tried inside wpkh() with
			// chains after it, so that the fault it shows is the only one.
			sorted := strings.Replace(strings.ReplaceAll(v.Desc, ",", chain+","), "multi(", "wsh(sortedmulti(", 1) + chain + "))"
			for _, s := range []string{v.Desc, "wpkh(" + v.Desc + ")", "wpkh(" + v.Desc + chain + ")", sorted} {
				if d, err := wallet.ParseDescriptor(s, mainnet(t)); err == nil {
					t.Errorf("%s: %s: %q was read as %s", name, v.Note, s, d)
				}
			}
		}
	}
}

func TestBIP380Checksum(t *testing.T) {
	t.Parallel()
	body := "wpkh([deadbeef/0h/1h/2h]" + xpub + chain + ")"
	d, err := wallet.ParseDescriptor(body, mainnet(t))
	if err != nil {
		t.Fatal(err)
	}
	full := d.String()
	sum := full[len(body)+1:]
	for _, tc := range []struct {
		s, code string
		strict  bool
	}{
		{full, "", true},
		{body, "", false},
		{body, "bad_checksum", true},
		{body + "#", "bad_checksum", false},
		{full + "x", "bad_checksum", false},
		{full[:len(full)-1], "bad_checksum", false},
		{body + "##" + sum[1:], "bad_checksum", false},
		{strings.Replace(full, "0h", "0'", 1), "bad_checksum", false},
		{"wpkh(Ü)#00000000", "bad_checksum", false},
	} {
		parse := wallet.ParseDescriptor
		if tc.strict {
			parse = wallet.ParseChecksummed
		}
		_, err := parse(tc.s, mainnet(t))
		if code := string(errs.CodeOf(err)); (tc.code == "") != (err == nil) || (err != nil && code != tc.code) {
			t.Errorf("%q: %v, want code %q", tc.s, err, tc.code)
		}
	}
}

func TestParseDescriptorRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, s, code string }{
		{"private key", "wpkh(" + xprv + chain + ")", "private_key_in_descriptor"},
		{"private key with origin", "tr([deadbeef/86h]" + xprv + chain + ")", "private_key_in_descriptor"},
		{"one chain", "wpkh(" + xpub + "/0/*)", "bad_descriptor"},
		{"no wildcard", "wpkh(" + xpub + "/<0;1>/0)", "bad_descriptor"},
		{"hardened wildcard", "wpkh(" + xpub + "/<0;1>/*h)", "bad_descriptor"},
		{"hardened step", "wpkh(" + xpub + "/0h/<0;1>/*)", "bad_descriptor"},
		{"hardened chain", "wpkh(" + xpub + "/<0h;1h>/*)", "bad_descriptor"},
		{"three chains", "wpkh(" + xpub + "/<0;1;2>/*)", "bad_descriptor"},
		{"equal chains", "wpkh(" + xpub + "/<1;1>/*)", "bad_descriptor"},
		{"leading zero", "wpkh(" + xpub + "/<00;1>/*)", "bad_descriptor"},
		{"plus sign", "wpkh(" + xpub + "/<+0;1>/*)", "bad_descriptor"},
		{"single key", "wpkh(02a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd)", "bad_descriptor"},
		{"script path", "tr(" + xpub + chain + ",pk(" + xpub + "/2/*))", "bad_descriptor"},
		{"nested", "sh(wpkh(" + xpub + chain + "))", "bad_descriptor"},
		{"trailing text", "wpkh(" + xpub + chain + ")x", "bad_descriptor"},
		{"other network", "wpkh(tpubDC5FSnBiZDMmhiuCmWAYsLwgLYrrT9rAqvTySfuCCrgsWz8wxMXUS9Tb9iVMvcRbvFcAHGkMD5Kx8koh4GquNGNTfohfk7pgjhaPCdXpoba" + chain + ")", "wrong_network"},
		{"slip 132", "wpkh(zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs" + chain + ")", "bad_descriptor"},
		{"mistyped key", "wpkh(" + xpub[:len(xpub)-1] + "M" + chain + ")", "bad_checksum"},
		{"empty", "", "bad_descriptor"},
		{"long", strings.Repeat("w", 5000), "bad_descriptor"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d, err := wallet.ParseDescriptor(tc.s, mainnet(t))
			if err == nil {
				t.Fatalf("%q was read as %s", tc.s, d)
			}
			if errs.KindOf(err) != errs.Invalid || string(errs.CodeOf(err)) != tc.code {
				t.Errorf("got %v, want code %s", err, tc.code)
			}
			if strings.Contains(err.Error(), "xprv") {
				t.Errorf("the error repeats a private key: %v", err)
			}
		})
	}
}

func TestBIP32InvalidKeys(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/bip0032-invalid.txt")
	if err != nil {
		t.Fatal(err)
	}
	keys := strings.Fields(string(raw))
	if len(keys) != 16 {
		t.Fatalf("%d keys, want 16", len(keys))
	}
	for _, key := range keys {
		if d, err := wallet.ParseDescriptor("wpkh("+key+chain+")", mainnet(t)); err == nil {
			t.Errorf("%s was read as %s", key, d)
		}
	}
}

func TestCanonicalText(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ in, want string }{
		{"wpkh([DEADBEEF/84'/0h/0']" + xpub + chain + ")", "wpkh([deadbeef/84h/0h/0h]" + xpub + chain + ")"},
		{"tr(" + xpub + "/5/<2;7>/9/*)", "tr(" + xpub + "/5/<2;7>/9/*)"},
		{"tr([00000000]" + xpub + chain + ")", "tr([00000000]" + xpub + chain + ")"},
	} {
		d, err := wallet.ParseDescriptor(tc.in, mainnet(t))
		if err != nil {
			t.Errorf("%s: %v", tc.in, err)
			continue
		}
		body, _, _ := strings.Cut(d.String(), "#")
		if body != tc.want {
			t.Errorf("%s: canonical %s, want %s", tc.in, body, tc.want)
		}
		again, err := wallet.ParseChecksummed(d.String(), mainnet(t))
		if err != nil || again.String() != d.String() {
			t.Errorf("%s does not read back: %v", d, err)
		}
	}
}

// BIPs 84 and 86 give the account of the seed of their mnemonic, and addresses.
func TestAccountVectors(t *testing.T) {
	t.Parallel()
	// BIP 39 seed of "abandon … about" without a passphrase.
	seed, err := hex.DecodeString("5eb00bbddcf069084889a8ab9155568165f5c453ccb85e70811aaed6f6da5fc1" +
		"9a5ac40b389cd370d086206dec8aa6c43daea6690f20ad3d8d48b2d2ce9e38e4")
	if err != nil {
		t.Fatal(err)
	}
	for kind, name := range map[wallet.Kind]string{wallet.KindWPKH: "bip0084.json", wallet.KindTR: "bip0086.json"} {
		var vectors []struct{ Title, Address, ScriptPubKey, XPub string }
		readJSON(t, name, &vectors)
		d, err := wallet.DescriptorFromSeed(seed, kind, mainnet(t))
		if err != nil {
			t.Fatal(err)
		}
		tested := 0
		for _, v := range vectors {
			chain, index := wallet.ChainDeposit, uint32(0)
			switch {
			case kind == wallet.KindTR && strings.HasPrefix(v.Title, "Account 0, root") && !strings.Contains(d.String(), v.XPub):
				t.Errorf("%s: %s is not in %s", name, v.XPub, d)
			case strings.Contains(v.Title, "second receiving"):
				index = 1
			case strings.Contains(v.Title, "first change"):
				chain = wallet.ChainChange
			}
			if v.Address == "" {
				continue
			}
			tested++
			if got, err := d.Address(chain, index); err != nil || got != v.Address {
				t.Errorf("%s: %s: %s, %v; want %s", name, v.Title, got, err, v.Address)
			}
			script, err := d.Script(chain, index)
			if err != nil || (v.ScriptPubKey != "" && hex.EncodeToString(script) != v.ScriptPubKey) {
				t.Errorf("%s: %s: script %x, %v", name, v.Title, script, err)
			}
		}
		if tested != 3 {
			t.Errorf("%s: %d addresses tested, want 3", name, tested)
		}
	}
}

func TestOriginDefaultsToTheKeyItself(t *testing.T) {
	t.Parallel()
	d, err := wallet.ParseDescriptor("tr("+xpub+chain+")", mainnet(t))
	if err != nil {
		t.Fatal(err)
	}
	child, err := hdkeychain.NewKeyFromString(xpub)
	if err != nil {
		t.Fatal(err)
	}
	grandchild, err := child.Derive(0)
	if err != nil {
		t.Fatal(err)
	}
	want := grandchild.ParentFingerprint()
	got := d.Origins()[0]
	if hex.EncodeToString(got.Fingerprint[:]) != hex.EncodeToString([]byte{byte(want >> 24), byte(want >> 16), byte(want >> 8), byte(want)}) || len(got.Path) != 0 {
		t.Errorf("origin %s, want fingerprint %08x and no path", got, want)
	}
}

func TestSeedLengths(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 15, 65} {
		if _, err := wallet.DescriptorFromSeed(make([]byte, n), wallet.KindTR, mainnet(t)); !errs.Is(err, "bad_seed") {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if _, err := wallet.DescriptorFromSeed(make([]byte, 32), "wsh", mainnet(t)); !errs.Is(err, "unknown_kind") {
		t.Errorf("kind wsh: %v", err)
	}
}

func TestIndex(t *testing.T) {
	t.Parallel()
	d, err := wallet.ParseDescriptor("wpkh("+xpub+chain+")", mainnet(t))
	if err != nil {
		t.Fatal(err)
	}
	x := wallet.NewIndex(d, 5)
	rapid.Check(t, func(rt *rapid.T) {
		chain := rapid.Uint32Range(0, 1).Draw(rt, "chain")
		index := rapid.Uint32Range(0, 40).Draw(rt, "index")
		x.Use(chain, index)
		for _, i := range []uint32{index, index + 5} {
			script, err := d.Script(chain, i)
			if err != nil {
				rt.Fatal(err)
			}
			if c, got, ok := x.Find(script); !ok || c != chain || got != i {
				rt.Fatalf("after Use(%d, %d): Find(%d) = %d, %d, %v", chain, index, i, c, got, ok)
			}
		}
	})
	fresh := wallet.NewIndex(d, 5)
	script, err := d.Script(wallet.ChainChange, 5)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, ok := fresh.Find(script); ok {
		t.Error("a script beyond the window was found")
	}
	fresh.Use(wallet.ChainChange, hdkeychain.HardenedKeyStart) // must not loop or panic
	if _, err := d.Script(wallet.ChainChange, hdkeychain.HardenedKeyStart); err == nil {
		t.Error("a hardened index gave a script")
	}
	if _, err := d.Script(2, 0); err == nil {
		t.Error("chain 2 gave a script")
	}
}

func FuzzParseDescriptor(f *testing.F) {
	for _, s := range []string{
		"wpkh(" + xpub + chain + ")", "tr([deadbeef/86h/0'/0h]" + xpub + "/1/<0;1>/2/*)", "wpkh([deadbeef/]" + xpub + ")",
		"wsh(sortedmulti(1,[deadbeef]" + xpub + chain + "))", "wsh(sortedmulti(1,,))", "tr(" + xprv + ")", "#", "wpkh(#)", "wpkh()#00000000", "tr([aaaaaaaa][", "wpkh(/<;>/*)",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		net, err := wallet.Params("mainnet")
		if err != nil {
			t.Fatal(err)
		}
		d, err := wallet.ParseDescriptor(s, net)
		if err != nil {
			if errs.KindOf(err) != errs.Invalid {
				t.Errorf("%q: %v is not Invalid", s, err)
			}
			return
		}
		again, err := wallet.ParseChecksummed(d.String(), net)
		if err != nil || again.String() != d.String() {
			t.Errorf("%q: %s does not read back: %v", s, d, err)
		}
	})
}
