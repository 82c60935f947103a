package txbuild_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
)

// The vectors of BIP 370: the valid ones are read in both spellings with the lock
// time that the BIP works out, the invalid ones are refused.
func TestBIP370Vectors(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/psbt-bip0370.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct{ Section, Case, Hex, B64 string }
	if err := json.Unmarshal(raw, &vectors); err != nil {
		t.Fatal(err)
	}
	locks := map[string]uint32{"to be 0:": 0, "to be 10000:": 10_000, "to be 1657048460:": 1_657_048_460}
	tested := map[bool]int{}
	for _, v := range vectors {
		valid := !strings.Contains(v.Section, "are invalid") && !strings.Contains(v.Section, "cannot be computed")
		tested[valid]++
		for _, form := range []string{v.Hex, v.B64} {
			got, err := txbuild.ReadBrought([]byte(form))
			if (err == nil) != valid {
				t.Errorf("%s: %s: %v", v.Section, v.Case, err)
				continue
			}
			for ending, want := range locks {
				if valid && strings.HasSuffix(v.Section, ending) && got.Packet.UnsignedTx.LockTime != want {
					t.Errorf("%s: lock time %d, want %d", v.Case, got.Packet.UnsignedTx.LockTime, want)
				}
			}
		}
	}
	if tested[true] != 23 || tested[false] != 25 {
		t.Errorf("%v vectors tested, want 23 valid and 25 invalid ones", tested)
	}
}

// version2 writes packet as BIP 370 does.
func version2(t testing.TB, packet *psbt.Packet) []byte {
	t.Helper()
	raw, err := txbuild.EncodePSBT(packet)
	if err != nil {
		t.Fatal(err)
	}
	tx := packet.UnsignedTx
	r := bytes.NewReader(raw[5:])
	var out bytes.Buffer
	put := func(key byte, value []byte) {
		_ = wire.WriteVarBytes(&out, 0, []byte{key}) // to memory
		_ = wire.WriteVarBytes(&out, 0, value)
	}
	copyMap := func(but int) {
		for {
			key, err := wire.ReadVarBytes(r, 0, 1<<20, "key")
			if err != nil {
				t.Fatal(err)
			}
			if len(key) == 0 {
				out.WriteByte(0)
				return
			}
			value, err := wire.ReadVarBytes(r, 0, 1<<23, "value")
			if err != nil {
				t.Fatal(err)
			}
			if int(key[0]) != but {
				_ = wire.WriteVarBytes(&out, 0, key)
				_ = wire.WriteVarBytes(&out, 0, value)
			}
		}
	}
	le := binary.LittleEndian
	out.WriteString("psbt\xff")
	put(0x02, le.AppendUint32(nil, uint32(tx.Version)))
	put(0x03, le.AppendUint32(nil, tx.LockTime))
	var counts [2]bytes.Buffer
	_ = wire.WriteVarInt(&counts[0], 0, uint64(len(tx.TxIn)))
	_ = wire.WriteVarInt(&counts[1], 0, uint64(len(tx.TxOut)))
	put(0x04, counts[0].Bytes())
	put(0x05, counts[1].Bytes())
	put(0xfb, le.AppendUint32(nil, 2))
	copyMap(0)
	for _, in := range tx.TxIn {
		put(0x0e, in.PreviousOutPoint.Hash[:])
		put(0x0f, le.AppendUint32(nil, in.PreviousOutPoint.Index))
		put(0x10, le.AppendUint32(nil, in.Sequence))
		copyMap(-1)
	}
	for _, o := range tx.TxOut {
		put(0x03, le.AppendUint64(nil, uint64(o.Value)))
		put(0x04, o.PkScript)
		copyMap(-1)
	}
	return out.Bytes()
}

func utf16Text(text string, order binary.AppendByteOrder) []byte {
	out := order.AppendUint16(nil, 0xfeff)
	for _, unit := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, unit)
	}
	return out
}

// wrapped breaks text as mail programs do.
func wrapped(text string) string {
	var b strings.Builder
	for ; len(text) > 64; text = text[64:] {
		b.WriteString(text[:64] + "\r\n")
	}
	return b.String() + text + "\r\n"
}

// What was signed comes back whatever program saved it: either version, finished or
// not, as a file or as text, and makes the same transaction.
func TestWhatWasSignedComesBackInAnyForm(t *testing.T) {
	t.Parallel()
	for _, kind := range allKinds() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			tr, plan, _ := approved(t, kind)
			signed := handedOut(t, plan.PSBT)
			tr.Sign(t, signed)
			v0, err := txbuild.EncodePSBT(signed)
			if err != nil {
				t.Fatal(err)
			}
			final, txid, err := txbuild.ExtractSigned(signed, tr.Descriptor)
			if err != nil {
				t.Fatal(err)
			}
			for what, raw := range map[string][]byte{"version 0": v0, "version 2": version2(t, signed), "finished": final} {
				b64 := base64.StdEncoding.EncodeToString(raw)
				for form, data := range map[string][]byte{
					"binary": raw, "base64": []byte(b64), "hex": []byte(hex.EncodeToString(raw)), "HEX": []byte(strings.ToUpper(hex.EncodeToString(raw))),
					"wrapped": []byte(wrapped(b64)), "UTF-8 with a mark": []byte("\ufeff" + b64 + "\n"), "UTF-16": utf16Text(b64, binary.LittleEndian),
					"UTF-16 the other way": utf16Text(b64, binary.BigEndian), "quoted": []byte(`"` + b64 + `"`), "unpadded": []byte(strings.TrimRight(b64, "=")),
					"URL": []byte(base64.URLEncoding.EncodeToString(raw)), "marks inside": []byte(b64[:9] + "\u200b" + b64[9:]),
				} {
					back, err := txbuild.ReadBrought(data)
					if err != nil {
						t.Errorf("%s, %s: %v", what, form, err)
						continue
					}
					packet := back.Packet
					if back.Tx != nil {
						if packet, err = txbuild.Finished(plan.PSBT, back.Tx); err != nil {
							t.Fatal(err)
						}
					}
					merged, err := txbuild.Merge(plan.PSBT, packet)
					if err != nil {
						t.Errorf("%s, %s: %v", what, form, err)
						continue
					}
					if _, got, err := txbuild.ExtractSigned(merged, tr.Descriptor); err != nil || got != txid || back.TxID() != txid {
						t.Errorf("%s, %s: %s, %v", what, form, got, err)
					}
				}
			}
		})
	}
}

// A finished transaction with a signature of something else is refused.
func TestAFinishedTransactionIsVerified(t *testing.T) {
	t.Parallel()
	for _, kind := range allKinds() {
		tr, plan, _ := approved(t, kind)
		signed := handedOut(t, plan.PSBT)
		tr.Sign(t, signed)
		raw, _, err := txbuild.ExtractSigned(signed, tr.Descriptor)
		if err != nil {
			t.Fatal(err)
		}
		tx := wire.NewMsgTx(2)
		if err := tx.Deserialize(bytes.NewReader(raw)); err != nil {
			t.Fatal(err)
		}
		tx.TxIn[0].Witness, tx.TxIn[1].Witness = tx.TxIn[1].Witness, tx.TxIn[0].Witness
		packet, err := txbuild.Finished(plan.PSBT, tx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := txbuild.Merge(plan.PSBT, packet); !errs.Is(err, "bad_signature") {
			t.Errorf("%s: swapped witnesses: %v, want bad_signature", kind, err)
		}
		tx.LockTime++
		if _, err := txbuild.Finished(plan.PSBT, tx); !errs.Is(err, "psbt_changed") {
			t.Errorf("%s: another transaction: %v, want psbt_changed", kind, err)
		}
	}
}

// What cannot be used is named, and a secret is neither used nor repeated.
func TestWhatIsBroughtInsteadIsNamed(t *testing.T) {
	t.Parallel()
	_, plan, _ := approved(t, wallet.KindWSH)
	raw, err := txbuild.EncodePSBT(plan.PSBT)
	if err != nil {
		t.Fatal(err)
	}
	var unsigned bytes.Buffer
	if err := plan.PSBT.UnsignedTx.Serialize(&unsigned); err != nil {
		t.Fatal(err)
	}
	const secret = "5KYZdUEo39z3FPrtuX2QbbwGnNP5zTd7yyr2SC1j299sBCnWjss"
	for _, tc := range []struct{ data, what, says string }{
		{"", "", "empty"},
		{" \n", "", "empty"},
		{"hello", "", "neither a PSBT nor a transaction"},
		{string(raw[:len(raw)/2]), "psbt_data", "damaged, cut short"},
		{base64.StdEncoding.EncodeToString(raw)[:400], "psbt_data", "damaged, cut short"},
		{"cHNidP8B*", "psbt_data", "damaged or cut short"},
		{"psbt\xff\x01\xfb\x04\x05\x00\x00\x00\x00", "psbt_data", "version that is not known"},
		{unsigned.String(), "transaction", "without signatures"},
		{hex.EncodeToString(unsigned.Bytes()), "transaction", "without signatures"},
		{hex.EncodeToString(unsigned.Bytes()[:80]), "transaction", "cut short"},
		{plan.TxID.String(), "txid", "not the transaction itself"},
		{`{"psbt":"cHNidP8=","complete":false}`, "json", "JSON"},
		{"UR:CRYPTO-PSBT/1-3/LPADAXCF", "qr_part", "animated QR code"},
		{"B$2P0300", "qr_part", "animated QR code"},
		{"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "bitcoin_address", "a Bitcoin address"},
		{"xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8", "extended_key", "an extended public key"},
		{"wsh(sortedmulti(2,xpub1,xpub2))", "descriptor", "an output descriptor"},
		{"\x89PNG\r\n\x1a\n", "file", "an image"},
		{"PK\x03\x04xyz", "file", "a ZIP or Office file"},
		{"%PDF-1.7", "file", "a PDF file"},
		{"https://example.com/x.psbt", "web_address", "a web address"},
		{secret, "private_key", "treat it as stolen"},
		{strings.Repeat("abandon ", 11) + "about", "private_key", "treat it as stolen"},
		{string(utf16Text(secret, binary.LittleEndian)), "private_key", "treat it as stolen"},
	} {
		_, err := txbuild.ReadBrought([]byte(tc.data))
		var e *errs.Error
		if !errors.As(err, &e) || e.Code != "bad_psbt" || e.Kind != errs.Malformed || e.Params["what"] != tc.what || !strings.Contains(e.Message, tc.says) {
			t.Errorf("%.30q: %v; want %q and %q", tc.data, err, tc.what, tc.says)
			continue
		}
		if strings.Contains(err.Error(), secret) || strings.Contains(e.Message, "abandon") {
			t.Errorf("%.30q is repeated: %v", tc.data, err)
		}
	}
}

// A file that people take out says whose the keys of a shared treasury are, and its
// coming back with them, or without, is no difference.
func TestAFileCarriesTheAccountKeys(t *testing.T) {
	t.Parallel()
	for _, kind := range allKinds() {
		tr, plan, _ := approved(t, kind)
		file, err := txbuild.FileOf(plan.PSBT, tr.Descriptor)
		if err != nil || file.Bare {
			t.Fatalf("%s: bare %v, %v", kind, file.Bare, err)
		}
		packet, err := txbuild.ParsePSBT(file.PSBT)
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		if kind == wallet.KindWSH {
			want = 3
		}
		if len(packet.XPubs) != want || packet.Inputs[0].NonWitnessUtxo == nil {
			t.Errorf("%s: %d account keys, want %d", kind, len(packet.XPubs), want)
		}
		for i, x := range packet.XPubs {
			if !bytes.Equal(x.ExtendedKey, psbt.EncodeExtendedKey(mustNeuter(t, tr.Accounts[i]))) || len(x.Bip32Path) != int(tr.Accounts[i].Depth()) {
				t.Errorf("account key %d is not that of the treasury", i)
			}
		}
		if diff := cmp.Diff([]string(nil), txbuild.Diff(plan.PSBT, packet)); diff != "" {
			t.Errorf("%s: %s", kind, diff)
		}
		if len(plan.PSBT.XPubs) != 0 {
			t.Errorf("%s: what is stored has account keys", kind)
		}
	}
}

func FuzzReadBrought(f *testing.F) {
	for _, kind := range allKinds() {
		_, plan, _ := approved(f, kind)
		f.Add(version2(f, plan.PSBT))
		raw, err := txbuild.EncodePSBT(plan.PSBT)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte("psbt\xff\x01\x02\x04\x02\x00\x00\x00\x01\x04\x01\xfd\x01\x05\x01\x01\x01\xfb\x04\x02\x00\x00\x00\x00"))
	f.Add([]byte("\xff\xfec\x00H\x00N\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		back, err := txbuild.ReadBrought(data)
		if err != nil {
			if errs.KindOf(err) != errs.Malformed {
				t.Errorf("%v is not Malformed", err)
			}
			return
		}
		if (back.Packet == nil) == (back.Tx == nil) {
			t.Fatalf("%+v", back)
		}
		if back.Packet != nil {
			raw, err := txbuild.EncodePSBT(back.Packet)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := txbuild.ParsePSBT(raw); err != nil || again.UnsignedTx.TxHash() != back.TxID() {
				t.Errorf("reads back as %v", err)
			}
		}
	})
}

func mustNeuter(t testing.TB, key *hdkeychain.ExtendedKey) *hdkeychain.ExtendedKey {
	t.Helper()
	public, err := key.Neuter()
	if err != nil {
		t.Fatal(err)
	}
	return public
}
