package signer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"filippo.io/age"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/psbt/v2"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/wallet"
)

const (
	seedBytes      = 32
	maxKeyFile     = 16 << 10
	keyFileVersion = 1

	// DefaultWorkFactor is log2 of the scrypt cost of a key file: about a second.
	DefaultWorkFactor = 18

	minWorkFactor, maxWorkFactor = 10, 22
)

// Key is the treasury's private key and what follows from it.
type Key struct {
	account    *hdkeychain.ExtendedKey
	descriptor *wallet.Descriptor
	params     *chaincfg.Params
	origin     wallet.Origin
}

// keyFile is the plain text inside the encryption.
type keyFile struct {
	V       int         `json:"v"`
	Network string      `json:"network"`
	Kind    wallet.Kind `json:"kind"`
	Seed    []byte      `json:"seed"`
}

// NewKey derives account 0 of seed (BIP84 for wpkh, BIP86 for tr).
func NewKey(seed []byte, kind wallet.Kind, params *chaincfg.Params) (*Key, error) {
	account, origin, err := wallet.AccountXprv(seed, kind, params)
	if err != nil {
		return nil, fmt.Errorf("derive account: %w", err)
	}
	descriptor, err := wallet.DescriptorFromSeed(seed, kind, params)
	if err != nil {
		return nil, fmt.Errorf("derive descriptor: %w", err)
	}
	return &Key{account: account, descriptor: descriptor, params: params, origin: origin}, nil
}

// Descriptor returns the public descriptor of the treasury.
func (k *Key) Descriptor() *wallet.Descriptor { return k.descriptor }

// Params returns the network that the key is for.
func (k *Key) Params() *chaincfg.Params { return k.params }

// Fingerprint returns the master key's BIP32 fingerprint, 8 hex digits.
func (k *Key) Fingerprint() string { return hexFingerprint(k.origin.Fingerprint) }

func (k *Key) sign(packet *psbt.Packet) error {
	return wallet.SignPSBT(packet, k.account, k.descriptor)
}

// CreateKeyFile draws a seed from random, writes it to path encrypted with
// passphrase (age, scrypt, cost 2^workFactor) and returns its key. It never
// overwrites a file.
func CreateKeyFile(path string, passphrase []byte, kind wallet.Kind, params *chaincfg.Params, workFactor int, random io.Reader) (*Key, error) {
	if workFactor < minWorkFactor || workFactor > maxWorkFactor {
		return nil, errs.Newf(errs.Invalid, "bad_work_factor", "The work factor must be %d to %d.", minWorkFactor, maxWorkFactor)
	}
	seed := make([]byte, seedBytes)
	defer clear(seed)
	if _, err := io.ReadFull(random, seed); err != nil {
		return nil, fmt.Errorf("draw seed: %w", err)
	}
	key, err := NewKey(seed, kind, params)
	if err != nil {
		return nil, err
	}
	plain, err := json.Marshal(keyFile{V: keyFileVersion, Network: params.Name, Kind: kind, Seed: seed})
	if err != nil {
		return nil, fmt.Errorf("encode key: %w", err)
	}
	defer clear(plain)
	sealed, err := seal(plain, passphrase, workFactor)
	if err != nil {
		return nil, err
	}
	return key, writeNew(path, sealed)
}

func seal(plain, passphrase []byte, workFactor int) ([]byte, error) {
	recipient, err := age.NewScryptRecipient(string(passphrase))
	if err != nil {
		return nil, errs.Wrap(err, errs.Invalid, "bad_passphrase", "The passphrase must not be empty.")
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
		return errs.Wrap(err, errs.Conflict, "key_exists", "There is a key file at "+path+" already. It was left as it is.")
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
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open key file: %w", err)
	}
	sealed, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	plain, err := unseal(sealed, passphrase)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	var k keyFile
	defer func() { clear(k.Seed) }()
	if err := json.Unmarshal(plain, &k); err != nil || k.V != keyFileVersion || len(k.Seed) != seedBytes {
		return nil, errs.New(errs.Invalid, "bad_key_file", "The key file does not hold a key of this program.")
	}
	if k.Network != params.Name {
		return nil, errs.Newf(errs.Invalid, "wrong_network", "The key is for network %s, not for %s.", k.Network, params.Name)
	}
	return NewKey(k.Seed, k.Kind, params)
}

func unseal(sealed, passphrase []byte) ([]byte, error) {
	identity, err := age.NewScryptIdentity(string(passphrase))
	if err != nil {
		return nil, errs.Wrap(err, errs.Invalid, "bad_passphrase", "The passphrase must not be empty.")
	}
	identity.SetMaxWorkFactor(maxWorkFactor)
	r, err := age.Decrypt(bytes.NewReader(sealed), identity)
	if noMatch := (*age.NoIdentityMatchError)(nil); errors.As(err, &noMatch) {
		return nil, errs.Wrap(err, errs.Invalid, "wrong_passphrase", "The passphrase does not open the key file.")
	}
	if err != nil {
		return nil, errs.Wrap(err, errs.Invalid, "bad_key_file", "The key file is damaged or not a key file.")
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		return nil, errs.Wrap(err, errs.Invalid, "bad_key_file", "The key file is damaged.")
	}
	return plain, nil
}
