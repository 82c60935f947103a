package proc

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"

	"github.com/causeway-fund/causeway/internal/errs"
)

// Ports that Port offers on its own lie below those that kernels lend to outgoing
// connections, which could take one before its server listens.
const (
	firstOwnPort = 15_000
	lastOwnPort  = 31_999
	portTries    = 100
)

// Port is PortAt of 127.0.0.1.
func Port(ctx context.Context, want int, who string) (int, error) {
	return PortAt(ctx, "127.0.0.1", want, who)
}

// PortAt returns a TCP port on host that was free a moment ago: want, or any
// when want is 0. A taken one is an Unavailable error "port_taken" that says
// what wanted it, in the words of who ("PostgreSQL").
func PortAt(ctx context.Context, host string, want int, who string) (int, error) {
	if want != 0 {
		return tryPort(ctx, host, want, who)
	}
	var last error
	for range portTries {
		//nolint:gosec // no secret: only spread
		port, err := tryPort(
			ctx,
			host,
			firstOwnPort+rand.IntN(lastOwnPort-firstOwnPort+1),
			who,
		)
		if err == nil || ctx.Err() != nil {
			return port, err
		}
		last = err
	}
	return 0, last
}

func tryPort(ctx context.Context, host string, want int, who string) (int, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(want)))
	if err != nil {
		return 0, errs.Wrap(err, errs.Unavailable, errs.CodePortTaken,
			fmt.Sprintf("Port %d for %s is taken by another program: stop that program, then try again.", want, who))
	}
	if err := l.Close(); err != nil {
		return 0, fmt.Errorf("release port %d: %w", want, err)
	}
	return want, nil
}
