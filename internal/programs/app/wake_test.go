package app_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/programs/demo"
	"github.com/causeway-fund/causeway/internal/store/postgres"
)

// TestApprovalWakesTheWorker has a real worker that looks by itself once an hour: what
// people approve leaves all the same, without a block in between, and also after the
// connection that the worker listens on was ended.
func TestApprovalWakesTheWorker(t *testing.T) {
	t.Parallel()
	const leases = 2
	r := newRigOf(t, 2*leases, demo.Config{Poll: time.Hour})
	owner, err := postgres.Open(t.Context(), r.Devnet.Postgres.URL("causeway"))
	r.must(err)
	t.Cleanup(owner.Close)
	epoch := func() (n int64) {
		r.must(owner.Pool().QueryRow(t.Context(), "SELECT epoch FROM lease").Scan(&n))
		return n
	}
	var paid []operator
	for lease := range leases {
		if lease > 0 {
			before := epoch()
			_, err := owner.Pool().Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = 7305813")
			r.must(err)
			r.until("there is lease "+strconv.FormatInt(before+1, 10), func() bool { return epoch() > before })
		}
		for range 2 { // the first may be taken on by the round at the lease's start
			ops := r.granted(1)
			batch := r.compose(ops...)
			r.approve(batch)
			r.await(batch, "broadcast")
			paid = append(paid, ops...)
		}
	}
	r.mine(int(r.Services.Fund.PaidDepth))
	r.paidOnce(paid...)
}
