package probe

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/causeway-fund/causeway/internal/clock"
)

// DefaultTimeout is the one deadline of an attempt.
const DefaultTimeout = 15 * time.Second

// minSecret is the length from which a secret is taken out of details: shorter
// ones would tear holes into ordinary words.
const minSecret = 4

// Runner makes attempts.
type Runner struct {
	Clock   clock.Clock   // required
	Timeout time.Duration // 0 means DefaultTimeout
	// Control checks our own network after an attempt that failed for want of an
	// answer, in a way that does not involve the endpoint. addr is what the
	// attempt dialled, or invalid; a control goes over the same family. It runs
	// under a Timeout of its own. Nil means no control.
	Control func(ctx context.Context, addr netip.Addr) error
}

// Attempt is one check: what to do, and what must not be told.
type Attempt struct {
	Secrets []string // taken out of the detail
	Check   func(ctx context.Context, tr *Trace) (*Evidence, error)
}

// Run makes one attempt. It returns when Check does, so Check must end with its
// context. A Check that returns no error without having passed a stage is our
// own mistake, and the outcome says so.
func (r Runner) Run(ctx context.Context, a Attempt) Outcome {
	tr := NewTrace(r.Clock)
	timeout := r.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	tctx, cancel := context.WithTimeout(ctx, timeout)
	ev, err := a.Check(tctx, tr)
	cancel()

	out := Outcome{OK: err == nil, Stage: tr.Reached(), Evidence: ev, MS: map[Stage]int64{}}
	for s, d := range tr.took {
		out.MS[s] = max(0, d.Milliseconds())
	}
	if tr.Addr().IsValid() {
		out.Addr = tr.Addr().String()
	}
	if err == nil && tr.Reached() == "" {
		err = &Error{Stage: StageParse, Class: ClassLocalResources, Detail: "the check passed no stage"}
		out.OK = false
	}
	if err == nil {
		out.Detail = scrub(tr.note, a.Secrets)
		return out
	}

	f := failureOf(err, next(tr.Reached()))
	if ctx.Err() != nil {
		f.Class, f.Detail = ClassCanceled, ClassCanceled.detail()
	}
	out.FailedAt, out.Class, out.Detail = f.Stage, f.Class, scrub(f.Detail, a.Secrets)
	r.control(ctx, &out, tr.Addr().Addr())
	return out
}

// control runs Control where the class may be our own network's doing.
func (r Runner) control(ctx context.Context, out *Outcome, addr netip.Addr) {
	silent := []Class{ClassTimeout, ClassUnreachable, ClassDNSError, ClassDNSNXDomain}
	if r.Control == nil || !slices.Contains(silent, out.Class) {
		return
	}
	timeout := r.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	start := r.Clock.Now()
	cctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := r.Control(cctx, addr)
	out.Control = &Control{OK: err == nil, MS: max(0, r.Clock.Now().Sub(start).Milliseconds())}
	switch {
	case ctx.Err() != nil:
		out.Class, out.Detail = ClassCanceled, ClassCanceled.detail()
	case err != nil:
		out.Control.Detail = scrub(failureOf(err, StageTCP).Detail, nil)
		out.Class = ClassControlFailed
	}
}

// failureOf returns a copy of the *Error in err, or makes one at stage.
func failureOf(err error, stage Stage) Error {
	var f *Error
	if !errors.As(At(stage, err), &f) {
		return Error{Stage: stage, Class: ClassLocalResources}
	}
	out := *f
	if !out.Stage.Valid() {
		out.Stage = stage
	}
	if !out.Class.Valid() || out.Class == ClassNone {
		out.Class = ClassLocalResources
	}
	return out
}

// next returns the stage behind s.
func next(s Stage) Stage {
	all := Stages()
	return all[min(s.rank(), len(all)-1)]
}

// scrub makes a detail fit for a record.
func scrub(detail string, secrets []string) string {
	for _, s := range secrets {
		if len(s) >= minSecret {
			detail = strings.ReplaceAll(detail, s, "[secret]")
		}
	}
	return clip(printable(detail), MaxDetail)
}
