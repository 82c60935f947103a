package ctl_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/testkit/keytest"
	"github.com/causeway-fund/causeway/internal/trust/charter"
)

func TestADraftGathersChanges(t *testing.T) {
	t.Parallel()
	single, err := wallet.DescriptorFromSeed(keytest.Seed("another treasury"), wallet.KindWPKH, &chaincfg.SimNetParams)
	if err != nil {
		t.Fatal(err)
	}
	o, f := newOffice(t), keytest.NewFund(keytest.Plan{})
	o.pin(f)
	eve, gone, kept := keytest.NewPerson("Eve", keytest.Origin, charter.Reviewer), f.Reviewers[0], f.Reviewers[1]
	laptop := keytest.NewSSH(keytest.Seed("a second laptop")).Key()
	changes := o.file("changes", fmt.Appendf(nil, `# Eve comes for Reviewer 1, who leaves
add person %[1]s reviewer Eve
add key %[1]s webauthn %[2]s
add key %[1]s ssh %[3]s
remove person %[4]s
add revoked %[4]s

add key %[5]s ssh %[6]s   # a second laptop
add approve_up_to_sat 5000 reviewers 2 by_terminal 1 treasurers 1
set limit_day_sat 60000000
add treasury 1 %[8]s 7
add signer C %[9]s %[10]s
add person %[7]s trustee,treasurer Treasurer 1
`, eve.ID, eve.Passkeys[0], eve.SSH[0], gone.ID, kept.ID, laptop, f.Treasurers[0].ID, single,
		single.Fingerprints()[0], keytest.NewSSH(keytest.Seed("ack C")).Key()))
	draft := filepath.Join(o.dir, "draft")
	out := o.run("", "charter", "draft", changes, "--out", draft).want(t, 0)
	for _, says := range []string{
		"Eve is new, as reviewer", "Reviewer 1, who was reviewer, is taken out", "60 000 000 sat instead of 50 000 000", "Treasurer 1 becomes trustee",
		"2 of its own and 2 of version 1", "goes on to bind for 48 hours",
	} {
		if !strings.Contains(out.stdout, says) {
			t.Errorf("it does not say %q:\n%s", says, out.stdout)
		}
	}
	ch, err := charter.Parse([]byte(readFile(t, draft)))
	if err != nil || ch.Follows(f.Charter) != nil || len(ch.Lines) != 2 || ch.Lines[1].UpTo != 0 || len(ch.People) != 8 {
		t.Errorf("%v: %+v", err, ch)
	}
}

func TestADraftThatBreaksARule(t *testing.T) {
	t.Parallel()
	o, f := newOffice(t), keytest.NewFund(keytest.Plan{Reviewers: 2})
	o.pin(f)
	draft := func(changes string) outcome {
		return o.run(changes, "charter", "draft", "-", "--out", filepath.Join(o.dir, "draft"))
	}
	check(t, map[string]refusal{
		"a line nobody meets": {draft("remove person " + f.Reviewers[0].ID.String()), 1, "of the charter asks for 2 reviewers, and 1 are listed"},
		"too few trustees":    {draft("set trustees 3"), 1, "of the charter asks for 3 trustees, and 3 are listed"},
		"not a change":        {draft("\nplease limit_day_sat 5"), 2, "line 2 of the changes: a change begins with set, add or remove"},
		"no such line":        {draft("set colour blue"), 2, "is not a line of a charter"},
		"nothing to remove":   {draft("remove person " + keytest.ID("nobody").String()), 2, "has no line that begins with"},
		"one of several":      {draft("set person x"), 2, "does not stand once"},
		"half a line":         {draft("add person"), 2, "is not a line of a charter"},
		"another version":     {draft("set version 7"), 2, "is not a line of a charter that a draft can change"},
		"another fund":        {draft("set fund " + keytest.ID("other").String()), 2, "is not a line of a charter that a draft can change"},
	})
}
