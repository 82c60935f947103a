package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/causeway-fund/causeway/internal/store/postgres/db"
)

// pipeline keeps statements back, for inOne to send in one round trip. It is for queries
// that answer nothing (":exec" of sqlc): whoever asks one for rows, or how many rows it
// changed, gets an error or a zero.
type pipeline struct{ batch pgx.Batch }

var _ db.DBTX = (*pipeline)(nil)

var errPipelined = errors.New("a statement that is sent later has no rows")

// Exec keeps a statement.
func (p *pipeline) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	p.batch.Queue(sql, args...)
	return pgconn.CommandTag{}, nil
}

// Query is refused.
func (p *pipeline) Query(context.Context, string, ...any) (pgx.Rows, error) {
	return nil, errPipelined
}

// QueryRow is refused.
func (p *pipeline) QueryRow(context.Context, string, ...any) pgx.Row { return noRow{} }

// CopyFrom is refused.
func (p *pipeline) CopyFrom(context.Context, pgx.Identifier, []string, pgx.CopyFromSource) (int64, error) {
	return 0, errPipelined
}

// send sends what was kept, in one round trip, and waits for its end. The error names the
// statement that failed, as those of other queries do.
func (p *pipeline) send(ctx context.Context, conn *pgxpool.Conn) error {
	results := conn.SendBatch(ctx, &p.batch)
	for _, queued := range p.batch.QueuedQueries {
		if _, err := results.Exec(); err != nil {
			_ = results.Close() // fails for the same reason
			return inQuery(queued.SQL, err)
		}
	}
	return results.Close()
}

type noRow struct{}

func (noRow) Scan(...any) error { return errPipelined }
