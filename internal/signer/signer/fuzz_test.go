package signer_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// Whatever bytes come as PSBT and notes, they are refused for a named reason, or
// they are the one transaction that the notes allow: the payments of good, or
// change alone.
func FuzzSign(f *testing.F) {
	key := newKey(f, wallet.KindWPKH)
	good := newDraft(f, key).request(f)
	f.Add(good.PSBT, good.BatchNote, good.Decisions[0], "", joined(f, good.PrevTxs))
	for _, name := range []string{"unknown global field", "SIGHASH_NONE", "redeem script", "input twice", "no path"} {
		for _, tc := range badRequests() {
			if tc.name == name {
				d := newDraft(f, key)
				tc.edit(d)
				bad := d.request(f)
				f.Add(bad.PSBT, bad.BatchNote, bad.Decisions[0], "", joined(f, bad.PrevTxs))
			}
		}
	}
	void := voidOf(f, key)
	void.number = 77
	replaceCoins(f, void)
	taken := void.request(f)
	f.Add(taken.PSBT, taken.BatchNote, "", taken.Void, joined(f, taken.PrevTxs))
	upkeep := newUpkeep(f, key, decision.UpkeepSplit, 3)
	upkeep.coins = []coin{newCoin(f, key.Descriptor(), 41, 4_000_000)}
	tended := upkeep.request(f)
	f.Add(tended.PSBT, tended.BatchNote, "", "", joined(f, tended.PrevTxs))

	path := filepath.Join(f.TempDir(), "journal")
	if err := signer.CreateJournal(path); err != nil {
		f.Fatal(err)
	}
	s, closeJournal := openSigner(f, key, path, fakeClock())
	f.Cleanup(closeJournal)
	f.Fuzz(func(t *testing.T, packet []byte, batch, note, void string, prevTxs []byte) {
		req := signerrpc.Request{PSBT: packet, PrevTxs: apart(prevTxs), BatchNote: batch, Void: void, BatchID: good.BatchID}
		id, number := batchOf(batch)
		if id != "" {
			req.BatchID = id
		}
		pays := void == "" && !decision.IsUpkeep([]byte(batch))
		if pays {
			req.Decisions = append([]string{note}, good.Decisions[1:]...)
		}
		resp, err := s.Sign(t.Context(), req)
		if err != nil {
			if errs.KindOf(err) != errs.Conflict {
				t.Errorf("not a refusal: %v", err)
			}
			return
		}
		if pays && note != good.Decisions[0] || len(resp.PSBT) == 0 || bytes.Equal(resp.PSBT, packet) {
			t.Errorf("signed %s for another note", resp.TxID)
		}
		signed, err := psbt.NewFromRawBytes(bytes.NewReader(resp.PSBT), false)
		if err != nil {
			t.Fatal(err)
		}
		change, err := key.Descriptor().Script(wallet.ChainChange, number)
		for _, out := range signed.UnsignedTx.TxOut {
			if !pays && (err != nil || !bytes.Equal(out.PkScript, change)) {
				t.Errorf("%s pays somebody", resp.TxID)
			}
		}
	})
}

// batchOf returns the batch of a note and its number, if it can be read.
func batchOf(note string) (id string, number uint32) {
	if n, err := decision.ParseBatch([]byte(note)); err == nil {
		return n.Batch.String(), n.Number
	}
	if n, err := decision.ParseUpkeep([]byte(note)); err == nil {
		return n.Batch.String(), n.Number
	}
	return "", 0
}

// joined writes byte strings one after the other, each with its length before it.
func joined(t tb, list [][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, raw := range list {
		if err := wire.WriteVarBytes(&b, 0, raw); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// apart undoes joined, as far as it goes.
func apart(raw []byte) (list [][]byte) {
	for r := bytes.NewReader(raw); r.Len() > 0; {
		one, err := wire.ReadVarBytes(r, 0, signerrpc.MaxPrevTxs, "transaction")
		if err != nil {
			break
		}
		list = append(list, one)
	}
	return list
}
