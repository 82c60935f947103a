package txbuild

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"unicode/utf16"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
)

// Brought is what people bring back from where they signed: a PSBT or, from a wallet
// that finished it, the transaction. One of the two is set.
type Brought struct {
	Packet *psbt.Packet
	Tx     *wire.MsgTx
}

// TxID is the id of the transaction that was brought.
func (b Brought) TxID() chainhash.Hash {
	if b.Tx != nil {
		return b.Tx.TxHash()
	}
	return b.Packet.UnsignedTx.TxHash()
}

// ReadBrought reads a PSBT of version 0 or 2, or a signed transaction, as programs
// save it and as people paste it: binary, hex or base64, with a byte order mark, in
// UTF-16, with line breaks, spaces and quotation marks. What it cannot use it names.
// The error is Malformed with code bad_psbt and, where it is known what was given
// instead, param what, one of wallet's Found constants; it never holds any of the data.
func ReadBrought(data []byte) (Brought, error) {
	if len(data) > maxPSBTText {
		return Brought{}, notBrought("", "This is larger than a signed transaction can be.")
	}
	if bytes.HasPrefix(data, []byte(psbtMagic)) {
		return readPacket(data)
	}
	if kind := fileKind(data); kind != "" {
		return Brought{}, notBrought("file", "This is "+kind+", not a PSBT.")
	}
	if tx, ok := readTx(data); ok {
		return signedTx(tx)
	}
	text := plainText(data)
	if found, ok := wallet.Recognise(text); ok && found.Secret() {
		return Brought{}, secretBrought(found)
	}
	if raw, ok := decodeText(text); ok {
		if bytes.HasPrefix(raw, []byte(psbtMagic)) {
			return readPacket(raw)
		}
		if tx, ok := readTx(raw); ok {
			return signedTx(tx)
		}
	}
	return Brought{}, nameText(text)
}

func notBrought(what, words string) error {
	e := errs.New(
		errs.Malformed,
		wallet.CodeBadPSBT,
		words+" Nothing was changed: bring the PSBT that was downloaded here, signed, or the finished transaction.",
	)
	if what != "" {
		e.Params = map[string]string{"what": what}
	}
	return e
}

func secretBrought(found wallet.Found) error {
	return &errs.Error{
		Kind:    errs.Malformed,
		Code:    wallet.CodeBadPSBT,
		Params:  map[string]string{"what": string(found.Code)},
		Message: "This is " + found.Name + ", which nobody but its owner may see. It was not kept and nothing was changed, but it has left your machine: treat it as stolen, and tell the other treasurers.",
	}
}

// nameText says what a text is that is no PSBT.
func nameText(text string) error {
	squeezed := wallet.Squeeze(text)
	if squeezed == "" {
		return notBrought("", "This is empty.")
	}
	found, ok := wallet.Recognise(text)
	switch {
	case !ok:
		return notBrought("", "This is neither a PSBT nor a transaction.")
	case found.Code == wallet.FoundPSBT:
		return notBrought(string(found.Code), "This is a PSBT that was damaged or cut short.")
	case found.Code == wallet.FoundTransaction:
		return notBrought(string(found.Code), "This is a transaction that was damaged or cut short.")
	case found.Code == wallet.FoundTxID:
		return notBrought(string(found.Code), "These are "+found.Name+", not the transaction itself.")
	case found.Code == wallet.FoundJSON:
		return notBrought(
			string(found.Code),
			"This is JSON. Where a value in it is named psbt or hex, paste that value alone.",
		)
	case found.Code == wallet.FoundQRPart:
		return notBrought(
			string(found.Code),
			"This is "+found.Name+", which holds a part of a PSBT at most. Save it as a file on the device instead.",
		)
	}
	return notBrought(string(found.Code), "This is "+found.Name+", not a PSBT.")
}

// readPacket reads a binary PSBT of either version.
func readPacket(raw []byte) (Brought, error) {
	if len(raw) > MaxPSBTBytes {
		return Brought{}, notBrought(string(wallet.FoundPSBT), "This PSBT is larger than 8 MiB.")
	}
	damaged := func(err error) (Brought, error) {
		e := errs.Wrap(
			err,
			errs.Malformed,
			wallet.CodeBadPSBT,
			"This is a PSBT that was damaged, cut short or changed. Nothing was changed here: export it again from where it was signed.",
		)
		e.Params = map[string]string{"what": string(wallet.FoundPSBT)}
		return Brought{}, e
	}
	version, err := versionOf(raw)
	if err != nil {
		return damaged(err)
	}
	var packet *psbt.Packet
	switch version {
	case 0:
		packet, err = ParsePSBT(raw)
	case 2:
		packet, err = fromVersion2(raw)
	default:
		return Brought{}, notBrought(
			string(wallet.FoundPSBT),
			"This is a PSBT of a version that is not known here; 0 and 2 are read.",
		)
	}
	if err != nil {
		return damaged(err)
	}
	return Brought{Packet: packet}, nil
}

// readTx reads a transaction as nodes relay it, with nothing behind it.
func readTx(raw []byte) (*wire.MsgTx, bool) {
	const least = 4 + 1 + 41 + 1 + 9 + 4
	if len(raw) < least {
		return nil, false
	}
	if version := binary.LittleEndian.Uint32(raw); version == 0 || version > 3 {
		return nil, false // random bytes and text
	}
	tx, r := wire.NewMsgTx(0), bytes.NewReader(raw)
	if err := tx.Deserialize(r); err != nil || r.Len() > 0 || len(tx.TxIn) == 0 || len(tx.TxOut) == 0 {
		return nil, false
	}
	return tx, true
}

// signedTx refuses a transaction that nobody has signed.
func signedTx(tx *wire.MsgTx) (Brought, error) {
	for _, in := range tx.TxIn {
		if len(in.Witness) > 0 || len(in.SignatureScript) > 0 {
			return Brought{Tx: tx}, nil
		}
	}
	return Brought{}, notBrought(string(wallet.FoundTransaction), "This is a transaction without signatures.")
}

// plainText makes UTF-8 of what programs save: Windows PowerShell writes UTF-16, and
// editors a byte order mark.
func plainText(data []byte) string {
	for _, order := range []struct {
		mark  []byte
		order binary.ByteOrder
	}{{[]byte{0xff, 0xfe}, binary.LittleEndian}, {[]byte{0xfe, 0xff}, binary.BigEndian}} {
		if rest, ok := bytes.CutPrefix(data, order.mark); ok {
			units := make([]uint16, len(rest)/2)
			for i := range units {
				units[i] = order.order.Uint16(rest[2*i:])
			}
			return string(utf16.Decode(units))
		}
	}
	return strings.TrimPrefix(string(data), "\ufeff")
}

// decodeText undoes hex or base64 of any alphabet, with or without its end marks.
func decodeText(text string) ([]byte, bool) {
	s := strings.Trim(wallet.Squeeze(text), "\"'`“”‘’«»")
	if raw, err := hex.DecodeString(s); err == nil {
		return raw, true
	}
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	raw, err := base64.RawStdEncoding.DecodeString(s)
	return raw, err == nil && len(raw) > 0
}

// fileKind names files that people pick by mistake, by how they begin.
func fileKind(data []byte) string {
	for _, kind := range []struct{ magic, name string }{
		{"\x89PNG", "an image"},
		{"\xff\xd8\xff", "an image"},
		{"GIF8", "an image"},
		{"BM\x00", "an image"},
		{"<svg", "an image"},
		{"%PDF", "a PDF file"},
		{"PK\x03\x04", "a ZIP or Office file"},
		{"\x1f\x8b", "a packed file (gzip)"},
		{"7z\xbc\xaf", "a packed file (7z)"},
		{"Rar!", "a packed file (RAR)"},
		{"SQLite format 3", "a database, perhaps a wallet's own file"},
		{"\x7fELF", "a program"},
		{"MZ", "a program"},
		{"-----BEGIN PGP", "a message in PGP's format"},
		{"<!DOCTYPE", "a web page"},
		{"<html", "a web page"},
	} {
		if bytes.HasPrefix(data, []byte(kind.magic)) {
			return kind.name
		}
	}
	if len(data) > 12 && (string(data[:4]) == "RIFF" || string(data[4:8]) == "ftyp") {
		return "an image or a film"
	}
	return ""
}

// Finished makes a PSBT of own whose inputs are finished with the witnesses of tx,
// which has to be the same transaction: Merge then verifies what it takes over.
func Finished(own *psbt.Packet, tx *wire.MsgTx) (*psbt.Packet, error) {
	if tx.TxHash() != own.UnsignedTx.TxHash() || len(own.Inputs) != len(tx.TxIn) {
		return nil, errs.New(
			errs.Invalid,
			CodePSBTChanged,
			"This transaction is not the one that was exported. It was not used. Sign the exported file again.",
		)
	}
	packet, err := psbt.NewFromUnsignedTx(own.UnsignedTx.Copy())
	if err != nil {
		return nil, errs.Wrap(err, errs.Internal, wallet.CodeBadPSBT, "The PSBT could not be made.")
	}
	for i, in := range tx.TxIn {
		if len(in.Witness) == 0 {
			continue
		}
		var b bytes.Buffer
		if err := psbt.WriteTxWitness(&b, in.Witness); err != nil {
			return nil, errs.Wrap(err, errs.Internal, wallet.CodeBadPSBT, "The PSBT could not be made.")
		}
		packet.Inputs[i].FinalScriptWitness = b.Bytes()
	}
	return packet, nil
}

// File is a PSBT as people take it out (BIP 174): with the previous transaction in
// each input that spends it, and the account keys of a treasury of several.
type File struct {
	PSBT []byte
	// Bare says that the previous transactions were left out, since with them the
	// file would be larger than MaxPSBTBytes. Each input still states what it is worth
	// (witness_utxo), which is all that a P2TR signature needs; a device that wants
	// the whole transactions of other inputs refuses the file.
	Bare bool
}

// FileOf returns packet as a file.
func FileOf(packet *psbt.Packet, d *wallet.Descriptor) (File, error) {
	out := *packet
	out.XPubs = d.GlobalXPubs()
	bare, _, err := wallet.TakePrevTxs(&out)
	if err != nil {
		return File{}, err
	}
	f := File{Bare: IsBare(packet)}
	if f.Bare {
		out = *bare
	}
	f.PSBT, err = EncodePSBT(&out)
	return f, err
}

// prevTxField is what a previous transaction takes in an input beside its own bytes:
// key, and the two lengths.
const prevTxField = 1 + 1 + 5

// maxBareShare is what is kept of MaxPSBTBytes for all but previous transactions.
const maxBareShare = MaxPackedBytes / 2

// IsBare reports whether packet as a file would have to leave its previous
// transactions out.
func IsBare(packet *psbt.Packet) bool {
	size := maxBareShare
	known := map[*wire.MsgTx]int{}
	for i := range packet.Inputs {
		prev := packet.Inputs[i].NonWitnessUtxo
		if prev == nil {
			continue
		}
		if known[prev] == 0 {
			known[prev] = prev.SerializeSizeStripped() + prevTxField
		}
		size += known[prev]
	}
	return size > MaxPSBTBytes
}
