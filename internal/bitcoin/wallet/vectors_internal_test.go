package wallet

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Single-key vectors: a treasury takes no such key, but its scripts are made by
// the same function.
func TestSingleKeyDescriptorVectors(t *testing.T) {
	t.Parallel()
	pattern := regexp.MustCompile(`^(wpkh|tr)\(([0-9a-f]{64,66})\)$`)
	tested := map[Kind]int{}
	for _, name := range []string{"descriptors-bip0382.json", "descriptors-bip0386.json"} {
		raw, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Valid []struct {
				Desc    string
				Scripts []string
			}
		}
		if err := json.Unmarshal(raw, &file); err != nil {
			t.Fatal(err)
		}
		for _, v := range file.Valid {
			m := pattern.FindStringSubmatch(v.Desc)
			if m == nil {
				continue
			}
			kind := Kind(m[1])
			var pub *btcec.PublicKey
			if kind == KindTR {
				pub, err = schnorr.ParsePubKey(unhex(t, m[2]))
			} else {
				pub, err = btcec.ParsePubKey(unhex(t, m[2]))
			}
			if err != nil {
				t.Fatal(err)
			}
			script, err := keyScript(kind, pub)
			if err != nil || hex.EncodeToString(script) != v.Scripts[0] {
				t.Errorf("%s: %x, %v; want %s", v.Desc, script, err, v.Scripts[0])
			}
			tested[kind]++
		}
	}
	if tested[KindWPKH] != 1 || tested[KindTR] != 1 {
		t.Errorf("tested %v, want one of each kind", tested)
	}
}

// BIP 389 gives valid descriptors; the two-chain ranged one of our kinds is read
// as the BIP says it expands.
func TestBIP389Expansion(t *testing.T) {
	t.Parallel()
	const key = "xpub69H7F5d8KSRgmmdJg2KhpAK8SR3DjMwAdkxj3ZuxV27CprR9LgpeyGmXUbC6wb7ERfvrnKZjXoUmmDznezpbZb7ap6r1D3tgFxHmwMkQTPH"
	const s = "wpkh([ffffffff/13h]" + key + "/<1;3>/2/*)"
	raw, err := os.ReadFile("testdata/descriptors-bip0389.json")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(raw), s) {
		t.Fatal("the vector is gone")
	}
	d, err := ParseDescriptor(s, &chaincfg.MainNetParams)
	if err != nil {
		t.Fatal(err)
	}
	for chain, first := range []uint32{1, 3} {
		child := d.keys[0].xpub
		for _, step := range []uint32{first, 2, 9} {
			if child, err = child.Derive(step); err != nil {
				t.Fatal(err)
			}
		}
		pub, err := child.ECPubKey()
		if err != nil {
			t.Fatal(err)
		}
		want, err := keyScript(KindWPKH, pub)
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.Script(uint32(chain), 9)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("chain %d: %x, %v; want %x", chain, got, err, want)
		}
	}
}

type keyPathVector struct {
	Given struct {
		RawUnsignedTx string
		UtxosSpent    []struct {
			ScriptPubKey string
			AmountSats   int64
		}
	}
	InputSpending []struct {
		Given struct {
			TxinIndex       int
			InternalPrivkey string
			MerkleRoot      *string
			HashType        uint32
		}
		Intermediary struct{ SigHash string }
		Expected     struct{ Witness []string }
	}
}

// BIP 341: outputs without a script tree, every signature hash, and the one
// signature made without a script tree.
func TestBIP341Vectors(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/bip-0341-wallet-test-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		ScriptPubKey []struct {
			Given    struct{ InternalPubkey string }
			Expected struct{ ScriptPubKey, Bip350Address string }
		}
		KeyPathSpending []keyPathVector
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	first := file.ScriptPubKey[0] // the others have script trees
	pub, err := schnorr.ParsePubKey(unhex(t, first.Given.InternalPubkey))
	if err != nil {
		t.Fatal(err)
	}
	script, err := keyScript(KindTR, pub)
	if err != nil || hex.EncodeToString(script) != first.Expected.ScriptPubKey {
		t.Errorf("script %x, %v; want %s", script, err, first.Expected.ScriptPubKey)
	}
	for _, v := range file.ScriptPubKey {
		script := unhex(t, v.Expected.ScriptPubKey)
		payee, bad := ParsePayee(v.Expected.Bip350Address, &chaincfg.MainNetParams, nil)
		if bad != nil || !bytes.Equal(payee.Script, script) || AddressOf(script, &chaincfg.MainNetParams) != payee.Address {
			t.Errorf("%s: %x, %v", v.Expected.Bip350Address, payee.Script, bad)
		}
	}
	for _, v := range file.KeyPathSpending {
		checkKeyPath(t, v)
	}
}

func checkKeyPath(t *testing.T, v keyPathVector) {
	t.Helper()
	tx := wire.NewMsgTx(2)
	if err := tx.Deserialize(bytes.NewReader(unhex(t, v.Given.RawUnsignedTx))); err != nil {
		t.Fatal(err)
	}
	prevouts := txscript.NewMultiPrevOutFetcher(nil)
	for i, utxo := range v.Given.UtxosSpent {
		prevouts.AddPrevOut(tx.TxIn[i].PreviousOutPoint, wire.NewTxOut(utxo.AmountSats, unhex(t, utxo.ScriptPubKey)))
	}
	hashes := txscript.NewTxSigHashes(tx, prevouts)
	for _, in := range v.InputSpending {
		digest, err := txscript.CalcTaprootSignatureHash(hashes, txscript.SigHashType(in.Given.HashType), tx, in.Given.TxinIndex, prevouts)
		if err != nil || hex.EncodeToString(digest) != in.Intermediary.SigHash {
			t.Errorf("input %d: digest %x, %v; want %s", in.Given.TxinIndex, digest, err, in.Intermediary.SigHash)
		}
		if in.Given.MerkleRoot != nil {
			continue
		}
		key, _ := btcec.PrivKeyFromBytes(unhex(t, in.Given.InternalPrivkey))
		sig, err := taprootSignature(tweakKey(key, key.PubKey().SerializeCompressed()), digest)
		if want := in.Expected.Witness[0][:128]; err != nil || hex.EncodeToString(sig) != want {
			t.Errorf("input %d: signature %x, %v; want %s", in.Given.TxinIndex, sig, err, want)
		}
	}
}

// BIP 143, native P2WPKH: the hash, and the signature byte for byte.
func TestBIP143P2WPKH(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/bip0143-examples.txt")
	if err != nil {
		t.Fatal(err)
	}
	example := string(raw)
	find := func(pattern string) []byte {
		m := regexp.MustCompile(pattern).FindStringSubmatch(example)
		if m == nil {
			t.Fatalf("%s is not in the example", pattern)
		}
		return unhex(t, m[1])
	}
	tx := wire.NewMsgTx(1)
	if err := tx.Deserialize(bytes.NewReader(find(`unsigned transaction:\s+([0-9a-f]+)`))); err != nil {
		t.Fatal(err)
	}
	script := find(`(00141d0f172a0ecb48aee1be1f2687d2963ae33f71a1)`)
	key, _ := btcec.PrivKeyFromBytes(find(`private key  : (619c[0-9a-f]+)`))
	prevouts := txscript.NewCannedPrevOutputFetcher(script, 600_000_000)
	digest, err := txscript.CalcWitnessSigHash(script, txscript.NewTxSigHashes(tx, prevouts), txscript.SigHashAll, tx, 1, 600_000_000)
	if err != nil {
		t.Fatal(err)
	}
	if want := find(`sigHash:\s+([0-9a-f]{64})`); !bytes.Equal(digest, want) {
		t.Errorf("digest %x, want %x", digest, want)
	}
	sig := append(ecdsa.Sign(key, digest).Serialize(), byte(txscript.SigHashAll))
	if want := find(`signature:\s+([0-9a-f]+)`); !bytes.Equal(sig, want) {
		t.Errorf("signature %x, want %x", sig, want)
	}
	if script2, err := keyScript(KindWPKH, key.PubKey()); err != nil || !bytes.Equal(script2, script) {
		t.Errorf("script %x, %v; want %x", script2, err, script)
	}
}

// BIP 383, the ranged sortedmulti: a treasury's keys need a step for the chain,
// which these lack, so that they are derived by hand.
func TestBIP383SortedMulti(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/descriptors-bip0383.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Valid []struct {
			Desc    string
			Scripts []string
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	pattern := regexp.MustCompile(`^sortedmulti\(2,(xpub\w+)/\*,(xpub\w+)/0/0/\*\)$`)
	tested := 0
	for _, v := range file.Valid {
		m := pattern.FindStringSubmatch(v.Desc)
		if m == nil {
			continue
		}
		for i, want := range v.Scripts {
			pubs := []*btcec.PublicKey{derivePub(t, m[1], uint32(i)), derivePub(t, m[2], 0, 0, uint32(i))}
			script, err := multisigScript(2, pubs)
			if err != nil || hex.EncodeToString(script) != want {
				t.Errorf("script %d: %x, %v; want %s", i, script, err, want)
			}
			tested++
		}
	}
	if tested != 3 {
		t.Errorf("%d scripts tested, want 3", tested)
	}
}

func derivePub(t *testing.T, xpub string, steps ...uint32) *btcec.PublicKey {
	t.Helper()
	key, err := hdkeychain.NewKeyFromString(xpub)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		if key, err = key.Derive(step); err != nil {
			t.Fatal(err)
		}
	}
	pub, err := key.ECPubKey()
	if err != nil {
		t.Fatal(err)
	}
	return pub
}

// BIP 389 lets each key of a multisig have chains of its own.
func TestBIP389MultisigExpansion(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/descriptors-bip0389.json")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`"multi\((2,(xpub\w+)/<1;2>/\*,(xpub\w+)/<3;4>/0/\*)\)"`).FindStringSubmatch(string(raw))
	if m == nil {
		t.Fatal("the vector is gone")
	}
	d, err := ParseDescriptor("wsh(sortedmulti("+m[1]+"))", &chaincfg.MainNetParams)
	if err != nil {
		t.Fatal(err)
	}
	for chain := range uint32(2) {
		want, err := multisigScript(2, []*btcec.PublicKey{derivePub(t, m[2], 1+chain, 7), derivePub(t, m[3], 3+chain, 0, 7)})
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.WitnessScript(chain, 7)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("chain %d: %x, %v; want %x", chain, got, err, want)
		}
	}
}

// Children are what hdkeychain derives, private and public.
func TestChildrenAreThoseOfHdkeychain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.SliceOfN(rapid.Byte(), 16, 64).Draw(rt, "seed")
		master, err := hdkeychain.NewMaster(seed, &chaincfg.MainNetParams)
		if err != nil {
			rt.Skip("a seed without a key")
		}
		index := rapid.Uint32Range(0, hdkeychain.HardenedKeyStart-1).Draw(rt, "index")
		child, err := master.Derive(index)
		if err != nil {
			rt.Fatal(err)
		}
		wantPub, err := child.ECPubKey()
		if err != nil {
			rt.Fatal(err)
		}
		wantPriv, err := child.ECPrivKey()
		if err != nil {
			rt.Fatal(err)
		}
		parent, err := newParentKey(master)
		if err != nil {
			rt.Fatal(err)
		}
		priv, err := master.ECPrivKey()
		if err != nil {
			rt.Fatal(err)
		}
		if pub, err := parent.child(index); err != nil || !pub.IsEqual(wantPub) {
			rt.Fatalf("public child %d: %v", index, err)
		}
		got, err := parent.privateChild(priv, index)
		if err != nil || got.Key != wantPriv.Key {
			rt.Fatalf("private child %d: %v", index, err)
		}
		pub := wantPub.SerializeCompressed()
		if tweaked := tweakKey(got, pub); tweaked.Key != txscript.TweakTaprootPrivKey(*wantPriv, nil).Key {
			rt.Fatalf("tweaked child %d is another", index)
		}
		if !tweakPub(wantPub).IsEqual(txscript.ComputeTaprootKeyNoScript(wantPub)) {
			rt.Fatalf("output key of child %d is another", index)
		}
	})
}
