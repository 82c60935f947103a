package postgres_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// The views compute the dates of a period from the text of its note, in SQL. Both must say the
// same, or a payment in time would be a breach.
func TestDatesOfANoteAreTheSameInSQL(t *testing.T) {
	t.Parallel()
	owner := open(t, pgtest.New(t).URL)
	for first := time.Date(2027, 11, 26, 0, 0, 0, 0, time.UTC); first.Year() < 2029; first = first.AddDate(0, 0, 13) {
		for _, every := range []string{decision.EveryMonth, decision.EveryWeek, decision.Once} {
			n := decision.Note{
				Fund: uuid.New(), Decision: uuid.New(), Grant: uuid.New(), Currency: decision.CurrencySat, Amount: 1000, SatLeast: 1000, SatMost: 1000,
				Periods: decision.MaxPeriods, FirstDue: first, Every: every, PayWithinDays: 45, Payees: []decision.Payee{{Script: []byte{1}, Address: "a"}},
			}
			periods := make([]int, n.Periods)
			for i := range periods {
				periods[i] = i + 1
			}
			// The server's own time zone must not count.
			rows, err := owner.Pool().Query(t.Context(), `SELECT p, note_due($1, p), note_until($1, p) FROM unnest($2::integer[]) p`, string(n.Encode()), periods)
			if err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
				var period int
				var due, until time.Time
				if err := rows.Scan(&period, &due, &until); err != nil {
					t.Fatal(err)
				}
				if !due.Equal(n.Due(period)) || !until.Equal(n.Until(period)) {
					t.Errorf("period %d of %s every %s: SQL says %s until %s, Go %s until %s",
						period, first.Format(time.DateOnly), every, due, until, n.Due(period), n.Until(period))
				}
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// What no program wrote has no dates, and breaks no view.
func TestNoDatesOfWhatIsNoNote(t *testing.T) {
	t.Parallel()
	owner := open(t, pgtest.New(t).URL)
	for _, text := range []string{
		"", "x\nfirst_due \n", "x\nfirst_due 2026-99-99 every day\npay_within_days 9\n", "x\nfirst_due 0000-01-01 every month\npay_within_days 9\n",
		"x\nfirst_due 2026-01-01 every month\npay_within_days many\n", "x\nfirst_due 2026-01-01 every month\npay_within_days 99999\n",
	} {
		var until *time.Time
		if err := owner.Pool().QueryRow(t.Context(), `SELECT note_until($1, 2)`, text).Scan(&until); err != nil || until != nil {
			t.Errorf("%q: %v, %v", text, until, err)
		}
	}
}
