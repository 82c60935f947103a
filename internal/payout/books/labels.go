package books

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"
)

// maxLabel is the length, in characters, at which wallets may cut a label (BIP329).
const maxLabel = 255

// label is a record of BIP329, with the optional fields of its section
// "Additional Fields" that we know.
type label struct {
	Type   string          `json:"type"` // tx, output or addr
	Ref    string          `json:"ref"`
	Label  string          `json:"label"`
	Value  *btcutil.Amount `json:"value,omitempty"` // satoshi of an output
	Height int32           `json:"height,omitempty"`
	Time   string          `json:"time,omitempty"`
}

// WriteLabels writes BIP329 labels, one JSON object a line: each transaction,
// each output that pays a grant, and each address once, with all the grants that
// it was paid for. A height is given only once the payment is settled, as the
// BIP asks.
func WriteLabels(w io.Writer, payments []Payment) error {
	var list []label
	at := map[string]int{} // of type and ref
	add := func(l label, text string) {
		key := l.Type + " " + l.Ref
		i, known := at[key]
		if !known {
			i, at[key] = len(list), len(list)
			list = append(list, l)
		}
		if parts := strings.Split(list[i].Label, ", "); list[i].Label == "" {
			list[i].Label = text
		} else if !slices.Contains(parts, text) {
			list[i].Label += ", " + text
		}
	}
	for _, p := range payments {
		var height int32
		var time string
		if p.booked() && p.settled() {
			height, time = p.Height, stamp(p.PaidAt)
		}
		grant := "Grant " + oneLine(p.GrantReference)
		if p.TxID != "" {
			add(
				label{Type: "tx", Ref: p.TxID, Height: height, Time: time},
				"Batch "+strconv.FormatInt(p.BatchNumber, 10),
			)
			ref := p.TxID + ":" + strconv.FormatUint(uint64(p.Vout), 10)
			add(label{Type: "output", Ref: ref, Value: &p.AmountSat, Height: height, Time: time}, grant)
		}
		add(label{Type: "addr", Ref: p.Address}, grant)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, l := range list {
		l.Label = cut(l.Label)
		if err := enc.Encode(l); err != nil {
			return fmt.Errorf("write labels: %w", err)
		}
	}
	return nil
}

// cut shortens a label to what a wallet keeps.
func cut(s string) string {
	runes := []rune(s)
	if len(runes) <= maxLabel {
		return s
	}
	return string(runes[:maxLabel-1]) + "…"
}
