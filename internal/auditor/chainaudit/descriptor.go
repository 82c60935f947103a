package chainaudit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"

	"github.com/causeway-fund/causeway/internal/errs"
)

// The chains of a treasury, by their place in <0;1>.
const (
	deposit uint32 = iota
	change
	chainCount
)

const (
	maxDescriptor = 8192 // 20 keys with long origins take less
	maxKeys       = 20   // BIP383
)

// treasury derives the scripts of one descriptor. It is not safe for concurrent
// use.
type treasury struct {
	net       *chaincfg.Params
	wrapper   string // wpkh, tr or wsh
	threshold int    // of wsh
	text      string // with h for hardened steps and a checksum, as signers write it
	// parents are the keys just above the wildcard, by chain and place.
	parents [chainCount][]*hdkeychain.ExtendedKey
}

// parseDescriptor reads wpkh(KEY), tr(KEY) or wsh(sortedmulti(k,KEY,...)) with a
// BIP380 checksum, where KEY is [origin]xpub/.../<a;b>/.../* of net.
func parseDescriptor(text string, net *chaincfg.Params) (*treasury, error) {
	t, err := readDescriptor(strings.TrimSpace(text), net)
	if err != nil {
		return nil, errs.Wrap(
			err,
			errs.Invalid,
			errs.CodeBadDescriptor,
			"The descriptor cannot be used: "+err.Error()+".",
		)
	}
	return t, nil
}

func readDescriptor(text string, net *chaincfg.Params) (*treasury, error) {
	if len(text) > maxDescriptor {
		return nil, errors.New("it is too long")
	}
	body, sum, found := strings.Cut(text, "#")
	if !found {
		return nil, errors.New("it has no checksum; add # and the 8 characters after it")
	}
	want, err := checksum(body)
	if err != nil {
		return nil, err
	}
	if sum != want {
		return nil, errors.New("its checksum does not match: a character was changed or lost")
	}
	t := &treasury{net: net}
	keys, err := t.takeWrapper(body)
	if err != nil {
		return nil, err
	}
	plain := make([]string, len(keys))
	seen := map[string]bool{}
	for i, key := range keys {
		if plain[i], err = t.addKey(key, seen); err != nil {
			return nil, err
		}
	}
	return t, t.spell(plain)
}

// takeWrapper returns the key expressions inside the script expression.
func (t *treasury) takeWrapper(body string) ([]string, error) {
	name, rest, ok := strings.Cut(body, "(")
	inner, closed := strings.CutSuffix(rest, ")")
	if !ok || !closed {
		return nil, errors.New("a bracket is missing")
	}
	t.wrapper = name
	switch name {
	case "wpkh", "tr":
		if strings.Contains(inner, ",") {
			return nil, errors.New("only the key path of tr() is supported")
		}
		return []string{inner}, nil
	case "wsh":
		inner, ok := strings.CutPrefix(inner, "sortedmulti(")
		inner, closed := strings.CutSuffix(inner, ")")
		if !ok || !closed {
			return nil, errors.New("only wsh(sortedmulti(...)) is supported")
		}
		keys := strings.Split(inner, ",")
		k, err := number(keys[0])
		if err != nil || k < 1 || int(k) > len(keys)-1 || len(keys)-1 > maxKeys {
			return nil, errors.New("its threshold does not fit its number of keys")
		}
		t.threshold = int(k)
		return keys[1:], nil
	}
	return nil, errors.New("a treasury is wpkh(...), tr(...) or wsh(sortedmulti(...))")
}

// addKey reads one key expression and derives its parents; it returns the
// expression as signers spell it.
func (t *treasury) addKey(expr string, seen map[string]bool) (string, error) {
	origin, rest, err := cutOrigin(expr)
	if err != nil {
		return "", err
	}
	xpub, path, _ := strings.Cut(rest, "/")
	key, err := hdkeychain.NewKeyFromString(xpub)
	switch {
	case err != nil:
		return "", errors.New("one of its extended keys cannot be read")
	case key.IsPrivate():
		return "", errors.New("it holds a private key; treat that key as exposed")
	case !bytes.Equal(key.Version(), t.net.HDPublicKeyID[:]):
		return "", fmt.Errorf("one of its extended keys is not for %s", t.net.Name)
	}
	steps, err := readPath(path)
	if err != nil {
		return "", err
	}
	for c := range chainCount {
		parent := key
		for _, step := range steps[c] {
			if parent, err = parent.Derive(step); err != nil {
				return "", fmt.Errorf("a key cannot be derived: %w", err)
			}
		}
		if seen[parent.String()] {
			return "", errors.New("it contains a key twice")
		}
		seen[parent.String()] = true
		t.parents[c] = append(t.parents[c], parent)
	}
	return origin + rest, nil
}

// spell keeps the descriptor as signers hash it.
func (t *treasury) spell(keys []string) error {
	body := t.wrapper + "(" + keys[0] + ")"
	if t.wrapper == "wsh" {
		body = fmt.Sprintf("wsh(sortedmulti(%d,%s))", t.threshold, strings.Join(keys, ","))
	}
	sum, err := checksum(body)
	t.text = body + "#" + sum
	return err
}

// hash is what a signer's journal calls its treasury.
func (t *treasury) hash() string {
	h := sha256.Sum256([]byte(t.text))
	return hex.EncodeToString(h[:])
}

// cutOrigin parts [fingerprint/path] from what follows and spells it with h and
// lower-case digits.
func cutOrigin(expr string) (origin, rest string, err error) {
	inner, ok := strings.CutPrefix(expr, "[")
	if !ok {
		return "", expr, nil
	}
	inner, rest, ok = strings.Cut(inner, "]")
	parts := strings.Split(inner, "/")
	if raw, err := hex.DecodeString(parts[0]); !ok || err != nil || len(raw) != 4 {
		return "", "", errors.New("a key origin is not [8 hex digits/path]")
	}
	parts[0] = strings.ToLower(parts[0])
	for i, step := range parts[1:] {
		digits := strings.TrimSuffix(strings.TrimSuffix(step, "h"), "'")
		if _, err := number(digits); err != nil || len(step)-len(digits) > 1 {
			return "", "", fmt.Errorf("%q is not a derivation step", step)
		}
		if digits != step {
			parts[i+1] = digits + "h"
		}
	}
	return "[" + strings.Join(parts, "/") + "]", rest, nil
}

// readPath reads what follows an extended key and returns its steps for each
// chain (BIP389).
func readPath(path string) (steps [chainCount][]uint32, err error) {
	path, ok := strings.CutSuffix(path, "/*")
	if !ok {
		return steps, errors.New("a key does not end with <0;1>/*, which makes a deposit and a change chain")
	}
	split := false
	for _, step := range strings.Split(path, "/") {
		pair := []string{step, step}
		if inner, ok := strings.CutPrefix(step, "<"); ok {
			inner, closed := strings.CutSuffix(inner, ">")
			pair = strings.Split(inner, ";")
			if !closed || split || len(pair) != int(chainCount) || pair[0] == pair[1] {
				return steps, errors.New("a key needs exactly one <a;b> step with two chains")
			}
			split = true
		}
		for c := range chainCount {
			n, err := number(pair[c])
			if err != nil {
				return steps, err
			}
			steps[c] = append(steps[c], n)
		}
	}
	if !split {
		return steps, errors.New("a key has no change chain: write <0;1>/* in place of 0/*")
	}
	return steps, nil
}

// number reads an unhardened step, without sign or leading zeros.
func number(digits string) (uint32, error) {
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil || strconv.FormatUint(n, 10) != digits {
		return 0, fmt.Errorf("%q is not a derivation step", digits)
	}
	return uint32(n), nil
}

// script returns the scriptPubKey at index of a chain.
func (t *treasury) script(chain, index uint32) ([]byte, error) {
	keys := make([][]byte, len(t.parents[chain]))
	for i, parent := range t.parents[chain] {
		child, err := parent.Derive(index)
		if err != nil {
			return nil, fmt.Errorf("derive %d/%d: %w", chain, index, err)
		}
		pub, err := child.ECPubKey()
		if err != nil {
			return nil, fmt.Errorf("derive %d/%d: %w", chain, index, err)
		}
		if t.wrapper == "tr" { // BIP386: tweaked as having no scripts
			return witness(txscript.OP_1, schnorr.SerializePubKey(txscript.ComputeTaprootKeyNoScript(pub)))
		}
		keys[i] = pub.SerializeCompressed()
	}
	if t.wrapper == "wpkh" {
		return witness(txscript.OP_0, address.Hash160(keys[0]))
	}
	slices.SortFunc(keys, bytes.Compare) // BIP67
	b := txscript.NewScriptBuilder().AddInt64(int64(t.threshold))
	for _, key := range keys {
		b.AddData(key)
	}
	multi, err := b.AddInt64(int64(len(keys))).AddOp(txscript.OP_CHECKMULTISIG).Script()
	if err != nil {
		return nil, err
	}
	program := sha256.Sum256(multi)
	return witness(txscript.OP_0, program[:])
}

func witness(version byte, program []byte) ([]byte, error) {
	return txscript.NewScriptBuilder().AddOp(version).AddData(program).Script()
}

// checksum returns the eight characters that BIP380 puts after '#'.
func checksum(body string) (string, error) {
	const (
		input  = "0123456789()[],'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#\"\\ "
		output = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	)
	symbols := make([]uint64, 0, len(body)*4/3+9)
	group, in := uint64(0), 0
	for _, r := range body {
		at := strings.IndexRune(input, r)
		if at < 0 {
			return "", fmt.Errorf("no descriptor may hold the character %q", r)
		}
		symbols = append(symbols, uint64(at%32))
		group, in = group*3+uint64(at/32), in+1
		if in == 3 {
			symbols, group, in = append(symbols, group), 0, 0
		}
	}
	if in > 0 {
		symbols = append(symbols, group)
	}
	c := uint64(1)
	for _, s := range append(symbols, make([]uint64, 8)...) {
		top := c >> 35
		c = c<<5&(1<<40-1) ^ s
		for i, g := range [...]uint64{0xf5dee51989, 0xa9fdca3312, 0x1bab10e32d, 0x3706b1677a, 0x644d626ffd} {
			c ^= g * (top >> i & 1)
		}
	}
	c ^= 1
	sum := make([]byte, 8)
	for i := range sum {
		sum[i] = output[c>>(35-5*i)%32]
	}
	return string(sum), nil
}
