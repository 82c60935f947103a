package books

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/btcsuite/btcd/btcutil/v2"
)

// Version is the type and version of the JSON document.
const Version = "causeway/payments/v2"

type document struct {
	Version  string `json:"version"`
	TotalSat int64  `json:"total_sat"`
	FeeSat   int64  `json:"fee_sat"`
	Payments []line `json:"payments"`
}

type line struct {
	GrantReference string  `json:"grant_reference"`
	InstalmentID   string  `json:"instalment_id"`
	DecisionDigest string  `json:"decision_digest"`
	Period         int     `json:"period"`
	BatchNumber    int64   `json:"batch_number"`
	Designation    string  `json:"designation,omitempty"`
	Address        string  `json:"address"`
	AmountSat      int64   `json:"amount_sat"`
	FeeShareSat    int64   `json:"fee_share_sat"`
	TxID           string  `json:"txid,omitempty"`
	Vout           *uint32 `json:"vout,omitempty"`
	Height         int32   `json:"height,omitempty"`
	BlockHash      string  `json:"block_hash,omitempty"`
	PaidAt         string  `json:"paid_at,omitempty"` // RFC 3339, UTC
	State          string  `json:"state"`
}

// WriteJSON writes one object with the payments and their sums. Amounts are
// whole satoshi.
func WriteJSON(w io.Writer, payments []Payment) error {
	doc := document{Version: Version, Payments: make([]line, len(payments))}
	var total, fee btcutil.Amount
	for i, p := range payments {
		total += p.AmountSat
		fee += p.FeeShareSat
		doc.Payments[i] = line{
			GrantReference: p.GrantReference,
			InstalmentID:   p.InstalmentID.String(),
			DecisionDigest: p.DecisionDigest,
			Period:         p.Period,
			BatchNumber:    p.BatchNumber,
			Designation:    p.Designation,
			Address:        p.Address,
			AmountSat:      int64(p.AmountSat),
			FeeShareSat:    int64(p.FeeShareSat),
			TxID:           p.TxID,
			Height:         p.Height,
			BlockHash:      p.BlockHash,
			PaidAt:         stamp(p.PaidAt),
			State:          p.State,
		}
		if p.TxID != "" {
			doc.Payments[i].Vout = &p.Vout
		}
	}
	doc.TotalSat, doc.FeeSat = int64(total), int64(fee)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("write payments as JSON: %w", err)
	}
	return nil
}
