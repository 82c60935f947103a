package signer_test

import (
	"testing"

	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// newUpkeep spends the coins of newDraft in a batch of its own.
func newUpkeep(t tb, key *signer.Key, kind string, outputs int) *draft {
	t.Helper()
	d := newDraft(t, key)
	d.number, d.notes, d.upkeep, d.outputs = 8, nil, kind, outputs
	return d
}

func TestUpkeepPaysTheTreasuryItself(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		kind    string
		outputs int
	}{{decision.UpkeepConsolidate, 1}, {decision.UpkeepSplit, 2}, {decision.UpkeepSplit, 7}, {decision.UpkeepSplit, 20}, {decision.UpkeepChild, 1}} {
		key := newKey(t, wallet.KindTR)
		s := freshSigner(t, wallet.KindTR)
		d := newUpkeep(t, key, tc.kind, tc.outputs)
		if _, err := s.Sign(t.Context(), d.request(t)); err != nil {
			t.Errorf("%s: %v", tc.kind, err)
			continue
		}
		r := lastRecord(t, s)
		if r.Kind != signer.KindUpkeep || r.Note != d.request(t).BatchNote || r.Void != "" || len(r.Outs) != tc.outputs {
			t.Errorf("%s: journalled as %+v", tc.kind, r)
		}
		d.attempt, d.fee = 1, 5000
		d.onUpkeep = func(n *decision.UpkeepNote) { n.MaxFee, n.MaxFeeRateSatKVB = 90_000, 33*n.MaxFeeRateSatKVB/20 } // approved again, dearer
		if _, err := s.Sign(t.Context(), d.request(t)); err != nil {
			t.Errorf("%s, replacement: %v", tc.kind, err)
		}
		d.attempt, d.fee, d.void, d.outputs = 2, 6000, true, 1
		d.onUpkeep = func(n *decision.UpkeepNote) { n.Outputs = tc.outputs }
		if _, err := s.Sign(t.Context(), d.request(t)); err != nil {
			t.Errorf("%s, void: %v", tc.kind, err)
		}
		d.attempt, d.fee, d.void, d.outputs = 3, 7000, false, tc.outputs
		if _, err := s.Sign(t.Context(), d.request(t)); !errs.Is(err, "batch_voided") {
			t.Errorf("%s, after the void: got %v, want batch_voided", tc.kind, err)
		}
	}
}

func TestUpkeepRefusals(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindTR)
	for name, tc := range map[string]struct {
		code string
		edit func(tb, *draft)
	}{
		"a coin more": {"coins_differ", func(_ tb, d *draft) { d.onUpkeep = func(n *decision.UpkeepNote) { n.Coins = n.Coins[1:] } }},
		"a coin less": {"coins_differ", func(_ tb, d *draft) {
			d.onUpkeep = func(n *decision.UpkeepNote) { n.Coins = append(n.Coins, wire.OutPoint{}) }
		}},
		"another coin":   {"coins_differ", func(_ tb, d *draft) { d.onUpkeep = func(n *decision.UpkeepNote) { n.Coins[0].Index++ } }},
		"an output more": {"output_count", func(_ tb, d *draft) { d.onUpkeep = func(n *decision.UpkeepNote) { n.Outputs = 2 } }},
		"an output less": {"output_count", func(_ tb, d *draft) { d.onUpkeep = func(n *decision.UpkeepNote) { n.Outputs = 4 } }},
		"unequal":        {"unequal_outputs", func(_ tb, d *draft) { d.onTx = func(tx *wire.MsgTx) { tx.TxOut[1].Value--; tx.TxOut[0].Value++ } }},
		"smaller last":   {"unequal_outputs", func(_ tb, d *draft) { d.onTx = func(tx *wire.MsgTx) { tx.TxOut[2].Value -= 10 } }},
		"larger last":    {"", func(_ tb, d *draft) { d.onTx = func(tx *wire.MsgTx) { tx.TxOut[2].Value += 10 } }},
		"pays somebody":  {"foreign_output", func(_ tb, d *draft) { d.onTx = func(tx *wire.MsgTx) { tx.TxOut[1].PkScript = payeeScript(1) } }},
		"to a deposit":   {"foreign_output", func(_ tb, d *draft) { d.onTx = d.changeTo(wallet.ChainDeposit, 8) }},
		"with decisions": {"unexpected_decisions", func(t tb, d *draft) {
			d.onReq = func(r *signerrpc.Request) { r.Decisions = []string{string(newNote(t, 1, 5).Encode())} }
		}},
		"too dear":         {"fee_above_batch_cap", func(_ tb, d *draft) { d.onUpkeep = func(n *decision.UpkeepNote) { n.MaxFee = 2999 } }},
		"note of a sort":   {"bad_batch_note", func(_ tb, d *draft) { d.onReq = func(r *signerrpc.Request) { r.BatchNote += "x\n" } }},
		"another network":  {"wrong_network", func(_ tb, d *draft) { d.onUpkeep = func(n *decision.UpkeepNote) { n.Network.Name = "mainnet" } }},
		"of another batch": {"batch_mismatch", func(_ tb, d *draft) { d.onReq = func(r *signerrpc.Request) { r.BatchID = "0" + r.BatchID[1:] } }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newUpkeep(t, key, decision.UpkeepSplit, 3)
			tc.edit(t, d)
			_, err := freshSigner(t, wallet.KindTR).Sign(t.Context(), d.request(t))
			if tc.code == "" && err != nil || tc.code != "" && !errs.Is(err, errs.Code(tc.code)) {
				t.Errorf("got %v, want %q", err, tc.code)
			}
		})
	}
}

func TestUpkeepAndPaymentsKeepOffEachOther(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindTR)
	pay := func() *draft { return newDraft(t, key) }
	upkeep := func() *draft { return newUpkeep(t, key, decision.UpkeepConsolidate, 1) }
	other := func() *draft { d := upkeep(); d.number = 9; return d }
	sameBatch := func() *draft { d := upkeep(); d.number, d.attempt, d.fee = 5, 1, 9000; return d }
	otherCoins := func() *draft {
		d := upkeep()
		d.attempt, d.fee = 1, 9000
		d.coins = append(d.coins, newCoin(t, key.Descriptor(), 31, 1_000_000))
		return d
	}
	for name, tc := range map[string]struct {
		code          string
		first, second func() *draft
	}{
		"upkeep of promised coins":    {"coin_promised", pay, upkeep},
		"payment of an upkeep's coin": {"coin_promised", upkeep, pay},
		"upkeep of an upkeep's coin":  {"coin_promised", upkeep, other},
		"upkeep in a payment's batch": {"payments_changed", pay, sameBatch},
		"upkeep with a coin more":     {"payments_changed", upkeep, otherCoins},
	} {
		s := freshSigner(t, wallet.KindTR)
		if _, err := s.Sign(t.Context(), tc.first().request(t)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Sign(t.Context(), tc.second().request(t)); !errs.Is(err, errs.Code(tc.code)) {
			t.Errorf("%s: got %v, want %s", name, err, tc.code)
		}
	}
}

// A child spends the change of a batch that is broadcast: an output that no
// batch was promised.
func TestAChildSpendsTheChangeOfABatch(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindTR)
	s := freshSigner(t, wallet.KindTR)
	parent := newDraft(t, key)
	if _, err := s.Sign(t.Context(), parent.request(t)); err != nil {
		t.Fatal(err)
	}
	tx := parent.transaction(t)
	child := newUpkeep(t, key, decision.UpkeepChild, 1)
	child.coins = []coin{{prev: tx, vout: uint32(len(tx.TxOut) - 1), chain: wallet.ChainChange, index: parent.number}}
	child.fee = 4000
	if _, err := s.Sign(t.Context(), child.request(t)); err != nil {
		t.Error(err)
	}
}
