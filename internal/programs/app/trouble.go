package app

import (
	"context"
	"log/slog"
	"sync"

	"github.com/causeway-fund/causeway/internal/errs"
)

// troubles logs what goes wrong again and again when it begins, when its cause
// changes and when it ends, and not each time. Safe for concurrent use.
type troubles struct {
	log *slog.Logger

	mu    sync.Mutex
	cause map[string]errs.Code // by what does not work
}

// note takes how an attempt at what went; nil is well. what and fine are the
// messages of the log.
func (t *troubles) note(ctx context.Context, what, fine string, err error) {
	if ctx.Err() != nil {
		return // told to stop
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.cause[what]
	switch cause := errs.CodeOf(err); {
	case err == nil && before != "":
		delete(t.cause, what)
		t.log.InfoContext(ctx, fine) //nolint:sloglint // callers pass constants
	case err != nil && cause != before:
		if t.cause == nil {
			t.cause = map[string]errs.Code{}
		}
		t.cause[what] = cause
		//nolint:sloglint // callers pass constants
		t.log.WarnContext(
			ctx,
			what,
			slog.String("cause", string(cause)),
			slog.Any("error", err),
		)
	}
}
