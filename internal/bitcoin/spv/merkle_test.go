package spv_test

import (
	"bytes"
	"testing"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/spv"
)

// TestBranchesAgreeWithTheNode holds every position of every small block, and of
// some odd ones, against the tree that btcd builds.
func TestBranchesAgreeWithTheNode(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 15, 16, 17, 31, 33, 63, 65, 127, 129, 1001} {
		block := testBlock(n)
		tree := blockchain.BuildMerkleTreeStore(btcutil.NewBlock(block).Transactions(), false)
		for at, tx := range block.Transactions {
			branch := spv.Branch(block, at)
			if got := spv.Root(tx.TxHash(), uint32(at), branch); got != *tree[len(tree)-1] {
				t.Fatalf("%d of %d: root %s, want %s", at, n, got, tree[len(tree)-1])
			}
			if n > 1 && at^1 < n && branch[0] != *tree[at^1] {
				t.Fatalf("%d of %d: sibling %s, want %s", at, n, branch[0], tree[at^1])
			}
		}
	}
	if spv.Branch(testBlock(3), 3) != nil || spv.Branch(testBlock(3), -1) != nil {
		t.Error("a position outside the block has a branch")
	}
	if branch := spv.Branch(testBlock(1), 0); branch == nil || len(branch) != 0 {
		t.Errorf("a block of one transaction has branch %v, want none", branch)
	}
}

// TestCopiesOfTheLastHashAreNoPosition is CVE-2012-2459 seen from a proof: the
// tree of an odd count holds its last hash twice, so one transaction would have
// two positions.
func TestCopiesOfTheLastHashAreNoPosition(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		transactions, real int
		copied             uint32
	}{{3, 2, 3}, {5, 4, 5}, {5, 4, 6}, {5, 4, 7}, {6, 4, 6}, {6, 5, 7}, {7, 6, 7}, {11, 10, 11}, {11, 8, 12}, {11, 10, 15}} {
		block := testBlock(c.transactions)
		p := prove(t, block, c.real, 0)
		p.Position = c.copied
		if spv.Root(block.Transactions[c.real].TxHash(), p.Position, p.Branch) != block.Header.MerkleRoot {
			t.Fatalf("%d of %d is no copy of %d", c.copied, c.transactions, c.real)
		}
		refused(t, p, simnet, 1, nil, "copy of a hash")
	}
}

func TestBranchesAreRefused(t *testing.T) {
	t.Parallel()
	good := prove(t, testBlock(5), 3, 0)
	with := func(position uint32, branch ...chainhash.Hash) spv.Inclusion {
		return spv.Inclusion{Tx: good.Tx, Headers: good.Headers, Position: position, Branch: branch}
	}
	refused(t, with(3+8, good.Branch...), simnet, 1, nil, "does not reach")
	refused(t, with(1<<31+3, good.Branch...), simnet, 1, nil, "does not reach")
	refused(t, with(1), simnet, 1, nil, "does not reach")
	refused(t, with(3, good.Branch[:2]...), simnet, 1, nil, "does not lead")
	refused(t, with(2, good.Branch...), simnet, 1, nil, "does not lead")
	refused(t, with(3, good.Branch[1], good.Branch[0], good.Branch[2]), simnet, 1, nil, "does not lead")
	refused(t, with(3, make([]chainhash.Hash, 16)...), simnet, 1, nil, "fullest block")
}

// shortTx is a valid transaction of 64 bytes, the length of an inner node.
func shortTx(t *testing.T, prevOut []byte) []byte {
	t.Helper()
	tx := wire.NewMsgTx(1)
	var prev chainhash.Hash
	copy(prev[:], prevOut)
	tx.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&prev, 0), nil, nil))
	tx.AddTxOut(wire.NewTxOut(1, []byte{0x51, 0x51, 0x51, 0x51}))
	var b bytes.Buffer
	if err := tx.Serialize(&b); err != nil || b.Len() != 64 {
		t.Fatalf("%d bytes, error %v; want 64", b.Len(), err)
	}
	return b.Bytes()
}

// TestInnerNodeIsNoTransaction is CVE-2017-12842 downwards: an inner node of a
// real tree is passed off as a transaction of 64 bytes.
func TestInnerNodeIsNoTransaction(t *testing.T) {
	t.Parallel()
	node := shortTx(t, []byte{7})
	root := spv.Root(chainhash.Hash(node[:32]), 0, []chainhash.Hash{chainhash.Hash(node[32:])})
	p := spv.Inclusion{Tx: node, Headers: headerBytes(t, mined(chainhash.Hash{1}, root))}
	refused(t, p, simnet, 1, nil, "could be an inner node")
}

// TestTransactionIsNoInnerNode is CVE-2017-12842 upwards: a transaction of 64
// bytes was mined, and half of it is passed off as the hash of a transaction
// that nobody mined.
func TestTransactionIsNoInnerNode(t *testing.T) {
	t.Parallel()
	var fake *wire.MsgTx
	var node []byte
	// Grind a transaction whose hash fits the first half of a transaction: four
	// bytes of version are free, then comes the count of inputs, one.
	for n := 0; ; n++ {
		fake = testTx(n)
		if id := fake.TxHash(); id[4] == 1 {
			node = append(bytes.Clone(id[:]), shortTx(t, nil)[32:]...)
			break
		}
	}
	block := testBlock(2)
	mallory := new(wire.MsgTx)
	if err := mallory.Deserialize(bytes.NewReader(node)); err != nil {
		t.Fatal(err)
	}
	block.Transactions[1] = mallory
	block.Header = mined(chainhash.Hash{1}, treeRoot(block))
	var raw bytes.Buffer
	if err := fake.Serialize(&raw); err != nil {
		t.Fatal(err)
	}
	branch := []chainhash.Hash{chainhash.Hash(node[32:]), block.Transactions[0].TxHash()}
	p := spv.Inclusion{Tx: raw.Bytes(), Position: 2, Branch: branch, Headers: headerBytes(t, block.Header)}
	if spv.Root(fake.TxHash(), 2, branch) != block.Header.MerkleRoot {
		t.Fatal("the forgery does not lead to the root, so the test tests nothing")
	}
	refused(t, p, simnet, 1, nil, "reads as a transaction")
}

func headerBytes(t *testing.T, h wire.BlockHeader) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := h.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
