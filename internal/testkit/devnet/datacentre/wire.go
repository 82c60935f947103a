package datacentre

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"slices"
)

// Header opens a connection of Telegram's obfuscated transport
// (core.telegram.org/mtproto/mtproto-transports).
type Header struct {
	Framing byte  // 0xee: a length before each message; 0xdd: the same with padding
	DC      int16 // asked for
}

const headerLen = 64

// Stream is an obfuscated connection.
type Stream struct {
	conn io.ReadWriteCloser
	in   cipher.Stream
	out  cipher.Stream
}

// Accept reads the header of a connection. With secrets, it is one of a proxy
// whose client must know one of them.
func Accept(conn io.ReadWriteCloser, secrets ...[]byte) (*Stream, Header, error) {
	var sealed [headerLen]byte
	if _, err := io.ReadFull(conn, sealed[:]); err != nil {
		return nil, Header{}, err
	}
	if len(secrets) == 0 {
		secrets = [][]byte{nil}
	}
	for _, secret := range secrets {
		s := &Stream{conn: conn, in: ctr(sealed[8:40], sealed[40:56], secret), out: backwards(sealed[8:56], secret)}
		plain := sealed
		s.in.XORKeyStream(plain[:], plain[:])
		//nolint:gosec // two's complement on the wire
		h := Header{
			Framing: plain[56],
			DC:      int16(binary.LittleEndian.Uint16(plain[60:])),
		}
		if (h.Framing == 0xee || h.Framing == 0xdd) && bytes.Count(plain[56:60], plain[56:57]) == 4 {
			return s, h, nil
		}
	}
	return nil, Header{}, errors.New("no obfuscated connection, or another secret")
}

// Connect sends the header of a connection to a data centre itself.
func Connect(conn io.ReadWriteCloser, h Header) (*Stream, error) {
	var plain [headerLen]byte
	_, _ = rand.Read(plain[:])      // never fails
	plain[0], plain[7] = 0x01, 0x01 // unlike the first bytes of any other transport
	copy(plain[56:], bytes.Repeat([]byte{h.Framing}, 4))
	binary.LittleEndian.PutUint16(plain[60:], uint16(h.DC)) //nolint:gosec // two's complement on the wire
	s := &Stream{conn: conn, in: backwards(plain[8:56], nil), out: ctr(plain[8:40], plain[40:56], nil)}
	sealed := plain
	s.out.XORKeyStream(sealed[:], sealed[:])
	copy(plain[56:], sealed[56:]) // only the end is sent encrypted
	_, err := conn.Write(plain[:])
	return s, err
}

// ctr is AES-256-CTR under key, or under the hash of key and a proxy's secret.
func ctr(key, iv, secret []byte) cipher.Stream {
	if secret != nil {
		sum := sha256.Sum256(slices.Concat(key, secret))
		key = sum[:]
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // every key here has 32 bytes
	}
	return cipher.NewCTR(block, iv)
}

// backwards is the stream of the other direction: key and iv read from behind.
func backwards(keyAndIV, secret []byte) cipher.Stream {
	b := slices.Clone(keyAndIV)
	slices.Reverse(b)
	return ctr(b[:32], b[32:], secret)
}

func (s *Stream) Read(p []byte) (int, error) {
	n, err := s.conn.Read(p)
	s.in.XORKeyStream(p[:n], p[:n])
	return n, err
}

func (s *Stream) Write(p []byte) (int, error) {
	b := make([]byte, len(p))
	s.out.XORKeyStream(b, p)
	return s.conn.Write(b)
}

// Close closes the connection below.
func (s *Stream) Close() error { return s.conn.Close() }
