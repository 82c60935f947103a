package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	maxResponseBytes = 32 << 20
	defaultTimeout   = time.Minute
	receiptHeader    = "Causeway-Receipt"
	keyHeader        = "Idempotency-Key"
	ownPath          = "/v1/application"
)

// Options say who calls. The zero value is an anonymous caller.
type Options struct {
	Token   string       // API token of a member of staff
	Receipt string       // receipt code of an application
	HTTP    *http.Client // e.g. with a SOCKS5 proxy for Tor; nil: one with a timeout of a minute
}

// API is a fund's API. Each generated method WithResponse returns, without an
// error, a response whose JSON200, JSON201 or empty body is set.
type API struct{ *ClientWithResponses }

// New returns the API at baseURL, e.g. "https://fund.example".
func New(baseURL string, opts Options) (*API, error) {
	u, err := url.Parse(baseURL)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, fmt.Errorf("address %q must be https://host or http://host", baseURL)
	}
	httpClient := http.Client{Timeout: defaultTimeout}
	if opts.HTTP != nil {
		httpClient = *opts.HTTP
	}
	httpClient.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	generated, err := NewClientWithResponses(
		baseURL,
		WithHTTPClient(doer{http: &httpClient}),
		WithRequestEditorFn(opts.credentials),
	)
	if err != nil {
		return nil, err
	}
	return &API{ClientWithResponses: generated}, nil
}

func (o Options) credentials(_ context.Context, req *http.Request) error {
	if o.Token != "" {
		req.Header.Set("Authorization", "Bearer "+o.Token)
	}
	isOwn := strings.HasSuffix(req.URL.Path, ownPath) || strings.Contains(req.URL.Path, ownPath+"/")
	if o.Receipt != "" && isOwn {
		req.Header.Set(receiptHeader, o.Receipt)
	}
	req.Header.Set("Accept", "application/json, application/problem+json")
	return nil
}

// NewIdempotencyKey returns a random key of 260 bits. An operator's receipt code
// is derived from it, so it is as secret as the code.
func NewIdempotencyKey() string { return rand.Text() + rand.Text() }

// Error is a refusal by the server.
type Error struct {
	Status  int
	Problem Problem // zero but for Status when the answer was not a problem
}

// Error returns the problem's detail with its field errors.
func (e *Error) Error() string {
	var b strings.Builder
	switch {
	case e.Problem.Detail != nil:
		b.WriteString(*e.Problem.Detail)
	case e.Problem.Title != "":
		b.WriteString(e.Problem.Title)
	default:
		fmt.Fprintf(&b, "the server answered %d %s", e.Status, http.StatusText(e.Status))
	}
	if e.Problem.Errors != nil {
		for _, f := range *e.Problem.Errors {
			fmt.Fprintf(&b, "\n  %s: %s (%s)", f.Field, f.Message, f.Code)
		}
	}
	return b.String()
}

// Code returns the problem's stable code, or "".
func (e *Error) Code() string { return strings.TrimPrefix(e.Problem.Type, "/problems/") }

// HasCode reports whether err is a refusal with this code.
func HasCode(err error, code string) bool {
	var refusal *Error
	return errors.As(err, &refusal) && refusal.Code() == code
}

// doer makes an *Error of every answer that is not 2xx, and bounds bodies.
type doer struct{ http *http.Client }

// A call with a key is sent so often at most, with a pause in between, when no answer comes.
const (
	mostTries  = 3
	retryPause = 500 * time.Millisecond
)

// Do sends req, and sends it again with the same key when it has one and no answer came.
func (d doer) Do(req *http.Request) (*http.Response, error) {
	for try := 1; ; try++ {
		resp, err := d.once(req)
		var refused *Error
		if err == nil || errors.As(err, &refused) || try == mostTries || req.Header.Get(keyHeader) == "" ||
			req.GetBody == nil {
			return resp, err
		}
		select {
		case <-req.Context().Done():
			return nil, err
		case <-time.After(retryPause << (try - 1)):
		}
		body, bodyErr := req.GetBody()
		if bodyErr != nil {
			return nil, errors.Join(err, bodyErr)
		}
		req.Body = body
	}
}

func (d doer) once(req *http.Request) (*http.Response, error) {
	resp, err := d.http.Do(req) //nolint:gosec // the address of the fund is the caller's to choose
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxResponseBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if len(body) > maxResponseBytes {
		return nil, fmt.Errorf("the answer is larger than %d bytes", maxResponseBytes)
	}
	if resp.StatusCode < http.StatusOK || resp.StatusCode >= http.StatusMultipleChoices {
		return nil, refusal(resp, body)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

func refusal(resp *http.Response, body []byte) *Error {
	out := &Error{Status: resp.StatusCode}
	mediaType, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/problem+json" {
		return out
	}
	if err := json.Unmarshal(body, &out.Problem); err != nil {
		out.Problem = Problem{}
	}
	return out
}
