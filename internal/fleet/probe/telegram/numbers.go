package telegram

import (
	"crypto/aes"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"io"
	"math/big"
	"math/bits"
	"slices"
)

// maxSteps bounds the search for factors; a product of two 32-bit primes takes
// about 2^16 steps.
const maxSteps = 1 << 20

// factor returns the factors p <= q of n by Pollard's rho with the cycle search
// of Floyd, or false where n has no two of them that a bounded search finds.
func factor(n uint64) (p, q uint64, ok bool) {
	switch {
	case n < 4 || n>>63 != 0:
		return 0, 0, false
	case n%2 == 0:
		return 2, n / 2, true
	case new(big.Int).SetUint64(n).ProbablyPrime(0): // exact below 2^64
		return 0, 0, false
	}
	if r := new(big.Int).Sqrt(new(big.Int).SetUint64(n)).Uint64(); r*r == n {
		return r, r, true
	}
	steps := 0
	for c := uint64(1); steps < maxSteps; c++ {
		d := rho(n, c, &steps)
		if d != 1 && d != n {
			return min(d, n/d), max(d, n/d), true
		}
	}
	return 0, 0, false
}

// rho looks for a factor along x -> x*x + c. It returns n where this c has none.
func rho(n, c uint64, steps *int) uint64 {
	next := func(v uint64) uint64 { return (mulMod(v, v, n) + c) % n }
	x, y, product := uint64(2), uint64(2), uint64(1)
	const batch = 64 // differences a greatest common divisor is taken of at once
	for {
		backX, backY := x, y
		for range batch {
			x, y = next(x), next(next(y))
			product = mulMod(product, distance(x, y), n)
		}
		*steps += batch
		switch d := gcd(product, n); {
		case d == 1 && *steps < maxSteps:
			continue
		case d == 1:
			return n
		case d != n:
			return d
		}
		// The batch went past the factor: go through it again, one at a time.
		for range batch {
			backX, backY = next(backX), next(next(backY))
			if d := gcd(distance(backX, backY), n); d != 1 {
				return d
			}
		}
		return n
	}
}

func mulMod(a, b, n uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	_, r := bits.Div64(hi%n, lo, n)
	return r
}

func distance(a, b uint64) uint64 { return max(a, b) - min(a, b) }

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// errBlock says that a text is not whole blocks.
var errBlock = errors.New("not a multiple of 16 bytes")

// ige is AES in Infinite Garble Extension mode, as MTProto defines it. iv has 32
// bytes.
func ige(key, iv, in []byte, encrypt bool) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	if len(in)%aes.BlockSize != 0 || len(iv) != 2*aes.BlockSize {
		return nil, errBlock
	}
	out := make([]byte, len(in))
	before, after := iv[:16], iv[16:] // what is mixed in before and after the cipher
	crypt := block.Encrypt
	if !encrypt {
		before, after, crypt = iv[16:], iv[:16], block.Decrypt
	}
	var mixed [16]byte
	for i := 0; i < len(in); i += 16 {
		for j := range mixed {
			mixed[j] = in[i+j] ^ before[j]
		}
		crypt(out[i:i+16], mixed[:])
		for j := range mixed {
			out[i+j] ^= after[j]
		}
		before, after = out[i:i+16], in[i:i+16]
	}
	return out, nil
}

// Lengths of RSA_PAD, core.telegram.org/mtproto/auth_key, 4.1.
const (
	maxPadded = 144
	padTo     = 192
	cipherLen = 256
)

// rsaPad encrypts data, at most maxPadded bytes, to key with RSA_PAD.
func rsaPad(rand io.Reader, data []byte, key *rsa.PublicKey) ([]byte, error) {
	if len(data) > maxPadded {
		return nil, errors.New("too long for RSA_PAD")
	}
	padded := make([]byte, padTo)
	if _, err := io.ReadFull(rand, padded[copy(padded, data):]); err != nil {
		return nil, err
	}
	reversed := slices.Clone(padded)
	slices.Reverse(reversed)
	for {
		var temp [32]byte
		if _, err := io.ReadFull(rand, temp[:]); err != nil {
			return nil, err
		}
		hash := sha256.Sum256(append(temp[:], padded...))
		sealed, err := ige(temp[:], make([]byte, 32), append(reversed[:padTo:padTo], hash[:]...), true)
		if err != nil {
			return nil, err
		}
		mask := sha256.Sum256(sealed)
		for i := range temp {
			temp[i] ^= mask[i]
		}
		n := new(big.Int).SetBytes(append(temp[:], sealed...))
		if n.Cmp(key.N) < 0 {
			return n.Exp(n, big.NewInt(int64(key.E)), key.N).FillBytes(make([]byte, cipherLen)), nil
		}
	}
}
