package wallet_test

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
)

// keys returns n KEY expressions of different seeds.
func keys(t testing.TB, n int) []string {
	t.Helper()
	out := make([]string, n)
	for i := range out {
		key, err := wallet.KeyExpression(bytes.Repeat([]byte{byte(i + 1)}, 32), wallet.KindWSH, &chaincfg.MainNetParams)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = key
	}
	return out
}

func multi(k string, keys ...string) string {
	return "wsh(sortedmulti(" + k + "," + strings.Join(keys, ",") + "))"
}

func TestMultisigDescriptor(t *testing.T) {
	t.Parallel()
	abc := keys(t, 3)
	d, err := wallet.ParseDescriptor(multi("2", abc...), mainnet(t))
	if err != nil {
		t.Fatal(err)
	}
	if k, n := d.Threshold(); k != 2 || n != 3 || d.Kind() != wallet.KindWSH {
		t.Errorf("%d of %d, %s", k, n, d.Kind())
	}
	var want []string
	for i, key := range abc {
		want = append(want, key[1:9])
		if got := d.Origins()[i].String(); !strings.HasPrefix(key, got) || !strings.HasSuffix(got, "/48h/0h/0h/2h]") {
			t.Errorf("origin %s of %s", got, key)
		}
	}
	if diff := cmp.Diff(want, d.Fingerprints()); diff != "" {
		t.Error(diff)
	}
	again, err := wallet.ParseChecksummed(d.String(), mainnet(t))
	if err != nil || again.String() != d.String() || !strings.HasPrefix(d.String(), multi("2", abc...)+"#") {
		t.Errorf("%s reads back as %v, %v", d, again, err)
	}
	// The order of the keys is kept in the text and does not count in the script.
	swapped, err := wallet.MultisigDescriptor(2, []string{abc[2], abc[0], abc[1]}, mainnet(t))
	if err != nil {
		t.Fatal(err)
	}
	for chain := range uint32(2) {
		a, errA := d.Address(chain, 5)
		b, errB := swapped.Address(chain, 5)
		if errA != nil || errB != nil || a != b || !strings.HasPrefix(a, "bc1q") || len(a) != 62 {
			t.Errorf("chain %d: %s and %s", chain, a, b)
		}
	}
	if one, err := wallet.ParseDescriptor("tr("+xpub+chain+")", mainnet(t)); err != nil {
		t.Error(err)
	} else if k, n := one.Threshold(); k != 1 || n != 1 {
		t.Errorf("tr is %d of %d", k, n)
	}
}

func TestMultisigDescriptorRefuses(t *testing.T) {
	t.Parallel()
	k := keys(t, 16)
	bare := func(key string) string { _, rest, _ := strings.Cut(key, "]"); return rest }
	origin := func(key string) string { o, _, _ := strings.Cut(key, "]"); return o + "]" }
	for _, tc := range []struct{ name, s, code string }{
		{"no signature", multi("0", k[:2]...), "bad_descriptor"},
		{"more signatures than keys", multi("3", k[:2]...), "bad_descriptor"},
		{"no number", multi("a", k[:2]...), "bad_descriptor"},
		{"leading zero", multi("02", k[:2]...), "bad_descriptor"},
		{"plus", multi("+2", k[:2]...), "bad_descriptor"},
		{"no keys", "wsh(sortedmulti(1))", "bad_descriptor"},
		{"an empty key", multi("1", k[0], ""), "bad_descriptor"},
		{"16 keys", multi("2", k...), "bad_descriptor"},
		{"unsorted", strings.Replace(multi("1", k[:2]...), "sorted", "", 1), "bad_descriptor"},
		{"a bare key", "wsh(" + k[0] + ")", "bad_descriptor"},
		{"nested", "sh(" + multi("1", k[:2]...) + ")", "bad_descriptor"},
		{"a bracket less", strings.TrimSuffix(multi("1", k[:2]...), ")"), "bad_descriptor"},
		{"text after it", multi("1", k[:2]...) + ")", "bad_descriptor"},
		{"one chain", multi("1", k[0], strings.Replace(k[1], "<0;1>", "0", 1)), "bad_descriptor"},
		{"three chains", multi("1", k[0], strings.Replace(k[1], "<0;1>", "<0;1;2>", 1)), "bad_descriptor"},
		{"a private key", multi("1", k[0], xprv+chain), "private_key_in_descriptor"},
		{"another network", multi("1", k[0], "tpubDC5FSnBiZDMmhiuCmWAYsLwgLYrrT9rAqvTySfuCCrgsWz8wxMXUS9Tb9iVMvcRbvFcAHGkMD5Kx8koh4GquNGNTfohfk7pgjhaPCdXpoba"+chain), "wrong_network"},
		{"the same key", multi("1", k[0], k[0]), "duplicate_key"},
		{"the same key by another path", multi("1", bare(k[0]), origin(k[1])+strings.Replace(bare(k[0]), "<0;1>", "<2;3>", 1)), "duplicate_key"},
		{"one master key", multi("1", k[0], origin(k[0])+bare(k[1])), "duplicate_key"},
		{"no fingerprints", multi("1", "[00000000]"+bare(k[0]), "[00000000]"+bare(k[1])), "duplicate_key"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if d, err := wallet.ParseDescriptor(tc.s, mainnet(t)); !errs.Is(err, errs.Code(tc.code)) {
				t.Errorf("%s was read as %v, %v; want %s", tc.s, d, err, tc.code)
			}
		})
	}
	if _, err := wallet.MultisigDescriptor(15, k[:15], mainnet(t)); err != nil {
		t.Errorf("15 of 15: %v", err)
	}
}

// A key that is a child of another one gives its holder two signatures.
func TestMultisigRefusesRelatedKeys(t *testing.T) {
	t.Parallel()
	parent, err := wallet.ParseDescriptor("wpkh("+xpub+"/7/<0;1>/*)", mainnet(t))
	if err != nil {
		t.Fatal(err)
	}
	script, err := parent.Script(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	child := childXpub(t, xpub, 7)
	same, err := wallet.ParseDescriptor("wpkh("+child+"/<0;1>/*)", mainnet(t))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := same.Script(0, 0); err != nil || !bytes.Equal(got, script) {
		t.Fatal("the two do not lead to one key")
	}
	s := multi("2", "[11111111]"+xpub+"/7/<0;1>/*", "[22222222]"+child+"/<5;1>/*")
	if d, err := wallet.ParseDescriptor(s, mainnet(t)); !errs.Is(err, "duplicate_key") {
		t.Errorf("read as %v, %v", d, err)
	}
}

// The weights are exact: BIP 141 counts each witness byte once.
func TestInputWeight(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		k, n int
		want int64
	}{{1, 1, 277}, {2, 3, 418}, {3, 5, 559}, {2, 7, 554}, {2, 8, 590}, {15, 15, 1777}} {
		d, err := wallet.MultisigDescriptor(tc.k, keys(t, tc.n), mainnet(t))
		if err != nil {
			t.Fatal(err)
		}
		script, err := d.WitnessScript(0, 0)
		if err != nil {
			t.Fatal(err)
		}
		length := 1
		if len(script) >= 0xfd {
			length = 3
		}
		want := int64(4*41 + 1 + 1 + tc.k*73 + length + len(script))
		if got := d.InputWeight(); got != want || got != tc.want {
			t.Errorf("%d of %d: %d, want %d (table %d)", tc.k, tc.n, got, want, tc.want)
		}
	}
}

func TestMultisigPSBTFields(t *testing.T) {
	t.Parallel()
	tr := treasury(t, wallet.KindWSH, "signer")
	p := spend(t, tr)
	for i, in := range p.Inputs {
		if len(in.Bip32Derivation) != 3 || len(in.WitnessScript) != 105 || in.TaprootInternalKey != nil {
			t.Fatalf("input %d: %d keys, script of %d bytes", i, len(in.Bip32Derivation), len(in.WitnessScript))
		}
		for _, key := range in.Bip32Derivation {
			if !bytes.Contains(in.WitnessScript, key.PubKey) {
				t.Errorf("input %d: key %x is not in the script", i, key.PubKey)
			}
		}
	}
	if _, index, ok := tr.Descriptor.OwnOutput(&p.Outputs[1], p.UnsignedTx.TxOut[1].PkScript); !ok || index != 4 {
		t.Error("change was not recognised")
	}
	p.Outputs[1].WitnessScript = p.Inputs[0].WitnessScript
	if _, _, ok := tr.Descriptor.OwnOutput(&p.Outputs[1], p.UnsignedTx.TxOut[1].PkScript); ok {
		t.Error("change with another witness script was recognised")
	}
	p.Inputs[1].WitnessScript = p.Inputs[0].WitnessScript
	if _, err := tr.Descriptor.Prevouts(p); !errs.Is(err, "foreign_input") {
		t.Errorf("an input with another witness script: %v", err)
	}
}

func TestMultisigSigning(t *testing.T) {
	t.Parallel()
	tr := treasury(t, wallet.KindWSH, "signer")
	fingerprints := tr.Descriptor.Fingerprints()
	ab, ba := spend(t, tr), spend(t, tr)
	check := func(p *psbt.Packet, want ...string) {
		t.Helper()
		got, err := tr.Descriptor.SignedBy(p)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("signed by %v, %v; want %v", got, err, want)
		}
		slices.Sort(want)
		if got, err := wallet.SignedBy(p); err != nil || !slices.Equal(got, want) {
			t.Errorf("the packet says %v, %v; want %v", got, err, want)
		}
	}
	check(ab)
	tr.SignWith(t, ab, 0)
	check(ab, fingerprints[0])
	tr.SignWith(t, ab, 2)
	tr.SignWith(t, ab, 2)
	check(ab, fingerprints[0], fingerprints[2])
	tr.SignWith(t, ba, 2)
	tr.SignWith(t, ba, 0)
	if !bytes.Equal(serialize(t, ab), serialize(t, ba)) {
		t.Error("the order of signing shows in the bytes")
	}
	for i := range ab.Inputs {
		if len(ab.Inputs[i].PartialSigs) != 2 {
			t.Errorf("input %d has %d signatures", i, len(ab.Inputs[i].PartialSigs))
		}
	}
	// One input less is not every input.
	ab.Inputs[1].PartialSigs = ab.Inputs[1].PartialSigs[:1]
	if got, err := tr.Descriptor.SignedBy(ab); err != nil || len(got) != 1 {
		t.Errorf("signed by %v, %v", got, err)
	}
	stranger := treasury(t, wallet.KindWSH, "stranger")
	if err := wallet.SignPSBT(ba, stranger.Account, tr.Descriptor); !errs.Is(err, "wrong_key") {
		t.Errorf("a stranger's key: %v", err)
	}
}

func TestSignedByOfSingleKeys(t *testing.T) {
	t.Parallel()
	for _, kind := range []wallet.Kind{wallet.KindWPKH, wallet.KindTR} {
		tr := treasury(t, kind, "signer")
		p := spend(t, tr)
		if got, err := tr.Descriptor.SignedBy(p); err != nil || len(got) != 0 {
			t.Errorf("%s unsigned: %v, %v", kind, got, err)
		}
		tr.Sign(t, p)
		for name, by := range map[string]func(*psbt.Packet) ([]string, error){"descriptor": tr.Descriptor.SignedBy, "packet": wallet.SignedBy} {
			if got, err := by(p); err != nil || !slices.Equal(got, tr.Descriptor.Fingerprints()) {
				t.Errorf("%s, %s: %v, %v", kind, name, got, err)
			}
		}
	}
}

// A wrong signature is an error, not a signer who did not sign.
func TestVerifyRefusesBadSignatures(t *testing.T) {
	t.Parallel()
	flip := func(sig []byte) []byte { s := bytes.Clone(sig); s[20] ^= 1; return s }
	for _, kind := range []wallet.Kind{wallet.KindWPKH, wallet.KindTR, wallet.KindWSH} {
		for name, spoil := range map[string]func(t *testing.T, in *psbt.PInput){
			"flipped": func(_ *testing.T, in *psbt.PInput) {
				if in.TaprootKeySpendSig != nil {
					in.TaprootKeySpendSig = flip(in.TaprootKeySpendSig)
				} else {
					in.PartialSigs[0] = &psbt.PartialSig{PubKey: in.PartialSigs[0].PubKey, Signature: flip(in.PartialSigs[0].Signature)}
				}
			},
			"another sighash type": func(_ *testing.T, in *psbt.PInput) {
				if in.TaprootKeySpendSig != nil {
					in.TaprootKeySpendSig = append(bytes.Clone(in.TaprootKeySpendSig), 1)
				} else {
					sig := bytes.Clone(in.PartialSigs[0].Signature)
					sig[len(sig)-1] = 3
					in.PartialSigs[0] = &psbt.PartialSig{PubKey: in.PartialSigs[0].PubKey, Signature: sig}
				}
			},
			"high S": func(t *testing.T, in *psbt.PInput) {
				if in.TaprootKeySpendSig != nil {
					in.TaprootKeySpendSig = in.TaprootKeySpendSig[:63]
				} else {
					in.PartialSigs[0] = &psbt.PartialSig{PubKey: in.PartialSigs[0].PubKey, Signature: highS(t, in.PartialSigs[0].Signature)}
				}
			},
			"a key that is not of the input": func(_ *testing.T, in *psbt.PInput) {
				stranger, _ := btcec.PrivKeyFromBytes([]byte{7})
				in.PartialSigs = append(in.PartialSigs, &psbt.PartialSig{PubKey: stranger.PubKey().SerializeCompressed(), Signature: []byte{1}})
			},
			"a script path":                 func(_ *testing.T, in *psbt.PInput) { in.TaprootScriptSpendSig = []*psbt.TaprootScriptSpendSig{{}} },
			"a signature script":            func(_ *testing.T, in *psbt.PInput) { in.FinalScriptSig = []byte{1} },
			"a witness that cannot be read": func(_ *testing.T, in *psbt.PInput) { in.FinalScriptWitness = []byte{2, 1} },
			"a witness of other shape":      func(_ *testing.T, in *psbt.PInput) { in.FinalScriptWitness = []byte{3, 0, 0, 0} },
			"the other kind": func(_ *testing.T, in *psbt.PInput) {
				if in.TaprootKeySpendSig != nil {
					in.PartialSigs = []*psbt.PartialSig{{PubKey: make([]byte, 33), Signature: []byte{1}}}
				} else {
					in.TaprootKeySpendSig = make([]byte, 64)
				}
			},
		} {
			t.Run(string(kind)+"/"+name, func(t *testing.T) {
				t.Parallel()
				tr := treasury(t, kind, "signer")
				p := spend(t, tr)
				tr.Sign(t, p)
				spoil(t, &p.Inputs[1])
				_, err := tr.Descriptor.SignedBy(p)
				if !errs.Is(err, "bad_signature") || !strings.Contains(err.Error(), "input 1") {
					t.Errorf("got %v", err)
				}
			})
		}
	}
}

// highS returns the other valid form of an ECDSA signature, which nodes do not
// relay (BIP 146).
func highS(t *testing.T, sig []byte) []byte {
	t.Helper()
	r, s := sig[4:4+sig[3]], sig[4+int(sig[3])+2:len(sig)-1]
	var n btcec.ModNScalar
	n.SetByteSlice(s)
	n.Negate()
	high := n.Bytes()
	body := append([]byte{2, byte(len(r))}, r...)
	body = append(append(body, 2, 33, 0), high[:]...)
	return append(append([]byte{0x30, byte(len(body))}, body...), 1)
}

func TestKeyExpressionNamesTheMaster(t *testing.T) {
	t.Parallel()
	account, origin, err := wallet.AccountXprv(bytes.Repeat([]byte{1}, 32), wallet.KindWSH, mainnet(t))
	if err != nil {
		t.Fatal(err)
	}
	defer account.Zero()
	if got := keys(t, 1)[0]; !strings.HasPrefix(got, "["+hex.EncodeToString(origin.Fingerprint[:])+"/48h/0h/0h/2h]xpub") {
		t.Error(got)
	}
	pub, err := account.ECPubKey()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(address.Hash160(pub.SerializeCompressed())[:4], origin.Fingerprint[:]) {
		t.Error("the fingerprint is the account's, not the master's")
	}
}

func childXpub(t *testing.T, xpub string, step uint32) string {
	t.Helper()
	key, err := hdkeychain.NewKeyFromString(xpub)
	if err != nil {
		t.Fatal(err)
	}
	if key, err = key.Derive(step); err != nil {
		t.Fatal(err)
	}
	return key.String()
}

// A signature that is good for its own key counts for nothing where that key
// cannot sign.
func TestVerifyRefusesStrangers(t *testing.T) {
	t.Parallel()
	for _, kind := range []wallet.Kind{wallet.KindWPKH, wallet.KindWSH} {
		tr := treasury(t, kind, "signer")
		p := spend(t, tr)
		prevouts, err := tr.Descriptor.Prevouts(p)
		if err != nil {
			t.Fatal(err)
		}
		prev := prevouts.FetchPrevOutput(p.UnsignedTx.TxIn[1].PreviousOutPoint)
		code := prev.PkScript
		if kind == wallet.KindWSH {
			code = p.Inputs[1].WitnessScript
		}
		stranger, pub := btcec.PrivKeyFromBytes([]byte{7})
		sig, err := txscript.RawTxInWitnessSignature(
			p.UnsignedTx, txscript.NewTxSigHashes(p.UnsignedTx, prevouts), 1, prev.Value, code, txscript.SigHashAll, stranger)
		if err != nil {
			t.Fatal(err)
		}
		p.Inputs[1].PartialSigs = []*psbt.PartialSig{{PubKey: pub.SerializeCompressed(), Signature: sig}}
		if who, err := wallet.SignedBy(p); !errs.Is(err, "bad_signature") || !strings.Contains(err.Error(), "cannot sign for it") {
			t.Errorf("%s: %v, %v", kind, who, err)
		}
	}
}
