package probe

import (
	"net"
	"sync"
)

// Headed returns c with head before the first data. It goes out with the first write,
// or with the first read where that comes before; both may happen at the same time.
func Headed(c net.Conn, head []byte) net.Conn { return &headed{Conn: c, head: head} }

type headed struct {
	net.Conn
	mu   sync.Mutex
	head []byte // until it was sent
}

func (c *headed) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.head == nil {
		return c.Conn.Write(p)
	}
	b := append(c.head, p...) //nolint:gocritic // head is not used again
	c.head = nil
	if _, err := c.Conn.Write(b); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (c *headed) Read(p []byte) (int, error) {
	if err := c.begin(); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c *headed) begin() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	head := c.head
	if head == nil {
		return nil
	}
	c.head = nil
	_, err := c.Conn.Write(head)
	return err
}
