package wallet

import (
	"errors"
	"strings"
)

// The two alphabets of BIP 380. A character's place in inputCharset splits into
// a group of three bits and a symbol of five.
const (
	inputCharset = "0123456789()[],'/*abcdefgh@:$%{}" +
		"IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~" +
		"ijklmnopqrstuvwxyzABCDEFGH`#\"\\ "
	checksumCharset = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	checksumLen     = 8
)

var errNotDescriptorText = errors.New("it has a character that no descriptor may contain")

// checksumStep feeds one five-bit symbol to the BIP 380 code.
func checksumStep(c, symbol uint64) uint64 {
	generators := [5]uint64{0xf5dee51989, 0xa9fdca3312, 0x1bab10e32d, 0x3706b1677a, 0x644d626ffd}
	top := c >> 35
	c = (c&0x7ffffffff)<<5 ^ symbol
	for i, g := range generators {
		if top>>i&1 == 1 {
			c ^= g
		}
	}
	return c
}

// descriptorChecksum returns the eight characters that BIP 380 puts after '#'.
func descriptorChecksum(payload string) (string, error) {
	c, groups, inGroup := uint64(1), uint64(0), 0
	for _, r := range payload {
		pos := strings.IndexRune(inputCharset, r)
		if pos < 0 {
			return "", errNotDescriptorText
		}
		c = checksumStep(c, uint64(pos&31))
		groups = groups*3 + uint64(pos>>5)
		if inGroup++; inGroup == 3 {
			c = checksumStep(c, groups)
			groups, inGroup = 0, 0
		}
	}
	if inGroup > 0 {
		c = checksumStep(c, groups)
	}
	for range checksumLen {
		c = checksumStep(c, 0)
	}
	c ^= 1
	var out [checksumLen]byte
	for i := range out {
		out[i] = checksumCharset[c>>(5*(checksumLen-1-i))&31]
	}
	return string(out[:]), nil
}

// splitChecksum parts a descriptor at its '#' and checks what follows it.
// found is false when there is no '#' at all.
func splitChecksum(s string) (payload string, found bool, err error) {
	payload, sum, found := strings.Cut(s, "#")
	want, err := descriptorChecksum(payload)
	if err != nil {
		return "", found, err
	}
	if !found {
		return payload, false, nil
	}
	if len(sum) != checksumLen {
		return "", true, errors.New("the checksum after # must be 8 characters")
	}
	if sum != want {
		return "", true, errors.New("the checksum after # does not match: a character was changed or lost")
	}
	return payload, true, nil
}
