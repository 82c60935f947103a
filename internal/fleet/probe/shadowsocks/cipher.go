package shadowsocks

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/md5"  //nolint:gosec // the protocol's own hash
	"crypto/sha1" //nolint:gosec // the protocol's own hash

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// method is a cipher; its salt is as long as its key.
type method struct {
	keyLen int
	aead   func(key []byte) (cipher.AEAD, error)
}

func methodOf(name string) (method, error) {
	switch name {
	case "chacha20-ietf-poly1305":
		return method{chacha20poly1305.KeySize, chacha20poly1305.New}, nil
	case "aes-256-gcm":
		return method{32, gcm}, nil
	case "aes-128-gcm":
		return method{16, gcm}, nil
	}
	return method{}, probe.Fail(probe.StageParse, probe.ClassConfigInvalid, "unknown method %q", name)
}

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// key derives the key from a password as OpenSSL's EVP_BytesToKey does, with MD5
// and without salt.
func (m method) key(password string) []byte {
	var key, last []byte
	for len(key) < m.keyLen {
		h := md5.New() //nolint:gosec // the protocol's own hash
		h.Write(last)
		h.Write([]byte(password))
		last = h.Sum(nil)
		key = append(key, last...)
	}
	return key[:m.keyLen]
}

// sealer encrypts or decrypts one direction.
type sealer struct {
	aead  cipher.AEAD
	nonce [12]byte // little endian, counts up
}

func (m method) sealer(key, salt []byte) (*sealer, error) {
	sub, err := hkdf.Key(sha1.New, key, salt, "ss-subkey", m.keyLen)
	if err != nil {
		return nil, err
	}
	aead, err := m.aead(sub)
	return &sealer{aead: aead}, err
}

func (s *sealer) seal(to, plain []byte) []byte {
	defer s.count()
	return s.aead.Seal(to, s.nonce[:], plain, nil)
}

func (s *sealer) open(sealed []byte) ([]byte, error) {
	defer s.count()
	return s.aead.Open(sealed[:0], s.nonce[:], sealed, nil)
}

func (s *sealer) count() {
	for i := range s.nonce {
		if s.nonce[i]++; s.nonce[i] != 0 {
			return
		}
	}
}
