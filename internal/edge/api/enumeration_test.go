package api_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/grant"
)

// words writes the values of a domain's enumeration as the document has them.
func words[S ~string](values ...S) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TestOpenEnumerationsHaveWhatTheDomainHas: a value that the document does not list has no constant in anybody's program.
func TestOpenEnumerationsHaveWhatTheDomainHas(t *testing.T) {
	t.Parallel()
	doc, err := document()
	if err != nil {
		t.Fatal(err)
	}
	standings := words(grant.StandingSigning, grant.StandingSent)
	for _, s := range grant.InstalmentStates() {
		standings = append(standings, string(s))
	}
	for schema, want := range map[string][]string{
		"ApplicationState": words(grant.States()...),
		"InstalmentState":  words(grant.InstalmentStates()...),
		"Standing":         standings,
		"GrantState":       words(grant.GrantActive, grant.GrantCompleted, grant.GrantTerminated),
		"BatchState":       words(payout.States()...),
		"BatchKind":        words(payout.Payout, payout.Consolidate, payout.Split, payout.Child),
		"AttemptKind":      words(payout.Pays, payout.Voids),
		"Fate": words(
			payout.FateBuilt, payout.FateSigning, payout.FateSigned, payout.FateBroadcast, payout.FateReplaced, payout.FateMined, payout.FatePaid, payout.FateFinal,
			payout.FateConflicted, payout.FateDead,
		),
		"Stage": words(probe.Stages()...),
		"StageState": words(
			endpoint.StepPassed, endpoint.StepFailed, endpoint.StepSkipped, endpoint.StepLeftOut, endpoint.StepNotReached,
		),
		"CheckKind":     words(vantage.KindSlot, vantage.KindRecheck, vantage.KindControl),
		"CheckMode":     words(probe.Full, probe.Light),
		"CheckClass":    words(probe.Classes()...),
		"EndpointState": words(endpoint.Active, endpoint.Retired),
		"LinkageKind": words(
			endpoint.LinkSpec, endpoint.LinkListenIP, endpoint.LinkListenNet, endpoint.LinkExitIP, endpoint.LinkExitNet, endpoint.LinkExitASN,
			endpoint.LinkServerKey, endpoint.LinkSecret, endpoint.LinkReplay,
		),
	} {
		found, ok := doc.Components.Schemas[schema]
		if !ok {
			t.Errorf("the document has no %s", schema)
			continue
		}
		text, err := json.Marshal(found.Value.Extensions["x-extensible-enum"])
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		if err := json.Unmarshal(text, &got); err != nil {
			t.Errorf("%s: %v", schema, err)
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-domain +document): %s", schema, diff)
		}
	}
}
