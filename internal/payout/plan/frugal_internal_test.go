package plan

import (
	"testing"

	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/signer/signer"
)

// What a signer allows by default is what a batch keeps room for.
func TestRoomIsThatOfADefaultSigner(t *testing.T) {
	t.Parallel()
	if p := signer.DefaultPolicy(); p.MaxFeePermille != payout.SignerPermille {
		t.Errorf("a signer allows %d per mille, a batch reckons with %d", p.MaxFeePermille, payout.SignerPermille)
	}
}
