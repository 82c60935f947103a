package grant_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/review/grant"
)

// many copies the first application n times: each a microsecond older than the one
// before, with the words of its title.
func (w *world) many(t testing.TB, n int) {
	t.Helper()
	w.exec(t, "ALTER TABLE application_revision DISABLE TRIGGER USER")
	w.exec(t, `WITH one AS (SELECT * FROM application ORDER BY submitted_at LIMIT 1), copy AS (
		INSERT INTO application (id, fund_id, reference, designation, state, revision, version, protocols, region, language, amount_sat, payee_index,
			title_words, data_key, key_id, submitted_at, changed_at)
		SELECT gen_random_uuid(), fund_id, 'GR-' || lpad(n::text, 8, '0'), 'copy of ' || n, state, revision, version, protocols, region, language, amount_sat, payee_index,
			'{}', NULL, key_id, submitted_at - n * interval '1 microsecond', changed_at FROM one, generate_series(1, $1::integer) n RETURNING id, revision)
		INSERT INTO application_revision SELECT c.id, c.revision, r.body, r.body_sha256, r.amount_sat, r.created_at
		FROM copy c, application_revision r JOIN one ON one.id = r.application_id`, n)
}

func (w *world) search(t testing.TB, f grant.Filter) string {
	t.Helper()
	return strings.Join(w.list(t, w.reviewers[0], f), " ")
}

func TestSearch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := func(n int, title string) filed {
		w.clock.Advance(time.Minute)
		return w.file(t, n, func(p *grant.Proposal) { p.Title = title })
	}
	file(1, "Quiet relays for Tehran")
	file(2, "A relay, Quiet and fast")
	three := file(3, "新闻代理 two")
	file(4, "Ещё один прокси")
	noError(t, w.vote(t.Context(), w.reviewers[1], three.id, grant.VerdictApprove))
	a := w.show(t, three.id).Application

	for search, want := range map[string]string{
		"quiet":                        "A relay, Quiet and fast|Quiet relays for Tehran",
		" QUIET  relay ":               "A relay, Quiet and fast",
		"relay quiet fast and":         "A relay, Quiet and fast",
		"relays fast":                  "",
		"quie":                         "",
		"代理":                           "新闻代理 two",
		"еще":                          "Ещё один прокси",
		"...":                          "",
		a.Reference:                    "新闻代理 two",
		strings.ToLower(a.Reference):   "新闻代理 two",
		a.Reference[3:]:                "新闻代理 two",
		strings.ToUpper(a.Designation): "新闻代理 two",
		a.Designation[1:]:              "",
		"GR-00000000":                  "",
		"two\x00":                      "新闻代理 two",
	} {
		for _, limit := range []int{1, 100} {
			got := strings.Join(w.list(t, w.reviewers[0], grant.Filter{Search: search, Limit: limit}), "|")
			if got != want {
				t.Errorf("%q, %d a page: got %q, want %q", search, limit, got, want)
			}
		}
	}
	for _, f := range []grant.Filter{
		{Search: a.Reference, States: []grant.State{grant.Submitted}},
		{Search: "quiet", Region: "CN"},
		{Search: "quiet", Protocol: "mtproto"},
		{Search: "quiet", States: []grant.State{grant.Ready}},
		{Search: "quiet", VotedBy: &w.reviewers[0].StaffID},
		{Search: "two", Unclaimed: true, Language: "fa"},
	} {
		if got := w.search(t, f); got != "" {
			t.Errorf("%+v finds %q", f, got)
		}
	}
	if got := w.search(t, grant.Filter{Search: "two", States: []grant.State{grant.InReview}, Region: "IR", Language: "en", Protocol: "socks5", Unclaimed: true}); got != "新闻代理 two" {
		t.Errorf("all filters at once find %q", got)
	}
}

func TestASearchThatIsTooLong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := grant.Filter{Search: strings.Repeat("é", grant.MaxSearch+1)}

	_, err := w.Queue(t.Context(), w.reviewers[0], f, "")
	_, countErr := w.Counts(t.Context(), w.reviewers[0], f)

	for _, err := range []error{err, countErr} {
		if e := told(t, err); len(e.Fields) != 1 || e.Fields[0].Field != "search" || e.Fields[0].Code != "too_long" || e.Fields[0].Params["max"] != "120" {
			t.Errorf("got %+v", e)
		}
	}
	_, err = w.Queue(t.Context(), w.reviewers[0], grant.Filter{Search: strings.Repeat("é", grant.MaxSearch)}, "")
	noError(t, err)
}

// TestWordsFollowTheTitle revises a title, and purges it: its old words find nothing,
// and nothing of them stays.
func TestWordsFollowTheTitle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.file(t, 1, func(p *grant.Proposal) { p.Title = "Old words here" })
	noError(t, w.vote(t.Context(), w.reviewers[0], f.id, question))
	revised := proposal(t, 1)
	revised.Title = "New words there, words"
	_, err := w.Revise(t.Context(), f.code, revised)
	noError(t, err)

	for search, want := range map[string]string{"old": "", "here": "", "new": revised.Title, "words": revised.Title} {
		if got := w.search(t, grant.Filter{Search: search}); got != want {
			t.Errorf("%q finds %q, want %q", search, got, want)
		}
	}
	if n := w.number(t, "SELECT count(*) FROM application_word"); n != 3 {
		t.Errorf("%d words are kept of a title of three", n)
	}
	w.exec(t, "UPDATE application SET data_key = NULL")
	if n := w.number(t, "SELECT count(*) + (SELECT coalesce(sum(cardinality(title_words)), 0) FROM application) FROM application_word"); n != 0 {
		t.Errorf("%d words stay of a title that was purged", n)
	}
}

// TestWordsAreKeyed looks for a word in what the database holds of it: another key
// file gives other hashes.
func TestWordsAreKeyed(t *testing.T) {
	t.Parallel()
	one, two := newWorld(t), newWorld(t)
	hashes := func(w *world) (list []int64) {
		w.file(t, 1)
		noError(t, w.owner.Pool().QueryRow(t.Context(), "SELECT title_words FROM application").Scan(&list))
		return list
	}
	a, b := hashes(one), hashes(two)
	if len(a) != 3 || len(b) != 3 { // "Relay number 1"
		t.Fatalf("%d and %d words of a title of three", len(a), len(b))
	}
	for _, x := range a {
		for _, y := range b {
			if x == y {
				t.Errorf("hash %x is the same under two keys", x)
			}
		}
	}
}

// TestCountsAreBounded counts more than are counted.
func TestCountsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.file(t, 1)
	w.many(t, grant.MaxCount-1)
	ada := w.reviewers[0]
	filters := []grant.Filter{
		{States: []grant.State{grant.Submitted}},
		{States: []grant.State{grant.Submitted, grant.Ready, grant.Submitted}},
		{},
		{NotVoted: &ada.StaffID},
		{VotedBy: &ada.StaffID},
		{Region: "IR"},
		{Region: "XX"},
		{Language: "en", Protocol: "socks5"},
		{Unclaimed: true},
		{ClaimedBy: &ada.StaffID},
		{Search: "relay"},
		{Search: "!"},
		{Search: "number 1", Region: "IR"},
	}
	check := func(want ...grant.Total) {
		t.Helper()
		got, err := w.Counts(t.Context(), ada, filters...)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	}
	all := grant.Total{N: grant.MaxCount}
	none, one := grant.Total{}, grant.Total{N: 1}
	check(all, all, all, all, none, all, none, all, all, none, one, none, one)

	w.clock.Advance(time.Minute)
	noError(t, w.vote(t.Context(), ada, f.id, grant.VerdictApprove)) // now in review
	w.file(t, 2)
	w.file(t, 3, func(p *grant.Proposal) { p.Region = "CN" })
	more := grant.Total{N: grant.MaxCount, More: true}
	check(more, more, more, more, one, more, none, more, more, none, grant.Total{N: 3}, none, one)
}

// TestSamePayeeIsCountedToABound files one address again and again.
func TestSamePayeeIsCountedToABound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.file(t, 1)
	w.many(t, grant.MaxSamePayee+20)

	page, err := w.Queue(t.Context(), w.reviewers[0], grant.Filter{Limit: 1}, "")

	noError(t, err)
	if got := page.Lines[0].SamePayee; got != grant.MaxSamePayee {
		t.Errorf("%d applications have the same address, counted to %d", got, grant.MaxSamePayee)
	}
	one, err := w.Show(t.Context(), w.reviewers[0], page.Lines[0].Application.ID)
	noError(t, err)
	if one.SamePayee != grant.MaxSamePayee {
		t.Errorf("by itself the application has %d others with its address, in the list %d", one.SamePayee, grant.MaxSamePayee)
	}
}

// TestARareFilterGoesOnWithTheNextPage has the one application that fits behind more
// than one request looks at.
func TestARareFilterGoesOnWithTheNextPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.file(t, 1, func(p *grant.Proposal) { p.Region = "CN" })
	w.many(t, 2_000)
	w.exec(t, "UPDATE application SET protocols = '{mtproto}' WHERE data_key IS NOT NULL")
	w.exec(t, "UPDATE application SET region = 'IR', submitted_at = submitted_at + interval '1 day' WHERE data_key IS NULL")

	rare := grant.Filter{Protocol: "mtproto", Limit: 50}
	first, err := w.Queue(t.Context(), w.reviewers[0], rare, "")
	noError(t, err)
	if len(first.Lines) != 0 || first.Next == "" {
		t.Fatalf("%d lines, next %q: want an empty page with more to come", len(first.Lines), first.Next)
	}
	second, err := w.Queue(t.Context(), w.reviewers[0], rare, first.Next)
	noError(t, err)
	if len(second.Lines) != 1 || second.Next != "" {
		t.Errorf("%d lines, next %q: want the one that fits, and the end", len(second.Lines), second.Next)
	}
	totals, err := w.Counts(t.Context(), w.reviewers[0], rare, grant.Filter{Region: "CN"})
	if diff := cmp.Diff([]grant.Total{{More: true}, {N: 1}}, totals); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	if got := w.search(t, grant.Filter{Region: "CN"}); got != "1" {
		t.Errorf("the index of regions finds %q", got)
	}
}

// TestCountsAreNewWhereTheyChange has two processes on one database: what one changes it
// counts at once, and the other knows it CountsFor later.
func TestCountsAreNewWhereTheyChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other, err := grant.New(grant.Config{Store: w.store(t), Keys: w.keys, Clock: w.clock})
	noError(t, err)
	ada := w.reviewers[0]
	check := func(s *grant.Service, when string, open, mine, claimed int) {
		t.Helper()
		totals, err := s.Counts(t.Context(), ada, grant.Filter{States: grant.OpenStates()}, grant.Filter{VotedBy: &ada.StaffID}, grant.Filter{ClaimedBy: &ada.StaffID})
		if diff := cmp.Diff([]grant.Total{{N: open}, {N: mine}, {N: claimed}}, totals); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", when, err, diff)
		}
	}
	check(w.Service, "at first", 0, 0, 0)
	check(other, "at first, there", 0, 0, 0)
	f := w.file(t, 1)
	check(w.Service, "submitted", 1, 0, 0)
	noError(t, w.vote(t.Context(), ada, f.id, grant.VerdictApprove))
	check(w.Service, "voted", 1, 1, 0)
	_, err = w.ClaimApplication(t.Context(), ada, f.id)
	noError(t, err)
	check(w.Service, "claimed", 1, 1, 1)
	check(other, "a moment later, there", 0, 0, 0)
	w.clock.Advance(grant.CountsFor)
	check(other, "later, there", 1, 1, 1)

	w.clock.Advance(-time.Hour) // a clock that was set back
	w.file(t, 2)
	check(other, "earlier, there", 2, 1, 1)
}
