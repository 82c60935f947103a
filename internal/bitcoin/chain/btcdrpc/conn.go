package btcdrpc

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/net/websocket"
)

// maxMessage bounds one message of a websocket; a block of 4 MB is 8 MB of
// hexadecimal text.
const maxMessage = 16 << 20

// ErrBroken means that a websocket ended before the reply came. What was asked may be
// asked again in another way, since only what changes nothing is asked there.
var ErrBroken = errors.New("the websocket to btcd broke")

// reads are the calls that a websocket takes: all of them change nothing, so that it
// does not matter whether btcd acted on one whose reply was lost.
var reads = []string{"getbestblock", "getblock", "getblockhash", "getblockheader", "notifyblocks"}

// ErrNotHex means that a result is not the hexadecimal text that it has to be.
var ErrNotHex = errors.New("no hexadecimal text")

// Hex is a result that btcd writes in hexadecimal. Decoding it so costs a third of
// decoding the text first.
type Hex []byte

// UnmarshalJSON reads a JSON text of hexadecimal digits.
func (h *Hex) UnmarshalJSON(text []byte) error {
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		return ErrNotHex
	}
	digits := text[1 : len(text)-1]
	*h = make([]byte, hex.DecodedLen(len(digits)))
	if _, err := hex.Decode(*h, digits); err != nil {
		return ErrNotHex
	}
	return nil
}

// Conn is one websocket to btcd. Any number of calls may be under way at once, and
// replies may overtake each other; Serve reads them. Safe for concurrent use.
type Conn struct {
	ws      *websocket.Conn
	timeout time.Duration
	broken  chan struct{} // closed once no reply will come any more

	mu      sync.Mutex
	last    int                  // id of a call
	waiting map[int]chan message // by id; each holds one
	why     error                // what broke it
}

// message is what btcd sends over a websocket: a reply, which has an id, or a
// notification, which has a method.
type message struct {
	ID     *int            `json:"id"`
	Method string          `json:"method"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// Dial opens a websocket. Nothing is read from it before Serve runs.
func (c *Client) Dial(ctx context.Context) (*Conn, error) {
	conf, err := websocket.NewConfig("wss://"+c.cfg.Host+"/ws", "https://"+c.cfg.Host)
	if err != nil {
		return nil, err
	}
	conf.TlsConfig = c.tls.Clone()
	auth := http.Request{Header: make(http.Header)}
	auth.SetBasicAuth(c.cfg.User, c.cfg.Pass)
	conf.Header = auth.Header
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	ws, err := conf.DialContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("open websocket: %w", err)
	}
	ws.MaxPayloadBytes = maxMessage
	return &Conn{ws: ws, timeout: c.cfg.Timeout, broken: make(chan struct{}), waiting: map[int]chan message{}}, nil
}

// Serve reads until the websocket breaks or ctx ends, and then closes it. It calls
// changed, which must not block, whenever btcd says that a block was connected or
// disconnected. What btcd said while nobody was connected is lost, so changed may only
// ever mean "go and look". It returns why it ended, never nil.
func (c *Conn) Serve(ctx context.Context, changed func()) error {
	stop := context.AfterFunc(ctx, func() { _ = c.fail(ctx.Err()) }) // ends the read below
	defer stop()
	for {
		var text []byte
		if err := websocket.Message.Receive(c.ws, &text); err != nil {
			return c.fail(fmt.Errorf("read websocket: %w", err))
		}
		m, err := readMessage(text)
		switch {
		case err != nil:
			return c.fail(err)
		case m.tellsOfBlock():
			changed()
		case m.ID != nil:
			c.deliver(*m.ID, m)
		}
	}
}

func readMessage(text []byte) (message, error) {
	var m message
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("read websocket: %w", err)
	}
	return m, nil
}

func (m message) tellsOfBlock() bool {
	switch m.Method {
	case "blockconnected", "blockdisconnected", "filteredblockconnected", "filteredblockdisconnected":
		return true
	}
	return false
}

// deliver passes a reply to the call that waits for it, if it still does.
func (c *Conn) deliver(id int, m message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if to := c.waiting[id]; to != nil {
		delete(c.waiting, id)
		to <- m
	}
}

// closeWithin bounds the farewell to a btcd that may not listen.
const closeWithin = time.Second

// fail closes the websocket for good, once, and returns why it was closed.
func (c *Conn) fail(why error) error {
	c.mu.Lock()
	if c.why != nil {
		defer c.mu.Unlock()
		return c.why
	}
	c.why = why
	close(c.broken)
	c.mu.Unlock()
	//nolint:forbidigo // deadlines of the network are in its own time
	if err := c.ws.SetDeadline(
		time.Now().Add(closeWithin),
	); err != nil {
		return why // it is closed already
	}
	_ = c.ws.Close() // it is of no more use, whatever this says
	return why
}

// reason is why a broken websocket broke.
func (c *Conn) reason() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.why
}

// Close ends the websocket; calls that wait get ErrBroken.
func (c *Conn) Close() { _ = c.fail(errors.New("closed")) }

// Call is Client.Call for what changes nothing. The error is an *Error if btcd answered
// so, ErrBroken when the websocket broke, or the context's. A call that is not answered
// in time breaks the websocket, which may be half open.
func (c *Conn) Call(ctx context.Context, result any, method string, params ...any) error {
	if !slices.Contains(reads, method) {
		return fmt.Errorf("call %s: it may change something and is not sent over a websocket", method)
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	id, coming := c.expect()
	defer c.forget(id)
	if err := c.send(ctx, request{Version: "1.0", ID: id, Method: method, Params: params}); err != nil {
		return fmt.Errorf("call %s: %w", method, err)
	}
	select {
	case got := <-coming:
		return reply{Result: got.Result, Error: got.Error}.decode(method, result)
	case <-c.broken:
		return fmt.Errorf("call %s: %w: %w", method, ErrBroken, c.reason())
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			_ = c.fail(ctx.Err())
		}
		return fmt.Errorf("call %s: %w", method, ctx.Err())
	}
}

func (c *Conn) expect() (id int, coming <-chan message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	to := make(chan message, 1)
	c.waiting[c.last] = to
	return c.last, to
}

func (c *Conn) forget(id int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, id)
}

func (c *Conn) send(ctx context.Context, r request) error {
	if r.Params == nil {
		r.Params = []any{} // btcd refuses null
	}
	payload, err := json.Marshal(r)
	if err != nil {
		return err
	}
	until, _ := ctx.Deadline()
	err = c.ws.SetWriteDeadline(until)
	if err == nil {
		err = websocket.Message.Send(c.ws, string(payload))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBroken, c.fail(fmt.Errorf("write websocket: %w", err)))
	}
	return nil
}
