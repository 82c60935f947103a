package chance

import (
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// Below returns a number from 0 up to n, which is above 0.
func Below[N ~int | ~int64](random io.Reader, n N) (N, error) {
	var seed [32]byte
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return 0, fmt.Errorf("draw a number: %w", err)
	}
	//nolint:gosec // the seed is secret, and ChaCha8 keeps it
	return N(
		rand.New(rand.NewChaCha8(seed)).Int64N(int64(n)),
	), nil
}

// Between returns a wait from low up to high, which is above low.
func Between(random io.Reader, low, high time.Duration) (time.Duration, error) {
	d, err := Below(random, high-low)
	return low + d, err
}

// Moment returns a moment from from up to to, some milliseconds after from. It is from
// itself where to is no later.
func Moment(random io.Reader, from, to time.Time) (time.Time, error) {
	n, err := Below(random, max(to.Sub(from).Milliseconds(), 1))
	return from.Add(time.Duration(n) * time.Millisecond), err
}
