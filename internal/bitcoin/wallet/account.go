package wallet

import (
	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/causeway-fund/causeway/internal/errs"
)

// accountPath returns the steps to account 0, each of them hardened: BIP 84, BIP
// 86, or BIP 48 with script type 2 (P2WSH).
func (k Kind) accountPath(coin uint32) ([]uint32, error) {
	switch k {
	case KindWPKH:
		return []uint32{84, coin, 0}, nil
	case KindTR:
		return []uint32{86, coin, 0}, nil
	case KindWSH:
		return []uint32{48, coin, 0, 2}, nil
	}
	return nil, errs.Newf(errs.Invalid, CodeUnknownKind, "There is no wallet kind %q. Use wpkh, tr or wsh.", string(k))
}

// AccountXprv derives the private key of account 0, m/84'/coin'/0' (BIP 84),
// m/86'/coin'/0' (BIP 86) or m/48'/coin'/0'/2' (BIP 48), from a seed of 16 to 64
// bytes, with its origin. The caller must call Zero on the key when done with it.
func AccountXprv(seed []byte, kind Kind, net *chaincfg.Params) (*hdkeychain.ExtendedKey, Origin, error) {
	path, err := kind.accountPath(net.HDCoinType)
	if err != nil {
		return nil, Origin{}, err
	}
	unusable := func(err error) (*hdkeychain.ExtendedKey, Origin, error) {
		return nil, Origin{}, errs.Wrap(
			err,
			errs.Invalid,
			CodeBadSeed,
			"The seed cannot be used: it must be 16 to 64 random bytes.",
		)
	}
	key, err := hdkeychain.NewMaster(seed, net)
	if err != nil {
		return unusable(err)
	}
	pub, err := key.ECPubKey()
	if err != nil {
		return unusable(err)
	}
	origin := Origin{Fingerprint: [4]byte(address.Hash160(pub.SerializeCompressed()))}
	for _, step := range path {
		step += hdkeychain.HardenedKeyStart
		child, err := key.Derive(step)
		key.Zero()
		if err != nil {
			return unusable(err)
		}
		key, origin.Path = child, append(origin.Path, step)
	}
	return key, origin, nil
}

// KeyExpression returns the public KEY of account 0 of a seed as descriptors
// write it: [fingerprint/path]xpub/<0;1>/*. It is what a signer of a multisig
// treasury hands to the others.
func KeyExpression(seed []byte, kind Kind, net *chaincfg.Params) (string, error) {
	account, origin, err := AccountXprv(seed, kind, net)
	if err != nil {
		return "", err
	}
	defer account.Zero()
	xpub, err := account.Neuter()
	if err != nil {
		return "", errs.Wrap(err, errs.Internal, CodeBadDerivation, "The account's public key cannot be derived.")
	}
	return origin.String() + xpub.String() + "/<0;1>/*", nil
}

// DescriptorFromSeed returns the public descriptor of account 0 of a seed, for a
// kind that one seed is enough for: wpkh or tr.
func DescriptorFromSeed(seed []byte, kind Kind, net *chaincfg.Params) (*Descriptor, error) {
	if kind == KindWSH {
		return nil, errs.New(errs.Invalid, CodeUnknownKind,
			"A wsh treasury has several signers: write the keys of all of them into one descriptor.")
	}
	key, err := KeyExpression(seed, kind, net)
	if err != nil {
		return nil, err
	}
	return ParseDescriptor(string(kind)+"("+key+")", net)
}
