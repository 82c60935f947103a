package guard

import (
	"context"
	"net"
	"sync/atomic"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// conn is a connection that lives as long as its context and gives a limited
// number of bytes.
type conn struct {
	net.Conn
	left  atomic.Int64
	ended atomic.Pointer[error] // why the context ended
	stop  func() bool
}

// bind closes c when ctx ends.
func bind(ctx context.Context, c net.Conn, maxRead int64) *conn {
	out := &conn{Conn: c}
	out.left.Store(maxRead)
	out.stop = context.AfterFunc(ctx, func() {
		err := ctx.Err()
		out.ended.Store(&err)
		out.Conn.Close()
	})
	return out
}

func (c *conn) Read(p []byte) (int, error) {
	left := c.left.Load()
	if left <= 0 && len(p) > 0 {
		return 0, &probe.Error{Class: probe.ClassProtocolMismatch, Detail: "the endpoint sends without end"}
	}
	if int64(len(p)) > left {
		p = p[:left]
	}
	n, err := c.Conn.Read(p)
	c.left.Add(int64(-n))
	return n, c.why(err)
}

func (c *conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	return n, c.why(err)
}

// why puts the end of the context in place of the "use of closed connection"
// that it causes.
func (c *conn) why(err error) error {
	if ended := c.ended.Load(); err != nil && ended != nil {
		return *ended
	}
	return err
}

func (c *conn) Close() error {
	c.stop()
	return c.Conn.Close()
}
