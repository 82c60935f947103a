package payout

import (
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/payout/books"
)

// FeeShares divides an attempt's fee among its payments by the weight of their
// outputs, for reports alone.
func (a Attempt) FeeShares() (map[uuid.UUID]btcutil.Amount, error) {
	var ids []*uuid.UUID // nil: a payment that only a signer's journal knows
	var weights []int64
	for _, o := range a.Outputs {
		if o.ChangeIndex == nil {
			ids, weights = append(ids, o.InstalmentID), append(weights, books.OutputWeight(o.Script))
		}
	}
	if len(ids) == 0 {
		return nil, nil // nobody is paid
	}
	parts, err := books.FeeShares(a.Fee, weights)
	if err != nil {
		return nil, err
	}
	shares := make(map[uuid.UUID]btcutil.Amount, len(ids))
	for i, id := range ids {
		if id != nil {
			shares[*id] = parts[i]
		}
	}
	return shares, nil
}

// CertificateHeaders is how many headers a certificate shows when they are there.
const CertificateHeaders = 100
