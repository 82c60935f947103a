package grant_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// by returns a person who came by a session of their own.
func bySession(a identity.Actor) identity.Actor {
	a.SessionID = uuid.New()
	return a
}

// byToken returns a person who came by a token with these scopes.
func byToken(a identity.Actor, scopes ...identity.Permission) identity.Actor {
	a.TokenID, a.Scopes = uuid.New(), scopes
	return a
}

// leaves returns how often each actor has a leaf of action.
func (w *world) leaves(t testing.TB, action string) int64 {
	t.Helper()
	return w.number(t, "SELECT count(*) FROM audit_leaf WHERE action = $1", action)
}

// TestReadingLeavesOneLeafASessionAndApplication reads again and again, and by
// several ways.
func TestReadingLeavesOneLeafASessionAndApplication(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.file(t, 1), w.file(t, 2)
	ada, again := bySession(w.reviewers[0]), bySession(w.reviewers[0])
	token := byToken(w.reviewers[0], identity.PermApplicationRead, identity.PermApplicationUnseal)
	show := func(by identity.Actor, id uuid.UUID) {
		t.Helper()
		d, err := w.Show(t.Context(), by, id)
		noError(t, err)
		if d.Sealed || d.Body.Narrative == "" {
			t.Errorf("%+v", d)
		}
	}

	for range 3 {
		show(ada, one.id)
	}
	if n := w.leaves(t, "application.unsealed"); n != 1 {
		t.Errorf("one session and application left %d leaves", n)
	}
	show(ada, two.id)
	show(again, one.id)
	show(token, one.id)
	show(token, one.id)

	var got []string
	rows, err := w.owner.Pool().Query(t.Context(), "SELECT actor || ' ' || object_kind || ' ' || object_id FROM audit_leaf WHERE action = 'application.unsealed' ORDER BY seq")
	noError(t, err)
	for rows.Next() {
		var s string
		noError(t, rows.Scan(&s))
		got = append(got, s)
	}
	noError(t, rows.Err())
	by := w.reviewers[0].Label() + " application "
	if diff := cmp.Diff([]string{by + one.id.String(), by + two.id.String(), by + one.id.String(), by + one.id.String()}, got); diff != "" {
		t.Error(diff)
	}
	if n := w.number(t, "SELECT count(*) FROM invariant_breach"); n != 0 {
		t.Errorf("%d breaches", n)
	}
}

// TestReadersAtOnceLeaveOneLeaf sends the same GET eight times at once.
func TestReadersAtOnceLeaveOneLeaf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.file(t, 1)
	ada := bySession(w.reviewers[0])

	codes := together(8, func(int) error {
		_, err := w.Show(t.Context(), ada, f.id)
		return err
	})
	lists := together(8, func(int) error {
		_, err := w.Queue(t.Context(), ada, grant.Filter{Limit: 10}, "")
		return err
	})

	if diff := cmp.Diff(map[string]int{"": 16}, tally(append(codes, lists...))); diff != "" {
		t.Error(diff)
	}
	if n, titles := w.leaves(t, "application.unsealed"), w.leaves(t, "fund.titles_unsealed"); n != 1 || titles != 1 {
		t.Errorf("%d leaves, %d for the titles; want one each", n, titles)
	}
}

// TestReadAloneOpensNothingSealed looks for planted words in all that a reader
// without the permission to unseal is given, and for the leaf that must not be.
func TestReadAloneOpensNothingSealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.file(t, 1, func(p *grant.Proposal) {
		p.Title, p.Narrative, p.Contact = "canarytitle", "canarynarrative and some more words", "canarycontact"
		p.Endpoints[0].Host, p.Endpoints[0].Note = "canaryhost.example.org", "canarynote"
	})
	address := payee(t, 1)
	noError(t, w.say(t.Context(), w.reviewers[1], f.id, grant.VerdictApprove, w.show(t, f.id).Decision.Digest, "canaryvote"))
	_, err := w.PostMessage(t.Context(), w.reviewers[1], f.id, grant.ToTeam, "canarymessage")
	noError(t, err)
	before := w.rows(t)
	for name, by := range map[string]identity.Actor{
		"a token": byToken(w.reviewers[0], identity.PermApplicationRead), "the system": identity.System("worker"),
		"a token that may vote": byToken(w.reviewers[0], identity.PermApplicationRead, identity.PermApplicationVote),
	} {
		d, err := w.Show(t.Context(), by, f.id)
		noError(t, err)
		page, err := w.Queue(t.Context(), by, grant.Filter{Limit: 10}, "")
		noError(t, err)
		// What is stored sealed may be passed on inside; that it is sealed is the point.
		d.Revision.Body, d.Decision.Note, page.Lines[0].Body = nil, nil, nil
		for i := range d.Votes {
			d.Votes[i].Note = nil
		}
		if !d.Sealed || len(d.Findings) == 0 || d.Tally.Approve != 1 {
			t.Errorf("%s: sealed %v, %d findings, tally %+v", name, d.Sealed, len(d.Findings), d.Tally)
		}
		text, err := json.Marshal([]any{d, page})
		noError(t, err)
		words := grant.Filter{Limit: 10, Search: "canarytitle"}
		if _, err := w.Queue(t.Context(), by, words, ""); errs.KindOf(err) != errs.Forbidden {
			t.Errorf("%s looks for a word of a title: %v", name, err)
		}
		if _, err := w.Counts(t.Context(), by, words); errs.KindOf(err) != errs.Forbidden {
			t.Errorf("%s counts titles with a word: %v", name, err)
		}
		for _, word := range []string{"canary", address} {
			if strings.Contains(string(text), word) {
				t.Errorf("%s reads %s in %s", name, word, text)
			}
		}
	}
	if diff := cmp.Diff(before, w.rows(t)); diff != "" {
		t.Errorf("nothing was opened, and it left\n%s", diff)
	}
	if _, err := w.Show(t.Context(), byToken(w.reviewers[0], identity.PermApplicationUnseal), f.id); err == nil {
		t.Error("unseal alone reads")
	}
	actions := []string{}
	for _, h := range w.status(t, f.code).History {
		actions = append(actions, h.Action)
	}
	if slices.ContainsFunc(actions, func(a string) bool { return strings.Contains(a, "unsealed") }) {
		t.Errorf("the operator is told who reads: %v", actions)
	}
}

// TestNothingIsOpenedThatCannotBeRecorded takes away the right to write the trace.
func TestNothingIsOpenedThatCannotBeRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.file(t, 1)
	w.exec(t, "REVOKE INSERT ON audit_leaf FROM causeway_app")

	d, err := w.Show(t.Context(), bySession(w.reviewers[0]), f.id)

	if err == nil || d.Body.Narrative != "" || d.Note != "" {
		t.Errorf("%v, %+v", err, d.Body)
	}
	if n := w.number(t, "SELECT count(*) FROM unsealing"); n != 0 {
		t.Errorf("%d rows say that it was opened", n)
	}
}
