package datacentre

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // the protocol's own hash
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"math/big"
	"os"

	"github.com/causeway-fund/causeway/internal/errs"
)

// keyBits is the length of each of Telegram's keys.
const keyBits = 2048

// LoadKey returns the key that path holds, which is made the first time.
func LoadKey(path string) (*rsa.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return makeKey(path)
	}
	if err != nil {
		return nil, err
	}
	if block, _ := pem.Decode(text); block != nil {
		if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
			return key, nil
		}
	}
	return nil, errs.Newf(
		errs.Unavailable,
		errs.CodeDataDirDamaged,
		"%s holds no RSA key: remove the file or the folder.",
		path,
	)
}

func makeKey(path string) (*rsa.PrivateKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return nil, errs.Wrap(err, errs.Unavailable, errs.CodeDataDirUnwritable, "Cannot write "+path+".")
	}
	return key, nil
}

// PublicPEM is what clients know the data centre by, as PKCS #1.
func PublicPEM(key *rsa.PrivateKey) string {
	return string(
		pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&key.PublicKey)}),
	)
}

// fingerprint is the end of the hash of modulus and exponent.
func fingerprint(key *rsa.PublicKey) uint64 {
	b := appendBytes(nil, key.N.Bytes())
	b = appendBytes(b, big.NewInt(int64(key.E)).Bytes())
	sum := sha1.Sum(b) //nolint:gosec // the protocol's own hash
	return binary.LittleEndian.Uint64(sum[12:])
}
