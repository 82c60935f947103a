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

// channel is the data channel; safe for concurrent use.
type dataChannel struct {
	mu            sync.Mutex
	last          uint32 // number of the last packet sent
	prefix        []byte // opcode, and our number where we have one
	out, in       cipher.AEAD
	outSalt, salt []byte
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
	c := &dataChannel{out: out, in: in, outSalt: keys[64 : 64+saltLen], salt: keys[192 : 192+saltLen], prefix: []byte{opDataV1 << 3}}
	if s.numbered {
		c.prefix = binary.BigEndian.AppendUint32(nil, opDataV2<<27|s.peer)
	}
	return c, nil
}

// seal returns the packet that carries b.
func (c *dataChannel) seal(b []byte) []byte {
	c.mu.Lock()
	c.last++
	number := binary.BigEndian.AppendUint32(nil, c.last)
	c.mu.Unlock()
	header := slices.Concat(c.prefix, number)
	sealed := c.out.Seal(nil, slices.Concat(number, c.outSalt), b, authenticated(header))
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
	b, err := c.in.Open(nil, slices.Concat(header[at:], c.salt), slices.Concat(rest[tagLen:], rest[:tagLen]), authenticated(header))
	return b, err == nil
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
