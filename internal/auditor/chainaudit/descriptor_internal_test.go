package chainaudit

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
)

// The account keys of the test vectors of BIP84 and BIP86, which are in the public domain.
const (
	bip84Key = "xpub6CatWdiZiodmUeTDp8LT5or8nmbKNcuyvz7WyksVFkKB4RHwCD3XyuvPEbvqAQY3rAPshWcMLoP2fMFMKHPJ4ZeZXYVUhLv1VMrjPC7PW6V"
	bip86Key = "xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdDEHGCtMMj92pReUsQ"
)

func sealed(t *testing.T, body string) string {
	t.Helper()
	sum, err := checksum(body)
	if err != nil {
		t.Fatal(err)
	}
	return body + "#" + sum
}

func TestScriptsOfPublishedVectors(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body         string
		chain, index uint32
		script       string
	}{
		"BIP84 first":  {"wpkh([73c5da0a/84'/0'/0']" + bip84Key + "/<0;1>/*)", 0, 0, "0014c0cebcd6c3d3ca8c75dc5ec62ebe55330ef910e2"},
		"BIP84 second": {"wpkh(" + bip84Key + "/<0;1>/*)", 0, 1, "00149c90f934ea51fa0f6504177043e0908da6929983"},
		"BIP84 change": {"wpkh(" + bip84Key + "/<0;1>/*)", 1, 0, "00143e34985dca6fddc9fb369940e4c7d8e2873f529c"},
		"BIP86 first":  {"tr(" + bip86Key + "/<0;1>/*)", 0, 0, "5120a60869f0dbcf1dc659c9cecbaf8050135ea9e8cdc487053f1dc6880949dc684c"},
		"BIP86 second": {"tr(" + bip86Key + "/<0;1>/*)", 0, 1, "5120a82f29944d65b86ae6b5e5cc75e294ead6c59391a1edc5e016e3498c67fc7bbb"},
		"BIP86 change": {"tr(" + bip86Key + "/<0;1>/*)", 1, 0, "5120882d74e5d0572d5a816cef0041a96b6c1de832f6f9676d9605c44d5e9a97d3dc"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := parseDescriptor(sealed(t, tc.body), &chaincfg.MainNetParams)
			if err != nil {
				t.Fatal(err)
			}
			script, err := d.script(tc.chain, tc.index)
			if got := hex.EncodeToString(script); err != nil || got != tc.script {
				t.Errorf("script %s (%v), want %s", got, err, tc.script)
			}
		})
	}
}

func TestChecksumOfPublishedVectors(t *testing.T) {
	t.Parallel()
	// BIP380, and the descriptors of Bitcoin Core's documentation.
	for body, want := range map[string]string{
		"raw(deadbeef)": "89f8spxm",
		"addr(mkmZxiEcEd8ZqjQWVZuC6so5dFMKEFpN2j)":                                 "02wpgw69",
		"wpkh(02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9)": "8zl0zxma",
	} {
		if got, err := checksum(body); err != nil || got != want {
			t.Errorf("checksum of %s is %s (%v), not %s", body, got, err, want)
		}
	}
	if _, err := checksum("wpkh(é)"); err == nil {
		t.Error("a character outside the alphabet was accepted")
	}
}

// TestDescriptorAsTheWalletReadsIt holds the two readers against each other.
func TestDescriptorAsTheWalletReadsIt(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"wpkh([73c5da0a/84'/0'/0h]" + bip84Key + "/<0;1>/*)",
		"wsh(sortedmulti(2,[73c5da0a/48'/0'/0'/2']" + bip84Key + "/<0;1>/*," + bip86Key + "/<0;1>/*))",
		"wsh(sortedmulti(1," + bip86Key + "/5/<2;1>/*,[00000000]" + bip84Key + "/<0;1>/*))",
		"tr([73C5DA0A/86'/0'/0']" + bip86Key + "/7/<4;9>/3/*)",
	} {
		ours, err := parseDescriptor(sealed(t, body), &chaincfg.MainNetParams)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := wallet.ParseDescriptor(body, &chaincfg.MainNetParams)
		if err != nil {
			t.Fatal(err)
		}
		if ours.text != theirs.String() {
			t.Errorf("text %s\nnot  %s", ours.text, theirs)
		}
		for chain := range chainCount {
			for _, index := range []uint32{0, 1, 99, 1 << 30} {
				a, errA := ours.script(chain, index)
				b, errB := theirs.Script(chain, index)
				if errA != nil || errB != nil || string(a) != string(b) {
					t.Errorf("script %d/%d: %x (%v), the wallet's %x (%v)", chain, index, a, errA, b, errB)
				}
			}
		}
	}
}

func TestDescriptorsThatAreRefused(t *testing.T) {
	t.Parallel()
	private, err := hdkeychain.NewMaster([]byte("0123456789abcdef"), &chaincfg.MainNetParams)
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{
		"private key":      "wpkh(" + private.String() + "/<0;1>/*)",
		"another kind":     "pkh(" + bip84Key + "/<0;1>/*)",
		"script path":      "tr(" + bip86Key + "/<0;1>/*,pk(" + bip84Key + "/<0;1>/*))",
		"unsorted multi":   "wsh(multi(1," + bip84Key + "/<0;1>/*))",
		"threshold of 0":   "wsh(sortedmulti(0," + bip84Key + "/<0;1>/*))",
		"threshold above":  "wsh(sortedmulti(2," + bip84Key + "/<0;1>/*))",
		"threshold +1":     "wsh(sortedmulti(+1," + bip84Key + "/<0;1>/*))",
		"key twice":        "wsh(sortedmulti(1," + bip84Key + "/<0;1>/*," + bip84Key + "/<0;1>/*))",
		"21 keys":          "wsh(sortedmulti(1" + strings.Repeat(","+bip84Key+"/<0;1>/*", 21) + "))",
		"no key":           "wpkh()",
		"no change":        "wpkh(" + bip84Key + "/0/*)",
		"no wildcard":      "wpkh(" + bip84Key + "/<0;1>)",
		"three chains":     "wpkh(" + bip84Key + "/<0;1;2>/*)",
		"equal chains":     "wpkh(" + bip84Key + "/<0;0>/*)",
		"chains twice":     "wpkh(" + bip84Key + "/<0;1>/<0;1>/*)",
		"open chains":      "wpkh(" + bip84Key + "/<0;1/*)",
		"hardened step":    "wpkh(" + bip84Key + "/1h/<0;1>/*)",
		"leading zero":     "wpkh(" + bip84Key + "/01/<0;1>/*)",
		"origin too short": "wpkh([73c5da/84h]" + bip84Key + "/<0;1>/*)",
		"origin not hex":   "wpkh([73c5dag0/84h]" + bip84Key + "/<0;1>/*)",
		"origin twice h":   "wpkh([73c5da0a/84h']" + bip84Key + "/<0;1>/*)",
		"origin open":      "wpkh([73c5da0a" + bip84Key + "/<0;1>/*)",
		"bracket open":     "wpkh(" + bip84Key + "/<0;1>/*",
		"xpub mistyped":    "wpkh(" + strings.Replace(bip84Key, "W", "X", 1) + "/<0;1>/*)",
	} {
		if _, err := parseDescriptor(sealed(t, body), &chaincfg.MainNetParams); !errs.Is(err, "bad_descriptor") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	// Whoever did that must learn it.
	if _, err := parseDescriptor(sealed(t, "wpkh("+private.String()+"/<0;1>/*)"), &chaincfg.MainNetParams); !strings.Contains(err.Error(), "exposed") {
		t.Errorf("a private key: got %v", err)
	}
	good := "wpkh(" + bip84Key + "/<0;1>/*)"
	for name, text := range map[string]string{
		"no checksum":    good,
		"other checksum": good + "#qqqqqqqq",
		"short checksum": sealed(t, good)[:len(good)+8],
		"too long":       sealed(t, good+strings.Repeat(" ", maxDescriptor)),
	} {
		if _, err := parseDescriptor(text, &chaincfg.MainNetParams); !errs.Is(err, "bad_descriptor") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := parseDescriptor(sealed(t, good), &chaincfg.SimNetParams); !errs.Is(err, "bad_descriptor") {
		t.Errorf("a descriptor of another network: got %v", err)
	}
}
