package api_test

import (
	"context"
	"encoding/json"

	"github.com/causeway-fund/causeway/internal/testkit/keytest"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
	"github.com/causeway-fund/causeway/internal/trust/registry"
)

var (
	charterOne  = keytest.NewFund(keytest.Plan{Now: at})
	charterTwo  = charterOne.Next(func(c *charter.Charter) { c.HoldHours = 72 })
	draftDigest = charterTwo.Charter.Digest().String()
	draftBody   = func() string {
		b, err := json.Marshal(map[string]string{"text": string(charterTwo.Charter.Encode())})
		if err != nil {
			panic(err)
		}
		return string(b)
	}()
)

// fakeCharters has one charter and one draft.
type fakeCharters struct {
	fail error
	got  []any // arguments of the last call
}

func (f *fakeCharters) Show(context.Context, identity.Actor) (registry.View, error) {
	one, two := charterOne.Charter, charterTwo.Charter
	signature := registry.Signature{
		Charter: one.Digest(), Key: charterOne.Trustees[0].SSHKey.Key().Fingerprint(), Armored: charterOne.SignCharter()[0], At: at,
	}
	return registry.View{
		Versions: []registry.Version{{Charter: one, Digest: one.Digest(), Text: one.Encode(), Signatures: []registry.Signature{signature}, At: at, Binds: true}},
		Drafts: []registry.DraftView{{
			Charter: two, Digest: two.Digest(), Text: two.Encode(), ProposedBy: ann, Proposer: "Ann", At: at,
			Changes: charter.Diff(one, two), HoldHours: 48,
			Counts: []registry.Count{{Version: 1, Needed: 2, Others: one.With(charter.Trustee)}},
		}},
	}, f.fail
}

func (f *fakeCharters) Propose(_ context.Context, _ identity.Actor, text []byte) error {
	f.got = []any{string(text)}
	return f.fail
}

func (f *fakeCharters) Sign(_ context.Context, _ identity.Actor, digest decision.Digest, armored []byte) error {
	f.got = []any{digest, string(armored)}
	return f.fail
}
