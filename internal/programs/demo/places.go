package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/devnet"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/loopback"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/proc"
)

const maxPort = 65_535

// places are where a demo's sample servers are. They are drawn when its samples are
// written, which name them, and stay: what an application names is there again after
// a restart, and a second demo on the machine is elsewhere.
type places struct {
	World      loopback.World         `json:"world"`
	ProxyPorts [devnet.ProxyCount]int `json:"proxy_ports"`
}

// drawPlaces returns places that were free a moment ago. No two ports are equal, since
// the proxies share the hosts of the samples.
func drawPlaces(ctx context.Context) (places, error) {
	p := places{World: loopback.DrawWorld()}
	for i := range p.ProxyPorts {
		for p.ProxyPorts[i] == 0 {
			port, err := proc.PortAt(ctx, p.World.Host(byte(i+1), 10), 0, "a demo proxy")
			if err != nil {
				return places{}, err
			}
			if !slices.Contains(p.ProxyPorts[:i], port) {
				p.ProxyPorts[i] = port
			}
		}
	}
	return p, nil
}

// check reports what keeps p from being places that were drawn.
func (p places) check() error {
	if !p.World.Valid() {
		return fmt.Errorf("places.world is %d, which is none of the demo's", p.World)
	}
	for i, port := range p.ProxyPorts {
		if port < 1 || port > maxPort || slices.Contains(p.ProxyPorts[:i], port) {
			return fmt.Errorf("places.proxy_ports holds %d, which is no port or stands twice", port)
		}
	}
	return nil
}

// dashboardPort returns want, or any free port when want is 0.
func dashboardPort(ctx context.Context, want int) (int, error) {
	if want < 0 || want > maxPort {
		return 0, errs.Newf(
			errs.Invalid,
			CodePortMalformed,
			"--port %d is not a port: give 1 to %d, or 0 for any free one.",
			want,
			maxPort,
		)
	}
	port, err := proc.Port(ctx, want, "the dashboard")
	if errs.Is(err, errs.CodePortTaken) {
		return 0, errs.Wrap(err, errs.Unavailable, errs.CodePortTaken, fmt.Sprintf(
			"Port %d for the dashboard is taken by another program, perhaps by another demo: stop that program, or choose another port with --port.",
			want,
		))
	}
	return port, err
}

// lockDir makes dir and keeps other demos off it until the file that it returns is
// closed or this process ends, however it ends. A second demo would write over what
// the first one's programs read.
func lockDir(dir string) (*os.File, error) {
	// PostgreSQL may run as another account and must pass through.
	if err := os.MkdirAll(dir, 0o711); err != nil { //nolint:gosec // what is inside has modes of its own
		return nil, errs.Wrap(
			err,
			errs.Unavailable,
			errs.CodeDataDirUnwritable,
			"Cannot make folder "+dir+". Choose another with --dir.",
		)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, errs.Wrap(
			err,
			errs.Unavailable,
			errs.CodeDataDirUnwritable,
			"Cannot write to folder "+dir+". Choose another with --dir.",
		)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errs.Wrap(
			err,
			errs.Unavailable,
			errs.CodeAlreadyRunning,
			"A demo is running on "+dir+" already. Stop it, or give this one a folder of its own with --dir.",
		)
	} else {
		err = fmt.Errorf("lock folder %s: %w", dir, err)
	}
	return nil, errors.Join(err, f.Close())
}
