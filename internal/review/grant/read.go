package grant

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/review/screen"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// MaxPage is the most rows that one call returns.
const MaxPage = 100

// Line is a line of the queue as reviewers see it.
type Line struct {
	QueueItem
	Title string // opened; empty once purged, and for who may not open it
}

// Page is a stretch of the queue.
type Page struct {
	Lines []Line
	Next  string // cursor of the next page; empty at the end
}

// Queue returns a page of applications, newest first. Titles are opened for who may
// unseal, which is recorded once a session or token. cursor is empty or the
// Next of an earlier page; Malformed "bad_cursor" otherwise. f.Search is the reference
// or the designation of one application, or words that the title holds, all of them;
// Invalid when it is too long, Forbidden for words without leave to unseal. One call looks
// at a bounded number of applications, so with a filter that few of many fit a page may be
// short, even empty, and have a Next.
func (s *Service) Queue(ctx context.Context, by identity.Actor, f Filter, cursor string) (Page, error) {
	if err := by.Require(identity.PermApplicationRead); err != nil {
		return Page{}, err
	}
	var err error
	if f.Before, err = ParseCursor(cursor); err != nil {
		return Page{}, err
	}
	f.Limit = min(max(f.Limit, 1), MaxPage)
	items, next, err := s.find(ctx, by, f)
	if err != nil {
		return Page{}, err
	}
	var page Page
	if next != nil {
		page.Next = next.String()
	}
	open := false
	if len(items) > 0 {
		if open, err = s.mayOpen(ctx, by, "titles", items[0].Application.FundID); err != nil {
			return Page{}, err
		}
	}
	for _, item := range items {
		if !open {
			page.Lines = append(page.Lines, Line{QueueItem: item})
			continue
		}
		body, _, err := s.openBody(item.Application, item.Body)
		if err != nil && !errs.Is(err, errs.CodePurged) {
			return Page{}, err
		}
		page.Lines = append(page.Lines, Line{QueueItem: item, Title: body.Title})
	}
	return page, nil
}

// find reads f.Search first as the name of an application and, where none has it, as
// words of titles.
func (s *Service) find(ctx context.Context, by identity.Actor, f Filter) ([]QueueItem, *Cursor, error) {
	if err := checkSearch(f.Search); err != nil || !f.known() {
		return nil, nil, err
	}
	if f.Search == "" {
		return s.cfg.Store.Queue(ctx, f, by.StaffID, s.now())
	}
	var named bool
	if f.Name, named = ParseName(f.Search); named {
		items, next, err := s.cfg.Store.Queue(ctx, f, by.StaffID, s.now())
		if err != nil || len(items) > 0 {
			return items, next, err
		}
	}
	f.Name = Name{}
	if err := by.Require(identity.PermApplicationUnseal); err != nil {
		return nil, nil, err // what words a title has is what it says
	}
	if f.Words = s.hashWords(f.Search); len(f.Words) == 0 {
		return nil, nil, nil // nothing that a title is found by
	}
	return s.cfg.Store.Queue(ctx, f, by.StaffID, s.now())
}

// known reports whether there can be an application that f selects: no other value of
// these is ever stored.
func (f Filter) known() bool {
	return (f.Protocol == "" || slices.Contains(claim.Protocols(), f.Protocol)) &&
		(f.Region == "" || isRegion(f.Region)) &&
		(f.Language == "" || isLanguage(f.Language))
}

// Counts returns how many applications each filter selects, up to MaxCount, in the
// filters' order. A Search counts titles that hold its words. What another process changed
// may be missing for up to CountsFor.
func (s *Service) Counts(ctx context.Context, by identity.Actor, filters ...Filter) ([]Total, error) {
	if err := by.Require(identity.PermApplicationRead); err != nil {
		return nil, err
	}
	totals, now := make([]Total, len(filters)), s.now()
	var ask []Filter
	var at []int
	var keys []string
	changes := 0
	for i, f := range filters {
		if err := checkSearch(f.Search); err != nil {
			return nil, err
		}
		if f.Search != "" {
			if err := by.Require(identity.PermApplicationUnseal); err != nil {
				return nil, err
			}
		}
		f.Words = s.hashWords(f.Search)
		if !f.known() || f.Search != "" && len(f.Words) == 0 {
			continue
		}
		key, err := f.key()
		if err != nil {
			return nil, err
		}
		total, n, fresh := s.counted.get(key, now)
		if fresh {
			totals[i] = total
			continue
		}
		if len(ask) == 0 {
			changes = n
		}
		ask, at, keys = append(ask, f), append(at, i), append(keys, key)
	}
	if len(ask) == 0 {
		return totals, nil
	}
	found, err := s.cfg.Store.Counts(ctx, ask, now)
	if err != nil {
		return nil, err
	}
	for i, total := range found {
		totals[at[i]] = total
		s.counted.put(keys[i], total, now, changes)
	}
	return totals, nil
}

// Detail is an application as a reviewer sees it.
type Detail struct {
	Record
	Body       Body              // contact and endpoint secrets are left out: nobody needs them to decide
	BodySHA256 [sha256.Size]byte // the note's application_sha256; zero once purged
	Note       string
	Tally      Tally
	Outcome    Verdict // what the votes carry; empty without a quorum
	Quorum     int
	MyVote     Verdict
	VoteNotes  map[uuid.UUID]string // for colleagues, by vote
	Messages   []Text
	Findings   []screen.Finding // of the automatic checks, worst first
	SamePayee  int              // other applications with the same payout address, up to MaxSamePayee
	Purged     bool
	Sealed     bool // the asker may not open what is sealed: Body, BodySHA256, Note, VoteNotes and Messages are empty
}

// Show returns one application for review. What is sealed is opened for who may
// unseal, which is recorded first, once a session or token; contact and secrets are
// opened for nobody.
func (s *Service) Show(ctx context.Context, by identity.Actor, id uuid.UUID) (Detail, error) {
	if err := by.Require(identity.PermApplicationRead); err != nil {
		return Detail{}, err
	}
	r, err := s.cfg.Store.Application(ctx, id, s.now())
	if err != nil {
		return Detail{}, err
	}
	f, err := s.Fund(ctx)
	if err != nil {
		return Detail{}, err
	}
	d := Detail{
		Record:    r,
		Quorum:    f.Quorum,
		Tally:     Count(r.Votes, r.Decision.Digest),
		VoteNotes: map[uuid.UUID]string{},
	}
	d.Outcome, _ = d.Tally.Outcome(f.Quorum)
	for _, v := range r.Votes {
		if v.StaffID == by.StaffID {
			d.MyVote = v.Verdict
		}
	}
	if d.Findings, d.SamePayee, err = s.screened(ctx, id); err != nil {
		return Detail{}, err
	}
	key, err := s.dataKey(r.Application)
	if errs.Is(err, errs.CodePurged) {
		d.Purged = true
		return d, nil
	}
	if err != nil {
		return Detail{}, err
	}
	open, err := s.mayOpen(ctx, by, "application", id)
	if err != nil || !open {
		d.Sealed = true
		return d, err
	}
	if d.Body, d.BodySHA256, err = s.openBody(r.Application, r.Revision.Body); err != nil {
		return Detail{}, err
	}
	d.Body.Contact = ""
	for i := range d.Body.Endpoints {
		d.Body.Endpoints[i] = d.Body.Endpoints[i].WithoutSecrets()
	}
	note, err := key.Open(noteAAD(r.Decision.ID), r.Decision.Note)
	if err != nil {
		return Detail{}, fmt.Errorf("open decision note of %s: %w", id, err)
	}
	d.Note = string(note)
	for _, v := range r.Votes {
		if len(v.Note) == 0 {
			continue
		}
		words, err := key.Open(voteNoteAAD(v.ID), v.Note)
		if err != nil {
			return Detail{}, fmt.Errorf("open note of vote %s: %w", v.ID, err)
		}
		d.VoteNotes[v.ID] = string(words)
	}
	d.Messages, err = s.openMessages(r, ToTeam)
	return d, err
}

// Grants returns a page of grants, newest first.
func (s *Service) Grants(
	ctx context.Context,
	by identity.Actor,
	cursor string,
	limit int,
) (grants []GrantRecord, next string, err error) {
	if err := by.Require(identity.PermGrantRead); err != nil {
		return nil, "", err
	}
	before, err := ParseCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	limit = min(max(limit, 1), MaxPage)
	grants, err = s.cfg.Store.Grants(ctx, before, limit+1)
	if err == nil && len(grants) > limit {
		grants = grants[:limit]
		last := grants[limit-1].Grant
		next = Cursor{SubmittedAt: last.CreatedAt, ID: last.ID}.String()
	}
	return grants, next, err
}

// Standing returns where an application stands that an earlier call of by's has acted on.
func (s *Service) Standing(ctx context.Context, by identity.Actor, id uuid.UUID) (Application, error) {
	if err := by.Require(identity.PermApplicationVote); err != nil {
		return Application{}, err
	}
	r, err := s.cfg.Store.Application(ctx, id, s.now())
	return r.Application, err
}

// Grant returns one grant.
func (s *Service) Grant(ctx context.Context, by identity.Actor, id uuid.UUID) (GrantRecord, error) {
	if err := by.Require(identity.PermGrantRead); err != nil {
		return GrantRecord{}, err
	}
	return s.cfg.Store.Grant(ctx, id)
}

// DecisionDigest parses a digest that a client sends; the field error says how
// one looks.
func DecisionDigest(field, text string) (decision.Digest, error) {
	d, err := decision.ParseDigest(text)
	if err != nil {
		return d, errs.InvalidFields(
			[]errs.Field{
				{Field: field, Code: decision.CodeBadDigest, Message: "A digest is 64 lower-case hexadecimal digits."},
			},
		)
	}
	return d, nil
}

// String writes the cursor for a URL.
func (c Cursor) String() string {
	return base64.RawURLEncoding.EncodeToString(
		[]byte(strconv.FormatInt(c.SubmittedAt.UnixMicro(), 36) + "." + c.ID.String()),
	)
}

// ParseCursor reads what String wrote of a time in the years 2000 to 9999; empty
// text is no cursor. Malformed "bad_cursor" for anything else.
func ParseCursor(text string) (*Cursor, error) {
	if text == "" {
		return nil, nil // no cursor is an ordinary answer
	}
	bad := errs.New(errs.Malformed, CodeBadCursor, "The cursor is not valid. Start from the first page.")
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, bad
	}
	at, id, _ := strings.Cut(string(raw), ".")
	micros, err := strconv.ParseInt(at, 36, 64)
	if err != nil {
		return nil, bad
	}
	parsed, err := uuid.Parse(id)
	if err != nil {
		return nil, bad
	}
	c := &Cursor{SubmittedAt: time.UnixMicro(micros).UTC(), ID: parsed}
	// PostgreSQL knows no times before 4713 BC, so one made up would be its error.
	if year := c.SubmittedAt.Year(); year < 2000 || year > 9999 || c.String() != text {
		return nil, bad
	}
	return c, nil
}
