package views_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/edge/web/views"
)

// anyTx draws a transaction whose inputs are its outputs plus the fee.
func anyTx(t *rapid.T) views.Tx {
	amount := rapid.Int64Range(294, 50*1e8)
	label := rapid.StringMatching(`[a-z]{3,8}-[a-z]{3,8}`)
	tx := views.Tx{FeeSat: rapid.Int64Range(1, 1e6).Draw(t, "fee")}
	var out int64
	change := rapid.IntRange(-1, 60).Draw(t, "change")
	for i := range rapid.IntRange(1, 60).Draw(t, "outputs") {
		f := views.Flow{Label: label.Draw(t, "label"), AmountSat: amount.Draw(t, "amount"), Change: i == change}
		out += f.AmountSat
		tx.Outputs = append(tx.Outputs, f)
	}
	left := out + tx.FeeSat
	n := rapid.IntRange(1, 20).Draw(t, "inputs")
	for i := range n {
		part := left
		if i < n-1 {
			part = left / int64(n-i)
		}
		left -= part
		tx.Inputs = append(tx.Inputs, views.Flow{Label: label.Draw(t, "coin"), AmountSat: part})
	}
	return tx
}

func total(rs []views.Ribbon) (sat int64) {
	for _, r := range rs {
		sat += r.AmountSat
	}
	return sat
}

func TestDiagramTellsTheTransaction(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tx := anyTx(t)
		compact, mirrored := rapid.Bool().Draw(t, "compact"), rapid.Bool().Draw(t, "mirrored")

		d := views.Draw(tx, compact, mirrored)

		if total(d.In) != total(d.Out) {
			t.Fatalf("drawn inputs %d, drawn outputs and fee %d", total(d.In), total(d.Out))
		}
		checkOrder(t, d.Out, tx.Outputs, 1)
		checkOrder(t, d.In, tx.Inputs, 0)
		for _, f := range tx.Outputs {
			if f.Change && !hasKind(d.Out, "change") {
				t.Fatal("change is not drawn")
			}
		}
		checkInside(t, d)
	})
}

// checkOrder wants labels and amounts of the drawn flows to be those of the
// transaction at their index, indices to rise, and all others to be folded.
func checkOrder(t *rapid.T, rs []views.Ribbon, flows []views.Flow, fees int) {
	last, drawn, folded := -1, 0, 0
	for _, r := range rs {
		folded += r.Folded
		if r.Index < 0 {
			continue
		}
		drawn++
		if r.Index <= last {
			t.Fatalf("index %d comes after %d", r.Index, last)
		}
		last = r.Index
		if f := flows[r.Index]; r.Label != f.Label || r.AmountSat != f.AmountSat || (r.Kind == "change") != f.Change {
			t.Fatalf("ribbon %+v is not flow %d, %+v", r, r.Index, f)
		}
	}
	if drawn+folded != len(flows) {
		t.Fatalf("%d drawn and %d folded of %d", drawn, folded, len(flows))
	}
	if fees == 1 && rs[len(rs)-1].Kind != "fee" {
		t.Fatal("the fee is not last")
	}
}

func hasKind(rs []views.Ribbon, kind string) bool {
	for _, r := range rs {
		if r.Kind == kind {
			return true
		}
	}
	return false
}

// checkInside wants the ribbons of a side to fill the node exactly, each at
// least 2 units thick, and labels not to overlap.
func checkInside(t *rapid.T, d views.Drawing) {
	for _, side := range [][]views.Ribbon{d.In, d.Out} {
		sum, lastY := 0.0, math.Inf(-1)
		for _, r := range side {
			sum += r.Thick
			if r.Thick < 2 {
				t.Fatalf("ribbon %+v is too thin", r)
			}
			if r.LabelY-lastY < 27 {
				t.Fatalf("labels at %.1f and %.1f overlap", lastY, r.LabelY)
			}
			lastY = r.LabelY
			if r.TickY < 0 || r.TickY+r.Thick > d.Height || r.LabelX < 0 || r.LabelX > d.Width {
				t.Fatalf("ribbon %+v leaves the drawing of %.0f x %.0f", r, d.Width, d.Height)
			}
		}
		if math.Abs(sum-d.NodeH) > .01 {
			t.Fatalf("ribbons fill %.2f of %.2f", sum, d.NodeH)
		}
	}
}

func TestEmptyTransactionDrawsNothing(t *testing.T) {
	t.Parallel()
	if d := views.Draw(views.Tx{}, false, false); d.Width != 0 {
		t.Errorf("drew %+v", d)
	}
}
