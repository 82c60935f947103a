package app

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/probe/echo"
)

// EchoConfig says what `causeway echo` runs on.
type EchoConfig struct {
	Listen  string // ip:port that the internet reaches without a proxy in between
	KeyFile string // the key that serve has too
	Log     *slog.Logger
}

// ServeEcho tells whoever asks which address it sees, until ctx ends.
func ServeEcho(ctx context.Context, cfg EchoConfig) error {
	key, err := readEchoKey(cfg.KeyFile)
	if err != nil {
		return err
	}
	s, err := echo.NewServer(echo.Config{Key: key, Clock: clock.Real{}})
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return errs.Wrap(
			err,
			errs.Unavailable,
			errs.CodeCannotListen,
			fmt.Sprintf("Cannot listen on %s: is something else there?", cfg.Listen),
		)
	}
	cfg.Log.InfoContext(ctx, "listening", slog.String("addr", ln.Addr().String()))
	return s.Serve(ctx, ln)
}

// minEchoKey is the shortest key in characters: 16 bytes in hexadecimal.
const minEchoKey = 32

// readEchoKey reads the key of the echo server, which is the text of its file.
func readEchoKey(path string) ([]byte, error) {
	text, err := readSecret("echo server's key", path)
	if err != nil {
		return nil, err
	}
	if len(text) < minEchoKey {
		return nil, errs.Newf(
			errs.Invalid,
			CodeEchoKeyShort,
			"The echo server's key has at least %d characters, such as openssl rand -hex 32 prints.",
			minEchoKey,
		)
	}
	return []byte(text), nil
}
