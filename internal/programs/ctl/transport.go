package ctl

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/causeway-fund/causeway/internal/cli"
)

// patience is how long a call may take before the person is told what is going on.
const patience = time.Second

// transport adds the session cookie and tells of calls that take long.
type transport struct {
	next     http.RoundTripper
	progress *cli.Progress
	cookie   *http.Cookie // nil without a session
	quiet    bool         // somebody else tells what is going on
}

func (c *call) transport() (*transport, error) {
	base, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, fmt.Errorf("the standard transport is a %T", http.DefaultTransport)
	}
	direct := base.Clone()
	if c.proxy != "" {
		proxy, err := url.Parse(c.proxy)
		if err != nil || proxy.Host == "" {
			return nil, cli.UsageError{
				Err: fmt.Errorf("--proxy: %q is not socks5h://host:port or http://host:port", c.proxy),
			}
		}
		direct.Proxy = http.ProxyURL(proxy)
	}
	return &transport{next: direct, progress: c.cfg.Progress}, nil
}

// RoundTrip sends req.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.cookie != nil {
		req = req.Clone(req.Context())
		req.AddCookie(t.cookie)
	}
	if t.quiet {
		return t.next.RoundTrip(req)
	}
	n := newNotice(t.progress, "waiting for "+req.URL.Host, patience)
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		n.end()
		return nil, err
	}
	resp.Body = noticedBody{ReadCloser: resp.Body, n: n}
	return resp, nil
}

// noticedBody ends the notice with the body.
type noticedBody struct {
	io.ReadCloser
	n *notice
}

func (b noticedBody) Close() error {
	b.n.end()
	return b.ReadCloser.Close()
}

// notice is a step of the progress that begins late and so, most often, never.
type notice struct {
	mu           sync.Mutex
	shown, ended bool
	timer        *time.Timer
	progress     *cli.Progress
}

func newNotice(p *cli.Progress, text string, after time.Duration) *notice {
	n := &notice{progress: p}
	n.timer = time.AfterFunc(after, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		if !n.ended {
			n.shown = true
			p.Step(text)
		}
	})
	return n
}

func (n *notice) end() {
	n.timer.Stop()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.shown && !n.ended {
		n.progress.Done("")
	}
	n.ended = true
}
