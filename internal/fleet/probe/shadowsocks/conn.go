package shadowsocks

import (
	"encoding/binary"
	"io"
	"net"
	"slices"
	"sync"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// maxChunk is the longest payload of a chunk, SIP004.
const maxChunk = 0x3fff

// tagLen is the overhead of every cipher here.
const tagLen = 16

// conn is a connection through a server. Reads and writes may go on at the same
// time, from the first on: whichever comes first sends the target.
type conn struct {
	net.Conn
	env    probe.Env
	method method
	key    []byte
	mu     sync.Mutex // for first and out
	first  []byte     // the target, until it was sent
	out    *sealer
	in     *sealer
	rest   []byte // of the last chunk
}

func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.write(p)
}

// begin sends the target if nothing was sent.
func (c *conn) begin() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.out != nil {
		return nil
	}
	_, err := c.write(nil)
	return err
}

func (c *conn) write(p []byte) (int, error) {
	var b []byte
	if c.out == nil {
		salt := make([]byte, c.method.keyLen)
		if _, err := io.ReadFull(c.env.Rand, salt); err != nil {
			return 0, err
		}
		out, err := c.method.sealer(c.key, salt)
		if err != nil {
			return 0, err
		}
		c.out, b = out, salt
	}
	data := slices.Concat(c.first, p)
	c.first = nil
	for chunk := range slices.Chunk(data, maxChunk) {
		b = c.out.seal(b, binary.BigEndian.AppendUint16(nil, uint16(len(chunk)))) //nolint:gosec // at most maxChunk
		b = c.out.seal(b, chunk)
	}
	if _, err := c.Conn.Write(b); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (c *conn) Read(p []byte) (int, error) {
	if err := c.begin(); err != nil {
		return 0, err
	}
	for len(c.rest) == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// next reads a chunk.
func (c *conn) next() error {
	if c.in == nil {
		salt := make([]byte, c.method.keyLen)
		if _, err := io.ReadFull(c.Conn, salt); err != nil {
			return err
		}
		in, err := c.method.sealer(c.key, salt)
		if err != nil {
			return err
		}
		c.in = in
	}
	length, err := c.open(2)
	if err != nil {
		return err
	}
	c.env.Trace.Pass(probe.StageHandshake)
	c.env.Trace.Pass(probe.StageAuth)
	c.rest, err = c.open(int(binary.BigEndian.Uint16(length)) & maxChunk)
	return err
}

// open reads and decrypts n bytes.
func (c *conn) open(n int) ([]byte, error) {
	b := make([]byte, n+tagLen)
	if _, err := io.ReadFull(c.Conn, b); err != nil {
		return nil, err
	}
	plain, err := c.in.open(b)
	if err != nil {
		return nil, probe.Fail(
			probe.StageHandshake,
			probe.ClassProtocolMismatch,
			"the answer does not decrypt: another password, or another service",
		)
	}
	return plain, nil
}
