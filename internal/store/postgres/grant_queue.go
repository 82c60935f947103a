package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/store/postgres/db"
)

// A request looks at a page's worth of applications and then at no more than this many
// for those that fit: a few milliseconds of work, whatever the filter and however many
// there are.
const (
	stretch   = 500
	stretches = 2
	probed    = 16 // words of a search among which the rarest is looked for
)

// newest is before every place of the queue.
var newest = grant.Cursor{
	SubmittedAt: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
	ID:          uuid.Max,
}

func (s GrantStore) Queue(
	ctx context.Context,
	f grant.Filter,
	asker uuid.UUID,
	now time.Time,
) ([]grant.QueueItem, *grant.Cursor, error) {
	var items []grant.QueueItem
	var next *grant.Cursor
	err := s.inSnapshot(ctx, func(ctx context.Context, q *db.Queries) error {
		found, more, err := walk(ctx, q, f, now)
		if err != nil {
			return err
		}
		items, next = nil, more
		if len(found) == 0 {
			return nil
		}
		rows, err := q.QueueLines(ctx, db.QueueLinesParams{Asker: asker, Now: now, Ids: ids(found)})
		for _, r := range rows {
			items = append(items, queueItem(r))
		}
		return err
	})
	return items, next, err
}

func queueItem(r db.QueueLinesRow) grant.QueueItem {
	item := grant.QueueItem{
		Application: applicationOf(r.Application), Body: r.Body, Approve: int(r.Approve), Decline: int(r.Decline),
		MyVote: grant.Verdict(r.MyVerdict), SamePayee: int(r.SamePayee),
	}
	if r.ClaimStaff.Valid {
		item.Claim = &grant.Claim{StaffID: r.ClaimStaff.UUID, StaffName: r.ClaimName, ExpiresAt: *r.ClaimUntil}
	}
	return item
}

func (s GrantStore) Counts(ctx context.Context, filters []grant.Filter, now time.Time) ([]grant.Total, error) {
	var counts []grant.Total
	err := s.inSnapshot(ctx, func(ctx context.Context, q *db.Queries) error {
		rows, err := q.CountApplications(ctx, grant.MaxCount+1, plainStates(nil))
		if err != nil {
			return err
		}
		byState := map[string]int{}
		for _, r := range rows {
			byState[r.State] = int(r.Count)
		}
		counts = nil
		for _, f := range filters {
			n, err := count(ctx, q, f, byState, now)
			if err != nil {
				return err
			}
			counts = append(counts, n)
		}
		return nil
	})
	return counts, err
}

func count(
	ctx context.Context,
	q *db.Queries,
	f grant.Filter,
	byState map[string]int,
	now time.Time,
) (grant.Total, error) {
	n, more := 0, false
	if w := newWalk(q, f, now); w.driver == driveStates && !w.picky {
		for _, state := range w.states {
			n += byState[state]
		}
	} else {
		f.Limit = grant.MaxCount + 1
		found, next, err := walk(ctx, q, f, now)
		if err != nil {
			return grant.Total{}, err
		}
		n, more = len(found), next != nil
	}
	if n > grant.MaxCount {
		n, more = grant.MaxCount, true
	}
	return grant.Total{N: n, More: more}, nil
}

// driver is the index that a walk follows.
type driver int

const (
	driveStates driver = iota
	driveRegion
	driveLanguage
	driveWord
	driveClaims
	driveName
)

// queueWalk finds applications by one index, in the queue's order, and lets those
// through that fit the rest of the filter.
type queueWalk struct {
	q      *db.Queries
	f      grant.Filter
	now    time.Time
	states []string
	driver driver
	word   int64
	picky  bool // the index knows not all of the filter
}

// newWalk chooses the index that knows most of f. Which one it is depends on what is
// asked for and never on what PostgreSQL believes of it.
func newWalk(q *db.Queries, f grant.Filter, now time.Time) *queueWalk {
	w := &queueWalk{q: q, f: f, now: now, states: plainStates(f.States)}
	switch {
	case f.Name != (grant.Name{}):
		w.driver = driveName
	case f.ClaimedBy != nil:
		w.driver = driveClaims
	case len(f.Words) > 0:
		w.driver = driveWord
	case f.Region != "":
		w.driver = driveRegion
	case f.Language != "":
		w.driver = driveLanguage
	}
	stateless := !slices.ContainsFunc(
		grant.States(),
		func(s grant.State) bool { return !slices.Contains(w.states, string(s)) },
	) // every state fits
	w.picky = f.Protocol != "" || f.VotedBy != nil || f.NotVoted != nil || f.Unclaimed ||
		f.Region != "" && w.driver != driveRegion || f.Language != "" && w.driver != driveLanguage ||
		len(f.Words) > 1 || len(f.Words) == 1 && w.driver != driveWord ||
		!stateless && w.driver >= driveWord || f.ClaimedBy != nil && w.driver != driveClaims
	return w
}

// walk returns up to f.Limit places of the queue that fit f, and where the rest begins;
// nil when there is no more.
func walk(
	ctx context.Context,
	q *db.Queries,
	f grant.Filter,
	now time.Time,
) (found []grant.Cursor, next *grant.Cursor, err error) {
	w := newWalk(q, f, now)
	if w.driver == driveWord {
		rarest, err := q.RarestWord(ctx, f.Words[:min(len(f.Words), probed)])
		if err != nil || rarest.Known == 0 {
			return nil, nil, err
		}
		w.word = rarest.Word
	}
	look := f.Limit + 1 // where most fit, as of those that somebody has not voted on, this is enough
	before := newest
	if f.Before != nil {
		before = *f.Before
	}
	for range 1 + stretches {
		seen, err := w.look(ctx, before, look)
		if err != nil {
			return nil, nil, err
		}
		fit, err := w.fit(ctx, seen)
		if err != nil {
			return nil, nil, err
		}
		for _, place := range fit {
			if len(found) == f.Limit {
				return found, &found[f.Limit-1], nil
			}
			found = append(found, place)
		}
		if len(seen) < look {
			return found, nil, nil
		}
		before = seen[len(seen)-1]
		look = stretch
	}
	return found, &before, nil
}

// look returns the places that come next in the index.
func (w *queueWalk) look(ctx context.Context, before grant.Cursor, n int) ([]grant.Cursor, error) {
	at, id, look := before.SubmittedAt, before.ID, int64(n)
	switch w.driver {
	case driveName:
		rows, err := w.q.QueueNamed(ctx, w.f.Name.Reference, w.f.Name.Designation)
		return places(
			rows,
			err,
			func(r db.QueueNamedRow) grant.Cursor { return grant.Cursor{SubmittedAt: r.SubmittedAt, ID: r.ID} },
		)
	case driveClaims:
		rows, err := w.q.QueueOfClaims(
			ctx,
			db.QueueOfClaimsParams{StaffID: *w.f.ClaimedBy, Now: w.now, BeforeAt: at, BeforeID: id, Look: look},
		)
		return places(
			rows,
			err,
			func(r db.QueueOfClaimsRow) grant.Cursor { return grant.Cursor{SubmittedAt: r.SubmittedAt, ID: r.ID} },
		)
	case driveWord:
		rows, err := w.q.QueueOfWord(ctx, db.QueueOfWordParams{Word: w.word, BeforeAt: at, BeforeID: id, Look: look})
		return places(
			rows,
			err,
			func(r db.QueueOfWordRow) grant.Cursor { return grant.Cursor{SubmittedAt: r.SubmittedAt, ID: r.ID} },
		)
	case driveRegion:
		rows, err := w.q.QueueOfRegion(
			ctx,
			db.QueueOfRegionParams{States: w.states, Region: w.f.Region, BeforeAt: at, BeforeID: id, Look: look},
		)
		return places(
			rows,
			err,
			func(r db.QueueOfRegionRow) grant.Cursor { return grant.Cursor{SubmittedAt: r.SubmittedAt, ID: r.ID} },
		)
	case driveLanguage:
		rows, err := w.q.QueueOfLanguage(
			ctx,
			db.QueueOfLanguageParams{States: w.states, Language: w.f.Language, BeforeAt: at, BeforeID: id, Look: look},
		)
		return places(
			rows,
			err,
			func(r db.QueueOfLanguageRow) grant.Cursor { return grant.Cursor{SubmittedAt: r.SubmittedAt, ID: r.ID} },
		)
	case driveStates:
	}
	rows, err := w.q.QueueOfStates(
		ctx,
		db.QueueOfStatesParams{States: w.states, BeforeAt: at, BeforeID: id, Look: look},
	)
	return places(
		rows,
		err,
		func(r db.QueueOfStatesRow) grant.Cursor { return grant.Cursor{SubmittedAt: r.SubmittedAt, ID: r.ID} },
	)
}

func places[R any](rows []R, err error, place func(R) grant.Cursor) ([]grant.Cursor, error) {
	list := make([]grant.Cursor, len(rows))
	for i, r := range rows {
		list[i] = place(r)
	}
	return list, err
}

// fit returns those of seen that fit the whole filter.
func (w *queueWalk) fit(ctx context.Context, seen []grant.Cursor) ([]grant.Cursor, error) {
	if !w.picky || len(seen) == 0 {
		return seen, nil
	}
	f := w.f
	arg := db.QueueFitsParams{
		Now:       w.now,
		Ids:       ids(seen),
		States:    w.states,
		Protocol:  f.Protocol,
		Region:    f.Region,
		Language:  f.Language,
		Words:     orEmpty(f.Words),
		Voted:     f.VotedBy != nil,
		NotVoted:  f.NotVoted != nil,
		ClaimedBy: nullUUID(f.ClaimedBy),
		Unclaimed: f.Unclaimed,
	}
	switch {
	case f.VotedBy != nil:
		arg.Voter = *f.VotedBy
	case f.NotVoted != nil:
		arg.Voter = *f.NotVoted
	}
	fits, err := w.q.QueueFits(ctx, arg)
	if err != nil {
		return nil, err
	}
	ok := make(map[uuid.UUID]bool, len(fits))
	for _, id := range fits {
		ok[id] = true
	}
	return slices.DeleteFunc(slices.Clone(seen), func(c grant.Cursor) bool { return !ok[c.ID] }), nil
}

func ids(list []grant.Cursor) []uuid.UUID {
	out := make([]uuid.UUID, len(list))
	for i, c := range list {
		out[i] = c.ID
	}
	return out
}

// plainStates returns states as text, each once; all of them for none.
func plainStates(states []grant.State) []string {
	if len(states) == 0 {
		states = grant.States()
	}
	list := make([]string, 0, len(states))
	for _, s := range states {
		if !slices.Contains(list, string(s)) {
			list = append(list, string(s))
		}
	}
	return list
}

// orEmpty makes a missing list an empty one: NULL would fit nothing.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
