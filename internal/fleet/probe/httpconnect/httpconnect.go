package httpconnect

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"strconv"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
)

// maxHead is the longest head of an answer, in bytes.
const maxHead = 16 << 10

// Proxy is an HTTP proxy under check.
type Proxy struct {
	spec link.HTTP
	env  probe.Env
}

var _ probe.Tunnel = (*Proxy)(nil)

// New returns the Proxy of spec.
func New(spec link.HTTP, env probe.Env) *Proxy { return &Proxy{spec: spec, env: env} }

// Close does nothing: a proxy holds no state but its connections.
func (p *Proxy) Close() error { return nil }

// Dial asks the proxy for a connection to to, which may be a name.
func (p *Proxy) Dial(ctx context.Context, to probe.Address) (net.Conn, error) {
	c, err := p.env.Dialer.Dial(ctx, probe.TCP, p.spec.Addr, p.env.Trace)
	if err != nil {
		return nil, err
	}
	out, err := p.connect(c, to)
	if err != nil {
		c.Close()
		return nil, err
	}
	return out, nil
}

func (p *Proxy) connect(c net.Conn, to probe.Address) (net.Conn, error) {
	request := "CONNECT " + to.String() + " HTTP/1.1\r\nHost: " + to.String() + "\r\n"
	if p.spec.User != "" {
		request += "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString(
			[]byte(p.spec.User+":"+p.spec.Password),
		) + "\r\n"
	}
	if _, err := io.WriteString(c, request+"\r\n"); err != nil {
		return nil, probe.At(probe.StageHandshake, err)
	}
	r := bufio.NewReader(c)
	status, err := readHead(r)
	if err != nil {
		return nil, probe.At(probe.StageHandshake, err)
	}
	p.env.Trace.Pass(probe.StageHandshake)
	if err := p.refusal(status); err != nil {
		return nil, err
	}
	if p.spec.User != "" {
		p.env.Trace.Pass(probe.StageAuth)
	}
	p.env.Trace.Pass(probe.StageRelay)
	return &buffered{Conn: c, r: r}, nil
}

// refusal maps a status that is no success. Some proxies answer a wrong
// password with 401, although 407 is theirs.
func (p *Proxy) refusal(status int) error {
	switch {
	case status >= 200 && status < 300:
		return nil
	case (status == 401 || status == 407) && p.spec.User == "":
		return probe.Fail(probe.StageAuth, probe.ClassAuthRequired, "HTTP status %d", status)
	case status == 401 || status == 407:
		return probe.Fail(probe.StageAuth, probe.ClassAuthRejected, "HTTP status %d", status)
	case status == 500 || status == 502 || status == 503 || status == 504:
		return probe.Fail(probe.StageRelay, probe.ClassTargetUnreachable, "HTTP status %d", status)
	default:
		return probe.Fail(probe.StageRelay, probe.ClassRelayRefused, "HTTP status %d", status)
	}
}

// readHead reads an answer up to its empty line and returns its status. Interim
// answers (1xx) are passed over.
func readHead(r *bufio.Reader) (status int, err error) {
	mismatch := func(why string) error {
		return probe.Fail(probe.StageHandshake, probe.ClassProtocolMismatch, "%s", why)
	}
	left := maxHead
	for {
		for i := range len("HTTP/1.") {
			b, err := r.Peek(i + 1)
			if err != nil {
				return 0, eof(err)
			}
			if b[i] != "HTTP/1."[i] {
				return 0, mismatch("the answer is not HTTP")
			}
		}
		for first := true; ; first = false {
			line, err := r.ReadSlice('\n')
			if left -= len(line); left < 0 || errors.Is(err, bufio.ErrBufferFull) {
				return 0, mismatch("the head of the answer is too long")
			}
			if err != nil {
				return 0, eof(err)
			}
			line = bytes.TrimRight(line, "\r\n")
			if first {
				if status = statusOf(line); status == 0 {
					return 0, mismatch("the answer has no HTTP status")
				}
			}
			if len(line) == 0 {
				break
			}
		}
		if status >= 200 {
			return status, nil
		}
	}
}

// statusOf reads "HTTP/1.x NNN …", or returns 0.
func statusOf(line []byte) int {
	if len(line) < len("HTTP/1.1 200") || line[8] != ' ' || len(line) > 12 && line[12] != ' ' {
		return 0
	}
	n, err := strconv.Atoi(string(line[9:12]))
	if err != nil || n < 100 {
		return 0
	}
	return n
}

// eof says of an answer that stopped that it was cut.
func eof(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// buffered gives first what was read behind the head.
type buffered struct {
	net.Conn
	r *bufio.Reader
}

func (b *buffered) Read(p []byte) (int, error) { return b.r.Read(p) }
