package datacentre

import (
	"crypto/aes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/big"
	"slices"
)

// appendBytes appends b as TL's bytes: length, b, zeros up to a multiple of four.
func appendBytes(to, b []byte) []byte {
	before := len(to)
	if len(b) < 254 {
		to = append(to, byte(len(b))) //nolint:gosec // below 254
	} else {
		to = binary.LittleEndian.AppendUint32(to, uint32(len(b))<<8|254) //nolint:gosec // at most 600 bytes
	}
	to = append(to, b...)
	return append(to, make([]byte, -(len(to)-before)&3)...)
}

// cutBytes reads TL's bytes off the front of b. Messages here are short, so that
// the long form of length counts as well.
func cutBytes(b []byte) (value, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	head, n := 1, int(b[0])
	if n == 254 {
		head, n = 4, int(binary.LittleEndian.Uint32(b)>>8)
	}
	end := head + n
	end += -end & 3
	if b[0] == 255 || end > len(b) {
		return nil, nil, false
	}
	return b[head : head+n], b[end:], true
}

// ige is AES-256 in Infinite Garble Extension: iv is the block before the first
// one in cipher text, then that in plain text.
func ige(key, iv, from []byte, encrypt bool) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil || len(from)%aes.BlockSize != 0 {
		return nil, errors.Join(err, errors.New("not whole blocks"))
	}
	apply, before, other := block.Decrypt, iv[aes.BlockSize:], iv[:aes.BlockSize]
	if encrypt {
		apply, before, other = block.Encrypt, iv[:aes.BlockSize], iv[aes.BlockSize:]
	}
	out := make([]byte, 0, len(from))
	for part := range slices.Chunk(from, aes.BlockSize) {
		x := xor(part, before)
		apply(x, x)
		x = xor(x, other)
		out = append(out, x...)
		before, other = x, part
	}
	return out, nil
}

func xor(a, b []byte) []byte {
	out := make([]byte, len(a))
	for i := range a {
		out[i] = a[i] ^ b[i]
	}
	return out
}

// unpad opens what RSA_PAD has sealed and returns its 192 bytes. number is the RSA
// operation's result as 256 bytes.
func unpad(number []byte) ([]byte, error) {
	hidden, sealed := number[:32], number[32:]
	sum := sha256.Sum256(sealed)
	key := xor(hidden, sum[:])
	plain, err := ige(key, make([]byte, 2*aes.BlockSize), sealed, false)
	if err != nil {
		return nil, err
	}
	data, hash := plain[:192], plain[192:]
	slices.Reverse(data)
	if want := sha256.Sum256(slices.Concat(key, data)); string(want[:]) != string(hash) {
		return nil, errors.New("not sealed for this key")
	}
	return data, nil
}

// prime returns the group that clients have to accept: 2048 bits, and safe
// (core.telegram.org/mtproto/auth_key, section 5). Telegram's servers use it too.
func prime() *big.Int {
	p, _ := new(big.Int).SetString("c71caeb9c6b1c9048e6c522f70f13f73980d40238e3e21c14934d037563d930f"+
		"48198a0aa7c14058229493d22530f4dbfa336f6e0ac925139543aed44cce7c37"+
		"20fd51f69458705ac68cd4fe6b6b13abdc9746512969328454f18faf8c595f64"+
		"2477fe96bb2a941d5bcd1d4ac8cc49880708fa9b378e3c4f3a9060bee67cf9a4"+
		"a4a695811051907e162753b56b0f6b410dba74d8a84b2a14b3144e0ef1284754"+
		"fd17ed950d5965b4b9dd46582db1178d169c6bc465b0d6ff9ca3928fef5b9ae4"+
		"e418fc15e83ebea0f87fa9ff5eed70050ded2849f47bf959d956850ce929851f"+
		"0d8115f635b105ee2e4e15d04b2454bf6f4fadf034b10403119cd8e3b92fcc5b", 16)
	return p
}
