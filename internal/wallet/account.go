package wallet

import (
	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/causeway-fund/causeway/internal/errs"
)

// purpose returns the first step of an account path: BIP 84 or BIP 86.
func (k Kind) purpose() (uint32, error) {
	switch k {
	case KindWPKH:
		return 84, nil
	case KindTR:
		return 86, nil
	}
	return 0, errs.Newf(errs.Invalid, "unknown_kind", "There is no wallet kind %q. Use wpkh or tr.", string(k))
}

// AccountXprv derives the private key of account 0, m/84'/coin'/0' (BIP 84) or
// m/86'/coin'/0' (BIP 86), from a seed of 16 to 64 bytes, with its origin. The
// caller must call Zero on the key when done with it.
func AccountXprv(seed []byte, kind Kind, net *chaincfg.Params) (*hdkeychain.ExtendedKey, Origin, error) {
	purpose, err := kind.purpose()
	if err != nil {
		return nil, Origin{}, err
	}
	unusable := func(err error) (*hdkeychain.ExtendedKey, Origin, error) {
		return nil, Origin{}, errs.Wrap(err, errs.Invalid, "bad_seed", "The seed cannot be used: it must be 16 to 64 random bytes.")
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
	for _, step := range []uint32{purpose, net.HDCoinType, 0} {
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

// DescriptorFromSeed returns the public descriptor of account 0 of a seed.
func DescriptorFromSeed(seed []byte, kind Kind, net *chaincfg.Params) (*Descriptor, error) {
	account, origin, err := AccountXprv(seed, kind, net)
	if err != nil {
		return nil, err
	}
	defer account.Zero()
	xpub, err := account.Neuter()
	if err != nil {
		return nil, errs.Wrap(err, errs.Internal, "bad_derivation", "The account's public key cannot be derived.")
	}
	return ParseDescriptor(string(kind)+"("+origin.String()+xpub.String()+"/<0;1>/*)", net)
}
