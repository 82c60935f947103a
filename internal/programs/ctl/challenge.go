package ctl

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
)

// A challenge's token stands for twenty minutes.
const (
	challengeFor = 20 * time.Minute
	challengeMax = time.Hour
)

func (a *app) challengeCommand() *cobra.Command {
	var listen, token string
	var udp bool
	var length time.Duration
	cmd := &cobra.Command{
		Use:   "challenge-serve",
		Short: "Answer the fund's challenge on your server's own port",
		Args:  cobra.NoArgs,
		Long: "Answer the fund's challenge on your server's own address and port, to prove that the server is yours. Stop\n" +
			"the server first, since it holds the port; run this as causewayctl endpoints control shows it; ask for the\n" +
			"proof with --check; start the server again once the proof has been tried. It ends by itself when the token\n" +
			"expires.",
	}
	f := cmd.Flags()
	f.StringVar(&listen, "listen", "", "address and port of the server, like :443")
	f.StringVar(&token, "token", "", "token that causewayctl endpoints control shows; worth nothing anywhere else")
	f.BoolVar(&udp, "udp", false, "answer over UDP, for WireGuard and OpenVPN over UDP")
	f.DurationVar(&length, "for", challengeFor, "how long to answer")
	return a.local(cmd, func(c *call) (page, error) {
		if err := cli.Need(f, "listen", "token"); err != nil {
			return page{}, err
		}
		if length <= 0 || length > challengeMax {
			return page{}, cli.UsageError{Err: errors.New("--for must be more than 0 and at most 1h")}
		}
		return page{}, c.serveChallenge(listen, token, udp, length)
	})
}

// serveChallenge answers until the time is over or the program is told to stop.
func (c *call) serveChallenge(listen, token string, udp bool, length time.Duration) error {
	ctx, stop := context.WithTimeout(c.ctx, length)
	defer stop()
	var open net.ListenConfig
	if udp {
		pc, err := open.ListenPacket(ctx, "udp", listen)
		if err != nil {
			return cannotListen(listen, err)
		}
		c.talk(
			"Answering the challenge on %s over UDP for %s. Press Ctrl-C once the proof has been tried.",
			pc.LocalAddr(),
			length,
		)
		return control.ServePacket(ctx, pc, token)
	}
	ln, err := open.Listen(ctx, "tcp", listen)
	if err != nil {
		return cannotListen(listen, err)
	}
	c.talk(
		"Answering the challenge on %s over TCP for %s. Press Ctrl-C once the proof has been tried.",
		ln.Addr(),
		length,
	)
	return control.Serve(ctx, ln, token)
}

func cannotListen(listen string, err error) error {
	return errs.Newf(
		errs.Unavailable,
		errs.CodeCannotListen,
		"Cannot listen at %s (%v). Stop your server first: it uses the port.",
		clean(listen),
		err,
	)
}
