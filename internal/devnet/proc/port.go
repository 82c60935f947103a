package proc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/causeway-fund/causeway/internal/errs"
)

// Port returns a TCP port on 127.0.0.1 that was free a moment ago: want, or any
// when want is 0. A taken one is an Unavailable error "port_taken" that says
// what wanted it, in the words of who ("PostgreSQL").
func Port(ctx context.Context, want int, who string) (int, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(want)))
	if err != nil {
		return 0, errs.Wrap(err, errs.Unavailable, "port_taken",
			fmt.Sprintf("Port %d for %s is taken by another program: stop that program or choose another port.", want, who))
	}
	_, text, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return 0, errors.Join(err, l.Close())
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return 0, errors.Join(err, l.Close())
	}
	if err := l.Close(); err != nil {
		return 0, fmt.Errorf("release port %d: %w", port, err)
	}
	return port, nil
}
