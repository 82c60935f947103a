package wallet

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"sync"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/errs"
)

// Sizes in weight units (BIP 141). An input without its witness is an outpoint,
// an empty script and a sequence.
const (
	inputBaseWeight   = 4 * (36 + 1 + 4)
	maxECDSASigLen    = 72 // DER with a 33-byte R and a low S, and the sighash byte
	schnorrSigLen     = 64 // SIGHASH_DEFAULT has no sighash byte
	compressedKeyLen  = 33
	witnessCountBytes = 1
	multisigDummyLen  = 0 // the element that OP_CHECKMULTISIG takes in excess
)

// derived is what stands at one chain and index.
type derived struct {
	pubs    []*btcec.PublicKey // in the descriptor's order, before any tweak
	script  []byte
	witness []byte // the witness script of P2WSH
}

// derivedCache keeps what was derived, since the same few places are looked at
// again in every check of a transaction.
type derivedCache struct {
	mu sync.Mutex
	at map[place]*derived
}

// maxDerived bounds the cache: beyond it all is forgotten and derived again.
const maxDerived = 1 << 14

// at derives what stands at chain and index. Nothing in it may be changed.
func (d *Descriptor) at(chain, index uint32) (*derived, error) {
	if chain > ChainChange || index >= hdkeychain.HardenedKeyStart {
		return nil, errs.Newf(
			errs.Internal,
			CodeBadDerivation,
			"The descriptor has no key at chain %d, index %d.",
			chain,
			index,
		)
	}
	p := place{chain, index}
	d.derived.mu.Lock()
	known := d.derived.at[p]
	d.derived.mu.Unlock()
	if known != nil {
		return known, nil
	}
	made := &derived{}
	for _, k := range d.keys {
		pub, err := k.parents[chain].child(index)
		if err != nil {
			return nil, errs.Wrap(err, errs.Internal, CodeBadDerivation, "The key cannot be derived.")
		}
		made.pubs = append(made.pubs, pub)
	}
	var err error
	if d.kind == KindWSH {
		if made.witness, err = multisigScript(d.threshold, made.pubs); err == nil {
			made.script, err = witnessScriptHash(made.witness)
		}
	} else {
		made.script, err = keyScript(d.kind, made.pubs[0])
	}
	if err != nil {
		return nil, errs.Wrap(err, errs.Internal, CodeBadDerivation, "The script cannot be made.")
	}
	d.derived.mu.Lock()
	defer d.derived.mu.Unlock()
	if d.derived.at == nil || len(d.derived.at) >= maxDerived {
		d.derived.at = make(map[place]*derived)
	}
	d.derived.at[p] = made
	return made, nil
}

// keyScript returns the output script that pays to pub.
func keyScript(kind Kind, pub *btcec.PublicKey) ([]byte, error) {
	builder := txscript.NewScriptBuilder()
	if kind == KindTR {
		return builder.AddOp(txscript.OP_1).AddData(schnorr.SerializePubKey(tweakPub(pub))).Script()
	}
	return builder.AddOp(txscript.OP_0).AddData(address.Hash160(pub.SerializeCompressed())).Script()
}

// multisigScript returns the script that needs k signatures of pubs, whose order
// does not count: it holds them sorted (BIP 67).
func multisigScript(k int, pubs []*btcec.PublicKey) ([]byte, error) {
	sorted := make([][]byte, len(pubs))
	for i, pub := range pubs {
		sorted[i] = pub.SerializeCompressed()
	}
	slices.SortFunc(sorted, bytes.Compare)
	builder := txscript.NewScriptBuilder().AddInt64(int64(k))
	for _, pub := range sorted {
		builder.AddData(pub)
	}
	return builder.AddInt64(int64(len(pubs))).AddOp(txscript.OP_CHECKMULTISIG).Script()
}

func witnessScriptHash(witness []byte) ([]byte, error) {
	hash := sha256.Sum256(witness)
	return txscript.NewScriptBuilder().AddOp(txscript.OP_0).AddData(hash[:]).Script()
}

// Script returns the output script at chain (ChainDeposit or ChainChange) and
// index (below 2^31).
func (d *Descriptor) Script(chain, index uint32) ([]byte, error) {
	made, err := d.at(chain, index)
	if err != nil {
		return nil, err
	}
	return bytes.Clone(made.script), nil
}

// WitnessScript returns the script behind the P2WSH output at chain and index,
// or nil for a kind that has none.
func (d *Descriptor) WitnessScript(chain, index uint32) ([]byte, error) {
	made, err := d.at(chain, index)
	if err != nil {
		return nil, err
	}
	return bytes.Clone(made.witness), nil
}

// Address returns the address of Script on the descriptor's network.
func (d *Descriptor) Address(chain, index uint32) (string, error) {
	script, err := d.Script(chain, index)
	if err != nil {
		return "", err
	}
	return AddressOf(script, d.net), nil
}

// InputWeight returns the weight one signed input adds to a transaction, at
// most: 272 for P2WPKH (72-byte signatures), 230 for a P2TR key path, 418 for a
// P2WSH 2-of-3.
func (d *Descriptor) InputWeight() int64 {
	longest := maxECDSASigLen
	if d.kind == KindTR {
		longest = schnorrSigLen
	}
	return d.SignedInputWeight(slices.Repeat([]int{longest}, d.threshold)...)
}

// SignedInputWeight returns the exact weight of one input with signatures of
// these lengths, sighash bytes included: one, or k for a multisig.
func (d *Descriptor) SignedInputWeight(sigLens ...int) int64 {
	weight := int64(inputBaseWeight + witnessCountBytes)
	if d.kind == KindWSH {
		weight += itemWeight(multisigDummyLen) + itemWeight(1+len(d.keys)*(1+compressedKeyLen)+1+1)
	}
	for _, n := range sigLens {
		weight += itemWeight(n)
	}
	if d.kind == KindWPKH {
		weight += itemWeight(compressedKeyLen)
	}
	return weight
}

// SignedInputWeight returns the exact weight of one single-key input whose
// signature, sighash byte included, is sigLen bytes. A wsh input's weight
// depends on its keys: see Descriptor.SignedInputWeight.
func (k Kind) SignedInputWeight(sigLen int) int64 {
	return (&Descriptor{kind: k}).SignedInputWeight(sigLen)
}

// itemWeight returns the weight of one witness element of n bytes.
func itemWeight(n int) int64 {
	return int64(wire.VarIntSerializeSize(uint64(n)) + n) //nolint:gosec // a length
}
