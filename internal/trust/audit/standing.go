package audit

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/causeway-fund/causeway/internal/errs"
)

// checkpointPage is how many rows of checkpoints are read at a time.
const checkpointPage = 64

// signed reports whether c is a checkpoint by the log's key, of as many rows as
// its row says.
func (l *Log) signed(c StoredCheckpoint) bool {
	opened, err := OpenCheckpoint(c.Note, l.vkey)
	return err == nil && opened.Size == c.Size
}

// Latest returns the newest valid checkpoint. NotFound "no_checkpoint".
func (l *Log) Latest(ctx context.Context) (StoredCheckpoint, error) {
	newest, err := l.Newest(ctx, nil, 1)
	if err != nil {
		return StoredCheckpoint{}, err
	}
	if len(newest) == 0 {
		return StoredCheckpoint{}, errs.New(
			errs.NotFound,
			CodeNoCheckpoint,
			"The audit log has no signed checkpoint yet.",
		)
	}
	return newest[0], nil
}

// Newest returns up to limit valid checkpoints, newest first, of fewer rows than
// before unless that is nil.
func (l *Log) Newest(ctx context.Context, before *int64, limit int) ([]StoredCheckpoint, error) {
	var found []StoredCheckpoint
	for skip := int64(0); len(found) < limit; skip += checkpointPage {
		rows, err := l.store.NewestCheckpoints(ctx, skip, checkpointPage)
		if err != nil {
			return nil, fmt.Errorf("read newest checkpoints: %w", err)
		}
		for _, c := range rows {
			if (before == nil || c.Size < *before) && len(found) < limit && l.signed(c) {
				found = append(found, c)
			}
		}
		if len(rows) < checkpointPage {
			break
		}
	}
	return found, nil
}

// BadCheckpoint is a row of checkpoints that does not count: it is damaged, or the
// log's key did not sign it.
type BadCheckpoint struct {
	Place int    `json:"place"` // among the checkpoints, from 1, smallest first as the log exports them
	Says  string `json:"says"`  // its beginning, quoted
}

// String returns what is wrong in words.
func (b BadCheckpoint) String() string {
	return fmt.Sprintf(
		"checkpoint %d (%s) is damaged or not signed by the log's key, and was passed over",
		b.Place,
		b.Says,
	)
}

func badCheckpoint(place int, note string) BadCheckpoint {
	const enough = 60
	return BadCheckpoint{Place: place, Says: fmt.Sprintf("%.*q", enough, note)}
}

// Examine holds every row of checkpoints against the key and against the stored
// hashes. It returns those that do not count; Conflict "audit_broken" when the log
// is not, or not all of, what a valid checkpoint says.
func (l *Log) Examine(ctx context.Context) ([]BadCheckpoint, error) {
	rows, err := l.store.Checkpoints(ctx)
	if err != nil {
		return nil, fmt.Errorf("read checkpoints: %w", err)
	}
	size, err := l.store.AuditSize(ctx) // after the checkpoints: the log grows
	if err != nil {
		return nil, fmt.Errorf("read size of the audit log: %w", err)
	}
	var bad []BadCheckpoint
	good := int64(0)
	for i, row := range rows {
		c, err := OpenCheckpoint(row.Note, l.vkey)
		if err != nil || c.Size != row.Size {
			bad = append(bad, badCheckpoint(i+1, row.Note))
			continue
		}
		if c.Size > size {
			return bad, broken(Finding{First: size, Last: size, What: Truncated}, nil)
		}
		root, err := tlog.TreeHash(c.Size, l.reader(ctx))
		if err != nil {
			return bad, fmt.Errorf("hash the audit log at %d rows: %w", c.Size, err)
		}
		if root != c.Root {
			return bad, broken(Finding{First: min(good, c.Size-1), Last: c.Size - 1, What: Altered}, nil)
		}
		good = c.Size
	}
	return bad, nil
}
