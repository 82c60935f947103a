package chain_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/bitcoin/chain"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/chaintest"
)

func client(t *testing.T, cfg chain.Config) *chain.Client {
	t.Helper()
	c, err := chain.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// wantUnavailable asks for one line a person can act on.
func wantUnavailable(t *testing.T, err error, code string) {
	t.Helper()
	if errs.KindOf(err) != errs.Unavailable || !errs.Is(err, errs.Code(code)) {
		t.Errorf("got %v, want unavailable, %s", err, code)
	}
}

func TestTipHeaderAndBlockAgree(t *testing.T) {
	t.Parallel()
	node := chaintest.New(t)
	c := node.Client()

	info, err := c.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	header, height, err := c.Header(t.Context(), info.Hash)
	if err != nil {
		t.Fatal(err)
	}
	block, err := c.Block(t.Context(), info.Hash)
	if err != nil {
		t.Fatal(err)
	}
	at, err := c.HashAt(t.Context(), chaintest.Ready)
	if err != nil {
		t.Fatal(err)
	}

	if info.Height != chaintest.Ready || height != chaintest.Ready || at != info.Hash {
		t.Errorf("heights %d and %d, hash at %d is %s, want %d and %s", info.Height, height, chaintest.Ready, at, chaintest.Ready, info.Hash)
	}
	if block.BlockHash() != info.Hash || header.BlockHash() != info.Hash {
		t.Errorf("block %s and header %s, want %s", block.BlockHash(), header.BlockHash(), info.Hash)
	}
	if info.RelayFeeSatKVB != 1000 || info.Network != "simnet" {
		t.Errorf("got %+v, want simnet and 1000 sat per 1000 vB", info)
	}
}

func TestWrongNetworkIsNeitherReadNorSentTo(t *testing.T) {
	t.Parallel()
	node := chaintest.New(t)
	spend := newPayee(t).spend(t, node, 5_0000, 1000)
	cfg := node.Config()
	cfg.Network = "mainnet"
	c := client(t, cfg)

	_, tipErr := c.Check(t.Context())
	_, sendErr := c.Submit(t.Context(), raw(t, spend), maxRate)

	wantUnavailable(t, tipErr, "node_wrong_network")
	wantUnavailable(t, sendErr, "node_wrong_network")
	if holds(t, node, spend) {
		t.Error("the transaction was sent to the wrong network")
	}
}

func TestClientWorksAgainWhenTheNodeIsBack(t *testing.T) {
	t.Parallel()
	node := chaintest.New(t)
	c := node.Client()
	spend := newPayee(t).spend(t, node, 5_0000, 1000)
	node.Stop()

	_, tipErr := c.Check(t.Context())
	_, sendErr := c.Submit(t.Context(), raw(t, spend), maxRate)
	node.Start()
	info, err := c.Check(t.Context())

	wantUnavailable(t, tipErr, "node_down")
	wantUnavailable(t, sendErr, "node_down")
	if err != nil || info.Height != chaintest.Ready+1 {
		t.Errorf("after the restart: height %d, %v, want %d", info.Height, err, chaintest.Ready+1)
	}
}

func TestHangingNodeIsGivenUpOn(t *testing.T) {
	t.Parallel()
	cfg := chaintest.NewEmpty(t).Config()
	cfg.Timeout = time.Nanosecond

	_, err := client(t, cfg).Check(t.Context())

	wantUnavailable(t, err, "node_slow")
}

func TestWrongPasswordIsNamed(t *testing.T) {
	t.Parallel()
	cfg := chaintest.NewEmpty(t).Config()
	cfg.Pass = "wrong"

	_, err := chain.Dial(t.Context(), cfg)

	wantUnavailable(t, err, "node_auth")
	if strings.Contains(err.Error(), "wrong") {
		t.Errorf("the password is in %q", err)
	}
}

func TestOtherCertificateIsNamed(t *testing.T) {
	t.Parallel()
	node, other := chaintest.NewEmpty(t), chaintest.NewEmpty(t)
	cfg := node.Config()
	cfg.CertFile = other.Config().CertFile

	_, err := chain.Dial(t.Context(), cfg)

	wantUnavailable(t, err, "node_cert")
}

func TestLimitedUserIsNamed(t *testing.T) {
	t.Parallel()
	cfg := chaintest.NewEmpty(t, "--rpclimituser=limited", "--rpclimitpass=secret").Config()
	cfg.User, cfg.Pass = "limited", "secret"

	_, err := chain.Dial(t.Context(), cfg)

	wantUnavailable(t, err, "node_limited_user")
}

func TestRelayForNothingIsNamed(t *testing.T) {
	t.Parallel()
	cfg := chaintest.NewEmpty(t, "--minrelaytxfee=0").Config()

	_, err := chain.Dial(t.Context(), cfg)

	wantUnavailable(t, err, "node_relay_fee")
}

func TestNodeBehindItsPeersIsNamed(t *testing.T) {
	t.Parallel()
	ahead := chaintest.New(t)
	node := ahead.Peer()
	c := node.Client()
	if _, err := c.Check(t.Context()); err != nil {
		t.Fatalf("in step with its peer: %v", err)
	}
	hash, err := c.HashAt(t.Context(), 250)
	if err != nil {
		t.Fatal(err)
	}

	node.Invalidate(hash)
	_, err = c.Check(t.Context())

	wantUnavailable(t, err, "node_behind")
}

func TestOldTipCountsOnMainnetOnly(t *testing.T) {
	t.Parallel()
	cfg := chaintest.NewEmpty(t).Config() // the tip is simnet's first block, from 2014
	cfg.Clock = clock.NewFake(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))

	if _, err := chain.Dial(t.Context(), cfg); err != nil {
		t.Errorf("simnet: %v", err)
	}
}

func TestNewNamesTheSettingThatIsWrong(t *testing.T) {
	t.Parallel()
	good := chaintest.NewEmpty(t).Config()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		change func(*chain.Config)
		want   string
	}{
		"network":     {func(c *chain.Config) { c.Network = "dogecoin" }, "unknown_network"},
		"certificate": {func(c *chain.Config) { c.CertFile += ".gone" }, "node_cert"},
		"empty cert":  {func(c *chain.Config) { c.CertFile = empty }, "node_config"},
		"password":    {func(c *chain.Config) { c.PassFile += ".gone" }, "node_pass"},
		"host":        {func(c *chain.Config) { c.Host = "" }, "node_config"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := good
			tt.change(&cfg)

			_, err := chain.New(cfg)

			if !errs.Is(err, errs.Code(tt.want)) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestCanceledCallIsNotANodeThatIsDown(t *testing.T) {
	t.Parallel()
	c := chaintest.NewEmpty(t).Client()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	_, _, err := c.Tip(ctx)

	if err == nil || errs.Is(err, "node_down") {
		t.Errorf("got %v, want the cancellation", err)
	}
}
