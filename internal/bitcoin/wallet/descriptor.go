package wallet

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/causeway-fund/causeway/internal/errs"
)

// The two chains of a treasury: what it receives at, and where change returns.
const (
	ChainDeposit uint32 = 0
	ChainChange  uint32 = 1
)

const (
	// MaxKeys is the most keys that a sortedmulti may have: what BIP 383 allows
	// in P2SH, and what every signing device can show.
	MaxKeys = 15
	// maxDescriptorLen is above 15 keys with long origins, 200 characters each.
	maxDescriptorLen = 4096
)

// Kind is the script type of a descriptor.
type Kind string

// The kinds a treasury may have.
const (
	KindWPKH Kind = "wpkh" // BIP 141 P2WPKH
	KindTR   Kind = "tr"   // BIP 341 P2TR, key path only
	KindWSH  Kind = "wsh"  // BIP 141 P2WSH of a BIP 383 sortedmulti
)

// Descriptor is a ranged output descriptor with a deposit and a change chain:
// wpkh(KEY), tr(KEY) or wsh(sortedmulti(k,KEY,…)), where KEY is
// [origin]xpub/…/<deposit;change>/…/* (BIPs 380, 382, 383, 386, 389). What it
// says never changes; it is safe for concurrent use.
type Descriptor struct {
	kind      Kind
	net       *chaincfg.Params
	keys      []*keyExpr
	threshold int
	derived   derivedCache
}

// ParseDescriptor reads a treasury descriptor of net. A checksum may be left
// out; one that is present must match. Errors are Invalid with code
// bad_descriptor, bad_checksum, wrong_network, private_key_in_descriptor or
// duplicate_key.
func ParseDescriptor(s string, net *chaincfg.Params) (*Descriptor, error) {
	return parseDescriptor(s, net, false)
}

// ParseChecksummed is ParseDescriptor for text that travelled through a file or
// a person: a missing checksum is an error too.
func ParseChecksummed(s string, net *chaincfg.Params) (*Descriptor, error) {
	return parseDescriptor(s, net, true)
}

func parseDescriptor(s string, net *chaincfg.Params, needChecksum bool) (*Descriptor, error) {
	if len(s) > maxDescriptorLen {
		return nil, badDescriptor(errors.New("it is too long"))
	}
	payload, found, err := splitChecksum(s)
	if err != nil {
		return nil, errs.Wrap(err, errs.Invalid, CodeBadChecksum, "The descriptor cannot be used: "+err.Error()+".")
	}
	if needChecksum && !found {
		return nil, errs.New(
			errs.Invalid,
			CodeBadChecksum,
			"The descriptor has no checksum. Add the # and the 8 characters after it.",
		)
	}
	d := &Descriptor{net: net}
	keys, err := d.takeKind(payload)
	if err != nil {
		return nil, badDescriptor(err)
	}
	for _, s := range keys {
		key, err := parseKey(s, net)
		if err != nil {
			return nil, err
		}
		d.keys = append(d.keys, key)
	}
	return d, d.checkDistinct()
}

func badDescriptor(err error) error {
	return errs.Wrap(err, errs.Invalid, errs.CodeBadDescriptor, "The descriptor cannot be used: "+err.Error()+".")
}

// takeKind reads everything around the keys.
func (d *Descriptor) takeKind(payload string) (keys []string, err error) {
	name, inner, _ := strings.Cut(payload, "(")
	switch d.kind = Kind(name); d.kind {
	case KindWPKH, KindTR:
		key, ok := strings.CutSuffix(inner, ")")
		if !ok {
			return nil, errors.New("the closing bracket is missing")
		}
		if strings.Contains(key, ",") {
			return nil, errors.New("a tr() with script paths is not supported")
		}
		d.threshold = 1
		return []string{key}, nil
	case KindWSH:
		return d.takeMulti(inner)
	}
	return nil, errors.New("a treasury is wpkh(…), tr(…) or wsh(sortedmulti(…))")
}

func (d *Descriptor) takeMulti(inner string) (keys []string, err error) {
	inner, ok := strings.CutPrefix(inner, "sortedmulti(")
	if !ok {
		return nil, errors.New("inside wsh() only sortedmulti(…) is supported")
	}
	if inner, ok = strings.CutSuffix(inner, "))"); !ok {
		return nil, errors.New("the closing brackets are missing")
	}
	parts := strings.Split(inner, ",")
	k, err := strconv.ParseUint(parts[0], 10, 8)
	if err != nil || strconv.FormatUint(k, 10) != parts[0] {
		return nil, fmt.Errorf("%q is not a number of signatures", parts[0])
	}
	keys = parts[1:]
	switch {
	case k == 0:
		return nil, errors.New("at least one signature must be needed")
	case len(keys) > MaxKeys:
		return nil, fmt.Errorf("it has %d keys; %d are allowed", len(keys), MaxKeys)
	case int(k) > len(keys):
		return nil, fmt.Errorf("it asks for %d signatures and has %d keys", k, len(keys))
	}
	d.threshold = int(k)
	return keys, nil
}

// checkDistinct refuses a key that stands for two signers. Keys that differ only
// in their path count as the same one, and so do two of one master key: what
// looks like two people would be one.
func (d *Descriptor) checkDistinct() error {
	twice := func(what string, i, j int) error {
		return errs.Newf(
			errs.Invalid,
			CodeDuplicateKey,
			"Keys %d and %d of the descriptor %s. Each signer needs a key of their own, with the fingerprint of its own master key.",
			i+1,
			j+1,
			what,
		)
	}
	for j, b := range d.keys {
		for i, a := range d.keys[:j] {
			if a.master.Fingerprint == b.master.Fingerprint {
				return twice("have the same fingerprint", i, j)
			}
			if sameKey(a.xpub, b.xpub) {
				return twice("are the same", i, j)
			}
			for _, p := range a.parents {
				for _, q := range b.parents {
					if bytes.Equal(p.pub, q.pub) {
						return twice("lead to the same keys", i, j)
					}
				}
			}
		}
	}
	return nil
}

func sameKey(a, b *hdkeychain.ExtendedKey) bool {
	pubA, errA := a.ECPubKey()
	pubB, errB := b.ECPubKey()
	return errA != nil || errB != nil || pubA.IsEqual(pubB) && bytes.Equal(a.ChainCode(), b.ChainCode())
}

// Kind returns the descriptor's script type.
func (d *Descriptor) Kind() Kind { return d.kind }

// Net returns the network the descriptor belongs to.
func (d *Descriptor) Net() *chaincfg.Params { return d.net }

// Threshold returns how many signatures an input needs, and how many keys could
// give one: (1, 1) for wpkh and tr.
func (d *Descriptor) Threshold() (k, n int) { return d.threshold, len(d.keys) }

// Fingerprints returns the master fingerprint of each key, 8 hex digits in lower
// case, in the descriptor's order. No two are the same.
func (d *Descriptor) Fingerprints() []string {
	out := make([]string, len(d.keys))
	for i, k := range d.keys {
		out[i] = hex.EncodeToString(k.master.Fingerprint[:])
	}
	return out
}

// Origins returns the master fingerprint and the path of each key's xpub, in the
// descriptor's order. Without a stated origin an xpub is its own master.
func (d *Descriptor) Origins() []Origin {
	out := make([]Origin, len(d.keys))
	for i, k := range d.keys {
		out[i] = Origin{Fingerprint: k.master.Fingerprint, Path: append([]uint32(nil), k.master.Path...)}
	}
	return out
}

// String returns the canonical text with its checksum: hardened steps as "h",
// fingerprints in lower case, keys in the order they were given.
func (d *Descriptor) String() string {
	texts := make([]string, len(d.keys))
	for i, k := range d.keys {
		texts[i] = k.String()
	}
	body := string(d.kind) + "(" + strings.Join(texts, ",") + ")"
	if d.kind == KindWSH {
		body = multiText(d.threshold, texts)
	}
	sum, err := descriptorChecksum(body)
	if err != nil {
		return body // cannot happen: every character above is in the alphabet
	}
	return body + "#" + sum
}

func multiText(k int, keys []string) string {
	return fmt.Sprintf("wsh(sortedmulti(%d,%s))", k, strings.Join(keys, ","))
}

// MultisigDescriptor returns wsh(sortedmulti(k,keys…)) of KEY expressions as
// KeyExpression writes them. Errors are those of ParseDescriptor.
func MultisigDescriptor(k int, keys []string, net *chaincfg.Params) (*Descriptor, error) {
	return ParseDescriptor(multiText(k, keys), net)
}
