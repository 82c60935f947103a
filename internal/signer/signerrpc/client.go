package signerrpc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/causeway-fund/causeway/internal/errs"
)

// DefaultTimeout bounds one call whose context has no earlier deadline.
const DefaultTimeout = 60 * time.Second

// Config says where the signer listens.
type Config struct {
	Socket  string        // path of the Unix socket
	Timeout time.Duration // of one call; zero means DefaultTimeout
}

// Client asks one signer. It holds no connection between calls and is safe for
// concurrent use. It hands the newest ack of the signer back with each call.
type Client struct {
	socket  string
	timeout time.Duration
	ack     atomic.Pointer[Ack]
}

// New returns a Client. It does not dial: a signer that is down shows at the
// first call.
func New(cfg Config) (*Client, error) {
	if cfg.Socket == "" {
		return nil, errs.New(errs.Invalid, CodeSignerSocketMissing, "The path of the signer's socket is missing.")
	}
	timeout := cfg.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	return &Client{socket: cfg.Socket, timeout: timeout}, nil
}

// Sign returns the signed PSBT of req. It fails with signer_refused (Conflict,
// the rule in Params["rule"]) when a rule of the signer forbids it, and with
// signer_down (Unavailable) when the outcome is unknown; the same request may
// then be sent again at any time.
func (c *Client) Sign(ctx context.Context, req Request) (Response, error) {
	op := fmt.Sprintf("sign attempt %d of batch %s", req.AttemptNo, req.BatchID)
	reply, err := c.call(ctx, op, Call{V: Version, Sign: &req})
	if err != nil {
		return Response{}, err
	}
	if reply.Signed == nil {
		return Response{}, c.down(op, errors.New("the reply carries no signature"))
	}
	return *reply.Signed, nil
}

// Info returns what the signer is. It fails with signer_down.
func (c *Client) Info(ctx context.Context) (Info, error) {
	const op = "ask the signer what it is"
	reply, err := c.call(ctx, op, Call{V: Version, Info: &struct{}{}})
	if err != nil {
		return Info{}, err
	}
	if reply.Info == nil {
		return Info{}, c.down(op, errors.New("the reply carries no info"))
	}
	return *reply.Info, nil
}

// Journal returns lines of the signer's journal after number after, in order, as
// many as fit into a reply; none when there are no more. It fails with
// signer_down.
func (c *Client) Journal(ctx context.Context, after int64) ([]JournalEntry, error) {
	op := fmt.Sprintf("read the signer's journal after line %d", after)
	reply, err := c.call(ctx, op, Call{V: Version, Journal: &JournalQuery{After: after}})
	if err != nil {
		return nil, err
	}
	if reply.Journal == nil {
		return nil, c.down(op, errors.New("the reply carries no journal"))
	}
	for i, e := range reply.Journal.Entries {
		if e.Seq != after+int64(i)+1 {
			return nil, c.down(
				op,
				fmt.Errorf("the reply has line %d of the journal where %d should be", e.Seq, after+int64(i)+1),
			)
		}
	}
	return reply.Journal.Entries, nil
}

// Check asks whether Sign would sign req now. It fails as Sign does.
func (c *Client) Check(ctx context.Context, req Request) error {
	op := fmt.Sprintf("check attempt %d of batch %s", req.AttemptNo, req.BatchID)
	reply, err := c.call(ctx, op, Call{V: Version, Check: &req})
	if err != nil {
		return err
	}
	if reply.Done == nil {
		return c.down(op, errors.New("the reply says nothing"))
	}
	return nil
}

// Accept hands in what people decided, and returns what was refused of it. The same may be
// handed in again at any time. It fails with signer_refused and signer_down.
func (c *Client) Accept(ctx context.Context, papers Papers) (Taken, error) {
	const op = "hand the signer what was decided"
	reply, err := c.call(ctx, op, Call{V: Version, Accept: &papers})
	if err != nil {
		return Taken{}, err
	}
	if reply.Taken == nil {
		return Taken{}, c.down(op, errors.New("the reply says nothing"))
	}
	return *reply.Taken, nil
}

// Host asks what only the signer's own host may, on the socket that is for it. It fails with
// signer_refused and signer_down.
func (c *Client) Host(ctx context.Context, ask Host) error {
	const op = "ask the signer on its host"
	reply, err := c.call(ctx, op, Call{V: Version, Host: &ask})
	if err != nil {
		return err
	}
	if reply.Done == nil {
		return c.down(op, errors.New("the reply says nothing"))
	}
	return nil
}

// Ack returns the newest ack of the signer, nil before the first.
func (c *Client) Ack() *Ack { return c.ack.Load() }

// HandBack makes a the ack that the next call hands back, as after a restart of the caller.
func (c *Client) HandBack(a Ack) { c.ack.Store(&a) }

// call is the one door to the signer: its errors say what was asked, which op names, and
// keep what went wrong.
func (c *Client) call(ctx context.Context, op string, call Call) (Reply, error) {
	call.Ack = c.ack.Load()
	line, err := encodeLine(call)
	if err != nil {
		// Sending it would end in a torn connection, which looks like an outcome
		// that may change.
		return Reply{}, refused(
			op,
			err,
			Failure{Code: "too_large", Message: "The request is larger than the signer reads."},
		)
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()

	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", c.socket)
	if err != nil {
		return Reply{}, c.down(op, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // ends a blocked read or write
	defer func() {
		stop()
		_ = conn.Close() // the reply is complete or the call has failed already
	}()

	// A failed write still reads: a signer that refuses a line early has said why.
	_, writeErr := conn.Write(line)
	reply, err := ReadReply(conn)
	switch {
	case err != nil && writeErr != nil:
		return Reply{}, c.down(op, writeErr)
	case err != nil:
		return Reply{}, c.down(op, fmt.Errorf("the reply %w", err))
	}
	if reply.Ack != nil {
		c.ack.Store(reply.Ack)
	}
	switch {
	case reply.Error == nil:
		return reply, nil
	case reply.Error.Retry:
		down := c.down(op, errors.New(reply.Error.Code))
		down.Message = fmt.Sprintf(
			"The signer cannot work: %s The same request will be sent again.",
			reply.Error.Message,
		)
		down.Params["rule"] = reply.Error.Code
		return Reply{}, down
	}
	return Reply{}, refused(op, errors.New(reply.Error.Code), *reply.Error)
}

func refused(op string, cause error, f Failure) *errs.Error {
	return &errs.Error{
		Kind: errs.Conflict, Code: CodeSignerRefused,
		Message: fmt.Sprintf("The signer refused (%s): %s No signature was made.", f.Code, f.Message),
		Params:  map[string]string{"rule": f.Code},
		Cause:   fmt.Errorf("%s: %w", op, cause),
	}
}

func (c *Client) down(op string, cause error) *errs.Error {
	return &errs.Error{
		Kind: errs.Unavailable,
		Code: CodeSignerDown,
		Message: fmt.Sprintf(
			"The signer at %s does not answer. Nothing is lost: the same request will be sent again.",
			c.socket,
		),
		Params: map[string]string{"socket": c.socket},
		Cause:  fmt.Errorf("%s: %w", op, cause),
	}
}
