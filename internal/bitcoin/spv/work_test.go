package spv_test

import (
	"testing"

	"github.com/btcsuite/btcd/blockchain"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/bitcoin/spv"
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
