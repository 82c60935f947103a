package chain_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/bitcoin/chain"
	"github.com/causeway-fund/causeway/internal/testkit/chaintest"
)

// line leads to a node. It counts who comes, can be cut, and can go quiet.
type line struct {
	t     *testing.T
	host  string
	node  string
	quiet sync.RWMutex // held for writing while nothing gets through

	mu     sync.Mutex
	opened int
	ends   []net.Conn
}

func newLine(t *testing.T, node string) *line {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{t: t, host: listener.Addr().String(), node: node}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { l.lead(from) })
		}
	})
	t.Cleanup(func() {
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
		l.cut()
		all.Wait()
	})
	return l
}

func (l *line) lead(from net.Conn) {
	to, err := new(net.Dialer).DialContext(context.WithoutCancel(l.t.Context()), "tcp", l.node)
	if err != nil {
		_ = from.Close() // nobody is there, which is what the other end then sees
		return
	}
	l.mu.Lock()
	l.opened++
	l.ends = append(l.ends, from, to)
	l.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { l.pass(to, from) })
	both.Go(func() { l.pass(from, to) })
	both.Wait()
}

// pass ends both ends when one has ended.
func (l *line) pass(to, from net.Conn) {
	defer func() { _, _ = to.Close(), from.Close() }()
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		l.quiet.RLock()
		_, writeErr := to.Write(b[:n])
		l.quiet.RUnlock()
		if err != nil || writeErr != nil {
			return
		}
	}
}

// connections returns how many were ever opened.
func (l *line) connections() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.opened
}

// cut ends every connection.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, end := range l.ends {
		_ = end.Close() // it may have ended by itself
	}
	l.ends = nil
}

// watched is a client whose websocket to a node of its own leads through a line.
func watched(t *testing.T, change func(*chain.Config)) (*chaintest.Node, *line, *chain.Client, <-chan slog.Record) {
	t.Helper()
	node := chaintest.New(t)
	cfg := node.Config()
	l := newLine(t, cfg.Host)
	cfg.Host = l.host
	if change != nil {
		change(&cfg)
	}
	c := client(t, cfg)
	ctx, cancel := context.WithCancel(t.Context())
	logged := make(records, 100)
	ended := make(chan error, 1)
	go func() { ended <- c.Watch(ctx, slog.New(logged)) }()
	t.Cleanup(func() {
		cancel()
		<-ended //nolint:errcheck // it ends because it was told to
	})
	return node, l, c, logged
}

// records is a handler that passes lines of the log on.
type records chan slog.Record

func (r records) Enabled(context.Context, slog.Level) bool { return true }
func (r records) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r records) WithGroup(string) slog.Handler            { return r }
func (r records) Handle(_ context.Context, line slog.Record) error {
	select {
	case r <- line:
	default: // nobody looks at so many
	}
	return nil
}

// readAll asks for everything that a websocket carries, and wants the newest block.
func readAll(t *testing.T, c *chain.Client) {
	t.Helper()
	height, tip, err := c.Tip(t.Context())
	hash, hashErr := c.HashAt(t.Context(), height)
	block, blockErr := c.Block(t.Context(), tip)
	header, at, headerErr := c.Header(t.Context(), tip)
	switch err := errors.Join(err, hashErr, blockErr, headerErr); {
	case err != nil:
		t.Error(err)
	case hash != tip || block.BlockHash() != tip || header.BlockHash() != tip || at != height:
		t.Errorf("tip %s at %d, hash %s, block %s, header %s at %d", tip, height, hash, block.BlockHash(), header.BlockHash(), at)
	}
}

// TestBlocksAreReadOverOneConnection counts the connections that a node sees: one for
// all that is read, and a further one for each call that may change something or says
// whether the node may be worked with.
func TestBlocksAreReadOverOneConnection(t *testing.T) {
	t.Parallel()
	node, l, c, _ := watched(t, nil)
	tx := newPayee(t).spend(t, node, coinSize, 1000)
	wantWake(t, c)
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			for range 10 {
				readAll(t, c)
			}
		})
	}
	all.Wait()
	if _, err := c.HashAt(t.Context(), 1<<30); err == nil {
		t.Error("there is a block at a height that no chain has")
	}
	if n := l.connections(); n != 1 {
		t.Errorf("reading took %d connections, want one", n)
	}
	wantVerdict(t, submit(t, c, tx), chain.Accepted)
	if n := l.connections(); n != 4 { // the network, the fee cap, the transaction
		t.Errorf("submitting made it %d connections, want 4", n)
	}
}

// TestReadsOutliveABrokenWebsocket cuts the connection while blocks are read: no reader
// sees it, and the next connection carries what is read then.
func TestReadsOutliveABrokenWebsocket(t *testing.T) {
	t.Parallel()
	_, l, c, logged := watched(t, nil)
	wantWake(t, c)
	for range 3 {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 5 {
					readAll(t, c)
				}
			})
		}
		l.cut() // no other connection is open: reading has not begun to need one
		all.Wait()
		wantWake(t, c)
		before := l.connections()
		readAll(t, c)
		if n := l.connections(); n != before {
			t.Errorf("reading took %d further connections, want none", n-before)
		}
		if line := <-logged; line.Message != "btcd websocket closed" {
			t.Errorf("the log says %q", line.Message)
		}
	}
}

// TestAHungWebsocketIsGivenUp has a connection that stands and carries nothing.
func TestAHungWebsocketIsGivenUp(t *testing.T) {
	t.Parallel()
	_, l, c, _ := watched(t, func(cfg *chain.Config) { cfg.Timeout = 3 * time.Second })
	wantWake(t, c)
	l.quiet.Lock()
	_, _, err := c.Tip(t.Context())
	wantUnavailable(t, err, "node_slow")
	before := l.connections()
	l.quiet.Unlock()
	wantWake(t, c)
	if l.connections() == before {
		t.Error("the connection that hung was kept")
	}
	readAll(t, c)
}

// TestAWebsocketToAnotherNetworkIsNotUsed has a node of another network: its websocket
// never stands, and nothing is read from it.
func TestAWebsocketToAnotherNetworkIsNotUsed(t *testing.T) {
	t.Parallel()
	_, _, c, logged := watched(t, func(cfg *chain.Config) { cfg.Network = "mainnet" })
	for range 2 {
		line := <-logged
		said := ""
		line.Attrs(func(a slog.Attr) bool {
			said += a.String() + " "
			return true
		})
		if !strings.Contains(said, "is not on mainnet") {
			t.Errorf("the log says %s", said)
		}
		_, _, err := c.Tip(t.Context())
		wantUnavailable(t, err, "node_wrong_network")
	}
	select {
	case <-c.Wake():
		t.Error("it woke for a node of another network")
	default:
	}
}
