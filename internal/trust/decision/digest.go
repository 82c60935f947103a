package decision

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/causeway-fund/causeway/internal/errs"
)

const (
	// MaxLife is how long a signer looks ahead: it takes no batch, upkeep or void note that
	// could be signed for the first time later than that.
	MaxLife = 7 * 24 * time.Hour

	// Life is how long a note that is composed now may be signed for the first time. Clocks of
	// signers may be behind by the rest.
	Life = MaxLife - time.Hour
)

// UntilFrom returns the last moment of a note that is composed at a time.
func UntilFrom(now time.Time) time.Time { return now.UTC().Add(Life).Truncate(time.Second) }

// Digest is the SHA-256 of a note's canonical bytes.
type Digest [sha256.Size]byte

// String returns the digest in lower-case hex.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// ParseDigest reads 64 lower-case hex digits.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(d) || s != strings.ToLower(s) {
		return Digest{}, errs.New(errs.Invalid, CodeBadDigest, "A digest is 64 lower-case hexadecimal digits.")
	}
	copy(d[:], b)
	return d, nil
}

// Network names a chain by its name and its genesis block, so that a note for
// one chain is worthless on another.
type Network struct {
	Name    string // mainnet, testnet3, signet, simnet, regtest
	Genesis string // block hash as people write it
}

// NetworkOf returns the network that params describe.
func NetworkOf(params *chaincfg.Params) Network {
	return Network{Name: params.Name, Genesis: params.GenesisHash.String()}
}

func badNote(format string, args ...any) *errs.Error {
	return errs.New(errs.Invalid, CodeBadNote, "The note "+fmt.Sprintf(format, args...)+".")
}
