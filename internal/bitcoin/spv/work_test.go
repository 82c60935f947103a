package spv_test

import (
	"bytes"
	"math/big"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/bitcoin/spv"
	"github.com/causeway-fund/causeway/internal/errs"
)

func TestTargetsAgreeWithTheNode(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		bits := uint32(rapid.IntRange(0, 36).Draw(t, "exponent"))<<24 | rapid.Uint32Range(0, 1<<24-1).Draw(t, "mantissa")
		want := blockchain.CompactToBig(bits)
		usable := want.Sign() > 0 && want.BitLen() <= 256
		got, ok := spv.Target(bits)
		if ok != usable || (ok && got.Cmp(want) != 0) {
			t.Fatalf("bits %08x: got %x %v, want %x %v", bits, got, ok, want, usable)
		}
	})
}

func TestWorkAgreesWithTheNode(t *testing.T) {
	t.Parallel()
	p := prove(t, testBlock(1), 0, 2)
	one := blockchain.CalcWork(simnet.PowLimitBits)
	if got := p.Work(); got.Cmp(one.Add(one, blockchain.CalcWork(simnet.PowLimitBits)).Add(one, blockchain.CalcWork(simnet.PowLimitBits))) != 0 {
		t.Errorf("work %s, want %s", got, one)
	}
	if got := (spv.Inclusion{Headers: []byte{1}}).Work(); got.Sign() != 0 {
		t.Errorf("no headers are worth %s hashes", got)
	}
}

// The time of the last header counts, of a chain that is long enough and has its work.
func TestLastTime(t *testing.T) {
	t.Parallel()
	chain := onTop(mined(chainhash.Hash{}, chainhash.Hash{1}), 6)
	text := func(headers []wire.BlockHeader) []byte {
		var b bytes.Buffer
		for i := range headers {
			if err := headers[i].Serialize(&b); err != nil {
				t.Fatal(err)
			}
		}
		return b.Bytes()
	}
	at, err := spv.LastTime(text(chain), 6, simnet, nil)
	if err != nil || !at.Equal(chain[5].Timestamp) {
		t.Errorf("got %s (%v), want %s", at, err, chain[5].Timestamp)
	}
	later, asked := slices.Clone(chain), blockchain.CompactToBig(simnet.PowLimitBits)
	later[5].Timestamp = later[5].Timestamp.AddDate(1, 0, 0)
	for hash := later[5].BlockHash(); asked.Cmp(blockchain.HashToBig(&hash)) >= 0; hash = later[5].BlockHash() {
		later[5].Nonce++
	}
	swapped := slices.Clone(chain)
	swapped[2], swapped[3] = swapped[3], swapped[2]
	for name, tc := range map[string]struct {
		headers []byte
		target  *big.Int
	}{
		"five":          {text(chain[:5]), nil},
		"none":          {nil, nil},
		"a byte more":   {append(text(chain), 0), nil},
		"without work":  {text(later), nil},
		"not a chain":   {text(swapped), nil},
		"work too easy": {text(chain), big.NewInt(1)},
	} {
		if _, err := spv.LastTime(tc.headers, 6, simnet, tc.target); !errs.Is(err, "bad_proof") {
			t.Errorf("%s: got %v, want bad_proof", name, err)
		}
	}
}
