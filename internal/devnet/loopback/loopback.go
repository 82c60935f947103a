package loopback

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/causeway-fund/causeway/internal/devnet/proc"
	"github.com/causeway-fund/causeway/internal/errs"
)

// Server answers connections, each by itself.
type Server struct {
	Addr string // host:port

	listener net.Listener
	answer   func(net.Conn)
	wg       sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{} // nil once closed
}

// Listen runs answer for each connection to port, or to one that is free now
// where port is 0. The connection is closed when answer returns. Errors are
// Unavailable "port_taken" and name who wanted it.
func Listen(ctx context.Context, port int, who string, answer func(net.Conn)) (*Server, error) {
	l, err := listen(ctx, port, who)
	if err != nil {
		return nil, err
	}
	s := &Server{Addr: l.Addr().String(), listener: l, answer: answer, conns: map[net.Conn]struct{}{}}
	s.wg.Go(s.serve)
	return s, nil
}

// listen tries again where another program was faster to take a free port.
func listen(ctx context.Context, want int, who string) (net.Listener, error) {
	for tries := 0; ; tries++ {
		port, err := proc.Port(ctx, want, who)
		if err != nil {
			return nil, err
		}
		var lc net.ListenConfig
		l, err := lc.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return l, nil
		}
		if want != 0 || tries == 10 {
			return nil, errs.Wrap(err, errs.Unavailable, "port_taken", fmt.Sprintf("Port %d for %s is taken.", port, who))
		}
	}
}

func (s *Server) serve() {
	for {
		conn, err := s.listener.Accept()
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
	conns := s.conns
	s.conns = nil
	s.mu.Unlock()
	if conns == nil {
		return nil
	}
	err := s.listener.Close()
	for conn := range conns {
		_ = conn.Close() // its own goroutine may have closed it already
	}
	s.wg.Wait()
	return err
}

// Dial connects to addr, a literal address of this machine.
func Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("%s is not on this machine", host)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, addr)
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
