package wallet

import (
	"bytes"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"

	"github.com/causeway-fund/causeway/internal/errs"
)

// Offsets in a serialized extended key, BIP 32: version, depth, parent
// fingerprint, child number, chain code, key.
const (
	xkeyLen      = 78
	xkeyDepth    = 4
	xkeyParent   = 5
	xkeyChild    = 9
	xkeyKey      = 45
	xkeyChecksum = 4
)

// parseXpub reads an extended public key of net and refuses every key that
// BIP 32 calls invalid; hdkeychain alone accepts some of them.
func parseXpub(s string, net *chaincfg.Params) (*hdkeychain.ExtendedKey, error) {
	bad := func(code errs.Code, format string, args ...any) (*hdkeychain.ExtendedKey, error) {
		return nil, errs.Newf(errs.Invalid, code, format, args...)
	}
	raw := base58.Decode(s)
	if len(raw) != xkeyLen+xkeyChecksum {
		return bad(errs.CodeBadDescriptor, "The key is not an extended public key (xpub, tpub or spub).")
	}
	payload, sum := raw[:xkeyLen], raw[xkeyLen:]
	if !bytes.Equal(chainhash.DoubleHashB(payload)[:xkeyChecksum], sum) {
		return bad(CodeBadChecksum, "The extended public key is mistyped: its checksum does not match.")
	}
	version, key := payload[:xkeyDepth], payload[xkeyKey:]
	if key[0] == 0 || isPrivateVersion(version) {
		return bad(CodePrivateKeyInDescriptor,
			"The descriptor holds a private key. Treat that key as exposed, and give the public descriptor instead.")
	}
	if !bytes.Equal(version, net.HDPublicKeyID[:]) {
		for _, other := range networks() {
			if bytes.Equal(version, other.HDPublicKeyID[:]) {
				return bad(CodeWrongNetwork, "The extended public key is for %s, not for %s.", other.Name, net.Name)
			}
		}
		return bad(
			errs.CodeBadDescriptor,
			"The extended key has an unknown version. Write zpub, ypub and the like as a plain xpub or tpub: wpkh(…) and tr(…) already say the kind.",
		)
	}
	if payload[xkeyDepth] == 0 && !bytes.Equal(payload[xkeyParent:xkeyChild+4], make([]byte, 8)) {
		return bad(errs.CodeBadDescriptor, "The extended public key claims to be a root and to have a parent at once.")
	}
	parsed, err := hdkeychain.NewKeyFromString(s)
	if err != nil {
		return nil, errs.Wrap(
			err,
			errs.Invalid,
			errs.CodeBadDescriptor,
			"The extended public key is not a point on the curve.",
		)
	}
	return parsed, nil
}

func isPrivateVersion(version []byte) bool {
	for _, net := range networks() {
		if bytes.Equal(version, net.HDPrivateKeyID[:]) {
			return true
		}
	}
	return false
}
