package model_test

import (
	"slices"
	"testing"

	"github.com/causeway-fund/causeway/internal/payout/model"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/grant"
)

// recovery lists edges that only a database takes which reads in the journal what
// it lost: a worker that stalled before the restore asked the signer after it, for
// a batch that was cancelled or written off in the meantime.
var recovery = []grant.Edge{
	{From: "cancelled", To: "signing"},
	{From: "voided", To: "signing"},
}

// ruleR lists the edges of voids and of rule R.
var ruleR = []grant.Edge{
	{From: "signing", To: "voiding"},
	{From: "signed", To: "voiding"},
	{From: "broadcast", To: "voiding"},
	{From: "mined", To: "voiding"},
	{From: "paid", To: "voiding"},
	{From: "conflicted", To: "voiding"},
	{From: "voiding", To: "mined"},
	{From: "voiding", To: "conflicted"},
	{From: "voiding", To: "voided"},
	{From: "conflicted", To: "voided"},
	{From: "maybe_paid", To: "payable"},
}

// checkEdges holds every change of state that histories made against the tables
// of payout and grant.
func checkEdges(t *testing.T, seen *model.Edges) {
	t.Helper()
	batches := slices.Concat(payout.Edges(), recovery, ruleR)
	for from, row := range seen.Batch {
		for to, n := range row {
			e := grant.Edge{From: model.BatchState(from).String(), To: model.BatchState(to).String()}
			if n > 0 && !slices.Contains(batches, e) {
				t.Errorf("a batch went from %s to %s %d times, which package payout does not allow", e.From, e.To, n)
			}
		}
	}
	payments := slices.Concat(grant.Edges()["instalment"], ruleR)
	for from, row := range seen.Payment {
		for to, n := range row {
			e := grant.Edge{From: model.PaymentState(from).String(), To: model.PaymentState(to).String()}
			if n > 0 && !slices.Contains(payments, e) {
				t.Errorf("a payment went from %s to %s %d times, which package grant does not allow", e.From, e.To, n)
			}
		}
	}
}
