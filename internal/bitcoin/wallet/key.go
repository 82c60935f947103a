package wallet

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/psbt/v2"
)

// Origin says where an extended key came from: the fingerprint of the master
// key and the path from it (BIP 380 key origin).
type Origin struct {
	Fingerprint [4]byte
	Path        []uint32
}

// keyExpr is one KEY of a descriptor: [origin]xpub/…/<deposit;change>/…/*
// (BIPs 380 and 389).
type keyExpr struct {
	xpub   *hdkeychain.ExtendedKey
	origin *Origin // nil when the descriptor states none
	before []uint32
	chains [2]uint32
	after  []uint32
	// parents are the keys just above the wildcard, one a chain.
	parents [2]*parentKey
	// master is origin, or the xpub's own fingerprint.
	master Origin
}

// parseKey reads one KEY. Its errors are *errs.Error where the extended key
// itself is at fault.
func parseKey(s string, net *chaincfg.Params) (*keyExpr, error) {
	k := &keyExpr{}
	rest, err := k.takeOrigin(s)
	if err != nil {
		return nil, badDescriptor(err)
	}
	xpub, path, _ := strings.Cut(rest, "/")
	if k.xpub, err = parseXpub(xpub, net); err != nil {
		return nil, err
	}
	if err := k.takePath(path); err != nil {
		return nil, badDescriptor(err)
	}
	if err := k.deriveParents(); err != nil {
		return nil, badDescriptor(err)
	}
	return k, nil
}

func (k *keyExpr) takeOrigin(key string) (rest string, err error) {
	inner, ok := strings.CutPrefix(key, "[")
	if !ok {
		return key, nil
	}
	inner, rest, ok = strings.Cut(inner, "]")
	if !ok {
		return "", errors.New("the key origin is not closed")
	}
	fingerprint, path, hasPath := strings.Cut(inner, "/")
	raw, err := hex.DecodeString(fingerprint)
	if err != nil || len(raw) != 4 {
		return "", errors.New("the key origin must start with 8 hex digits")
	}
	k.origin = &Origin{Fingerprint: [4]byte(raw)}
	if hasPath {
		for _, step := range strings.Split(path, "/") {
			n, err := parseStep(step, true)
			if err != nil {
				return "", err
			}
			k.origin.Path = append(k.origin.Path, n)
		}
	}
	return rest, nil
}

func (k *keyExpr) takePath(path string) error {
	inner, ok := strings.CutSuffix(path, "/*")
	if !ok {
		return errors.New("the key must end with /<0;1>/*, so that it has a deposit and a change chain")
	}
	seen := false
	for _, step := range strings.Split(inner, "/") {
		multi, isMulti := strings.CutPrefix(step, "<")
		if !isMulti {
			n, err := parseStep(step, false)
			if err != nil {
				return err
			}
			if seen {
				k.after = append(k.after, n)
			} else {
				k.before = append(k.before, n)
			}
			continue
		}
		if seen {
			return errors.New("only one <…;…> step is allowed")
		}
		seen = true
		if err := k.takeChains(multi); err != nil {
			return err
		}
	}
	if !seen {
		return errors.New("the key has no change chain: write /<0;1>/* in place of /0/*")
	}
	return nil
}

func (k *keyExpr) takeChains(multi string) error {
	multi, ok := strings.CutSuffix(multi, ">")
	if !ok {
		return errors.New("the <…;…> step is not closed")
	}
	steps := strings.Split(multi, ";")
	if len(steps) != len(k.chains) {
		return errors.New("the <…;…> step must name exactly two chains")
	}
	for i, step := range steps {
		n, err := parseStep(step, false)
		if err != nil {
			return err
		}
		k.chains[i] = n
	}
	if k.chains[0] == k.chains[1] {
		return errors.New("the deposit and the change chain must differ")
	}
	return nil
}

// parseStep reads one step of a path. A public key has no hardened children, so
// hardened steps are allowed only in an origin.
func parseStep(step string, hardenedAllowed bool) (uint32, error) {
	digits, hardened := step, false
	if n := len(step); n > 0 && (step[n-1] == 'h' || step[n-1] == '\'') {
		digits, hardened = step[:n-1], true
	}
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil || strconv.FormatUint(n, 10) != digits {
		return 0, fmt.Errorf("%q is not a derivation step", step)
	}
	if !hardened {
		return uint32(n), nil
	}
	if !hardenedAllowed {
		return 0, errors.New("a hardened step after the extended public key cannot be derived")
	}
	return uint32(n) + hdkeychain.HardenedKeyStart, nil
}

func (k *keyExpr) deriveParents() error {
	for i, chain := range k.chains {
		key := k.xpub
		for _, step := range k.path(nil, chain) {
			var err error
			if key, err = key.Derive(step); err != nil {
				return fmt.Errorf("the key cannot be derived: %w", err)
			}
		}
		parent, err := newParentKey(key)
		if err != nil {
			return fmt.Errorf("the key is no point on the curve: %w", err)
		}
		k.parents[i] = parent
	}
	if k.origin != nil {
		k.master = *k.origin
		return nil
	}
	// BIP 380: without a stated origin the xpub is its own master.
	pub, err := k.xpub.ECPubKey()
	if err != nil {
		return fmt.Errorf("the key is no point on the curve: %w", err)
	}
	k.master = Origin{Fingerprint: [4]byte(address.Hash160(pub.SerializeCompressed()))}
	return nil
}

// path appends to prefix the steps from the xpub down to the wildcard's parent.
func (k *keyExpr) path(prefix []uint32, chainStep uint32) []uint32 {
	path := append([]uint32(nil), prefix...)
	path = append(path, k.before...)
	path = append(path, chainStep)
	return append(path, k.after...)
}

// derivation is the BIP 174 field that says where pub, the key at chain and
// index, comes from.
func (k *keyExpr) derivation(pub *btcec.PublicKey, chain, index uint32) *psbt.Bip32Derivation {
	return &psbt.Bip32Derivation{
		PubKey:               pub.SerializeCompressed(),
		MasterKeyFingerprint: fingerprintField(k.master.Fingerprint),
		Bip32Path:            append(k.path(k.master.Path, k.chains[chain]), index),
	}
}

// fingerprintField is a fingerprint as the psbt package holds it: a number that
// it writes in little-endian order.
func fingerprintField(fingerprint [4]byte) uint32 { return binary.LittleEndian.Uint32(fingerprint[:]) }

// locate finds which chain and index a PSBT derivation claims for this key.
func (k *keyExpr) locate(fingerprint uint32, path []uint32) (chain, index uint32, ok bool) {
	if len(path) == 0 || fingerprint != fingerprintField(k.master.Fingerprint) {
		return 0, 0, false
	}
	index = path[len(path)-1]
	for chain := range k.chains {
		if slices.Equal(path[:len(path)-1], k.path(k.master.Path, k.chains[chain])) {
			return uint32(chain), index, true
		}
	}
	return 0, 0, false
}

// String returns the canonical text: hardened steps as "h", fingerprint in lower
// case.
func (k *keyExpr) String() string {
	var b strings.Builder
	if k.origin != nil {
		b.WriteString(k.origin.String())
	}
	b.WriteString(k.xpub.String())
	for _, n := range k.before {
		fmt.Fprintf(&b, "/%d", n)
	}
	fmt.Fprintf(&b, "/<%d;%d>", k.chains[0], k.chains[1])
	for _, n := range k.after {
		fmt.Fprintf(&b, "/%d", n)
	}
	b.WriteString("/*")
	return b.String()
}

// String writes the origin as a descriptor does: [d34db33f/84h/0h/0h].
func (o Origin) String() string {
	var b strings.Builder
	b.WriteString("[" + hex.EncodeToString(o.Fingerprint[:]))
	for _, n := range o.Path {
		if n >= hdkeychain.HardenedKeyStart {
			fmt.Fprintf(&b, "/%dh", n-hdkeychain.HardenedKeyStart)
		} else {
			fmt.Fprintf(&b, "/%d", n)
		}
	}
	return b.String() + "]"
}

// GlobalXPubs returns PSBT_GLOBAL_XPUB (BIP 174) for each key of a treasury of
// several, by which devices know whose the other keys are. A key whose stated path has
// another length than the key's own depth is left out, as the format asks for; a
// treasury of one key has none.
func (d *Descriptor) GlobalXPubs() []psbt.XPub {
	if d.kind != KindWSH {
		return nil
	}
	var list []psbt.XPub
	for _, k := range d.keys {
		if int(k.xpub.Depth()) != len(k.master.Path) {
			continue
		}
		list = append(list, psbt.XPub{
			ExtendedKey:          psbt.EncodeExtendedKey(k.xpub),
			MasterKeyFingerprint: fingerprintField(k.master.Fingerprint),
			Bip32Path:            k.master.Path,
		})
	}
	return list
}
