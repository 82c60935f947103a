package payout_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// cases names, for each thing that can happen to a payment, the tests that make it
// happen.
var cases = []struct {
	row   string
	tests []string
}{
	{"crash before a signer may have been asked", []string{"TestACrashBetweenAnyTwoCommits", "TestCancelRacesTheWorker", "TestSignerThatIsDownLeavesTheBatchCancellable"}},
	{"crash while signing, or before the signed bytes are stored", []string{"TestACrashBetweenAnyTwoCommits", "TestSignatureThatGotLostIsFoundInABlock", "TestPeopleBringEverySignature"}},
	{"crash after the signed bytes are stored, around the broadcast", []string{"TestACrashBetweenAnyTwoCommits", "TestLostRepliesOfTheNode", "TestNodeThatForgetsIsToldAgain", "TestRunningWorkerTellsAgainOnceABlock"}},
	{"the node misses the inputs", []string{"TestMissingInputsOfAMinedPayment", "TestMissingInputsOfARivalOfOurs", "TestMissingInputsOfAForeignSpend", "TestMissingInputsOfAParentThatIsGone"}},
	{"a replacement with a higher fee", []string{"TestABumpReplacesAndOneIsPaid", "TestABumpKeepsToTheApprovedLimits"}},
	{"an old attempt confirms instead of the newest", []string{"TestTheOriginalWinsAfterABump", "TestMissingInputsOfARivalOfOurs", "TestAnEarlierAttemptIsToldWhenTheNewestIsNotTaken"}},
	{"reorg of 1 to 10 blocks: original, replacement, neither or a conflict wins", []string{"TestReorgsWithEveryWinner", "TestReorgsOfAnyDepth"}},
	{"a foreign spend, until it is as deep as final", []string{"TestAForeignSpendReleasesByDepth", "TestForeignSpendStopsSigning"}},
	{"a batch that cannot all be paid", []string{"TestLeftoversReturnBeforeSigning", "TestBadBatchDoesNotBlockTheRest", "TestAnOrderIsSplitTheSameWay"}},
	{"a recipient is cancelled before the signer", []string{"TestARecipientIsCancelledBeforeTheSigner"}},
	{"a recipient is cancelled after the signer", []string{"TestAVoidReleasesOnlyWhenItIsFinal", "TestAVoidThatLosesIsPaidAfterCancel"}},
	{"the database is restored from an older dump", []string{"TestAnOlderDumpIsRebuilt", "TestAVoidAndWhatFollowedIsRebuilt", "TestWhatWasDoneAfterARestoreGivesWay", "TestPaymentFromBeforeARestoreIsAdopted"}},
	{"two workers at once", []string{"TestTwoWorkersAtOnce", "TestWorkerWithoutTheLeaseWritesNothing"}},
	{"a recipient spends the unconfirmed payment, then the fee is raised", []string{"TestABumpPaysForWhatItPushesOut", "TestAVoidPaysForWhatItPushesOut", "TestAPinnedBatchIsPulledAlongByAChild"}},

	{"the mempool is wiped, the node killed", []string{"TestABumpThatCannotBeHadIsNoSilence", "TestWhatIsSignedIsToldWhileABumpIsNot", "TestANodeThatWasKilledIsWaitedFor", "TestNodeThatFellBackIsNoReorg"}},
	{"a batch descends from a transaction that can never confirm", []string{"TestABatchDiesWithItsParent", "TestAChildDiesWithItsParent"}},
	{"signers of several keys, one of them down, or none at all", []string{"TestTwoSignersOfThree", "TestASignerThatIsDownWaitsForPeople", "TestPeopleBringEverySignature"}},
	{"a coin is stolen, and two people have to look", []string{"TestForeignSpendStopsSigning", "TestBreakerStopsABatchThatWaitsForTheSigner"}},
}

// TestEveryCaseHasATest holds the table against the tests that there are. A star
// stands for any ending.
func TestEveryCaseHasATest(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
				names = append(names, fn.Name.Name)
			}
		}
	}
	for _, c := range cases {
		for _, test := range c.tests {
			found := false
			prefix, star := strings.CutSuffix(test, "*")
			for _, name := range names {
				found = found || name == test || (star && strings.HasPrefix(name, prefix))
			}
			if !found {
				t.Errorf("%s: there is no %s", c.row, test)
			}
		}
	}
}
