package cores_test

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/cores"
)

// TestEachIsLikeDoingOneAfterTheOther fails at any numbers and wants the lowest one's
// error, everything below it done once, and nothing twice.
func TestEachIsLikeDoingOneAfterTheOther(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 300).Draw(t, "n")
		fails := rapid.SliceOfN(rapid.IntRange(0, 299), 0, 5).Draw(t, "fails")
		done := make([]atomic.Int32, n)
		err := cores.Each(n, func(i int) error {
			done[i].Add(1)
			if slices.Contains(fails, i) {
				return fmt.Errorf("number %d", i)
			}
			return nil
		})
		first := n
		for _, i := range fails {
			first = min(first, i)
		}
		if (err == nil) != (first == n) || err != nil && err.Error() != fmt.Sprintf("number %d", first) {
			t.Fatalf("got %v, want the error of number %d of %d", err, first, n)
		}
		for i := range done {
			if times := done[i].Load(); times > 1 || times == 0 && i <= first {
				t.Fatalf("number %d of %d was done %d times; number %d failed", i, n, times, first)
			}
		}
	})
}

// TestEachUsesTheCores has two calls wait for each other, where there is more than one
// core to wait on.
func TestEachUsesTheCores(t *testing.T) {
	t.Parallel()
	together := min(2, runtime.GOMAXPROCS(0))
	var all sync.WaitGroup
	all.Add(together)
	if err := cores.Each(together, func(int) error {
		all.Done()
		all.Wait()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// TestTheFirstErrorIsFoundThoughALaterOneCameFirst has number 0 fail only after number 1
// has, on another core.
func TestTheFirstErrorIsFoundThoughALaterOneCameFirst(t *testing.T) {
	t.Parallel()
	if runtime.GOMAXPROCS(0) < 2 {
		return // then nothing comes before anything
	}
	later := make(chan struct{})
	err := cores.Each(50, func(i int) error {
		switch i {
		case 0:
			<-later
		case 1:
			defer close(later)
		}
		return fmt.Errorf("number %d", i)
	})
	if err == nil || err.Error() != "number 0" {
		t.Errorf("got %v, want the error of number 0", err)
	}
}

func TestEachPassesAPanicOn(t *testing.T) {
	t.Parallel()
	defer func() {
		if p := recover(); p != "number 7" {
			t.Errorf("got %v, want the panic of the lowest number", p)
		}
	}()
	err := cores.Each(100, func(i int) error {
		if i >= 7 {
			panic(fmt.Sprintf("number %d", i))
		}
		return nil
	})
	t.Errorf("it returned %v", err)
}
