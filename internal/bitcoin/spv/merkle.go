package spv

import (
	"bytes"
	"slices"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// maxDepth is the depth of the tree of the fullest block: a transaction weighs
// 240 units at least and a block 4,000,000 at most, so 16,666 leaves.
const maxDepth = 15

// nodeSize is the length of what an inner node of the tree is the hash of.
const nodeSize = 2 * chainhash.HashSize

// Branch returns the hashes that lead from the transaction at position, counted
// from 0, up to the Merkle root of block: none for a block of one transaction.
// It returns nil for a position that the block does not have.
func Branch(block *wire.MsgBlock, position int) []chainhash.Hash {
	if position < 0 || position >= len(block.Transactions) {
		return nil
	}
	level := make([]chainhash.Hash, len(block.Transactions))
	for i, tx := range block.Transactions {
		level[i] = tx.TxHash()
	}
	branch := make([]chainhash.Hash, 0, maxDepth)
	for at := position; len(level) > 1; at /= 2 {
		if len(level)%2 == 1 {
			level = append(level, level[len(level)-1])
		}
		branch = append(branch, level[at^1])
		above := level[:0]
		for i := 0; i < len(level); i += 2 {
			above = append(above, parent(level[i], level[i+1]))
		}
		level = above
	}
	return branch
}

// Root returns the Merkle root that branch leads to from the leaf at position.
// It computes and does not judge: Verify holds the rules.
func Root(leaf chainhash.Hash, position uint32, branch []chainhash.Hash) chainhash.Hash {
	node := leaf
	for _, sibling := range branch {
		if position&1 == 1 {
			node = parent(sibling, node)
		} else {
			node = parent(node, sibling)
		}
		position >>= 1
	}
	return node
}

// checkBranch refuses what Root would compute for a transaction that is not in
// the tree, or not there.
func checkBranch(leaf chainhash.Hash, position uint32, branch []chainhash.Hash) error {
	if len(branch) > maxDepth {
		return badProof("has a Merkle branch of %d hashes; the fullest block needs %d", len(branch), maxDepth)
	}
	if position>>len(branch) != 0 {
		return badProof("names position %d, which a Merkle branch of %d hashes does not reach", position, len(branch))
	}
	node := leaf
	for _, sibling := range branch {
		left, right := node, sibling
		if position&1 == 1 {
			left, right = sibling, node
			// A tree doubles its last hash at the right; nothing real stands there.
			if left == right {
				return badProof("names the copy of a hash as the position of the transaction")
			}
		}
		if readsAsTransaction(left, right) {
			return badProof("has an inner node that reads as a transaction")
		}
		node = parent(left, right)
		position >>= 1
	}
	return nil
}

func parent(left, right chainhash.Hash) chainhash.Hash {
	var pair [nodeSize]byte
	copy(pair[:], left[:])
	copy(pair[chainhash.HashSize:], right[:])
	return chainhash.DoubleHashH(pair[:])
}

// readsAsTransaction reports whether an inner node could as well be a
// transaction of 64 bytes: somebody who makes such a transaction has it mined
// and then passes the half of it off as the hash of another one. An honest node
// reads as one with a chance of about 2^-30.
func readsAsTransaction(left, right chainhash.Hash) bool {
	pair := slices.Concat(left[:], right[:])
	var tx wire.MsgTx
	r := bytes.NewReader(pair)
	return tx.DeserializeNoWitness(r) == nil && r.Len() == 0
}
