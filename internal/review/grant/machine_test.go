package grant_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

const (
	nobody = -1
	voters = 4       // a tie needs four
	asked  = 100_000 // satoshi, of every application here
)

// model is what an application should be: the rules once more, without locks,
// rows or keys.
type model struct {
	now        time.Time
	available  int64
	state      grant.State
	path       []grant.State // every state it was in, in order
	revision   int
	version    int64
	votes      map[int]grant.Verdict // by reviewer, on this revision
	holder     int
	unanswered int
	until      time.Time
}

func (m *model) to(s grant.State) {
	if s != m.state {
		m.state, m.path = s, append(m.path, s)
	}
}

func (m *model) closed() bool {
	return m.state == grant.Approved || m.state == grant.Declined || m.state == grant.Withdrawn
}

func (m *model) heldByOther(who int) bool {
	return m.holder != nobody && m.holder != who && m.now.Before(m.until)
}

func (m *model) carried() grant.Verdict {
	counts := tally(slices.Collect(maps.Values(m.votes)))
	switch a, d := counts[grant.VerdictApprove], counts[grant.VerdictDecline]; {
	case a >= 2 && a > d:
		return grant.VerdictApprove
	case d >= 2 && d > a:
		return grant.VerdictDecline
	}
	return ""
}

func (m *model) settle() {
	if m.carried() == "" {
		m.to(grant.InReview)
	} else {
		m.to(grant.Ready)
	}
}

// step is one event by one actor: a reviewer, or the treasurer after them.
type step struct {
	what    string
	who     int
	verdict grant.Verdict
	stale   bool
}

// apply changes the model and returns the code that the step is answered with.
func (m *model) apply(s step) string {
	isStaffs := slices.Contains([]string{"claim", "release", "vote", "decide", "post"}, s.what)
	if isStaffs && s.who == voters {
		return "not_permitted"
	}
	code := map[string]func(step) string{
		"claim": m.claim, "release": m.release, "vote": m.vote, "decide": m.decide,
		"post": m.allow, "reply": m.reply, "revise": m.revise, "withdraw": m.withdraw,
	}[s.what](s)
	if code == "" {
		m.version++
	}
	return code
}

func (m *model) allow(step) string { return "" }

func (m *model) claim(s step) string {
	switch {
	case m.closed():
		return "wrong_state"
	case m.heldByOther(s.who):
		return "claimed_by_other"
	}
	m.holder, m.until = s.who, m.now.Add(grant.DefaultClaim)
	if m.state == grant.Submitted {
		m.to(grant.InReview)
	}
	return ""
}

func (m *model) release(s step) string {
	if m.heldByOther(s.who) {
		return "claimed_by_other"
	}
	if m.holder == nobody || !m.now.Before(m.until) {
		m.version-- // nothing happens
	}
	m.holder = nobody
	return ""
}

func (m *model) vote(s step) string {
	switch _, voted := m.votes[s.who]; {
	case m.heldByOther(s.who):
		return "claimed_by_other"
	case s.stale:
		return "stale_digest"
	case m.closed() || m.state == grant.NeedsInfo:
		return "wrong_state"
	case voted && s.verdict != question:
		return "already_voted"
	}
	m.holder = nobody
	if m.state == grant.Submitted {
		m.to(grant.InReview)
	}
	if s.verdict == question {
		m.unanswered = 0
		m.to(grant.NeedsInfo)
		return ""
	}
	m.votes[s.who] = s.verdict
	m.settle()
	return ""
}

func (m *model) decide(s step) string {
	switch {
	case s.stale:
		return "stale_version"
	case m.state != grant.Ready:
		return "wrong_state"
	case m.carried() != s.verdict:
		return "no_quorum"
	case s.verdict == grant.VerdictDecline:
		m.to(grant.Declined)
	case m.available < asked:
		return "treasury_short"
	default:
		m.available -= asked
		m.to(grant.Approved)
	}
	m.unanswered = 0 // a decision comes with a word to the operator
	m.holder = nobody
	return ""
}

func (m *model) reply(step) string {
	if m.unanswered == grant.MaxUnanswered {
		return "invalid_fields"
	}
	m.unanswered++
	if m.state == grant.NeedsInfo {
		m.settle()
	}
	return ""
}

func (m *model) revise(step) string {
	if m.state != grant.NeedsInfo {
		return "wrong_state"
	}
	m.revision++
	clear(m.votes)
	m.to(grant.InReview)
	return ""
}

func (m *model) withdraw(step) string {
	if m.closed() {
		return "wrong_state"
	}
	m.holder = nobody
	m.to(grant.Withdrawn)
	return ""
}

// real does the same to the service.
func (w *world) real(ctx context.Context, f filed, digest decision.Digest, version int64, p grant.Proposal, s step) error {
	by := append(slices.Clone(w.reviewers), w.treasurer)[s.who]
	if s.stale {
		version--
		digest[5] ^= 1
	}
	var err error
	switch s.what {
	case "claim":
		_, err = w.ClaimApplication(ctx, by, f.id)
	case "release":
		_, err = w.ReleaseApplication(ctx, by, f.id)
	case "vote":
		err = w.say(ctx, by, f.id, s.verdict, digest, "Because.")
	case "decide":
		_, err = w.Decide(ctx, by, grant.Decide{ID: f.id, Version: version, Outcome: s.verdict, Digest: digest, Message: "Decided."})
	case "post":
		_, err = w.PostMessage(ctx, by, f.id, grant.ToTeam, "A word.")
	case "reply":
		_, err = w.Reply(ctx, f.code, "A word.")
	case "revise":
		_, err = w.Revise(ctx, f.code, p)
	case "withdraw":
		_, err = w.Withdraw(ctx, f.code)
	default:
		err = fmt.Errorf("no step %s", s.what)
	}
	return err
}

// draw returns a step that is more often one that people would take than not:
// votes lean to one verdict and decisions to what is carried.
func draw(rt *rapid.T, m *model, mood grant.Verdict) step {
	often := func(label string) bool { return rapid.IntRange(0, 3).Draw(rt, label) > 0 }
	s := step{
		what: rapid.SampledFrom([]string{
			"vote", "vote", "vote", "vote", "vote", "vote", "decide", "decide", "decide", "claim", "release", "reply", "reply", "revise", "post", "withdraw",
		}).Draw(rt, "what"),
		who:     rapid.SampledFrom([]int{0, 1, 2, 3, 0, 1, 2, 3, voters}).Draw(rt, "who"),
		verdict: mood,
		stale:   rapid.IntRange(0, 9).Draw(rt, "stale") == 0,
	}
	switch {
	case s.what == "decide" && m.carried() != "" && often("as carried"):
		s.verdict = m.carried()
	case s.what == "withdraw" && often("after all not"):
		s.what = "post"
	case s.what == "vote" && !often("in the mood"):
		s.verdict = rapid.SampledFrom(verdicts).Draw(rt, "verdict")
	}
	return s
}

// TestTheServiceDoesWhatTheModelDoes draws random events by random people and
// compares each answer, the state that follows, and the history that is left.
func TestTheServiceDoesWhatTheModelDoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.reviewers = append(w.reviewers, w.hire(t, "Dmitri", identity.RoleReviewer))
	n, available := 0, int64(0)
	reached := map[grant.State]int{}
	rapid.Check(t, func(rt *rapid.T) {
		n++
		f := w.file(t, n)
		if rapid.Bool().Draw(rt, "deposit") {
			w.deposit(t, asked)
			available += asked
		}
		m := &model{available: available, state: grant.Submitted, path: []grant.State{grant.Submitted}, revision: 1, version: 1, votes: map[int]grant.Verdict{}, holder: nobody}
		digest := w.show(t, f.id).Decision.Digest
		mood := rapid.SampledFrom(verdicts[:2]).Draw(rt, "mood")
		for range rapid.IntRange(4, 20).Draw(rt, "steps") {
			if rapid.IntRange(0, 3).Draw(rt, "wait") == 0 {
				w.clock.Advance(20 * time.Minute)
			}
			s := draw(rt, m, mood)
			m.now = w.clock.Now()
			version, revision := m.version, m.revision
			want := m.apply(s)

			err := w.real(t.Context(), f, digest, version, proposal(t, n), s)

			got := ""
			if err != nil {
				got = string(errs.CodeOf(err))
			}
			if got != want {
				rt.Fatalf("%+v: answered %q (%v), want %q", s, got, err, want)
			}
			w.sameAs(t, rt, f, m)
			if m.revision != revision {
				digest = w.show(t, f.id).Decision.Digest
			}
		}
		available = m.available
		reached[m.state]++
		w.historyIs(t, rt, f, m.path)
	})
	for _, s := range []grant.State{grant.Approved, grant.Declined, grant.Withdrawn} {
		if reached[s] == 0 {
			t.Errorf("no history ended %s, so the test shows little: %v", s, reached)
		}
	}
	if got := w.balance(t, "available"); int64(got) != available {
		t.Errorf("%d available, want %d", got, available)
	}
}

// sameAs compares the stored application with the model.
func (w *world) sameAs(t *testing.T, rt *rapid.T, f filed, m *model) {
	type row struct {
		State             grant.State
		Revision, Version int64
		Holder            int
		Voted             int64
	}
	var got row
	var state, holder string
	err := w.owner.Pool().QueryRow(t.Context(), `SELECT a.state, a.revision, a.version,
			coalesce((SELECT s.name FROM claim c JOIN staff s ON s.id = c.staff_id WHERE c.application_id = a.id AND c.expires_at > $2), ''),
			(SELECT count(*) FROM vote v WHERE v.application_id = a.id AND v.revision = a.revision)
		FROM application a WHERE a.id = $1`, f.id, m.now).Scan(&state, &got.Revision, &got.Version, &holder, &got.Voted)
	noError(t, err)
	got.State, got.Holder = grant.State(state), slices.IndexFunc(w.reviewers, func(a identity.Actor) bool { return a.Name == holder })
	want := row{State: m.state, Revision: int64(m.revision), Version: m.version, Holder: m.holder, Voted: int64(len(m.votes))}
	if !m.now.Before(m.until) {
		want.Holder = nobody
	}
	if diff := cmp.Diff(want, got); diff != "" {
		rt.Fatalf("model against database:\n%s", diff)
	}
}

// historyIs replays the stored history and the audit log: only legal edges, from
// the first state to the last, each told once in both.
func (w *world) historyIs(t *testing.T, rt *rapid.T, f filed, path []grant.State) {
	legal := map[grant.Edge]bool{}
	for _, e := range grant.Edges()["application"] {
		legal[e] = true
	}
	rows, err := w.owner.Pool().Query(t.Context(), `SELECT l.leaf FROM audit_leaf l WHERE l.object_kind = 'application' AND l.object_id = $1 ORDER BY l.seq`, f.id.String())
	noError(t, err)
	defer rows.Close()
	var leaves []grant.Edge
	states := []grant.State{}
	for rows.Next() {
		var raw []byte
		noError(t, rows.Scan(&raw))
		leaf, err := audit.ParseLeaf(raw)
		noError(t, err)
		edge := grant.Edge{From: leaf.From, To: leaf.To}
		leaves = append(leaves, edge)
		if leaf.To == "" {
			continue
		}
		if len(states) > 0 && (!legal[edge] || string(states[len(states)-1]) != leaf.From) {
			rt.Fatalf("%s follows %s: no legal edge from there", edge, states)
		}
		states = append(states, grant.State(leaf.To))
	}
	noError(t, rows.Err())
	if diff := cmp.Diff(path, states); diff != "" {
		rt.Fatalf("states of the model against those of the log:\n%s", diff)
	}
	var events []grant.Edge
	for _, h := range w.show(t, f.id).History {
		events = append(events, grant.Edge{From: h.From, To: h.To})
	}
	if diff := cmp.Diff(leaves, events); diff != "" {
		rt.Fatalf("audit log against history:\n%s", diff)
	}
}

// TestEachEventLeadsSomewhere holds the table of edges against the events.
func TestEachEventLeadsSomewhere(t *testing.T) {
	t.Parallel()
	events := []grant.Event{grant.Open, grant.Ask, grant.Answer, grant.Restore, grant.Quorum, grant.Reopen, grant.Approve, grant.Decline, grant.Withdraw}
	edges := map[grant.Edge]bool{}
	for _, from := range grant.States() {
		moves := 0
		for _, e := range events {
			to, err := from.Next(e)
			if err != nil {
				wantCode(t, err, "wrong_state")
				continue
			}
			moves++
			edges[grant.Edge{From: string(from), To: string(to)}] = true
		}
		if from.Closed() != (moves == 0) {
			t.Errorf("%s has %d ways out and is closed: %v", from, moves, from.Closed())
		}
	}
	for _, e := range grant.Edges()["application"] {
		if !edges[e] {
			t.Errorf("no event leads from %s to %s", e.From, e.To)
		}
		delete(edges, e)
	}
	if len(edges) > 0 {
		t.Errorf("edges that are not listed: %v", edges)
	}
}

// TestOnlyRuleRMakesAPaymentPayableAgain walks the edges of an instalment: once a
// signer was asked, the one way back leads straight from MaybePaid, where a trigger
// of the database asks for the proof. What is mined can only become unmined.
func TestOnlyRuleRMakesAPaymentPayableAgain(t *testing.T) {
	t.Parallel()
	for _, e := range grant.Edges()["instalment"] {
		switch grant.InstalmentState(e.To) {
		case grant.Payable, grant.Cancelled:
			if e.From == string(grant.Mined) || e.From == string(grant.Paid) || e.From == string(grant.Final) {
				t.Errorf("%s can become %s", e.From, e.To)
			}
		case grant.Held, grant.Allocated:
			if e.From != string(grant.Payable) {
				t.Errorf("%s can become %s", e.From, e.To)
			}
		case grant.MaybePaid, grant.Mined, grant.Paid, grant.Final:
		}
	}
}
