package views

import "fmt"

// Tx is a transaction as the diagram draws it: taken from the decoded bytes,
// outputs in their own order. The sum of the inputs is the sum of the outputs
// plus the fee.
type Tx struct {
	Inputs  []Flow
	Outputs []Flow
	FeeSat  int64
	VSize   int64
	FeeRate string
}

// Flow is one input or output.
type Flow struct {
	Label     string // operator, "4e1f…a0:1", ...
	AmountSat int64
	Change    bool // an output that returns to the treasury
}

// The sizes a drawing comes in, in SVG user units.
const (
	wideWidth   = 1096.0
	narrowWidth = 358.0
)

// maxFlows is how many inputs or outputs are drawn one by one; the rest
// becomes one "and N more".
const maxFlows = 5

// slot is the height a label takes.
const slot = 40.0

// Ribbon is one band of the drawing, with its label.
type Ribbon struct {
	Kind         string // in, out, more, change, fee
	Index        int    // of the input or output; -1 for more and fee
	Label        string
	AmountSat    int64
	Folded       int // how many flows a "more" stands for
	Path         string
	TickX, TickY float64
	Thick        float64
	LabelX       float64
	LabelY       float64
	Anchor       string
}

// Drawing is a laid-out Tx.
type Drawing struct {
	Width, Height              float64
	NodeX, NodeY, NodeW, NodeH float64
	In, Out                    []Ribbon
	Compact                    bool
}

// Draw lays a transaction out. mirrored puts inputs on the right, for
// right-to-left pages. An empty transaction gives an empty drawing.
func Draw(tx Tx, compact, mirrored bool) Drawing {
	in, out := foldInputs(tx.Inputs), foldOutputs(tx.Outputs, tx.FeeSat)
	total := sum(in)
	if total <= 0 || sum(out) <= 0 {
		return Drawing{}
	}

	width, labels, nodeW, nodeH := wideWidth, 196.0, 132.0, 216.0
	if compact {
		width, labels, nodeW, nodeH = narrowWidth, 126, 10, 240
	}
	c := canvas{total: total, nodeH: nodeH}
	height := max(c.tall(in), c.tall(out), nodeH) + 8
	d := Drawing{
		Width: width, Height: height, Compact: compact,
		NodeX: (width - nodeW) / 2, NodeY: (height - nodeH) / 2, NodeW: nodeW, NodeH: nodeH,
	}
	d.In = c.place(in, d, labels, !mirrored)
	d.Out = c.place(out, d, labels, mirrored)
	return d
}

func foldInputs(flows []Flow) []Ribbon {
	var shown []Ribbon
	more := Ribbon{Kind: "more", Index: -1}
	for i, f := range flows {
		if i < maxFlows || len(flows) == maxFlows+1 {
			shown = append(shown, Ribbon{Kind: "in", Index: i, Label: f.Label, AmountSat: f.AmountSat})
			continue
		}
		more.Folded++
		more.AmountSat += f.AmountSat
	}
	return withMore(shown, more)
}

// foldOutputs keeps the first payments and every change output in the order
// of the transaction; the rest and the fee come after them.
func foldOutputs(flows []Flow, fee int64) []Ribbon {
	payments := 0
	for _, f := range flows {
		if !f.Change {
			payments++
		}
	}
	var shown []Ribbon
	more := Ribbon{Kind: "more", Index: -1}
	drawn := 0
	for i, f := range flows {
		r := Ribbon{Kind: "out", Index: i, Label: f.Label, AmountSat: f.AmountSat}
		switch {
		case f.Change:
			r.Kind = "change"
			shown = append(shown, r)
		case drawn < maxFlows || payments == maxFlows+1:
			drawn++
			shown = append(shown, r)
		default:
			more.Folded++
			more.AmountSat += f.AmountSat
		}
	}
	shown = withMore(shown, more)
	if fee > 0 {
		shown = append(shown, Ribbon{Kind: "fee", Index: -1, AmountSat: fee})
	}
	return shown
}

func withMore(shown []Ribbon, more Ribbon) []Ribbon {
	if more.Folded == 0 {
		return shown
	}
	return append(shown, more)
}

func sum(rs []Ribbon) (sat int64) {
	for _, r := range rs {
		sat += r.AmountSat
	}
	return sat
}

type canvas struct {
	total int64
	nodeH float64
}

// thick is at least 2 units, so that a fee can be seen; what is left of the
// node's height is shared by value.
func (c canvas) thick(r Ribbon, n int) float64 {
	return 2 + (c.nodeH-2*float64(n))*float64(r.AmountSat)/float64(c.total)
}

func (c canvas) tall(rs []Ribbon) (h float64) {
	for _, r := range rs {
		h += max(slot, c.thick(r, len(rs))+12)
	}
	return h
}

// place gives each ribbon its path between the node and the labels on one
// side.
func (c canvas) place(rs []Ribbon, d Drawing, labels float64, left bool) []Ribbon {
	gap := (d.Height - 8 - c.tall(rs)) / float64(len(rs))
	atNode, atEdge := d.NodeY, 4+gap/2
	for i := range rs {
		r := &rs[i]
		r.Thick = c.thick(*r, len(rs))
		tall := max(slot, r.Thick+12)
		nodeY, edgeY := atNode+r.Thick/2, atEdge+tall/2
		atNode += r.Thick
		atEdge += tall + gap

		edgeX, nodeX := d.Width-labels, d.NodeX+d.NodeW
		r.TickX, r.LabelX, r.Anchor = edgeX, edgeX+10, "start"
		if left {
			edgeX, nodeX = labels, d.NodeX
			r.TickX, r.LabelX, r.Anchor = edgeX-4, edgeX-10, "end"
		}
		r.TickY, r.LabelY = edgeY-r.Thick/2, edgeY
		r.Path = band(edgeX, edgeY, nodeX, nodeY, r.Thick)
	}
	return rs
}

// band is a ribbon of constant thickness between two points.
func band(x0, y0, x1, y1, thick float64) string {
	mid, h := (x0+x1)/2, thick/2
	return fmt.Sprintf("M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1fV%.1fC%.1f %.1f %.1f %.1f %.1f %.1fZ",
		x0, y0-h, mid, y0-h, mid, y1-h, x1, y1-h,
		y1+h, mid, y1+h, mid, y0+h, x0, y0+h)
}

func px(v float64) string { return fmt.Sprintf("%.1f", v) }
