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
	l, err := listen(ctx, path, 0o117)
	if err != nil {
		return nil, err
	}
	if err := chgrp(path, group); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// HostSocket is where the signer whose socket is at path listens for its own host.
func HostSocket(path string) string { return path + ".host" }

// ListenHost opens the socket for the signer's own host, which only the owner may use.
func ListenHost(ctx context.Context, path string) (net.Listener, error) {
	return listen(ctx, HostSocket(path), 0o177)
}

// umasks keeps two sockets that are opened at once from leaving each other's umask behind: it
// belongs to the whole process.
var umasks sync.Mutex

func listen(ctx context.Context, path string, umask int) (net.Listener, error) {
	if err := removeStale(ctx, path); err != nil {
		return nil, err
	}
	// The socket must never be there with more rights, not even for a moment.
	umasks.Lock()
	defer umasks.Unlock()
	old := syscall.Umask(umask)
	defer syscall.Umask(old)
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
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
func (s *Signer) Serve(ctx context.Context, l net.Listener) error { return s.serve(ctx, l, s.answer) }

// ServeHost is Serve for the socket that only the signer's own host reaches.
func (s *Signer) ServeHost(ctx context.Context, l net.Listener) error {
	return s.serve(ctx, l, s.answerHost)
}

func (s *Signer) serve(
	ctx context.Context,
	l net.Listener,
	answer func(context.Context, signerrpc.Call) signerrpc.Reply,
) error {
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
			s.talk(ctx, conn, answer)
		})
	}
}

// talk reads one call and answers it.
func (s *Signer) talk(
	ctx context.Context,
	conn net.Conn,
	answer func(context.Context, signerrpc.Call) signerrpc.Reply,
) {
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
	reply := answer(ctx, call)
	s.reply(ctx, conn, reply)
	if reply.Signed != nil {
		crash.At("S6")
	}
}

// answer answers the worker.
func (s *Signer) answer(ctx context.Context, call signerrpc.Call) signerrpc.Reply {
	if call.Ack != nil {
		if err := s.meet(ctx, *call.Ack); err != nil {
			return failure(err)
		}
	}
	switch {
	case call.Info != nil:
		info := s.Info() //nolint:contextcheck // the probe outlives one caller
		return signerrpc.Reply{V: signerrpc.Version, Info: &info}
	case call.Journal != nil:
		page, err := s.Journal(call.Journal.After)
		if err != nil {
			return failure(err)
		}
		return signerrpc.Reply{V: signerrpc.Version, Journal: &page}
	case call.Check != nil:
		return done(s.Check(*call.Check))
	case call.Accept != nil:
		taken, err := s.Accept(ctx, *call.Accept)
		if err != nil {
			return failure(err)
		}
		return signerrpc.Reply{V: signerrpc.Version, Taken: &taken}
	case call.Sign == nil:
		return failure(refuse(CodeHostOnly, "This is for the signer's own host, on its own socket."))
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
		return failure(err)
	}
	return signerrpc.Reply{V: signerrpc.Version, Signed: &resp}
}

// answerHost answers the person on the signer's host.
func (s *Signer) answerHost(ctx context.Context, call signerrpc.Call) signerrpc.Reply {
	var err error
	switch host := call.Host; {
	case host == nil || !exactlyOne(host.Halt, host.Lift, host.Pin != ""):
		err = refuse(errs.CodeBadRequest, "This socket is for one of halt, lift and pin.")
	case host.Pin != "":
		err = s.Pin(host.Pin)
	default:
		err = s.HostHalt(host.Halt)
	}
	s.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "asked on the host", slog.Any("call", call.Host), slog.Any("error", err))
	return done(err)
}

func exactlyOne(a, b, c bool) bool { return a && !b && !c || !a && b && !c || !a && !b && c }

func done(err error) signerrpc.Reply {
	if err != nil {
		return failure(err)
	}
	return signerrpc.Reply{V: signerrpc.Version, Done: &signerrpc.Done{}}
}

// shorten keeps text that nobody has checked from filling the log.
func shorten(s string) string { return s[:min(len(s), 36)] }

func (s *Signer) reply(ctx context.Context, conn net.Conn, r signerrpc.Reply) {
	r.Ack = s.Ack()
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
