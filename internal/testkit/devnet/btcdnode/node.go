package btcdnode

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/chain/btcdrpc"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/proc"
)

const (
	user         = "causeway"
	readyTimeout = 30 * time.Second
	stopTimeout  = 20 * time.Second
	pollEvery    = 10 * time.Millisecond
)

// Config says where and how to run the node.
type Config struct {
	Bin           string // the btcd program
	Dir           string // holds the chain, certificate, password and logs; made if missing
	MiningAddress string // a simnet address that Generate pays
	RPCPort       int    // on 127.0.0.1; 0 takes any free one
	PeerPort      int    // on 127.0.0.1; 0 takes any free one
	// ExtraArgs are appended to btcd's flags; for tests of a wrongly set up node.
	ExtraArgs []string
}

// Node is a running btcd; safe for concurrent use.
type Node struct {
	cfg  Config // with the ports that were chosen
	proc *proc.Process
	rpc  *btcdrpc.Client
}

// Tool returns the path of the btcd that go.mod pins, building it if need be
// (about 15 s the first time). It needs the go command and a working folder
// inside this module: for tests.
func Tool(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "tool", "-n", "btcd").Output()
	if err != nil {
		return "", fmt.Errorf("build the pinned btcd: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Start runs btcd on cfg.Dir, resuming the chain that is there, and returns once
// it answers. Errors are Unavailable, with a line that says what to do.
func Start(ctx context.Context, cfg Config) (*Node, error) {
	if _, err := os.Stat(cfg.Bin); err != nil {
		return nil, errs.Wrap(
			err,
			errs.Unavailable,
			CodeBtcdMissing,
			fmt.Sprintf("btcd is not at %q: run `make build`.", cfg.Bin),
		)
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, err
	}
	cfg.Dir = dir
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, errs.Wrap(
			err,
			errs.Unavailable,
			errs.CodeDataDirUnwritable,
			"Cannot make folder "+cfg.Dir+" for btcd.",
		)
	}
	pass, err := ensurePassword(cfg.Dir)
	if err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		n, err := startOnce(ctx, cfg, pass)
		free := cfg.RPCPort == 0 || cfg.PeerPort == 0
		// A free port may be snatched between choosing it and binding it.
		if err == nil || !free || try == 4 || !strings.Contains(err.Error(), "address already in use") {
			return n, err
		}
	}
}

func startOnce(ctx context.Context, cfg Config, pass string) (*Node, error) {
	var err error
	if cfg.RPCPort, err = proc.Port(ctx, cfg.RPCPort, "btcd's RPC"); err != nil {
		return nil, err
	}
	if cfg.PeerPort, err = proc.Port(ctx, cfg.PeerPort, "btcd's peers"); err != nil {
		return nil, err
	}
	n := &Node{cfg: cfg}
	out, err := os.OpenFile(n.path("btcd.out"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	n.proc, err = proc.Start(proc.Spec{
		Path: cfg.Bin, Args: n.args(), Env: []string{"HOME=" + cfg.Dir, "TZ=UTC"}, Output: out,
		DeathSignal: syscall.SIGTERM, // it then writes its state to disk
		StopSignal:  syscall.SIGTERM,
	})
	if err = errors.Join(err, out.Close()); err != nil {
		return nil, err
	}
	if err := n.waitReady(ctx, pass); err != nil {
		return nil, errors.Join(err, n.Kill())
	}
	return n, nil
}

func (n *Node) path(name string) string { return filepath.Join(n.cfg.Dir, name) }

func (n *Node) args() []string {
	args := []string{
		"--simnet",
		"--configfile=" + n.path("btcd.conf"),
		"--datadir=" + n.path("data"),
		"--logdir=" + n.path("logs"),
		"--rpccert=" + n.CertFile(),
		"--rpckey=" + n.path("rpc.key"),
		"--rpclisten=" + n.Host(),
		"--listen=" + n.PeerHost(),
		"--nodnsseed", "--nobanning", "--nostalldetect", "--trickleinterval=100ms",
		"--limitfreerelay=0", "--rejectnonstd",
		// A chain of a few hundred blocks needs no room for the network's: btcd sets it
		// aside at its start, which takes ten times the processor time of all the rest.
		"--utxocachemaxsize=10", "--sigcachemaxsize=1000",
	}
	if n.cfg.MiningAddress != "" {
		args = append(args, "--miningaddr="+n.cfg.MiningAddress)
	}
	return append(args, n.cfg.ExtraArgs...)
}

// ensurePassword returns the RPC password, making it and btcd's configuration
// file the first time.
func ensurePassword(dir string) (string, error) {
	passFile := filepath.Join(dir, "rpc.pass")
	if b, err := os.ReadFile(passFile); err == nil {
		return strings.TrimSpace(string(b)), nil
	}
	pass := rand.Text()
	conf := "[Application Options]\nrpcuser=" + user + "\nrpcpass=" + pass + "\n"
	// The password comes last: only with it is the pair complete.
	err := os.WriteFile(filepath.Join(dir, "btcd.conf"), []byte(conf), 0o600)
	if err == nil {
		err = os.WriteFile(passFile, []byte(pass+"\n"), 0o600)
	}
	if err != nil {
		return "", errs.Wrap(err, errs.Unavailable, errs.CodeDataDirUnwritable, "Cannot write to folder "+dir+".")
	}
	return pass, nil
}

// waitReady polls, since btcd tells nobody that it is up. It writes its
// certificate at the first start.
func (n *Node) waitReady(ctx context.Context, pass string) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if err := n.connect(ctx, pass); err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-n.proc.Done():
			return errs.Newf(
				errs.Unavailable,
				CodeBtcdStart,
				"btcd did not start: %s (its log is in %s).",
				n.lastLine(),
				n.path("btcd.out"),
			)
		case <-ctx.Done():
			return errs.Wrap(
				ctx.Err(),
				errs.Unavailable,
				CodeBtcdStart,
				"btcd did not answer in time; its log is "+n.path("btcd.out")+".",
			)
		}
	}
}

func (n *Node) connect(ctx context.Context, pass string) error {
	cert, err := os.ReadFile(n.CertFile())
	if err != nil {
		return err
	}
	rpc, err := btcdrpc.New(btcdrpc.Config{Host: n.Host(), User: user, Pass: pass, CertPEM: cert})
	if err != nil {
		return err
	}
	if err := rpc.Call(ctx, nil, "getblockcount"); err != nil {
		return err
	}
	n.rpc = rpc
	return nil
}

// lastLine is the most telling line of what btcd said before it gave up.
func (n *Node) lastLine() string {
	b, err := os.ReadFile(n.path("btcd.out"))
	if err != nil {
		return "no log"
	}
	last := "it said nothing"
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.Contains(line, "address already in use"):
			return line
		case line == "", strings.HasPrefix(line, "Use btcd -h"):
		default:
			last = line
		}
	}
	return last
}

// RPC is a client with all rights on the node.
func (n *Node) RPC() *btcdrpc.Client { return n.rpc }

// Host is the RPC address, host:port.
func (n *Node) Host() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(n.cfg.RPCPort)) }

// PeerHost is the address for other nodes, host:port.
func (n *Node) PeerHost() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(n.cfg.PeerPort)) }

// User is the RPC user name.
func (n *Node) User() string { return user }

// PassFile is the file with the RPC password.
func (n *Node) PassFile() string { return n.path("rpc.pass") }

// CertFile is the file with the node's TLS certificate.
func (n *Node) CertFile() string { return n.path("rpc.cert") }

// PID is the node's process id.
func (n *Node) PID() int { return n.proc.PID() }

// Done is closed when btcd has exited, whoever ended it.
func (n *Node) Done() <-chan struct{} { return n.proc.Done() }

// Generate mines blocks on the node's tip and returns their hashes; a hundred
// take about 20 ms.
func (n *Node) Generate(ctx context.Context, blocks int) ([]chainhash.Hash, error) {
	var texts []string
	if err := n.rpc.Call(ctx, &texts, "generate", blocks); err != nil {
		return nil, err
	}
	hashes := make([]chainhash.Hash, len(texts))
	for i, text := range texts {
		hash, err := chainhash.NewHashFromStr(text)
		if err != nil {
			return nil, fmt.Errorf("hash of a mined block: %w", err)
		}
		hashes[i] = *hash
	}
	return hashes, nil
}

// Stop ends btcd and waits until its state is on disk.
func (n *Node) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	return n.proc.Stop(ctx)
}

// Kill ends btcd with SIGKILL and waits until it is gone. The chain it resumes
// with may be many blocks shorter.
func (n *Node) Kill() error { return n.proc.Kill() }

// Restart starts btcd again on the same data and ports, after Stop or Kill.
func (n *Node) Restart(ctx context.Context) (*Node, error) { return Start(ctx, n.cfg) }
