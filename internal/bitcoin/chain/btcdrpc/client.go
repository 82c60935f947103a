package btcdrpc

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	// DefaultTimeout bounds one call when Config.Timeout is 0.
	DefaultTimeout = 30 * time.Second
	// maxReply bounds what one reply may hold; a verbose mainnet mempool is the
	// largest, about 400 bytes for each transaction.
	maxReply = 256 << 20
	// maxCalls is below btcd's default of 10 clients, so that a busy worker does
	// not lock an administrator out.
	maxCalls = 6
)

var (
	// ErrAuth means that btcd refused the user name or the password.
	ErrAuth = errors.New("btcd refused the user name or password")
	// ErrBusy means that btcd has as many clients as it allows; nothing was done.
	ErrBusy = errors.New("btcd has too many clients")
)

// Error is btcd's own answer that it did not do what was asked.
type Error struct {
	Method  string
	Code    int
	Message string
}

// Error returns btcd's words and its code.
func (e *Error) Error() string {
	return fmt.Sprintf("btcd answered %s with error %d: %s", e.Method, e.Code, e.Message)
}

// Config says which btcd and as whom.
type Config struct {
	Host    string // host:port of --rpclisten
	User    string
	Pass    string
	CertPEM []byte        // what btcd's --rpccert file holds
	Timeout time.Duration // of one call; 0 means DefaultTimeout
}

// Client calls one btcd; safe for concurrent use.
type Client struct {
	cfg   Config
	http  *http.Client
	tls   *tls.Config
	slots chan struct{}
}

// New returns a Client. It does not connect.
func New(cfg Config) (*Client, error) {
	if cfg.Host == "" || cfg.User == "" || cfg.Pass == "" {
		return nil, errors.New("btcd's address, user name and password are all needed")
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(cfg.CertPEM) {
		return nil, errors.New("no certificate in the file that should hold btcd's")
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	conf := &tls.Config{
		RootCAs: roots, MinVersion: tls.VersionTLS12,
		ClientSessionCache: tls.NewLRUClientSessionCache(1), // spares btcd a P-521 signature for each call
	}
	return &Client{
		cfg: cfg, tls: conf, slots: make(chan struct{}, maxCalls),
		http: &http.Client{
			// btcd closes the connection after each reply.
			Transport: &http.Transport{TLSClientConfig: conf, DisableKeepAlives: true, Proxy: nil},
		},
	}, nil
}

// Host is the address of the btcd.
func (c *Client) Host() string { return c.cfg.Host }

type request struct {
	Version string `json:"jsonrpc"`
	ID      int    `json:"id"`
	Method  string `json:"method"`
	Params  []any  `json:"params"`
}

type reply struct {
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// Call asks for method and decodes the result into result, which may be nil.
// The error is an *Error if btcd answered, ErrAuth or ErrBusy if it turned the
// call away, and any other when it is unknown whether btcd acted on the call.
func (c *Client) Call(ctx context.Context, result any, method string, params ...any) error {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return fmt.Errorf("call %s: %w", method, ctx.Err())
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	body, err := c.post(ctx, method, params)
	if err != nil {
		return fmt.Errorf("call %s: %w", method, err)
	}
	return decode(method, body, result)
}

func (c *Client) post(ctx context.Context, method string, params []any) (body []byte, err error) {
	if params == nil {
		params = []any{} // btcd refuses null
	}
	payload, err := json.Marshal(request{Version: "1.0", ID: 1, Method: method, Params: params})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+c.cfg.Host+"/", bytes.NewReader(payload))
	if err != nil {
		return nil, err
	}
	req.GetBody = nil // without it net/http cannot send the request a second time
	req.SetBasicAuth(c.cfg.User, c.cfg.Pass)
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized, http.StatusForbidden:
		return nil, ErrAuth
	case http.StatusServiceUnavailable:
		return nil, ErrBusy
	default:
		return nil, fmt.Errorf("HTTP status %d", resp.StatusCode)
	}
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	if err == nil && len(body) > maxReply {
		err = fmt.Errorf("reply over %d bytes", maxReply)
	}
	return body, err
}

func decode(method string, body []byte, result any) error {
	var r reply
	if err := json.Unmarshal(body, &r); err != nil {
		return fmt.Errorf("read reply to %s: %w", method, err)
	}
	return r.decode(method, result)
}

func (r reply) decode(method string, result any) error {
	if r.Error != nil {
		return &Error{Method: method, Code: r.Error.Code, Message: r.Error.Message}
	}
	var err error
	switch result := result.(type) {
	case nil:
	case *Hex: // json.Unmarshal would look through megabytes twice more
		err = result.UnmarshalJSON(r.Result)
	default:
		err = json.Unmarshal(r.Result, result)
	}
	if err != nil {
		return fmt.Errorf("read result of %s: %w", method, err)
	}
	return nil
}
