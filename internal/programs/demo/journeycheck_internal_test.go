package demo

import (
	"testing"

	"github.com/causeway-fund/causeway/api/client"
)

// TestJourneyReadsAProofWithWhatItDecides: an answer that was put together while the
// prober's report came in shows a proof beside a server that is not proven yet.
func TestJourneyReadsAProofWithWhatItDecides(t *testing.T) {
	t.Parallel()
	why := "decoy_unclear"
	held, failed := client.ControlProof{Held: true}, client.ControlProof{Why: &why}
	for name, test := range map[string]struct {
		proofs  []client.ControlProof
		proven  bool
		settled bool
		says    string
	}{
		"no answer yet":                  {nil, false, false, "false"},
		"a proof, and the server before": {[]client.ControlProof{held}, false, false, "false"},
		"proven":                         {[]client.ControlProof{held}, true, true, "true"},
		"not proven":                     {[]client.ControlProof{failed}, false, true, "false: decoy_unclear"},
		"proven at the second try":       {[]client.ControlProof{held, failed}, true, true, "true"},
	} {
		e := client.CheckedEndpoint{Proofs: test.proofs, Control: client.EndpointControl{Proven: test.proven}}
		if got := settled(e); got != test.settled {
			t.Errorf("%s: settled is %v", name, got)
		}
		if got := proven(e); got != test.says {
			t.Errorf("%s: it says %q, want %q", name, got, test.says)
		}
	}
}
