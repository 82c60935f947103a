package postgres_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/keytest"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/identity"
	"github.com/causeway-fund/causeway/internal/trust/registry"
)

// hall is the registry of a fund on a real database, as causeway_app.
type hall struct {
	desk
	*registry.Service
	fund  keytest.Fund
	clock *clock.Fake
	admin identity.Actor
}

func newHall(t *testing.T) hall {
	t.Helper()
	h := hall{desk: newDesk(t), clock: clock.NewFake(epoch)}
	h.fund = keytest.NewFund(keytest.Plan{Now: epoch})
	c := h.fund.Charter
	var err error
	h.Service, err = registry.New(
		postgres.CharterStore{DB: h.DB}, registry.Fund{Network: c.Network, ID: c.Fund, Descriptor: c.Treasuries[0].Descriptor}, h.clock,
	)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := h.hire(t, "Ann", identity.RoleAdmin)
	h.admin = identity.Actor{Kind: identity.KindStaff, StaffID: p.ID, Name: "Ann", Roles: p.Roles, SessionID: uuid.New()}
	return h
}

func (h hall) begin(t *testing.T) {
	t.Helper()
	_, err := h.Begin(t.Context(), h.fund.Charter.Encode(), h.fund.SignCharter())
	wantCode(t, err, "")
}

func (h hall) show(t *testing.T) registry.View {
	t.Helper()
	v, err := h.Show(t.Context(), h.admin)
	wantCode(t, err, "")
	return v
}

func longer(c *charter.Charter) { c.HoldHours = 72 }

func TestTheFirstCharter(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	next := h.fund.Next(longer)
	wantCode(t, h.Propose(t.Context(), h.admin, next.Charter.Encode()), string(registry.CodeFirstCharter))
	text := h.fund.Charter.Encode()
	_, err := h.Begin(t.Context(), text, h.fund.SignCharter()[:1])
	wantCode(t, err, "charter_unsigned")
	other := h.fund.Charter
	other.Fund = uuid.New()
	fund := h.fund
	fund.Charter = other
	_, err = h.Begin(t.Context(), other.Encode(), fund.SignCharter())
	wantCode(t, err, "note_other_fund")
	elsewhere := keytest.NewFund(keytest.Plan{Now: epoch, Single: true})
	_, err = h.Begin(t.Context(), elsewhere.Charter.Encode(), elsewhere.SignCharter())
	wantCode(t, err, string(registry.CodeOtherTreasury))
	if v := h.show(t); len(v.Versions)+len(v.Drafts)+len(v.Refused) != 0 {
		t.Errorf("a refused charter left something: %+v", v)
	}

	_, err = h.Begin(t.Context(), text, append(h.fund.SignCharter(), h.fund.Reviewers[0].SignSSH(text)))
	wantCode(t, err, string(registry.CodeNotTrustee))

	_, err = h.Begin(t.Context(), text, append(h.fund.SignCharter(), h.fund.SignCharter()...)) // each twice
	wantCode(t, err, "")
	_, err = h.Begin(t.Context(), text, h.fund.SignCharter())
	wantCode(t, err, string(registry.CodeCharterExists))
	v := h.show(t)
	if len(v.Versions) != 1 || v.Versions[0].Digest != h.fund.Charter.Digest() || len(v.Versions[0].Signatures) != 3 || v.BindsAlone != nil {
		t.Errorf("got %+v", v)
	}
}

// TestACharterGoesItsWay: a draft is proposed, signed by one, then by another, and taken in;
// the version before it goes on to bind for its hold, and other drafts go.
func TestACharterGoesItsWay(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	h.begin(t)
	two := h.fund.Next(longer)
	rival := h.fund.Next(func(c *charter.Charter) { c.HoldHours = 24 })
	for range 2 { // the second time changes nothing
		wantCode(t, h.Propose(t.Context(), h.admin, two.Charter.Encode()), "")
	}
	wantCode(t, h.Propose(t.Context(), h.admin, rival.Charter.Encode()), "")
	wantCode(t, h.Propose(t.Context(), h.admin, h.fund.Charter.Encode()), string(charter.CodeNotNext))
	wantCode(t, h.Propose(t.Context(), h.admin, h.fund.Next(func(*charter.Charter) {}).Charter.Encode()), string(registry.CodeDraftUnchanged))
	wantCode(t, h.Propose(t.Context(), h.admin, []byte("rubbish")), string(charter.CodeMalformed))

	digest, text := two.Charter.Digest(), two.Charter.Encode()
	for name, try := range map[string]struct {
		signature []byte
		want      errs.Code
	}{
		"by a reviewer":     {h.fund.Reviewers[0].SignSSH(text), registry.CodeNotTrustee},
		"over another text": {h.fund.Trustees[0].SignSSH(rival.Charter.Encode()), "sshsig_wrong"},
		"rubbish":           {[]byte("rubbish"), "sshsig_armor"},
	} {
		t.Log(name)
		wantCode(t, h.Sign(t.Context(), h.admin, digest, try.signature), string(try.want))
	}
	wantCode(t, h.Sign(t.Context(), h.admin, h.fund.Charter.Digest(), h.fund.Trustees[0].SignSSH(text)), string(registry.CodeUnknownCharter))
	for range 2 {
		wantCode(t, h.Sign(t.Context(), h.admin, digest, h.fund.Trustees[0].SignSSH(text)), "")
	}
	v := h.show(t)
	if len(v.Drafts) != 2 || len(v.Drafts[0].Counts) != 2 || len(v.Drafts[0].Counts[0].Signed) != 1 || v.Drafts[0].Counts[0].Enough() || v.Drafts[0].Proposer != "Ann" {
		t.Fatalf("drafts %+v", v.Drafts)
	}
	h.clock.Advance(time.Hour)
	wantCode(t, h.Sign(t.Context(), h.admin, digest, h.fund.Trustees[2].SignSSH(text)), "")

	v = h.show(t)
	if len(v.Drafts) != 0 || len(v.Versions) != 2 || v.Versions[0].Digest != digest || !v.Versions[1].Binds || len(v.Versions[0].Signatures) != 2 || len(v.Versions[0].Changes) != 1 {
		t.Fatalf("got %+v", v)
	}
	if want := epoch.Truncate(time.Second).Add(49 * time.Hour); v.BindsAlone == nil || !v.BindsAlone.Equal(want) {
		t.Errorf("binds alone at %v, want %v", v.BindsAlone, want)
	}
	h.clock.Advance(48 * time.Hour)
	if v = h.show(t); v.Versions[1].Binds || v.BindsAlone != nil {
		t.Errorf("after the hold: %+v", v)
	}
	got := h.actions(t)
	want := []string{"staff.invited", "charter.taken_in", "charter.proposed", "charter.proposed", "charter.signed", "charter.signed", "charter.taken_in"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("audit log %v, want %v", got, want)
	}
}

// TestAThiefOfTheDatabaseMakesNoCharter: what somebody INSERTs as causeway_app is left out
// and shown.
func TestAThiefOfTheDatabaseMakesNoCharter(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	h.begin(t)
	forged := h.fund.Next(longer).Charter
	digest := forged.Digest()
	exec(t, h.DB, "INSERT INTO charter (digest, text, taken_in_at) VALUES ($1, $2, $3)", digest[:], forged.Encode(), epoch)
	v := h.show(t)
	if len(v.Versions) != 1 || len(v.Refused) != 1 || !errs.Is(v.Refused[0].Why, "charter_unsigned") {
		t.Fatalf("got %+v", v)
	}
	honest := h.fund.Next(func(c *charter.Charter) { c.HoldHours = 24 })
	wantCode(t, h.Propose(t.Context(), h.admin, honest.Charter.Encode()), "")
	for _, p := range h.fund.Trustees[:2] {
		wantCode(t, h.Sign(t.Context(), h.admin, honest.Charter.Digest(), p.SignSSH(honest.Charter.Encode())), "")
	}
	if v := h.show(t); len(v.Versions) != 2 || v.Versions[0].Digest != honest.Charter.Digest() {
		t.Errorf("an honest charter does not follow: %+v", v)
	}
}

// TestTwoTrusteesAtOnce: of signatures that come together, none is lost.
func TestTwoTrusteesAtOnce(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	h.begin(t)
	two := h.fund.Next(longer)
	wantCode(t, h.Propose(t.Context(), h.admin, two.Charter.Encode()), "")
	var wg sync.WaitGroup
	results := make(chan error, 3)
	for _, p := range h.fund.Trustees {
		wg.Go(func() { results <- h.Sign(t.Context(), h.admin, two.Charter.Digest(), p.SignSSH(two.Charter.Encode())) })
	}
	wg.Wait()
	close(results)
	late := 0
	for err := range results {
		if errs.Is(err, registry.CodeUnknownCharter) {
			late++ // the other two had it taken in
		} else {
			wantCode(t, err, "")
		}
	}
	if v := h.show(t); late > 1 || len(v.Versions) != 2 || len(v.Drafts) != 0 {
		t.Errorf("%d late, %+v", late, v)
	}
}

func TestDraftsAreBounded(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	h.begin(t)
	for i := range registry.MaxDrafts + 1 {
		draft := h.fund.Next(func(c *charter.Charter) { c.HoldHours = int64(100 + i) })
		want := errs.Code("")
		if i == registry.MaxDrafts {
			want = registry.CodeTooManyDrafts
		}
		wantCode(t, h.Propose(t.Context(), h.admin, draft.Charter.Encode()), string(want))
	}
}

func TestWhoMayReadAndProposeCharters(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	h.begin(t)
	draft := h.fund.Next(longer).Charter.Encode()
	for name, by := range map[string]identity.Actor{"an operator": identity.Operator(uuid.New()), "the worker": identity.System("worker")} {
		t.Log(name)
		if by.Kind == identity.KindOperator {
			_, err := h.Show(t.Context(), by)
			wantCode(t, err, string(identity.CodeNotPermitted))
		}
		wantCode(t, h.Propose(t.Context(), by, draft), string(identity.CodeNotPermitted))
		wantCode(t, h.Sign(t.Context(), by, h.fund.Charter.Digest(), h.fund.SignCharter()[0]), string(identity.CodeNotPermitted))
	}
}
