package payout_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails when a goroutine outlives the tests: each has an owner that ends it.
// The PostgreSQL server of all tests, and who waits for it, live as long as the process.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/causeway-fund/causeway/internal/testkit/devnet/proc.(*Process).run"),
		goleak.IgnoreAnyFunction("github.com/causeway-fund/causeway/internal/testkit/pgtest.reapWithUs.func1"),
	)
}
