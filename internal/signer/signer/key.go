package signer

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"filippo.io/age"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/sshsig"
)

const (
	seedBytes  = 32
	maxKeyFile = 16 << 10

	// DefaultWorkFactor is log2 of the scrypt cost of a key file: about a second.
	DefaultWorkFactor = 18

	minWorkFactor, maxWorkFactor = 10, 22
)

// Key is a private key of the treasury and what follows from it, and the key of this
// signer's acks.
type Key struct {
	account    *hdkeychain.ExtendedKey
	acks       ed25519.PrivateKey // nil: a key that was not read from a file
	descriptor *wallet.Descriptor // nil: shared, and not yet told with whom
	params     *chaincfg.Params
	origin     wallet.Origin
	expression string
}

const keyFileVersion = 3

// keyFile is the plain text inside the encryption. Descriptor is there for a key that
// is one of several, once somebody has said which.
type keyFile struct {
	V          int         `json:"v"`
	Network    string      `json:"network"`
	Kind       wallet.Kind `json:"kind"`
	Seed       []byte      `json:"seed"`
	Acks       []byte      `json:"acks"` // seed of the Ed25519 key
	Descriptor string      `json:"descriptor,omitempty"`
}

func (f keyFile) clear() {
	clear(f.Seed)
	clear(f.Acks)
}

// key derives what the file holds.
func (f keyFile) key(params *chaincfg.Params) (*Key, error) {
	var key *Key
	var err error
	if f.Descriptor != "" {
		key, err = NewSharedKey(f.Seed, f.Descriptor, params)
	} else {
		key, err = NewKey(f.Seed, f.Kind, params)
	}
	if err != nil {
		return nil, err
	}
	return key.WithAcks(f.Acks), nil
}

// NewKey derives account 0 of seed (BIP84 for wpkh, BIP86 for tr, BIP48 script
// type 2 for wsh). A wsh key has no descriptor until NewSharedKey names it.
func NewKey(seed []byte, kind wallet.Kind, params *chaincfg.Params) (*Key, error) {
	account, origin, err := wallet.AccountXprv(seed, kind, params)
	if err != nil {
		return nil, fmt.Errorf("derive account: %w", err)
	}
	expression, err := wallet.KeyExpression(seed, kind, params)
	if err != nil {
		return nil, fmt.Errorf("derive account: %w", err)
	}
	k := &Key{account: account, params: params, origin: origin, expression: expression}
	if kind == wallet.KindWSH {
		return k, nil
	}
	if k.descriptor, err = wallet.DescriptorFromSeed(seed, kind, params); err != nil {
		return nil, fmt.Errorf("derive descriptor: %w", err)
	}
	return k, nil
}

// NewSharedKey derives the key of seed that is one of those in a
// wsh(sortedmulti(...)) descriptor of params. It fails with wrong_key when it is
// none of them, and with the codes of wallet.ParseChecksummed.
func NewSharedKey(seed []byte, descriptor string, params *chaincfg.Params) (*Key, error) {
	d, err := wallet.ParseChecksummed(descriptor, params)
	if err != nil {
		return nil, err
	}
	if d.Kind() != wallet.KindWSH {
		return nil, errs.New(
			errs.Invalid,
			wallet.CodeUnknownKind,
			"The descriptor is not one of several keys: wsh(sortedmulti(...)).",
		)
	}
	k, err := NewKey(seed, wallet.KindWSH, params)
	if err != nil {
		return nil, err
	}
	if _, err := wallet.NewSigner(k.account, d); err != nil {
		return nil, err
	}
	k.descriptor = d
	return k, nil
}

// WithAcks returns the key with the Ed25519 key of seed (32 bytes) for its acks.
func (k *Key) WithAcks(seed []byte) *Key {
	with := *k
	with.acks = ed25519.NewKeyFromSeed(seed)
	return &with
}

// AckKey returns the public half of what signs this signer's acks; false for a key
// without one.
func (k *Key) AckKey() (sshsig.Key, bool) {
	if k.acks == nil {
		return sshsig.Key{}, false
	}
	return sshsig.KeyOf(k.acks), true
}

// Descriptor returns the public descriptor of the treasury, nil for a shared key
// that has not been given one.
func (k *Key) Descriptor() *wallet.Descriptor { return k.descriptor }

// Expression returns the public half as a descriptor writes it:
// [fingerprint/path]xpub/<0;1>/*.
func (k *Key) Expression() string { return k.expression }

// Params returns the network that the key is for.
func (k *Key) Params() *chaincfg.Params { return k.params }

// Fingerprint returns the master key's BIP32 fingerprint, 8 hex digits.
func (k *Key) Fingerprint() string { return hexFingerprint(k.origin.Fingerprint) }

// CreateKeyFile draws two seeds from random, of the treasury's key and of the one for
// acks, writes them to path encrypted with passphrase (age, scrypt, cost 2^workFactor)
// and returns their keys. It never
// overwrites a file.
func CreateKeyFile(
	path string,
	passphrase []byte,
	kind wallet.Kind,
	params *chaincfg.Params,
	workFactor int,
	random io.Reader,
) (*Key, error) {
	seeds := make([]byte, seedBytes+ed25519.SeedSize)
	defer clear(seeds)
	if _, err := io.ReadFull(random, seeds); err != nil {
		return nil, fmt.Errorf("draw seeds: %w", err)
	}
	f := keyFile{Network: params.Name, Kind: kind, Seed: seeds[:seedBytes], Acks: seeds[seedBytes:]}
	key, err := f.key(params)
	if err != nil {
		return nil, err
	}
	sealed, err := f.seal(passphrase, workFactor)
	if err != nil {
		return nil, err
	}
	return key, writeNew(path, sealed)
}

// AdoptDescriptor writes the descriptor that a shared key belongs to into its
// key file. A file that names one already is left as it is (key_complete).
// Beside the errors of OpenKeyFile and NewSharedKey it fails with unknown_kind
// for a key that is not shared.
func AdoptDescriptor(
	path string,
	passphrase []byte,
	descriptor string,
	params *chaincfg.Params,
	workFactor int,
) (*Key, error) {
	f, err := readKeyFile(path, passphrase, params)
	if err != nil {
		return nil, err
	}
	defer f.clear()
	switch {
	case f.Kind != wallet.KindWSH:
		return nil, errs.Newf(
			errs.Conflict,
			wallet.CodeUnknownKind,
			"The key at %s is the only key of its treasury. Create one for a shared treasury: keygen --kind wsh.",
			path,
		)
	case f.Descriptor != "":
		return nil, errs.Newf(
			errs.Conflict,
			CodeKeyComplete,
			"The key at %s already has a descriptor. Nothing was changed.",
			path,
		)
	}
	shared, err := NewSharedKey(f.Seed, descriptor, params)
	if err != nil {
		return nil, err
	}
	f.Descriptor = shared.Descriptor().String()
	sealed, err := f.seal(passphrase, workFactor)
	if err != nil {
		return nil, err
	}
	// What an earlier try left behind is nobody's only copy.
	if err := os.Remove(path + ".new"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("write key file: %w", err)
	}
	if err := writeNew(path+".new", sealed); err != nil {
		return nil, err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return nil, fmt.Errorf("write key file: %w", err)
	}
	return shared.WithAcks(f.Acks), syncDir(path)
}

func (f keyFile) seal(passphrase []byte, workFactor int) ([]byte, error) {
	if workFactor < minWorkFactor || workFactor > maxWorkFactor {
		return nil, errs.Newf(
			errs.Invalid,
			CodeBadWorkFactor,
			"The work factor must be %d to %d.",
			minWorkFactor,
			maxWorkFactor,
		)
	}
	f.V = keyFileVersion
	plain, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("encode key: %w", err)
	}
	defer clear(plain)
	return seal(plain, passphrase, workFactor)
}

func seal(plain, passphrase []byte, workFactor int) ([]byte, error) {
	recipient, err := age.NewScryptRecipient(string(passphrase))
	if err != nil {
		return nil, errs.Wrap(err, errs.Invalid, CodeBadPassphrase, "The passphrase must not be empty.")
	}
	recipient.SetWorkFactor(workFactor)
	var b bytes.Buffer
	w, err := age.Encrypt(&b, recipient)
	if err != nil {
		return nil, fmt.Errorf("encrypt key: %w", err)
	}
	if _, err := w.Write(plain); err != nil {
		return nil, fmt.Errorf("encrypt key: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encrypt key: %w", err)
	}
	return b.Bytes(), nil
}

// writeNew writes a file that must not exist and waits until it is on the disk.
func writeNew(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return errs.Wrap(
			err,
			errs.Conflict,
			CodeKeyExists,
			"There is a key file at "+path+" already. It was left as it is.",
		)
	}
	if err != nil {
		return fmt.Errorf("create key file: %w", err)
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	return syncDir(path)
}

// OpenKeyFile reads the key that CreateKeyFile wrote. It fails with
// wrong_passphrase, bad_key_file or, when the key is for another network than
// params, wrong_network.
func OpenKeyFile(path string, passphrase []byte, params *chaincfg.Params) (*Key, error) {
	f, err := readKeyFile(path, passphrase, params)
	if err != nil {
		return nil, err
	}
	defer f.clear()
	return f.key(params)
}

func readKeyFile(path string, passphrase []byte, params *chaincfg.Params) (keyFile, error) {
	file, err := os.Open(path)
	if err != nil {
		return keyFile{}, fmt.Errorf("open key file: %w", err)
	}
	sealed, err := io.ReadAll(io.LimitReader(file, maxKeyFile))
	if err := errors.Join(err, file.Close()); err != nil {
		return keyFile{}, fmt.Errorf("read key file: %w", err)
	}
	plain, err := unseal(sealed, passphrase)
	if err != nil {
		return keyFile{}, err
	}
	defer clear(plain)
	var f keyFile
	if err := json.Unmarshal(plain, &f); err != nil || f.V != keyFileVersion ||
		len(f.Seed) != seedBytes || len(f.Acks) != ed25519.SeedSize {
		f.clear()
		return keyFile{}, errs.New(errs.Invalid, CodeBadKeyFile, "The key file does not contain a key of this program.")
	}
	if f.Network != params.Name {
		f.clear()
		return keyFile{}, errs.Newf(
			errs.Invalid,
			wallet.CodeWrongNetwork,
			"The key is for network %s, not for %s.",
			f.Network,
			params.Name,
		)
	}
	return f, nil
}

func unseal(sealed, passphrase []byte) ([]byte, error) {
	identity, err := age.NewScryptIdentity(string(passphrase))
	if err != nil {
		return nil, errs.Wrap(err, errs.Invalid, CodeBadPassphrase, "The passphrase must not be empty.")
	}
	identity.SetMaxWorkFactor(maxWorkFactor)
	r, err := age.Decrypt(bytes.NewReader(sealed), identity)
	if noMatch := (*age.NoIdentityMatchError)(nil); errors.As(err, &noMatch) {
		return nil, errs.Wrap(err, errs.Invalid, CodeWrongPassphrase, "The passphrase is wrong for this key file.")
	}
	if err != nil {
		return nil, errs.Wrap(err, errs.Invalid, CodeBadKeyFile, "The key file is damaged or not a key file.")
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		return nil, errs.Wrap(err, errs.Invalid, CodeBadKeyFile, "The key file is damaged.")
	}
	return plain, nil
}
