package wallet_test

import (
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
)

// An address is taken as people have it: in groups as devices show it, with marks
// that nobody sees, and in a payment link of either case.
func TestAnAddressIsTakenAsPeopleHaveIt(t *testing.T) {
	t.Parallel()
	const segwit, legacy = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"
	for in, want := range map[string]string{
		"bc1q w508 d6qe jxtd g4y5 r3za rvar y0c5 xw7k v8f3 t4":        segwit,
		"bc1q\u00a0w508\nd6qe jxtd\tg4y5 r3za rvar y0c5 xw7k v8f3 t4": segwit,
		"BC1Q W508 D6QE JXTD G4Y5 R3ZA RVAR Y0C5 XW7K V8F3 T4":        segwit,
		segwit[:9] + "\u200b" + segwit[9:]:                            segwit,
		"1BvB MSEY stWe tqTF n5Au 4m4G Fg7x JaNV N2":                  legacy,
		"bitcoin:" + segwit:                                                 segwit,
		"BITCOIN:" + strings.ToUpper(segwit):                                segwit,
		"Bitcoin:" + legacy:                                                 legacy,
		"bitcoin://" + segwit:                                               segwit,
		"  bitcoin: " + segwit + " ":                                        segwit,
		"bitcoin:" + segwit + "?amount=0.015&label=June%20grant":            segwit,
		"BITCOIN:" + strings.ToUpper(segwit) + "?AMOUNT=0.015&pj=https://x": segwit,
		"bitcoin:" + segwit + "?lightning=lnbc1pvjluezpp5qqqsyq":            segwit,
		"bitcoin:?bc=" + segwit:                                             segwit,
		segwit + "?amount=1":                                                segwit,
	} {
		got, bad := wallet.ParsePayee(in, &chaincfg.MainNetParams, nil)
		if bad != nil || got.Address != want {
			t.Errorf("%q: got %q, %v; want %q", in, got.Address, bad, want)
		}
	}
}

// What people paste instead of an address is named, and nothing of it is repeated.
func TestWhatIsNoAddressIsNamed(t *testing.T) {
	t.Parallel()
	const sp = "sp1qqgste7k9hx0qftg6qmwlkqtwuy6cycyavzmzj85c6qdfhjdpdjtdgqjuexzk6murw56suy3e0rd2cgqvycxttddwsvgxe2usfpxumr70xc9pkqwv"
	const segwit, legacy = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"
	for code, list := range map[string][]string{
		"silent_payment": {sp, strings.ToUpper(sp), "t" + sp, "sprt1" + sp[3:], "bitcoin:?sp=" + sp},
		"lightning": {
			"lnbc2500u1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqf", "LNBC1PVJLUEZPP5QQQSYQCYQ5RQWZQF", "lntb20m1pvjluezhp58yjmdan79s6qqdhdzgynm4zwqd5d7xmw5fk98klysy043l2ahrqs",
			"lntbs10u1pvjluez", "lnbcrt1pvjluezpp5", "lnsb1pvjluezpp5", "lightning:lnbc1pvjluezpp5", "lnurl1dp68gurn8ghj7um9wfmxjcm99e3k7mf0v9cxj0m385ekvcenxc6r2c35xvukxefcv5mkvv34x5ekzd3ev56nyd3hxqurzepexejxxepnxscrvwfnv9nxzcn9xq6xyefhvgcxxcmyxymnserxfq5fns",
			"lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese", "bitcoin:?lno=lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese",
			"lnurlp://getalby.com/.well-known/lnurlp/alice",
		},
		"lightning_address": {"alice@getalby.com", "₿alice@example.com", "name@example.com"},
		"extended_key": {
			"xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8",
			"zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs",
		},
		"public_key":  {"0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"},
		"txid":        {"4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"},
		"descriptor":  {"wpkh([d34db33f/84h/0h/0h]xpub6ERApfZwUNrhLCkDtcHTcxd75RbzS1ed54G1LkBUHQVHQKqhMkhgbmJbZRkrgZw4koxb5JaHWkY4ALHY2grBGRjaDMzQLcgJvLJuZZvRcEL/0/*)"},
		"psbt_data":   {"cHNidP8BAHECAAAAAQsK2SFBnByHGXNd"},
		"web_address": {"https://mempool.space/address/" + segwit},
		"other_chain": {
			"ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9", "0x52908400098527886E0F7030069857D2E4169EE7", "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a",
			"TJRabPrwbZy45sbavfcjinPJC18kjpRTv8", "DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L", "888tNkZrPN6JsEgekjMnABU4TBzc2Dt29EPAvkRxbANsAnjyPbb3iQ1YBRk1UXcdRsiKc9dhwMVgN5S9cQUiyoogDavup3H",
		},
		"nostr_key":         {"npub180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6w6"},
		"several_addresses": {segwit + " " + legacy, segwit + "\n" + segwit, segwit + "," + legacy},
		"unsupported_link":  {"bitcoin:" + segwit + "?req-somethingyoudontunderstand=50", "bitcoin:", "bitcoin:?label=x"},
		"not_an_address":    {"hello", strings.Repeat("1", 5000), "bitcoin:hello"},
	} {
		for _, in := range list {
			got, bad := wallet.ParsePayee(in, &chaincfg.MainNetParams, nil)
			if bad == nil || string(bad.Code) != code || got.Address != "" {
				t.Errorf("%.40q: got %q, %+v; want code %s", in, got.Address, bad, code)
				continue
			}
			if len(in) > 8 && strings.Contains(bad.Message+bad.Params["what"], in) {
				t.Errorf("%.40q is repeated: %s", in, bad.Message)
			}
		}
	}
}

// secrets are texts that whoever sees them can take coins with.
func secrets(t *testing.T) []string {
	t.Helper()
	key, _ := btcec.PrivKeyFromBytes([]byte(strings.Repeat("k", 32)))
	list := []string{
		"5KYZdUEo39z3FPrtuX2QbbwGnNP5zTd7yyr2SC1j299sBCnWjss",
		"5KYZ dUEo 39z3 FPrt uX2Q bbwG nNP5 zTd7 yyr2 SC1j 299s BCnW jss",
		"bitcoin:5KYZdUEo39z3FPrtuX2QbbwGnNP5zTd7yyr2SC1j299sBCnWjss",
		"5KYZdUEo39z3FPrtuX2QbbwGnNP5zTd7yyr2SC1j299sBCnWjst", // mistyped
		"6PRVWUbkzzsbcVac2qwfssoUJAN1Xhrg6bNk8J7Nzm5H7kxEbn2Nh2ZoGg",
		"xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi",
		"wpkh(xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi/0/*)",
		"abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
		"Abandon abandon  abandon abandon\nabandon abandon abandon abandon abandon abandon abandon about",
		"あいこくしん あいこくしん あいこくしん あいこくしん あいこくしん あいこくしん あいこくしん あいこくしん あいこくしん あいこくしん あいこくしん あおぞら",
		"1. abandon 2. abandon 3. abandon 4. abandon 5. abandon 6. abandon 7. abandon 8. abandon 9. abandon 10. abandon 11. abandon 12. about",
		"nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5",
		"cashuAeyJ0b2tlbiI6W3sicHJvb2ZzIjpb",
	}
	for _, net := range []*chaincfg.Params{&chaincfg.MainNetParams, &chaincfg.TestNet3Params, &chaincfg.SimNetParams} {
		for _, compressed := range []bool{true, false} {
			wif, err := btcutil.NewWIF(key, net, compressed)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, wif.String())
		}
	}
	return list
}

// A secret is named as one on every network, and no error holds a part of it.
func TestASecretIsNeverRepeated(t *testing.T) {
	t.Parallel()
	for _, secret := range secrets(t) {
		for _, net := range []*chaincfg.Params{&chaincfg.MainNetParams, &chaincfg.SimNetParams} {
			_, bad := wallet.ParsePayee(secret, net, nil)
			if bad == nil || bad.Code != wallet.FoundPrivateKey {
				t.Errorf("%.12q: %+v is not known as a secret", secret, bad)
				continue
			}
			for _, part := range strings.Fields(secret) {
				if len(part) > 4 && strings.Contains(bad.Message+bad.Params["what"], part) {
					t.Errorf("%.12q is repeated: %s", secret, bad.Message)
				}
			}
		}
		found, ok := wallet.Recognise(secret)
		if !ok && !strings.HasPrefix(secret, "bitcoin:") || ok && !found.Secret() {
			t.Errorf("%.12q: recognised as %+v", secret, found)
		}
	}
}

// Whatever is pasted, an address that is taken is canonical, and what is refused is
// not repeated.
func FuzzPayeeText(f *testing.F) {
	for _, seed := range []string{"bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4?amount=1", "bc1q w508 d6qe", "lnbc1", "alice@example.com", "bitcoin:?bc=1", "ur:crypto-psbt/1-2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		payee, bad := wallet.ParsePayee(text, &chaincfg.MainNetParams, nil)
		switch {
		case bad != nil && (bad.Code == "" || bad.Message == ""):
			t.Errorf("%q: incomplete error %+v", text, bad)
		case bad == nil:
			if again, bad := wallet.ParsePayee(payee.Address, &chaincfg.MainNetParams, nil); bad != nil || again.Address != payee.Address {
				t.Errorf("%q: %q reads back as %q, %v", text, payee.Address, again.Address, bad)
			}
		}
	})
}
