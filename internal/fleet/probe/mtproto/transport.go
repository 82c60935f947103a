package mtproto

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"net"
	"slices"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// Framing is the tag that says how messages are told apart.
type Framing byte

// The framings.
const (
	Intermediate Framing = 0xee // a length before each message
	Padded       Framing = 0xdd // the same, with up to 15 random bytes behind it
)

const (
	headerLen = 64
	maxFrame  = 64 << 10
)

// Transport sends and receives messages. It belongs to one goroutine.
type Transport struct {
	conn     net.Conn
	rand     io.Reader
	framing  Framing
	enc, dec cipher.Stream
	header   []byte // sent with the first message
}

// NewTransport returns a Transport over c to data centre dc. key is a proxy's
// secret, or nil for a data centre itself. Nothing is sent before the first
// message.
func NewTransport(c net.Conn, rand io.Reader, key []byte, framing Framing, dc int16) (*Transport, error) {
	h, err := header(rand, framing, dc)
	if err != nil {
		return nil, err
	}
	reversed := slices.Clone(h[8:56])
	slices.Reverse(reversed)
	t := &Transport{
		conn: c, rand: rand, framing: framing,
		enc: stream(h[8:40], h[40:56], key), dec: stream(reversed[:32], reversed[32:], key),
	}
	sealed := make([]byte, headerLen)
	t.enc.XORKeyStream(sealed, h)
	copy(h[56:], sealed[56:]) // only the end travels encrypted
	t.header = h
	return t, nil
}

// header draws the first 64 bytes until they look like no other protocol.
func header(rand io.Reader, framing Framing, dc int16) ([]byte, error) {
	// HEAD, POST, GET, OPTI, TLS, and the tags of the framings themselves.
	taken := []uint32{0x44414548, 0x54534f50, 0x20544547, 0x4954504f, 0x02010316, 0xdddddddd, 0xeeeeeeee}
	h := make([]byte, headerLen)
	for {
		if _, err := io.ReadFull(rand, h); err != nil {
			return nil, randomness(err)
		}
		first := binary.LittleEndian.Uint32(h)
		if h[0] != 0xef && !slices.Contains(taken, first) && binary.LittleEndian.Uint32(h[4:]) != 0 {
			break
		}
	}
	for i := 56; i < 60; i++ {
		h[i] = byte(framing)
	}
	binary.LittleEndian.PutUint16(h[60:], uint16(dc)) //nolint:gosec // two's complement is the wire's form
	return h, nil
}

// randomness says that we have none.
func randomness(err error) error {
	return &probe.Error{Stage: probe.StageParse, Class: probe.ClassLocalResources, Detail: "no randomness", Cause: err}
}

// stream returns AES-256-CTR under key, or under SHA-256 of key and secret.
func stream(key, iv, secret []byte) cipher.Stream {
	if secret != nil {
		sum := sha256.Sum256(append(slices.Clone(key), secret...))
		key = sum[:]
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the key has 32 bytes
	}
	return cipher.NewCTR(block, iv)
}

// Send sends one message.
func (t *Transport) Send(message []byte) error {
	var pad [16]byte
	padding := pad[:0]
	if t.framing == Padded {
		if _, err := io.ReadFull(t.rand, pad[:]); err != nil {
			return randomness(err)
		}
		padding = pad[1 : 1+pad[0]%16]
	}
	n := len(message) + len(padding)
	//nolint:gosec // our messages are short
	frame := binary.LittleEndian.AppendUint32(
		make([]byte, 0, headerLen+4+n),
		uint32(n),
	)
	frame = append(append(frame, message...), padding...)
	t.enc.XORKeyStream(frame, frame)
	if t.header != nil {
		frame, t.header = append(t.header, frame...), nil
	}
	_, err := t.conn.Write(frame)
	return err
}

// Receive returns the next message, which may have padding behind it.
func (t *Transport) Receive() ([]byte, error) {
	var length [4]byte
	if err := t.read(length[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(length[:])
	if n < 4 || n > maxFrame {
		return nil, &probe.Error{Class: probe.ClassTargetInvalid, Detail: "what answers does not speak MTProto"}
	}
	b := make([]byte, n)
	return b, t.read(b)
}

// read fills b and decrypts it. Only what was read is decrypted, or else the
// stream would lose its place.
func (t *Transport) read(b []byte) error {
	n, err := io.ReadFull(t.conn, b)
	t.dec.XORKeyStream(b[:n], b[:n])
	return err
}

// Close closes the connection.
func (t *Transport) Close() error { return t.conn.Close() }
