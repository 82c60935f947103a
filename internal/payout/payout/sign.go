package payout

import (
	"strings"

	"github.com/btcsuite/btcd/psbt/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/review/fund"
)

// DeadHeaders is how many headers a dead-proof shows at least; signers refuse less
// than their own depth.
const DeadHeaders = 100

// Gather merges what came back for an attempt so far.
func Gather(a Attempt) (*psbt.Packet, error) {
	merged, err := a.Packet()
	if err != nil {
		return nil, err
	}
	for _, part := range a.Partial {
		packet, err := txbuild.ParsePSBT(part.PSBT)
		if err != nil {
			return nil, err
		}
		if merged, err = txbuild.Merge(merged, packet); err != nil {
			return nil, err
		}
	}
	return merged, nil
}

// SignatureStatus says who has signed the newest attempt and how many more have to.
type SignatureStatus struct {
	Needed  int
	Total   int      // keys of the treasury
	Signed  []string // fingerprints
	Missing int
	Bare    bool // the PSBT to take out lacks its previous transactions: txbuild.File
}

// StatusOf reads the signatures of an attempt.
func StatusOf(f fund.Fund, a Attempt) (SignatureStatus, error) {
	descriptor, err := TreasuryOf(f)
	if err != nil {
		return SignatureStatus{}, err
	}
	need, keys := descriptor.Threshold()
	if len(a.Raw) > 0 {
		return SignatureStatus{Needed: need, Total: keys}, nil
	}
	merged, err := Gather(a)
	if err != nil {
		return SignatureStatus{}, err
	}
	state, err := txbuild.Missing(merged, descriptor)
	return SignatureStatus{
		Needed:  need,
		Total:   keys,
		Signed:  state.Signed,
		Missing: state.Missing,
		Bare:    txbuild.IsBare(merged),
	}, err
}

// Sources is how the signers of a signature are stored: their fingerprints in a row.
func Sources(fingerprints []string) string { return strings.Join(fingerprints, " ") }
