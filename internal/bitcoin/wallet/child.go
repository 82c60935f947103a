package wallet

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/binary"
	"errors"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chainhash/v2"
)

// parentKey is an extended key made ready for deriving many unhardened children
// (BIP 32): hdkeychain would take its point and each child's out of their
// compressed form again every time, which costs more than the derivation.
type parentKey struct {
	chainCode []byte
	pub       []byte // compressed
	point     btcec.JacobianPoint
}

// errNoChild: BIP 32 gives no key to about one index in 2^127.
var errNoChild = errors.New("there is no key at this index")

func newParentKey(k *hdkeychain.ExtendedKey) (*parentKey, error) {
	pub, err := k.ECPubKey()
	if err != nil {
		return nil, err
	}
	p := &parentKey{chainCode: k.ChainCode(), pub: pub.SerializeCompressed()}
	pub.AsJacobian(&p.point)
	return p, nil
}

// tweak returns what BIP 32 calls I_L: the number that is added to the parent's
// private key.
func (p *parentKey) tweak(index uint32) (btcec.ModNScalar, error) {
	mac := hmac.New(sha512.New, p.chainCode)
	mac.Write(p.pub)
	mac.Write(binary.BigEndian.AppendUint32(nil, index))
	var n btcec.ModNScalar
	if overflow := n.SetByteSlice(mac.Sum(nil)[:32]); overflow {
		return n, errNoChild
	}
	return n, nil
}

// child returns the public key at an unhardened index.
func (p *parentKey) child(index uint32) (*btcec.PublicKey, error) {
	n, err := p.tweak(index)
	if err != nil {
		return nil, err
	}
	var added, child btcec.JacobianPoint
	btcec.ScalarBaseMultNonConst(&n, &added)
	btcec.AddNonConst(&added, &p.point, &child)
	if child.Z.IsZero() || (child.X.IsZero() && child.Y.IsZero()) {
		return nil, errNoChild
	}
	child.ToAffine()
	return btcec.NewPublicKey(&child.X, &child.Y), nil
}

// privateChild returns the private key at an unhardened index of the parent whose
// private key is priv.
func (p *parentKey) privateChild(priv *btcec.PrivateKey, index uint32) (*btcec.PrivateKey, error) {
	n, err := p.tweak(index)
	if err != nil {
		return nil, err
	}
	n.Add(&priv.Key)
	if n.IsZero() {
		return nil, errNoChild
	}
	return btcec.PrivKeyFromScalar(&n), nil
}

// tapTweak returns what BIP 341 adds to an internal key without a script tree.
// pub is the compressed key.
func tapTweak(pub []byte) btcec.ModNScalar {
	var n btcec.ModNScalar
	n.SetByteSlice(chainhash.TaggedHash(chainhash.TagTapTweak, pub[1:])[:])
	return n
}

// tweakPub returns the output key of an internal key without a script tree (BIP
// 341). txscript's own function reads the point from its bytes first.
func tweakPub(pub *btcec.PublicKey) *btcec.PublicKey {
	tweak := tapTweak(pub.SerializeCompressed())
	var internal, added, output btcec.JacobianPoint
	pub.AsJacobian(&internal)
	if internal.Y.IsOdd() {
		internal.Y.Negate(1).Normalize()
	}
	btcec.ScalarBaseMultNonConst(&tweak, &added)
	btcec.AddNonConst(&internal, &added, &output)
	output.ToAffine()
	return btcec.NewPublicKey(&output.X, &output.Y)
}

// tweakKey returns the private key to tweakPub. pub is the compressed public key
// of priv; having it already is what makes this cheaper than asking txscript.
func tweakKey(priv *btcec.PrivateKey, pub []byte) *btcec.PrivateKey {
	const oddY = 0x03
	scalar, tweak := priv.Key, tapTweak(pub)
	if pub[0] == oddY {
		scalar.Negate()
	}
	scalar.Add(&tweak)
	return btcec.PrivKeyFromScalar(&scalar)
}
