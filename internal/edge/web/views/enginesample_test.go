package views_test

import (
	"time"

	"github.com/causeway-fund/causeway/internal/edge/web/views"
)

func sampleEstimate() views.Estimate {
	return views.Estimate{
		At: now.Add(-4 * time.Minute), Height: 284_312, Floor: "1.0", Trusted: true,
		Targets: []views.FeeChoice{{Blocks: 6, Rate: "18"}, {Blocks: 36, Rate: "6.1"}, {Blocks: 144, Rate: "2"}},
		Votes: []views.Source{
			{Name: "mempool", Rates: []string{"18.0", "6.1", "2.0"}, Used: true, Age: "1 min"},
			{Name: "blocks", Rates: []string{"17.2", "7.0", "2.4"}, Used: true, Age: "9 min"},
			{Name: "estimatefee", Age: "4 min", Why: "It has said the same for a day."},
		},
	}
}

// sampleSigning waits for two of three signatures, and has one.
func sampleSigning() views.Batch {
	v := sampleBatch("mined")
	v.State, v.Step, v.Deep, v.TxID, v.Needed = "signing", views.BatchStep("signing"), "", txid, 6
	v.Confirmations, v.Heights = 0, nil
	v.Next = views.BatchNext{Kind: "signatures", Params: map[string]string{"Have": "1", "Need": "2", "Missing": "1"}}
	v.Signing = &views.Signing{Needed: 2, Total: 3, Signed: []string{"7f3a19cc"}, Missing: 1, Typed: "cHNidP8", Brought: []views.Brought{{Keys: "7f3a19cc", At: now.Add(-time.Hour)}, {Keys: "0a11b2c3", Who: "noor", At: now}}}
	v.Errors = []views.FieldError{{Field: "psbt", Code: "psbt", Message: "The file was changed: output 3 pays another amount."}}
	v.MaybePaid = sampleDoubt()
	v.Attempts[0].State, v.Attempts[0].Height, v.Attempts[0].Fate = "signing", 0, views.Msg{Key: "fate.signing"}
	v.VoidForm = &views.VoidForm{}
	return v
}

func sampleDoubt() []views.Msg {
	params := map[string]string{"Paid": "6", "Final": "100"}
	return []views.Msg{{Key: "maybe.mined", Params: params}, {Key: "maybe.dead", Params: params}, {Key: "maybe.void"}}
}

// sampleStuck was replaced once and does not go on.
// sampleTakeBack is the form of a request that was refused.
func sampleTakeBack() views.Batch {
	v := sampleStuck()
	v.Errors = []views.FieldError{{Field: "reason", Code: "required"}}
	return v
}

func sampleStuck() views.Batch {
	v := sampleSigning()
	v.State, v.Step, v.Signing, v.Errors = "broadcast", views.BatchStep("broadcast"), nil, nil
	v.Next = views.BatchNext{Kind: "stuck", Detail: views.Msg{Text: "Others have built on this transaction."}}
	v.CanChild, v.Bump = true, &views.Bump{Least: "60", Limit: "60", Wanted: "12", LastStep: true, Typed: "90"}
	v.VoidForm = &views.VoidForm{Reason: "Two recipients moved.", Cancelled: []string{v.Recipients[0].ID}}
	v.Errors = []views.FieldError{{Field: "feerate", Code: "out_of_range"}}
	v.Attempts = append(v.Attempts, views.Attempt{
		N: 2, Kind: "pay", State: "broadcast", TxID: root, FeeSat: 12_100, FeeRate: "7.5", Now: true, Fate: views.Msg{Key: "fate.waits"},
		Events: []views.Event{{At: now, Msg: views.Msg{Key: "event.attempt.broadcast_detail", Params: map[string]string{"Detail": "accepted"}}}},
	})
	v.Attempts[0].State, v.Attempts[0].Now, v.Attempts[0].Fate = "replaced", false, views.Msg{Key: "fate.replaced", Params: map[string]string{"N": "2"}}
	for i := range v.Recipients {
		v.Recipients[i].State, v.Recipients[i].Certificate = "maybe_paid", false
	}
	return v
}

// sampleVoiding waits for a second person, or for depth.
func sampleVoiding(mined bool) views.Batch {
	v := sampleStuck()
	v.State, v.Side, v.CanChild, v.Bump, v.VoidForm, v.Errors = "voiding", "voiding", false, nil, nil, nil
	v.Step = views.BatchStep("voiding")
	v.Next = views.BatchNext{Kind: "approve_void", Params: map[string]string{"Final": "100"}}
	v.Void = &views.Void{
		Reason: "Two recipients moved.", AskedBy: "noor", AskedAt: now.Add(-time.Hour), FeeRate: "10", Cancel: []string{"A-000398"}, Again: 36,
		Digest: views.SignedText{Digest: root, Text: "causeway/void/v2"}, CanApprove: true, TypedNumber: "B-1",
		FeeSat: 9_000, LapsesAt: now.Add(23 * time.Hour), CanWithdraw: true,
	}
	if !mined {
		v.State, v.Side, v.Step = "broadcast", "", views.BatchStep("broadcast")
		v.Bump = &views.Bump{Refused: views.Msg{Text: "The fee of this batch cannot be raised any further: it pays 60 sat/vB, and 60 is the most that was approved."}}
		return v
	}
	v.Void.LapsesAt, v.Void.CanWithdraw = time.Time{}, false
	v.Next = views.BatchNext{Kind: "void_confirming", Params: map[string]string{"Final": "100"}}
	v.Void.CanApprove, v.Void.ApprovedBy, v.Void.ApprovedAt = false, "kit", now
	v.Blocks, v.Confirmations, v.Needed, v.Deep = 0, 12, 100, "void"
	v.Attempts = append(v.Attempts, views.Attempt{N: 3, Kind: "void", State: "mined", TxID: txid, FeeSat: 9_000, FeeRate: "10.0", Height: 284_300, Now: true, Fate: views.Msg{Key: "fate.void_mined"}})
	v.PaidAnyway = v.Recipients[:2]
	return v
}

func sampleImport() views.Import {
	return views.Import{
		Sample: "reference,address,label", Text: "reference,address,amount_sat\n", Lines: 4, Empty: 1, Fit: 1, FitSat: 1_850_000, Picked: []string{"1"}, Refused: views.Msg{Text: "It is in UTF-16."},
		Errors: []views.FieldError{{Field: "list", Code: "required"}},
		Rows: []views.ImportRow{
			{Line: 2, Reference: "A-000417", Address: addr1, AmountSat: 1_850_000, Label: "January"},
			{Line: 3, Reference: "A-000418", Address: addr1, Problems: []views.Msg{{Text: "amount_sat: 1.5E+06 is how a spreadsheet writes it."}, {Text: "Line 2 says the same."}}},
		},
	}
}
