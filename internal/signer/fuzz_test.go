package signer_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer"
	"github.com/causeway-fund/causeway/internal/wallet"
)

// Whatever bytes come as PSBT and notes, they are refused for a named reason, or
// they are the one transaction that the notes allow.
func FuzzSign(f *testing.F) {
	key := newKey(f, wallet.KindWPKH)
	good := newDraft(f, key).request(f)
	f.Add(good.PSBT, good.BatchNote, good.Decisions[0])
	for _, name := range []string{"unknown global field", "SIGHASH_NONE", "redeem script", "1,001 inputs", "no path"} {
		for _, tc := range badRequests() {
			if tc.name == name {
				d := newDraft(f, key)
				tc.edit(d)
				bad := d.request(f)
				f.Add(bad.PSBT, bad.BatchNote, bad.Decisions[0])
			}
		}
	}
	path := filepath.Join(f.TempDir(), "journal")
	if err := signer.CreateJournal(path); err != nil {
		f.Fatal(err)
	}
	s, closeJournal := openSigner(f, key, path, fakeClock())
	f.Cleanup(closeJournal)
	f.Fuzz(func(t *testing.T, packet []byte, batch, note string) {
		req := good
		req.PSBT, req.BatchNote = packet, batch
		req.Decisions = append([]string{note}, good.Decisions[1:]...)
		resp, err := s.Sign(t.Context(), req)
		if err != nil {
			if errs.KindOf(err) != errs.Conflict {
				t.Errorf("not a refusal: %v", err)
			}
			return
		}
		if note != good.Decisions[0] || len(resp.PSBT) == 0 || bytes.Equal(resp.PSBT, packet) {
			t.Errorf("signed %s for another note", resp.TxID)
		}
	})
}
