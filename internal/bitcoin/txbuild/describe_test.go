package txbuild_test

import (
	"bytes"
	"testing"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
)

func TestDescribe(t *testing.T) {
	t.Parallel()
	for _, kind := range allKinds() {
		_, plan, want := approved(t, kind)
		raw, err := txbuild.EncodePSBT(plan.PSBT)
		if err != nil {
			t.Fatal(err)
		}
		packet, err := txbuild.ParsePSBT(raw)
		if err != nil {
			t.Fatal(err)
		}
		s, err := txbuild.Describe(packet, want.Descriptor)
		if err != nil {
			t.Fatal(err)
		}
		if s.TxID != plan.TxID || s.Fee != plan.Fee || s.Weight != plan.Weight || s.VSize != plan.VSize || s.FeeRate != plan.FeeRate {
			t.Errorf("%s: %+v, plan %+v", kind, s, plan)
		}
		for i, in := range s.Inputs {
			coin := plan.Inputs[i]
			if in.OutPoint != coin.OutPoint || in.Amount != coin.Amount || in.Chain != coin.Chain || in.Index != coin.Index || in.Address == "" {
				t.Errorf("%s: input %d: %+v", kind, i, in)
			}
		}
		for i, out := range s.Outputs {
			o := plan.Outputs[i]
			if !bytes.Equal(out.Script, o.Script) || out.Amount != o.Amount || out.IsChange != (o.ChangeIndex != nil) || out.Address == "" {
				t.Errorf("%s: output %d: %+v", kind, i, out)
			}
			if out.IsChange && out.ChangeIndex != *o.ChangeIndex {
				t.Errorf("%s: change index %d", kind, out.ChangeIndex)
			}
		}
		packet.Inputs[0].NonWitnessUtxo = nil
		if _, err := txbuild.Describe(packet, want.Descriptor); !errs.Is(err, "missing_prev_tx") {
			t.Errorf("%s: a fee was told from a stated amount: %v", kind, err)
		}
	}
}

func TestDescribeRefusesWhatDoesNotAddUp(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]int64{"more out than in": 5_000_000, "negative": -1, "impossible": 1 << 62} {
		_, plan, want := approved(t, wallet.KindWPKH)
		plan.PSBT.UnsignedTx.TxOut[0].Value = value
		if s, err := txbuild.Describe(plan.PSBT, want.Descriptor); !errs.Is(err, "bad_psbt") {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

// A payee's output that carries a change path is shown as a payee, and so is an
// output of ours that is not on the change chain.
func TestDescribeIsNotFooledByChangeFields(t *testing.T) {
	t.Parallel()
	tr, plan, _ := approved(t, wallet.KindTR)
	i := outputOf(t, plan, false)
	if err := tr.Descriptor.AddOutputFields(&plan.PSBT.Outputs[i], wallet.ChainChange, 7); err != nil {
		t.Fatal(err)
	}
	s, err := txbuild.Describe(plan.PSBT, tr.Descriptor)
	if err != nil || s.Outputs[i].IsChange {
		t.Errorf("output %d: %+v, %v", i, s.Outputs[i], err)
	}
	script, err := tr.Descriptor.Script(wallet.ChainDeposit, 7)
	if err != nil {
		t.Fatal(err)
	}
	plan.PSBT.UnsignedTx.TxOut[i].PkScript = script
	if err := tr.Descriptor.AddOutputFields(&plan.PSBT.Outputs[i], wallet.ChainDeposit, 7); err != nil {
		t.Fatal(err)
	}
	if s, err := txbuild.Describe(plan.PSBT, tr.Descriptor); err != nil || s.Outputs[i].IsChange {
		t.Errorf("deposit output %d: %+v, %v", i, s.Outputs[i], err)
	}
}
