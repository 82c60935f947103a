package wallet

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/causeway-fund/causeway/internal/errs"
)

// The two chains of a treasury: what it receives at, and where change returns.
const (
	ChainDeposit uint32 = 0
	ChainChange  uint32 = 1
)

// maxDescriptorLen is far above any descriptor this package accepts.
const maxDescriptorLen = 1024

// Kind is the script type of a descriptor.
type Kind string

// The kinds a treasury may have.
const (
	KindWPKH Kind = "wpkh" // BIP 141 P2WPKH
	KindTR   Kind = "tr"   // BIP 341 P2TR, key path only
)

// Origin says where an extended key came from: the fingerprint of the master
// key and the path from it (BIP 380 key origin).
type Origin struct {
	Fingerprint [4]byte
	Path        []uint32
}

// Descriptor is a ranged single-key output descriptor with a deposit and a
// change chain: wpkh(KEY) or tr(KEY), where KEY is
// [origin]xpub/…/<deposit;change>/…/* (BIPs 380, 382, 386, 389). It is
// immutable and safe for concurrent use.
type Descriptor struct {
	kind   Kind
	net    *chaincfg.Params
	xpub   *hdkeychain.ExtendedKey
	origin *Origin // nil when the descriptor states none
	before []uint32
	chains [2]uint32
	after  []uint32
	// parents are the keys just above the wildcard, one a chain.
	parents [2]*hdkeychain.ExtendedKey
}

// ParseDescriptor reads a treasury descriptor of net. A checksum may be left
// out; one that is present must match. Errors are Invalid with code
// bad_descriptor, bad_checksum, wrong_network or private_key_in_descriptor.
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
		return nil, errs.Wrap(err, errs.Invalid, "bad_checksum", "The descriptor cannot be used: "+err.Error()+".")
	}
	if needChecksum && !found {
		return nil, errs.New(errs.Invalid, "bad_checksum", "The descriptor has no checksum. Add the # and the 8 characters after it.")
	}
	d := &Descriptor{net: net}
	key, err := d.takeKind(payload)
	if err != nil {
		return nil, badDescriptor(err)
	}
	if key, err = d.takeOrigin(key); err != nil {
		return nil, badDescriptor(err)
	}
	xpub, path, _ := strings.Cut(key, "/")
	if d.xpub, err = parseXpub(xpub, net); err != nil {
		return nil, err
	}
	if err := d.takePath(path); err != nil {
		return nil, badDescriptor(err)
	}
	if err := d.deriveParents(); err != nil {
		return nil, badDescriptor(err)
	}
	return d, nil
}

func badDescriptor(err error) error {
	return errs.Wrap(err, errs.Invalid, "bad_descriptor", "The descriptor cannot be used: "+err.Error()+".")
}

func (d *Descriptor) takeKind(payload string) (key string, err error) {
	for _, kind := range []Kind{KindWPKH, KindTR} {
		inner, ok := strings.CutPrefix(payload, string(kind)+"(")
		if !ok {
			continue
		}
		key, ok = strings.CutSuffix(inner, ")")
		if !ok {
			return "", errors.New("the closing bracket is missing")
		}
		if strings.Contains(key, ",") {
			return "", errors.New("a tr() with script paths is not supported")
		}
		d.kind = kind
		return key, nil
	}
	return "", errors.New("a treasury is wpkh(…) or tr(…)")
}

func (d *Descriptor) takeOrigin(key string) (rest string, err error) {
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
	d.origin = &Origin{Fingerprint: [4]byte(raw)}
	if hasPath {
		for _, step := range strings.Split(path, "/") {
			n, err := parseStep(step, true)
			if err != nil {
				return "", err
			}
			d.origin.Path = append(d.origin.Path, n)
		}
	}
	return rest, nil
}

func (d *Descriptor) takePath(path string) error {
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
				d.after = append(d.after, n)
			} else {
				d.before = append(d.before, n)
			}
			continue
		}
		if seen {
			return errors.New("only one <…;…> step is allowed")
		}
		seen = true
		if err := d.takeChains(multi); err != nil {
			return err
		}
	}
	if !seen {
		return errors.New("the key has no change chain: write /<0;1>/* in place of /0/*")
	}
	return nil
}

func (d *Descriptor) takeChains(multi string) error {
	multi, ok := strings.CutSuffix(multi, ">")
	if !ok {
		return errors.New("the <…;…> step is not closed")
	}
	steps := strings.Split(multi, ";")
	if len(steps) != len(d.chains) {
		return errors.New("the <…;…> step must name exactly two chains")
	}
	for i, step := range steps {
		n, err := parseStep(step, false)
		if err != nil {
			return err
		}
		d.chains[i] = n
	}
	if d.chains[0] == d.chains[1] {
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

func (d *Descriptor) deriveParents() error {
	for i, chain := range d.chains {
		key := d.xpub
		for _, step := range d.path(nil, chain) {
			var err error
			if key, err = key.Derive(step); err != nil {
				return fmt.Errorf("the key cannot be derived: %w", err)
			}
		}
		d.parents[i] = key
	}
	return nil
}

// path appends to prefix the steps from the xpub down to the wildcard's parent.
func (d *Descriptor) path(prefix []uint32, chainStep uint32) []uint32 {
	path := append([]uint32(nil), prefix...)
	path = append(path, d.before...)
	path = append(path, chainStep)
	return append(path, d.after...)
}

// Kind returns the descriptor's script type.
func (d *Descriptor) Kind() Kind { return d.kind }

// Net returns the network the descriptor belongs to.
func (d *Descriptor) Net() *chaincfg.Params { return d.net }

// Origin returns the master fingerprint and the path of the xpub. Without a
// stated origin the xpub is its own master, as BIP 380 has it.
func (d *Descriptor) Origin() Origin {
	if d.origin != nil {
		return Origin{Fingerprint: d.origin.Fingerprint, Path: append([]uint32(nil), d.origin.Path...)}
	}
	pub, err := d.xpub.ECPubKey()
	if err != nil {
		return Origin{}
	}
	return Origin{Fingerprint: [4]byte(address.Hash160(pub.SerializeCompressed()))}
}

// String returns the canonical text with its checksum: hardened steps as "h",
// fingerprint in lower case.
func (d *Descriptor) String() string {
	var b strings.Builder
	b.WriteString(string(d.kind) + "(")
	if d.origin != nil {
		b.WriteString(d.origin.String())
	}
	b.WriteString(d.xpub.String())
	for _, n := range d.before {
		fmt.Fprintf(&b, "/%d", n)
	}
	fmt.Fprintf(&b, "/<%d;%d>", d.chains[0], d.chains[1])
	for _, n := range d.after {
		fmt.Fprintf(&b, "/%d", n)
	}
	b.WriteString("/*)")
	sum, err := descriptorChecksum(b.String())
	if err != nil {
		return b.String() // cannot happen: every character above is in the alphabet
	}
	return b.String() + "#" + sum
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
