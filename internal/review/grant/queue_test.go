package grant_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// list returns the titles of the queue's lines, page by page.
func (w *world) list(t testing.TB, by identity.Actor, f grant.Filter) []string {
	t.Helper()
	titles := []string{}
	for cursor := ""; ; {
		page, err := w.Queue(t.Context(), by, f, cursor)
		noError(t, err)
		for _, line := range page.Lines {
			titles = append(titles, strings.TrimPrefix(line.Title, "Relay number "))
		}
		if cursor = page.Next; cursor == "" {
			return titles
		}
	}
}

// TestQueueFilters lists what each filter lets through of six applications. A
// filter with a value that nothing has lists nothing.
func TestQueueFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deposit(t, 1_000_000)
	ada, bo := w.reviewers[0], w.reviewers[1]
	file := func(n int, change ...func(*grant.Proposal)) filed {
		w.clock.Advance(time.Minute)
		return w.file(t, n, change...)
	}
	file(0)
	one := file(1, func(p *grant.Proposal) { p.Region, p.Language = "CN", "zh" })
	two := file(2, func(p *grant.Proposal) { p.Endpoints[0].Protocol = "mtproto" })
	three := file(3, func(p *grant.Proposal) {
		p.Endpoints = append(p.Endpoints, claim.Endpoint{Protocol: "wireguard", Host: "b.example", Port: 51820})
	})
	four := file(4)
	file(5)
	noError(t, w.vote(t.Context(), ada, one.id, grant.VerdictApprove))
	noError(t, w.vote(t.Context(), ada, two.id, grant.VerdictDecline))
	noError(t, w.vote(t.Context(), bo, two.id, grant.VerdictDecline))
	noError(t, w.vote(t.Context(), ada, three.id, grant.VerdictApprove))
	noError(t, w.vote(t.Context(), bo, three.id, question))
	_, err := w.Revise(t.Context(), three.code, proposal(t, 3)) // Ada's vote is on the old revision
	noError(t, err)
	for by, f := range map[*identity.Actor]filed{&ada: two, &bo: four} {
		_, err := w.ClaimApplication(t.Context(), *by, f.id)
		noError(t, err)
	}
	nobody := uuid.New()

	tests := []struct {
		name   string
		filter grant.Filter
		want   string
	}{
		{"none", grant.Filter{}, "5 4 3 2 1 0"},
		{"one state", grant.Filter{States: []grant.State{grant.Ready}}, "2"},
		{"two states", grant.Filter{States: []grant.State{grant.Ready, grant.Submitted}}, "5 2 0"},
		{"a state that nothing is in", grant.Filter{States: []grant.State{grant.Withdrawn}}, ""},
		{"a state that is none", grant.Filter{States: []grant.State{"paid"}}, ""},
		{"an empty state", grant.Filter{States: []grant.State{""}}, ""},
		{"protocol", grant.Filter{Protocol: "mtproto"}, "2"},
		{"protocol of a second endpoint, before it was revised away", grant.Filter{Protocol: "wireguard"}, ""},
		{"protocol that is none", grant.Filter{Protocol: "%"}, ""},
		{"region", grant.Filter{Region: "CN"}, "1"},
		{"region that is none", grant.Filter{Region: "' OR true --"}, ""},
		{"language", grant.Filter{Language: "zh"}, "1"},
		{"language that is none", grant.Filter{Language: "_"}, ""},
		{"voted by Ada", grant.Filter{VotedBy: &ada.StaffID}, "2 1"},
		{"not voted by Ada", grant.Filter{NotVoted: &ada.StaffID}, "5 4 3 0"},
		{"voted by nobody there is", grant.Filter{VotedBy: &nobody}, ""},
		{"not voted by nobody there is", grant.Filter{NotVoted: &nobody}, "5 4 3 2 1 0"},
		{"claimed by Ada", grant.Filter{ClaimedBy: &ada.StaffID}, "2"},
		{"claimed by nobody there is", grant.Filter{ClaimedBy: &nobody}, ""},
		{"unclaimed", grant.Filter{Unclaimed: true}, "5 3 1 0"},
		{"claimed and unclaimed", grant.Filter{Unclaimed: true, ClaimedBy: &ada.StaffID}, ""},
		{"all at once", grant.Filter{States: []grant.State{grant.InReview}, Protocol: "socks5", Region: "CN", Language: "zh", VotedBy: &ada.StaffID, Unclaimed: true}, "1"},
		{"all at once but one", grant.Filter{States: []grant.State{grant.InReview}, Protocol: "socks5", Region: "IR", Language: "zh", VotedBy: &ada.StaffID, Unclaimed: true}, ""},
	}
	for _, test := range tests {
		for _, limit := range []int{0, 2, 100} {
			test.filter.Limit = limit
			if got := strings.Join(w.list(t, ada, test.filter), " "); got != test.want {
				t.Errorf("%s, %d a page: got %q, want %q", test.name, limit, got, test.want)
			}
		}
	}
	w.clock.Advance(grant.DefaultClaim)
	if got := strings.Join(w.list(t, ada, grant.Filter{Unclaimed: true}), " "); got != "5 4 3 2 1 0" {
		t.Errorf("claims that are over keep out all but %q", got)
	}
}

func TestAQueueLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.ready(t, 1, grant.VerdictApprove)
	noError(t, w.vote(t.Context(), w.reviewers[2], f.id, grant.VerdictDecline))
	again, err := w.Submit(t.Context(), key(2), proposal(t, 1)) // the same address
	noError(t, err)
	_, err = w.ClaimApplication(t.Context(), w.reviewers[1], f.id)
	noError(t, err)

	page, err := w.Queue(t.Context(), w.reviewers[2], grant.Filter{States: []grant.State{grant.Ready}, Limit: 5}, "")
	noError(t, err)

	if len(page.Lines) != 1 {
		t.Fatalf("lines %+v", page.Lines)
	}
	line := page.Lines[0]
	if line.Approve != 2 || line.Decline != 1 || line.MyVote != grant.VerdictDecline || line.SamePayee != 1 || line.Claim == nil || line.Claim.StaffName != "Bo" {
		t.Errorf("line %+v", line)
	}
	if a := line.Application; a.Reference == again.Reference || a.Amount != 100_000 || a.State != grant.Ready || len(strings.Fields(a.Designation)) != 3 {
		t.Errorf("application %+v", a)
	}
	counts, err := w.Counts(t.Context(), w.reviewers[0], grant.Filter{States: []grant.State{grant.Ready}}, grant.Filter{}, grant.Filter{ClaimedBy: &w.reviewers[1].StaffID})
	if diff := cmp.Diff([]grant.Total{{N: 1}, {N: 2}, {N: 1}}, counts); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

// TestPagesHoldEachRowOnce walks the queue while others are filed, some rows at
// one moment.
func TestPagesHoldEachRowOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	next := 0
	file := func(count int) {
		for range count {
			if next%3 == 0 {
				w.clock.Advance(time.Microsecond)
			}
			w.file(t, next)
			next++
		}
	}
	file(20)
	before := w.list(t, w.reviewers[0], grant.Filter{Limit: grant.MaxPage})

	var walked []string
	for cursor := ""; ; {
		page, err := w.Queue(t.Context(), w.reviewers[0], grant.Filter{Limit: 3}, cursor)
		noError(t, err)
		for _, line := range page.Lines {
			walked = append(walked, strings.TrimPrefix(line.Title, "Relay number "))
		}
		w.clock.Advance(time.Microsecond)
		file(2)
		if cursor = page.Next; cursor == "" {
			break
		}
	}

	if diff := cmp.Diff(before, walked); diff != "" {
		t.Errorf("the queue before and as walked:\n%s", diff)
	}
	var wanted []string
	for n := range 20 {
		wanted = append(wanted, fmt.Sprint(n))
	}
	slices.Sort(wanted)
	slices.Sort(walked)
	if diff := cmp.Diff(wanted, walked); diff != "" {
		t.Error(diff)
	}
}

func TestAPageIsNeverLongerThanTheMost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, "ALTER TABLE application DISABLE TRIGGER USER")
	w.file(t, 1)
	w.exec(t, `INSERT INTO application SELECT gen_random_uuid(), fund_id, reference || n, designation || n, state, revision, version, protocols, region, language,
		amount_sat, NULL, payee_index, '{}', NULL, key_id, submitted_at, changed_at FROM application, generate_series(1, 130) n`)
	w.exec(t, `INSERT INTO application_revision SELECT a.id, r.revision, r.body, r.body_sha256, r.amount_sat, r.created_at
		FROM application a, application_revision r WHERE a.id <> r.application_id`)
	for limit, want := range map[int]int{-5: 1, 0: 1, 7: 7, grant.MaxPage: grant.MaxPage, 1 << 40: grant.MaxPage} {
		page, err := w.Queue(t.Context(), w.reviewers[0], grant.Filter{Limit: limit}, "")
		if err != nil || len(page.Lines) != want || page.Next == "" {
			t.Errorf("limit %d: %d lines, next %q, %v", limit, len(page.Lines), page.Next, err)
		}
	}
}

func TestCursorsThatAreNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.file(t, 1)
	good := grant.Cursor{SubmittedAt: epoch, ID: uuid.New()}
	text := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	id, at := good.ID.String(), strconv.FormatInt(epoch.UnixMicro(), 36)
	bad := []string{
		"x", "!!!", good.String() + "=", good.String() + "\n", " " + good.String(), good.String()[1:], strings.Repeat("A", 10_000),
		text("."), text(id), text("." + id), text(at + "." + id[1:]), text(at + "." + strings.ToUpper(id)), text(at + ".urn:uuid:" + id), text(at + ".{" + id + "}"),
		text("+" + at + "." + id), text("0" + at + "." + id), text(strings.ToUpper(at) + "." + id), text(strings.Repeat("z", 20) + "." + id),
		text("1y2p0ij32e8e7." + id), text("-1y2p0ij32e8e8." + id), text("-1weodv1m7pc0." + id), // the last and first moments, and year -6000
	}
	for _, cursor := range bad {
		_, queue := w.Queue(t.Context(), w.reviewers[0], grant.Filter{}, cursor)
		_, _, grants := w.Grants(t.Context(), w.auditor, cursor, 1)
		for _, err := range []error{queue, grants} {
			if !errs.Is(err, "bad_cursor") || errs.KindOf(err) != errs.Malformed {
				t.Errorf("%.60q: %v", cursor, err)
			}
		}
	}
	for name, cursor := range map[string]string{"none": "", "one": good.String()} {
		if _, err := w.Queue(t.Context(), w.reviewers[0], grant.Filter{}, cursor); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseCursor(f *testing.F) {
	id := uuid.MustParse("01a20444-9584-7f1e-9fa4-c917f6f7efd2")
	for _, at := range []time.Time{epoch, {}, time.UnixMicro(0), time.UnixMicro(-1), time.UnixMicro(1<<63 - 1)} {
		f.Add(grant.Cursor{SubmittedAt: at, ID: id}.String())
	}
	for _, s := range []string{"", "x", "a3ou", "a3oudXJuOnV1aWQ6", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := grant.ParseCursor(text)
		switch {
		case err != nil:
			if !errs.Is(err, "bad_cursor") || c != nil {
				t.Fatalf("%q: %v, %v", text, c, err)
			}
		case c == nil:
			if text != "" {
				t.Fatalf("%q is no cursor and no error", text)
			}
		case c.String() != text:
			t.Fatalf("%q is written again as %q", text, c)
		case c.SubmittedAt.Year() < 2000 || c.SubmittedAt.Year() > 9999:
			t.Fatalf("%q is of %s, which a database may not hold", text, c.SubmittedAt)
		}
	})
}
