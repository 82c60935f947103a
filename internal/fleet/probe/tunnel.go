package probe

import (
	"context"
	"io"
	"net"

	"github.com/causeway-fund/causeway/internal/clock"
)

// Networks a Dialer knows.
const (
	TCP = "tcp"
	UDP = "udp"
)

// Dialer makes connections for a check. Its only implementation for endpoints
// is guard.Dialer. A connection ends with ctx: no later than its deadline, and
// when it is cancelled. Errors are *Error of the stages guard, dns and tcp.
type Dialer interface {
	Dial(ctx context.Context, network string, to Address, tr *Trace) (net.Conn, error)
}

// Tunnel reaches targets through an endpoint. Dial's errors are *Error. Close
// releases what the endpoint holds for us.
type Tunnel interface {
	Dial(ctx context.Context, to Address) (net.Conn, error)
	Close() error
}

// Env is what a protocol needs for one attempt.
type Env struct {
	Dialer Dialer
	Clock  clock.Clock
	Rand   io.Reader // crypto/rand.Reader but in tests
	Trace  *Trace
}
