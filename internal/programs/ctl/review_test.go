package ctl_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

func decode[T any](t *testing.T, body []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// falseNotes are applications whose note does not hold.
func falseNotes() map[string]client.Application {
	change := func(f func(*client.Application)) client.Application {
		a := sampleApplication()
		f(&a)
		return a
	}
	withNote := func(n decision.Note) client.Application {
		return change(func(a *client.Application) {
			a.DecisionNote, a.DecisionDigest = string(n.Encode()), n.Digest().String()
		})
	}
	elsewhere := noteOf(1, address1, 1_500_000)
	elsewhere.Network.Genesis = strings.Repeat("0", 64)
	script2 := noteOf(1, address1, 1_500_000)
	script2.Payees = []decision.Payee{{Script: script(address2), Address: address1}}
	often := noteOf(1, address1, 1_500_000)
	often.Periods, often.Every = 2, decision.EveryMonth
	abroad := noteOf(1, address1, 1_500_000)
	abroad.Currency = "USD"
	return map[string]client.Application{
		"another digest":          change(func(a *client.Application) { a.DecisionDigest = strings.Repeat("ab", 32) }),
		"another note":            change(func(a *client.Application) { a.DecisionNote = string(noteOf(2, address1, 1_500_000).Encode()) }),
		"no note":                 change(func(a *client.Application) { a.DecisionNote = "" }),
		"a line more":             change(func(a *client.Application) { a.DecisionNote += "extra 1\n" }),
		"another amount shown":    change(func(a *client.Application) { a.AmountSat = 1_000_000 }),
		"another address shown":   change(func(a *client.Application) { a.PayoutAddress = address2 }),
		"another text shown":      change(func(a *client.Application) { a.ApplicationSha256 = strings.Repeat("0", 64) }),
		"another amount noted":    withNote(noteOf(1, address1, 1_500_001)),
		"another address noted":   withNote(noteOf(1, address2, 1_500_000)),
		"script of another payee": withNote(script2),
		"another chain":           withNote(elsewhere),
		"two periods":             withNote(often),
		"another currency":        withNote(abroad),
	}
}

func TestFalseNoteIsNeitherVotedForNorDecided(t *testing.T) {
	t.Parallel()
	for name, a := range falseNotes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFund(t)
			f.on("getApplication", a)

			f.run("", "vote", "--yes", "--verdict", "approve", id(1).String()).want(t, 5)
			f.run("", "decide", "--yes", "--outcome", "approve", id(1).String()).want(t, 5)
			out := f.run("", "show", "-o", "json", id(1).String()).want(t, 5)

			if n := len(f.sentTo("voteApplication")) + len(f.sentTo("decideApplication")); n != 0 {
				t.Errorf("%d votes and decisions were sent", n)
			}
			if strings.Contains(out.stdout, `"note_holds": true`) {
				t.Error("show says that the note holds")
			}
		})
	}
}

func TestVoteSendsTheDigestComputedHere(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	note := noteOf(1, address1, 1_500_000)

	out := f.run("yes\n", "vote", "--verdict", "decline", "--note", "Not reachable.", "--digest", note.Digest().String(), id(1).String()).want(t, 0)

	if !strings.Contains(out.stderr, " "+address1+"\n") {
		t.Errorf("the note was not shown: %s", out.stderr)
	}
	votes := f.sentTo("voteApplication")
	if len(votes) != 1 {
		t.Fatalf("%d votes were sent", len(votes))
	}
	vote := decode[client.NewVote](t, votes[0].body)
	if vote.DecisionDigest != note.Digest().String() || vote.Verdict != client.VerdictDecline || *vote.Note != "Not reachable." {
		t.Errorf("sent %+v", vote)
	}
}

// TestWhatIsHighIsSaidBeforeTheVote holds that nobody agrees without having seen it.
func TestWhatIsHighIsSaidBeforeTheVote(t *testing.T) {
	t.Parallel()
	f := newFund(t)

	out := f.run("no\n", "vote", "--verdict", "approve", id(1).String()).want(t, 1)

	if !strings.Contains(out.stderr, "HIGH: 1 other application has the same payout address.") || strings.Contains(out.stderr, "most that the fund pays") {
		t.Errorf("before the question: %s", out.stderr)
	}
}

func TestADecisionCarriesItsNote(t *testing.T) {
	t.Parallel()
	f := newFund(t)

	f.run("yes\n", "decide", "--outcome", "approve", "--note", "The same operator.", id(1).String()).want(t, 0)

	sent := f.sentTo("decideApplication")
	if len(sent) != 1 {
		t.Fatalf("%d decisions were sent", len(sent))
	}
	if d := decode[client.NewDecision](t, sent[0].body); d.Note == nil || *d.Note != "The same operator." || d.Message != nil {
		t.Errorf("sent %+v", d)
	}
}

// TestWhatIsSealedIsNeitherCheckedNorVotedFor shows an application to a token that
// may not open it.
func TestWhatIsSealedIsNeitherCheckedNorVotedFor(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	a := sampleApplication()
	a.Sealed, a.Title, a.Narrative, a.PayoutAddress, a.DecisionNote, a.Endpoints, a.Messages = true, "", "", "", "", []client.EndpointSeen{}, []client.Message{}
	f.on("getApplication", a)

	out := f.run("", "show", id(1).String()).want(t, 0)
	refused := f.run("", "vote", "--yes", "--verdict", "approve", id(1).String())

	if !strings.Contains(out.stdout, "not checked: sealed") || !strings.Contains(out.stdout, "this token may not open what the operator wrote") || strings.Contains(out.stdout, "NOT MATCH") {
		t.Error(out.stdout)
	}
	if refused.code == 0 || !strings.Contains(refused.stderr, "application.unseal") || len(f.sentTo("voteApplication")) != 0 {
		t.Errorf("%d: %s", refused.code, refused.stderr)
	}
}

func TestNothingIsSentWithoutAgreement(t *testing.T) {
	t.Parallel()
	other := strings.Repeat("ab", 32)
	for name, tc := range map[string]struct {
		stdin string
		args  []string
		code  int
	}{
		"no to a vote":         {"no\n", []string{"vote", "--verdict", "approve", id(1).String()}, 1},
		"end of input":         {"", []string{"vote", "--verdict", "approve", id(1).String()}, 1},
		"dry run of a vote":    {"", []string{"vote", "--verdict", "approve", "--dry-run", id(1).String()}, 0},
		"note has changed":     {"", []string{"vote", "--verdict", "approve", "--yes", "--digest", other, id(1).String()}, 4},
		"no such verdict":      {"", []string{"vote", "--verdict", "aprove", "--yes", id(1).String()}, 2},
		"no verdict":           {"", []string{"vote", "--yes", id(1).String()}, 2},
		"no to a decision":     {"n\n", []string{"decide", "--outcome", "approve", id(1).String()}, 1},
		"no id":                {"", []string{"decide", "--outcome", "approve", "--yes", "CW-7QK2"}, 2},
		"no to a withdrawal":   {"yes\n", []string{"withdraw"}, 1},
		"a token and a reset":  {"1\n", []string{"treasury", "reset", "1"}, 2},
		"wrong batch number":   {"8\n", []string{"batch", "approve", id(9).String()}, 1},
		"yes is no number":     {"yes\n", []string{"batch", "approve", id(9).String()}, 1},
		"batch has changed":    {"", []string{"batch", "approve", "--yes", "--digest", other, id(9).String()}, 4},
		"dry run of approval":  {"", []string{"batch", "approve", "--dry-run", id(9).String()}, 0},
		"wrong number, cancel": {"\n", []string{"batch", "cancel", id(9).String()}, 1},
		"dry run of composing": {"", []string{"batch", "compose", "--dry-run", "--feerate", "5", "--payable"}, 0},
		"no audience":          {"", []string{"message", "--text", "x", id(1).String()}, 2},
		"no text":              {"", []string{"message", "--to", "team", id(1).String()}, 2},
		"text and file":        {"", []string{"reply", "--text", "x", "--text-file", "-"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFund(t)
			f.run(tc.stdin, tc.args...).want(t, tc.code)
			for _, write := range []string{"voteApplication", "decideApplication", "withdrawApplication", "resetBreaker", "approveBatch", "cancelBatch", "composeBatch", "addMessage", "addOwnMessage"} {
				if len(f.sentTo(write)) > 0 {
					t.Errorf("%s was called", write)
				}
			}
		})
	}
}

func TestDecisionNamesTheVersionThatWasRead(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	f.run("yes\n", "decide", "--outcome", "decline", "--message", "Sorry.", id(1).String()).want(t, 0)
	calls := f.sentTo("decideApplication")
	if len(calls) != 1 || calls[0].header.Get("If-Match") != `"7"` {
		t.Fatalf("calls %+v", calls)
	}

	yours, current := "7", "8"
	detail := "Somebody was faster."
	f.refuse("decideApplication", 409, client.Problem{
		Type: "/problems/stale_version", Title: "Conflict", Status: 409, Detail: &detail, Params: &map[string]string{"your_version": yours, "current_version": current},
	})
	out := f.run("", "decide", "--yes", "--outcome", "approve", id(1).String()).want(t, 4)
	if !strings.Contains(out.stderr, "Somebody was faster. You read version 7; it is now 8.") {
		t.Errorf("stderr: %s", out.stderr)
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	f.run("Two\nlines.\n", "message", "--to", "operator", "--text-file", "-", id(1).String()).want(t, 0)
	f.run("", "reply", "--text", "Here it is.").want(t, 0)
	if got := decode[client.NewMessage](t, f.sentTo("addMessage")[0].body); got.Audience != client.AudienceOperator || got.Text != "Two\nlines." {
		t.Errorf("sent %+v", got)
	}
	if got := decode[client.NewOwnMessage](t, f.sentTo("addOwnMessage")[0].body); got.Text != "Here it is." {
		t.Errorf("sent %+v", got)
	}
}

func TestQueueSendsFiltersAndReadsEveryPage(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	second := "second"
	f.answers["listApplications"] = func(s sent) answer {
		p := client.ApplicationPage{Items: []client.ApplicationSummary{sampleSummary()}}
		if len(s.query["cursor"]) == 0 {
			p.NextCursor = &second
		}
		return answer{doc: p}
	}

	all := f.run("", "queue", "--all", "--state", "in_review,ready", "--protocol", "mtproto", "--region", "IR", "--language", "fa",
		"--voted", "not_me", "--claimed", "free", "--search", "quiet relay", "-o", "csv").want(t, 0)
	one := f.run("", "queue", "-o", "csv").want(t, 0)

	if got := strings.Count(all.stdout, "CW-7QK2"); got != 2 {
		t.Errorf("%d lines of two pages", got)
	}
	if !strings.Contains(one.stderr, "--cursor second") || strings.Count(one.stdout, "CW-7QK2") != 1 {
		t.Errorf("one page: %+v", one)
	}
	calls := f.sentTo("listApplications")
	for name, want := range map[string]string{
		"state": "in_review,ready", "protocol": "mtproto", "region": "IR", "language": "fa", "voted": "not_me", "claimed": "free", "search": "quiet relay", "limit": "100", "cursor": "second",
	} {
		if got := strings.Join(calls[1].query[name], " "); got != want {
			t.Errorf("second page asked for %s %q, want %q", name, got, want)
		}
	}
	f.run("", "queue", "--voted", "them").want(t, 2)
}
