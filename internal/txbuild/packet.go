package txbuild

import (
	"bytes"

	"github.com/btcsuite/btcd/psbt/v2"

	"github.com/causeway-fund/causeway/internal/errs"
)

// MaxPSBTBytes is the most that ParsePSBT reads.
const MaxPSBTBytes = 8 << 20

// EncodePSBT returns the binary form of packet (BIP 174 version 0).
func EncodePSBT(packet *psbt.Packet) ([]byte, error) {
	var buf bytes.Buffer
	if err := packet.Serialize(&buf); err != nil {
		return nil, errs.Wrap(err, errs.Internal, "bad_psbt", "The PSBT could not be written.")
	}
	return buf.Bytes(), nil
}

// ParsePSBT reads the binary form of a PSBT. The error is Malformed with code
// bad_psbt.
func ParsePSBT(raw []byte) (*psbt.Packet, error) {
	bad := func(err error) (*psbt.Packet, error) {
		return nil, errs.Wrap(err, errs.Malformed, "bad_psbt", "This is not a PSBT that can be read.")
	}
	if len(raw) > MaxPSBTBytes {
		return bad(nil)
	}
	r := bytes.NewReader(raw)
	packet, err := psbt.NewFromRawBytes(r, false)
	if err != nil || r.Len() > 0 {
		return bad(err)
	}
	return packet, nil
}

func clonePacket(packet *psbt.Packet) (*psbt.Packet, error) {
	raw, err := EncodePSBT(packet)
	if err != nil {
		return nil, err
	}
	return ParsePSBT(raw)
}

// Merge returns a copy of own with the signatures of signed, and nothing else of
// it. Both must hold the same unsigned transaction; otherwise the error is
// Internal with code plan_mismatch.
func Merge(own, signed *psbt.Packet) (*psbt.Packet, error) {
	if own.UnsignedTx.TxHash() != signed.UnsignedTx.TxHash() || len(own.Inputs) != len(signed.Inputs) {
		return nil, mismatch("the signer returned transaction %s, asked for %s", signed.UnsignedTx.TxHash(), own.UnsignedTx.TxHash())
	}
	merged, err := clonePacket(own)
	if err != nil {
		return nil, err
	}
	for i := range merged.Inputs {
		to, from := &merged.Inputs[i], &signed.Inputs[i]
		to.PartialSigs = from.PartialSigs
		to.TaprootKeySpendSig = from.TaprootKeySpendSig
		to.FinalScriptSig = from.FinalScriptSig
		to.FinalScriptWitness = from.FinalScriptWitness
	}
	return merged, nil
}
