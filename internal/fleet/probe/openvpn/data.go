package openvpn

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"
)

// Parts of a packet of the data channel.
const (
	numberLen = 4
	tagLen    = 16
	saltLen   = 8 // of a nonce, behind the packet's number
)

// ciphers returns the ciphers that are spoken, in the order of preference.
func ciphers() []string {
	return []string{"AES-256-GCM", "AES-128-GCM", "CHACHA20-POLY1305", "AES-192-GCM"}
}

func known(name string) bool { return slices.Contains(ciphers(), name) }

// newAEAD returns the cipher of a name in ciphers under the first bytes of key,
// of which there are 64.
func newAEAD(name string, key []byte) (cipher.AEAD, error) {
	size := map[string]int{"AES-256-GCM": 32, "AES-192-GCM": 24, "AES-128-GCM": 16}[name]
	switch {
	case name == "CHACHA20-POLY1305":
		return chacha20poly1305.New(key[:chacha20poly1305.KeySize])
	case size == 0:
		return nil, fmt.Errorf("cipher %q", name)
	}
	b, err := aes.NewCipher(key[:size])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(b)
}

// framing is what compression leaves of itself on packets that are not
// compressed.
type framing int

const (
	bare    framing = iota
	before          // a byte in front
	swapped         // a byte in place of the first, which goes to the end
	escaped         // two bytes in front of a packet that begins like them, as no IP packet does
)

// The bytes that say that a packet is not compressed.
const (
	notCompressed        = 0xfa
	notCompressedSwapped = 0xfb
	escape               = 0x50
)

// framings returns what settings that compress nothing make of packets.
func framings() map[string]framing {
	return map[string]framing{
		"compress migrate": bare,
		"comp-lzo no":      before,
		"compress ":        swapped,
		"compress stub":    swapped,
		"compress stub-v2": escaped,
	}
}

// frame returns b with its framing.
func (f framing) frame(b []byte) []byte {
	switch f {
	case before:
		return append([]byte{notCompressed}, b...)
	case swapped:
		return slices.Concat([]byte{notCompressedSwapped}, b[1:], b[:1])
	default:
		return b
	}
}

// strip takes the framing off, and reports whether it is as it should be.
func (f framing) strip(b []byte) ([]byte, bool) {
	switch {
	case len(b) < 2:
		return nil, false
	case f == before:
		return b[1:], b[0] == notCompressed
	case f == swapped:
		last := len(b) - 1
		return append([]byte{b[last]}, b[1:last]...), b[0] == notCompressedSwapped
	case f == escaped && b[0] == escape:
		return b[2:], b[1] == 0
	default:
		return b, true
	}
}

// dataChannel is the data channel; safe for concurrent use.
type dataChannel struct {
	mu            sync.Mutex
	last          uint32 // number of the last packet sent
	prefix        []byte // opcode, and our number where we have one
	out, in       cipher.AEAD
	outSalt, salt []byte
	framing       framing
}

// newChannel returns the client's side of the data channel under keys of
// dataKeysLen bytes: for each side 64 for its cipher, of which 64 more bytes hold
// the salt.
func newChannel(s settings, keys []byte) (*dataChannel, error) {
	out, err := newAEAD(s.cipher, keys)
	if err != nil {
		return nil, err
	}
	in, err := newAEAD(s.cipher, keys[128:])
	if err != nil {
		return nil, err
	}
	c := &dataChannel{
		out:     out,
		in:      in,
		outSalt: keys[64 : 64+saltLen],
		salt:    keys[192 : 192+saltLen],
		prefix:  []byte{opDataV1 << 3},
		framing: s.framing,
	}
	if s.numbered {
		c.prefix = binary.BigEndian.AppendUint32(nil, opDataV2<<27|s.peer)
	}
	return c, nil
}

// seal returns the packet that carries b, which is not empty.
func (c *dataChannel) seal(b []byte) []byte {
	c.mu.Lock()
	c.last++
	number := binary.BigEndian.AppendUint32(nil, c.last)
	c.mu.Unlock()
	header := slices.Concat(c.prefix, number)
	sealed := c.out.Seal(nil, slices.Concat(number, c.outSalt), c.framing.frame(b), authenticated(header))
	text := len(sealed) - tagLen
	return slices.Concat(header, sealed[text:], sealed[:text])
}

// open returns what a packet carries, and whether the server made it.
func (c *dataChannel) open(packet []byte) ([]byte, bool) {
	at := 1 // the first version's header is the opcode alone
	if len(packet) > 0 && packet[0]>>3 == opDataV2 {
		at = 4
	}
	if len(packet) < at+numberLen+tagLen || packet[0]&7 != 0 {
		return nil, false
	}
	header, rest := packet[:at+numberLen], packet[at+numberLen:]
	b, err := c.in.Open(
		nil,
		slices.Concat(header[at:], c.salt),
		slices.Concat(rest[tagLen:], rest[:tagLen]),
		authenticated(header),
	)
	if err != nil {
		return nil, false
	}
	return c.framing.strip(b)
}

// authenticated returns what a packet's tag covers of its header: all of it in
// the second version, the number alone in the first.
func authenticated(header []byte) []byte {
	if len(header) == 1+numberLen {
		return header[1:]
	}
	return header
}

// goodbye is what tells the server that we are gone: the data channel's own
// message (OCC), which begins with a string of 16 bytes that no IP packet does,
// and the number of "exit".
func goodbye() []byte {
	return []byte{0x28, 0x7f, 0x34, 0x6b, 0xd4, 0xef, 0x7a, 0x81, 0x2d, 0x56, 0xb8, 0xd3, 0xaf, 0xc5, 0x45, 0x9c, 6}
}
