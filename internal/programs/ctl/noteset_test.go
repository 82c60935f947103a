package ctl_test

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/testkit/keytest"
	"github.com/causeway-fund/causeway/internal/testkit/txtest"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/halt"
	paid "github.com/causeway-fund/causeway/internal/trust/history"
)

// noteSet are notes of one fund, of each kind that people approve.
type noteSet struct {
	Decision []byte // 600,000 sat
	Batch    []byte
	Upkeep   []byte
	Void     []byte
	Halt     []byte
	Resume   []byte
	History  []byte
}

// application is what the operator wrote, as its digest was made.
const application = `{"title":"A proxy \u202egnp.exe","salt":"00112233445566778899aabbccddeeff"}`

func notesOf(t *testing.T, c charter.Charter) noteSet {
	t.Helper()
	script := txtest.PayeeScript(t, txscript.WitnessV0PubKeyHashTy, 1)
	due := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	d := decision.Note{
		Network: c.Network, Fund: c.Fund, Decision: keytest.ID("decision"), Grant: keytest.ID("grant"), Application: sha256.Sum256([]byte(application)),
		Currency: decision.CurrencySat, Amount: 200_000, SatLeast: 200_000, SatMost: 200_000, Periods: 3,
		FirstDue: due, Every: decision.EveryMonth, PayWithinDays: 60,
		Payees: []decision.Payee{{Script: script, Address: wallet.AddressOf(script, &chaincfg.SimNetParams)}},
	}
	b := decision.BatchNote{
		Network: c.Network, Fund: c.Fund, Batch: keytest.ID("batch"), Number: 7, Until: due.AddDate(0, 0, 7),
		MaxFeeRateSatKVB: 60_000, MaxFee: 20_000,
		Payments: []decision.Payment{{Decision: d.Digest(), Period: 1, Script: script, Amount: 200_000}, {Decision: d.Digest(), Period: 2, Script: script, Amount: 400_000}},
	}
	u := decision.UpkeepNote{
		Network: c.Network, Fund: c.Fund, Batch: keytest.ID("upkeep"), Number: 8, Until: b.Until, Kind: decision.UpkeepConsolidate,
		Outputs: 1, MaxFeeRateSatKVB: 60_000, MaxFee: 20_000, Coins: []wire.OutPoint{{Index: 1}},
	}
	v := decision.VoidNote{
		Network: c.Network, Fund: c.Fund, Batch: b.Batch, Number: b.Number, Note: b.Digest(), Until: b.Until, MaxFee: b.MaxFee,
	}
	h := halt.Note{Network: c.Network, Fund: c.Fund, ID: keytest.ID("halt"), Reason: halt.NoReason}
	r := halt.Resume{Network: c.Network, Fund: c.Fund, ID: keytest.ID("resume"), Lifts: []uuid.UUID{h.ID}}
	replaced := paid.Note{Network: c.Network, Fund: c.Fund, Paid: []paid.Payment{{Decision: d.Digest(), Period: 1}}}
	return noteSet{d.Encode(), b.Encode(), u.Encode(), v.Encode(), h.Encode(), r.Encode(), replaced.Encode()}
}
