package loopback

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"strconv"
	"sync"

	"github.com/causeway-fund/causeway/internal/errs"
)

// Wide reports whether all of 127.0.0.0/8 is this machine, without being set up.
func Wide() bool { return runtime.GOOS == "linux" }

// World is a part of this machine's addresses that stands for the world of one demo
// or test: 127.W.0.0/16. The zero World is none.
type World byte

// Worlds that DrawWorld offers leave 127.0.0.0/16 alone, where everybody listens.
const (
	firstWorld World = 16
	lastWorld  World = 250
)

// DrawWorld returns a World at random, so that two demos on one machine do not take
// each other's addresses.
func DrawWorld() World {
	return firstWorld + World(rand.IntN(int(lastWorld-firstWorld)+1)) //nolint:gosec // no secret: only spread
}

// Valid reports whether w is one that DrawWorld may return.
func (w World) Valid() bool { return firstWorld <= w && w <= lastWorld }

// Host is an address of w that stands for one out in the world, two bytes of it at
// the caller's choice, so that servers do not all seem to be one. Where only 127.0.0.1
// is there (not on Linux), it is that.
func (w World) Host(net, host byte) string {
	if !Wide() {
		return "127.0.0.1"
	}
	return fmt.Sprintf("127.%d.%d.%d", w, net, host)
}

// Server answers connections, each by itself.
type Server struct {
	Addr string // host:port

	answer func(net.Conn)
	wg     sync.WaitGroup

	mu        sync.Mutex
	listeners []net.Listener
	conns     map[net.Conn]struct{} // nil once closed
}

// Listen runs answer for each connection to port of host, or to one that is free
// now where port is 0. The connection is closed when answer returns. Errors are
// Unavailable "port_taken" and name who wanted it.
func Listen(ctx context.Context, host string, port int, who string, answer func(net.Conn)) (*Server, error) {
	s := &Server{answer: answer, conns: map[net.Conn]struct{}{}}
	l, err := listen(ctx, host, strconv.Itoa(port), who)
	if err != nil {
		return nil, err
	}
	s.Addr = l.Addr().String()
	s.run(l)
	return s, nil
}

// Also answers at another host, on the same port. Once is enough.
func (s *Server) Also(ctx context.Context, host, who string) error {
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil || s.at(net.JoinHostPort(host, port)) {
		return err
	}
	l, err := listen(ctx, host, port, who)
	if err != nil {
		return err
	}
	s.run(l)
	return nil
}

// at reports whether s listens on addr.
func (s *Server) at(addr string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.listeners, func(l net.Listener) bool { return l.Addr().String() == addr })
}

func listen(ctx context.Context, host, port, who string) (net.Listener, error) {
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("%s is not on this machine", host)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, errs.Wrap(
			err,
			errs.Unavailable,
			errs.CodePortTaken,
			fmt.Sprintf(
				"Port %s of %s for %s is taken by another program: stop that program, then try again.",
				port,
				host,
				who,
			),
		)
	}
	return l, nil
}

func (s *Server) run(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners = append(s.listeners, l)
	s.wg.Go(func() { s.serve(l) })
}

func (s *Server) serve(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return // closed
		}
		if !s.track(conn) {
			_ = conn.Close() // Close came first
			return
		}
		s.wg.Go(func() {
			defer s.forget(conn)
			s.answer(conn)
		})
	}
}

func (s *Server) track(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		return false
	}
	s.conns[conn] = struct{}{}
	return true
}

func (s *Server) forget(conn net.Conn) {
	_ = conn.Close() // the answer may have closed it already
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, conn)
}

// Close ends the server and its connections and waits until they are gone. It may
// be called again.
func (s *Server) Close() error {
	s.mu.Lock()
	conns, listeners := s.conns, s.listeners
	s.conns = nil
	s.mu.Unlock()
	if conns == nil {
		return nil
	}
	var all []error
	for _, l := range listeners {
		all = append(all, l.Close())
	}
	for conn := range conns {
		_ = conn.Close() // its own goroutine may have closed it already
	}
	s.wg.Wait()
	return errors.Join(all...)
}

// Dial connects to addr, a literal address of this machine, over TCP from the
// address that from has.
func Dial(ctx context.Context, from net.Addr, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("%s is not on this machine", host)
	}
	var d net.Dialer
	if a, ok := from.(*net.TCPAddr); ok {
		d.LocalAddr = &net.TCPAddr{IP: a.IP}
	}
	return d.DialContext(ctx, "tcp", addr)
}

// Join carries bytes between a and b until one side ends, and closes both.
func Join(a, b io.ReadWriteCloser) {
	var wg sync.WaitGroup
	carry := func(to, from io.ReadWriteCloser) {
		_, _ = io.Copy(to, from) // either side may hang up
		_, _ = to.Close(), from.Close()
	}
	wg.Go(func() { carry(a, b) })
	carry(b, a)
	wg.Wait()
}
