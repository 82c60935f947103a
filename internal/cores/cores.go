package cores

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Each calls do for 0 to n-1, on as many goroutines as there are cores, and returns
// the error of the lowest number that has one. Numbers below it have all been done;
// some above it may have been. do must not write what another number's call touches.
func Each(n int, do func(i int) error) error {
	workers := min(n, runtime.GOMAXPROCS(0))
	if workers < 2 {
		return inOrder(n, do)
	}
	r := round{do: do}
	r.end.Store(int64(n))
	var all sync.WaitGroup
	for range workers - 1 {
		all.Go(r.work)
	}
	r.work()
	all.Wait()
	if r.panicked != nil {
		panic(r.panicked)
	}
	return r.err
}

func inOrder(n int, do func(i int) error) error {
	for i := range n {
		if err := do(i); err != nil {
			return err
		}
	}
	return nil
}

// round is one call of Each.
type round struct {
	do   func(i int) error
	next atomic.Int64 // the number that nobody has taken yet
	end  atomic.Int64 // what is not below it need not be done any more

	mu       sync.Mutex
	err      error // of number end, or nil
	panicked any   // by number end, or nil
}

// work takes numbers in their order until there are none below end. Since they are
// taken in order, all below a number that failed are taken too, and the lowest that
// fails is always found.
func (r *round) work() {
	for {
		i := r.next.Add(1) - 1
		if i >= r.end.Load() {
			return
		}
		r.one(i)
	}
}

func (r *round) one(i int64) {
	defer func() {
		if p := recover(); p != nil {
			r.stop(i, nil, p)
		}
	}()
	if err := r.do(int(i)); err != nil {
		r.stop(i, err, nil)
	}
}

func (r *round) stop(i int64, err error, panicked any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i < r.end.Load() {
		r.end.Store(i)
		r.err, r.panicked = err, panicked
	}
}
