package spv

import (
	"math/big"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// The parts of the compact form of a target: a mantissa of 23 bits with a sign,
// and an exponent in bytes.
const (
	compactSign     = 0x00800000
	compactMantissa = 0x007fffff
	compactBytes    = 3
)

// Target returns the number that the hash of a header with these bits must not
// be above. ok is false for the bits of no header: a target that is zero,
// negative or longer than a hash.
func Target(bits uint32) (target *big.Int, ok bool) {
	mantissa, exponent := bits&compactMantissa, uint(bits>>24)
	if bits&compactSign != 0 || mantissa == 0 {
		return nil, false
	}
	target = new(big.Int).SetUint64(uint64(mantissa))
	if exponent <= compactBytes {
		target.Rsh(target, 8*(compactBytes-exponent))
	} else {
		target.Lsh(target, 8*(exponent-compactBytes))
	}
	if target.Sign() == 0 || target.BitLen() > 8*chainhash.HashSize {
		return nil, false
	}
	return target, true
}

// Work returns how many hashes it takes on average to make headers of the same
// targets: the sum of 2^256 / (target + 1). It does not check them; a header
// without a target counts as nothing.
func (p Inclusion) Work() *big.Int {
	sum := new(big.Int)
	headers, err := p.headers()
	if err != nil {
		return sum
	}
	all := new(big.Int).Lsh(big.NewInt(1), 8*chainhash.HashSize)
	for i := range headers {
		if target, ok := Target(headers[i].Bits); ok {
			sum.Add(sum, target.Div(all, target.Add(target, big.NewInt(1))))
		}
	}
	return sum
}

// checkHeaders holds each header against its own target and against the easiest
// targets that are allowed, and against the header before it. That the targets
// are those of the chain cannot be seen from here: it takes the heights and the
// times of 2016 blocks.
func checkHeaders(headers []wire.BlockHeader, limit, maxTarget *big.Int) error {
	if maxTarget != nil && maxTarget.Cmp(limit) < 0 {
		limit = maxTarget
	}
	var previous chainhash.Hash
	for i := range headers {
		hash := headers[i].BlockHash()
		target, ok := Target(headers[i].Bits)
		switch {
		case !ok:
			return badProof("has a block header, number %d, with a target that no header can have", i)
		case target.Cmp(limit) > 0:
			return badProof("has a block header, number %d, that asks for less work than is allowed here", i)
		case asNumber(hash).Cmp(target) > 0:
			return badProof("has a block header, number %d, without the work that it claims", i)
		case i > 0 && headers[i].PrevBlock != previous:
			return badProof("has a block header, number %d, that does not follow the one before it", i)
		}
		previous = hash
	}
	return nil
}

// asNumber reads a hash as the little-endian number that it is compared as.
func asNumber(hash chainhash.Hash) *big.Int {
	for i, j := 0, len(hash)-1; i < j; i, j = i+1, j-1 {
		hash[i], hash[j] = hash[j], hash[i]
	}
	return new(big.Int).SetBytes(hash[:])
}

// LastTime returns the time of the last of a chain of headers, of which there must be least
// or more, each with the work that it claims and not less than maxTarget asks for (nil:
// net.PowLimit). Every fault is errs.Invalid with code bad_proof.
func LastTime(headers []byte, least int, net *chaincfg.Params, maxTarget *big.Int) (time.Time, error) {
	read, err := Inclusion{Headers: headers}.headers()
	if err != nil {
		return time.Time{}, err
	}
	if len(read) < least {
		return time.Time{}, badProof("has %d block headers; %d are needed", len(read), least)
	}
	if err := checkHeaders(read, net.PowLimit, maxTarget); err != nil {
		return time.Time{}, err
	}
	return read[len(read)-1].Timestamp, nil
}
