package chain

import (
	"bytes"
	"testing"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"

	"github.com/causeway-fund/causeway/internal/errs"
)

func genesis(tb testing.TB) ([]byte, chainhash.Hash) {
	tb.Helper()
	var b bytes.Buffer
	if err := chaincfg.MainNetParams.GenesisBlock.Serialize(&b); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes(), *chaincfg.MainNetParams.GenesisHash
}

func TestNoDamagedByteOfABlockPasses(t *testing.T) {
	t.Parallel()
	raw, hash := genesis(t)
	if _, err := parseBlock(raw, hash); err != nil {
		t.Fatalf("the block itself: %v", err)
	}

	for i := range raw {
		damaged := bytes.Clone(raw)
		damaged[i] ^= 1
		if _, err := parseBlock(damaged, hash); !errs.Is(err, "node_nonsense") {
			t.Errorf("byte %d flipped: got %v, want node_nonsense", i, err)
		}
	}
	if _, err := parseBlock(append(bytes.Clone(raw), 0), hash); !errs.Is(err, "node_nonsense") {
		t.Errorf("a byte too many: got %v, want node_nonsense", err)
	}
}

func FuzzParseBlock(f *testing.F) {
	raw, hash := genesis(f)
	f.Add(raw)
	f.Add(raw[:80])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		block, err := parseBlock(b, hash)
		if err == nil && block.BlockHash() != hash {
			t.Errorf("got block %s", block.BlockHash())
		}
	})
}
