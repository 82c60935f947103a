package signer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/user"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/causeway-fund/causeway/internal/crash"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
)

const (
	// callTimeout bounds one connection, so that one that sends nothing goes away.
	callTimeout = 60 * time.Second

	maxConnections = 4 // each may hold a line of MaxLine bytes
)

// Listen opens the Unix socket at path, readable and writable by the owner and
// by group (a name or number; empty leaves the group of the process). A socket
// that a dead signer left is replaced; a live one is refused.
func Listen(ctx context.Context, path, group string) (net.Listener, error) {
	if err := removeStale(ctx, path); err != nil {
		return nil, err
	}
	// The socket must never be there with more rights, not even for a moment.
	old := syscall.Umask(0o117)
	defer syscall.Umask(old)
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if err := chgrp(path, group); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func removeStale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at socket: %w", err)
	}
	if info.Mode()&os.ModeSocket == 0 {
		return fmt.Errorf("listen: %s is there and is not a socket", path)
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err == nil {
		return errors.Join(fmt.Errorf("listen: another program answers at %s", path), conn.Close())
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove the socket of a dead signer: %w", err)
	}
	return nil
}

func chgrp(path, group string) error {
	if group == "" {
		return nil
	}
	gid, err := strconv.Atoi(group)
	if err != nil {
		g, err := user.LookupGroup(group)
		if err != nil {
			return fmt.Errorf("find the socket's group: %w", err)
		}
		if gid, err = strconv.Atoi(g.Gid); err != nil {
			return fmt.Errorf("find the socket's group: %w", err)
		}
	}
	if err := os.Lchown(path, -1, gid); err != nil {
		return fmt.Errorf("give the socket to group %s: %w", group, err)
	}
	return nil
}

// Serve answers calls at l until ctx ends, then waits for those that are being
// answered. It closes l.
func (s *Signer) Serve(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() }) // ends Accept
	defer stop()
	var calls sync.WaitGroup
	defer calls.Wait()
	slots := make(chan struct{}, maxConnections)
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return errors.Join(fmt.Errorf("accept: %w", err), l.Close())
		}
		slots <- struct{}{}
		calls.Go(func() {
			defer func() { <-slots }()
			s.answer(ctx, conn)
		})
	}
}

func (s *Signer) answer(ctx context.Context, conn net.Conn) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // ends a blocked read or write
	defer stop()
	defer func() { _ = conn.Close() }() // the caller sees a lost reply and asks again

	call, err := signerrpc.ReadCall(conn)
	if err != nil {
		s.reply(ctx, conn, failure(refuse(errs.CodeBadRequest, "The request %v.", err)))
		return
	}
	if call.Info != nil {
		info := s.Info() //nolint:contextcheck // the probe outlives one caller
		s.reply(ctx, conn, signerrpc.Reply{V: signerrpc.Version, Info: &info})
		return
	}
	if call.Journal != nil {
		page, err := s.Journal(call.Journal.After)
		if err != nil {
			s.reply(ctx, conn, failure(err))
			return
		}
		s.reply(ctx, conn, signerrpc.Reply{V: signerrpc.Version, Journal: &page})
		return
	}
	crash.At("S1")
	resp, err := s.Sign(ctx, *call.Sign)
	if err != nil {
		s.cfg.Log.LogAttrs(
			ctx,
			slog.LevelWarn,
			"not signed",
			slog.String("batch", shorten(call.Sign.BatchID)),
			slog.Int64(
				"attempt",
				call.Sign.AttemptNo,
			),
			slog.String("code", string(errs.CodeOf(err))),
			slog.String("error", err.Error()),
		)
		s.reply(ctx, conn, failure(err))
		return
	}
	s.reply(ctx, conn, signerrpc.Reply{V: signerrpc.Version, Signed: &resp})
	crash.At("S6")
}

// shorten keeps text that nobody has checked from filling the log.
func shorten(s string) string { return s[:min(len(s), 36)] }

func (s *Signer) reply(ctx context.Context, conn net.Conn, r signerrpc.Reply) {
	if err := signerrpc.WriteLine(conn, r); err != nil {
		s.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "sending the reply failed", slog.String("error", err.Error()))
	}
}

// failure says what may be said about err: refusals in full, faults of the
// signer itself only by their code.
func failure(err error) signerrpc.Reply {
	f := signerrpc.Failure{
		Code:    string(errs.CodeOf(err)),
		Message: "The signer has an internal error; its log says which.",
		Retry:   true,
	}
	if e := (*errs.Error)(nil); errors.As(err, &e) {
		f.Message = e.Message
		f.Retry = e.Kind == errs.Unavailable || e.Kind == errs.Internal
	}
	return signerrpc.Reply{V: signerrpc.Version, Error: &f}
}
