package app_test

import (
	"net"
	"sync"
	"testing"
	"time"
)

// line is a TCP connection through this process, on loopback, that can be made
// slow, held and reset.
type line struct {
	listener net.Listener
	target   string

	mu     sync.Mutex
	change *sync.Cond
	held   bool
	closed bool
	delay  time.Duration
	ends   map[net.Conn]bool
	cut    int
}

func newLine(t *testing.T, target string) *line {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{listener: listener, target: target, ends: map[net.Conn]bool{}}
	l.change = sync.NewCond(&l.mu)
	var done sync.WaitGroup
	done.Go(func() { l.accept(&done) })
	t.Cleanup(func() {
		_ = listener.Close()
		l.mu.Lock()
		l.closed = true
		l.mu.Unlock()
		l.reset()
		l.hold(false)
		done.Wait()
	})
	return l
}

func (l *line) addr() string { return l.listener.Addr().String() }

func (l *line) accept(done *sync.WaitGroup) {
	for {
		from, err := l.listener.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", l.target)
		if err != nil {
			_ = from.Close()
			continue
		}
		l.mu.Lock()
		l.ends[from], l.ends[to] = true, true
		l.mu.Unlock()
		done.Go(func() { l.copy(to, from) })
		done.Go(func() { l.copy(from, to) })
	}
}

func (l *line) copy(to, from net.Conn) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		l.mu.Lock()
		for l.held && !l.closed {
			l.change.Wait()
		}
		delay := l.delay
		l.mu.Unlock()
		<-time.After(delay)
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// hold stops everything, or lets it go on.
func (l *line) hold(held bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = held
	l.change.Broadcast()
}

// slow delays every piece.
func (l *line) slow(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delay = d
}

// reset breaks all connections; what was on the way is lost.
func (l *line) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.ends {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = c.Close()
		delete(l.ends, c)
		l.cut++
	}
}

// resets tells how many ends were broken.
func (l *line) resets() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cut
}
