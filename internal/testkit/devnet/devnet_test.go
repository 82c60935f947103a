package devnet_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/jackc/pgx/v5"
	"golang.org/x/net/proxy"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/devnet"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/btcdnode"
)

func config(t *testing.T) devnet.Config {
	t.Helper()
	bin, err := btcdnode.Tool(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for d := dir; d != os.TempDir(); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil { // PostgreSQL's own account must pass
			t.Fatal(err)
		}
	}
	return devnet.Config{Dir: filepath.Join(dir, "world"), Btcd: bin, Volatile: true, Log: slog.New(slog.DiscardHandler)}
}

func start(t *testing.T, cfg devnet.Config) *devnet.Devnet {
	t.Helper()
	d, err := devnet.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return d
}

func TestWorldResumesWhereItStopped(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	first := start(t, cfg)
	if !first.Fresh() {
		t.Error("a new world is not fresh")
	}
	script := append([]byte{0, 20}, bytes.Repeat([]byte{7}, 20)...)
	tx, err := first.Fund(t.Context(), wire.NewTxOut(3_0000_0000, script))
	if err != nil {
		t.Fatal(err)
	}
	mined, err := first.Mine(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	proxyPass := first.Proxies[devnet.ProxyCount-1].Pass
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}

	second := start(t, cfg)

	var best string
	var coin *struct {
		Value float64 `json:"value"`
	}
	if err := errors.Join(
		second.Node.RPC().Call(t.Context(), &best, "getbestblockhash"),
		second.Node.RPC().Call(t.Context(), &coin, "gettxout", tx.TxHash().String(), 0, false),
	); err != nil {
		t.Fatal(err)
	}
	if second.Fresh() || best != mined[0].String() {
		t.Errorf("fresh %v at %s, want a resumed chain at %s", second.Fresh(), best, mined[0])
	}
	if coin == nil || coin.Value != 3 {
		t.Errorf("the funded coin is %+v, want 3 BTC", coin)
	}
	if got := second.Proxies[devnet.ProxyCount-1].Pass; got != proxyPass {
		t.Errorf("proxy password changed from %q to %q", proxyPass, got)
	}
	conn, err := pgx.Connect(t.Context(), second.Postgres.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close(t.Context())
}

func TestRunMinesAndNoticesADeadPart(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	cfg.BlockEvery = 10 * time.Millisecond
	d := start(t, cfg)
	ended := make(chan error, 1)
	go func() { ended <- d.Run(t.Context()) }()

	for height := 0; height < 303; {
		if err := d.Node.RPC().Call(t.Context(), &height, "getblockcount"); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Kill(d.Node.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}

	if err := <-ended; !errs.Is(err, "part_died") {
		t.Errorf("Run ended with %v, want part_died", err)
	}
}

func TestTakenPortLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	cfg := config(t)
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatalf("address %v", l.Addr())
	}
	cfg.NodeRPCPort = addr.Port

	_, err = devnet.Start(t.Context(), cfg)
	if !errs.Is(err, "port_taken") {
		t.Errorf("got %v, want port_taken", err)
	}

	// Data that another server still used would be refused.
	cfg.NodeRPCPort = 0
	start(t, cfg)
}

func TestProxiesCarryOnlyToThisMachine(t *testing.T) {
	t.Parallel()
	d := start(t, config(t))
	echo := echoServer(t)

	for _, p := range d.Proxies[:3] { // package proxies tests the others
		var auth *proxy.Auth
		if p.User != "" {
			auth = &proxy.Auth{User: p.User, Password: p.Pass}
		}
		dialer, err := proxy.SOCKS5("tcp", p.Addr, auth, proxy.Direct)
		if err != nil {
			t.Fatal(err)
		}
		if got := say(t, dialer, echo, "salaam"); got != "salaam" {
			t.Errorf("%s echoed %q", p.Addr, got)
		}
		for _, away := range []string{"192.0.2.1:80", "example.org:80"} {
			if conn, err := dialer.Dial("tcp", away); err == nil {
				_ = conn.Close()
				t.Errorf("%s went to %s", p.Addr, away)
			}
		}
	}
	locked := d.Proxies[2]
	open, err := proxy.SOCKS5("tcp", locked.Addr, nil, proxy.Direct)
	if err != nil {
		t.Fatal(err)
	}
	if conn, err := open.Dial("tcp", echo); err == nil {
		_ = conn.Close()
		t.Error("the locked proxy asked for no password")
	}
}

func echoServer(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(conn, conn)
				_ = conn.Close()
			}()
		}
	}()
	return l.Addr().String()
}

func say(t *testing.T, dialer proxy.Dialer, addr, word string) string {
	t.Helper()
	conn, err := dialer.Dial("tcp", addr)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, word); err != nil {
		t.Error(err)
	}
	got := make([]byte, len(word))
	if _, err := io.ReadFull(conn, got); err != nil {
		t.Error(err)
	}
	return string(got)
}
