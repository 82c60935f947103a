package web_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// stream is an open stream of events.
type stream struct {
	t     testing.TB
	reply *http.Response
	lines chan string // closed at its end
}

// listen opens the stream of a signed-in page.
func (b *browser) listen() stream {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.base+"/staff/events", http.NoBody)
	must(b.t, err)
	req.Header.Set("Accept", "text/event-stream")
	reply, err := b.client.Do(req)
	must(b.t, err)
	b.t.Cleanup(func() { _ = reply.Body.Close() })
	s := stream{b.t, reply, make(chan string, 100)}
	go func() {
		defer close(s.lines)
		for r := bufio.NewScanner(reply.Body); r.Scan(); {
			s.lines <- r.Text()
		}
	}()
	return s
}

// news waits for an event with another pulse than that; "" is the end.
func (s stream) news(than string) string {
	s.t.Helper()
	patience := time.NewTimer(20 * time.Second)
	defer patience.Stop()
	for {
		select {
		case line, open := <-s.lines:
			if data, found := strings.CutPrefix(line, "data: "); found && data != than {
				return data
			}
			if !open {
				return ""
			}
		case <-patience.C:
			s.t.Fatal("the stream says nothing")
		}
	}
}

// pulse is what a page says that it was drawn at.
func (p page) pulse() string {
	for n := range p.doc.Descendants() {
		if hasAttr(n, "data-live") {
			return attr(n, "data-pulse")
		}
	}
	return ""
}

func TestPagesHearOfChanges(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.granted(1)
	tove := r.hire("Tove", identity.RoleTreasurer)
	list := tove.get("/batches").wants(200)
	was := list.pulse()

	events := tove.listen()
	if got := events.reply.Header; got.Get("Content-Type") != "text/event-stream" || got.Get("Cache-Control") != "no-store" {
		t.Errorf("the stream is %q, %q", got.Get("Content-Type"), got.Get("Cache-Control"))
	}
	if got := events.news(""); got != was || was == "" {
		t.Errorf("the page was drawn at %q, the stream begins with %q", was, got)
	}
	batch := tove.submit(tove.get("/batches/new"), "/batches", nil).wants(200)
	second := events.news(was)
	if now := batch.pulse(); second != now {
		t.Errorf("after the batch the stream says %q, its page %q", second, now)
	}
	r.connect(&payout.OwnTx{})
	if third := events.news(second); third == second || third == "" {
		t.Errorf("a block is no news: %q", third)
	}
	refused := tove.submit(batch, batch.path+"/approve", nil).wants(422)
	if refused.pulse() != "" {
		t.Error("the answer to a form would be fetched again")
	}

	other := r.hire("Tage", identity.RoleTreasurer).listen()
	other.news("")
	tove.submit(tove.get("/batches"), "/sign-out", nil).wants(200)
	if got := events.news(second); got != "" {
		for got != "" {
			got = events.news(got)
		}
	}
	r.connect(&payout.OwnTx{})
	if other.news(second) == "" {
		t.Error("another session's sign-out ended this stream")
	}
}

func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tove := r.hire("Tove", identity.RoleTreasurer)
	for range 6 {
		if got := tove.listen().reply.StatusCode; got != http.StatusOK {
			t.Fatalf("a stream answers %d", got)
		}
	}
	if got := tove.listen().reply.StatusCode; got != http.StatusTooManyRequests {
		t.Errorf("the seventh stream of a session answers %d", got)
	}
	if got := r.hire("Tage", identity.RoleTreasurer).listen().reply.StatusCode; got != http.StatusOK {
		t.Errorf("the first stream of another session answers %d", got)
	}
	nobody := r.browse()
	nobody.header.Set("Accept", "text/event-stream")
	if p := nobody.get("/staff/events"); p.status == http.StatusOK && strings.HasPrefix(p.header.Get("Content-Type"), "text/event-stream") {
		t.Error("nobody listens")
	}
}

// TestStreamsEndAtShutdown: a stop of the server does not wait for pages.
func TestStreamsEndAtShutdown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	events := r.hire("Tove", identity.RoleTreasurer).listen()
	events.news("")
	soon, cancel := context.WithTimeout(t.Context(), 20*time.Second) // a stream's own life is longer
	defer cancel()
	if err := r.http.Shutdown(soon); err != nil {
		t.Fatal(err)
	}
	if got := events.news(""); got != "" {
		t.Errorf("after the shutdown the stream says %q", got)
	}
}
