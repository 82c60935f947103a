package web

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// Limits of the streams that tell pages that something has happened.
const (
	maxStreams        = 200 // of the process
	streamsPerSession = 6   // browsers open no more connections to one host

	// streamLife ends a stream before the server's own limit of an answer does; the
	// browser then asks again, and the session is looked at again.
	streamLife = 50 * time.Second

	heartbeat  = 15 * time.Second
	pulseEvery = time.Second
	retryMS    = 1000
)

// streams are the pages that wait for news. While there is one, and only then, a
// single poller looks once a second whether anything has happened.
type streams struct {
	pulse func(context.Context) (string, error)

	mu     sync.Mutex
	open   map[*stream]bool
	last   string             // pulse that was last seen
	stop   context.CancelFunc // of the poller; nil: none runs
	closed bool
	once   sync.Once // to hear of the server's shutdown
}

// stream is one page.
type stream struct {
	session uuid.UUID
	news    chan string   // holds one: more than one change is one change
	end     chan struct{} // closed when the page has to go
}

// add opens a stream. Errors: RateLimited too_many_streams, Unavailable stopping.
func (s *streams) add(ctx context.Context, session uuid.UUID) (*stream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errs.New(errs.Unavailable, CodeStopping, "The server is stopping.")
	}
	own := 0
	for other := range s.open {
		if other.session == session {
			own++
		}
	}
	if own >= streamsPerSession || len(s.open) >= maxStreams {
		return nil, errs.New(
			errs.RateLimited,
			CodeTooManyStreams,
			"Too many pages are kept up to date at once. This one works without.",
		)
	}
	x := &stream{session: session, news: make(chan string, 1), end: make(chan struct{})}
	if s.open == nil {
		s.open = map[*stream]bool{}
	}
	s.open[x] = true
	if s.last != "" {
		x.news <- s.last
	}
	if s.stop == nil {
		// The poller outlives the page that came first.
		polling, stop := context.WithCancel(context.WithoutCancel(ctx))
		s.stop = stop
		go s.poll(polling)
	}
	return x, nil
}

// drop closes a stream; the last one ends the poller.
func (s *streams) drop(x *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(x)
}

func (s *streams) remove(x *stream) {
	if s.open[x] {
		delete(s.open, x)
		close(x.end)
	}
	if len(s.open) == 0 && s.stop != nil {
		s.stop()
		s.stop, s.last = nil, ""
	}
}

// leave closes the streams of a session that has ended.
func (s *streams) leave(session uuid.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for x := range s.open {
		if x.session == session {
			s.remove(x)
		}
	}
}

// close ends all streams, and lets no other begin.
func (s *streams) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for x := range s.open {
		s.remove(x)
	}
}

func (s *streams) poll(ctx context.Context) {
	tick := time.NewTicker(pulseEvery)
	defer tick.Stop()
	for {
		// A database that does not answer is no news; the pages say so themselves.
		if now, err := s.pulse(ctx); err == nil {
			s.tell(ctx, now)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// tell sends a new pulse to every page; a page knows the one that it was drawn at.
func (s *streams) tell(ctx context.Context, now string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil || now == s.last {
		return
	}
	s.last = now
	for x := range s.open {
		select {
		case <-x.news: // of two the newer one counts
		default:
		}
		x.news <- now
	}
}

// pulse is a text that changes whenever something has happened that pages show:
// every act leaves a row in the audit log, and every block moves the tip.
func (s *Site) pulse(ctx context.Context) (string, error) {
	size, err := s.cfg.AuditRows.AuditSize(ctx)
	if err != nil {
		return "", err
	}
	height := int32(0)
	if s.cfg.Chain != nil {
		tip, _, err := s.cfg.Chain.Head(ctx)
		if err != nil {
			return "", err
		}
		height = tip.Height
	}
	return strconv.FormatInt(size, 10) + "." + strconv.Itoa(int(height)), nil
}

// liven marks a page that is kept up to date: one that has an address of its own,
// which the answer to a form has not.
func (s *Site) liven(v *visit) {
	if v.Request().Method != http.MethodGet {
		return
	}
	if now, err := s.pulse(v.ctx()); err == nil {
		v.page.Pulse = now
	}
}

// getEvents is the stream that a page of staff listens to (Server-Sent Events, HTML
// standard 9.2). An event says that something has happened, never what: the page
// is then fetched again, with the rights of who reads it.
func (s *Site) getEvents(c echo.Context) error {
	session, ok := c.Get(keySession).(identity.Session)
	if !ok {
		return errs.New(errs.Forbidden, CodeSessionRequired, "Only pages of the dashboard can subscribe here.")
	}
	ctx := c.Request().Context()
	x, err := s.live.add(ctx, session.ID)
	if err != nil {
		return err
	}
	defer s.live.drop(x)
	if server, ok := ctx.Value(http.ServerContextKey).(*http.Server); ok {
		s.live.once.Do(func() { server.RegisterOnShutdown(s.live.close) })
	}
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	c.Response().WriteHeader(http.StatusOK)
	return s.feed(c, x)
}

func (s *Site) feed(c echo.Context, x *stream) error {
	life := time.NewTimer(streamLife)
	defer life.Stop()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	line := "retry: " + strconv.Itoa(retryMS) + "\n\n"
	for {
		if _, err := fmt.Fprint(c.Response(), line); err != nil {
			return nil // the browser went away; there is nobody to tell
		}
		c.Response().Flush()
		select {
		case <-c.Request().Context().Done():
			return nil
		case <-x.end:
			return nil
		case <-life.C:
			return nil
		case now := <-x.news:
			line = "event: change\nid: " + now + "\ndata: " + now + "\n\n"
		case <-beat.C:
			line = ": still here\n\n"
		}
	}
}
