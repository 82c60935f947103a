package chain_test

import (
	"testing"

	"github.com/causeway-fund/causeway/internal/chain/chaintest"
)

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
	if info.RelayFeeSatKVB != 1000 {
		t.Errorf("relay fee %d sat per 1000 vB, want 1000", info.RelayFeeSatKVB)
	}
}
