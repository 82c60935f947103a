package browser_test

import (
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/testkit/keytest"
	"github.com/causeway-fund/causeway/internal/trust/charter"
)

// charter gives the fund a charter, and a draft of the next one that one trustee signed.
func (h *house) charter(t *testing.T) {
	t.Helper()
	fund := h.Services.Fund
	params, err := fund.Params()
	if err != nil {
		t.Fatal(err)
	}
	treasury, err := wallet.ParseChecksummed(fund.Descriptor, params)
	if err != nil {
		t.Fatal(err)
	}
	f := keytest.NewFund(keytest.Plan{
		Net: params, Treasury: treasury, Now: time.Now(), Change: func(c *charter.Charter) { c.Fund = fund.ID },
	})
	if _, err := h.Services.Charters.Begin(t.Context(), f.Charter.Encode(), f.SignCharter()); err != nil {
		t.Fatal(err)
	}
	draft := f.Next(func(c *charter.Charter) { c.Limits.Day, c.HoldHours = 60_000_000, 72 }).Charter
	by := h.people["Noor"].Actor
	if err := h.Services.Charters.Propose(t.Context(), by, draft.Encode()); err != nil {
		t.Fatal(err)
	}
	if err := h.Services.Charters.Sign(t.Context(), by, draft.Digest(), f.Trustees[0].SignSSH(draft.Encode())); err != nil {
		t.Fatal(err)
	}
}
