package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

const (
	// callTimeout is how long one call of the service may take.
	callTimeout = 30 * time.Second
	// maxAnswer is the longest answer: a lease in base64, and the rest.
	maxAnswer = 2 * vantage.MaxLease
	// maxAddrs is how many addresses of the service are kept.
	maxAddrs = 16
)

// Client calls the service over HTTPS.
type Client struct {
	base *url.URL
	http *http.Client

	mu    sync.Mutex
	addrs []netip.Addr
}

var _ API = (*Client)(nil)

// NewClient returns a Client of the service at base, over t. Only a service on
// this machine may be spoken to without TLS. It follows no redirects.
func NewClient(base string, t http.RoundTripper) (*Client, error) {
	u, err := url.Parse(strings.TrimSuffix(base, "/"))
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errs.New(
			errs.Invalid,
			CodeAPIURLMalformed,
			"The service's URL has the form https://host or https://host:port.",
		)
	}
	ip, err := netip.ParseAddr(u.Hostname())
	here := u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !here) {
		return nil, errs.New(
			errs.Invalid,
			CodeAPIURLWithoutTLS,
			"The service's URL begins with https://; only a service on this machine is spoken to without TLS.",
		)
	}
	return &Client{base: u, http: &http.Client{
		Transport: t, Timeout: callTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Enrol spends a token. Errors are the service's, or Unavailable.
func (c *Client) Enrol(ctx context.Context, e vantage.Enrolment) (vantage.Welcome, error) {
	var w vantage.Welcome
	if err := c.call(ctx, "/v1/prober/enrol", e, &w); err != nil {
		return w, err
	}
	return w, w.Validate()
}

// Lease asks for work. Errors are the service's, or Unavailable.
func (c *Client) Lease(ctx context.Context, ask vantage.Envelope) (vantage.Envelope, error) {
	var e vantage.Envelope
	err := c.call(ctx, "/v1/prober/lease", ask, &e)
	return e, err
}

// Report says what came of a lease. Errors are the service's, or Unavailable.
func (c *Client) Report(ctx context.Context, report vantage.Envelope) error {
	return c.call(ctx, "/v1/prober/report", report, nil)
}

// Addrs returns the addresses to which calls went.
func (c *Client) Addrs() []netip.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.addrs)
}

func (c *Client) met(a net.Addr) {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return
	}
	ip := ap.Addr().WithZone("").Unmap()
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.Contains(c.addrs, ip) {
		return
	}
	if len(c.addrs) == maxAddrs {
		c.addrs = c.addrs[1:]
	}
	c.addrs = append(c.addrs, ip)
}

// problem is what of RFC 9457 says what went wrong.
type problem struct {
	Code   string `json:"code"`
	Type   string `json:"type"`
	Detail string `json:"detail"`
}

func (c *Client) call(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return errs.Wrap(err, errs.Internal, CodeAPIRequest, "The request cannot be written.")
	}
	ctx = httptrace.WithClientTrace(
		ctx,
		&httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { c.met(i.Conn.RemoteAddr()) }},
	)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base.JoinPath(path).String(), bytes.NewReader(body))
	if err != nil {
		return errs.Wrap(err, errs.Internal, CodeAPIRequest, "The request cannot be written.")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return errs.Wrap(err, errs.Unavailable, CodeAPIDown, "The service does not answer. The prober will try again.")
	}
	defer func() { _ = resp.Body.Close() }() // read to its end, or given up
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(text) > maxAnswer {
		err = errors.New("too long")
	}
	if err != nil {
		return errs.Wrap(
			err,
			errs.Unavailable,
			CodeAPIDown,
			"The service's answer broke off or is too long. The prober will try again.",
		)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return refusal(resp.StatusCode, text)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return errs.Wrap(
			err,
			errs.Unavailable,
			CodeAPIAnswerMalformed,
			"This version cannot read the service's answer. Both sides may need the same version.",
		)
	}
	return nil
}

// refusal reads a problem. Only one that names its code is the service's; any
// other comes from something in between, and is waited out.
func refusal(status int, text []byte) error {
	var p problem
	err := json.Unmarshal(text, &p)
	code := p.Code
	if code == "" {
		code = strings.TrimPrefix(p.Type, "/problems/")
	}
	if err != nil || code == "" ||
		strings.ContainsFunc(
			code,
			func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9') },
		) {
		return errs.Newf(errs.Unavailable, CodeAPIStatus, "The service answered with status %d.", status)
	}
	kind := errs.Internal
	switch status {
	case http.StatusBadRequest, http.StatusUnsupportedMediaType:
		kind = errs.Malformed
	case http.StatusUnauthorized:
		kind = errs.Unauthenticated
	case http.StatusForbidden:
		kind = errs.Forbidden
	case http.StatusNotFound:
		kind = errs.NotFound
	case http.StatusConflict:
		kind = errs.Conflict
	case http.StatusRequestEntityTooLarge:
		kind = errs.TooLarge
	case http.StatusUnprocessableEntity:
		kind = errs.Invalid
	case http.StatusTooManyRequests:
		kind = errs.RateLimited
	case http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		kind = errs.Unavailable
	}
	return errs.New(kind, errs.Code(code), p.Detail)
}
