package chaintest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/chain"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/btcdnode"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/faucet"
)

// Ready is the height from which on a treasury can be funded and spend on
// simnet: segwit and taproot are active and 200 coinbases have matured.
const Ready = 300

const (
	waitFor   = 20 * time.Second
	pollEvery = 10 * time.Millisecond
)

// btcd is the path of the pinned program, asked for once in a process because
// the go command takes a quarter of a second to say it.
var btcd = sync.OnceValues(func() (string, error) { return btcdnode.Tool(context.Background()) })

// Node is a btcd that belongs to one test. Its methods fail the test instead of
// returning errors and must be called from the test's goroutine.
type Node struct {
	t      testing.TB
	node   *btcdnode.Node
	key    *faucet.Key
	faucet *faucet.Faucet
}

// New starts a node at height Ready. extraArgs are added to btcd's flags.
//
// The first Ready blocks are mined once in a process and copied for each node, so two nodes
// of New agree on them, and their miners have the same key.
func New(t testing.TB, extraArgs ...string) *Node {
	t.Helper()
	files, err := ready()
	if err != nil {
		t.Fatalf("chaintest: %v", err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, files); err != nil {
		t.Fatalf("chaintest: copy the mined chain: %v", err)
	}
	// A copy is readable by everybody, and programs refuse a password that is.
	for _, secret := range []string{"miner.key", "btcd/rpc.pass", "btcd/btcd.conf", "btcd/rpc.key"} {
		if err := os.Chmod(filepath.Join(dir, secret), 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("chaintest: %v", err)
		}
	}
	return start(t, dir, extraArgs)
}

// NewEmpty starts a node that has only the first block. extraArgs are added to
// btcd's flags, for tests of a node that is wrongly set up.
func NewEmpty(t testing.TB, extraArgs ...string) *Node {
	t.Helper()
	return start(t, t.TempDir(), extraArgs)
}

// start runs a node on what is in dir.
func start(t testing.TB, dir string, extraArgs []string) *Node {
	t.Helper()
	bin, err := btcd()
	if err != nil {
		t.Fatalf("chaintest: %v", err)
	}
	key, err := faucet.LoadKey(filepath.Join(dir, "miner.key"))
	if err != nil {
		t.Fatalf("chaintest: %v", err)
	}
	node, err := btcdnode.Start(t.Context(), btcdnode.Config{
		Bin: bin, Dir: filepath.Join(dir, "btcd"), MiningAddress: key.Address(), ExtraArgs: extraArgs,
	})
	if err != nil {
		t.Fatalf("chaintest: %v", err)
	}
	n := &Node{t: t, node: node, key: key, faucet: faucet.New(node.RPC(), key)}
	t.Cleanup(func() {
		if err := n.node.Kill(); err != nil {
			t.Errorf("chaintest: kill btcd: %v", err)
		}
	})
	return n
}

// Config is what a chain.Client needs to talk to the node.
func (n *Node) Config() chain.Config {
	return chain.Config{
		Host: n.node.Host(), User: n.node.User(), PassFile: n.node.PassFile(), CertFile: n.node.CertFile(),
		Network: "simnet", Clock: clock.Real{},
	}
}

// Client returns a client of the node.
func (n *Node) Client() *chain.Client {
	n.t.Helper()
	c, err := chain.New(n.Config())
	if err != nil {
		n.t.Fatalf("chaintest: %v", err)
	}
	return c
}

// Handle is the process, for tests that run programs against it.
func (n *Node) Handle() *btcdnode.Node { return n.node }

// Call makes any RPC call; result may be nil.
func (n *Node) Call(result any, method string, params ...any) {
	n.t.Helper()
	if err := n.node.RPC().Call(n.t.Context(), result, method, params...); err != nil {
		n.t.Fatalf("chaintest: %v", err)
	}
}

// Mine mines blocks on the tip, with what the mempool holds, and returns their
// hashes.
func (n *Node) Mine(blocks int) []chainhash.Hash {
	n.t.Helper()
	hashes, err := n.node.Generate(n.t.Context(), blocks)
	if err != nil {
		n.t.Fatalf("chaintest: mine %d: %v", blocks, err)
	}
	return hashes
}

// Send pays amount to script from the miner's coins; the transaction waits in
// the mempool until Mine.
func (n *Node) Send(script []byte, amount btcutil.Amount) wire.OutPoint {
	n.t.Helper()
	return wire.OutPoint{Hash: n.SendMany(wire.NewTxOut(int64(amount), script)).TxHash()}
}

// SendMany pays several outputs with one transaction; they come first and in
// this order.
func (n *Node) SendMany(outs ...*wire.TxOut) *wire.MsgTx {
	n.t.Helper()
	tx, err := n.faucet.Pay(n.t.Context(), outs...)
	if err != nil {
		n.t.Fatalf("chaintest: send: %v", err)
	}
	return tx
}

// Invalidate makes the node leave the branch that holds the block; transactions
// of its blocks go back to the mempool. Mine then builds the other branch.
func (n *Node) Invalidate(hash chainhash.Hash) {
	n.t.Helper()
	n.Call(nil, "invalidateblock", hash.String())
}

// Reconsider undoes Invalidate; the longer branch wins.
func (n *Node) Reconsider(hash chainhash.Hash) {
	n.t.Helper()
	n.Call(nil, "reconsiderblock", hash.String())
}

// Stop ends the node in an orderly way; Start brings it back.
func (n *Node) Stop() {
	n.t.Helper()
	if err := n.node.Stop(n.t.Context()); err != nil {
		n.t.Fatalf("chaintest: stop: %v", err)
	}
}

// Kill9 ends the node with SIGKILL; Start brings it back, perhaps with fewer
// blocks.
func (n *Node) Kill9() {
	n.t.Helper()
	if err := n.node.Kill(); err != nil {
		n.t.Fatalf("chaintest: kill: %v", err)
	}
}

// Start starts a stopped or killed node on the same data and ports.
func (n *Node) Start() {
	n.t.Helper()
	node, err := n.node.Restart(n.t.Context())
	if err != nil {
		n.t.Fatalf("chaintest: restart: %v", err)
	}
	n.node, n.faucet = node, faucet.New(node.RPC(), n.key)
}

// Restart is Stop and Start: the mempool is then empty.
func (n *Node) Restart() {
	n.t.Helper()
	n.Stop()
	n.Start()
}

// Connect makes n a peer of other and waits until they are. It is for once: btcd would try
// one that is added again and again, also after it was told to remove it in between two
// tries, and nodes that a test has parted would meet behind its back.
func (n *Node) Connect(other *Node) {
	n.t.Helper()
	peers := func() int {
		var list []struct{}
		n.Call(&list, "getpeerinfo")
		return len(list)
	}
	if peers() == 0 {
		n.Call(nil, "addnode", other.node.PeerHost(), "onetry")
	}
	n.wait("peer", func() bool { return peers() > 0 })
}

// Peer starts a second node that follows n, at the same height when it returns.
func (n *Node) Peer() *Node {
	n.t.Helper()
	p := NewEmpty(n.t)
	p.Connect(n)
	p.WaitTip(n)
	return p
}

// WaitTip waits until n has the same newest block as other.
func (n *Node) WaitTip(other *Node) {
	n.t.Helper()
	n.wait("the other's tip", func() bool {
		var mine, theirs string
		n.Call(&mine, "getbestblockhash")
		other.Call(&theirs, "getbestblockhash")
		return mine == theirs
	})
}

// WaitMempool waits until the node holds a transaction in its mempool.
func (n *Node) WaitMempool(txid chainhash.Hash) {
	n.t.Helper()
	n.wait("transaction "+txid.String(), func() bool {
		var ids []string
		n.Call(&ids, "getrawmempool")
		for _, id := range ids {
			if id == txid.String() {
				return true
			}
		}
		return false
	})
}

// wait polls, since what it waits for happens in another process.
func (n *Node) wait(what string, done func() bool) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), waitFor)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(filepath.Dir(n.node.CertFile()), "btcd.out"))
			n.t.Fatalf("chaintest: no %s after %s; btcd said:\n%s", what, waitFor, tail(log, 2000))
		}
	}
}

func tail(b []byte, n int) []byte {
	if len(b) > n {
		return b[len(b)-n:]
	}
	return b
}
