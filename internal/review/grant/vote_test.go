package grant_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

var verdicts = []grant.Verdict{grant.VerdictApprove, grant.VerdictDecline, question}

// TestEveryCombinationOfThreeVerdicts lets three reviewers vote in turn, the
// operator answering each question, in all 27 ways.
func TestEveryCombinationOfThreeVerdicts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := range 27 {
		f := w.file(t, n)
		cast := map[grant.Verdict]int{}
		name := ""
		for i, v := range []grant.Verdict{verdicts[n%3], verdicts[n/3%3], verdicts[n/9]} {
			name += " " + string(v)
			noError(t, w.vote(t.Context(), w.reviewers[i], f.id, v))
			cast[v]++
			if v == question {
				if got := w.show(t, f.id).Application.State; got != grant.NeedsInfo {
					t.Errorf("after%s: %s", name, got)
				}
				_, err := w.Reply(t.Context(), f.code, "Four hundred.")
				noError(t, err)
			}
			want, outcome := grant.InReview, grant.Verdict("")
			if cast[grant.VerdictApprove] >= 2 {
				want, outcome = grant.Ready, grant.VerdictApprove
			} else if cast[grant.VerdictDecline] >= 2 {
				want, outcome = grant.Ready, grant.VerdictDecline
			}
			d := w.show(t, f.id)
			if d.Application.State != want || d.Outcome != outcome {
				t.Errorf("after%s: state %s, outcome %q; want %s, %q", name, d.Application.State, d.Outcome, want, outcome)
			}
		}
		d := w.show(t, f.id)
		if want := (grant.Tally{Approve: cast[grant.VerdictApprove], Decline: cast[grant.VerdictDecline]}); d.Tally != want {
			t.Errorf("%s: tally %+v, want %+v", name, d.Tally, want)
		}
	}
}

func TestOutcomeNeedsTheQuorumAndMoreThanTheOthers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		quorum := rapid.IntRange(2, 4).Draw(t, "quorum")
		current, old := decision.Digest{1}, decision.Digest{2}
		var votes []grant.Vote
		counted := map[grant.Verdict]int{}
		for range rapid.IntRange(0, 9).Draw(t, "votes") {
			v := grant.Vote{Verdict: rapid.SampledFrom(verdicts).Draw(t, "verdict"), Digest: rapid.SampledFrom([]decision.Digest{current, old}).Draw(t, "digest")}
			votes = append(votes, v)
			if v.Digest == current {
				counted[v.Verdict]++
			}
		}

		outcome, met := grant.Count(votes, current).Outcome(quorum)

		for _, v := range verdicts[:2] {
			other := verdicts[1]
			if v == other {
				other = verdicts[0]
			}
			carried := counted[v] >= quorum && counted[v] > counted[other]
			if carried != (met && outcome == v) {
				t.Errorf("quorum %d, votes %v: %s %v", quorum, counted, outcome, met)
			}
		}
		if !met && outcome != "" || outcome == question {
			t.Errorf("outcome %q, met %v", outcome, met)
		}
	})
}

func TestATieReopensAReadyApplication(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.ready(t, 1, grant.VerdictApprove)
	fourth := w.hire(t, "Dmitri", identity.RoleReviewer)
	fifth := w.hire(t, "Eve", identity.RoleReviewer)
	state := func() grant.State { return w.show(t, f.id).Application.State }

	noError(t, w.vote(t.Context(), w.reviewers[2], f.id, grant.VerdictDecline))
	afterOne := state()
	noError(t, w.vote(t.Context(), fourth, f.id, grant.VerdictDecline))
	afterTwo := state()
	noError(t, w.vote(t.Context(), fifth, f.id, grant.VerdictDecline))

	if d := w.show(t, f.id); afterOne != grant.Ready || afterTwo != grant.InReview || d.Application.State != grant.Ready || d.Outcome != grant.VerdictDecline {
		t.Errorf("2:1 is %s, 2:2 is %s, 2:3 is %s for %s", afterOne, afterTwo, d.Application.State, d.Outcome)
	}
}

func TestOneVotePerPersonAndRevision(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.file(t, 1)
	noError(t, w.vote(t.Context(), w.reviewers[0], f.id, grant.VerdictApprove))

	w.nothingWritten(t, func() {
		for _, v := range verdicts[:2] {
			err := w.vote(t.Context(), w.reviewers[0], f.id, v)
			if e := told(t, err); e.Kind != errs.Conflict || e.Code != "already_voted" {
				t.Error(err)
			}
		}
		codes := together(8, func(int) error { return w.vote(t.Context(), w.reviewers[0], f.id, grant.VerdictApprove) })
		if diff := cmp.Diff(map[string]int{"already_voted": 8}, tally(codes)); diff != "" {
			t.Error(diff)
		}
	})
	if d := w.show(t, f.id); d.MyVote != grant.VerdictApprove || d.Tally != (grant.Tally{Approve: 1}) {
		t.Errorf("my vote %q, tally %+v", d.MyVote, d.Tally)
	}
}

func TestParallelVotesOfOnePersonCountOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.file(t, 1)

	codes := together(8, func(int) error { return w.vote(t.Context(), w.reviewers[0], f.id, grant.VerdictApprove) })

	if diff := cmp.Diff(map[string]int{"": 1, "already_voted": 7}, tally(codes)); diff != "" {
		t.Error(diff)
	}
	if d := w.show(t, f.id); d.Application.State != grant.InReview || d.Tally.Approve != 1 {
		t.Errorf("state %s, tally %+v", d.Application.State, d.Tally)
	}
}

// TestWhoAskedMayStillVote holds that a question does not spend the vote: with
// two reviewers and a quorum of two nothing could be decided after it.
func TestWhoAskedMayStillVote(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.file(t, 1)
	noError(t, w.vote(t.Context(), w.reviewers[0], f.id, question))
	_, err := w.Reply(t.Context(), f.code, "Four hundred.")
	noError(t, err)

	noError(t, w.vote(t.Context(), w.reviewers[0], f.id, grant.VerdictApprove))
	noError(t, w.vote(t.Context(), w.reviewers[1], f.id, grant.VerdictApprove))

	if s := w.show(t, f.id).Application.State; s != grant.Ready {
		t.Errorf("state %s", s)
	}
}

func TestNobodyVotesWhileAQuestionIsOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.file(t, 1)
	noError(t, w.vote(t.Context(), w.reviewers[0], f.id, question))

	w.nothingWritten(t, func() {
		for _, v := range verdicts {
			wantCode(t, w.vote(t.Context(), w.reviewers[1], f.id, v), "wrong_state")
		}
	})
}

// TestAnAnswerRestoresTheQuorum holds that votes outlast a question when nothing
// was revised: with everybody's vote cast, none could bring the quorum back.
func TestAnAnswerRestoresTheQuorum(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.ready(t, 1, grant.VerdictApprove)
	noError(t, w.vote(t.Context(), w.reviewers[2], f.id, question))

	a, err := w.Reply(t.Context(), f.code, "Four hundred.")

	if err != nil || a.State != grant.Ready {
		t.Errorf("state %s, %v", a.State, err)
	}
}

func TestVotesForARevisionThatWasReplacedAreRefusedAndForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.ready(t, 1, grant.VerdictApprove)
	old := w.show(t, f.id)
	noError(t, w.vote(t.Context(), w.reviewers[2], f.id, question))
	p := proposal(t, 1)
	p.AmountSat = 200_000
	a, err := w.Revise(t.Context(), f.code, p)
	noError(t, err)
	if a.State != grant.InReview || a.Revision != 2 || a.Amount != 200_000 {
		t.Errorf("revised: %+v", a)
	}

	w.nothingWritten(t, func() {
		_, err := w.Vote(t.Context(), w.reviewers[0], grant.CastVote{ID: f.id, Verdict: grant.VerdictApprove, Digest: old.Decision.Digest})
		if e := told(t, err); e.Kind != errs.Conflict || e.Code != "stale_digest" {
			t.Error(err)
		}
	})
	d := w.show(t, f.id)
	if d.Tally != (grant.Tally{}) || d.MyVote != "" || d.Decision.Digest == old.Decision.Digest || d.Decision.GrantID == old.Decision.GrantID {
		t.Errorf("the new revision begins with tally %+v, my vote %q, digest %s", d.Tally, d.MyVote, d.Decision.Digest)
	}
	noError(t, w.vote(t.Context(), w.reviewers[0], f.id, grant.VerdictApprove))
	if s := w.show(t, f.id).Application.State; s != grant.InReview {
		t.Errorf("one vote on the new revision makes it %s", s)
	}
}

func TestReviseOnlyWhileAQuestionIsOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.file(t, 1)

	w.nothingWritten(t, func() {
		_, err := w.Revise(t.Context(), f.code, proposal(t, 1))
		wantCode(t, err, "wrong_state")
	})
	noError(t, w.vote(t.Context(), w.reviewers[0], f.id, question))
	w.nothingWritten(t, func() {
		_, err := w.Revise(t.Context(), f.code, grant.Proposal{})
		wantCode(t, err, "invalid_fields")
	})
	_, err := w.Revise(t.Context(), f.code, proposal(t, 1))
	wantCode(t, err, "")
}

func TestWhatAVoteMustSay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.file(t, 1)
	digest := w.show(t, f.id).Decision.Digest
	tests := []struct {
		name string
		cmd  grant.CastVote
		want string
	}{
		{"no verdict", grant.CastVote{Note: "why"}, "verdict unknown_verdict"},
		{"nothing", grant.CastVote{}, "verdict unknown_verdict"},
		{"other verdict", grant.CastVote{Verdict: "maybe", Note: "why"}, "verdict unknown_verdict"},
		{"a question is no verdict", grant.CastVote{Verdict: "needs_info", Note: "why"}, "verdict unknown_verdict"},
		{"decline without a note", grant.CastVote{Verdict: grant.VerdictDecline, Note: " \n"}, "note required"},
		{"long note", grant.CastVote{Verdict: grant.VerdictApprove, Note: strings.Repeat("й", 4001)}, "note too_long"},
		{"note with a terminal's words", grant.CastVote{Verdict: grant.VerdictApprove, Note: "fine\x1b[2J"}, "note bad_character"},
		{"note not text", grant.CastVote{Verdict: grant.VerdictApprove, Note: "a\xff"}, "note not_text"},
	}
	w.nothingWritten(t, func() {
		for _, test := range tests {
			test.cmd.ID, test.cmd.Digest = f.id, digest

			_, err := w.Vote(t.Context(), w.reviewers[0], test.cmd)

			if got := fieldsOf(t, err); got != test.want {
				t.Errorf("%s: got %q, want %q", test.name, got, test.want)
			}
		}
	})
}

// fieldsOf writes the fields of an invalid_fields error and their codes.
func fieldsOf(t testing.TB, err error) string {
	t.Helper()
	wantCode(t, err, "invalid_fields")
	var list []string
	for _, f := range told(t, err).Fields {
		list = append(list, f.Field+" "+string(f.Code))
	}
	return strings.Join(list, ", ")
}

func TestWhatAQuestionMustSay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.file(t, 1)
	digest := w.show(t, f.id).Decision.Digest
	w.nothingWritten(t, func() {
		for text, want := range map[string]string{" \n": "message required", "fine\x1b[2J": "message bad_character", strings.Repeat("й", 4001): "message too_long", "a\xff": "message not_text"} { //nolint:gocritic // blank on purpose
			_, err := w.Ask(t.Context(), w.reviewers[0], grant.Question{ID: f.id, Digest: digest, Message: text})

			if got := fieldsOf(t, err); got != want {
				t.Errorf("%.10q: got %q, want %q", text, got, want)
			}
		}
	})
}

func TestNotesAndQuestionsReachWhoTheyAreFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.file(t, 1)
	digest := w.show(t, f.id).Decision.Digest
	cast := func(by identity.Actor, v grant.Verdict, words string) {
		noError(t, w.say(t.Context(), by, f.id, v, digest, words))
	}
	cast(w.reviewers[0], grant.VerdictApprove, "Cheap for what it is.")
	_, err := w.PostMessage(t.Context(), w.reviewers[0], f.id, grant.ToTeam, "I know this network.")
	noError(t, err)
	cast(w.reviewers[1], question, "How many users?")
	_, err = w.Reply(t.Context(), f.code, " Four hundred. ")
	noError(t, err)

	status, d := w.status(t, f.code), w.show(t, f.id)

	words := func(texts []grant.Text) (list []string) {
		for _, m := range texts {
			list = append(list, fmt.Sprintf("%s|%v|%s|%s", m.StaffName, m.FromOperator, m.Audience, m.Text))
		}
		return list
	}
	if diff := cmp.Diff([]string{"|false|operator|How many users?", "|true|operator|Four hundred."}, words(status.Messages)); diff != "" {
		t.Errorf("what the operator reads:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Ada|false|team|I know this network.", "Bo|false|operator|How many users?", "|true|operator|Four hundred."}, words(d.Messages)); diff != "" {
		t.Errorf("what reviewers read:\n%s", diff)
	}
	if len(d.Votes) != 1 || d.VoteNotes[d.Votes[0].ID] != "Cheap for what it is." {
		t.Errorf("votes %+v, notes %v", d.Votes, d.VoteNotes)
	}
	var told []string
	for _, h := range status.History {
		told = append(told, h.Action)
		if h.StaffName != "" || len(h.Detail) > 0 {
			t.Errorf("the operator learns of %+v", h)
		}
	}
	want := []string{"application.submitted", "application.voted", "application.asked", "application.answered"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("the operator's history:\n%s", diff)
	}
}

func TestWhatIsClosedStaysClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deposit(t, 1_000_000)
	approved, declined, withdrawn := w.ready(t, 1, grant.VerdictApprove), w.ready(t, 2, grant.VerdictDecline), w.file(t, 3)
	for f, outcome := range map[filed]grant.Verdict{approved: grant.VerdictApprove, declined: grant.VerdictDecline} {
		_, err := w.Decide(t.Context(), w.reviewers[2], w.decision(t, f.id, outcome))
		noError(t, err)
	}
	_, err := w.Withdraw(t.Context(), withdrawn.code)
	noError(t, err)

	for state, f := range map[grant.State]filed{grant.Approved: approved, grant.Declined: declined, grant.Withdrawn: withdrawn} {
		w.nothingWritten(t, func() {
			_, claim := w.ClaimApplication(t.Context(), w.reviewers[2], f.id)
			_, revise := w.Revise(t.Context(), f.code, proposal(t, 9))
			_, withdraw := w.Withdraw(t.Context(), f.code)
			_, approve := w.Decide(t.Context(), w.reviewers[2], w.decision(t, f.id, grant.VerdictApprove))
			_, decline := w.Decide(t.Context(), w.reviewers[2], w.decision(t, f.id, grant.VerdictDecline))
			vote := w.vote(t.Context(), w.reviewers[2], f.id, grant.VerdictApprove)
			ask := w.vote(t.Context(), w.reviewers[2], f.id, question)
			for i, err := range []error{claim, revise, withdraw, approve, decline, vote, ask} {
				e := told(t, err)
				if e.Kind != errs.Conflict || e.Code != "wrong_state" || e.Params["state"] != string(state) {
					t.Errorf("%s, call %d: %v", state, i, err)
				}
			}
		})
	}
}

// TestWhoMayDoWhat tries every use case that staff have as everybody.
func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.file(t, 1)
	d := w.show(t, f.id)
	ctx := t.Context()
	calls := map[string]func(by identity.Actor) error{
		"queue":  func(by identity.Actor) error { _, err := w.Queue(ctx, by, grant.Filter{}, ""); return err },
		"counts": func(by identity.Actor) error { _, err := w.Counts(ctx, by); return err },
		"show":   func(by identity.Actor) error { _, err := w.Show(ctx, by, f.id); return err },
		"claim":  func(by identity.Actor) error { _, err := w.ClaimApplication(ctx, by, f.id); return err },
		"release": func(by identity.Actor) error {
			_, err := w.ReleaseApplication(ctx, by, f.id)
			return err
		},
		"vote": func(by identity.Actor) error {
			_, err := w.Vote(ctx, by, grant.CastVote{ID: f.id, Verdict: grant.VerdictApprove, Digest: d.Decision.Digest})
			return err
		},
		"decide": func(by identity.Actor) error {
			_, err := w.Decide(ctx, by, grant.Decide{ID: f.id, Version: 1, Outcome: grant.VerdictApprove, Digest: d.Decision.Digest})
			return err
		},
		"message": func(by identity.Actor) error {
			_, err := w.PostMessage(ctx, by, f.id, grant.ToTeam, "hello")
			return err
		},
		"grants": func(by identity.Actor) error { _, _, err := w.Grants(ctx, by, "", 1); return err },
		"grant": func(by identity.Actor) error {
			if _, err := w.Grant(ctx, by, uuid.New()); !errs.Is(err, "grant_not_found") {
				return err
			}
			return nil
		},
	}
	reviewing := "queue counts show claim release vote decide message"
	tests := []struct {
		name string
		by   identity.Actor
		may  string
	}{
		{"reviewer", w.reviewers[0], reviewing},
		{"treasurer", w.treasurer, "grants grant"},
		{"auditor", w.auditor, "grants grant"},
		{"admin", w.admin, ""},
		{"operator", identity.Operator(f.id), ""},
		{"worker", identity.System("worker"), "queue counts show grants grant"},
		{"nobody", identity.Actor{}, ""},
		{"reviewer's narrow token", identity.Actor{
			Kind: identity.KindStaff, StaffID: w.reviewers[1].StaffID, Roles: w.reviewers[1].Roles, TokenID: uuid.New(),
			Scopes: []identity.Permission{identity.PermApplicationRead},
		}, "queue counts show"},
	}
	for _, test := range tests {
		for name, call := range calls {
			allowed := strings.Contains(" "+test.may+" ", " "+name+" ")
			refused := false
			check := func() {
				kind := errs.KindOf(call(test.by))
				refused = kind == errs.Forbidden || kind == errs.Unauthenticated
			}
			if allowed {
				check()
			} else {
				w.nothingWritten(t, check)
			}
			if refused == allowed {
				t.Errorf("%s and %s: refused %v", test.name, name, refused)
			}
		}
	}
}

func TestWhatIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, show := w.Show(t.Context(), w.reviewers[0], uuid.New())
	_, claim := w.ClaimApplication(t.Context(), w.reviewers[0], uuid.New())
	_, one := w.Grant(t.Context(), w.treasurer, uuid.New())

	for _, err := range []error{show, claim} {
		wantCode(t, err, "application_not_found")
	}
	wantCode(t, one, "grant_not_found")
}
