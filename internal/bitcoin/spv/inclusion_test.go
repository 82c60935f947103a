package spv_test

import (
	"bytes"
	"math/big"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/bitcoin/spv"
	"github.com/causeway-fund/causeway/internal/errs"
)

func TestTheFirstPaymentOfTheChainVerifies(t *testing.T) {
	t.Parallel()

	tx, block, err := firstPayment(t).Verify(&chaincfg.MainNetParams, 100, nil)
	if err != nil {
		t.Fatal(err)
	}

	if got, want := tx.TxHash().String(), "f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16"; got != want {
		t.Errorf("transaction %s, want %s", got, want)
	}
	if got, want := block.String(), "00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee"; got != want {
		t.Errorf("block %s, want %s", got, want)
	}
	if tx.TxOut[0].Value != 10_0000_0000 {
		t.Errorf("paid %d sat, want 10 bitcoin", tx.TxOut[0].Value)
	}
	// A hundred blocks of difficulty 1, at 2^32/0.99998 hashes each.
	if got := firstPayment(t).Work(); got.Cmp(big.NewInt(100*0x100010001)) != 0 {
		t.Errorf("work %s, want %d", got, int64(100*0x100010001))
	}
}

func TestGenesisBlocksVerify(t *testing.T) {
	t.Parallel()
	for _, net := range []*chaincfg.Params{
		&chaincfg.MainNetParams, &chaincfg.TestNet3Params, &chaincfg.RegressionNetParams, &chaincfg.SigNetParams,
	} {
		p, err := spv.Prove(net.GenesisBlock, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		tx, block, err := p.Verify(net, 1, nil)
		if err != nil || tx.TxHash() != net.GenesisBlock.Header.MerkleRoot || block != *net.GenesisHash {
			t.Errorf("%s: block %s, error %v", net.Name, block, err)
		}
	}
}

func TestEveryTransactionOfABlockIsProven(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		block := testBlock(rapid.IntRange(1, 300).Draw(t, "transactions"))
		at := rapid.IntRange(0, len(block.Transactions)-1).Draw(t, "position")
		following := rapid.IntRange(0, 4).Draw(t, "following")
		p, err := spv.Prove(block, at, onTop(block.Header, following))
		if err != nil {
			t.Fatal(err)
		}

		tx, hash, err := p.Verify(simnet, following+1, nil)
		if err != nil {
			t.Fatal(err)
		}

		if tx.TxHash() != block.Transactions[at].TxHash() || hash != block.Header.BlockHash() {
			t.Fatal("another transaction or another block")
		}
		other := p
		other.Position = uint32(rapid.IntRange(0, 1<<len(p.Branch)+5).Draw(t, "other position"))
		if _, _, err := other.Verify(simnet, 1, nil); err == nil && other.Position != p.Position {
			t.Fatalf("transaction %d of %d is also proven at %d", at, len(block.Transactions), other.Position)
		}
	})
}

func TestWitnessIsNotPartOfTheProof(t *testing.T) {
	t.Parallel()
	block := testBlock(3)
	with := block.Transactions[1].Copy()
	with.TxIn[0].Witness = wire.TxWitness{{1, 2, 3}}
	block.Transactions[1] = with
	if _, _, err := prove(t, block, 1, 0).Verify(simnet, 1, nil); err != nil {
		t.Error(err)
	}
}

func TestProveNeedsATransactionOfTheBlock(t *testing.T) {
	t.Parallel()
	for _, at := range []int{-1, 3} {
		if _, err := spv.Prove(testBlock(3), at, nil); !errs.Is(err, "bad_proof") {
			t.Errorf("position %d: got %v, want bad_proof", at, err)
		}
	}
}

func TestHeadersAreRefused(t *testing.T) {
	t.Parallel()
	good := prove(t, testBlock(5), 3, 9)
	header := func(p spv.Inclusion, i int) []byte { return p.Headers[i*spv.HeaderSize : (i+1)*spv.HeaderSize] }
	changed := func(change func(p *spv.Inclusion)) spv.Inclusion {
		p := good
		p.Headers = bytes.Clone(good.Headers)
		change(&p)
		return p
	}
	// bits is the third field from the end of a header.
	withBits := func(bits ...byte) spv.Inclusion {
		return changed(func(p *spv.Inclusion) { copy(header(*p, 4)[72:], bits) })
	}
	for name, c := range map[string]struct {
		p      spv.Inclusion
		reason string
	}{
		"too few":       {changed(func(p *spv.Inclusion) { p.Headers = p.Headers[:9*spv.HeaderSize] }), "10 are needed"},
		"none":          {changed(func(p *spv.Inclusion) { p.Headers = nil }), "0 bytes"},
		"part of one":   {changed(func(p *spv.Inclusion) { p.Headers = p.Headers[:len(p.Headers)-1] }), "bytes of block headers"},
		"far too many":  {changed(func(p *spv.Inclusion) { p.Headers = bytes.Repeat(header(good, 0), spv.MaxHeaders+1) }), "bytes of block headers"},
		"one missing":   {changed(func(p *spv.Inclusion) { p.Headers = slices.Delete(p.Headers, 80, 160) }), "9 block headers"},
		"not linked":    {changed(func(p *spv.Inclusion) { copy(header(*p, 5), header(good, 7)) }), "number 5, that does not follow"},
		"one twice":     {changed(func(p *spv.Inclusion) { copy(header(*p, 9), header(good, 8)) }), "number 9, that does not follow"},
		"first dropped": {changed(func(p *spv.Inclusion) { p.Headers = append(p.Headers[80:], header(good, 9)...) }), "does not follow"},
		"bits zero":     {withBits(0, 0, 0, 0), "target that no header can have"},
		"bits negative": {withBits(0xff, 0xff, 0x80, 0x20), "target that no header can have"},
		"bits too long": {withBits(0xff, 0xff, 0x7f, 0x21), "target that no header can have"},
		"bits easier":   {withBits(0xff, 0xff, 0x00, 0x21), "less work than is allowed"},
		"bits too hard": {withBits(0xff, 0xff, 0x00, 0x1d), "without the work"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, c.p, simnet, 10, nil, c.reason)
		})
	}
	if _, _, err := good.Verify(simnet, 10, nil); err != nil {
		t.Errorf("the untouched proof: %v", err)
	}
	refused(t, good, &chaincfg.MainNetParams, 10, nil, "less work than is allowed")
	refused(t, good, simnet, 10, chaincfg.MainNetParams.PowLimit, "less work than is allowed")
	easier := new(big.Int).Lsh(big.NewInt(1), 256)
	refused(t, good, &chaincfg.MainNetParams, 10, easier, "less work than is allowed")
}

// TestTargetIsTheBound holds the last hash that meets a target and the first
// that does not.
func TestTargetIsTheBound(t *testing.T) {
	t.Parallel()
	p := firstPayment(t)
	exact := chaincfg.MainNetParams.PowLimit
	bits, ok := spv.Target(0x1d00ffff)
	if !ok || bits.Cmp(exact) > 0 {
		t.Fatalf("target of difficulty 1 is %x, above %x", bits, exact)
	}
	if _, _, err := p.Verify(&chaincfg.MainNetParams, 100, bits); err != nil {
		t.Errorf("a target at the limit: %v", err)
	}
	below := new(big.Int).Sub(bits, big.NewInt(1))
	refused(t, p, &chaincfg.MainNetParams, 100, below, "less work than is allowed")
}

func TestTransactionsAreRefused(t *testing.T) {
	t.Parallel()
	good := prove(t, testBlock(5), 3, 0)
	with := func(change func(tx *wire.MsgTx)) spv.Inclusion {
		block := testBlock(5)
		change(block.Transactions[3])
		block.Header = mined(chainhash.Hash{1}, treeRoot(block))
		return prove(t, block, 3, 0)
	}
	raw := func(b []byte) spv.Inclusion {
		p := good
		p.Tx = b
		return p
	}
	for name, c := range map[string]struct {
		p      spv.Inclusion
		reason string
	}{
		"none":            {raw(nil), "cannot be read"},
		"cut off":         {raw(good.Tx[:len(good.Tx)-1]), "cannot be read"},
		"bytes after it":  {raw(append(bytes.Clone(good.Tx), 0)), "more bytes"},
		"too long":        {raw(make([]byte, spv.MaxTxBytes+1)), "none is longer"},
		"another":         {raw(prove(t, testBlock(5), 1, 0).Tx), "does not lead"},
		"no outputs":      {with(func(tx *wire.MsgTx) { tx.TxOut = nil }), "without inputs or outputs"},
		"negative amount": {with(func(tx *wire.MsgTx) { tx.TxOut[0].Value = -1 }), "impossible amount"},
		"too much":        {with(func(tx *wire.MsgTx) { tx.TxOut[0].Value = 21e14 + 1 }), "impossible amount"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, c.p, simnet, 1, nil, c.reason)
		})
	}
}

func TestEveryBitOfAProofCounts(t *testing.T) {
	t.Parallel()
	good := firstPayment(t)
	_, block, err := good.Verify(&chaincfg.MainNetParams, 100, nil)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		p := spv.Inclusion{Tx: bytes.Clone(good.Tx), Position: good.Position, Branch: slices.Clone(good.Branch), Headers: bytes.Clone(good.Headers)}
		flip := byte(1 << rapid.IntRange(0, 7).Draw(t, "bit"))
		switch rapid.IntRange(0, 3).Draw(t, "part") {
		case 0:
			p.Tx[rapid.IntRange(0, len(p.Tx)-1).Draw(t, "byte")] ^= flip
		case 1:
			p.Position ^= 1 << rapid.IntRange(0, 31).Draw(t, "position")
		case 2:
			p.Branch[0][rapid.IntRange(0, 31).Draw(t, "byte")] ^= flip
		case 3:
			p.Headers[rapid.IntRange(0, len(p.Headers)-1).Draw(t, "byte")] ^= flip
		}
		if _, got, err := p.Verify(&chaincfg.MainNetParams, 100, nil); err == nil {
			t.Fatalf("accepted in block %s, was %s", got, block)
		}
	})
}
