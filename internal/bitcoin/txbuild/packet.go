package txbuild

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
)

// MaxPSBTBytes is the most that a PSBT may have in its binary form.
const MaxPSBTBytes = 8 << 20

// maxPSBTText is a little more than MaxPSBTBytes as hex.
const maxPSBTText = 2*MaxPSBTBytes + 64<<10

// Key types of BIP 370, which mean nothing in version 0.
const (
	globalVersion               = 0xfb
	globalV2First, globalV2Last = 0x02, 0x06
	inputV2First, inputV2Last   = 0x0e, 0x12
	outputV2First, outputV2Last = 0x03, 0x04
	psbtMagic, psbtMagicHex     = "psbt\xff", "70736274ff"
)

// EncodePSBT returns the binary form of packet (BIP 174 version 0).
func EncodePSBT(packet *psbt.Packet) ([]byte, error) {
	var buf bytes.Buffer
	if err := packet.Serialize(&buf); err != nil {
		return nil, errs.Wrap(err, errs.Internal, wallet.CodeBadPSBT, "The PSBT could not be written.")
	}
	return buf.Bytes(), nil
}

// ParsePSBT reads a PSBT of version 0 as people have it: a binary file, or text
// in base64 or hex, which may be wrapped and indented. Version 2 (BIP 370) and
// its fields in a version 0 file are refused, and so is a key that appears twice or
// a value with bytes left over.
// The error is Malformed with code bad_psbt.
func ParsePSBT(raw []byte) (*psbt.Packet, error) {
	bad := func(err error) (*psbt.Packet, error) {
		return nil, errs.Wrap(err, errs.Malformed, wallet.CodeBadPSBT, "This is not a PSBT that can be read.")
	}
	raw, err := binaryPSBT(raw)
	if err != nil {
		return bad(err)
	}
	r := bytes.NewReader(raw)
	packet, err := psbt.NewFromRawBytes(r, false)
	if err != nil || r.Len() > 0 {
		return bad(err)
	}
	if err := checkFields(raw, packet); err != nil {
		return bad(err)
	}
	return packet, nil
}

// binaryPSBT undoes base64 or hex.
func binaryPSBT(raw []byte) ([]byte, error) {
	if len(raw) > maxPSBTText {
		return nil, errors.New("too long")
	}
	if !bytes.HasPrefix(raw, []byte(psbtMagic)) {
		text := bytes.Join(bytes.Fields(raw), nil)
		decode := base64.StdEncoding.DecodeString
		if len(text) >= len(psbtMagicHex) && strings.EqualFold(string(text[:len(psbtMagicHex)]), psbtMagicHex) {
			decode = hex.DecodeString
		}
		var err error
		if raw, err = decode(string(text)); err != nil {
			return nil, err
		}
	}
	if len(raw) > MaxPSBTBytes {
		return nil, errors.New("too long")
	}
	return raw, nil
}

// checkFields reads the key-value maps of raw, which packet was parsed from,
// again, and refuses what the parser below lets pass: fields of version 2, which
// another reader could take for the transaction; a key given twice; and bytes
// left over behind a transaction or an output.
func checkFields(raw []byte, packet *psbt.Packet) error {
	r := bytes.NewReader(raw[len(psbtMagic):])
	if err := readMap(r, func(key, value []byte) error {
		switch {
		case key[0] == globalVersion && !bytes.Equal(value, make([]byte, 4)):
			return errors.New("the PSBT is not of version 0")
		case key[0] == 0:
			return exactly(value, packet.UnsignedTx.SerializeSizeStripped())
		}
		return notVersion2(key, globalV2First, globalV2Last)
	}); err != nil {
		return err
	}
	for i := range packet.Inputs {
		in := &packet.Inputs[i]
		if err := readMap(r, func(key, value []byte) error {
			switch kind := psbt.InputType(key[0]); {
			case kind == psbt.NonWitnessUtxoType && in.NonWitnessUtxo != nil:
				return exactly(value, in.NonWitnessUtxo.SerializeSize())
			case kind == psbt.WitnessUtxoType && in.WitnessUtxo != nil:
				return sameOutput(value, in.WitnessUtxo)
			}
			return notVersion2(key, inputV2First, inputV2Last)
		}); err != nil {
			return fmt.Errorf("input %d: %w", i, err)
		}
	}
	for i := range packet.Outputs {
		if err := readMap(
			r,
			func(key, _ []byte) error { return notVersion2(key, outputV2First, outputV2Last) },
		); err != nil {
			return fmt.Errorf("output %d: %w", i, err)
		}
	}
	return nil
}

// readMap hands each field of one BIP 174 map to check.
func readMap(r *bytes.Reader, check func(key, value []byte) error) error {
	seen := make(map[string]bool)
	for {
		key, err := wire.ReadVarBytes(r, 0, uint32(r.Len()), "key") //nolint:gosec // at most MaxPSBTBytes
		if err != nil || len(key) == 0 {
			return err
		}
		value, err := wire.ReadVarBytes(r, 0, uint32(r.Len()), "value") //nolint:gosec // at most MaxPSBTBytes
		if err != nil {
			return err
		}
		if seen[string(key)] {
			return fmt.Errorf("field %x appears twice", key)
		}
		seen[string(key)] = true
		if err := check(key, value); err != nil {
			return err
		}
	}
}

// sameOutput reports an output that was stated in another way than it is written.
func sameOutput(value []byte, out *wire.TxOut) error {
	var b bytes.Buffer
	if err := wire.WriteTxOut(&b, 0, 0, out); err != nil {
		return err
	}
	if !bytes.Equal(b.Bytes(), value) {
		return errors.New("an output is not stated as it is written")
	}
	return nil
}

func exactly(value []byte, size int) error {
	if len(value) != size {
		return fmt.Errorf("a field has %d bytes and holds %d", len(value), size)
	}
	return nil
}

func notVersion2(key []byte, first, last byte) error {
	if key[0] >= first && key[0] <= last {
		return fmt.Errorf("field %#x belongs to version 2", key[0])
	}
	return nil
}

// Merge returns a copy of own with the signatures of signed added to those it
// has (BIP 174 combiner), and nothing else of it. Each added signature was
// verified; a finished input is taken apart into its signatures. Where signed
// differs from own in anything but signatures, as Diff says, the error is Invalid
// with code psbt_changed and a field error for each difference. A signature that
// does not hold is Invalid with code bad_signature and param input.
func Merge(own, signed *psbt.Packet) (*psbt.Packet, error) {
	if changes := Diff(own, signed); len(changes) > 0 {
		return nil, changed(changes)
	}
	merged, err := clonePacket(own)
	if err != nil {
		return nil, err
	}
	checker, err := wallet.NewChecker(merged)
	if err != nil {
		return nil, err
	}
	for i := range merged.Inputs {
		added, err := checker.Verify(i, &signed.Inputs[i])
		if err != nil {
			return nil, err
		}
		to := &merged.Inputs[i]
		if len(added.KeyPath) > 0 {
			to.TaprootKeySpendSig = added.KeyPath
		}
		for _, sig := range added.Partial {
			if !slices.ContainsFunc(
				to.PartialSigs,
				func(p *psbt.PartialSig) bool { return bytes.Equal(p.PubKey, sig.PubKey) },
			) {
				to.PartialSigs = append(to.PartialSigs, sig)
			}
		}
	}
	return merged, nil
}

// maxShownChanges keeps an error about a wholly other PSBT readable.
const maxShownChanges = 20

func changed(changes []string) error {
	e := errs.Newf(errs.Invalid, CodePSBTChanged,
		"This PSBT is not the one that was exported: %s It was not used. Sign the exported file again.",
		strings.Join(changes[:min(len(changes), 3)], " "))
	for _, c := range changes[:min(len(changes), maxShownChanges)] {
		e.Fields = append(e.Fields, errs.Field{Field: "psbt", Code: CodePSBTChanged, Message: c})
	}
	e.Params = map[string]string{"changes": strconv.Itoa(len(changes))}
	return e
}

// Progress says how far the signing of a PSBT has come.
type Progress struct {
	Signed  []string // fingerprints of those who signed every input
	Open    []string // fingerprints of those who did not, or not every input
	Need    int      // signatures that each input needs
	Missing int      // signatures that the input furthest behind still lacks
}

// Complete reports whether ExtractSigned has all it needs.
func (p Progress) Complete() bool { return p.Missing == 0 }

// Missing says who has signed packet and how many more must. Every signature was
// verified. Errors are Invalid with the codes of wallet's OwnInput and
// bad_signature.
func Missing(packet *psbt.Packet, d *wallet.Descriptor) (Progress, error) {
	inputs, err := d.SignersOfInputs(packet)
	if err != nil {
		return Progress{}, err
	}
	p := Progress{}
	p.Need, _ = d.Threshold()
	for _, f := range d.Fingerprints() {
		if slices.ContainsFunc(inputs, func(who []string) bool { return !slices.Contains(who, f) }) {
			p.Open = append(p.Open, f)
		} else {
			p.Signed = append(p.Signed, f)
		}
	}
	for _, who := range inputs {
		p.Missing = max(p.Missing, p.Need-len(who))
	}
	return p, nil
}
