package txbuild

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// Fields of BIP 370, each a key of one byte.
const (
	globalTxVersion, globalFallbackLocktime, globalInputCount, globalOutputCount, globalTxModifiable = 0x02, 0x03, 0x04, 0x05, 0x06

	inPreviousTxid, inOutputIndex, inSequence, inTimeLocktime, inHeightLocktime = 0x0e, 0x0f, 0x10, 0x11, 0x12

	outAmount, outScript = 0x03, 0x04

	// lockTimeThreshold parts heights from Unix times.
	lockTimeThreshold = 500_000_000
)

// field is one key and value of a PSBT map, as it stands there.
type field struct{ key, value []byte }

// fields is one map.
type fields []field

// readFields reads one map; a key that appears twice is refused.
func readFields(r *bytes.Reader) (fields, error) {
	var list fields
	err := readMap(r, func(key, value []byte) error {
		list = append(list, field{key, value})
		return nil
	})
	return list, err
}

// take removes the field of this type and returns its value, nil when there is none.
// Fields of BIP 370 have no key data.
func (f *fields) take(kind byte) ([]byte, error) {
	for i, one := range *f {
		if one.key[0] != kind {
			continue
		}
		if len(one.key) != 1 {
			return nil, fmt.Errorf("field %#x has key data", kind)
		}
		*f = slices.Delete(slices.Clone(*f), i, i+1)
		return one.value, nil
	}
	return nil, nil
}

// need is take for a field that has to be there.
func (f *fields) need(kind byte, size int) ([]byte, error) {
	value, err := f.take(kind)
	if err == nil && value == nil {
		err = fmt.Errorf("field %#x is missing", kind)
	}
	if err == nil && size > 0 && len(value) != size {
		err = fmt.Errorf("field %#x has %d bytes, not %d", kind, len(value), size)
	}
	return value, err
}

// uint32 takes a field of four bytes; ok is false when it is not there.
func (f *fields) uint32(kind byte) (n uint32, ok bool, err error) {
	value, err := f.take(kind)
	if err != nil || value == nil {
		return 0, false, err
	}
	if len(value) != 4 {
		return 0, false, fmt.Errorf("field %#x has %d bytes, not 4", kind, len(value))
	}
	return binary.LittleEndian.Uint32(value), true, nil
}

// count takes a compact size.
func (f *fields) count(kind byte) (uint64, error) {
	value, err := f.need(kind, 0)
	if err != nil {
		return 0, err
	}
	r := bytes.NewReader(value)
	n, err := wire.ReadVarInt(r, 0)
	if err == nil && r.Len() > 0 {
		err = fmt.Errorf("field %#x has bytes left over", kind)
	}
	return n, err
}

func (f fields) write(b *bytes.Buffer) error {
	for _, one := range f {
		if err := wire.WriteVarBytes(b, 0, one.key); err != nil {
			return err
		}
		if err := wire.WriteVarBytes(b, 0, one.value); err != nil {
			return err
		}
	}
	return b.WriteByte(0)
}

// versionOf returns the version that a binary PSBT states; 0 when it states none.
func versionOf(raw []byte) (uint32, error) {
	globals, err := readFields(bytes.NewReader(raw[len(psbtMagic):]))
	if err != nil {
		return 0, err
	}
	version, _, err := globals.uint32(globalVersion)
	return version, err
}

// fromVersion2 makes the PSBT of version 0 that says the same as raw, a binary one of
// version 2 (BIP 370). What version 0 does not know is left out: which inputs and
// outputs may still be added, and the locktimes that inputs ask for, of which the
// transaction's own was made.
func fromVersion2(raw []byte) (*psbt.Packet, error) {
	r := bytes.NewReader(raw[len(psbtMagic):])
	globals, err := readFields(r)
	if err != nil {
		return nil, err
	}
	tx, inputs, outputs, err := globalsOf(&globals)
	if err != nil {
		return nil, err
	}
	// Every map takes a byte at least, so that a count cannot ask for more than is there.
	if left := uint64(r.Len()); inputs > left || outputs > left { //nolint:gosec // never below zero
		return nil, fmt.Errorf("%d inputs and %d outputs in %d bytes", inputs, outputs, left)
	}
	maps := make([]fields, 0, inputs+outputs)
	locks := locktime{fallback: tx.LockTime, heights: true, times: true}
	for i := range inputs {
		in, err := readFields(r)
		if err != nil {
			return nil, fmt.Errorf("input %d: %w", i, err)
		}
		txIn, err := inputOf(&in, &locks)
		if err != nil {
			return nil, fmt.Errorf("input %d: %w", i, err)
		}
		tx.AddTxIn(txIn)
		maps = append(maps, in)
	}
	for i := range outputs {
		out, err := readFields(r)
		if err != nil {
			return nil, fmt.Errorf("output %d: %w", i, err)
		}
		txOut, err := outputOf(&out)
		if err != nil {
			return nil, fmt.Errorf("output %d: %w", i, err)
		}
		tx.AddTxOut(txOut)
		maps = append(maps, out)
	}
	if r.Len() > 0 {
		return nil, fmt.Errorf("%d bytes left over", r.Len())
	}
	if tx.LockTime, err = locks.of(); err != nil {
		return nil, err
	}
	return asVersion0(tx, globals, maps)
}

// globalsOf takes the global fields of version 2 out.
func globalsOf(globals *fields) (tx *wire.MsgTx, inputs, outputs uint64, err error) {
	if unsigned, err := globals.take(byte(psbt.UnsignedTxType)); err != nil || unsigned != nil {
		return nil, 0, 0, errors.New("version 2 has no unsigned transaction")
	}
	if _, err := globals.need(globalVersion, 4); err != nil {
		return nil, 0, 0, err
	}
	version, err := globals.need(globalTxVersion, 4)
	if err != nil {
		return nil, 0, 0, err
	}
	tx = wire.NewMsgTx(int32(binary.LittleEndian.Uint32(version))) //nolint:gosec // the same four bytes
	if tx.LockTime, _, err = globals.uint32(globalFallbackLocktime); err != nil {
		return nil, 0, 0, err
	}
	if inputs, err = globals.count(globalInputCount); err != nil {
		return nil, 0, 0, err
	}
	if outputs, err = globals.count(globalOutputCount); err != nil {
		return nil, 0, 0, err
	}
	if flags, err := globals.take(globalTxModifiable); err != nil || flags != nil && len(flags) != 1 {
		return nil, 0, 0, errors.New("the flags of what may be modified are not one byte")
	}
	return tx, inputs, outputs, nil
}

func inputOf(in *fields, locks *locktime) (*wire.TxIn, error) {
	txid, err := in.need(inPreviousTxid, chainhash.HashSize)
	if err != nil {
		return nil, err
	}
	index, err := in.need(inOutputIndex, 4)
	if err != nil {
		return nil, err
	}
	out := wire.NewTxIn(&wire.OutPoint{Hash: chainhash.Hash(txid), Index: binary.LittleEndian.Uint32(index)}, nil, nil)
	if sequence, ok, err := in.uint32(inSequence); err != nil {
		return nil, err
	} else if ok {
		out.Sequence = sequence
	}
	return out, locks.add(in)
}

func outputOf(out *fields) (*wire.TxOut, error) {
	amount, err := out.need(outAmount, 8)
	if err != nil {
		return nil, err
	}
	script, err := out.need(outScript, 0)
	if err != nil {
		return nil, err
	}
	return wire.NewTxOut(int64(binary.LittleEndian.Uint64(amount)), script), nil //nolint:gosec // the same eight bytes
}

// locktime works out the lock time that every input can live with (BIP 370,
// Determining Lock Time).
type locktime struct {
	fallback       uint32
	asked          bool
	heights, times bool // every input that asks for one takes this kind
	height, time   uint32
}

func (l *locktime) add(in *fields) error {
	time, hasTime, err := in.uint32(inTimeLocktime)
	if err != nil {
		return err
	}
	height, hasHeight, err := in.uint32(inHeightLocktime)
	switch {
	case err != nil:
		return err
	case hasTime && time < lockTimeThreshold:
		return errors.New("a required time is a height")
	case hasHeight && (height == 0 || height >= lockTimeThreshold):
		return errors.New("a required height is none")
	case hasTime || hasHeight:
		l.asked, l.times, l.heights = true, l.times && hasTime, l.heights && hasHeight
		l.time, l.height = max(l.time, time), max(l.height, height)
	}
	return nil
}

func (l *locktime) of() (uint32, error) {
	switch {
	case !l.asked:
		return l.fallback, nil
	case l.heights:
		return l.height, nil
	case l.times:
		return l.time, nil
	}
	return 0, errors.New("its inputs ask for lock times of different kinds")
}

// asVersion0 writes the maps that are left behind tx, and reads the whole as every
// PSBT of version 0 is read.
func asVersion0(tx *wire.MsgTx, globals fields, maps []fields) (*psbt.Packet, error) {
	if len(tx.TxIn) == 0 {
		return nil, errors.New("no inputs")
	}
	var unsigned, b bytes.Buffer
	if err := tx.SerializeNoWitness(&unsigned); err != nil {
		return nil, err
	}
	b.WriteString(psbtMagic)
	globals = append(fields{{key: []byte{byte(psbt.UnsignedTxType)}, value: unsigned.Bytes()}}, globals...)
	for _, m := range append([]fields{globals}, maps...) {
		if err := m.write(&b); err != nil {
			return nil, err
		}
	}
	return ParsePSBT(b.Bytes())
}
