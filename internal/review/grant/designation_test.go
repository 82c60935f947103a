package grant_test

import (
	"crypto/rand"
	"io"
	"testing"

	"github.com/causeway-fund/causeway/internal/review/grant"
)

// nameBytes is how many random bytes the names of one application take.
const nameBytes = 11

// stuckDraw gives the same names as often as told; all else is random.
type stuckDraw struct{ left int }

func (r *stuckDraw) Read(p []byte) (int, error) {
	if len(p) == nameBytes && r.left > 0 {
		r.left--
		clear(p)
		return len(p), nil
	}
	return io.ReadFull(rand.Reader, p)
}

// halfStuck repeats either the reference or the designation.
type halfStuck struct {
	stuckDraw
	from, to int
}

func (r *halfStuck) Read(p []byte) (int, error) {
	stuck := len(p) == nameBytes && r.left > 0
	n, err := io.ReadFull(rand.Reader, p)
	if stuck {
		r.left--
		clear(p[r.from:r.to])
	}
	return n, err
}

func TestNamesAreDrawnAgainUntilTheyAreFree(t *testing.T) {
	t.Parallel()
	for name, random := range map[string]io.Reader{
		"both are taken":           &stuckDraw{left: 4},
		"the reference is taken":   &halfStuck{stuckDraw{left: 4}, 0, 8},
		"the designation is taken": &halfStuck{stuckDraw{left: 4}, 8, nameBytes},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var err error
			w.Service, err = grant.New(grant.Config{Store: w.store(t), Keys: w.keys, Clock: w.clock, Random: random})
			noError(t, err)

			first := w.status(t, w.file(t, 1).code).Application
			second := w.status(t, w.file(t, 2).code).Application

			if first.Designation == second.Designation || first.Reference == second.Reference {
				t.Errorf("two applications are called %s %q and %s %q", first.Reference, first.Designation, second.Reference, second.Designation)
			}
		})
	}
}

// TestASubmissionThatFindsNoFreeNameSavesNothing: the loop ends, and the same
// application can be sent again.
func TestASubmissionThatFindsNoFreeNameSavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	random := &stuckDraw{left: 1000}
	var err error
	w.Service, err = grant.New(grant.Config{Store: w.store(t), Keys: w.keys, Clock: w.clock, Random: random})
	noError(t, err)
	w.file(t, 1)

	w.nothingWritten(t, func() {
		_, err := w.Submit(t.Context(), key(2), proposal(t, 2))
		wantCode(t, err, "name_taken")
	})
	random.left = 0

	if _, err := w.Submit(t.Context(), key(2), proposal(t, 2)); err != nil {
		t.Error(err)
	}
}
