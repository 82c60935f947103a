package txbuild

import (
	"slices"

	"github.com/btcsuite/btcd/psbt/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
)

// Limits of what we store and send. The wire to a signer has the same ones, and a
// test holds them equal.
const (
	// MaxPackedBytes is the most that a PSBT may have without its previous
	// transactions. A transaction of MaxWeight with the keys of fifteen people on
	// every input takes a quarter of it.
	MaxPackedBytes = 4 << 20
	// MaxPrevTxBytes is the most that the previous transactions of one transaction
	// may have together, each counted once and without its witnesses. A block cannot
	// hold one of more than 1 MB, so any twelve coins fit, and a thousand with 12 kB
	// each.
	MaxPrevTxBytes = 12 << 20
)

// Packed is a PSBT as we store and send it: without previous transactions, which
// stand beside it, each once.
type Packed struct {
	PSBT    []byte   // BIP 174 version 0, binary
	PrevTxs [][]byte // without witnesses
}

// Pack takes packet apart. What it returns, Unpack reads: a packet that is larger
// than that is Invalid, prev_txs_too_large or too_many_outputs.
func Pack(packet *psbt.Packet) (Packed, error) {
	bare, prevTxs, err := wallet.TakePrevTxs(packet)
	if err != nil {
		return Packed{}, err
	}
	raw, err := EncodePSBT(bare)
	if err != nil {
		return Packed{}, err
	}
	p := Packed{PSBT: raw, PrevTxs: prevTxs}
	return p, p.fits()
}

func (p Packed) fits() error {
	if len(p.PSBT) > MaxPackedBytes {
		return errs.Newf(
			errs.Invalid,
			errs.CodeTooManyOutputs,
			"The transaction and the data that signers need take %d bytes; at most %d are allowed. Pay fewer people at once.",
			len(p.PSBT),
			MaxPackedBytes,
		)
	}
	if size := p.prevSize(); size > MaxPrevTxBytes {
		return prevTxsTooLarge(size, MaxPrevTxBytes)
	}
	return nil
}

func (p Packed) prevSize() int {
	size := 0
	for _, raw := range p.PrevTxs {
		size += len(raw)
	}
	return size
}

// Unpack puts a packet together again. Errors are those of ParsePSBT and of
// wallet.GivePrevTxs.
func (p Packed) Unpack() (*psbt.Packet, error) {
	if err := p.fits(); err != nil {
		return nil, err
	}
	packet, err := ParsePSBT(p.PSBT)
	if err != nil {
		return nil, err
	}
	return packet, wallet.GivePrevTxs(packet, p.PrevTxs)
}

// clonePacket copies packet, but for the previous transactions, which nobody
// changes and both share.
func clonePacket(packet *psbt.Packet) (*psbt.Packet, error) {
	bare := *packet
	bare.Inputs = slices.Clone(packet.Inputs)
	for i := range bare.Inputs {
		bare.Inputs[i].NonWitnessUtxo = nil
	}
	raw, err := EncodePSBT(&bare)
	if err != nil {
		return nil, err
	}
	copied, err := ParsePSBT(raw)
	if err != nil {
		return nil, err
	}
	for i := range copied.Inputs {
		copied.Inputs[i].NonWitnessUtxo = packet.Inputs[i].NonWitnessUtxo
	}
	return copied, nil
}
