package app

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/edge/server"
)

// BenchmarkStrangers measures what a machine can do of each kind of call that has a
// limit for everybody together: the number to set that limit to. Callers, server
// and database share the machine.
func BenchmarkStrangers(b *testing.B) {
	const most = 1_000_000
	f := newFront(b, func(c *ServeConfig) {
		c.Rates = server.Rates{
			Reading: most, Writing: most, Entering: most, Guessing: most, Receipts: most,
			ClientReading: most, ClientWriting: most, ClientEntering: most, ClientGuessing: most, Caller: most,
		}
	})
	receipt := f.applied()
	const form, js = "application/x-www-form-urlencoded", "application/json"
	for _, bb := range []struct {
		name string
		call func() call
	}{
		{"reading", func() call { return call{method: "GET", path: "/apply", want: 200} }},
		{"writing", func() call {
			return call{method: "POST", path: "/v1/applications", body: f.application(), kind: js, header: map[string]string{"Idempotency-Key": uuid.NewString()}, want: 201}
		}},
		{"entering", func() call { return call{method: "POST", path: "/sign-in/begin", want: 200} }},
		{"guessing", func() call {
			return call{method: "POST", path: "/status", body: "code=" + strings.Repeat("7", 26), kind: form, want: 404}
		}},
		{"guessing a token", func() call {
			return call{method: "GET", path: "/v1/whoami", header: map[string]string{"Authorization": "Bearer cw_" + uuid.NewString()}, want: 401}
		}},
		{"receipts", func() call {
			return call{method: "POST", path: "/status", body: "code=" + receipt, kind: form, want: 200}
		}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			var wrong atomic.Int64
			by := client("127.0.0.1")
			defer by.CloseIdleConnections()
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					c := bb.call()
					if status, _, err := f.send(b.Context(), by, c); err != nil || status != c.want {
						wrong.Add(1)
					}
				}
			})
			if n := wrong.Load(); n > 0 {
				b.Errorf("%d of %d calls had another answer than %s", n, b.N, http.StatusText(bb.call().want))
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}
